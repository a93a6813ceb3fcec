"""Submit an encounter: the service builds the bundle, signs it with the facility's key and receives it."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from claims.building.build import Built, build_bundle
from claims.building.trace import trace_to_json
from claims.emr.encounter import Encounter
from claims.emr.recognizing import parse_document
from claims.errors import ClaimsError
from claims.exchange.errors import NoSigningKey
from claims.exchange.ports import Catalogues, Clock, Origin, SigningKeys, Submissions
from claims.exchange.receive import ReceiveBundle, Received
from claims.exchange.submission import FacilityCode
from claims.localtime import local_date, parse_day
from claims.proof.tokens import canonical_json
from signing.keys import Signer
from signing.sign import prepare_bundle, sign_bundle

_MADE_ON: Final = re.compile(rb"<NGAYLAP>([0-9]{8})</NGAYLAP>")


class WrongFacility(ClaimsError):
    """An encounter document names another facility than the one that submits it."""

    def __init__(self, named: str, caller: str) -> None:
        super().__init__(f"the encounter is of facility {named}, but facility {caller} submits it")
        self.named = named
        self.caller = caller


@dataclass(frozen=True, slots=True)
class SubmitEncounter:
    """Turn one encounter document into a signed bundle and receive that."""

    submissions: Submissions
    keys: SigningKeys
    receive: ReceiveBundle
    clock: Clock
    catalogues: Catalogues

    def __call__(
        self,
        document: bytes,
        *,
        facility: FacilityCode,
        actor: str,
        idempotency_key: str | None = None,
        reason: str | None = None,
    ) -> Received:
        """Build, sign and receive; what an earlier day has made of the document the same way comes again.

        Raises:
            MalformedEncounter: The document cannot be read, or is of another kind; every problem is listed.
            CannotBuild: It can be read, but no claim can be made from it.
            WrongFacility: It is another facility's.
            NoSigningKey: The service holds no key for the facility.
            IdempotencyMismatch: The key came before with another document.
        """
        digest = hashlib.sha256(document).hexdigest()
        if idempotency_key is not None:
            # Other lists or another certificate make other bytes of it: the key stands for the document.
            known = self.submissions.find_by_key(facility, idempotency_key, request_sha256=digest)
            if known is not None:
                return self.receive.again(known)
        encounter = parse_document(document)
        if encounter.facility != facility:
            raise WrongFacility(encounter.facility, facility)
        signer = self.keys.find(facility)
        if signer is None:
            raise NoSigningKey(facility)
        built = self._build(encounter, local_date(self.clock.now()))
        return self.receive(
            self._made_before(digest, encounter, built, signer) or sign_bundle(built.bundle, signer),
            facility=facility,
            actor=actor,
            idempotency_key=idempotency_key,
            origin=Origin(document, canonical_json(trace_to_json(built))),
            reason=reason,
        )

    def _build(self, encounter: Encounter, made_on: date) -> Built:
        catalogue = self.catalogues.find(FacilityCode(encounter.facility))
        return build_bundle([encounter], made_on=made_on, catalogue=catalogue)

    def _made_before(self, digest: str, encounter: Encounter, built: Built, signer: Signer) -> bytes | None:
        """Return what an earlier day made of this very document, if today's differs by the day only.

        With other prices, codes or another certificate it is another version, and goes its own way.
        """
        facility = FacilityCode(encounter.facility)
        for submission_id in self.submissions.built_from(digest, facility, built.claims[0].ma_lk):
            body = self.submissions.body(submission_id)
            written = _MADE_ON.search(body)
            made_on = parse_day(written[1].decode()) if written else None
            if made_on is None:
                continue
            again = self._build(encounter, made_on)
            if prepare_bundle(again.bundle, signer).is_what_signed(body):
                return body
        return None
