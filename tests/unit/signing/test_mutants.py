"""Whatever is changed in a signed bundle, it passes only if its canonical form is still the signed one."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.canonical import C14N_1_0, canonicalize_document, parse
from signing.demo_pki import FacilityKey
from signing.errors import Unparsable
from signing.sign import sign_bundle
from signing.trust import TrustStore
from signing.verify import verify
from tests.unit.signing.documents import BUNDLE, NOW

pytestmark = pytest.mark.attack

SIZE = 4000
FRAGMENTS = [
    b"<!-- x -->",
    b"<?x y?>",
    b"<X/>",
    b' Id="x"',
    b' xmlns="urn:x"',
    b' xmlns:xsi="urn:x"',
    b"&#13;",
    b"&amp;",
    b"\r\n",
    b"<![CDATA[]]>",
    b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
    b"</CHUKYDONVI><CHUKYDONVI>",
    b"=",
    b"\0",
]


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer)


@pytest.fixture(scope="module")
def canonical(facility: FacilityKey) -> bytes:
    return canonicalize_document(parse(BUNDLE), C14N_1_0)


def assert_passes_only_unchanged(
    mutant: bytes, canonical: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    try:
        root = parse(mutant)
    except Unparsable:
        return
    verdict = verify(root, trust=trust, at=NOW)
    if verdict.has_passed:
        assert verdict.content is not None
        assert canonicalize_document(verdict.content, C14N_1_0) == canonical
        assert "".join(verdict.content.itertext()) == "".join(parse(BUNDLE).itertext())
        assert verdict.signer is not None
        assert verdict.signer.serial == facility.certificate.serial_number
    else:
        assert verdict.content is None


@settings(max_examples=500, deadline=None)
@given(at=st.integers(0, SIZE), bit=st.integers(0, 7))
def test_a_flipped_bit(
    at: int, bit: int, signed: bytes, canonical: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    mutant = bytearray(signed)
    mutant[at % len(mutant)] ^= 1 << bit

    assert_passes_only_unchanged(bytes(mutant), canonical, facility, trust)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, SIZE), fragment=st.sampled_from(FRAGMENTS))
def test_an_inserted_fragment(
    at: int, fragment: bytes, signed: bytes, canonical: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    at %= len(signed)

    assert_passes_only_unchanged(signed[:at] + fragment + signed[at:], canonical, facility, trust)


@settings(max_examples=300, deadline=None)
@given(start=st.integers(0, SIZE), length=st.integers(1, 200), to=st.integers(0, SIZE))
def test_a_part_moved_or_doubled(
    start: int,
    length: int,
    to: int,
    signed: bytes,
    canonical: bytes,
    facility: FacilityKey,
    trust: TrustStore,
) -> None:
    start, to = start % len(signed), to % len(signed)
    part = signed[start : start + length]

    assert_passes_only_unchanged(signed[:to] + part + signed[to:], canonical, facility, trust)
    assert_passes_only_unchanged(signed.replace(part, b"", 1), canonical, facility, trust)


def test_the_signed_bundle_itself_passes(signed: bytes, trust: TrustStore) -> None:
    assert len(signed) <= SIZE
    assert verify(parse(signed), trust=trust, at=NOW).has_passed


def test_no_single_bit_of_a_certificate_may_differ(
    signed: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    whole = facility.certificate.public_bytes(serialization.Encoding.DER)
    passed = []

    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        text = base64.b64encode(damaged)
        root = parse(signed.replace(base64.b64encode(whole), text))
        if verify(root, trust=trust, at=NOW).has_passed:
            passed.append(at)

    assert passed == []


@settings(max_examples=500, deadline=None)
@given(at=st.integers(0, SIZE), octet=st.integers(0, 255), other=st.integers(0, SIZE))
def test_a_damaged_certificate(
    at: int, octet: int, other: int, signed: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    whole = facility.certificate.public_bytes(serialization.Encoding.DER)
    damaged = bytearray(whole)
    damaged[at % len(whole)] = octet
    damaged[other % len(whole)] ^= 1
    text = base64.b64encode(damaged)

    root = parse(signed.replace(base64.b64encode(whole), text))
    verdict = verify(root, trust=trust, at=NOW)

    assert verdict.has_passed == (bytes(damaged) == whole)


@pytest.mark.parametrize(
    ("octets", "replacement"),
    [
        pytest.param(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x0a", id="version-10"),
        pytest.param(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x00", id="version-1-with-extensions"),
        pytest.param(b"\x06\x03\x55\x1d\x0f", b"\x06\x03\x55\x1d\x13", id="an-extension-twice"),
    ],
)
def test_a_certificate_that_the_library_stumbles_over(
    octets: bytes, replacement: bytes, signed: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    whole = facility.certificate.public_bytes(serialization.Encoding.DER)
    assert octets in whole
    damaged = whole.replace(octets, replacement, 1)

    root = parse(signed.replace(base64.b64encode(whole), base64.b64encode(damaged)))

    assert not verify(root, trust=trust, at=NOW).has_passed
