"""The frame of the service's signature: what stands around that which it covers, and nothing more.

XML Signature leaves room that nobody signs: hints in KeyInfo, unsigned properties, attributes, comments and
white space. An archive has one spelling, so all of it is as `claims.proof.archive` and its renewal write it,
or the file is not ours. What is covered is compared by its digest elsewhere.
"""

import re
from typing import Final

from lxml.etree import _Element as Element

from signing.canonical import C14N_EXCLUSIVE, canonicalize, parse, write_document
from signing.errors import CanonicalizationFailed
from signing.policy import XMLDSIG
from signing.xades import names

_DS: Final = f"{{{XMLDSIG}}}"
_SIGNED_INFO: Final = f"{_DS}SignedInfo"
_CERTIFICATE: Final = f"{_DS}X509Certificate"
_METHOD: Final = f"{_DS}CanonicalizationMethod"
_COVERED: Final = frozenset({_SIGNED_INFO, names.SIGNED_PROPERTIES})
_ID: Final = "Id"
_SPACE: Final = re.compile(r"\s")
#: Of each element around what is covered: its attributes, and the elements in it, in their order.
_FRAME: Final = {
    f"{_DS}Signature": ([_ID], [_SIGNED_INFO, f"{_DS}SignatureValue", f"{_DS}KeyInfo", f"{_DS}Object"]),
    f"{_DS}SignatureValue": ([], []),
    f"{_DS}KeyInfo": ([], [f"{_DS}X509Data"]),
    f"{_DS}X509Data": ([], [_CERTIFICATE]),
    _CERTIFICATE: ([], []),
    f"{_DS}Object": ([], [names.QUALIFYING_PROPERTIES]),
    names.QUALIFYING_PROPERTIES: (["Target"], [names.SIGNED_PROPERTIES]),
}
_RENEWALS: Final = frozenset(
    {
        names.SIGNATURE_TIMESTAMP,
        names.CERTIFICATE_VALUES,
        names.REVOCATION_VALUES,
        names.TIMESTAMP_VALIDATION_DATA,
        names.ARCHIVE_TIMESTAMP,
    }
)


def is_bare(data: bytes, root: Element) -> bool:
    """Whether a file of one signature, and the tree of it, holds what we write and nothing beside."""
    # No comment, no namespace that is not needed, no second way to write a character or an empty element.
    try:
        is_plain = write_document(parse(canonicalize(root, C14N_EXCLUSIVE))) == data
    except CanonicalizationFailed:
        return False
    if not is_plain or any(_has_room(each) for each in root.iter()):
        return False
    children = list(root)
    return len(children) == 1 and not root.keys() and _is_frame(children[0])


def _has_room(element: Element) -> bool:
    """Whether there is text between elements, or white space in one: base64, times and types have none."""
    text = element.text or ""
    return bool(element.tail or (text and len(element)) or _SPACE.search(text))


def _is_frame(element: Element) -> bool:
    attributes, inside = _FRAME.get(str(element.tag), (None, []))
    children = list(element)
    is_renewed = element.tag == names.QUALIFYING_PROPERTIES and len(children) > 1
    if is_renewed and not _is_renewal(children.pop()):
        return False
    return (
        element.keys() == attributes
        and [child.tag for child in children] == inside
        and all(child.tag in _COVERED or _is_frame(child) for child in children)
    )


def _is_renewal(element: Element) -> bool:
    """Whether these are unsigned properties that a timestamp protects, the last of which is one itself."""
    groups = list(element)
    if element.tag != names.UNSIGNED_PROPERTIES or element.keys():
        return False
    if [group.tag for group in groups] != [names.UNSIGNED_SIGNATURE_PROPERTIES] or groups[0].keys():
        return False
    properties = list(groups[0])
    if not _RENEWALS.issuperset([str(each.tag) for each in properties]):
        return False
    # No later timestamp covers the attributes of the last one.
    last = next(reversed(properties), None)
    return (
        last is not None
        and last.tag == names.ARCHIVE_TIMESTAMP
        and not any(each.keys() for each in last.iter() if each.tag != _METHOD)
    )
