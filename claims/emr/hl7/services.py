"""Services of a visit: what was ordered (OBR), with what its results and charges say, and charges alone."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Final

from claims.emr.encounter import Service, ServiceKind, Supply
from claims.emr.hl7.charges import Charge
from claims.emr.hl7.lines import Context, Line
from claims.emr.hl7.message import Segment
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.orders import Group, Order
from claims.emr.hl7.values import Coded, Notes, codings_of, interpreter, number_of, person, time_of
from claims.emr.scalars import LocalTime

_ORDERED: Final = frozenset({"ORC", "OBR", "TQ1", "SPM"})
_KINDS: Final = frozenset(ServiceKind)
_LABORATORY: Final = "OML"
_IMAGING: Final = "OMI"
_MEDICINE: Final = "medicine"
_ONE: Final = Decimal(1)
_FULL: Final = Decimal(100)
_REQUEST: Final = (("OBR", 4),)


def services(order: Order, charges: list[Charge], context: Context) -> Iterator[Service]:
    """Make the services of one order; several may share its number."""
    lines = order.lines()
    _note_repeats(lines, context)
    answers = _by_code(order.answers)
    charged: dict[str, list[Charge]] = {}
    for charge in charges:
        # A charge under the billing system's own code is the first service's, or a row beside it.
        code = charge.code.code if charge.code.code in lines else next(iter(lines))
        charged.setdefault(code, []).append(charge)
    for code, groups in lines.items():
        number = line_number(order.key, code, is_only=len(lines) == 1)
        segments = [s for group in groups for s in group.segments if s.name in _ORDERED]
        own = order.answers if len(lines) == 1 else answers.get(code, [])
        own_charges = charged.get(code, [])
        first = own_charges[0] if own_charges else None
        yield _service(number, Line(context, segments, first), own, context)
        for charge in own_charges[1:]:
            yield _service(number, Line(context, segments, charge), [], context, is_charged=True)


def _note_repeats(lines: Mapping[str, list[Group]], context: Context) -> None:
    """Say where one message orders a service twice under one number."""
    for groups in lines.values():
        for before, group in pairwise(groups):
            if before.message is group.message and (request := group.first("OBR")):
                detail = "the order names this service more than once in a message; it makes one row"
                context.notes.add(request, 4, "service-twice", detail)


def line_number(key: str, code: str, *, is_only: bool) -> str:
    """Return what joins a service to its results: the order's number, and the code if several share it."""
    return key if is_only else f"{key}/{code}"


def charged_service(charge: Charge, context: Context) -> Service:
    """Make the service, bed, supply or transport that a charge alone tells of."""
    return _service(charge.key, Line(context, [], charge), [], context, is_charged=True)


def is_medicine(charge: Charge, options: Hl7Options) -> bool:
    """Say whether a charge without an order is for a medicine: its kind, its code or the options say so."""
    line = Line(Context(options, Notes()), [], charge)
    return (
        line.place("kind").text.lower() == _MEDICINE
        or bool(charge.first.raw(29))
        or any(name in options.medicines for name in (charge.code.code, charge.first.text(7, 3)))
    )


def kind_of(line: Line, options: Hl7Options) -> ServiceKind | None:
    """Return the kind of a service: given, by code, by section (OBR-24) or by the kind of message."""
    given = line.place("kind").text.lower()
    if given in _KINDS:
        return ServiceKind(given)
    for name, number in (("OBR", 4), ("FT1", 7)):
        for component in (1, 3):
            if kind := options.kinds.get(line.latest.text(name, number, component)):
                return kind
    if kind := options.sections.get(line.latest.text("OBR", 24)):
        return kind
    family = line.first_message.kind[:3]
    return {_LABORATORY: ServiceKind.TEST, _IMAGING: ServiceKind.IMAGING}.get(family)


def _by_code(groups: list[Group]) -> dict[str, list[Group]]:
    by_code: dict[str, list[Group]] = {}
    for group in groups:
        if request := group.first("OBR"):
            by_code.setdefault(request.text(4), []).append(group)
    return by_code


def _service(
    key: str, line: Line, answers: list[Group], context: Context, *, is_charged: bool = False
) -> Service:
    notes, options, charge = context.notes, context.options, line.charge
    answered = [s for group in answers for s in group.segments if s.name == "OBR"]
    kind = _known_kind(line, context)
    code = line.code_of(
        "supply" if kind is ServiceKind.SUPPLY else "service", *(() if is_charged else _REQUEST)
    )
    orderer, department = line.orderer("OBR", 16), line.department()
    performers = _performers(line, answered, options)
    diagnosis = line.placed_code("diagnosis", "diagnosis")
    quantity = charge.quantity if charge else None
    if quantity is None and not is_charged:
        _refuse_quantity(line, notes)
    return Service(
        kind=kind,
        code=code.code,
        name=code.text or line.latest.text("FT1", 8) or None,
        group=line.text("group"),
        unit=line.text("unit"),
        quantity=_ONE if quantity is None else quantity,
        hospital_price=charge.price_of_one(quantity) if charge else None,
        insured_price=line.number("insured_price"),
        ceiling=line.number("ceiling"),
        service_percent=_or_full(line.percent("service_percent")),
        pay_percent=line.percent("pay_percent"),
        scope=line.text("scope") or "1",
        other_sources=line.other_sources(),
        ordered=line.time_ordered(),
        performed=_performed(line, answered, notes) or None,
        result=_finished(line, answers, notes) or None,
        orderer=orderer.code,
        performers=tuple(performer.code for performer in performers),
        department=department.code or None,
        bed=line.text("bed") if kind is ServiceKind.BED else None,
        diagnosis=diagnosis.code or None,
        anesthesia=line.text("anesthesia"),
        site=line.text("site"),
        machine=_machine(answers),
        supply=_supply(line),
        order_id=key if not is_charged and key else None,
        codings=codings_of(
            code=code,
            orderer=orderer,
            department=department,
            diagnosis=diagnosis,
            **{f"performers/{n}": performer for n, performer in enumerate(performers)},
        ),
        origin=line.origin,
    )


def _refuse_quantity(line: Line, notes: Notes) -> None:
    """Refuse an order of several (TQ1-2, OBR-27, ORC-7) that no charge counts: one would take their place."""
    for name, number in (("TQ1", 2), ("OBR", 27), ("ORC", 7)):
        segment = line.latest.of(name, number)
        ordered = number_of(segment, number, notes)
        if segment and ordered not in {None, _ONE}:
            detail = "several are ordered and no charge says how many: send it with its quantity (FT1-10)"
            notes.refuse(segment, number, "several-ordered", detail)
            return


def _known_kind(line: Line, context: Context) -> ServiceKind:
    kind = kind_of(line, context.options)
    if kind is None:
        first = line.segments[0] if line.segments else None
        place = line.latest.of("OBR", 4) or line.latest.of("FT1", 7) or first
        if place:
            field = {"OBR": 4, "FT1": 7}.get(place.name, 0)
            context.notes.add(place, field, "unknown-kind", "the options name no kind of service for it")
    return kind or ServiceKind.OTHER


def _or_full(percent: Decimal | None) -> Decimal:
    return _FULL if percent is None else percent


def _performers(line: Line, answered: list[Segment], options: Hl7Options) -> list[Coded]:
    """Return who did it: FT1-20, else the technicians (OBR-34), else who read it (OBR-32)."""
    charged = line.latest.of("FT1", 20)
    found = [person([value], options) for value in charged.values(20)] if charged else []
    for number in (34, 32):
        for segment in reversed(answered):
            found = found or [interpreter(value, options) for value in segment.values(number)]
    return [one for one in found if one.code]


def _performed(line: Line, answered: list[Segment], notes: Notes) -> LocalTime:
    """Return when it was done: OBR-7 of the result, else of the order, SPM-17, else FT1-4."""
    places = [(segment, 7) for segment in reversed(answered)]
    places += [(s, n) for name, n in (("OBR", 7), ("SPM", 17), ("FT1", 4)) if (s := line.latest.of(name, n))]
    return next((at for segment, number in places if (at := time_of(segment, number, notes))), LocalTime(""))


def _finished(line: Line, answers: list[Group], notes: Notes) -> LocalTime:
    """Return when the result was there: OBR-22, else the last observation, else FT1-4.2."""
    for group in reversed(answers):
        request = group.first("OBR")
        if request and (at := time_of(request, 22, notes)):
            return at
    times = [
        time_of(segment, 19, notes) or time_of(segment, 14, notes)
        for group in answers
        for segment in group.named("OBX")
    ]
    if at := max(times, default=LocalTime("")):
        return at
    charged = line.latest.of("FT1", 4)
    return time_of(charged, 4, notes, 2)


def _machine(answers: list[Group]) -> str | None:
    found = (s.text(18) for group in reversed(answers) for s in group.named("OBX"))
    return next(filter(None, found), None)


def _supply(line: Line) -> Supply | None:
    supply = Supply(
        package=line.text("package"),
        tender=line.text("tender"),
        model=line.text("model"),
        reused=line.is_set("reused"),
    )
    return None if supply == Supply() else supply
