"""The form of a signature: where it stands, what it is made of, what it claims to cover.

Reads a Signature element once, strictly, into a value; computes and trusts nothing. What is not listed here
as allowed is refused, before any transform is evaluated.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG, Policy, SignatureAlgorithm
from signing.verdict import Reason

_DS: Final = f"{{{XMLDSIG}}}"
_SIGNATURE: Final = f"{_DS}Signature"
_SIGNED_INFO: Final = f"{_DS}SignedInfo"
_SIGNATURE_PARTS: Final = [_SIGNED_INFO, f"{_DS}SignatureValue", f"{_DS}KeyInfo"]
_OBJECT: Final = f"{_DS}Object"
_REFERENCE: Final = f"{_DS}Reference"
_SIGNED_INFO_METHODS: Final = [f"{_DS}CanonicalizationMethod", f"{_DS}SignatureMethod"]
_REFERENCE_PARTS: Final = [f"{_DS}Transforms", f"{_DS}DigestMethod", f"{_DS}DigestValue"]
_TRANSFORM: Final = f"{_DS}Transform"
_X509_DATA: Final = f"{_DS}X509Data"
_X509_CERTIFICATE: Final = f"{_DS}X509Certificate"
# Hints that say nothing a certificate does not say; they are not signed and never read.
_KEY_HINTS: Final = frozenset({f"{_DS}KeyName", f"{_DS}KeyValue"})
_X509_HINTS: Final = frozenset({f"{_DS}X509SubjectName", f"{_DS}X509IssuerSerial", f"{_DS}X509SKI"})
_INCLUSIVE_NAMESPACES: Final = f"{{{C14N_EXCLUSIVE}}}InclusiveNamespaces"

_NO_ATTRIBUTES: Final[frozenset[str]] = frozenset()
_ID: Final = frozenset({"Id"})
_ALGORITHM: Final = frozenset({"Algorithm"})
_PREFIX_LIST: Final = frozenset({"PrefixList"})
_REFERENCE_ATTRIBUTES: Final = frozenset({"Id", "URI"})

# RSA-8192 with room to spare; what is longer is no signature value and no certificate.
_MAX_BASE64: Final = 64 * 1024

_WHITE_SPACE: Final = " \t\r\n"
_FIND_IDS: Final = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']", smart_strings=False)


class Refused(Exception):
    """The signature is refused for one reason; ``signing/verify.py`` makes it a verdict."""

    def __init__(self, reason: Reason) -> None:
        """Note the reason."""
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Canonicalization:
    """An algorithm with its parameter."""

    algorithm: str
    inclusive_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureForm:
    """Everything a signature claims, read from a form that has been found right."""

    element: Element
    signed_info: Element
    signed_info_canonicalization: Canonicalization
    algorithm: SignatureAlgorithm
    value: bytes
    document_canonicalization: Canonicalization
    digest_name: str
    digest_value: bytes
    # The text of each X509Certificate: base64, not yet decoded.
    certificates: tuple[str, ...]


def find_signature(root: Element, container: str) -> Element:
    """Return the document's one Signature, which must be the only child of the root's container element."""
    # (1) One in the whole document, wherever it stands.
    found = root.iter(_SIGNATURE)
    signature = next(found, None)
    if signature is None:
        raise Refused(Reason.SIGNATURE_MISSING)
    if next(found, None) is not None:
        raise Refused(Reason.SIGNATURE_SEVERAL)

    # (2) At its place. Whatever else stands beside it may be a wrapped copy of something.
    places = list(root.iterchildren(container))
    parent = signature.getparent()
    if len(places) != 1 or parent is not places[0] or len(list(parent.iterchildren("*"))) != 1:
        raise Refused(Reason.SIGNATURE_MISPLACED)

    # (3) No id twice in any of its spellings, although nothing here looks an element up by id.
    ids = _FIND_IDS(root)
    if isinstance(ids, list) and len(set(ids)) != len(ids):
        raise Refused(Reason.SIGNATURE_DUPLICATE_ID)
    return signature


def read_form(signature: Element, policy: Policy) -> SignatureForm:
    """Read the Signature element as the schema and the policy have it, and nothing more lenient."""
    # Text that is split by a comment or an instruction is read differently by different readers.
    if next(signature.iter(etree.Comment, etree.ProcessingInstruction), None) is not None:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    parts = _parts(signature, _ID)
    tags: list[object] = [part.tag for part in parts]
    if tags != _SIGNATURE_PARTS:
        raise Refused(_why_not_signature(tags))
    signed_info, value, key_info = parts
    canonicalization, method, reference = _read_signed_info(signed_info)

    # Algorithms first: an answer "this is SHA-1" helps more than anything that follows.
    algorithm = _signature_algorithm(method, policy)
    transforms, digest_method, digest_value = _read_reference(reference)
    digest_name, digest_length = _digest_algorithm(digest_method, policy)
    digest = decode_base64(_text(digest_value))
    if len(digest) != digest_length:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return SignatureForm(
        element=signature,
        signed_info=signed_info,
        signed_info_canonicalization=_canonicalization(
            canonicalization,
            policy,
            otherwise=Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
        ),
        algorithm=algorithm,
        value=decode_base64(_text(value, _ID)),
        document_canonicalization=_read_transforms(transforms, policy),
        digest_name=digest_name,
        digest_value=digest,
        certificates=_read_key_info(key_info, policy),
    )


def decode_base64(text: str) -> bytes:
    """Decode base64 that has no characters but its own and XML white space, and one spelling only."""
    # Only what is ASCII throughout: str.split() takes spaces of other scripts for white space.
    if not text.isascii() or len(text) > _MAX_BASE64:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    compact = "".join(text.split())
    if not compact:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    try:
        data = binascii.a2b_base64(compact, strict_mode=True)
    except binascii.Error:
        raise Refused(Reason.SIGNATURE_MALFORMED) from None
    if base64.b64encode(data).decode("ascii") != compact:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return data


def _why_not_signature(tags: list[object]) -> Reason:
    if _OBJECT in tags and tags[: len(_SIGNATURE_PARTS)] == _SIGNATURE_PARTS:
        return Reason.SIGNATURE_OBJECT_UNSUPPORTED
    if tags == _SIGNATURE_PARTS[:2]:
        return Reason.CERTIFICATE_MISSING
    return Reason.SIGNATURE_MALFORMED


def _read_signed_info(signed_info: Element) -> tuple[Element, Element, Element]:
    parts = _parts(signed_info, _ID)
    references = parts[2:]
    if [part.tag for part in parts[:2]] != _SIGNED_INFO_METHODS:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    if any(reference.tag != _REFERENCE for reference in references):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    # Exactly one, so that there is no question which of them covers the document.
    if len(references) != 1:
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    return parts[0], parts[1], references[0]


def _read_reference(reference: Element) -> tuple[Element, Element, Element]:
    uri = reference.get("URI")
    if uri is None or uri.startswith("#") or "Type" in reference.keys():  # noqa: SIM118 - lxml elements
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    if uri:
        raise Refused(Reason.SIGNATURE_REFERENCE_EXTERNAL)
    parts = _parts(reference, _REFERENCE_ATTRIBUTES)
    tags = [part.tag for part in parts]
    if tags == _REFERENCE_PARTS[1:]:
        # Without the enveloped-signature transform the digest would have to cover itself.
        raise Refused(Reason.SIGNATURE_TRANSFORM_FORBIDDEN)
    if tags != _REFERENCE_PARTS:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return parts[0], parts[1], parts[2]


def _read_transforms(transforms: Element, policy: Policy) -> Canonicalization:
    """Accept enveloped-signature, alone or followed by one canonicalisation; evaluate nothing."""
    parts = _parts(transforms, _NO_ATTRIBUTES)
    if any(part.tag != _TRANSFORM for part in parts):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    forbidden = Reason.SIGNATURE_TRANSFORM_FORBIDDEN
    if not 1 <= len(parts) <= 2 or _algorithm(parts[0]) != ENVELOPED_SIGNATURE or len(parts[0]):  # noqa: PLR2004
        raise Refused(forbidden)
    if len(parts) == 1:
        # XMLDSIG 4.4.3.2: what is still a node set is made octets by Canonical XML 1.0.
        return Canonicalization(C14N_1_0)
    return _canonicalization(parts[1], policy, otherwise=forbidden)


def _canonicalization(element: Element, policy: Policy, *, otherwise: Reason) -> Canonicalization:
    algorithm = _algorithm(element)
    if algorithm not in policy.canonicalizations:
        raise Refused(otherwise)
    if len(element) == 0:
        return Canonicalization(algorithm)
    parameter = element[0]
    is_prefix_list = parameter.tag == _INCLUSIVE_NAMESPACES and len(parameter) == 0 and not parameter.text
    if algorithm != C14N_EXCLUSIVE or len(element) != 1 or not is_prefix_list:
        raise Refused(otherwise)
    _check_attributes(parameter, _PREFIX_LIST)
    prefixes = tuple((parameter.get("PrefixList") or "").split())
    if len(prefixes) > policy.max_inclusive_prefixes:
        raise Refused(otherwise)
    return Canonicalization(algorithm, prefixes)


def _signature_algorithm(method: Element, policy: Policy) -> SignatureAlgorithm:
    uri = _algorithm(method)
    if uri in policy.sha1_algorithms:
        raise Refused(Reason.SIGNATURE_SHA1)
    # HMAC is not on the list; neither is a parameter such as HMACOutputLength.
    if uri not in policy.signature_algorithms or len(method):
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return policy.signature_algorithms[uri]


def _digest_algorithm(method: Element, policy: Policy) -> tuple[str, int]:
    uri = _algorithm(method)
    if uri in policy.sha1_algorithms:
        raise Refused(Reason.SIGNATURE_SHA1)
    if uri not in policy.digest_algorithms or len(method):
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return policy.digest_algorithms[uri]


def _read_key_info(key_info: Element, policy: Policy) -> tuple[str, ...]:
    """Return the certificates; a bare key, however well it fits, says nothing about who signed."""
    certificates: list[str] = []
    for part in _parts(key_info, _ID):
        if part.tag == _X509_DATA:
            certificates += _read_x509_data(part)
        elif part.tag not in _KEY_HINTS:
            raise Refused(Reason.SIGNATURE_MALFORMED)
    if not certificates:
        raise Refused(Reason.CERTIFICATE_MISSING)
    if len(certificates) > policy.max_certificates:
        raise Refused(Reason.CERTIFICATE_MALFORMED)
    return tuple(certificates)


def _read_x509_data(x509_data: Element) -> list[str]:
    certificates = []
    for part in _parts(x509_data, _NO_ATTRIBUTES):
        if part.tag == _X509_CERTIFICATE:
            certificates.append(_text(part))
        elif part.tag not in _X509_HINTS:
            raise Refused(Reason.SIGNATURE_MALFORMED)
    return certificates


def _parts(element: Element, attributes: frozenset[str]) -> list[Element]:
    """Return the children of an element that has no other attributes than these, and no text of its own."""
    _check_attributes(element, attributes)
    parts = list(element)
    # One XPath expression would say it all, but its node sets cost the square of their size.
    if (text := element.text) and text.strip(_WHITE_SPACE):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    for part in parts:
        if (text := part.tail) and text.strip(_WHITE_SPACE):
            raise Refused(Reason.SIGNATURE_MALFORMED)
    return parts


def _algorithm(element: Element) -> str:
    _parts(element, _ALGORITHM)
    return element.get("Algorithm") or ""


def _text(element: Element, attributes: frozenset[str] = _NO_ATTRIBUTES) -> str:
    _check_attributes(element, attributes)
    if len(element):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return element.text or ""


def _check_attributes(element: Element, allowed: frozenset[str]) -> None:
    if not allowed.issuperset(element.keys()):
        raise Refused(Reason.SIGNATURE_MALFORMED)
