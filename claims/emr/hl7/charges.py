"""What was charged: transactions (FT1) added up by what they charge, credits taken off again.

A transaction of a known order gives that order's row price and quantity; any other makes a row of its own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.orders import Numbers
from claims.emr.hl7.values import Coded, Notes, amount_of, coded, time_of

_CHARGE: Final = "CG"
_CREDIT: Final = "CD"
_PAYMENTS: Final = frozenset({"PY", "CO"})
_DONG: Final = frozenset({"", "VND", "VNĐ", "Đ", "₫"})
_CURRENCY: Final = re.compile(r"^[A-ZĐ]{3}$")
_ONE: Final = Decimal(1)
_PLACES_OF_A_PRICE: Final = -3


@dataclass(slots=True)
class Charge:
    """One thing charged, all its transactions together.

    Attributes:
        key: The order that it is charged for, or empty.
        code: What was charged.
        price: What one costs at the hospital.
        total: What all of it costs, where neither a price nor a quantity is said.
        quantity: How many, credits taken off; None when no transaction says it.
        segments: Every segment of its transactions.
        first: Its first FT1.
    """

    key: str
    code: Coded
    price: Decimal | None
    total: Decimal | None
    quantity: Decimal | None
    segments: list[Segment]
    first: Segment

    def price_of_one(self, quantity: Decimal | None) -> Decimal | None:
        """Return what one costs; where only the total is said, of so many as the order says, else of one."""
        if self.total is None:
            return self.price
        return _divided(self.total, _ONE if quantity is None else quantity)


@dataclass(slots=True)
class Charges:
    """All charges of a visit.

    Attributes:
        by_order: Those of an order by its key.
        alone: Those that name no order, or one that no message tells of.
        reversed_orders: Orders of which every charge was credited again.
        paid: When the patient last paid (yyyyMMddHHmm), or empty.
    """

    by_order: dict[str, list[Charge]] = field(default_factory=dict)
    alone: list[Charge] = field(default_factory=list)
    reversed_orders: set[str] = field(default_factory=set)
    paid: str = ""


@dataclass(frozen=True, slots=True)
class _Amounts:
    """The amounts of a transaction: FT1-11, FT1-12 and FT1-22."""

    extended: Decimal | None
    unit: Decimal | None
    cost: Decimal | None

    @property
    def are_negative(self) -> bool:
        """Whether the first of them that is given is below zero."""
        given = next((one for one in (self.extended, self.unit, self.cost) if one is not None), None)
        return given is not None and given < 0


@dataclass(slots=True)
class _Transaction:
    """One FT1 with what follows it."""

    kind: str
    charge: Charge
    day: str


def read_charges(
    messages: Sequence[Message], numbers: Numbers, known: set[str], options: Hl7Options, notes: Notes
) -> Charges:
    """Add up the transactions of a visit; ``known`` are the keys of its orders."""
    reader = _Reader(numbers, options, notes)
    transactions: dict[tuple[object, ...], _Transaction] = {}
    for message in messages:
        for identity, segments in _identified(message):
            transaction = reader.read(segments)
            if transaction and identity in transactions:
                detail = "a transaction of this number, code and day came before; this one takes its place"
                notes.add(segments[0], 2, "transaction-again", detail)
            if transaction:
                transactions[identity] = transaction
    charges = Charges(paid=reader.paid)
    kept = _net(list(transactions.values()), notes)
    for charge in kept:
        if charge.key in known:
            charges.by_order.setdefault(charge.key, []).append(charge)
        else:
            charges.alone.append(charge)
    named = {transaction.charge.key for transaction in transactions.values()}
    charges.reversed_orders = (named & known) - charges.by_order.keys()
    return charges


def _identified(message: Message) -> Iterator[tuple[tuple[object, ...], list[Segment]]]:
    """Yield the transactions of a message, each with its identity: a later one of the same corrects it.

    Some systems number a whole bill and not its lines, so code, day and place in the message count, too.
    """
    if not message.kind.startswith("DFT"):
        return
    seen: dict[tuple[str, ...], int] = {}
    for segments in _transactions(message):
        first = segments[0]
        name = (first.text(2), first.text(6), first.text(7), first.text(4)[:8])
        seen[name] = count = seen.get(name, 0) + 1
        yield (*name, count) if name[0] else (message.number, first.ordinal), segments


def _transactions(message: Message) -> Iterator[list[Segment]]:
    current: list[Segment] = []
    for segment in message.segments:
        if segment.name == "FT1":
            if current:
                yield current
            current = [segment]
        elif current:
            current.append(segment)
    if current:
        yield current


class _Reader:
    """Reads single transactions."""

    def __init__(self, numbers: Numbers, options: Hl7Options, notes: Notes) -> None:
        self._numbers = numbers
        self._options = options
        self._notes = notes
        self.paid = ""

    def read(self, segments: list[Segment]) -> _Transaction | None:
        """Read a transaction; None if it charges nothing."""
        first = segments[0]
        kind = first.text(6) or _CHARGE
        if kind in _PAYMENTS:
            self.paid = max(self.paid, time_of(first, 4, self._notes))
            return None
        if kind not in {_CHARGE, _CREDIT}:
            self._notes.add(first, 6, "transaction-not-read", "only charges and credits make rows")
            return None
        quantity = amount_of(first, 10, self._notes)
        extended, unit = self._amount(first, 11), self._amount(first, 12)
        cost = self._amount(first, 22) if extended is None and unit is None else None
        amounts = _Amounts(extended, unit, cost)
        if quantity == 0:
            self._say_none(first, amounts)
        # Who knows no credits writes a charge of less than nothing.
        if (quantity is not None and quantity < 0) or amounts.are_negative:
            kind = _CREDIT
        price, quantity = self._price(first, amounts, None if quantity is None else abs(quantity))
        is_total = price is None and quantity is None and amounts.extended is not None
        total = abs(amounts.extended) if is_total and amounts.extended else None
        code = coded(first.value(7), "service", self._options)
        charge = Charge(self._key(segments), code, price, total, quantity, segments, first)
        return _Transaction(kind, charge, first.text(4)[:8])

    def _say_none(self, first: Segment, amounts: _Amounts) -> None:
        """Say that none were charged; where it costs something all the same, one of the two is wrong."""
        if amounts.extended:
            self._notes.refuse(
                first, 10, "quantity-zero", "none were charged, and FT1-11 says what they cost"
            )
        else:
            self._notes.add(first, 10, "quantity-zero", "none were charged, which makes no row")

    def _key(self, segments: list[Segment]) -> str:
        if number := segments[0].text(23):
            return self._numbers.key_of_charge(number)
        named = [segment for segment in segments if segment.name in {"ORC", "OBR"}]
        placer = next(filter(None, (segment.text(2) for segment in named)), "")
        filler = next(filter(None, (segment.text(3) for segment in named)), "")
        return self._numbers.key(placer, filler)

    def _amount(self, first: Segment, field: int) -> Decimal | None:
        """Return an amount of đồng; other money is no amount of a claim, whatever it would be worth."""
        # The denomination belongs to the amount (50&USD); many write it in the place of the type (50^USD).
        said = {first.text(field, 1, 2).upper(), *_CURRENCY.findall(first.text(field, 2).upper())}
        if not said <= _DONG:
            self._notes.add(first, field, "other-currency", "the amount is not in VND; it is left out")
            return None
        return amount_of(first, field, self._notes)

    def _price(
        self, first: Segment, amounts: _Amounts, quantity: Decimal | None
    ) -> tuple[Decimal | None, Decimal | None]:
        """Return unit price and quantity: FT1-12, else FT1-11 by FT1-10, else FT1-22.

        An amount without either is a total: of how many, the order says.
        """
        extended, unit = amounts.extended, amounts.unit
        if unit is not None and extended is not None:
            if quantity is None and unit:
                quantity = _divided(abs(extended), abs(unit))
            elif quantity is not None and abs(unit) * quantity != abs(extended):
                detail = "quantity (FT1-10) and unit amount (FT1-12) do not make it; they are taken"
                self._notes.add(first, 11, "amount-differs", detail)
        if unit is None and extended is not None:
            if quantity is None:
                return None, None
            unit = _divided(abs(extended), quantity)
            if unit is None:
                self._notes.add(first, 11, "no-unit-price", "the amount is no whole multiple of a price")
        if unit is None:
            unit = amounts.cost
        return (None if unit is None else abs(unit)), quantity


def _divided(amount: Decimal, by: Decimal) -> Decimal | None:
    """Divide where the result is a price that a claim can carry."""
    if not by:
        return None
    result = amount / by
    exponent = result.normalize().as_tuple().exponent
    return result if isinstance(exponent, int) and exponent >= _PLACES_OF_A_PRICE else None


def _net(transactions: Sequence[_Transaction], notes: Notes) -> list[Charge]:
    """Add up charges of one order, code and price, and take credits off what they reverse."""
    totals: dict[tuple[object, ...], tuple[Charge, str]] = {}
    for number, transaction in enumerate(transactions):
        if transaction.kind != _CHARGE:
            continue
        charge = transaction.charge
        # Of how many without a quantity is not known here, so nothing is added to it.
        is_apart = not charge.key or charge.quantity is None
        key = (charge.key, charge.code.code, charge.price, number if is_apart else None)
        if known := totals.get(key):
            _add(known[0], charge)
        else:
            totals[key] = (charge, transaction.day)
    by_code: dict[tuple[str, str], list[tuple[Charge, str]]] = {}
    for charge, day in totals.values():
        by_code.setdefault((charge.key, charge.code.code), []).append((charge, day))
    for transaction in transactions:
        if transaction.kind == _CREDIT:
            reversed_ = transaction.charge
            _take_off(transaction, by_code.get((reversed_.key, reversed_.code.code), []), notes)
    return [charge for charge, _ in totals.values() if charge.quantity is None or charge.quantity > 0]


def _add(total: Charge, charge: Charge) -> None:
    if total.quantity is not None and charge.quantity is not None:
        total.quantity += charge.quantity
    total.segments.extend(charge.segments)


def _take_off(credit: _Transaction, alike: list[tuple[Charge, str]], notes: Notes) -> None:
    """Take a credit off the charge of the same order and code that is most like it: in price, then in day."""
    amount = _ONE if credit.charge.quantity is None else credit.charge.quantity
    enough = [
        (charge.price == credit.charge.price, day == credit.day, charge)
        for charge, day in alike
        if (_ONE if charge.quantity is None else charge.quantity) >= amount
    ]
    if not enough:
        notes.add(
            credit.charge.first, 6, "credit-without-charge", "no charge of this order and code is as large"
        )
        return
    charge = max(enough, key=lambda item: item[:2])[2]
    charge.quantity = (_ONE if charge.quantity is None else charge.quantity) - amount
