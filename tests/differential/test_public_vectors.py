"""The public vectors of XML Signature: what other implementers sign and verify.

``XMLDSIG_VECTORS`` names a folder of them (docs/guides/signatures.md says where one is). Most are
enveloping, signed for the sake of an example, and often with what the policy forbids, so the verifier
refuses every one; the arithmetic under it, canonical forms, digests and signature values, is held beside what
the vectors say, by keys that they carry.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, canonicalize, parse
from signing.errors import SigningError
from signing.trust import TrustStore
from signing.verdict import Indication
from signing.verify import verify
from tests.conftest import XMLDSIG_VECTORS

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
DS11: Final = "{http://www.w3.org/2009/xmldsig11#}"
FORMS: Final = frozenset({C14N_1_0, C14N_1_1, C14N_EXCLUSIVE})
DIGESTS: Final = {
    "sha1": hashlib.sha1,
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}
HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
CURVES: Final = {
    "1.2.840.10045.3.1.7": ec.SECP256R1(),
    "1.3.132.0.34": ec.SECP384R1(),
    "1.3.132.0.35": ec.SECP521R1(),
}
#: Vectors whose point is that they do not verify.
MEANT_TO_FAIL: Final = ("bad", "invalid")
#: So many signature values and digests of the vectors in signxml's source package can be worked out.
FEWEST_SIGNATURES, FEWEST_DIGESTS = 45, 70

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@pytest.fixture(scope="module")
def vectors() -> list[tuple[str, bytes]]:
    if not XMLDSIG_VECTORS:
        pytest.skip("needs XMLDSIG_VECTORS, a folder of public XML signature vectors")
    return [(path.name, path.read_bytes()) for path in sorted(Path(XMLDSIG_VECTORS).rglob("*.xml"))]


def test_no_vector_passes_and_none_is_too_much(vectors: list[tuple[str, bytes]]) -> None:
    trust, at = TrustStore(anchors=[]), datetime(2026, 9, 1, tzinfo=UTC)
    for name, data in vectors:
        try:
            verdict = verify(parse(data), trust=trust, at=at)
        except SigningError:
            continue
        assert verdict.indication is not Indication.TOTAL_PASSED, name
        assert verdict.reasons, name


def test_signature_values_are_those_of_our_canonical_forms(vectors: list[tuple[str, bytes]]) -> None:
    verified = [name for name, data in vectors for one in signatures(data) if has_right_value(name, one)]

    assert len(verified) >= FEWEST_SIGNATURES, verified


def test_digests_are_those_of_our_canonical_forms(vectors: list[tuple[str, bytes]]) -> None:
    digested = [
        name
        for name, data in vectors
        for one in signatures(data)
        for reference in one.iterfind(f"{DS}SignedInfo/{DS}Reference")
        if has_right_digest(name, one, reference)
    ]

    assert len(digested) >= FEWEST_DIGESTS, digested


def signatures(data: bytes) -> Iterator[Element]:
    try:
        yield from parse(data).iter(f"{DS}Signature")
    except SigningError:
        return  # a DOCTYPE or a foreign encoding: nothing is read of those


def has_right_value(name: str, signature: Element) -> bool:
    """Whether a signature value can be worked out; where it can, it must be right."""
    info = signature.find(f"{DS}SignedInfo")
    form = "" if info is None else algorithm(info, "CanonicalizationMethod")
    method = "" if info is None else algorithm(info, "SignatureMethod")
    key, made_by = key_of(signature), HASHES.get(method.rpartition("-")[2])
    is_ours = form in FORMS and made_by is not None and ("rsa-sha" in method or "ecdsa-sha" in method)
    if info is None or key is None or made_by is None or not is_ours:
        return False
    octets = canonicalize(info, form, inclusive_prefixes=prefixes(info.find(f"{DS}CanonicalizationMethod")))
    value = base64.b64decode("".join((signature.findtext(f"{DS}SignatureValue") or "").split()))
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, octets, padding.PKCS1v15(), made_by())
        else:
            half = len(value) // 2
            numbers = (int.from_bytes(value[:half]), int.from_bytes(value[half:]))
            key.verify(utils.encode_dss_signature(*numbers), octets, ec.ECDSA(made_by()))
    except InvalidSignature:
        assert any(word in name for word in MEANT_TO_FAIL), name
        return False
    return True


def has_right_digest(name: str, signature: Element, reference: Element) -> bool:
    """Whether a digest can be worked out: of an element of the document by its Id, in a form of ours."""
    transforms = [one.get("Algorithm", "") for one in reference.iterfind(f"{DS}Transforms/{DS}Transform")]
    digest = DIGESTS.get(algorithm(reference, "DigestMethod").rpartition("#")[2])
    target = find_by_id(signature, reference.get("URI", ""))
    if target is None or digest is None or len(transforms) > 1 or not FORMS.issuperset(transforms):
        return False
    asked = prefixes(reference.find(f"{DS}Transforms/{DS}Transform"))
    octets = canonicalize(target, *(transforms or [C14N_1_0]), inclusive_prefixes=asked)
    is_right = digest(octets).digest() == base64.b64decode(reference.findtext(f"{DS}DigestValue") or "")
    assert is_right or any(word in name for word in MEANT_TO_FAIL), (name, reference.get("URI"))
    return is_right


def algorithm(parent: Element, method: str) -> str:
    found = parent.find(f"{DS}{method}")
    return "" if found is None else found.get("Algorithm", "")


def prefixes(method: Element | None) -> tuple[str, ...]:
    """Return the prefixes that an exclusive form keeps like an inclusive one."""
    listed = None if method is None else method.find(f"{{{C14N_EXCLUSIVE}}}InclusiveNamespaces")
    return () if listed is None else tuple(listed.get("PrefixList", "").split())


def find_by_id(signature: Element, uri: str) -> Element | None:
    if not uri.startswith("#"):
        return None
    every = signature.getroottree().getroot().iter("*")
    found = [one for one in every if uri[1:] in {one.get("Id"), one.get("ID")}]
    return found[0] if len(found) == 1 else None


def key_of(signature: Element) -> Key | None:
    """Return the key that a signature carries, however it does."""
    info = signature.find(f"{DS}KeyInfo")
    if info is None:
        return None
    plain = info.find(f"{DS}KeyValue/{DS}RSAKeyValue")
    if plain is not None:
        modulus, exponent = (number(plain, f"{DS}{part}") for part in ("Modulus", "Exponent"))
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    curve = info.find(f"{DS}KeyValue/{DS11}ECKeyValue")
    if curve is not None:
        return point(curve)
    packed = info.findtext(f"{DS11}DEREncodedKeyValue")
    if packed is not None:
        return known(serialization.load_der_public_key(base64.b64decode("".join(packed.split()))))
    leaf = info.findtext(f"{DS}X509Data/{DS}X509Certificate")
    if leaf is None or len(info.findall(f"{DS}X509Data/{DS}X509Certificate")) != 1:
        return None  # of several, these vectors do not say which is the signer's
    return known(x509.load_der_x509_certificate(base64.b64decode("".join(leaf.split()))).public_key())


def known(key: object) -> Key | None:
    return key if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else None


def number(parent: Element, tag: str) -> int:
    return int.from_bytes(base64.b64decode("".join((parent.findtext(tag) or "").split())))


def point(value: Element) -> Key | None:
    named = value.find(f"{DS11}NamedCurve")
    curve = CURVES.get("" if named is None else named.get("URI", "").removeprefix("urn:oid:"))
    octets = base64.b64decode("".join((value.findtext(f"{DS11}PublicKey") or "").split()))
    return None if curve is None else ec.EllipticCurvePublicKey.from_encoded_point(curve, octets)
