"""A complete archive made without a database: a signed bundle, its records, a log, a timestamp."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from claims.building.build import build_bundle
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.proof.archive import ArchiveContents, Inclusion, make_archive
from claims.proof.keys import Authority, by_key_id, key_set
from claims.proof.material import material_of
from claims.proof.merkle import leaf_hash, node_hash, prove_inclusion, root_of
from claims.proof.records import (
    AcceptanceReceipt,
    Record,
    TreeHead,
    gateway_receipt_digest,
    report_digests,
    token_digest,
)
from claims.proof.tokens import ServiceKey, canonical_json, digest_of
from claims.proof.trusted import TRUST, inventory_of
from signing.demo_pki import DemoPki
from signing.demo_tsa import DemoTsa
from signing.report.as_etsi import report_to_etsi
from signing.report.as_json import report_to_json
from signing.report.record import TrustMaterial
from signing.report.report import Terms, report_on
from signing.sign import sign_bundle
from signing.timestamps.ask import ask_timestamp
from signing.trust import TrustStore
from tests.fakes import NOON

SUBMISSION = "sub_01KASWY1C4R4T9QZ3R5J8M2X6B"
LATER = {"assessment.1": {"ma_lk": "LK1", "granted_vnd": "120000"}, "decision.1": {"verdict": "accepted"}}
ANSWER = b'{"maKetQua":"200","maGiaoDich":"GD1"}'


@dataclass(frozen=True)
class Made:
    """An archive with everything that made it."""

    data: bytes
    contents: ArchiveContents
    key: ServiceKey
    authority: Authority
    pki: DemoPki
    tsa: DemoTsa
    trust: TrustStore

    def another(self) -> "Made":
        """Return the archive of another submission to the same service."""
        bundle, document = _bundle(self.pki, seed=2)
        contents = _contents(
            bundle, document, self.authority, self.key, self.trust, self.tsa, submission=f"{SUBMISSION[:-1]}C"
        )
        return replace(self, data=make_archive(contents, self.key), contents=contents)

    def with_contents(self, **changes: object) -> bytes:
        """Return the archive with other contents, signed by the service all the same."""
        return make_archive(replace(self.contents, **changes), self.key)  # type: ignore[arg-type]

    def in_the_name_of(self, key: ServiceKey) -> bytes:
        """Return an archive of the same bundle, in which everything that the service says this key signed."""
        bundle, document = self.contents.bundle, self.contents.encounter
        if bundle is None or document is None:
            raise ValueError("nothing to forge from")
        return make_archive(_contents(bundle, document, self.authority, key, self.trust, self.tsa), key)


@cache
def an_archive() -> Made:
    """Return an archive of an acknowledged submission, made once."""
    pki, authority = DemoPki.create(at=NOON), Authority.create(at=NOON)
    key = authority.issue(at=NOON)
    year = timedelta(days=365)
    tsa = DemoTsa.create(
        pki, clock=lambda: NOON + timedelta(minutes=2), valid_from=NOON, valid_to=NOON + year
    )
    trust = TrustStore(
        anchors=[pki.root],
        service_anchors=[authority.certificate],
        intermediates=[pki.issuing],
        crls=[pki.revocation_list([], at=NOON, days=400), pki.root_revocation_list(at=NOON, days=400)],
        tsa_anchors=[pki.root],
    )
    bundle, document = _bundle(pki, seed=1)
    contents = _contents(bundle, document, authority, key, trust, tsa)
    return Made(make_archive(contents, key), contents, key, authority, pki, tsa, trust)


def _bundle(pki: DemoPki, *, seed: int) -> tuple[bytes, bytes]:
    """Return a signed bundle, and what it was built from."""
    facility_key = pki.leaf("99001", valid_from=NOON - timedelta(days=1), valid_to=NOON + timedelta(days=365))
    document = canonical_json(
        next(iter(generate_encounters(seed=seed, count=1, facilities=["99001"], on=NOON.date())))
    )
    bundle = sign_bundle(
        build_bundle([parse_encounter(document)], made_on=NOON.date()).bundle, facility_key.signer
    )
    return bundle, document


def _contents(
    bundle: bytes,
    document: bytes,
    authority: Authority,
    key: ServiceKey,
    trust: TrustStore,
    tsa: DemoTsa,
    *,
    submission: str = SUBMISSION,
) -> ArchiveContents:
    sha256 = hashlib.sha256(bundle).hexdigest()
    receipt = AcceptanceReceipt(submission, "99001", sha256, len(bundle), NOON).sign(key)
    trace = b'{"claims":[]}'
    check: dict[str, object] = {"stages": [{"name": "signature", "ms": 0.25}], "findings": [], "claims": []}
    inventory = inventory_of(TrustMaterial.whole(trust))
    details: list[dict[str, str]] = [{}, {}, {"ma_giao_dich": "GD1"}, {}, {"verdict": "accepted"}]
    digests = [
        {
            "receipt": token_digest(receipt),
            "document": hashlib.sha256(document).hexdigest(),
            "trace": hashlib.sha256(trace).hexdigest(),
        },
        report_digests(check["stages"], check["findings"], check["claims"]) | {TRUST: digest_of(inventory)},
        {"gateway_receipt": gateway_receipt_digest("GD1", NOON, ANSWER)},
        *({name: digest_of(document)} for name, document in LATER.items()),
    ]
    tokens: list[str] = []
    for number, kind in enumerate(("received", "checked", "acknowledged", "assessed", "reviewed")):
        record = Record(
            submission=submission,
            facility="99001",
            sequence=number + 10,
            kind=kind,
            state=kind if number < 3 else "acknowledged",
            at=NOON + timedelta(seconds=number),
            actor="worker",
            cause=None,
            detail=digest_of(details[number]),
            sha256=sha256,
            digests=digests[number],
            previous=token_digest(tokens[-1]) if tokens else None,
            logged_at=NOON + timedelta(seconds=5),
        )
        tokens.append(record.sign(key))
    leaves = [leaf_hash(str(number).encode()) for number in range(37)]
    places = [3, 17, 29, 32, 36]
    for place, token in zip(places, tokens, strict=True):
        leaves[place] = leaf_hash(token.encode())

    def node(level: int, position: int) -> bytes:
        if level == 0:
            return leaves[position]
        return node_hash(node(level - 1, 2 * position), node(level - 1, 2 * position + 1))

    head = TreeHead(37, root_of(37, node), NOON + timedelta(minutes=1), None).sign(key)
    report = report_on(bundle, Terms(trust=trust, at=NOON, facility="99001"))
    return ArchiveContents(
        submission=submission,
        facility="99001",
        sha256=sha256,
        received_at=NOON,
        bundle=bundle,
        encounter=document,
        trace=trace,
        pdf=None,
        signature_report=report_to_json(report),
        etsi_report=report_to_etsi([report]),
        check_report=check,
        gateway_receipt={"ma_giao_dich": "GD1", "received_at": NOON.isoformat()},
        gateway_answer=ANSWER,
        receipt=receipt,
        records=tokens,
        history=details,
        head=head,
        head_size=37,
        head_timestamp=ask_timestamp(tsa.answer, head.encode()),
        inclusions=[Inclusion(place, prove_inclusion(place, 37, node)) for place in places],
        keys=key_set(by_key_id([key.certificate]), key.chain),
        signed_at=NOON + timedelta(minutes=1),
        documents={**LATER, TRUST: inventory},
        material=material_of(
            report.record, [key.certificate, *key.chain], authority.revocation_list(at=NOON)
        ),
    )


def later(**delta: float) -> datetime:
    """Return a time after the archive was made."""
    return NOON + timedelta(minutes=5) + timedelta(**delta)
