"""What the hospital charges for a row: quantity, price and what else stands on the line of its bill."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.encounter import OtherSources
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Charts
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Money
from claims.emr.fhir.extras import Extras, read_extras
from claims.emr.fhir.options import PriceOverride
from claims.emr.fhir.source import Source

_ZERO: Final = Decimal(0)
_ONE_DONG: Final = Decimal(1)
# What a price component may be, of all the types that FHIR has.
_PRICES: Final = frozenset({"base", "informational"})
_SOURCES: Final = ("nsnn", "vtnn", "vttn", "cl")
_NO_SOURCES: Final = OtherSources()


@dataclass(frozen=True, slots=True)
class Charged:
    """What the bill says of a row.

    Attributes:
        extras: Fields that stand in extensions of the charges, then of the resource that makes the row.
        items: The charges, which are of one price.
    """

    extras: Extras
    quantity: Decimal | None = None
    price: Decimal | None = None
    unit: str | None = None
    items: tuple[Item[fhir.ChargeItem], ...] = ()

    @property
    def origin(self) -> tuple[str, ...]:
        """The charges, by their ids."""
        return tuple(item.origin for item in self.items)


def find_charges(
    charts: Charts, keys: Iterable[str], row: Item[fhir.Resource], *, own: Decimal | None
) -> tuple[Charged, ...]:
    """Return what is charged for a row, whichever of its resources the charges name: by price, one at least.

    ``own`` is the quantity that the row's own resources say. A charge is paid once: of several rows that
    it would price, the first has it.
    """
    found = {item.key: item for key in keys for item in charts.charged.get(key, ())}
    for item in [item for item in found.values() if item.key in charts.priced]:
        detail = "a charge names what makes several rows; it counts for the first of them alone"
        charts.source.note(item.pointer, "charge-of-several", detail)
        del found[item.key]
    charts.priced.update(found)
    return combine(charts.source, tuple(found.values()), row, own=own)


def combine(
    source: Source,
    items: tuple[Item[fhir.ChargeItem], ...],
    row: Item[fhir.Resource],
    *,
    own: Decimal | None,
) -> tuple[Charged, ...]:
    """Add up the charges of a row by price, as a row has one; without a quantity nothing can be added."""
    if not items:
        return (Charged(read_extras(source, row, row.resource.extension)),)
    for item in items:
        _refuse_credit(source, item)
        _refuse_factor(source, item)
        _refuse_part(source, item)
    quantities = [_quantity(source, item) for item in items]
    if len(items) > 1 and (None in quantities or len({_code(item) for item in items}) > 1):
        detail = "charges of different codes, or without a quantity, name one resource; the first counts"
        source.note(row.pointer, "several-prices", detail)
        items, quantities = items[:1], quantities[:1]
    alike: dict[Decimal | None, list[tuple[Item[fhir.ChargeItem], Decimal | None]]] = defaultdict(list)
    for item, quantity in zip(items, quantities, strict=True):
        alike[_unit_price(source, item, own if quantity is None else quantity)].append((item, quantity))
    return tuple(_added_up(source, row, price, charges) for price, charges in alike.items())


def _code(item: Item[fhir.ChargeItem]) -> tuple[tuple[str | None, str | None], ...]:
    code = item.resource.code
    return tuple((one.system, one.code) for one in code.all_codings()) if code else ()


def _added_up(
    source: Source,
    row: Item[fhir.Resource],
    price: Decimal | None,
    charges: list[tuple[Item[fhir.ChargeItem], Decimal | None]],
) -> Charged:
    items = tuple(item for item, _ in charges)
    known = [quantity for _, quantity in charges if quantity is not None]
    unit = items[0].resource.quantity.unit if items[0].resource.quantity else None
    extras = read_extras(source, row, *(item.resource.extension for item in items), row.resource.extension)
    return Charged(extras, sum(known, _ZERO) if known else None, price, unit, items)


def _refuse_credit(source: Source, item: Item[fhir.ChargeItem]) -> None:
    """Refuse a charge below zero: FHIR does not say which charge it takes back, and how much of it."""
    charge = item.resource
    amounts = [one.value for one in _prices(charge, is_unit=True)]
    quantity = charge.quantity.value if charge.quantity else None
    if any(one is not None and one < 0 for one in (*amounts, quantity)):
        detail = "a charge below zero takes something back, and nothing says what: leave both out"
        source.refuse(item, "negative", detail)


def _quantity(source: Source, item: Item[fhir.ChargeItem]) -> Decimal | None:
    """Return how many were charged; where that cannot be written, no other number takes its place."""
    given = item.resource.quantity
    quantity = source.quantity(given, item)
    if quantity is None and given is not None and given.value is not None and given.value >= 0:
        source.refuse(item, "not-an-amount", "the quantity charged is none that a claim can carry")
    return quantity


def _refuse_factor(source: Source, item: Item[fhir.ChargeItem]) -> None:
    """Refuse a factor: FHIR does not say whether it is of the price or a rate that the insurer knows."""
    factor = item.resource.factor_override
    if factor is not None and factor != 1:
        detail = "a factor (factorOverride) is not read: write the price that counts, or the service-percent"
        source.refuse(item, "factor", detail)


def _refuse_part(source: Source, item: Item[fhir.ChargeItem]) -> None:
    """Refuse a discount, tax or surcharge in the place of a price: the price is nowhere said."""
    components = (item.resource.unit_price_component, item.resource.total_price_component)
    if any(one and one.type and one.type not in _PRICES for one in components):
        detail = "a price component is no base price but a part of one, such as a discount: write the price"
        source.refuse(item, "no-base-price", detail)


def other_sources(extras: Extras) -> OtherSources:
    """Return what others pay for a row."""
    given = {name: value for name in _SOURCES if (value := extras.number(f"other_source_{name}")) is not None}
    return OtherSources(**given) if given else _NO_SOURCES


def _unit_price(source: Source, item: Item[fhir.ChargeItem], quantity: Decimal | None) -> Decimal | None:
    """Return the first of the prices of a charge; that a further one says otherwise is noted."""
    given = list(_prices(item.resource, is_unit=source.options.price_override is PriceOverride.UNIT))
    if not given:
        return None
    first = given[0]
    others = [one for one in given[1:] if not _agree(first, one, quantity)]
    if others:
        detail = f"{first.name} and {' and '.join(one.name for one in others)} differ; {first.name} counts"
        source.note(item.pointer, "prices-differ", detail)
    price = source.money(first.money, item, "price")
    if price is None or first.is_unit or quantity is None or quantity == 1:
        return price
    return source.amount(price / quantity, item, "price") if quantity else None


@dataclass(frozen=True, slots=True)
class _Price:
    """A price that stands in a charge: of one, or of all of the line."""

    name: str
    money: Money
    value: Decimal
    is_unit: bool


def _prices(charge: fhir.ChargeItem, *, is_unit: bool) -> Iterator[_Price]:
    """Yield the prices of a charge, that which counts most first."""
    unit, total = charge.unit_price_component, charge.total_price_component
    for name, money, is_of_one in (
        ("unitPriceComponent", unit and unit.amount, True),
        ("priceOverride", charge.price_override, is_unit),
        ("totalPriceComponent", total and total.amount, False),
    ):
        if money and money.value is not None:
            yield _Price(name, money, money.value, is_of_one)


def _agree(one: _Price, other: _Price, quantity: Decimal | None) -> bool:
    """Whether two prices are the same but for rounding; where that cannot be said, they are."""
    if one.is_unit == other.is_unit:
        return one.value == other.value
    if quantity is None:
        return True
    unit, total = (one, other) if one.is_unit else (other, one)
    return abs(unit.value * quantity - total.value) <= _ONE_DONG
