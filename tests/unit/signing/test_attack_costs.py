"""Nothing may hold a worker: a hostile document costs what grows with its size, and not with its square."""

import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from signing.demo_pki import FacilityKey
from signing.policy import XMLDSIG
from signing.revocation import RevocationSources
from signing.sign import sign_bundle
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import BUNDLE, DAY, LINEAR_S, NOW

pytestmark = pytest.mark.attack


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer)


@pytest.mark.parametrize(
    "filling",
    [
        pytest.param(b"x<!---->" * 200_000, id="comments"),
        pytest.param(b"x<?a?>" * 200_000, id="instructions"),
        pytest.param(b"x<![CDATA[y]]>" * 200_000, id="cdata"),
        pytest.param(b"<a/>" * 200_000, id="empty-elements"),
        pytest.param(b" <a/>" * 300_000, id="as-dense-as-is-not-counted"),
        pytest.param(b"<a><b/></a>" * 60_000, id="pairs"),
        pytest.param((b"<a>" * 50 + b"</a>" * 50) * 2000, id="deep"),
        pytest.param(b"".join(b"<a Id='%d'/>" % i for i in range(100_000)), id="ids"),
        pytest.param((b"<a " + b" ".join(b"x%d=''" % i for i in range(64)) + b"/>") * 3000, id="attributes"),
        pytest.param(b"&amp;" * 1_900_000, id="escapes"),
        pytest.param(
            b"<a "
            + b" ".join(b"xmlns:p%d='u:%d'" % (i, i) for i in range(14))
            + b">"
            + b"<b/>" * 200_000
            + b"</a>",
            id="namespaces",
        ),
    ],
)
def test_a_large_document_is_judged_quickly(filling: bytes, signed: bytes, judge: Judge) -> None:
    document = signed.replace(b"<LOAIHOSO>", b"<LOAIHOSO>" + filling)
    started = time.process_time()

    verdict = judge(document)

    assert time.process_time() - started < LINEAR_S
    assert not verdict.has_passed


@pytest.mark.parametrize(
    ("place", "filling"),
    [
        pytest.param(b"<SignedInfo>", b" <![CDATA[ ]]>" * 200_000, id="cdata-in-signed-info"),
        pytest.param(b"<SignedInfo>", b" " * 9_000_000, id="space-in-signed-info"),
        pytest.param(b"<SignedInfo>", b"<!---->" * 200_000, id="comments-in-signed-info"),
        pytest.param(b"<SignatureValue>", b"A" * 9_000_000, id="long-value"),
        pytest.param(b"<X509Data>", b"<X509SKI/>" * 200_000, id="hints"),
        pytest.param(b"<CHUKYDONVI>", b"<a/>" * 200_000, id="siblings"),
        pytest.param(b"<CHUKYDONVI>", b"<!---->" * 200_000, id="comments-beside"),
        pytest.param(b"<HOSO>", b"<Signature xmlns='%s'/>" % XMLDSIG.encode() * 100_000, id="signatures"),
    ],
)
def test_a_large_signature_is_judged_quickly(
    place: bytes, filling: bytes, signed: bytes, judge: Judge
) -> None:
    document = signed.replace(place, place + filling)
    started = time.process_time()

    judge(document)

    assert time.process_time() - started < LINEAR_S


def test_responses_with_crowds_of_delegates_are_read_quickly() -> None:
    """As many as may come along with a signature, asked as often as its timestamps ask."""
    key, other = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    own, stranger = (
        x509.CertificateBuilder(name, name, each.public_key(), 1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(other, hashes.SHA384())
        for each in (key, other)
    )
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(own, own, hashes.SHA256(), ocsp.OCSPCertStatus.GOOD, NOW, NOW + DAY, None, None)
        .responder_id(ocsp.OCSPResponderEncoding.NAME, stranger)
        .certificates([stranger] * 70)
        .sign(other, hashes.SHA256())
    )
    sources = RevocationSources(responses=[response] * 60)
    started = time.process_time()

    found = {sources.find(own, own) for _ in range(16)}

    assert time.process_time() - started < LINEAR_S
    assert found == {None}
