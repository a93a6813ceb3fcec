"""From fields to values: times, numbers, codes, people and places of a hospital (HL7 v2.5.1, chapter 2.A).

What cannot be read is left out and said, with message, segment and field, never with the value; where a
default would take its place (quantities, prices, percents, ceilings, what others pay), it is refused.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NamedTuple

from claims.emr.encounter import Coding
from claims.emr.hl7.message import Segment, Value
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.places import Found
from claims.emr.inputs import Oddity, Refusal
from claims.emr.scalars import VIETNAM, Day, LocalTime, birth_time, local_time

_STAMP = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)(?:(?P<hour>\d\d)(?:(?P<minute>\d\d)"
    r"(?:(?P<second>\d\d)(?P<fraction>\.\d{1,6})?)?)?)?)?)?(?P<offset>[+-]\d{4})?",
    re.ASCII,
)
_NUMBER = re.compile(r"([+-]?)(\d{0,15})(?:\.(\d*))?", re.ASCII)
_NO_CODE = re.compile(r"[\s;]")
_NO_TIME: Final = LocalTime("")
_UNKNOWN_BIRTH_PARTS: Final = 6
_FULL: Final = Decimal(100)


class Notes:
    """What was odd in an input, in order of reading.

    Attributes:
        refused: What was refused of visits, of which no claim is made then.
    """

    __slots__ = ("_oddities", "refused")

    def __init__(self) -> None:
        self._oddities: dict[Oddity, None] = {}
        self.refused: list[Refusal] = []

    def refuse(self, segment: Segment, field: int, code: str, detail: str) -> None:
        """Refuse a field: no claim is made of its visit."""
        pointer = f"{segment.place}-{field}"
        self.refused.append(Refusal(segment.message.label, code, detail, pointer))

    def add(self, segment: Segment, field: int, code: str, detail: str) -> None:
        """Note something about a field, or with field 0 about a segment."""
        pointer = f"{segment.place}-{field}" if field else segment.place
        self._oddities[Oddity(pointer, code, detail)] = None

    def add_at(self, pointer: str, code: str, detail: str) -> None:
        """Note something that is about no segment."""
        self._oddities[Oddity(pointer, code, detail)] = None

    def all(self) -> tuple[Oddity, ...]:
        """Return everything noted, each thing once."""
        return tuple(self._oddities)


# --- times ---------------------------------------------------------------------------------


def instant(segment: Segment, field: int, component: int = 1) -> str:
    """Return a time stamp as text that sorts as time does, to the microsecond; empty if it is none."""
    match = _STAMP.fullmatch(segment.text(field, component))
    try:
        return _moment(match).strftime("%Y%m%d%H%M%S%f") if match else ""
    except (ValueError, OverflowError):
        return ""


def time_of(segment: Segment | None, field: int, notes: Notes, component: int = 1) -> LocalTime:
    """Read a time stamp as the digits of a claim: at UTC+7, a date alone with ``0000``."""
    text = segment.text(field, component) if segment else ""
    return LocalTime(_read_time(text, segment, field, notes))


def found_time(found: Found, notes: Notes) -> LocalTime:
    """Read a time stamp that was found at a configured place."""
    return LocalTime(_read_time(found.text, found.segment, found.field, notes))


def found_day(found: Found, notes: Notes) -> Day:
    """Read the day of a time stamp that was found at a configured place."""
    return Day(_read_time(found.text, found.segment, found.field, notes)[:8])


def found_day_or_time(found: Found, notes: Notes) -> str:
    """Read a day, or a time when the stamp says one, that was found at a configured place."""
    return found_day(found, notes) if len(found.text) <= len("20260101") else found_time(found, notes)


def birth_of(segment: Segment | None, notes: Notes) -> LocalTime:
    """Read a time of birth (PID-7), of which month, day and clock may be unknown."""
    text = segment.text(7) if segment else ""
    if segment is None or len(text) > _UNKNOWN_BIRTH_PARTS or not text:
        return time_of(segment, 7, notes)
    try:
        return birth_time(text[:4] if len(text) == len("1980") else f"{text[:4]}-{text[4:]}")
    except ValueError:
        notes.add(segment, 7, "not-a-time", "it is no HL7 time stamp")
        return _NO_TIME


def _read_time(text: str, segment: Segment | None, field: int, notes: Notes) -> str:
    if not text or segment is None:
        return ""
    match = _STAMP.fullmatch(text)
    try:
        if match is None or match["day"] is None:
            return local_time(text)
        if match["hour"] is None:
            return _moment(match).strftime("%Y%m%d0000")
        return _moment(match).strftime("%Y%m%d%H%M")
    except (ValueError, OverflowError):
        notes.add(segment, field, "not-a-time", "it is no HL7 time stamp of at least a day")
        return ""


def _moment(match: re.Match[str]) -> datetime:
    """Return the moment at UTC+7; the offset of a day without an hour says nothing."""
    year, month, day, hour, minute, second = (int(match[part] or default) for part, default in _PARTS)
    microsecond = int((match["fraction"] or ".")[1:].ljust(6, "0"))
    if match["offset"] is None or match["hour"] is None:
        return datetime(year, month, day, hour, minute, second, microsecond, VIETNAM)
    offset = match["offset"]
    zone = timezone(
        (1 if offset[0] == "+" else -1) * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    )
    return datetime(year, month, day, hour, minute, second, microsecond, zone).astimezone(VIETNAM)


_PARTS: Final = (("year", 0), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


# --- numbers -------------------------------------------------------------------------------


def number_of(segment: Segment | None, field: int, notes: Notes, component: int = 1) -> Decimal | None:
    """Read a number with at most three decimals, which may be below zero; None if absent or none."""
    return _read_number(segment.text(field, component) if segment else "", segment, field, notes.add)


def amount_of(segment: Segment | None, field: int, notes: Notes) -> Decimal | None:
    """Read a number that money rests on, which may be below zero; one that is none is refused."""
    return _read_number(segment.text(field) if segment else "", segment, field, notes.refuse)


def found_number(found: Found, notes: Notes) -> Decimal | None:
    """Read a number, not below zero, that was found at a configured place; one that is none is refused."""
    number = _read_number(found.text, found.segment, found.field, notes.refuse)
    if number is not None and number < 0 and found.segment:
        notes.refuse(found.segment, found.field, "negative", "a number below zero is not possible here")
        return None
    return number


def found_percent(found: Found, notes: Notes) -> Decimal | None:
    """Read a percent that was found at a configured place; one that is none is refused."""
    number = found_number(found, notes)
    if number is not None and number > _FULL and found.segment:
        notes.refuse(found.segment, found.field, "above-100", "a percent is at most 100")
        return None
    return number


def _read_number(
    text: str, segment: Segment | None, field: int, say: Callable[[Segment, int, str, str], None]
) -> Decimal | None:
    if not text or segment is None:
        return None
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        say(segment, field, "not-a-number", "a plain decimal number with a point and no other mark is needed")
        return None
    if len((match[3] or "").rstrip("0")) > 3:  # noqa: PLR2004 - what a claim can carry
        say(segment, field, "too-many-decimals", "the number has more decimals than a claim can carry")
        return None
    return Decimal(f"{match[1]}{match[2] or 0}.{match[3] or 0}") if match[3] else Decimal(match[1] + match[2])


# --- codes ---------------------------------------------------------------------------------


class Coded(NamedTuple):
    """A code as an item holds it.

    Attributes:
        code: The national code, or the source's where ``codings`` is not empty.
        text: What the source calls it.
        codings: The source's codes when none of them is a national one.
    """

    code: str
    text: str
    codings: tuple[Coding, ...]


NO_CODE: Final = Coded("", "", ())


def coded(value: Value, kind: str, options: Hl7Options, *, system: str = "") -> Coded:
    """Read identifier^text^system with its alternate (CE, CWE).

    Args:
        value: The repetition of a field.
        kind: Which national systems count.
        options: What they are called.
        system: The system of a code that names none itself.
    """
    triples = [
        (value.part(n), value.part(n + 1), value.part(n + 2) or (system if n == 1 else "")) for n in (1, 4)
    ]
    text = next((words for _, words, _ in triples if words), "")
    named = [(code, words, name) for code, words, name in triples if code]
    for code, _, name in named:
        if options.is_national(kind, name) and not _NO_CODE.search(code):
            return Coded(code, text, ())
    codings = tuple(
        Coding(system=name or None, code=code, display=words or None) for code, words, name in named
    )
    return Coded(named[0][0] if named else "", text, codings)


def person(values: Iterable[Value], options: Hl7Options) -> Coded:
    """Read a member of staff (XCN: id^family^given…, authority in 9, type in 13)."""
    found = [
        (value.part(1), " ".join(filter(None, (value.part(2), value.part(4), value.part(3)))), system)
        for value in values
        for system in (value.part(9), value.part(13))
    ]
    found = [item for item in found if item[0]]
    for code, name, system in found:
        if options.is_national("staff", system) and not _NO_CODE.search(code):
            return Coded(code, name, ())
    # A person without authority shows twice, with no system both times.
    unique = dict.fromkeys((code, name, system) for code, name, system in found if system) or dict.fromkeys(
        found
    )
    codings = tuple(
        Coding(system=system or None, code=code, display=name or None) for code, name, system in unique
    )
    return Coded(found[0][0] if found else "", found[0][1] if found else "", codings)


def interpreter(value: Value, options: Hl7Options) -> Coded:
    """Read a member of staff in a result (NDL), who stands in the subcomponents of the first component."""
    code = value.part(1, 1)
    name = " ".join(filter(None, (value.part(1, 2), value.part(1, 4), value.part(1, 3))))
    system = value.part(1, 9)
    if not code:
        return NO_CODE
    if options.is_national("staff", system) and not _NO_CODE.search(code):
        return Coded(code, name, ())
    return Coded(code, name, (Coding(system=system or None, code=code, display=name or None),))


def location(value: Value, options: Hl7Options) -> Coded:
    """Read the department of a location (PL: point of care^room^bed…^authority in 11)."""
    return _local(value.part(1), value.part(9), value.part(11), "department", options)


def simple(code: str, kind: str, options: Hl7Options, *, system: str = "") -> Coded:
    """Read a code that stands alone in its field."""
    return _local(code, "", system, kind, options)


def _local(code: str, text: str, system: str, kind: str, options: Hl7Options) -> Coded:
    if not code:
        return NO_CODE
    if options.is_national(kind, system) and not _NO_CODE.search(code):
        return Coded(code, text, ())
    return Coded(code, text, (Coding(system=system or None, code=code, display=text or None),))


def codings_of(**fields: Coded) -> dict[str, tuple[Coding, ...]]:
    """Collect the codings of those fields of an item that hold no national code."""
    return {name: value.codings for name, value in fields.items() if value.codings}
