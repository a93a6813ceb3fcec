"""What every line of a visit has in common: when, where, by whom and at what price."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.encounter import OtherSources
from claims.emr.hl7.charges import Charge
from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.places import Fields, Found
from claims.emr.hl7.values import (
    NO_CODE,
    Coded,
    Notes,
    coded,
    found_number,
    found_percent,
    found_time,
    location,
    person,
    simple,
    time_of,
)
from claims.emr.scalars import LocalTime

_NONE: Final = Decimal(0)
_YES: Final = frozenset({"Y", "1", "TRUE"})


@dataclass(frozen=True, slots=True)
class Context:
    """What reading the lines of one visit needs."""

    options: Hl7Options
    notes: Notes


class Line:
    """One line in the making: the segments of its order and of its charge.

    Attributes:
        ordered: Its order's segments, the first of a name deciding (who ordered, and when).
        latest: All segments, the last of a name deciding.
        charge: What was charged for it.
    """

    __slots__ = ("_context", "charge", "latest", "ordered", "segments")

    def __init__(self, context: Context, segments: list[Segment], charge: Charge | None) -> None:
        self._context = context
        self.segments = segments
        self.charge = charge
        self.ordered = Fields(reversed(segments))
        self.latest = Fields([*segments, *(charge.segments if charge else ())])

    @property
    def first_message(self) -> Message:
        """Return the message that tells of it first."""
        return (self.segments[0] if self.segments else self._charged().first).message

    @property
    def origin(self) -> tuple[str, ...]:
        """Return the segments that it was made from, the deciding one first."""
        named = [s for s in self.segments if s.name in {"ORC", "RXE", "RXO", "OBR", "RXD", "RXA"}]
        charged = [s for s in self.charge.segments if s.name == "FT1"] if self.charge else []
        return tuple(dict.fromkeys(segment.place for segment in (*named, *charged)))

    def _charged(self) -> Charge:
        if self.charge is None:
            raise ValueError("a line has an order or a charge")
        return self.charge

    def place(self, name: str) -> Found:
        """Return what stands at a configured place of the line."""
        return self.latest.find(self._context.options.places.get(f"line.{name}", ()))

    def text(self, name: str) -> str | None:
        """Return the text at a configured place, or None."""
        return self.place(name).text or None

    def number(self, name: str) -> Decimal | None:
        """Return the number at a configured place, or None."""
        return found_number(self.place(name), self._context.notes)

    def percent(self, name: str) -> Decimal | None:
        """Return the percent at a configured place, or None."""
        return found_percent(self.place(name), self._context.notes)

    def is_set(self, name: str) -> bool:
        """Say whether a flag at a configured place is up."""
        return self.place(name).text.upper() in _YES

    def other_sources(self) -> OtherSources:
        """Return what others than patient and fund pay."""
        amounts = {name: self.number(name) or _NONE for name in ("nsnn", "vtnn", "vttn", "cl")}
        return OtherSources(**amounts)

    def time_ordered(self) -> LocalTime:
        """Return when it was ordered: ORC-9, RXE-32; of a charge alone FT1-4."""
        notes = self._context.notes
        if at := found_time(self.place("ordered"), notes):
            return at
        for name, number in (("ORC", 9), ("RXE", 32)):
            if at := time_of(self.ordered.of(name, number), number, notes):
                return at
        return LocalTime("") if self.segments else time_of(self._charged().first, 4, notes)

    def orderer(self, request: str | None, field: int) -> Coded:
        """Return who ordered it: ORC-12, the request's own field, else FT1-21."""
        sources = [(self.ordered, "ORC", 12), (self.latest, "FT1", 21), (self.latest, "ORC", 12)]
        if request:
            sources.insert(1, (self.ordered, request, field))
        return self._first_person(sources)

    def _first_person(self, sources: list[tuple[Fields, str, int]]) -> Coded:
        for fields, name, number in sources:
            if (segment := fields.of(name, number)) and (
                found := person(segment.values(number), self._context.options)
            ).code:
                return found
        return NO_CODE

    def department(self) -> Coded:
        """Return where it belongs: FT1-13, else where the first message has the patient."""
        options = self._context.options
        if charged := self.latest.of("FT1", 13):
            value = charged.value(13)
            if (found := coded(value, "department", options)).code:
                return found
        visits = self.first_message.named("PV1")
        return location(visits[0].value(3), options) if visits else NO_CODE

    def coded(self, kind: str, *fields: tuple[str, int]) -> Coded:
        """Return the first code that stands in one of several fields."""
        for name, number in fields:
            segment = self.latest.of(name, number)
            if segment and (found := coded(segment.value(number), kind, self._context.options)).code:
                return found
        return NO_CODE

    def code_of(self, kind: str, *requested: tuple[str, int]) -> Coded:
        """Return what it is: as requested, or as charged (FT1-7) when only that code is national."""
        request, charge = self.coded(kind, *requested), self.coded(kind, ("FT1", 7))
        if not request.code or (request.codings and charge.code and not charge.codings):
            return charge._replace(text=request.text or charge.text)
        if not request.codings:
            return request
        return request._replace(codings=tuple(dict.fromkeys((*request.codings, *charge.codings))))

    def placed_code(self, name: str, kind: str) -> Coded:
        """Return the code at a configured place, with the system two components later."""
        found = self.place(name)
        if not found.segment:
            return NO_CODE
        system = found.segment.text(found.field, 3)
        return simple(found.text, kind, self._context.options, system=system)

    def words(self, *fields: tuple[str, int]) -> str | None:
        """Return the words in the first of several coded fields: their text, else their identifier."""
        for name, number in fields:
            segment = self.latest.of(name, number)
            if segment and (text := segment.text(number, 2) or segment.text(number, 1)):
                return text
        return None
