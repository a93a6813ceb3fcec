"""The canonical form of plain documents, in less time than libxml2 takes: half of it for 2 MB.

A bundle is plain: no attributes, no comments or instructions, no namespaces but some declared on its root and
not used. For such a document Canonical XML differs from what the serialiser writes in three things alone,
which are put right here. Any other document is left to ``signing/canonical.py``.
"""

import re
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

# Elements that are touched one by one; with more of them libxml2's canonicaliser is as fast.
_MAX_EMPTY_ELEMENTS: Final = 1000

# An absolute name without a character that would have to be escaped.
_SIMPLE_NAMESPACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9/:.#_?=-]*")


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
    declarations = ""
    if not exclusive:
        for prefix, name in sorted((prefix or "", name) for prefix, name in root.nsmap.items()):
            if not prefix or not _SIMPLE_NAMESPACE.fullmatch(name):
                return None
            declarations += f' xmlns:{prefix}="{name}"'
    return f"<{root.tag!s}{declarations}>".encode()
