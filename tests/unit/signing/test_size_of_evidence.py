"""What comes along with a signature is refused where it is larger than any that is in use.

The library needs a hundred times its size, or the square of the number of its parts, to read it.
"""

import base64
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID, ObjectIdentifier

from signing import der
from signing.demo_pki import DemoPki, FacilityKey
from signing.demo_tsa import DemoTsa
from signing.der import NotDer
from signing.errors import PolicyUnreadable
from signing.policy import DEFAULT_POLICY, read_policy
from signing.report.as_json import report_to_json
from signing.report.report import Terms, report_on
from signing.revocation_list import load_list
from signing.timestamps.messages import TimestampRequest, read_response
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import Reason
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import DAY, NOW, Recipe, certificate_for, sign_like
from tests.unit.signing.xades_documents import XadesRecipe, sign_xades

pytestmark = pytest.mark.attack

KB = 1024
PADDING = ObjectIdentifier("1.3.6.1.4.1.99999.1")


def _certificate(pki: DemoPki, key: FacilityKey, padding: int) -> bytes:
    extension = x509.UnrecognizedExtension(PADDING, b"x" * padding)
    made = certificate_for(
        key.signer.private_key.public_key(), issued_by=pki, extensions=[(extension, False)]
    )
    return made.public_bytes(serialization.Encoding.DER)


def _list(pki: DemoPki, *, issuer_parts: int = 1, entries: int = 0) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")] * issuer_parts)
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW - DAY)
    for number in range(entries):
        revoked = (
            x509.RevokedCertificateBuilder().serial_number(number + 1).revocation_date(NOW - DAY).build()
        )
        builder = builder.add_revoked_certificate(revoked)
    made = builder.next_update(NOW + DAY).sign(pki.issuing_key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


def _response(pki: DemoPki, key: FacilityKey, certificates: int) -> bytes:
    good = ocsp.OCSPCertStatus.GOOD
    made = (
        ocsp.OCSPResponseBuilder()
        .add_response(key.certificate, pki.issuing, hashes.SHA256(), good, NOW - DAY, NOW + DAY, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.HASH, pki.issuing)
        .certificates([pki.issuing] * certificates)
        .sign(pki.issuing_key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def _with(key: FacilityKey, kind: str, der: bytes) -> bytes:
    value = base64.b64encode(der).decode()
    inside = {
        "certificate": "<X:CertificateValues><X:EncapsulatedX509Certificate>{}"
        "</X:EncapsulatedX509Certificate></X:CertificateValues>",
        "list": "<X:RevocationValues><X:CRLValues><X:EncapsulatedCRLValue>{}"
        "</X:EncapsulatedCRLValue></X:CRLValues></X:RevocationValues>",
        "response": "<X:RevocationValues><X:OCSPValues><X:EncapsulatedOCSPValue>{}"
        "</X:EncapsulatedOCSPValue></X:OCSPValues></X:RevocationValues>",
    }[kind].format(value)
    wrapped = f"<X:UnsignedSignatureProperties>{inside}</X:UnsignedSignatureProperties>"
    return sign_xades(XadesRecipe(unsigned=f"<X:UnsignedProperties>{wrapped}</X:UnsignedProperties>"), key)


def test_a_certificate_beyond_any_in_use_is_refused(
    pki: DemoPki, facility: FacilityKey, judge: Judge
) -> None:
    small = _with(facility, "certificate", _certificate(pki, facility, 8 * KB))
    large = _with(facility, "certificate", _certificate(pki, facility, 16 * KB))

    assert judge(small).has_passed
    assert judge(large).reasons == (Reason.XADES_MALFORMED,)


def test_the_signers_certificate_is_no_larger_either(
    pki: DemoPki, facility: FacilityKey, judge: Judge
) -> None:
    large = x509.load_der_x509_certificate(_certificate(pki, facility, 16 * KB))

    verdict = judge(sign_like(Recipe(certificates=(large,)), facility))

    assert verdict.reasons == (Reason.CERTIFICATE_MALFORMED,)


@pytest.mark.parametrize(("parts", "reasons"), [(50, ()), (300, (Reason.XADES_MALFORMED,))])
def test_a_name_has_no_hundreds_of_parts(
    parts: int, reasons: tuple[Reason, ...], pki: DemoPki, facility: FacilityKey, judge: Judge
) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 10)] * parts)
    made = certificate_for(facility.signer.private_key.public_key(), issued_by=pki, name=name)

    verdict = judge(_with(facility, "certificate", made.public_bytes(serialization.Encoding.DER)))

    assert verdict.reasons == reasons


def test_a_list_may_be_long_but_not_its_head(pki: DemoPki, facility: FacilityKey, judge: Judge) -> None:
    assert judge(_with(facility, "list", _list(pki, entries=1500))).has_passed
    assert judge(_with(facility, "list", _list(pki, issuer_parts=2000))).reasons == (Reason.XADES_MALFORMED,)
    with pytest.raises(ValueError, match="beside its entries"):
        load_list(_list(pki, issuer_parts=2000))


def test_a_response_with_a_crowd_of_certificates_is_refused(
    pki: DemoPki, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(_with(facility, "response", _response(pki, facility, 4))).has_passed
    assert judge(_with(facility, "response", _response(pki, facility, 60))).reasons == (
        Reason.XADES_MALFORMED,
    )


@pytest.mark.parametrize("bits", [256, 65_536])
def test_a_serial_number_that_nobody_could_write_makes_no_certificate(
    bits: int, facility: FacilityKey, trust: TrustStore
) -> None:
    own = facility.certificate.public_bytes(serialization.Encoding.DER)
    outer = der.Reader.of(own)
    tbs = outer.inside()
    version = tbs.take_whole()
    tbs.integer()
    parts = []
    while tbs.tag is not None:
        parts.append(tbs.take_whole())
    changed = der.sequence(
        der.sequence(version, der.integer(1 << bits), *parts), outer.take_whole(), outer.take_whole()
    )
    document = sign_like(Recipe(), facility).replace(base64.b64encode(own), base64.b64encode(changed))

    made = report_on(document, Terms(trust=trust, at=NOW))

    assert made.verdict.reasons == (Reason.CERTIFICATE_MALFORMED,)
    assert report_to_json(made)


def test_a_token_larger_than_any_in_use_is_not_read(pki: DemoPki, facility: FacilityKey) -> None:
    padding = x509.load_der_x509_certificate(_certificate(pki, facility, 100 * KB))
    tsa = DemoTsa.create(pki, clock=lambda: NOW, valid_from=NOW - DAY, valid_to=NOW + DAY)
    ask = TimestampRequest("sha256", b"x" * 32, nonce=1, wants_certificates=True).encode()

    assert read_token(read_response(replace(tsa, chain=(padding,)).answer(ask)))
    with pytest.raises(NotDer, match="larger than any"):
        read_token(read_response(replace(tsa, chain=(padding, padding)).answer(ask)))


@pytest.mark.parametrize(
    "more", [pytest.param("a." * 300 + "b = 1", id="a-line"), pytest.param("#\n" * 33_000, id="in-all")]
)
def test_a_policy_of_endless_keys_is_not_read(more: str) -> None:
    with pytest.raises(PolicyUnreadable, match=r"over 65536 bytes, or a line over 512"):
        read_policy(DEFAULT_POLICY.content + more.encode())
