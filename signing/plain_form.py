"""The canonical form of plain documents, in less time than libxml2 takes: half of it for 2 MB.

A bundle is plain: no attributes, no comments or instructions, no namespaces but some declared on its root and
not used. For such a document Canonical XML differs from what the serialiser writes in three things alone,
which are put right here. Many are written so that it differs from their bytes in none but the declarations.
Any other document is left to ``signing/canonical.py``.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple, Self

from lxml import etree
from lxml.etree import _Element as Element

# Elements that are touched one by one; with more of them libxml2's canonicaliser is as fast.
_MAX_EMPTY_ELEMENTS: Final = 1000

# An absolute name without a character that would have to be escaped.
_SIMPLE_NAMESPACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9/:.#_?=-]*")

_DECLARATION: Final = re.compile(rb"<\?xml [^<>?]*\?>[ \t\n]*")
_ROOT: Final = re.compile(rb"<([A-Za-z_][A-Za-z0-9_.-]*)((?: xmlns:[A-Za-z][A-Za-z0-9_.-]*=\"[^\"]*\")*)>")
_DECLARED: Final = re.compile(r' xmlns:([^=]+)="([^"]*)"')
# An octet is found in half the time by its number.
_NEVER_IN_PLAIN_BYTES: Final = tuple(b"\"'&!?:\r")
_END_OF_TAG: Final = ord(">")
_NEVER_BEFORE_ENDS: Final = b"/ \t\n"
# Three usual namespaces have 150 octets; what is remembered of strangers must not be of any length.
_MOST_DECLARED: Final = 1000


class PlainBytes(NamedTuple):
    """A well-formed document that differs from its canonical form in its root's declarations alone.

    Attributes:
        name: The name of its root.
        declared: The namespaces that its root declares and nothing uses, by prefix, sorted.
        document: All of its bytes.
        inside: Where in them the root's start tag has ended.
    """

    name: bytes
    declared: tuple[tuple[str, str], ...]
    document: bytes
    inside: int

    @classmethod
    def find(cls, document: bytes) -> Self | None:
        """Return the document, or None if it is not plain; what is not well-formed may be taken for either.

        1. Behind the root's start tag there is no quotation mark, so no attribute and no namespace; no ``!``
           and no ``?``, so no comment, CDATA section or instruction; no ``:``, so no prefix; no ``&`` and no
           carriage return.
        2. Every ``<`` opens a tag, then, which the next ``>`` ends. There are as many of one as of the other,
           so none stands in a text. No tag ends in white space or in a solidus.
        """
        root = _ROOT.match(document)
        if root is None or len(root[2]) > _MOST_DECLARED or not document.endswith(b">"):
            return None
        inside = root.end()
        find = document.find
        for one in _NEVER_IN_PLAIN_BYTES:
            if find(one, inside) >= 0:
                return None
        if count_octets(document, b"<") != count_octets(document, b">"):
            return None
        behind = inside
        while behind := find(_END_OF_TAG, behind) + 1:
            if document[behind - 2] in _NEVER_BEFORE_ENDS:
                return None
        declared = _find_declared(root[2]) if root[2] else ()
        return None if declared is None else cls(root[1], declared, document, inside)

    def form(self, *, exclusive: bool) -> bytes:
        """Return its canonical form."""
        if not self.declared:
            return self.document
        declarations = "" if exclusive else declare(self.declared)
        start_tag = b"<%b%b>" % (self.name, declarations.encode())
        is_written_so = self.document.startswith(start_tag)
        return self.document if is_written_so else start_tag + self.document[self.inside :]


def find_root(data: bytes) -> int:
    """Return where the root's tag begins if there is nothing before it but a declaration."""
    declaration = _DECLARATION.match(data)
    return declaration.end() if declaration else 0


def count_octets(data: bytes, octet: bytes) -> int:
    """Count an octet that is rare, in a sixth of the time of ``bytes.count``, which looks at each octet."""
    return len(data) - len(data.replace(octet, b""))


# A program declares the same in every document.
@lru_cache(maxsize=256)
def _find_declared(declarations: bytes) -> tuple[tuple[str, str], ...] | None:
    """Return the namespaces that these attributes of a root declare, sorted, if all are simple."""
    if not declarations.isascii():
        return None
    declared = _DECLARED.findall(declarations.decode("ascii"))
    if any(prefix.startswith("xml") or not _SIMPLE_NAMESPACE.fullmatch(name) for prefix, name in declared):
        return None
    return tuple(sorted(declared))


def declare(namespaces: Iterable[tuple[str, str]]) -> str:
    """Return the declarations of these namespaces, by prefix, as they stand in a start tag."""
    return "".join([f' xmlns{":" if prefix else ""}{prefix}="{name}"' for prefix, name in namespaces])


def find_plain_form(root: Element, *, exclusive: bool) -> bytes | None:
    """Return the canonical form of the whole document, or None if the document is not plain."""
    start_tag = _start_tag(root, exclusive=exclusive)
    empty = _find_empty_elements(root)
    if start_tag is None or empty is None or _has_nodes_beside(root) or not _declares_at_root_alone(root):
        return None

    # (1) Canonical XML has no empty-element tags: with an empty text inside, the serialiser writes both tags.
    for element in empty:
        element.text = ""
    form = etree.tostring(root, encoding="UTF-8", with_tail=False)
    for element in empty:
        element.text = None

    # (2) CDATA sections and escaped carriage returns are written otherwise. A single character is looked for
    #     first, because that is many times faster and base64 has neither.
    if (b"!" in form and b"<![CDATA[" in form) or (b"&" in form and b"&#13;" in form):
        return None

    # (3) The declarations in the root's tag are sorted, or left out if exclusive, since nothing uses them.
    return b"".join((start_tag, memoryview(form)[form.index(b">") + 1 :]))


def _find_empty_elements(root: Element) -> list[Element] | None:
    """Return the elements without content, or None if there is anything but plain elements and text."""
    empty = []
    for node in root.iter():
        # The tag of a comment or an instruction is a function.
        if not isinstance(node.tag, str) or node.tag.startswith("{") or node.keys():
            return None
        if len(node) == 0 and node.text is None:
            empty.append(node)
    return empty if len(empty) <= _MAX_EMPTY_ELEMENTS else None


def _has_nodes_beside(root: Element) -> bool:
    return root.getprevious() is not None or root.getnext() is not None


def _declares_at_root_alone(root: Element) -> bool:
    declared = len(root.nsmap)
    for _ in etree.iterwalk(root, events=("start-ns",)):
        declared -= 1
    return declared == 0


def _start_tag(root: Element, *, exclusive: bool) -> bytes | None:
    declared = sorted((prefix or "", name) for prefix, name in root.nsmap.items())
    if exclusive:
        declared = []
    if any(not prefix or not _SIMPLE_NAMESPACE.fullmatch(name) for prefix, name in declared):
        return None
    return f"<{root.tag!s}{declare(declared)}>".encode()
