"""The octets that a signature and its timestamps cover, in the order that the standards give them.

Parts of a signature inherit namespaces from where they stand, while the document is covered without the
signature in it. So the parts are canonicalised first, then the signature is taken out, once.
"""

import copy
from collections.abc import Iterable
from typing import NamedTuple, Self

from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import canonicalize, canonicalize_document
from signing.elements import Canonicalization, Refused
from signing.errors import CanonicalizationFailed
from signing.form import SignatureForm
from signing.references import ReferenceForm
from signing.values import DIGESTS
from signing.verdict import Reason
from signing.xades.unsigned import TimestampPlace

_Pieces = list[bytes | Canonicalization]


def canonical_part(element: Element, canonicalization: Canonicalization) -> bytes:
    """Return the canonical form of a part of the signature in its place.

    Raises:
        Refused: It has none.
    """
    try:
        return canonicalize(
            element,
            canonicalization.algorithm,
            inclusive_prefixes=canonicalization.inclusive_prefixes,
        )
    except CanonicalizationFailed:
        raise Refused(Reason.SIGNATURE_NOT_CANONICAL) from None


class CoveredOctets(NamedTuple):
    """What is covered, piece by piece.

    Attributes:
        references: For each reference, in order, what it digests.
        timestamps: For each timestamp, in order, what it is on, as pieces one after another.
    """

    references: tuple[bytes, ...]
    timestamps: tuple[tuple[bytes, ...], ...]

    @classmethod
    def collect(cls, root: Element, form: SignatureForm, timestamps: Iterable[TimestampPlace] = ()) -> Self:
        """Take the signature out of the document and return what is covered.

        Raises:
            Refused: Something has no canonical form.
        """
        parts = _Parts()
        references = [parts.of_reference(reference, None) for reference in form.references]
        stamped = [parts.of_timestamp(form, timestamp) for timestamp in timestamps]
        take_out(form.element)
        documents = _Documents(root)
        return cls(
            tuple(documents.fill(references)),
            tuple(tuple(documents.fill(pieces)) for pieces in stamped),
        )

    def fit(self, form: SignatureForm) -> bool:
        """Whether the digests of all references are those that were signed."""
        for reference, octets in zip(form.references, self.references, strict=True):
            if DIGESTS[reference.digest_name](octets).digest() != reference.digest_value:
                return False
        return True

    def timestamp_digest(self, number: int, digest_name: str) -> bytes:
        """Return the digest of what the timestamp with this number is on."""
        digest = DIGESTS[digest_name]()
        for piece in self.timestamps[number]:
            digest.update(piece)
        return digest.digest()


class _Parts:
    """Canonical forms inside the signature, each made once. The document's are put off."""

    def __init__(self) -> None:
        self._forms: dict[tuple[Element, Canonicalization], bytes] = {}

    def of(self, element: Element, canonicalization: Canonicalization) -> bytes:
        key = (element, canonicalization)
        if key not in self._forms:
            self._forms[key] = canonical_part(element, canonicalization)
        return self._forms[key]

    def of_reference(
        self, reference: ReferenceForm, otherwise: Canonicalization | None
    ) -> bytes | Canonicalization:
        # EN 319 132-1, 5.5.2.3: what the transforms leave as a node set, the timestamp's method makes octets.
        canonicalization = reference.canonicalization
        if reference.is_node_set and otherwise is not None:
            canonicalization = otherwise
        if reference.file is not None:
            return reference.file[1]
        return canonicalization if reference.part is None else self.of(reference.part, canonicalization)

    def of_timestamp(self, form: SignatureForm, timestamp: TimestampPlace) -> _Pieces:
        method = timestamp.canonicalization
        if not timestamp.is_archive:
            # EN 319 132-1, 5.3: the signature value alone.
            return [self.of(form.value_element, method)]
        # EN 319 132-1 (edition 1.3.1), 5.5.2.3: (3) all references, in order; (4) SignedInfo, SignatureValue
        # and KeyInfo; (5) the unsigned properties before the timestamp; (6) other objects, none here.
        pieces: _Pieces = [self.of_reference(reference, method) for reference in form.references]
        pieces += [self.of(each, method) for each in (form.signed_info, form.value_element, form.key_info)]
        properties = form.qualifying_properties
        before = () if properties is None else properties.unsigned[: timestamp.position]
        return pieces + [self.of(each, method) for each in before]


class _Documents:
    """Canonical forms of the document without its signature, each made once."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._forms: dict[Canonicalization, bytes] = {}

    def fill(self, pieces: Iterable[bytes | Canonicalization]) -> list[bytes]:
        """Return the pieces with the document where its canonicalisation stands."""
        return [piece if isinstance(piece, bytes) else self._of(piece) for piece in pieces]

    def _of(self, canonicalization: Canonicalization) -> bytes:
        if canonicalization not in self._forms:
            try:
                self._forms[canonicalization] = canonicalize_document(
                    self._root,
                    canonicalization.algorithm,
                    inclusive_prefixes=canonicalization.inclusive_prefixes,
                )
            except CanonicalizationFailed:
                raise Refused(Reason.SIGNATURE_NOT_CANONICAL) from None
        return self._forms[canonicalization]


def take_out(signature: Element) -> None:
    """Remove the element but not the text after it, which belongs to its parent (XMLDSIG 6.6.4)."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail
    if parent is None:
        return
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        parent.text = (parent.text or "") + tail
    parent.remove(signature)


def take_content(root: Element, form: SignatureForm) -> Element:
    """Return what was signed as a tree of its own, once the signature is out of the document."""
    content = root
    if form.signed_element is not None:
        element = form.signed_element.element
        # A copy is a document of its own; from the element itself XPath still finds what nobody signed.
        content = copy.deepcopy(element)
        content.tail = None
        root.remove(element)
    # Comments are in no canonical form of ours, so nobody signed them.
    if next(content.iter(etree.Comment), None) is not None:
        etree.strip_tags(content, etree.Comment)
    return content
