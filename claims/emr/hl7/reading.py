"""HL7 v2 messages → encounters: one for each visit that they tell of.

1. Split the input, read each message; one that cannot be read is refused and the rest goes on.
2. Put the messages to their visits, in order of time.
3. Fold each visit: orders, charges, results, and the stay itself.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from claims.emr.encounter import Encounter, Medication, Note, Result, Service, ServiceKind
from claims.emr.errors import MOST_PROBLEMS
from claims.emr.hl7.charges import Charge, Charges, read_charges
from claims.emr.hl7.diagnoses import read_diagnoses
from claims.emr.hl7.errors import UnreadableMessage
from claims.emr.hl7.framing import Piece, split_messages
from claims.emr.hl7.lines import Context
from claims.emr.hl7.medicines import charged_medication, medications
from claims.emr.hl7.message import Message, parse_message
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.orders import Numbers, Order, codes_of, fold_orders
from claims.emr.hl7.people import read_coverage, read_patient
from claims.emr.hl7.records import Record
from claims.emr.hl7.results import Ordered, Report, clinical_note, read_reports, results
from claims.emr.hl7.services import charged_service, is_medicine, line_number, services
from claims.emr.hl7.stay import Stay
from claims.emr.hl7.unread import note_unread
from claims.emr.hl7.values import Notes
from claims.emr.hl7.visits import sort_into_visits
from claims.emr.inputs import ReadEncounters, Refusal

_SEGMENT_END: Final = re.compile(rb"[\r\n]")
_ANY_CODE: Final = "*"
# HL7 table 0103: training, debugging.
_TRIALS: Final = frozenset({"T", "D"})
_FRAME_FAULTS: Final = {
    "header-alone": "it has no segment but its header (MSH)",
    "not-a-message": "there are bytes before, between or behind messages that belong to none",
    "frame-without-end": "its frame has no end, so a part may be missing",
    "file-incomplete": "the file that ends here says that it holds another number of batches (FTS-1)",
    "batch-incomplete": "the batch that ends here says that it holds another number of messages (BTS-1)",
}


def read_hl7(data: bytes | Iterable[bytes], *, options: Hl7Options | None = None) -> ReadEncounters:
    """Read every visit of an input, in any order of arrival.

    Args:
        data: One input with one or many messages, or several such inputs.
        options: What the hospital's systems and codes are called.

    Returns:
        One encounter for each visit, what was refused with its place, and what was odd.
    """
    options, notes = options or Hl7Options(), Notes()
    refused: list[Refusal] = []
    messages = list(_readable(data, options, refused))
    if not messages and not refused:
        refused.append(Refusal("", "no-message", "there is no message in the input"))
    _note_trials(messages, notes)
    visits, homeless = sort_into_visits(messages, options, notes)
    refused += homeless
    note_unread((message for visit in visits for message in visit.messages), options, notes)
    encounters = []
    for visit in visits:
        record = Record(visit, Context(options, notes))
        stay = Stay(record)
        if stay.is_cancelled:
            detail = "the visit was cancelled (A11 or A23)"
            refused.append(Refusal(visit.number, "visit-cancelled", detail))
        else:
            known = len(notes.refused)
            encounter = _encounter(record, stay)
            if len(notes.refused) == known:
                encounters.append(encounter)
    return ReadEncounters(tuple(encounters), (*refused, *dict.fromkeys(notes.refused)), notes.all())


def _readable(
    data: bytes | Iterable[bytes], options: Hl7Options, refused: list[Refusal]
) -> Iterator[Message]:
    known: Counter[str] = Counter()
    for piece in split_messages(data):
        try:
            yield _opened(piece, options)
        except UnreadableMessage as error:
            known[error.code] += 1
            if known[error.code] <= MOST_PROBLEMS:
                refused.append(Refusal(f"message {piece.number}", error.code, error.detail, error.place))
    for code, count in known.items():
        if count > MOST_PROBLEMS:
            detail = f"{count - MOST_PROBLEMS} more messages are refused for the same reason ({code})"
            refused.append(Refusal("", "more-problems", detail))


def _opened(piece: Piece, options: Hl7Options) -> Message:
    fault = piece.fault or ("" if _SEGMENT_END.search(piece.data) else "header-alone")
    if fault:
        raise UnreadableMessage(f"message {piece.number}", fault, _FRAME_FAULTS[fault])
    return parse_message(piece.data, number=piece.number, reading=options)


def _note_trials(messages: Sequence[Message], notes: Notes) -> None:
    """Say once that messages call themselves a trial; whoever hands them over decides."""
    trials = [message for message in messages if message.header.text(11).upper() in _TRIALS]
    if trials:
        detail = f"{len(trials)} message(s) are for training or debugging by what they say, and are read"
        notes.add(trials[0].header, 11, "not-production", detail)


def _encounter(record: Record, stay: Stay) -> Encounter:
    visit, context = record.visit, record.context
    numbers = Numbers(visit.messages)
    orders = fold_orders(visit.messages, numbers, context.notes)
    charges = read_charges(visit.messages, numbers, set(orders), context.options, context.notes)
    found = _Lines(context)
    for order in orders.values():
        found.add_order(order, charges)
    found.add_charges(charges)
    reports = read_reports(visit.messages, numbers, context.notes)
    found.add_reports(reports)
    told = stay.visit(charges)
    return Encounter(
        schema="encounter/1",
        facility=visit.facility,
        encounter=told,
        patient=read_patient(record),
        coverage=read_coverage(record, came=told.admitted, went=told.discharged or ""),
        diagnoses=read_diagnoses(record),
        medications=tuple(sorted(found.medications, key=lambda item: item.ordered)),
        services=tuple(sorted(found.services, key=lambda item: item.ordered)),
        results=tuple(sorted(found.results, key=lambda item: item.at or "")),
        notes=tuple(sorted(found.notes, key=lambda item: item.at)),
    )


class _Lines:
    """Collects the items of one visit."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ordered: dict[tuple[str, str], Ordered] = {}
        self.medications: list[Medication] = []
        self.services: list[Service] = []
        self.results: list[Result] = []
        self.notes: list[Note] = []

    def add_order(self, order: Order, charges: Charges) -> None:
        """Add what an order makes; a cancelled one, or one whose charges were all credited, makes nothing."""
        own = self._without_others(order, charges)
        if order.is_cancelled:
            if own:
                self._say(
                    order, "charge-of-cancelled-order", "it was charged all the same, which makes no row"
                )
            if order.is_medicine and order.answers:
                self._say(order, "given-though-cancelled", "it was handed over or given, which makes no row")
            return
        if order.key in charges.reversed_orders:
            self._say(
                order, "charge-reversed", "every charge was credited again or is of none, so it makes no row"
            )
            return
        if order.is_medicine:
            self.medications += medications(order, own, self._context)
        elif order.is_service:
            self._add_services(order, own)
        elif own and order.is_answered_service:
            # What was charged was ordered, though only its results tell of it.
            self._add_services(replace(order, requests=order.answers), own)
        else:
            charges.alone += own

    def _without_others(self, order: Order, charges: Charges) -> list[Charge]:
        """Return the charges of an order; those of something else, by another national code, stand alone."""
        own = charges.by_order.get(order.key, [])
        named = list(codes_of(order, self._context.options))
        if order.is_cancelled or not named or any(code.codings for code in named):
            return own
        known = {code.code for code in named}
        others = [one for one in own if not one.code.codings and one.code.code not in {*known, ""}]
        for charge in others:
            detail = "it has another national code than its order; it makes a row of its own"
            self._context.notes.add(charge.first, 7, "charge-beside", detail)
        charges.alone += others
        return [one for one in own if one not in others]

    def add_charges(self, charges: Charges) -> None:
        """Add what only charges tell of."""
        uncharged = {service.code for service in self.services if service.hospital_price is None}
        uncharged |= {medication.code for medication in self.medications if medication.price is None}
        for charge in charges.alone:
            if charge.code.code in uncharged:
                detail = "it names no order, and an order of this code has no charge: it may be counted twice"
                self._context.notes.add(charge.first, 23, "charge-without-its-order", detail)
            if is_medicine(charge, self._context.options):
                self.medications.append(charged_medication(charge, self._context))
            else:
                self.services.append(charged_service(charge, self._context))

    def add_reports(self, reports: list[Report]) -> None:
        """Add results and notes."""
        for report in reports:
            if note := clinical_note(report, self._context):
                self.notes.append(note)
                continue
            code = report.request.text(4)
            ordered = self._ordered.get((report.key, code)) or self._ordered.get((report.key, _ANY_CODE))
            self.results += results(report, ordered, self._context)

    def _add_services(self, order: Order, charges: list[Charge]) -> None:
        lines = order.lines()
        kinds: dict[str | None, ServiceKind] = {}
        for service in services(order, charges, self._context):
            self.services.append(service)
            kinds.setdefault(service.order_id, service.kind)
        for code in lines:
            number = line_number(order.key, code, is_only=len(lines) == 1)
            # The only service of an order is meant, whatever the laboratory calls it.
            self._ordered[order.key, _ANY_CODE if len(lines) == 1 else code] = Ordered(number, kinds[number])

    def _say(self, order: Order, code: str, detail: str) -> None:
        segment = order.groups[-1].segments[0]
        self._context.notes.add(segment, 0, code, detail)
