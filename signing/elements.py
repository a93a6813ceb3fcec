"""Strict reading of elements and base64: what one reader skips and another reads is refused.

Knows the shape of things alone; which elements belong where is said in ``signing/form.py`` and
``signing/xades/form.py``.
"""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from lxml.etree import _Element as Element

from signing.canonical import C14N_EXCLUSIVE
from signing.policy import Policy
from signing.verdict import Reason

NO_ATTRIBUTES: Final[frozenset[str]] = frozenset()
ID: Final = frozenset({"Id"})
ALGORITHM: Final = frozenset({"Algorithm"})

# RSA-8192 with room to spare; what is longer is no signature value and no certificate.
_MAX_BASE64: Final = 64 * 1024

_WHITE_SPACE: Final = " \t\r\n"

_INCLUSIVE_NAMESPACES: Final = f"{{{C14N_EXCLUSIVE}}}InclusiveNamespaces"
_PREFIX_LIST: Final = frozenset({"PrefixList"})
_PREFIX: Final = re.compile(r"#default|[^\W\d][\w.-]*")
_OTHER_SPACE: Final = re.compile(r"(?![ \t\r\n])\s")


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


def decode_base64(text: str, *, max_length: int = _MAX_BASE64) -> bytes:
    """Decode base64 that has no characters but its own and XML white space, and one spelling only.

    Raises:
        Refused: It is anything else, empty, or longer than the given number of characters.
    """
    if len(text) > max_length:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    try:
        compact = b"".join(text.encode("ascii").split())
        data = binascii.a2b_base64(compact, strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Refused(Reason.SIGNATURE_MALFORMED) from None
    if not data or binascii.b2a_base64(data, newline=False) != compact:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return data


def read_parts(element: Element, attributes: frozenset[str]) -> list[Element]:
    """Return the children of an element that has no other attributes than these, and no text of its own.

    Raises:
        Refused: It has.
    """
    # As check_attributes does, without a call: this runs for every element of a signature.
    if not attributes.issuperset(element.keys()):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    parts = list(element)
    # One XPath expression would say it all, but its node sets cost the square of their size.
    if (text := element.text) and text.strip(_WHITE_SPACE):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    for part in parts:
        if (text := part.tail) and text.strip(_WHITE_SPACE):
            raise Refused(Reason.SIGNATURE_MALFORMED)
    return parts


def read_text(element: Element, attributes: frozenset[str] = NO_ATTRIBUTES) -> str:
    """Return the text of an element that has no children and no other attributes than these.

    Raises:
        Refused: It has.
    """
    check_attributes(element, attributes)
    if len(element):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return element.text or ""


def read_algorithm(element: Element) -> str:
    """Return what the Algorithm attribute, the only one that may be there, says; empty if it is missing."""
    read_parts(element, ALGORITHM)
    return element.get("Algorithm") or ""


def read_digest_algorithm(method: Element, policy: Policy) -> tuple[str, int]:
    """Return the hashlib name and the length in bytes of what a DigestMethod asks for.

    Raises:
        Refused: The policy does not allow it; SHA-1 has a reason of its own.
    """
    uri = read_algorithm(method)
    if uri in policy.sha1_algorithms:
        raise Refused(Reason.SIGNATURE_SHA1)
    if uri not in policy.digest_algorithms or len(method):
        raise Refused(Reason.SIGNATURE_ALGORITHM_FORBIDDEN)
    return policy.digest_algorithms[uri]


def read_canonicalization(element: Element, policy: Policy, *, otherwise: Reason) -> Canonicalization:
    """Return what a CanonicalizationMethod or a Transform asks for.

    Raises:
        Refused: The policy does not allow it, with the given reason.
    """
    algorithm = read_algorithm(element)
    if algorithm not in policy.canonicalizations:
        raise Refused(otherwise)
    if len(element) == 0:
        return Canonicalization(algorithm)
    parameter = element[0]
    is_prefix_list = parameter.tag == _INCLUSIVE_NAMESPACES and len(parameter) == 0 and not parameter.text
    if algorithm != C14N_EXCLUSIVE or len(element) != 1 or not is_prefix_list:
        raise Refused(otherwise)
    check_attributes(parameter, _PREFIX_LIST)
    listed = parameter.get("PrefixList") or ""
    # str.split() takes spaces of other scripts for white space, which other readers do not.
    prefixes = tuple(listed.split())
    are_names = all(_PREFIX.fullmatch(prefix) for prefix in prefixes) and not _OTHER_SPACE.search(listed)
    if not are_names or len(prefixes) > policy.max_inclusive_prefixes:
        raise Refused(otherwise)
    return Canonicalization(algorithm, prefixes)


def check_attributes(element: Element, allowed: frozenset[str]) -> None:
    """Refuse an element with any other attribute.

    Raises:
        Refused: It has one.
    """
    if not allowed.issuperset(element.keys()):
        raise Refused(Reason.SIGNATURE_MALFORMED)
