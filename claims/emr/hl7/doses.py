"""How a medicine is taken, in words: the prescriber's own, else amount, pattern and length.

The timing is TQ1's, before version 2.5 that of RXE-1 or ORC-7 (TQ). What LIEU_DUNG has no place for
(meals, "as needed", clock times) is said in CACH_DUNG.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claims.emr.hl7.lines import Line
from claims.emr.hl7.message import Segment
from claims.emr.taking import AS_NEEDED, DAY, EVENTS, OTHER_EVENTS, moment_of, times_of

_PRN: Final = "PRN"
# HL7 v2.5.1, 4.3.3 (TQ.3) and the units of TQ1-6.
_LENGTH: Final = re.compile(r"([DWdw])([1-9][0-9]{0,3})", re.ASCII)
_DAYS: Final = frozenset({"D", "DAY", "DAYS", DAY.upper()})
_WEEKS: Final = frozenset({"W", "WK", "WEEK", "WEEKS", "TUẦN"})
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class _Timing:
    """When, how often and how long."""

    patterns: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()
    length: str = ""
    condition: str = ""
    text: str = ""
    amount: str = ""

    @property
    def times(self) -> str:
        """How often, if a pattern says it."""
        events = [one for one in self.patterns if one in EVENTS]
        counted = next(filter(None, map(times_of, self.patterns)), "")
        return counted or (f"{len(events)} lần/{DAY}" if events else "")

    @property
    def days(self) -> str:
        """How many days it lasts, if that is said in days or weeks."""
        return f" * {self.length}" if self.times and self.length.endswith(DAY) else ""

    def moments(self) -> Iterator[str]:
        """Say what the dose has no place for."""
        for one in self.patterns:
            if one.startswith(_PRN):
                yield AS_NEEDED
            elif words := EVENTS.get(one) or OTHER_EVENTS.get(one) or moment_of(one):
                yield words
        if self.clock:
            yield f"lúc {', '.join(self.clock)}"
        if self.condition:
            yield self.condition
        if self.length and not self.days:
            yield f"trong {self.length}"


def dose_words(line: Line) -> str | None:
    """Return how much at a time, how often and how long (LIEU_DUNG)."""
    timings = _timings(line)
    if texts := list(dict.fromkeys(one.text for one in timings if one.text)):
        return "; ".join(texts)
    if text := line.latest.text("RXE", 1, 8) or line.latest.text("ORC", 7, 8):
        return text
    if words := _all_words(line, ("RXE", 7), ("RXO", 7)):
        return words
    amount, unit = _amount(line)
    several = len(timings) > 1
    doses = (_one_dose(one, (several and one.amount) or amount, unit) for one in timings or [_Timing()])
    return "; ".join(dict.fromkeys(filter(None, doses))) or None


def instruction_words(line: Line) -> str | None:
    """Return how it is taken besides (CACH_DUNG)."""
    told = _all_words(line, ("RXE", 21), ("RXD", 15), ("RXO", 6)) or _comments(line)
    moments = (", ".join(dict.fromkeys(one.moments())) for one in _timings(line))
    return "; ".join(dict.fromkeys(filter(None, (told, *moments)))) or None


def _one_dose(timing: _Timing, amount: str, unit: str) -> str:
    if not amount:
        return ""
    if timing.times:
        return f"{amount} {unit}".strip() + f"/lần * {timing.times}{timing.days}"
    unknown = (one for one in timing.patterns if one not in OTHER_EVENTS and not one.startswith(_PRN))
    return " ".join(filter(None, (amount, unit, *unknown)))


def _amount(line: Line) -> tuple[str, str]:
    for name, least, most, unit in (("RXE", 3, 4, 5), ("RXO", 2, 3, 4)):
        if amount := line.latest.text(name, least):
            other = line.latest.text(name, most)
            span = f"{amount}-{other}" if other not in {"", amount} else amount
            return span, line.words((name, unit)) or ""
    return "", ""


def _timings(line: Line) -> list[_Timing]:
    segments = [one for one in line.segments if one.name == "TQ1"]
    # A later message tells the whole timing again.
    told = [[_of_tq1(one) for one in segments if one.message is segments[-1].message]]
    places = ((line.latest.of(name, number), number) for name, number in (("RXE", 1), ("ORC", 7)))
    told += (_of_tq(segment, number) for segment, number in places if segment)
    saying = ([one for one in timings if one != _Timing(amount=one.amount)] for timings in told)
    return next(filter(None, saying), [])


def _of_tq1(segment: Segment) -> _Timing:
    number, unit = segment.text(6), (segment.text(6, 2) or segment.text(6, 1, 2)).upper()
    return _Timing(
        patterns=tuple(pattern for value in segment.values(3) if (pattern := value.part(1).upper())),
        clock=tuple(_clock(value.part(1)) for value in segment.values(4)),
        length=_length(number, unit),
        condition=segment.text(10),
        text=segment.text(11),
        amount=segment.text(2),
    )


def _of_tq(segment: Segment, number: int) -> list[_Timing]:
    found = []
    for value in segment.values(number):
        length = _LENGTH.fullmatch(value.part(3))
        pattern, clock = value.part(2).upper(), value.part(2, 2)
        timing = _Timing(
            patterns=(pattern,) if pattern else (),
            clock=tuple(_clock(one) for one in clock.split(",") if one),
            length=_length(length[2], length[1].upper()) if length else "",
            condition=value.part(9),
            text=value.part(8),
            amount=value.part(1),
        )
        found.append(timing)
    return found


def _length(number: str, unit: str) -> str:
    if not number.isdecimal() or len(number) > _DIGITS:
        return ""
    if unit in _WEEKS:
        return f"{int(number) * 7} {DAY}"
    return f"{int(number)} {DAY}" if unit in _DAYS else f"{number} {unit}".strip().lower()


def _clock(text: str) -> str:
    return f"{text[:2]}:{text[2:4]}" if text[:4].isdecimal() and len(text) >= len("0800") else text


def _all_words(line: Line, *fields: tuple[str, int]) -> str:
    """Return the words in all repetitions of the first of several coded fields that says something."""
    for name, number in fields:
        segment = line.latest.of(name, number)
        values = segment.values(number) if segment else ()
        if words := [text for value in values if (text := value.part(2) or value.part(1))]:
            return "; ".join(dict.fromkeys(words))
    return ""


def _comments(line: Line) -> str:
    texts = [value.whole() for one in line.segments if one.name == "NTE" for value in one.values(3)]
    return "\n".join(dict.fromkeys(filter(None, texts)))
