"""What the hospital charges for a row: quantity, price and what else stands on the line of its bill."""

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
_SOURCES: Final = ("nsnn", "vtnn", "vttn", "cl")
_NO_SOURCES: Final = OtherSources()


@dataclass(frozen=True, slots=True)
class Charged:
    """What the bill says of a row.

    Attributes:
        extras: Fields that stand in extensions of the charges, then of the resource that makes the row.
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


def find_charges(charts: Charts, keys: Iterable[str], row: Item[fhir.Resource]) -> Charged:
    """Return what is charged for a row, whichever of its resources the charges name."""
    found = {item.key: item for key in keys for item in charts.charged.get(key, ())}
    return combine(charts.source, tuple(found.values()), row)


def combine(source: Source, items: tuple[Item[fhir.ChargeItem], ...], row: Item[fhir.Resource]) -> Charged:
    """Add up the charges of a row; several of different price cannot be one row, and are noted."""
    if not items:
        return Charged(read_extras(source, row, row.resource.extension))
    quantities = [source.quantity(item.resource.quantity, item) for item in items]
    prices = [_unit_price(source, item, quantity) for item, quantity in zip(items, quantities, strict=True)]
    if len(set(prices)) > 1:
        source.note(
            row.pointer, "several-prices", "charges of different price name one resource; the first counts"
        )
        items, quantities, prices = items[:1], quantities[:1], prices[:1]
    known = [quantity for quantity in quantities if quantity is not None]
    unit = items[0].resource.quantity.unit if items[0].resource.quantity else None
    extras = read_extras(source, row, *(item.resource.extension for item in items), row.resource.extension)
    return Charged(extras, sum(known, _ZERO) if known else None, prices[0], unit, items)


def other_sources(extras: Extras) -> OtherSources:
    """Return what others pay for a row."""
    given = {name: value for name in _SOURCES if (value := extras.number(f"other_source_{name}")) is not None}
    return OtherSources(**given) if given else _NO_SOURCES


def _unit_price(source: Source, item: Item[fhir.ChargeItem], quantity: Decimal | None) -> Decimal | None:
    charge = item.resource
    if charge.unit_price_component and charge.unit_price_component.amount:
        return source.money(charge.unit_price_component.amount, item, "price")
    is_unit = source.options.price_override is PriceOverride.UNIT
    for total in _totals(charge):
        price = source.money(total, item, "price")
        if price is None or is_unit or quantity is None or quantity == 1:
            return price
        return source.amount(price / quantity, item, "price") if quantity else None
    return None


def _totals(charge: fhir.ChargeItem) -> Iterator[Money]:
    component = charge.total_price_component
    for money in (charge.price_override, component.amount if component else None):
        if money and money.value is not None:
            yield money
