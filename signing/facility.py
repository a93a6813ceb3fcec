"""For which facility a document says that it is: a text in it, which counts only if it is signed."""

from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

_IN_BUNDLE: Final = "THONGTINDONVI/MACSKCB"
# Check-ins (XML0) and forms name it elsewhere, each in a place of its own.
_ANYWHERE: Final = ("MACSKCB", "MA_CSKCB")
# All of an element's text, also around a comment, which nobody signed.
_TEXT_OF: Final = etree.XPath("string()", smart_strings=False, regexp=False)


def stated_facilities(root: Element, *, covered: Element | None) -> tuple[str, ...]:
    """Return the codes of the facilities, each once: one, unless the document contradicts itself.

    ``covered`` is the element that a signature covers in the document's stead; what stands beside it nobody
    signed, so it is looked for inside alone.
    """
    found = root.findall(_IN_BUNDLE) if covered is None else []
    named = found or (root if covered is None else covered).iter(_ANYWHERE)
    codes = (str(_TEXT_OF(each)).strip() for each in named)
    return tuple(dict.fromkeys(code for code in codes if code))
