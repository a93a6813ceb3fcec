"""A statement of the time beside a signature over the whole document, as signing tools in Vietnam write it.

In an Object, SignatureProperties (XMLDSIG 5.2) with one SignatureProperty that holds a SigningTime; a second
reference covers one of them. The elements are in the signature's namespace or, by tools that forget about
namespaces, in none; the SigningTime, for which there is no standard, in any, and written in several ways.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta, timezone
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from signing.elements import ID, Refused, read_parts, read_text
from signing.policy import XMLDSIG
from signing.references import ReferenceForm
from signing.verdict import Reason

#: What an Object that holds a statement holds.
STATED: Final = (f"{{{XMLDSIG}}}SignatureProperties", "SignatureProperties")

#: The clocks of Vietnam know one zone, which most tools leave out.
VIETNAM: Final = timezone(timedelta(hours=7))

_OBJECT_ATTRIBUTES: Final = frozenset({"Id", "MimeType", "Encoding"})
_PROPERTY_ATTRIBUTES: Final = frozenset({"Id", "Target"})
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
# As people in Vietnam write it, and some tools do.
_LOCAL_TIME: Final = re.compile(r"(\d\d)/(\d\d)/(\d{4}) (\d\d:\d\d:\d\d)", re.ASCII)
_TYPES: Final = {
    # XMLDSIG 5.1 and 5.2.
    "Object": f"{XMLDSIG}Object",
    "SignatureProperties": f"{XMLDSIG}SignatureProperties",
    "SignatureProperty": f"{XMLDSIG}SignatureProperties",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What such a signature states.

    Attributes:
        parts: The elements by which it may be covered, by Id.
        signing_time: When the signer claims to have signed.
        is_regular: Whether it names its signature, as XMLDSIG 5.2 has it, and its time as ISO 8601 does.
    """

    parts: dict[str, Element]
    signing_time: datetime
    is_regular: bool


def type_of_part(part: Element) -> str | None:
    """Return the Type that a reference to a part of a statement may have, which it may leave out, too."""
    return _TYPES.get(etree.QName(part).localname)


def read_statement(element: Element, signature_id: str | None) -> Statement:
    """Read the Object, whose statement must be about the signature with this Id.

    Raises:
        Refused: Something in it is not as it must be.
    """
    properties = _only(element, _OBJECT_ATTRIBUTES)
    single = _only(properties, ID)
    time = _only(single, _PROPERTY_ATTRIBUTES)
    names = [etree.QName(each).localname for each in (single, time)]
    is_one_language = etree.QName(single).namespace == etree.QName(properties).namespace
    if names != ["SignatureProperty", "SigningTime"] or not is_one_language:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    # XMLDSIG 5.2: the target is the signature that the property is about. Many tools write "" or a word
    # instead, which names nothing in the document; what names something else is about something else.
    target = single.get("Target")
    is_named = bool(signature_id) and target == f"#{signature_id}"
    if not is_named and (target is None or target[:1] == "#" != target):
        raise Refused(Reason.SIGNATURE_MALFORMED)
    parts = {name: each for each in (element, properties, single, time) if (name := each.get("Id"))}
    text = read_text(time, ID).strip(" \t\r\n")
    is_regular = is_named and not time.keys() and text[10:11] == "T"
    return Statement(parts, _read_time(text), is_regular)


def check_stated(statement: Statement, references: Sequence[ReferenceForm]) -> None:
    """Refuse a signature that covers anything but the document and the statement, each once.

    Raises:
        Refused: It does.
    """
    covered = [reference.part for reference in references]
    stated = [part for part in covered if part is not None and part in statement.parts.values()]
    if len(covered) != 2 or None not in covered or len(stated) != 1:  # noqa: PLR2004 - the two
        raise Refused(Reason.SIGNATURE_REFERENCE_SCOPE)


def _only(element: Element, attributes: frozenset[str]) -> Element:
    parts = read_parts(element, attributes)
    if len(parts) != 1:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return parts[0]


def _read_time(text: str) -> datetime:
    if local := _LOCAL_TIME.fullmatch(text):
        day, month, year, clock = local.groups()
        text = f"{year}-{month}-{day}T{clock}"
    match = _TIME.fullmatch(text)
    if match is None:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    day, clock, fraction, zone = match.groups()
    try:
        # .NET writes seven digits of a second's fraction; six are what a datetime holds.
        time = datetime.fromisoformat(f"{day}T{clock}{fraction[:7] if fraction else ''}{zone or ''}")
    except ValueError:
        raise Refused(Reason.SIGNATURE_MALFORMED) from None
    # The first and the last year have hours that other zones have no name for.
    if not MINYEAR < time.year < MAXYEAR:
        raise Refused(Reason.SIGNATURE_MALFORMED)
    return time.replace(tzinfo=VIETNAM) if zone is None else time.astimezone(UTC)
