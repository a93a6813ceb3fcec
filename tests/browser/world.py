"""A small world for the console to show: facilities, people of every role, claims that the gateway took."""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from claims.building.build import build_bundle
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.exchange.access.people import Person, grant_of
from claims.exchange.access.session import Stage
from claims.exchange.registrations import Note, RegistrationChange, RegistrationEvent
from claims.exchange.review.policy import default_policy
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.localtime import local_date
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki, FacilityKey
from signing.sign import sign_bundle
from tests.fakes import RecordedJobs, ScriptedGateway

FACILITIES: Final[Mapping[str, str]] = {
    "79001": "Bệnh viện Đa khoa Thử nghiệm",
    "01001": "Phòng khám Thử nghiệm",
}
#: Somebody of each role: his name, the role, the place.
PEOPLE: Final[Mapping[str, tuple[str, str, str]]] = {
    "binh": ("Bình Giám Định", "reviewer", ""),
    "chi": ("Chi Giám Định", "reviewer", "79"),
    "dung": ("Dũng Giám Định Trưởng", "senior-reviewer", ""),
    "hoa": ("Hoa Thanh Toán", "hospital", "79001"),
    "quynh": ("Quỳnh Quản Lý", "hospital-admin", "79001"),
    "van": ("Vận Hành", "operator", ""),
    "kiem": ("Kiểm Toán", "auditor", ""),
    "quan": ("Quản Trị", "administrator", ""),
}
#: The finding that many claims have: a medicine without its strength.
COMMON_FINDING: Final = "XML2.HAM_LUONG"
MUST_SEE_FROM: Final = Decimal(1_000_000)
FOUR_EYES_FROM: Final = Decimal(2_500_000)
#: Long enough that a busy machine shows what is done before it cannot be undone any more.
UNDO_S: Final = 45

#: Which of the encounters is about mental health.
PROTECTED: Final = 6

Document = dict[str, Any]


@dataclass
class World:
    """A service on a database of its own, with a gateway that takes everything.

    Attributes:
        protected: A claim of a protected class.
        superseded: The first claim that was submitted.
        corrected: The later version of it, with another amount.
    """

    service: Service
    pki: DemoPki
    people: dict[str, Person] = field(default_factory=dict)
    keys: dict[str, FacilityKey] = field(default_factory=dict)
    superseded: SubmissionId | None = None
    corrected: SubmissionId | None = None
    protected: SubmissionId | None = None

    def session_of(self, login: str) -> str:
        """Return the token of a complete session."""
        return self.service.sessions.open(self.people[login], stage=Stage.FULL, method="password")

    def submit(self, documents: Iterable[Document]) -> Sequence[SubmissionId]:
        """Build, sign, receive, check and deliver encounters; open their reviews."""
        today = local_date(datetime.now(UTC))
        ids = []
        for document in documents:
            facility = FacilityCode(str(document["facility"]))
            built = build_bundle([parse_encounter(json.dumps(document).encode())], made_on=today)
            signed = sign_bundle(built.bundle, self.keys[facility].signer)
            received = self.service.receive(signed, facility=facility, actor="test", idempotency_key=None)
            ids.append(received.submission.id)
        self._see_through(ids)
        return ids

    def submit_encounter(self, document: bytes, *, facility: str) -> SubmissionId:
        """Let the service build and sign an encounter, and see it through as well."""
        received = self.service.submit_encounter(
            document, facility=FacilityCode(facility), actor="test", idempotency_key=None
        )
        self._see_through([received.submission.id])
        return received.submission.id

    def _see_through(self, ids: Sequence[SubmissionId]) -> None:
        self.service.check(ids)
        self.service.deliver(ids)
        while self.service.open_reviews():
            pass

    def register(self, code: str, name: str, *, now: datetime) -> None:
        """Register a facility and its certificate."""
        key = self.pki.leaf(code, valid_from=now - timedelta(hours=1), valid_to=now + timedelta(days=300))
        self.keys[code] = key
        self.service.facilities.add(FacilityCode(code), name=name, at=now)
        event = RegistrationEvent(
            RegistrationChange.REGISTERED, now - timedelta(hours=1), now, Note("test", "")
        )
        (self.service.settings.signing_keys_folder / f"{code}.p12").write_bytes(key.pkcs12)
        certificate = key.certificate.public_bytes(Encoding.DER)
        self.service.registrations.add(FacilityCode(code), certificate, event)


@contextmanager
def a_world(
    database_url: str, broker_url: str, folder: Path, *, claims: int = 72, gateway_url: str | None = None
) -> Iterator[World]:
    """Make one, and close it. The address of the gateway is only shown."""
    pki = DemoPki.create(at=datetime.now(UTC))
    pki.write(folder / "trust")
    (folder / "keys").mkdir()
    settings = Settings(
        data_dir=folder,
        reviews=True,
        gateway_url=gateway_url,
        catalogue_folder=folder / "catalogues",
        signing_keys_passphrase=SecretStr("demo"),
    )
    service = Service(settings, database_url, broker_url)
    policy = default_policy()
    service.__dict__.update(
        jobs=RecordedJobs(),
        gateway=ScriptedGateway(),
        review_policy=replace(
            policy,
            triage=replace(policy.triage, must_see_from=MUST_SEE_FROM, one_in=0),
            four_eyes_from=FOUR_EYES_FROM,
            undo_s=UNDO_S,
        ),
    )
    world = World(service, pki)
    now = datetime.now(UTC)
    for code, name in FACILITIES.items():
        world.register(code, name, now=now)
    for login, (name, role, place) in PEOPLE.items():
        world.people[login], _ = service.manage_people.add(
            login, name=name, grants=[grant_of(role, place)], by="test"
        )
    documents = [
        dict(one)
        for one in generate_encounters(
            seed=7, count=claims, facilities=list(FACILITIES), on=local_date(datetime.now(UTC))
        )
    ]
    ids = world.submit(_with_faults(documents))
    # The first one again, as the hospital corrects it: a later version of the same claim.
    world.protected = ids[PROTECTED]
    world.superseded, world.corrected = ids[0], world.submit([_corrected(documents[0])])[0]
    try:
        yield world
    finally:
        service.close()


def _with_faults(documents: Sequence[Document]) -> Iterator[Document]:
    """Take the strength from a medicine of every second claim that has some; make one a protected record."""
    for number, document in enumerate(documents):
        if number == PROTECTED:
            yield {**document, "diagnoses": {**document["diagnoses"], "main": "F41.9"}}
        elif number % 2 and document.get("medications"):
            yield without_strength(document)
        else:
            yield document


def without_strength(document: Document) -> Document:
    """Return an encounter whose first medicine does not say how strong it is: a warning."""
    changed = copy.deepcopy(document)
    changed["medications"][0].pop("strength", None)
    return changed


def _corrected(document: Document) -> Document:
    changed = copy.deepcopy(document)
    changed["encounter"]["reason"] = "Khó thở, ho kéo dài"
    changed["encounter"]["weight_kg"] = "49"
    changed["medications"] = changed["medications"][1:]
    return changed
