"""The references of a signature: what each of them digests, and how.

A reference covers the whole document, or a part that it may name: the signed properties of XAdES and KeyInfo,
or what is covered in the document's stead. Parts are known by their place, never looked up by id. A signature
that stands beside what it covers names files instead of the document; they are given, never fetched.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0
from signing.elements import (
    NO_ATTRIBUTES,
    Canonicalization,
    Refused,
    decode_base64,
    read_algorithm,
    read_canonicalization,
    read_digest_algorithm,
    read_parts,
    read_text,
)
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG, Policy
from signing.verdict import Reason

_DS: Final = f"{{{XMLDSIG}}}"
_REFERENCE: Final = f"{_DS}Reference"
_TRANSFORMS: Final = f"{_DS}Transforms"
_TRANSFORM: Final = f"{_DS}Transform"
_DIGEST_PARTS: Final = [f"{_DS}DigestMethod", f"{_DS}DigestValue"]
_PREFIXES_OF_NOTHING: Final = f"{{{ENVELOPED_SIGNATURE}}}InclusiveNamespaces"
_FILE_ATTRIBUTES: Final = frozenset({"Id", "URI"})
_ATTRIBUTES: Final = frozenset({"Id", "URI", "Type"})
# EU DSS writes an empty one.
_TYPES_OF_DOCUMENT: Final = frozenset({None, ""})
# What EU DSS and @firma write for enveloped-signature. Of a document with one signature it leaves the same.
_XPATH: Final = "http://www.w3.org/TR/1999/REC-xpath-19991116"
# The spaces are those of XPath; others make no expression of it.
_WITHOUT_SIGNATURES: Final = re.compile(
    r"[ \t\r\n]*not\([ \t\r\n]*ancestor-or-self::([\w.-]+):Signature[ \t\r\n]*\)[ \t\r\n]*"
)


class ReferenceForm(NamedTuple):
    """What one reference claims.

    Attributes:
        part: The part that it covers, or None: the whole document.
        canonicalization: How what it covers becomes octets.
        digest_name: The hash algorithm as :mod:`hashlib` calls it.
        digest_value: The digest that was signed.
        id: Its own Id, if it has one.
        is_node_set: Whether no transform says how, and the default does (XMLDSIG 4.4.3.2).
        file: The name of the file that it covers in the document's stead, and its bytes.
    """

    part: Element | None
    canonicalization: Canonicalization
    digest_name: str
    digest_value: bytes
    id: str | None
    is_node_set: bool = False
    file: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class CoverablePart:
    """What a reference may cover (None: the document), and which Types it may have (None: it has none)."""

    element: Element | None
    types: tuple[str | None, ...] = (None,)


def read_references(
    elements: Sequence[Element],
    parts: Mapping[str, CoverablePart],
    policy: Policy,
    files: Mapping[str, bytes] | None = None,
) -> tuple[ReferenceForm, ...]:
    """Read the Reference elements, none of which covers what another does.

    ``parts`` are what may be covered besides the whole document, or as it, by Id; ``files`` are what must be
    covered in its stead, each of them, by name.

    Raises:
        Refused: A reference is malformed, forbidden, or covers something else.
    """
    if any(element.tag != _REFERENCE for element in elements):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    # As many as there can be, so that no count of references costs anything.
    inside = {part.element for part in parts.values()} - {None}
    if not 1 <= len(elements) <= len(inside) + (1 if files is None else len(files)):
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    if files is None:
        references = tuple(_read_reference(element, parts, policy) for element in elements)
    else:
        references = tuple(_read_beside(element, parts, files, policy) for element in elements)
    covered = {id(each.part) if each.file is None else each.file[0] for each in references}
    if len(covered) != len(references) or (files is not None and not covered.issuperset(files)):
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    return references


def _read_beside(
    element: Element, parts: Mapping[str, CoverablePart], files: Mapping[str, bytes], policy: Policy
) -> ReferenceForm:
    """Read a reference to a file, whose bytes are digested as they are, or to a part."""
    name = element.get("URI")
    if name is None or name not in files:
        reference = _read_reference(element, parts, policy)
        if reference.part is None:
            raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
        return reference
    children = read_parts(element, _FILE_ATTRIBUTES)
    if [child.tag for child in children] != _DIGEST_PARTS:
        raise Refused(Reason.SIGNATURE_TRANSFORM_FORBIDDEN)
    digest_name, digest = _read_digest(children[0], children[1], policy)
    return ReferenceForm(
        part=None,
        canonicalization=Canonicalization(C14N_1_0),
        digest_name=digest_name,
        digest_value=digest,
        id=element.get("Id"),
        file=(name, files[name]),
    )


def _read_reference(element: Element, parts: Mapping[str, CoverablePart], policy: Policy) -> ReferenceForm:
    uri = element.get("URI")
    part = _find_part(uri, element.get("Type"), parts)
    children = read_parts(element, _ATTRIBUTES)
    transforms, method, value = _split(children, may_lack_transforms=part is not None)
    digest_name, digest = _read_digest(method, value, policy)
    canonicalization = _read_transforms(transforms, policy, is_document=part is None)
    return ReferenceForm(
        part=part,
        # XMLDSIG 4.4.3.2: what is still a node set is made octets by Canonical XML 1.0.
        canonicalization=canonicalization or Canonicalization(C14N_1_0),
        digest_name=digest_name,
        digest_value=digest,
        id=element.get("Id"),
        is_node_set=canonicalization is None,
    )


def _read_digest(method: Element, value: Element, policy: Policy) -> tuple[str, bytes]:
    digest_name, digest_length = read_digest_algorithm(method, policy)
    digest = decode_base64(read_text(value))
    if len(digest) != digest_length:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return digest_name, digest


def _find_part(
    uri: str | None, reference_type: str | None, parts: Mapping[str, CoverablePart]
) -> Element | None:
    """Return the part that is meant, or None for the document."""
    if uri and uri.startswith("#") and (part := parts.get(uri[1:])):
        if reference_type not in (_TYPES_OF_DOCUMENT if part.element is None else part.types):
            raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
        return part.element
    if uri is None or uri.startswith("#") or reference_type not in _TYPES_OF_DOCUMENT:
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)
    if uri:
        raise Refused(Reason.SIGNATURE_REFERENCE_EXTERNAL)
    return None


def _split(children: list[Element], *, may_lack_transforms: bool) -> tuple[Element | None, Element, Element]:
    tags = [child.tag for child in children]
    if tags == _DIGEST_PARTS:
        if may_lack_transforms:
            return None, children[0], children[1]
        # Without the enveloped-signature transform the digest would have to cover itself.
        raise Refused(Reason.SIGNATURE_TRANSFORM_FORBIDDEN)
    if tags != [_TRANSFORMS, *_DIGEST_PARTS]:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return children[0], children[1], children[2]


def _read_transforms(
    transforms: Element | None, policy: Policy, *, is_document: bool
) -> Canonicalization | None:
    """Accept enveloped-signature, for the document alone, and then one canonicalisation; evaluate nothing."""
    steps = [] if transforms is None else read_parts(transforms, NO_ATTRIBUTES)
    if any(step.tag != _TRANSFORM for step in steps):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    forbidden = Reason.SIGNATURE_TRANSFORM_FORBIDDEN
    if is_document:
        if not steps or not _takes_signature_out(steps[0]):
            raise Refused(forbidden)
        del steps[0]
    elif transforms is not None and not steps:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    if len(steps) > 1:
        raise Refused(forbidden)
    return read_canonicalization(steps[0], policy, otherwise=forbidden) if steps else None


def _takes_signature_out(step: Element) -> bool:
    """Whether a transform leaves out the signature, and nothing else."""
    algorithm = read_algorithm(step)
    if algorithm == _XPATH and [each.tag for each in step] == [f"{_DS}XPath"]:
        found = _WITHOUT_SIGNATURES.fullmatch(read_text(step[0]))
        return found is not None and step[0].nsmap.get(found[1]) == XMLDSIG
    return algorithm == ENVELOPED_SIGNATURE and _is_bare(step)


def _is_bare(enveloped: Element) -> bool:
    """Whether nothing is asked of the transform that it does not do."""
    # xml-crypto, which most programs in Node.js sign with, lists the prefixes of the canonicalisation here as
    # well, in a namespace of its own making. They mean nothing: this transform has no parameters.
    return all(
        each.tag == _PREFIXES_OF_NOTHING and not len(each) and not each.text and each.keys() == ["PrefixList"]
        for each in enveloped
    )
