"""Where in the messages a value stands: written ``PID-11.4``, and given for whatever HL7 leaves to the site.

HL7 has no field for much of what a Vietnamese claim needs. Such values are looked for in three segments of
our own making (ZBH of a visit, ZIN of a card, ZBL of a line) unless the options name other places.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from claims.emr.hl7.message import NULL, Segment

_PLACE = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9]\d{0,2})(?:\.([1-9]\d?)(?:\.([1-9]\d?))?)?", re.ASCII)

DEFAULT_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "visit.record_no": ("PV1-50", "PID-18", "PV1-19"),
    "visit.visit_type": ("ZBH-1",),
    "visit.case": ("ZBH-2",),
    "visit.outcome": ("ZBH-3",),
    "visit.discharge_type": ("ZBH-4",),
    "visit.paid": ("ZBH-5",),
    "visit.inpatient_from": ("ZBH-6",),
    "visit.reason": ("PV2-3.2", "PV2-3.1"),
    "visit.inpatient_reason": ("ZBH-7",),
    "visit.inpatient_reason_code": ("ZBH-8",),
    "visit.treatment": ("ZBH-9",),
    "visit.from_facility": ("ZBH-10",),
    "visit.to_facility": ("PV1-37.1",),
    "visit.transfer_paper": ("ZBH-11",),
    "visit.accident": ("ZBH-12", "ACC-2.1"),
    "visit.follow_up": ("ZBH-13",),
    "visit.note": ("ZBH-14",),
    "visit.head_of_facility": ("ZBH-15",),
    "visit.payment_method": ("ZBH-16",),
    "patient.national_id": (),
    "patient.nationality": ("PID-28.1", "PID-26.1"),
    "patient.ethnicity": ("PID-22.1",),
    "patient.occupation": ("ZBH-17",),
    "patient.province": ("PID-11.4",),
    "patient.ward": ("PID-11.9",),
    "patient.phone": ("PID-13.1", "PID-13.12"),
    "card.card": ("IN1-36", "IN1-49.1"),
    "card.registered_at": ("ZIN-1", "PD1-3.10", "PD1-3.3"),
    "card.from": ("IN1-12",),
    "card.to": ("IN1-13",),
    "card.percent": ("ZIN-2",),
    "card.area": ("ZIN-3",),
    "card.five_years_from": ("ZIN-4",),
    "card.copay_exempt_from": ("ZIN-5",),
    "line.insured_price": ("ZBL-1",),
    "line.pay_percent": ("ZBL-2",),
    "line.service_percent": ("ZBL-3",),
    "line.scope": ("ZBL-4",),
    "line.source": ("ZBL-5",),
    "line.ceiling": ("ZBL-6",),
    "line.nsnn": ("ZBL-7",),
    "line.vtnn": ("ZBL-8",),
    "line.vttn": ("ZBL-9",),
    "line.cl": ("ZBL-10",),
    "line.registration": ("ZBL-11",),
    "line.tender": ("ZBL-12",),
    "line.group": ("ZBL-13",),
    "line.kind": ("ZBL-14",),
    "line.package": ("ZBL-15",),
    "line.model": ("ZBL-16",),
    "line.reused": ("ZBL-17",),
    "line.anesthesia": ("ZBL-18", "PR1-9.1"),
    "line.site": ("ZBL-19",),
    "line.for_service": ("ZBL-20",),
    "line.ordered": ("ZBL-21",),
    "line.unit": ("ZBL-22",),
    "line.diagnosis": ("FT1-19.1", "OBR-31.1"),
    "line.bed": ("FT1-16.3",),
}
"""What can be placed, and where it is looked for, the first place that says something being taken."""


class Place(NamedTuple):
    """A component of a field of a segment, all counted from 1."""

    segment: str
    field: int
    component: int
    subcomponent: int


@lru_cache(maxsize=1024)
def read_place(text: str) -> Place:
    """Read ``PID-11``, ``PID-11.4`` or ``OBR-32.1.2``.

    Raises:
        ValueError: It is no such place.
    """
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return Place(match[1], int(match[2]), int(match[3] or 1), int(match[4] or 1))


class Found(NamedTuple):
    """A text and the field that it was found in."""

    text: str
    segment: Segment | None
    field: int


NOT_FOUND: Final = Found("", None, 0)


class Fields:
    """Segments of one visit, card or line, in which the later say what is so now.

    A field that is empty says nothing, and an earlier segment's value stays; a null (``""``) takes it away.
    """

    __slots__ = ("_segments",)

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._segments: dict[str, list[Segment]] = {}
        for segment in segments:
            self._segments.setdefault(segment.name, []).append(segment)

    def of(self, name: str, field: int) -> Segment | None:
        """Return the segment whose field counts."""
        for segment in reversed(self._segments.get(name, ())):
            raw = segment.raw(field)
            if raw:
                return None if raw == NULL else segment
        return None

    def last(self, name: str) -> Segment | None:
        """Return the last segment of a name."""
        named = self._segments.get(name)
        return named[-1] if named else None

    def text(self, name: str, field: int, component: int = 1, subcomponent: int = 1) -> str:
        """Return a component of the field that counts, or an empty text."""
        segment = self.of(name, field)
        return segment.text(field, component, subcomponent) if segment else ""

    def find(self, places: Sequence[str]) -> Found:
        """Return what stands at the first of several places that say something."""
        for written in places:
            place = read_place(written)
            segment = self.of(place.segment, place.field)
            if segment and (text := segment.text(place.field, place.component, place.subcomponent)):
                return Found(text, segment, place.field)
        return NOT_FOUND
