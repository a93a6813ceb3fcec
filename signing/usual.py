"""Signed documents as nearly everybody writes them, read from their bytes in a third of the time.

A signature of one of the shapes in ``signing/shapes.py``, in a document without anything that a canonical
form would write differently. What is read here is what ``signing/facts.py`` would read; what is not
recognised, or not found right at once, is left to it, so nothing is refused here. Why the bytes suffice:

1. Outside of the signature the bytes are plain, so they are their own canonical form. No element in them is
   in a namespace, so the signature is the one that the tree has; no id is in them.
2. The signature has one of the shapes, throughout. Its parts inherit what the root declares and nothing else,
   so their canonical forms are those of the shape, with what was read put in.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE
from signing.certificates import read_certificate
from signing.covered import CoveredOctets, take_out
from signing.elements import Canonicalization, Refused, decode_base64
from signing.facts import SignatureFacts
from signing.form import SignatureForm, find_in_containers
from signing.plain_form import PlainBytes, find_root
from signing.policy import Policy
from signing.references import ReferenceForm
from signing.shapes import SHAPES, Shape
from signing.verdict import Reason
from signing.xades.form import CertificateReference, QualifyingProperties, read_date_time
from signing.xades.unsigned import UnsignedForm

_CANONICALIZATIONS: Final = {
    algorithm: Canonicalization(algorithm) for algorithm in (C14N_1_0, C14N_1_1, C14N_EXCLUSIVE)
}

_NOTHING_UNSIGNED: Final = UnsignedForm()

_PREFIXES: Final = frozenset({"ds", "xades"})
_END: Final = b"Signature>"


def read_usual_facts(root: Element, source: bytes, policy: Policy) -> SignatureFacts | None:
    """Gather the facts of a signature from the bytes that the tree was parsed from.

    The signature is taken out of the tree. If there is anything unusual, None is returned and nothing done.
    """
    found = _find_signature(source)
    if found is None:
        return None
    shape, match, document = found
    # There is no other signature, and no id outside of this one, which has three of different names.
    signature = find_in_containers(root, policy.containers)
    if signature is None:
        return None
    try:
        facts = _read(signature, shape, match, document, policy)
    except (Refused, KeyError):
        return None
    if facts is not None:
        take_out(signature)
    return facts


def _find_signature(source: bytes) -> tuple[Shape, Mapping[str, str], PlainBytes] | None:
    """Return the shape of the signature, what its holes hold, and the document without it."""
    root = find_root(source)
    # Behind the tag of the root, the signature's is the first that has a quotation mark.
    mark = source.find(b'"', source.find(b">", root))
    start = source.rfind(b"<", 0, mark)
    shapes = SHAPES.get(source[start : source.find(b'"', mark + 1) + 2])
    if shapes is None:
        return None
    end = source.rfind(_END) + len(_END)
    before = memoryview(source)[root:start]
    document = PlainBytes.find(b"".join((before, source[end:].rstrip(b" \t\n"))))
    signature = source[start:end]
    if document is None or not signature.isascii() or b"\r" in signature:
        return None
    if any(prefix in _PREFIXES for prefix, _ in document.declared):
        return None
    text = signature.decode("ascii")
    for shape in shapes:
        if match := shape.pattern.fullmatch(text):
            return shape, match.groupdict(), document
    return None


def _read(
    signature: Element, shape: Shape, holes: Mapping[str, str], document: PlainBytes, policy: Policy
) -> SignatureFacts | None:
    """Put the facts together, unless something is not as the policy has it.

    Raises:
        Refused: Something is not what its place asks for.
        KeyError: The policy, or this module, does not know an algorithm.
    """
    method, after = holes["method"], holes.get("after", C14N_1_0)
    if method not in policy.canonicalizations or (
        shape.has_transform and after not in policy.canonicalizations
    ):
        return None
    digest_name, digest = _read_digest(policy.digest_algorithms[holes["digest_method"]], holes["digest"])
    references = [
        ReferenceForm(
            None,
            _CANONICALIZATIONS[after],
            digest_name,
            digest,
            holes.get("document"),
            not shape.has_transform,
        )
    ]
    octets, properties = [document.form(exclusive=after == C14N_EXCLUSIVE)], None
    if shape.properties:
        transform = holes["properties_transform"]
        properties = _read_properties(signature[3][0][0], holes, policy)
        is_distinct = holes["id"] != holes["document"] != holes["properties"] != holes["id"]
        if properties is None or not is_distinct or transform not in policy.canonicalizations:
            return None
        digest_name, digest = _read_digest(
            policy.digest_algorithms[holes["properties_method"]], holes["properties_digest"]
        )
        part, canonicalization = properties.signed_properties, _CANONICALIZATIONS[transform]
        references.append(ReferenceForm(part, canonicalization, digest_name, digest, None))
        octets.append((shape.properties[transform] % holes).encode())
    form = SignatureForm(
        signature,
        _CANONICALIZATIONS[method],
        policy.signature_algorithms[holes["algorithm"]],
        decode_base64(holes["value"]),
        tuple(references),
        (holes["certificate"],),
        properties,
    )
    return SignatureFacts(
        form,
        _NOTHING_UNSIGNED,
        (read_certificate(holes["certificate"]),),
        shape.signed_info_form(() if method == C14N_EXCLUSIVE else document.declared, holes),
        CoveredOctets(tuple(octets), ()),
    )


def _read_digest(algorithm: tuple[str, int], value: str) -> tuple[str, bytes]:
    name, length = algorithm
    digest = decode_base64(value)
    if len(digest) != length:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return name, digest


# A signer names his certificate in the same words every time.
@lru_cache(maxsize=256)
def _read_reference(algorithm: tuple[str, int], value: str, issuer_serial: str) -> CertificateReference:
    return CertificateReference(*_read_digest(algorithm, value), None, decode_base64(issuer_serial))


def _read_properties(
    element: Element, holes: Mapping[str, str], policy: Policy
) -> QualifyingProperties | None:
    time = read_date_time(holes["time"])
    if time is None:
        return None
    certificate = _read_reference(
        policy.digest_algorithms[holes["named_method"]], holes["named"], holes["issuer_serial"]
    )
    return QualifyingProperties(element, holes["properties"], time, certificate, (holes["document"],), (), ())
