"""A signer's certificate must be fit to sign, lead to an anchor, be valid at the time, and not be revoked."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import signing.authorities as authorities_module
from signing.canonical import parse
from signing.certificates import CertificateFacts, read_der_certificate, to_pem, usable, write_name
from signing.demo_pki import DemoPki, FacilityKey
from signing.der import BIT_STRING, Reader, encode, sequence
from signing.errors import TrustStoreUnreadable
from signing.keys import LocalSigner
from signing.policy import DEFAULT_POLICY, Policy
from signing.revocation import RevocationSources, remember
from signing.sign import sign_bundle
from signing.trust import TrustStore
from signing.verdict import Reason, SubIndication, Verdict
from signing.verify import verify
from tests.unit.signing.documents import BUNDLE, DAY, NOW, certificate_for

if TYPE_CHECKING:
    from _typeshed import TraceFunction

KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
Extensions = Sequence[tuple[x509.ExtensionType, bool]]


def judged(
    signer: LocalSigner,
    trust: TrustStore,
    *,
    at: datetime = NOW,
    policy: Policy = DEFAULT_POLICY,
) -> Verdict:
    return verify(parse(sign_bundle(BUNDLE, signer)), trust=trust, at=at, policy=policy)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_usage(**usages: bool) -> x509.KeyUsage:
    everything = dict.fromkeys(KEY_USAGES, False)
    return x509.KeyUsage(**{**everything, **usages})


# Time.


@pytest.mark.parametrize(
    ("at", "reasons", "sub_indication"),
    [
        pytest.param(
            NOW - 31 * DAY, (Reason.CERTIFICATE_NOT_YET_VALID,), SubIndication.NOT_YET_VALID, id="early"
        ),
        pytest.param(NOW - 30 * DAY, (), None, id="first-moment"),
        pytest.param(NOW + 30 * DAY, (), None, id="last-moment"),
        pytest.param(
            NOW + 30 * DAY + timedelta(seconds=1),
            (Reason.CERTIFICATE_EXPIRED,),
            SubIndication.OUT_OF_BOUNDS_NO_POE,
            id="late",
        ),
    ],
)
def test_a_certificate_is_judged_at_the_given_time(
    at: datetime,
    reasons: tuple[Reason, ...],
    sub_indication: SubIndication | None,
    facility: FacilityKey,
    trust: TrustStore,
) -> None:
    verdict = judged(facility.signer, trust, at=at)

    assert (verdict.reasons, verdict.sub_indication) == (reasons, sub_indication)


def test_a_name_is_written_with_the_words_that_people_know() -> None:
    oids = NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_IDENTIFIER, NameOID.EMAIL_ADDRESS, NameOID.SERIAL_NUMBER
    name = x509.Name([x509.NameAttribute(oid, "VN") for oid in (*oids, ObjectIdentifier("1.2.3.4"))])

    assert write_name(name) == "1.2.3.4=VN,serialNumber=VN,emailAddress=VN,organizationIdentifier=VN,C=VN"


def test_a_remembered_path_does_not_outlive_an_authority(key: ec.EllipticCurvePrivateKey) -> None:
    pki = DemoPki.create(at=NOW)
    leaf = pki.leaf("01001", valid_from=NOW, valid_to=NOW + 9999 * DAY, key=key)
    trust = pki.trust_store()

    assert judged(leaf.signer, trust).has_passed
    assert judged(leaf.signer, trust, at=NOW + 3651 * DAY).reasons == (Reason.CERTIFICATE_UNTRUSTED,)
    assert judged(leaf.signer, trust).has_passed


# Trust.


def test_another_authority_is_not_trusted(facility: FacilityKey) -> None:
    stranger = DemoPki.create(at=NOW).trust_store()

    verdict = judged(facility.signer, stranger)

    assert verdict.reasons == (Reason.CERTIFICATE_UNTRUSTED,)
    assert verdict.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_a_chain_that_breaks_a_rule_is_no_missing_chain(
    key: ec.EllipticCurvePrivateKey, pki: DemoPki
) -> None:
    leaf = certificate_for(key.public_key(), issued_by=pki, extensions=[(UNKNOWN, True)])

    verdict = judged(LocalSigner(leaf, key), pki.trust_store())
    elsewhere = judged(LocalSigner(leaf, key), TrustStore(anchors=[pki.root]))

    assert verdict.reasons == (Reason.CERTIFICATE_PATH,)
    assert verdict.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
    assert elsewhere.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_an_empty_trust_store_trusts_nobody(facility: FacilityKey) -> None:
    assert judged(facility.signer, TrustStore(anchors=[])).reasons == (Reason.CERTIFICATE_UNTRUSTED,)


def test_without_its_issuer_a_certificate_is_not_trusted(facility: FacilityKey, pki: DemoPki) -> None:
    assert judged(facility.signer, TrustStore(anchors=[pki.root])).reasons == (Reason.CERTIFICATE_UNTRUSTED,)


def test_an_issuing_authority_may_be_the_anchor(facility: FacilityKey, pki: DemoPki) -> None:
    assert judged(facility.signer, TrustStore(anchors=[pki.issuing])).has_passed


def test_an_old_authority_without_key_identifiers_is_trusted(
    key: ec.EllipticCurvePrivateKey, pki: DemoPki
) -> None:
    middle_key = rsa.generate_private_key(65537, 2048)
    middle = certificate_for(
        middle_key.public_key(),
        issued_by=pki,
        extensions=[(x509.BasicConstraints(ca=True, path_length=None), False)],
        issuer=(pki.root.subject, pki.root_key),
        subject="old",
    )
    leaf = certificate_for(key.public_key(), issued_by=pki, issuer=(middle.subject, middle_key))

    assert judged(LocalSigner(leaf, key), TrustStore(anchors=[pki.root], intermediates=[middle])).has_passed


# Fitness of the signer's own certificate.

POLICIES = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("1.2.3.4"), None)])
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
SERVER_AND_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@pytest.mark.parametrize(
    ("extensions", "reasons"),
    [
        pytest.param([], (), id="no-extensions"),
        pytest.param([(key_usage(content_commitment=True), True)], (), id="non-repudiation-alone"),
        pytest.param([(key_usage(digital_signature=True), False)], (), id="digital-signature-alone"),
        pytest.param([(SERVER_AND_CLIENT, True)], (), id="server-and-client"),
        pytest.param([(POLICIES, True)], (), id="critical-policies"),
        pytest.param([(UNKNOWN, False)], (), id="unknown-extension"),
        pytest.param([(UNKNOWN, True)], (Reason.CERTIFICATE_PATH,), id="critical-unknown-extension"),
        pytest.param([(SERVER, True)], (Reason.CERTIFICATE_USAGE,), id="critical-server-only"),
        pytest.param([(SERVER, False)], (Reason.CERTIFICATE_USAGE,), id="server-only"),
        pytest.param(
            [(key_usage(key_encipherment=True), True)], (Reason.CERTIFICATE_USAGE,), id="encipherment"
        ),
        pytest.param(
            [(x509.BasicConstraints(ca=True, path_length=None), True)],
            (Reason.CERTIFICATE_IS_CA,),
            id="a-ca",
        ),
    ],
)
def test_what_a_certificate_is_for(
    extensions: Extensions,
    reasons: tuple[Reason, ...],
    key: ec.EllipticCurvePrivateKey,
    pki: DemoPki,
    trust: TrustStore,
) -> None:
    certificate = certificate_for(key.public_key(), issued_by=pki, extensions=extensions)

    assert judged(LocalSigner(certificate, key), trust).reasons == reasons


def test_a_short_rsa_key_has_its_own_reason(pki: DemoPki, trust: TrustStore) -> None:
    leaf = pki.leaf("01001", valid_from=NOW - DAY, valid_to=NOW + DAY, key_size=1024)

    verdict = judged(leaf.signer, trust)

    assert verdict.reasons == (Reason.CERTIFICATE_RSA_TOO_SHORT,)
    assert verdict.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


def test_a_huge_rsa_key_is_refused(facility: FacilityKey, trust: TrustStore) -> None:
    policy = replace(DEFAULT_POLICY, max_rsa_bits=2047)

    assert judged(facility.signer, trust, policy=policy).reasons == (Reason.CERTIFICATE_KEY_FORBIDDEN,)


def test_a_curve_that_is_not_listed_is_refused(ec_facility: FacilityKey, trust: TrustStore) -> None:
    policy = replace(DEFAULT_POLICY, curves=frozenset({"secp384r1"}))

    assert judged(ec_facility.signer, trust, policy=policy).reasons == (Reason.CERTIFICATE_KEY_FORBIDDEN,)


# Revocation.


def test_a_list_that_does_not_name_the_certificate_lets_it_pass(facility: FacilityKey, pki: DemoPki) -> None:
    trust = pki.trust_store(crls=[pki.revocation_list([], at=NOW - DAY)])

    assert judged(facility.signer, trust).has_passed


def test_a_revoked_certificate_is_refused(facility: FacilityKey, pki: DemoPki) -> None:
    trust = pki.trust_store(crls=[pki.revocation_list([facility.certificate], at=NOW - DAY)])

    verdict = judged(facility.signer, trust)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOKED,)
    assert verdict.sub_indication is SubIndication.REVOKED_NO_POE


def test_a_certificate_revoked_later_was_good_before(facility: FacilityKey, pki: DemoPki) -> None:
    later = pki.revocation_list([facility.certificate], at=NOW + 2 * DAY, revoked_at=NOW + DAY)
    trust = pki.trust_store(crls=[later])

    assert judged(facility.signer, trust, at=NOW).has_passed
    assert judged(facility.signer, trust, at=NOW + DAY).reasons == (Reason.CERTIFICATE_REVOKED,)


def test_the_newest_list_counts(facility: FacilityKey, pki: DemoPki) -> None:
    lists = [
        pki.revocation_list([], at=NOW - DAY),
        pki.revocation_list([facility.certificate], at=NOW - DAY / 2),
        pki.revocation_list([], at=NOW - 2 * DAY),
    ]

    assert judged(facility.signer, pki.trust_store(crls=lists)).reasons == (Reason.CERTIFICATE_REVOKED,)


HOLD = x509.ReasonFlags.certificate_hold
LEFT = x509.ReasonFlags.cessation_of_operation


@dataclass(frozen=True)
class News:
    """What a list says: how many days ago, and since when the certificate is revoked, if it is."""

    days_ago: int
    revoked_days_ago: int | None = None
    reason: x509.ReasonFlags | None = None

    def of(self, pki: DemoPki, certificate: x509.Certificate) -> x509.CertificateRevocationList:
        revoked = () if self.revoked_days_ago is None else (certificate,)
        revoked_at = NOW - (self.revoked_days_ago or 0) * DAY
        at = NOW - self.days_ago * DAY
        return pki.revocation_list(revoked, at=at, revoked_at=revoked_at, reason=self.reason, days=5)


@pytest.mark.parametrize(
    ("news", "reasons"),
    [
        pytest.param([News(3, 4), News(1)], (Reason.CERTIFICATE_REVOKED,), id="forgotten"),
        pytest.param([News(8, 9), News(1)], (Reason.CERTIFICATE_REVOKED,), id="forgotten-after-it-was-stale"),
        pytest.param([News(3, 4, LEFT), News(1)], (Reason.CERTIFICATE_REVOKED,), id="for-good"),
        pytest.param([News(3, 4, HOLD), News(1)], (), id="a-hold-that-was-lifted"),
        pytest.param([News(3, 4, HOLD), News(3)], (Reason.CERTIFICATE_REVOKED,), id="of-one-day"),
        pytest.param([News(3), News(1, 2, HOLD)], (Reason.CERTIFICATE_REVOKED,), id="on-hold"),
        pytest.param([News(8, 9, HOLD)], (Reason.CERTIFICATE_REVOKED,), id="a-stale-hold"),
        pytest.param(
            [News(8, 9, HOLD), News(7)], (Reason.CERTIFICATE_REVOCATION_UNKNOWN,), id="lifted-and-stale-since"
        ),
        pytest.param([News(3, 4, HOLD), News(2, -1)], (Reason.CERTIFICATE_REVOKED,), id="the-earliest-date"),
        pytest.param([News(3, 4, HOLD), News(2), News(1, -1)], (), id="lifted-and-revoked-later"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["older-first", "newer-first"])
def test_only_a_hold_is_undone_by_newer_news(
    news: list[News], reasons: tuple[Reason, ...], order: int, facility: FacilityKey, pki: DemoPki
) -> None:
    lists = [each.of(pki, facility.certificate) for each in news][::order]

    assert judged(facility.signer, pki.trust_store(crls=lists)).reasons == reasons


def test_a_revocation_for_no_readable_reason_is_for_good(facility: FacilityKey, pki: DemoPki) -> None:
    hold = pki.revocation_list([facility.certificate], at=NOW - DAY, reason=HOLD)
    as_it_was = hold.public_bytes(serialization.Encoding.DER)
    entry = bytes.fromhex("551d1504030a0106")
    assert as_it_was.count(entry) == 1
    lists = [
        signed_again(as_it_was.replace(entry, reason), pki)
        for reason in (bytes.fromhex("551d1504030a0163"), bytes.fromhex("551d150403040106"))
    ]

    for each in lists:
        newer = pki.revocation_list([], at=NOW)
        verdict = judged(facility.signer, pki.trust_store(crls=[each, newer]))
        assert verdict.reasons == (Reason.CERTIFICATE_REVOKED,)


def signed_again(crl: bytes, pki: DemoPki) -> x509.CertificateRevocationList:
    """Return a list with a right signature over what it says now."""
    outer = Reader.of(crl)
    said, algorithm = outer.take_whole(), outer.take_whole()
    value = pki.issuing_key.sign(said, padding.PKCS1v15(), hashes.SHA256())
    return x509.load_der_x509_crl(sequence(said, algorithm, encode(BIT_STRING, b"\0", value)))


def test_a_source_is_read_once_about_a_certificate(facility: FacilityKey, pki: DemoPki) -> None:
    sources = RevocationSources([pki.revocation_list([], at=NOW)])

    found = sources.find(facility.certificate, pki.issuing)

    assert found is not None
    assert sources.find(facility.certificate, pki.issuing) is found


def test_a_list_names_its_issuer_in_any_kind_of_text(facility: FacilityKey, pki: DemoPki) -> None:
    # The library writes most of a name as UTF-8, and would let no text of its country be anything else.
    name = x509.Name(
        each
        if each.oid == NameOID.COUNTRY_NAME
        else x509.NameAttribute(each.oid, each.value, _type=_ASN1Type.PrintableString)
        for each in pki.issuing.subject
    )
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW)
    crl = builder.next_update(NOW + DAY).sign(pki.issuing_key, hashes.SHA256())

    assert name.public_bytes() != pki.issuing.subject.public_bytes()
    assert RevocationSources([crl]).are_there(facility.certificate)


def test_a_stale_list_is_no_answer(facility: FacilityKey, pki: DemoPki) -> None:
    trust = pki.trust_store(crls=[pki.revocation_list([], at=NOW - 8 * DAY, days=7)])

    verdict = judged(facility.signer, trust)

    assert verdict.reasons == (Reason.CERTIFICATE_REVOCATION_UNKNOWN,)
    assert verdict.sub_indication is SubIndication.TRY_LATER


AT_ONE_PLACE = (x509.UniformResourceIdentifier("http://crl.example/1"),)


@pytest.mark.parametrize(
    ("of_users_alone", "places"),
    [
        pytest.param(True, None, id="of-all-users"),
        pytest.param(False, AT_ONE_PLACE, id="of-one-place"),
        pytest.param(True, AT_ONE_PLACE, id="of-users-of-one-place"),
    ],
)
@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_list_of_a_part_to_which_the_certificate_belongs_is_an_answer(
    of_users_alone: bool,
    places: Sequence[x509.GeneralName] | None,
    is_revoked: bool,
    key: ec.EllipticCurvePrivateKey,
    pki: DemoPki,
) -> None:
    point = x509.DistributionPoint(AT_ONE_PLACE, None, None, None)
    leaf = certificate_for(
        key.public_key(), issued_by=pki, extensions=[(x509.CRLDistributionPoints([point]), False)]
    )
    scope = x509.IssuingDistributionPoint(
        full_name=places,
        relative_name=None,
        only_contains_user_certs=of_users_alone,
        only_contains_ca_certs=False,
        only_some_reasons=None,
        indirect_crl=False,
        only_contains_attribute_certs=False,
    )
    other = leaf.serial_number + 1
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
        .add_extension(scope, critical=True)
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(leaf.serial_number if is_revoked else other)
            .revocation_date(NOW - DAY)
            .build()
        )
        .sign(pki.issuing_key, hashes.SHA256())
    )

    verdict = judged(LocalSigner(leaf, key), pki.trust_store(crls=[crl]))

    assert verdict.reasons == ((Reason.CERTIFICATE_REVOKED,) if is_revoked else ())


def test_a_list_made_after_the_certificate_ended_is_no_answer(facility: FacilityKey, pki: DemoPki) -> None:
    trust = pki.trust_store(crls=[pki.revocation_list([], at=NOW + 31 * DAY)])

    assert judged(facility.signer, trust).reasons == (Reason.CERTIFICATE_REVOCATION_UNKNOWN,)


def test_a_list_made_after_the_certificate_ended_counts_if_it_names_it(
    facility: FacilityKey, pki: DemoPki
) -> None:
    fresh = pki.revocation_list([], at=NOW - DAY)
    later = pki.revocation_list([facility.certificate], at=NOW + 31 * DAY, revoked_at=NOW - 2 * DAY)

    assert judged(facility.signer, pki.trust_store(crls=[fresh, later])).reasons == (
        Reason.CERTIFICATE_REVOKED,
    )


def partial_list(
    pki: DemoPki,
    certificate: x509.Certificate | None,
    extension: x509.ExtensionType,
    reason: x509.ReasonFlags = LEFT,
) -> x509.CertificateRevocationList:
    """Return a list of an hour ago, with this extension, that names a certificate or nobody."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.issuing.subject)
        .last_update(NOW - timedelta(hours=1))
        .next_update(NOW + DAY)
        .add_extension(extension, critical=True)
    )
    if certificate is not None:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(certificate.serial_number)
            .revocation_date(NOW - timedelta(hours=2))
            .add_extension(x509.CRLReason(reason), critical=False)
            .build()
        )
    return builder.sign(pki.issuing_key, hashes.SHA256())


DELTA = x509.DeltaCRLIndicator(1)
OF_LOST_KEYS = x509.IssuingDistributionPoint(
    full_name=None,
    relative_name=None,
    only_contains_user_certs=False,
    only_contains_ca_certs=False,
    only_some_reasons=frozenset({x509.ReasonFlags.key_compromise}),
    indirect_crl=False,
    only_contains_attribute_certs=False,
)
REMOVED = x509.ReasonFlags.remove_from_crl


@pytest.mark.parametrize("extension", [DELTA, OF_LOST_KEYS], ids=["a-delta", "for-some-reasons"])
def test_a_partial_list_says_who_is_revoked_and_nothing_of_others(
    extension: x509.ExtensionType, facility: FacilityKey, pki: DemoPki
) -> None:
    full = pki.revocation_list([], at=NOW - DAY)
    silent = partial_list(pki, None, extension)
    naming = partial_list(pki, facility.certificate, extension)

    for lists, reasons in (
        ([silent], (Reason.CERTIFICATE_REVOCATION_UNKNOWN,)),
        ([full, silent], ()),
        ([full, naming], (Reason.CERTIFICATE_REVOKED,)),
    ):
        assert judged(facility.signer, pki.trust_store(crls=lists)).reasons == reasons


@pytest.mark.parametrize(
    ("reason", "reasons"),
    [
        pytest.param(HOLD, (), id="a-hold"),
        pytest.param(LEFT, (Reason.CERTIFICATE_REVOKED,), id="for-good"),
    ],
)
def test_a_delta_lifts_a_hold_alone(
    reason: x509.ReasonFlags, reasons: tuple[Reason, ...], facility: FacilityKey, pki: DemoPki
) -> None:
    full = pki.revocation_list([facility.certificate], at=NOW - DAY, reason=reason)
    delta = partial_list(pki, facility.certificate, DELTA, REMOVED)

    assert judged(facility.signer, pki.trust_store(crls=[full, delta])).reasons == reasons


@pytest.mark.parametrize("order", [1, -1], ids=["revoked-first", "revoked-last"])
def test_of_an_authority_with_two_certificates_one_that_is_not_revoked_is_enough(
    order: int, facility: FacilityKey, pki: DemoPki
) -> None:
    other = certificate_for(
        pki.issuing_key.public_key(),
        issued_by=pki,
        extensions=[(x509.BasicConstraints(ca=True, path_length=0), True)],
        issuer=(pki.root.subject, pki.root_key),
        name=pki.issuing.subject,
    )
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(pki.issuing.serial_number)
        .revocation_date(NOW - DAY)
        .build()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
        .add_revoked_certificate(revoked)
        .sign(pki.root_key, hashes.SHA256())
    )
    both = TrustStore(anchors=[pki.root], intermediates=[pki.issuing, other][::order], crls=[crl])
    one = TrustStore(anchors=[pki.root], intermediates=[pki.issuing], crls=[crl])

    for _ in range(2):  # found, and remembered
        assert judged(facility.signer, both).has_passed
    assert judged(facility.signer, one).reasons == (Reason.CERTIFICATE_ISSUER_REVOKED,)


def test_a_revoked_authority_takes_its_certificates_along(facility: FacilityKey, pki: DemoPki) -> None:
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pki.root.subject)
        .last_update(NOW - DAY)
        .next_update(NOW + DAY)
        .add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(pki.issuing.serial_number)
            .revocation_date(NOW - DAY)
            .build()
        )
        .sign(pki.root_key, hashes.SHA256())
    )

    verdict = judged(facility.signer, pki.trust_store(crls=[crl]))

    assert verdict.reasons == (Reason.CERTIFICATE_ISSUER_REVOKED,)
    assert verdict.sub_indication is SubIndication.REVOKED_CA_NO_POE


# The trust store as a folder.


def test_a_folder_of_pem_files_is_a_trust_store(tmp_path: Path, pki: DemoPki, facility: FacilityKey) -> None:
    pki.write(tmp_path)

    trust = TrustStore.load(tmp_path)

    assert trust.anchors == (pki.root,)
    assert judged(facility.signer, trust).has_passed


def test_a_folder_of_der_files_is_one_too(tmp_path: Path, pki: DemoPki, facility: FacilityKey) -> None:
    der = serialization.Encoding.DER
    crl = pki.revocation_list([facility.certificate], at=NOW - DAY)
    for name, content in {
        "anchors/root.cer": pki.root.public_bytes(der),
        "intermediates/issuing.DER": pki.issuing.public_bytes(der),
        "crls/issuing.crl": crl.public_bytes(der),
        "anchors/README.md": b"not a certificate",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    assert judged(facility.signer, TrustStore.load(tmp_path)).reasons == (Reason.CERTIFICATE_REVOKED,)


def test_a_pem_revocation_list_is_read(tmp_path: Path, pki: DemoPki, facility: FacilityKey) -> None:
    pki.write(tmp_path)
    crl = pki.revocation_list([facility.certificate], at=NOW - DAY)
    (tmp_path / "crls" / "issuing.pem").write_bytes(crl.public_bytes(serialization.Encoding.PEM))

    assert judged(facility.signer, TrustStore.load(tmp_path)).reasons == (Reason.CERTIFICATE_REVOKED,)


@pytest.mark.parametrize("kind", ["pkcs7", "utf-16"])
def test_authorities_are_read_as_windows_keeps_them(
    kind: str, tmp_path: Path, pki: DemoPki, facility: FacilityKey
) -> None:
    for folder, one in (("anchors", pki.root), ("intermediates", pki.issuing)):
        (tmp_path / folder).mkdir()
        if kind == "pkcs7":
            packed = pkcs7.serialize_certificates([one], serialization.Encoding.DER)
            (tmp_path / folder / "authority.P7B").write_bytes(packed)
        else:
            (tmp_path / folder / "authority.cer").write_text(to_pem(one).decode(), "utf-16")

    assert judged(facility.signer, TrustStore.load(tmp_path)).has_passed


def test_a_trust_store_without_anchors_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(TrustStoreUnreadable, match="no trust anchor"):
        TrustStore.load(tmp_path)


@pytest.mark.parametrize("name", ["anchors/x.pem", "intermediates/x.crt", "crls/x.crl"])
def test_a_broken_file_is_named(name: str, tmp_path: Path, pki: DemoPki) -> None:
    pki.write(tmp_path)
    (tmp_path / name).write_bytes(b"broken")

    with pytest.raises(TrustStoreUnreadable) as refused:
        TrustStore.load(tmp_path)

    assert refused.value.path == tmp_path / name


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)

    with pytest.raises(TrustStoreUnreadable) as refused:
        TrustStore.load(folder)

    assert refused.value.path == folder / "anchors"


# Anybody can send dozens of certificates of his own.


def _of_one_name(public: CertificatePublicKeyTypes, signer: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one of many")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(signer, hashes.SHA256())
    )


def _as_facts(certificates: Sequence[x509.Certificate]) -> list[CertificateFacts]:
    return [read_der_certificate(each.public_bytes(serialization.Encoding.DER)) for each in certificates]


@pytest.mark.attack
def test_certificates_of_one_name_are_not_all_compared(
    pki: DemoPki, facility: FacilityKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = facility.signer.private_key, pki.issuing_key
    assert isinstance(own, rsa.RSAPrivateKey)
    # The leaf is by each of the first, and none of these by any of the others.
    leaf = _of_one_name(other.public_key(), own)
    sent = [_of_one_name(own.public_key(), other) for _ in range(20)]
    sent += [_of_one_name(pki.root_key.public_key(), other) for _ in range(20)]
    compared = 0
    compare = authorities_module._is_issued

    def note(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        nonlocal compared
        compared += 1
        return compare(certificate, issuer)

    monkeypatch.setattr(authorities_module, "_is_issued", note)

    (facts, *others) = _as_facts([leaf, *sent])
    reasons = pki.trust_store().check_path(facts, others, at=NOW, purposes=frozenset())

    assert reasons == [Reason.CERTIFICATE_UNTRUSTED]
    assert 0 < compared <= 32


@pytest.mark.attack
def test_a_crowd_of_the_issuers_name_does_not_hide_it(pki: DemoPki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    crowd = [
        certificate_for(
            key.public_key(),
            issued_by=pki,
            name=pki.issuing.subject,
            extensions=[(x509.SubjectKeyIdentifier(bytes([number])), False)],
        )
        for number in range(200)
    ]
    issued = certificate_for(
        key.public_key(),
        issued_by=pki,
        extensions=[
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(pki.issuing_key.public_key()), False)
        ],
    )
    leaf, *others = _as_facts([issued, *crowd, pki.issuing])

    reasons = TrustStore(anchors=[pki.root]).check_path(leaf, others, at=NOW, purposes=frozenset())

    assert reasons == []


def test_a_key_identifier_that_misleads_keeps_no_issuer_away(pki: DemoPki, facility: FacilityKey) -> None:
    public = pki.issuing_key.public_key()
    renamed = certificate_for(
        public,
        issued_by=pki,
        issuer=(pki.root.subject, pki.root_key),
        name=pki.issuing.subject,
        extensions=[
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (x509.SubjectKeyIdentifier(b"another"), False),
        ],
    )
    leaf, other = _as_facts([facility.certificate, renamed])

    reasons = TrustStore(anchors=[pki.root]).check_path(leaf, [other], at=NOW, purposes=frozenset())

    assert reasons == []


def test_of_a_renewed_authority_any_certificate_will_do(pki: DemoPki) -> None:
    """With a new way of naming keys, too, the name and the key are those of before."""
    public = pki.issuing_key.public_key()
    old = x509.SubjectKeyIdentifier.from_public_key(public)
    by_old = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(old), False
    is_ca = x509.BasicConstraints(ca=True, path_length=None), True
    name, new = pki.issuing.subject, x509.SubjectKeyIdentifier(b"renewed")
    before = certificate_for(public, issued_by=pki, name=name, extensions=[is_ca, (old, False), by_old])
    renewed = certificate_for(public, issued_by=pki, name=name, extensions=[is_ca, (new, False)])
    leaf, sent = _as_facts([certificate_for(public, issued_by=pki, extensions=[by_old]), before])

    reasons = TrustStore(anchors=[renewed]).check_path(leaf, [sent], at=NOW, purposes=frozenset())

    assert reasons == []


def test_what_is_oldest_is_forgotten_while_another_thread_adds() -> None:
    """Of two of 300 facilities that sent at once, one was answered that the service had failed."""
    memory = dict.fromkeys(range(256), 0)
    left = iter(range(256, 300))

    def add(frame: FrameType, event: str, _: object) -> "TraceFunction":
        frame.f_trace_opcodes = True
        if event == "opcode":
            memory.update((number, 0) for number in islice(left, 1))
        return add

    before = sys.gettrace()
    sys.settrace(add)
    try:
        remember(memory, 300, 0)
    finally:
        sys.settrace(before)

    assert (len(memory), list(memory)[-1]) == (256, 300)


@pytest.mark.attack
def test_a_key_that_takes_long_to_try_is_of_no_use(pki: DemoPki) -> None:
    """With the exponents the other way round whoever verifies does the work of signing."""
    numbers = pki.root_key.private_numbers()
    slow = rsa.RSAPublicNumbers(numbers.d, numbers.public_numbers.n).public_key()
    rare = ec.generate_private_key(ec.BrainpoolP512R1()).public_key()
    sent = _as_facts([*(_of_one_name(each, pki.issuing_key) for each in (slow, rare)), pki.issuing])

    assert usable(sent) == [pki.issuing]
