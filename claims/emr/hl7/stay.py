"""The visit itself: when and where, how it began and ended, from admission messages above all (ADT)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Visit
from claims.emr.hl7.charges import Charges
from claims.emr.hl7.message import Message
from claims.emr.hl7.places import Fields, Found
from claims.emr.hl7.records import Record
from claims.emr.hl7.values import Coded, codings_of, found_day, found_time, location, number_of, time_of
from claims.emr.scalars import VIETNAM, Day, LocalTime

_INPATIENT: Final = "I"
_EMERGENCY: Final = "E"
_DISCHARGE: Final = "A03"
_CANCEL_DISCHARGE: Final = "A13"
_CANCEL_VISIT: Final = frozenset({"A11", "A23"})
_BEGIN_VISIT: Final = frozenset({"A01", "A04", "A05", "A06", "A07"})
_CANCEL_TRANSFER: Final = "A12"
_STAY, _SHORT_STAY = "03", "09"
_SHORT: Final = timedelta(hours=4)
# By UCUM, and by the units of ISO that HL7 v2 names itself (7.4.2: gm).
_GRAMS: Final = dict.fromkeys(("G", "GM", "GR", "GRAM", "GRAMS"), Decimal(1)) | dict.fromkeys(
    ("KG", "KGM", "KILOGRAM", "KILOGRAMS"), Decimal(1000)
)
_THOUSAND: Final = Decimal(1000)
_HUNDREDTH: Final = Decimal("0.01")


class Stay:
    """What admission messages say about one visit.

    Attributes:
        is_cancelled: Whether the visit was taken back (A11, A23).
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._closing: Message | None = None
        self.is_cancelled = False
        self._follow_events()

    def _follow_events(self) -> None:
        closing_events = self._record.context.options.closing_events
        for message in self._record.admissions:
            event = message.event
            if event in _CANCEL_VISIT:
                self.is_cancelled = True
            elif event in _BEGIN_VISIT:
                self.is_cancelled = False
            if event == _CANCEL_DISCHARGE:
                self._closing = None
            elif event in closing_events and (event == _DISCHARGE or _first_text(message, 45)):
                self._closing = message

    def visit(self, charges: Charges) -> Visit:
        """Return the visit; ``charges`` know when it was paid."""
        record, notes, options = self._record, self._record.context.notes, self._record.context.options
        admitted, discharged = self._admitted(), self._discharged()
        departments = self._departments()
        sender = record.facility(record.text("visit.from_facility") or "")
        receiver = record.facility(record.text("visit.to_facility") or "")
        disposition = record.fields.text("PV1", 36)
        return Visit(
            link_id=record.visit.number,
            record_no=record.text("visit.record_no") or "",
            visit_type=record.text("visit.visit_type") or self._visit_type(admitted, discharged),
            case=record.text("visit.case"),
            admitted=admitted,
            inpatient_from=found_time(record.place("visit.inpatient_from"), notes) or self._inpatient_from(),
            discharged=discharged,
            paid=found_time(record.place("visit.paid"), notes) or LocalTime(charges.paid) or None,
            departments=tuple(department.code for department in departments),
            reason=record.text("visit.reason") or "",
            inpatient_reason=record.text("visit.inpatient_reason"),
            inpatient_reason_code=record.text("visit.inpatient_reason_code"),
            outcome=record.text("visit.outcome") or options.outcomes.get(disposition, ""),
            discharge_type=record.text("visit.discharge_type")
            or options.discharge_types.get(disposition, ""),
            treatment=record.text("visit.treatment"),
            from_facility=sender.code or None,
            to_facility=receiver.code or None,
            transfer_paper=record.text("visit.transfer_paper"),
            accident=record.text("visit.accident"),
            weight_kg=_weight(record),
            newborn_weights_g=_newborn_weights(record),
            follow_up=self._follow_up(),
            note=record.text("visit.note"),
            head_of_facility=record.text("visit.head_of_facility") or options.head_of_facility or None,
            emergency=self._is_emergency(),
            payment_method=record.text("visit.payment_method") or "1",
            codings=codings_of(
                from_facility=sender,
                to_facility=receiver,
                **{f"departments/{n}": department for n, department in enumerate(departments)},
            ),
            origin=self._origin(),
        )

    def _origin(self) -> tuple[str, ...]:
        """Name the message that ended the visit, else the last about it; then the first."""
        deciding = [self._closing] if self._closing else []
        messages = [*deciding, *reversed(self._record.admissions or self._record.messages)]
        places = [segment.place for message in messages for segment in message.named("PV1")]
        return tuple(dict.fromkeys(places[:1] + places[-1:]))

    def _classes(self) -> list[tuple[Message, str]]:
        return [(m, name) for m in self._record.admissions if (name := _first_text(m, 2))]

    def _is_emergency(self) -> bool:
        return (
            any(name == _EMERGENCY for _, name in self._classes())
            or self._record.fields.text("PV1", 4) == _EMERGENCY
        )

    def _admitted(self) -> LocalTime:
        """Return when it began: PV1-44 of the first class, because admission to a ward may name its own."""
        classes = self._classes()
        begun = classes[0][1] if classes else ""
        first = Fields(
            segment
            for message in self._record.admissions
            if _first_text(message, 2) in {begun, ""}
            for segment in message.named("PV1")
        )
        segment = first.of("PV1", 44) or self._record.fields.of("PV1", 44)
        return time_of(segment, 44, self._record.context.notes)

    def _inpatient_from(self) -> LocalTime | None:
        """Return when the patient came to a ward: on arrival, else at the event that made the class I."""
        classes = self._classes()
        first = next((message for message, name in classes if name == _INPATIENT), None)
        if first is None:
            return None
        return (self._admitted() if first is classes[0][0] else self._event_time(first)) or None

    def _discharged(self) -> LocalTime | None:
        """Return when it ended: PV1-45 since the event that ended it, else the time of that event."""
        record = self._record
        if self._closing is None:
            if segment := record.fields.of("PV1", 45):
                detail = "a discharge time came without the event that ends a visit, so it counts as open"
                record.context.notes.add(segment, 45, "discharge-not-told", detail)
            return None
        since = record.admissions[record.admissions.index(self._closing) :]
        segment = Fields(s for message in since for s in message.named("PV1")).of("PV1", 45)
        return time_of(segment, 45, record.context.notes) or self._event_time(self._closing) or None

    def _event_time(self, message: Message) -> LocalTime:
        """Return when an event happened: EVN-6, else when it was recorded or sent, which is said."""
        notes = self._record.context.notes
        places = [(segment, number) for number in (6, 2) for segment in message.named("EVN")]
        for segment, number in [*places, (message.header, 7)]:
            if at := time_of(segment, number, notes):
                if number != 6:  # noqa: PLR2004 - EVN-6, when the event occurred
                    detail = "no field says when it happened, so the time of telling was taken"
                    notes.add(segment, number, "time-of-telling", detail)
                return at
        return LocalTime("")

    def _visit_type(self, admitted: str, discharged: str | None) -> str:
        """Return MA_LOAI_KCB by the last class; a stay of less than four hours has a type of its own."""
        classes = self._classes()
        last = classes[-1][1] if classes else self._record.fields.text("PV1", 2)
        visit_type = self._record.context.options.visit_types.get(last, "")
        if visit_type == _STAY and discharged and admitted and _is_short(admitted, discharged):
            return _SHORT_STAY
        return visit_type

    def _departments(self) -> list[Coded]:
        """Return where the patient lay, in order; a cancelled transfer did not happen."""
        found: list[Coded] = []
        for message in self._record.admissions or self._record.messages:
            for segment in message.named("PV1"):
                place = location(segment.value(3), self._record.context.options)
                if message.event == _CANCEL_TRANSFER and found and found[-1].code != place.code:
                    found.pop()
                if place.code and (not found or found[-1].code != place.code):
                    found.append(place)
        return found

    def _follow_up(self) -> tuple[Day, ...]:
        found, notes = self._record.place("visit.follow_up"), self._record.context.notes
        if found.segment is None:
            return ()
        texts = [value.part(1) for value in found.segment.values(found.field)]
        days = (found_day(Found(text, found.segment, found.field), notes) for text in texts)
        return tuple(day for day in days if day)


def _first_text(message: Message, number: int) -> str:
    return next((segment.text(number) for segment in message.named("PV1")), "")


def _is_short(admitted: str, discharged: str) -> bool:
    """Say whether a stay lasted less than four hours (Decision 1804, type 09)."""
    begun, ended = (
        datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=VIETNAM) for text in (admitted, discharged)
    )
    return ended - begun < _SHORT


def _weight(record: Record) -> Decimal | None:
    """Return the weight in kilograms, to the hundredth."""
    grams = _grams(record, "weight")
    return None if grams is None else _plain((grams / _THOUSAND).quantize(_HUNDREDTH))


def _newborn_weights(record: Record) -> tuple[Decimal, ...]:
    """Return the weight at birth in grams."""
    grams = _grams(record, "birth_weight")
    return () if grams is None else (_plain(grams),)


def _grams(record: Record, name: str) -> Decimal | None:
    """Return a weight in grams; one of another unit, or of none, is left out and said."""
    segment, notes = record.observed(name), record.context.notes
    number = number_of(segment, 5, notes)
    if segment is None or number is None or number <= 0:
        return None
    factor = _GRAMS.get(segment.text(6).upper())
    if factor is None:
        notes.add(segment, 6, "not-a-weight", "a weight is neither in kg nor in g; it is left out")
        return None
    return number * factor


def _plain(number: Decimal) -> Decimal:
    """Take away the zeros that say nothing, but never write an exponent."""
    return number.to_integral_value() if number == number.to_integral_value() else number.normalize()
