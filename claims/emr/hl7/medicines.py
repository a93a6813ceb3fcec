"""Medicines of a visit: one for each order and product, with what was handed over and given.

How many: what was handed over (RXD-4), else the amount to dispense (RXE-10, RXO-11), else the sum of what
was given (RXA-6); a charge's own quantity comes before all of them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.encounter import Medication
from claims.emr.hl7.charges import Charge
from claims.emr.hl7.doses import dose_words, instruction_words
from claims.emr.hl7.lines import Context, Line
from claims.emr.hl7.message import Segment
from claims.emr.hl7.orders import Group, Order
from claims.emr.hl7.values import Notes, amount_of, codings_of, time_of
from claims.emr.scalars import LocalTime

_NOT_GIVEN: Final = frozenset({"RE", "NA"})
_DELETED: Final = "D"
_UNKNOWN_AMOUNT: Final = "999"
_ORDERED: Final = frozenset({"ORC", "RXO", "RXE", "RXR", "RXC", "TQ1", "NTE"})
_PRODUCTS: Final = (("RXD", 2), ("RXE", 2), ("RXO", 10), ("RXO", 1), ("RXA", 5))


@dataclass(slots=True)
class Supplied:
    """What was handed over and given on one order.

    Attributes:
        dispensed: The current RXD of each hand-over, by product code.
        given: The current RXA of each administration.
    """

    dispensed: Mapping[str, list[Segment]]
    given: list[Segment]


def medications(order: Order, charges: list[Charge], context: Context) -> Iterator[Medication]:
    """Make the medicines of one order: one of each product that was handed over, else one."""
    supplied = _supplied(order)
    segments = [s for group in order.requests for s in group.segments if s.name in _ORDERED]
    segments = segments or [s for group in order.groups for s in group.segments if s.name in _ORDERED]
    for component in (s for s in segments if s.name == "RXC"):
        detail = "a component of a mixture makes no row; the mixture itself does"
        context.notes.add(component, 2, "mixture-component", detail)
    products = supplied.dispensed or {"": []}
    for number, (_, dispensed) in enumerate(products.items()):
        own = _charges_of(dispensed, charges, is_last=number == len(products) - 1)
        line = Line(context, [*segments, *dispensed, *supplied.given], own[0] if own else None)
        if len(own) == 1:
            _note_other_quantity(own[0], _quantity(line, dispensed, supplied.given, Notes()), context)
        yield _medication(line, dispensed, supplied.given, context)
        for other in own[1:]:
            yield charged_medication(other, context, segments)


def _note_other_quantity(charge: Charge, told: Decimal | None, context: Context) -> None:
    """Say that the bill counts otherwise than what was handed over or ordered, which may be other units."""
    if None not in {charge.quantity, told} and charge.quantity != told:
        detail = "the charge says another quantity than what it is for; the charge's counts"
        context.notes.add(charge.first, 10, "quantity-differs", detail)


def charged_medication(charge: Charge, context: Context, segments: list[Segment] | None = None) -> Medication:
    """Make the medicine that a charge alone tells of."""
    return _medication(Line(context, segments or [], charge), [], [], context, is_charged=True)


def _medication(
    line: Line,
    dispensed: list[Segment],
    given: list[Segment],
    context: Context,
    *,
    is_charged: bool = False,
) -> Medication:
    notes, charge = context.notes, line.charge
    code = line.code_of("drug", *(() if is_charged else _PRODUCTS))
    route = line.coded("route", ("RXR", 1))
    prescriber, department = line.orderer(None, 0), line.department()
    charged = charge.quantity if charge else None
    quantity = _quantity(line, dispensed, given, notes) if charged is None else charged
    return Medication(
        code=code.code,
        name=code.text or None,
        group=line.text("group"),
        unit=line.words(("RXD", 5), ("RXE", 11), ("RXO", 12), ("RXA", 7)) or line.text("unit"),
        strength=_strength(line),
        form=line.words(("RXD", 6), ("RXE", 6), ("RXO", 5), ("RXA", 8)),
        route=route.code or None,
        dose=dose_words(line),
        how=instruction_words(line),
        registration=line.text("registration"),
        tender=line.text("tender"),
        quantity=quantity,
        price=charge.price_of_one(quantity) if charge else None,
        pay_percent=line.percent("pay_percent"),
        scope=line.text("scope") or "1",
        source=line.text("source") or "1",
        other_sources=line.other_sources(),
        ordered=line.time_ordered(),
        given=_first_time([(s, 3) for s in dispensed] or [(s, 3) for s in given], notes)
        or (time_of(charge.first, 4, notes) if charge and not line.segments else None),
        prescriber=prescriber.code,
        department=department.code or None,
        for_service=line.text("for_service"),
        codings=codings_of(code=code, route=route, prescriber=prescriber, department=department),
        origin=line.origin,
    )


def _supplied(order: Order) -> Supplied:
    """Return what is true now: a later message about the same hand-over or administration corrects it."""
    handed: dict[tuple[object, ...], Segment] = {}
    given: dict[tuple[object, ...], Segment] = {}
    for group in order.groups:
        _keep_latest(handed, group, "RXD", (1, 2, 3))
        _keep_latest(given, group, "RXA", (1, 2, 3, 5))
    dispensed: dict[str, list[Segment]] = {}
    for segment in handed.values():
        dispensed.setdefault(segment.text(2), []).append(segment)
    kept = [s for s in given.values() if s.text(20) not in _NOT_GIVEN and s.text(21) != _DELETED]
    return Supplied(dispensed, kept)


def _keep_latest(
    known: dict[tuple[object, ...], Segment], group: Group, name: str, numbers: Iterable[int]
) -> None:
    # The same twice in one message is two, as of two lots.
    seen: Counter[tuple[str, ...]] = Counter()
    for segment in group.named(name):
        identity = tuple(segment.text(number) for number in numbers)
        seen[identity] += 1
        known[*identity, seen[identity]] = segment


def _charges_of(dispensed: list[Segment], charges: list[Charge], *, is_last: bool) -> list[Charge]:
    """Return the charges of one product: those of its code, and with the last product all that are left."""
    codes = {segment.text(2) for segment in dispensed}
    own = [charge for charge in charges if charge.code.code in codes]
    left = [charge for charge in charges if charge.code.code not in codes] if is_last else []
    return own + left


def _quantity(line: Line, dispensed: list[Segment], given: list[Segment], notes: Notes) -> Decimal | None:
    handed = [amount for s in dispensed if (amount := amount_of(s, 4, notes)) is not None]
    if handed:
        return max(sum(handed, Decimal(0)), Decimal(0))
    for name, number in (("RXE", 10), ("RXO", 11)):
        if (amount := amount_of(line.latest.of(name, number), number, notes)) is not None:
            return amount
    doses = [
        amount
        for s in given
        if s.text(6) != _UNKNOWN_AMOUNT and (amount := amount_of(s, 6, notes)) is not None
    ]
    return sum(doses, Decimal(0)) if doses else None


def _strength(line: Line) -> str | None:
    for name, amount, unit in (("RXD", 16, 17), ("RXE", 25, 26), ("RXO", 18, 19), ("RXA", 13, 14)):
        if strength := line.latest.text(name, amount) + (line.words((name, unit)) or ""):
            return strength
    return None


def _first_time(places: Iterable[tuple[Segment, int]], notes: Notes) -> LocalTime | None:
    times = [at for segment, number in places if (at := time_of(segment, number, notes))]
    return min(times, default=None)
