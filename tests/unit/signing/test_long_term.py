"""Timestamps and evidence keep a signature provable after its certificate, and an authority's, has ended."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.demo_tsa import DemoTsa
from signing.errors import CannotExtend, Obstacle
from signing.extensions import UNREADABLE
from signing.sign import Profile, sign_bundle
from signing.timestamps.messages import TimestampRequest, read_response
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import Level, Reason, Verdict
from signing.verify import verify
from signing.xades import names
from signing.xades.extend import Extender
from tests.unit.signing.ber_files import as_ber
from tests.unit.signing.documents import BUNDLE, DAY, NOW, certificate_for, edit
from tests.unit.signing.xades_documents import XadesRecipe, sign_xades

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Archive:
    """A PKI with an authority for timestamps, and what is known about revocation at a time."""

    pki: DemoPki
    tsa: DemoTsa

    def trust(self, *sources: x509.CertificateRevocationList | ocsp.OCSPResponse) -> TrustStore:
        """Return a store that knows these."""
        return TrustStore(
            anchors=[self.pki.root], tsa_anchors=[self.pki.root], intermediates=[self.pki.issuing]
        ).with_evidence((), sources)

    def bare_trust(self) -> TrustStore:
        """Return a store that knows the anchor alone."""
        return TrustStore(anchors=[self.pki.root], tsa_anchors=[self.pki.root])

    def news(self, at: datetime) -> list[x509.CertificateRevocationList]:
        """Return the lists of both authorities, which name nobody."""
        root = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.pki.root.subject)
            .last_update(at)
            .next_update(at + 30 * DAY)
            .sign(self.pki.root_key, hashes.SHA256())
        )
        return [self.pki.revocation_list([], at=at), root]

    def extend(self, data: bytes, level: Level, *, at: datetime = NOW, tsa: DemoTsa | None = None) -> bytes:
        """Return the document with its signature at this level, with all that is known at that time."""
        authority = replace(tsa or self.tsa, clock=lambda: at)
        return Extender(authority.answer, self.trust(*self.news(at))).extend(data, level=level, at=at)

    def judge(self, data: bytes, at: datetime = NOW) -> Verdict:
        """Verify with the anchor alone."""
        return verify(parse(data), trust=self.bare_trust(), at=at)


@pytest.fixture(scope="module")
def archive(pki: DemoPki) -> Archive:
    key = ec.generate_private_key(ec.SECP256R1())
    return Archive(
        pki,
        DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + 365 * DAY, key=key),
    )


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=NOW)


@pytest.fixture(scope="module")
def stamped(archive: Archive, signed: bytes) -> bytes:
    return archive.extend(signed, Level.B_T)


@pytest.fixture(scope="module")
def complete(archive: Archive, signed: bytes) -> bytes:
    return archive.extend(signed, Level.B_LT)


@pytest.fixture(scope="module")
def archived(archive: Archive, signed: bytes) -> bytes:
    return archive.extend(signed, Level.B_LTA)


# B-T.


def test_a_timestamp_makes_it_b_t(archive: Archive, stamped: bytes) -> None:
    verdict = verify(parse(stamped), trust=archive.trust(), at=NOW + DAY)

    assert verdict.reasons == ()
    assert verdict.level is Level.B_T
    assert verdict.best_signature_time == NOW


def test_a_signature_outlives_its_certificate(archive: Archive, signed: bytes, stamped: bytes) -> None:
    trust, later = archive.trust(), NOW + 40 * DAY

    assert verify(parse(signed), trust=trust, at=later).reasons == (Reason.CERTIFICATE_EXPIRED,)
    assert verify(parse(stamped), trust=trust, at=later).has_passed


@pytest.mark.parametrize(
    ("revoked_at", "reasons"),
    [
        pytest.param(NOW + HOUR, (), id="after-signing"),
        pytest.param(NOW - HOUR, (Reason.CERTIFICATE_REVOKED,), id="before-signing"),
    ],
)
def test_what_was_signed_before_the_revocation_holds(
    revoked_at: datetime,
    reasons: tuple[Reason, ...],
    archive: Archive,
    stamped: bytes,
    facility: FacilityKey,
) -> None:
    crl = archive.pki.revocation_list([facility.certificate], at=NOW + DAY, revoked_at=revoked_at)

    verdict = verify(parse(stamped), trust=archive.trust(crl), at=NOW + 2 * DAY)

    assert verdict.reasons == reasons


def test_a_signature_without_a_timestamp_is_refused_once_revoked(
    archive: Archive, signed: bytes, facility: FacilityKey
) -> None:
    crl = archive.pki.revocation_list([facility.certificate], at=NOW + DAY, revoked_at=NOW + HOUR)

    verdict = verify(parse(signed), trust=archive.trust(crl), at=NOW + 2 * DAY)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOKED,)


def test_the_authority_must_be_trusted(pki: DemoPki, stamped: bytes) -> None:
    verdict = verify(parse(stamped), trust=pki.trust_store(), at=NOW)

    assert verdict.reasons == (Reason.TIMESTAMP_UNTRUSTED,)
    assert verdict.content is None


def test_a_timestamp_needs_its_authority_until_it_is_archived(archive: Archive, stamped: bytes) -> None:
    verdict = verify(parse(stamped), trust=archive.trust(), at=NOW + 366 * DAY)

    assert Reason.TIMESTAMP_EXPIRED in verdict.reasons


# B-LT.


def test_evidence_makes_it_b_lt(archive: Archive, complete: bytes) -> None:
    """The signature alone is enough, with the anchor and without any list or intermediate."""
    verdict = archive.judge(complete, NOW + 100 * DAY)

    assert verdict.reasons == ()
    assert verdict.level is Level.B_LT
    assert b"xades:CertificateValues" in complete
    assert b"xades:CRLValues" in complete


def test_without_evidence_it_stays_b_t(archive: Archive, stamped: bytes) -> None:
    verdict = verify(parse(stamped), trust=archive.trust(*archive.news(NOW)), at=NOW + DAY)

    assert verdict.level is Level.B_T


@pytest.mark.parametrize(
    ("missing", "issuer", "count"),
    [pytest.param(0, "eHoSo Demo Issuing CA", 2, id="facility-and-stamps"), (1, "eHoSo Demo Root CA", 1)],
)
def test_evidence_that_is_not_to_be_had_is_said(
    missing: int, issuer: str, count: int, archive: Archive, signed: bytes
) -> None:
    known = archive.news(NOW)
    del known[missing]

    with pytest.raises(CannotExtend) as refused:
        Extender(archive.tsa.answer, archive.trust(*known)).extend(signed, level=Level.B_LT, at=NOW)

    assert refused.value.obstacle is Obstacle.EVIDENCE_MISSING
    assert len(refused.value.lacking) == count
    assert all(by.startswith(f"CN={issuer},") for _, by in refused.value.lacking)


def test_newer_news_than_what_came_along_counts(
    archive: Archive, complete: bytes, facility: FacilityKey
) -> None:
    crl = archive.pki.revocation_list([facility.certificate], at=NOW + DAY, revoked_at=NOW - HOUR)

    verdict = verify(parse(complete), trust=archive.trust(crl), at=NOW + 2 * DAY)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOKED,)


@dataclass(frozen=True)
class Responder:
    """Who answers about certificates of the issuing authority."""

    pki: DemoPki
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def answer(
        self,
        certificate: x509.Certificate,
        *,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
        at: datetime = NOW,
        revoked_at: datetime | None = None,
        issuer: x509.Certificate | None = None,
        algorithm: hashes.HashAlgorithm | None = None,
        reason: x509.ReasonFlags | None = None,
        beside: Sequence[x509.Certificate] = (),
    ) -> ocsp.OCSPResponse:
        own = self.certificate != self.pki.issuing
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=certificate,
            issuer=issuer or self.pki.issuing,
            algorithm=algorithm or hashes.SHA1(),  # noqa: S303 - what most responders send
            cert_status=status,
            this_update=at,
            next_update=at + DAY,
            revocation_time=revoked_at,
            revocation_reason=reason,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
        builder = builder.certificates([*beside, self.certificate]) if own else builder
        return builder.sign(self.key, hashes.SHA256())


def delegate(
    pki: DemoPki,
    *purposes: x509.ObjectIdentifier,
    by: DemoPki | None = None,
    key: rsa.RSAPrivateKey | None = None,
    odd: x509.ExtensionType | None = None,
) -> Responder:
    signing = key or ec.generate_private_key(ec.SECP256R1())
    extensions: list[tuple[x509.ExtensionType, bool]] = [] if odd is None else [(odd, True)]
    if purposes:
        extensions.append((x509.ExtendedKeyUsage(purposes), False))
    # The library writes the time of the computer into a response, whatever time is asked about.
    validity = (NOW - DAY, NOW + 9000 * DAY)
    certificate = certificate_for(
        signing.public_key(), issued_by=by or pki, extensions=extensions, validity=validity
    )
    return Responder(pki, certificate, signing)


@pytest.fixture(scope="module")
def responder(pki: DemoPki) -> Responder:
    return delegate(pki, ExtendedKeyUsageOID.OCSP_SIGNING)


def test_responses_are_evidence_too(
    archive: Archive, signed: bytes, facility: FacilityKey, responder: Responder
) -> None:
    root_list = archive.news(NOW)[1]
    trust = archive.trust(
        root_list,
        responder.answer(facility.certificate, algorithm=hashes.SHA256()),
        responder.answer(archive.tsa.certificate),
    )

    complete = Extender(archive.tsa.answer, trust).extend(signed, level=Level.B_LT, at=NOW)

    assert b"xades:OCSPValues" in complete
    assert archive.judge(complete, NOW + 100 * DAY).level is Level.B_LT


@pytest.mark.parametrize(
    ("status", "revoked_at", "reasons"),
    [
        pytest.param(ocsp.OCSPCertStatus.GOOD, None, (), id="good"),
        pytest.param(ocsp.OCSPCertStatus.REVOKED, NOW - HOUR, (Reason.CERTIFICATE_REVOKED,), id="revoked"),
        pytest.param(ocsp.OCSPCertStatus.REVOKED, NOW + HOUR, (), id="revoked-later"),
        pytest.param(
            ocsp.OCSPCertStatus.UNKNOWN, None, (Reason.CERTIFICATE_REVOCATION_UNKNOWN,), id="unknown"
        ),
    ],
)
def test_what_a_response_says(
    status: ocsp.OCSPCertStatus,
    revoked_at: datetime | None,
    reasons: tuple[Reason, ...],
    archive: Archive,
    signed: bytes,
    facility: FacilityKey,
    responder: Responder,
) -> None:
    response = responder.answer(facility.certificate, status=status, revoked_at=revoked_at)

    assert verify(parse(signed), trust=archive.trust(response), at=NOW).reasons == reasons


@pytest.mark.parametrize(
    ("reason", "reasons"),
    [
        pytest.param(None, (Reason.CERTIFICATE_REVOKED,), id="no-reason"),
        pytest.param(x509.ReasonFlags.key_compromise, (Reason.CERTIFICATE_REVOKED,), id="for-good"),
        pytest.param(x509.ReasonFlags.certificate_hold, (), id="hold"),
    ],
)
def test_a_newer_list_lifts_a_hold_alone(
    reason: x509.ReasonFlags | None,
    reasons: tuple[Reason, ...],
    archive: Archive,
    signed: bytes,
    facility: FacilityKey,
    responder: Responder,
) -> None:
    response = responder.answer(
        facility.certificate,
        status=ocsp.OCSPCertStatus.REVOKED,
        at=NOW - HOUR,
        revoked_at=NOW - 2 * HOUR,
        reason=reason,
    )
    newer = archive.pki.revocation_list([], at=NOW - timedelta(minutes=1))

    assert verify(parse(signed), trust=archive.trust(response, newer), at=NOW).reasons == reasons


def test_the_issuer_may_answer_itself(archive: Archive, signed: bytes, facility: FacilityKey) -> None:
    issuer = Responder(archive.pki, archive.pki.issuing, archive.pki.issuing_key)
    response = issuer.answer(facility.certificate, status=ocsp.OCSPCertStatus.REVOKED, revoked_at=NOW - HOUR)

    verdict = verify(parse(signed), trust=archive.trust(response), at=NOW)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOKED,)


@pytest.mark.attack
@pytest.mark.parametrize(
    "kind",
    ["no-purpose", "other-purpose", "stranger", "stale", "other-issuer", "short-key", "critical-extension"],
)
def test_a_response_that_is_not_to_be_believed_is_no_answer(
    kind: str, archive: Archive, signed: bytes, facility: FacilityKey, responder: Responder
) -> None:
    pki = archive.pki
    response = {
        "no-purpose": lambda: delegate(pki).answer(facility.certificate),
        "other-purpose": lambda: delegate(pki, ExtendedKeyUsageOID.CLIENT_AUTH).answer(facility.certificate),
        "stranger": lambda: delegate(pki, ExtendedKeyUsageOID.OCSP_SIGNING, by=DemoPki.create(at=NOW)).answer(
            facility.certificate
        ),
        "stale": lambda: responder.answer(facility.certificate, at=NOW - 2 * DAY),
        "other-issuer": lambda: responder.answer(facility.certificate, issuer=pki.root),
        "short-key": lambda: delegate(
            pki,
            ExtendedKeyUsageOID.OCSP_SIGNING,
            key=rsa.generate_private_key(65537, 1024),  # noqa: S505 - it is refused
        ).answer(facility.certificate),
        "critical-extension": lambda: delegate(
            pki,
            ExtendedKeyUsageOID.OCSP_SIGNING,
            odd=x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), b"\5\0"),
        ).answer(facility.certificate),
    }[kind]()

    verdict = verify(parse(signed), trust=archive.trust(response), at=NOW)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOCATION_UNKNOWN,)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("named", "others", "reasons"),
    [
        pytest.param(3, 70, (), id="four-with-the-key-are-looked-at-and-no-others"),
        pytest.param(4, 0, (Reason.CERTIFICATE_REVOCATION_UNKNOWN,), id="a-fifth-is-not"),
    ],
)
def test_of_the_certificates_in_a_response_few_are_compared(
    named: int,
    others: int,
    reasons: tuple[Reason, ...],
    archive: Archive,
    signed: bytes,
    facility: FacilityKey,
) -> None:
    pki, elsewhere = archive.pki, DemoPki.create(at=NOW)
    key = rsa.generate_private_key(65537, 2048)
    responder, *strangers = (
        delegate(by, ExtendedKeyUsageOID.OCSP_SIGNING, key=key) for by in (pki, *[elsewhere] * named)
    )
    unnamed = [delegate(elsewhere, ExtendedKeyUsageOID.OCSP_SIGNING).certificate] * others
    beside = [*unnamed, *(each.certificate for each in strangers)]

    response = responder.answer(facility.certificate, beside=beside)

    assert verify(parse(signed), trust=archive.trust(response), at=NOW).reasons == reasons


@pytest.mark.attack
def test_a_responder_that_was_revoked_is_not_believed(
    archive: Archive, signed: bytes, facility: FacilityKey, responder: Responder
) -> None:
    response = responder.answer(facility.certificate)
    # It is out of date about the facility; who was revoked then still is.
    stale = archive.pki.revocation_list([responder.certificate], at=NOW - 8 * DAY, days=7)

    verdict = verify(parse(signed), trust=archive.trust(response, stale), at=NOW)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOCATION_UNKNOWN,)


# B-LTA.


def test_an_archive_timestamp_makes_it_b_lta(archive: Archive, archived: bytes) -> None:
    verdict = archive.judge(archived, NOW + 100 * DAY)

    assert verdict.reasons == ()
    assert verdict.level is Level.B_LTA


def test_archive_timestamps_are_renewed(archive: Archive, archived: bytes) -> None:
    """Each authority's certificate ends, and the next timestamp has covered it before."""
    second = DemoTsa.create(
        archive.pki, clock=lambda: NOW, valid_from=NOW + 200 * DAY, valid_to=NOW + 900 * DAY
    )
    third = DemoTsa.create(
        archive.pki, clock=lambda: NOW, valid_from=NOW + 700 * DAY, valid_to=NOW + 2000 * DAY
    )

    once = archive.extend(archived, Level.B_LTA, at=NOW + 300 * DAY, tsa=second)
    twice = archive.extend(once, Level.B_LTA, at=NOW + 800 * DAY, tsa=third)

    assert Reason.TIMESTAMP_EXPIRED in archive.judge(archived, NOW + 400 * DAY).reasons
    assert archive.judge(once, NOW + 400 * DAY).level is Level.B_LTA
    assert Reason.TIMESTAMP_EXPIRED in archive.judge(once, NOW + 1000 * DAY).reasons
    verdict = archive.judge(twice, NOW + 1000 * DAY)
    assert (verdict.reasons, verdict.level) == ((), Level.B_LTA)
    assert verdict.best_signature_time == NOW


def test_a_renewal_that_comes_too_late_is_refused(archive: Archive, archived: bytes) -> None:
    with pytest.raises(CannotExtend) as refused:
        archive.extend(archived, Level.B_LTA, at=NOW + 366 * DAY)

    assert Reason.TIMESTAMP_EXPIRED in refused.value.reasons


def test_the_signatures_of_others_are_extended_too(archive: Archive, facility: FacilityKey) -> None:
    """With inclusive forms, without transforms, and with an unknown property before the timestamps."""
    recipe = XadesRecipe(
        unsigned="<X:UnsignedProperties><X:UnsignedSignatureProperties>"
        '<Y xmlns="urn:y">z</Y></X:UnsignedSignatureProperties></X:UnsignedProperties>'
    )

    extended = archive.extend(sign_xades(recipe, facility), Level.B_LTA)

    assert archive.judge(extended, NOW + 100 * DAY).level is Level.B_LTA
    assert archive.judge(extended.replace(b">z</Y>", b">y</Y>")).reasons == (Reason.TIMESTAMP_IMPRINT,)


# What is not extended.


def test_a_plain_signature_is_not_extended(archive: Archive, facility: FacilityKey) -> None:
    with pytest.raises(CannotExtend, match="plain"):
        archive.extend(sign_bundle(BUNDLE, facility.signer), Level.B_T)


def test_a_signature_that_does_not_hold_is_not_extended(archive: Archive, signed: bytes) -> None:
    with pytest.raises(CannotExtend) as refused:
        archive.extend(signed.replace(b"01001", b"01002"), Level.B_T)

    assert refused.value.reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_an_authority_that_is_not_trusted_does_not_stamp(archive: Archive, signed: bytes) -> None:
    stranger = DemoTsa.create(
        DemoPki.create(at=NOW), clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + DAY
    )

    with pytest.raises(CannotExtend) as refused:
        archive.extend(signed, Level.B_T, tsa=stranger)

    assert refused.value.reasons == (Reason.TIMESTAMP_UNTRUSTED,)


def test_what_is_there_is_not_added_again(archive: Archive, complete: bytes) -> None:
    assert archive.extend(complete, Level.B_T) == complete
    assert archive.extend(complete, Level.B_LT) == complete


# Several tokens in one timestamp (EN 319 132-1, 5.1.4.3).


def with_another_token(data: bytes, tag: str, tsa: DemoTsa) -> bytes:
    """Return the document with a token by this authority, on the same, beside the one that is there."""

    def change(root: Element) -> None:
        timestamp = next(root.iter(tag))
        info = read_token(base64.b64decode(timestamp[-1].text or "")).info
        answer = tsa.answer(TimestampRequest(info.digest_name, info.digest).encode())
        encoded = base64.b64encode(read_response(answer)).decode()
        etree.SubElement(timestamp, names.ENCAPSULATED_TIMESTAMP).text = encoded

    return edit(data, change)


def another_authority(pki: DemoPki, *, at: datetime, days: int = 900) -> DemoTsa:
    return DemoTsa.create(pki, clock=lambda: at, valid_from=NOW - DAY, valid_to=NOW + days * DAY)


def test_the_earliest_of_several_tokens_counts(archive: Archive, stamped: bytes) -> None:
    earlier = another_authority(archive.pki, at=NOW - timedelta(minutes=2))

    both = with_another_token(stamped, names.SIGNATURE_TIMESTAMP, earlier)

    verdict = verify(parse(both), trust=archive.trust(), at=NOW + 40 * DAY)
    assert (verdict.reasons, verdict.level) == ((), Level.B_T)
    assert verdict.best_signature_time == NOW - timedelta(minutes=2)


def test_a_signature_with_several_tokens_is_extended(archive: Archive, stamped: bytes) -> None:
    both = with_another_token(
        stamped, names.SIGNATURE_TIMESTAMP, another_authority(archive.pki, at=NOW + HOUR)
    )

    archived = archive.extend(both, Level.B_LTA, at=NOW + 2 * HOUR)
    renewed = with_another_token(
        archived, names.ARCHIVE_TIMESTAMP, another_authority(archive.pki, at=NOW + 2 * HOUR)
    )

    for data in (archived, renewed):
        verdict = archive.judge(data, NOW + 100 * DAY)
        assert (verdict.reasons, verdict.level) == ((), Level.B_LTA)


@pytest.mark.attack
def test_no_token_protects_another_beside_it(archive: Archive, archived: bytes) -> None:
    short = another_authority(archive.pki, at=NOW, days=60)

    both = with_another_token(archived, names.ARCHIVE_TIMESTAMP, short)

    assert archive.judge(both, NOW + 50 * DAY).has_passed
    assert archive.judge(both, NOW + 100 * DAY).reasons == (Reason.TIMESTAMP_EXPIRED,)


@pytest.mark.attack
def test_each_of_several_tokens_must_be_right(archive: Archive, archived: bytes) -> None:
    stranger = another_authority(DemoPki.create(at=NOW - 2 * DAY), at=NOW)

    both = with_another_token(archived, names.ARCHIVE_TIMESTAMP, stranger)

    assert archive.judge(both, NOW + DAY).reasons == (Reason.TIMESTAMP_UNTRUSTED,)


@pytest.mark.attack
def test_a_token_from_before_what_it_covers_is_refused_beside_a_right_one(
    archive: Archive, archived: bytes
) -> None:
    early = another_authority(archive.pki, at=NOW - HOUR)

    both = with_another_token(archived, names.ARCHIVE_TIMESTAMP, early)

    assert Reason.TIMESTAMP_ORDER in archive.judge(both, NOW + DAY).reasons


# Attacks.


def properties_of(root: Element) -> Element:
    return next(root.iter(names.UNSIGNED_SIGNATURE_PROPERTIES))


def drop(tag: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        found = next(root.iter(tag))
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


def put_first(tag: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        place = properties_of(root)
        place.insert(0, etree.Element(tag))

    return change


def archive_first(root: Element) -> None:
    place = properties_of(root)
    place.insert(0, place[-1])


def swap_first_two(root: Element) -> None:
    place = properties_of(root)
    place.insert(0, place[1])


@pytest.mark.attack
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(drop(names.CERTIFICATE_VALUES), id="without-certificates"),
        pytest.param(drop(names.REVOCATION_VALUES), id="without-lists"),
        pytest.param(drop(names.SIGNATURE_TIMESTAMP), id="without-the-first-timestamp"),
        pytest.param(put_first("{urn:y}Y"), id="a-property-more"),
        pytest.param(archive_first, id="archive-timestamp-first"),
        pytest.param(swap_first_two, id="another-order"),
    ],
)
def test_what_an_archive_timestamp_covers_may_not_change(
    change: Callable[[Element], None], archive: Archive, archived: bytes
) -> None:
    verdict = verify(parse(edit(archived, change)), trust=archive.trust(), at=NOW + DAY)

    assert Reason.TIMESTAMP_IMPRINT in verdict.reasons
    assert verdict.content is None


@pytest.mark.attack
def test_a_timestamp_of_another_signature_is_refused(
    archive: Archive, stamped: bytes, facility: FacilityKey
) -> None:
    """An old timestamp would make a signature of today look older than a revocation."""
    other = sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=NOW + DAY)
    unsigned = next(parse(stamped).iter(names.UNSIGNED_PROPERTIES))

    moved = edit(other, lambda root: next(root.iter(names.QUALIFYING_PROPERTIES)).append(unsigned))

    verdict = verify(parse(moved), trust=archive.trust(), at=NOW + 2 * DAY)
    assert Reason.TIMESTAMP_IMPRINT in verdict.reasons


@pytest.mark.attack
def test_a_document_that_was_changed_does_not_pass_by_its_timestamps(
    archive: Archive, archived: bytes
) -> None:
    verdict = archive.judge(archived.replace(b"01001", b"01002"), NOW + DAY)

    assert set(verdict.reasons) == {Reason.SIGNATURE_DIGEST_MISMATCH, Reason.TIMESTAMP_IMPRINT}


@pytest.mark.attack
def test_a_claim_that_contradicts_the_timestamp_is_refused(archive: Archive, facility: FacilityKey) -> None:
    signed = sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=NOW + DAY)

    with pytest.raises(CannotExtend) as refused:
        archive.extend(signed, Level.B_LT)

    assert refused.value.reasons == (Reason.TIMESTAMP_ORDER,)


@pytest.mark.attack
def test_an_archive_timestamp_older_than_what_it_covers_is_refused(archive: Archive, complete: bytes) -> None:
    clock = replace(archive.tsa, clock=lambda: NOW - HOUR)

    with pytest.raises(CannotExtend) as refused:
        Extender(clock.answer, archive.trust(*archive.news(NOW))).extend(complete, level=Level.B_LTA, at=NOW)

    assert Reason.TIMESTAMP_ORDER in refused.value.reasons


def test_empty_unsigned_properties_are_filled(archive: Archive, facility: FacilityKey) -> None:
    signed = sign_xades(XadesRecipe(unsigned="<X:UnsignedProperties/>"), facility)

    assert archive.judge(archive.extend(signed, Level.B_LT), NOW).level is Level.B_LT


def test_a_timestamp_may_be_ber_and_say_so(archive: Archive, complete: bytes) -> None:
    stamped = complete.decode()
    start_tag, text = re.findall("(<[^<]*EncapsulatedTimeStamp)>([^<]*)<", stamped)[0]
    ber = base64.b64encode(as_ber(base64.b64decode(text), opens_strings=False)).decode()

    for attribute in ("", f' Encoding="{names.BER_ENCODING}"'):
        written = stamped.replace(f"{start_tag}>{text}<", f"{start_tag}{attribute}>{ber}<")

        verdict = archive.judge(written.encode(), NOW + DAY)

        assert written != stamped
        assert (verdict.has_passed, verdict.level) == (True, Level.B_LT)


TOKEN = "<X:EncapsulatedTimeStamp>{}</X:EncapsulatedTimeStamp>"
UNSIGNED = (
    "<X:UnsignedProperties><X:UnsignedSignatureProperties>{}"
    "</X:UnsignedSignatureProperties></X:UnsignedProperties>"
)


def certificates_of(count: int, pki: DemoPki) -> str:
    text = base64.b64encode(pki.issuing.public_bytes(serialization.Encoding.DER)).decode()
    one = f"<X:EncapsulatedX509Certificate>{text}</X:EncapsulatedX509Certificate>"
    return f"<X:CertificateValues>{one * count}</X:CertificateValues>"


@pytest.mark.attack
@pytest.mark.parametrize(
    ("unsigned", "reason"),
    [
        pytest.param("<X:SignatureTimeStamp/>", Reason.TIMESTAMP_MALFORMED, id="empty"),
        pytest.param(
            f"<X:SignatureTimeStamp>{TOKEN.format('')}</X:SignatureTimeStamp>",
            Reason.TIMESTAMP_MALFORMED,
            id="no-token",
        ),
        pytest.param(
            f"<X:SignatureTimeStamp>{TOKEN.format('MAA=')}</X:SignatureTimeStamp>",
            Reason.TIMESTAMP_MALFORMED,
            id="no-cms",
        ),
        pytest.param(
            "<X:SignatureTimeStamp><X:XMLTimeStamp/></X:SignatureTimeStamp>",
            Reason.TIMESTAMP_MALFORMED,
            id="xml-timestamp",
        ),
        pytest.param(
            f'<X:SignatureTimeStamp><X:Include URI="#p"/>{TOKEN.format("MAA=")}</X:SignatureTimeStamp>',
            Reason.TIMESTAMP_MALFORMED,
            id="include",
        ),
        pytest.param(
            '<X:SignatureTimeStamp><P:CanonicalizationMethod Algorithm="urn:none"/>'
            f"{TOKEN.format('MAA=')}</X:SignatureTimeStamp>",
            Reason.TIMESTAMP_MALFORMED,
            id="unknown-canonicalisation",
        ),
        pytest.param("<X:CertificateValues/>" * 2, Reason.XADES_PROPERTY_SEVERAL, id="values-twice"),
        pytest.param(
            "<X:CertificateValues><X:EncapsulatedX509Certificate>MAA=</X:EncapsulatedX509Certificate>"
            "</X:CertificateValues>",
            Reason.XADES_MALFORMED,
            id="no-certificate",
        ),
        pytest.param(
            "<X:RevocationValues><X:CRLValues><X:EncapsulatedCRLValue>MAA=</X:EncapsulatedCRLValue>"
            "</X:CRLValues></X:RevocationValues>",
            Reason.XADES_MALFORMED,
            id="no-list",
        ),
        pytest.param(
            "<X:RevocationValues><X:OCSPValues><X:EncapsulatedOCSPValue>MAA=</X:EncapsulatedOCSPValue>"
            "</X:OCSPValues></X:RevocationValues>",
            Reason.XADES_MALFORMED,
            id="no-response",
        ),
        pytest.param(
            "<X:RevocationValues><X:CRLValues>"
            '<X:EncapsulatedCRLValue Encoding="http://uri.etsi.org/01903/v1.2.2#BER">MAA='
            "</X:EncapsulatedCRLValue></X:CRLValues></X:RevocationValues>",
            Reason.XADES_MALFORMED,
            id="ber",
        ),
        pytest.param(
            "<X:RevocationValues><X:EncapsulatedCRLValue>MAA=</X:EncapsulatedCRLValue></X:RevocationValues>",
            Reason.XADES_MALFORMED,
            id="misplaced-list",
        ),
    ],
)
def test_unsigned_properties_that_are_malformed_are_refused(
    unsigned: str, reason: Reason, archive: Archive, facility: FacilityKey
) -> None:
    signed = sign_xades(XadesRecipe(unsigned=UNSIGNED.format(unsigned)), facility)

    assert verify(parse(signed), trust=archive.trust(), at=NOW).reasons == (reason,)


@pytest.mark.attack
@pytest.mark.parametrize(("count", "passes"), [(64, True), (65, False)])
def test_there_is_an_end_to_evidence(
    count: int, passes: bool, archive: Archive, facility: FacilityKey
) -> None:
    recipe = XadesRecipe(unsigned=UNSIGNED.format(certificates_of(count, archive.pki)))

    verdict = verify(parse(sign_xades(recipe, facility)), trust=archive.trust(), at=NOW)

    assert verdict.has_passed == passes


@pytest.mark.attack
def test_certificates_that_come_along_are_not_trusted(archive: Archive, facility: FacilityKey) -> None:
    recipe = XadesRecipe(unsigned=UNSIGNED.format(certificates_of(1, archive.pki)))
    stranger = TrustStore(anchors=[DemoPki.create(at=NOW).root])

    verdict = verify(parse(sign_xades(recipe, facility)), trust=stranger, at=NOW)

    assert verdict.reasons == (Reason.CERTIFICATE_UNTRUSTED,)


@pytest.mark.attack
def test_a_damaged_list_is_no_evidence_and_no_fault_of_ours(archive: Archive) -> None:
    der = archive.news(NOW)[0].public_bytes(serialization.Encoding.DER)
    read = unreadable = 0

    for at in range(len(der) - 256):  # behind lies the signature, which is not read at all
        for bit in (0x01, 0x80):
            try:
                damaged = x509.load_der_x509_crl(der[:at] + bytes([der[at] ^ bit]) + der[at + 1 :])
            except UNREADABLE:
                continue
            read += 1
            try:
                damaged.issuer.public_bytes()
            except UNREADABLE:
                unreadable += 1
            archive.trust(damaged)

    assert unreadable, read
