"""What the hospital charges for a row: quantity, price and what else stands on the line of its bill."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
from claims.emr.fhir.orders import Codes, codes_of
from claims.emr.fhir.source import Named, Source

_ZERO: Final = Decimal(0)
_ONE_DONG: Final = Decimal(1)
# What a price component may be, of all the types that FHIR has.
_PRICES: Final = frozenset({"base", "informational"})
_SOURCES: Final = ("nsnn", "vtnn", "vttn", "cl")
_NO_SOURCES: Final = OtherSources()

Charges = tuple[Item[fhir.ChargeItem], ...]


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
    named = tuple(keys)
    found = {item.key: item for key in named for item in charts.charged.get(key, ())}
    found = {key: item for key, item in found.items() if key not in charts.beside}
    for item in [item for item in found.values() if item.key in charts.priced]:
        detail = "a charge names what makes several rows; it counts for the first of them alone"
        charts.source.note(item.pointer, "charge-of-several", detail)
        del found[item.key]
    codes = codes_of(row) if found else frozenset()
    if unlike := [item for item in found.values() if codes.isdisjoint(codes_of(item))]:
        known = charts.source.contents.items
        codes = codes.union(*(codes_of(known[key]) for key in named if key in known))
        for item in (item for item in unlike if _is_of_other(charts.source, item, row, codes)):
            _put_beside(charts, item)
            del found[item.key]
    items = _of_one_code(charts, tuple(found.values()), row)
    charts.priced.update(item.key for item in items)
    return combine(charts.source, items, row, own=own)


def note_other_quantity(
    source: Source, row: Item[fhir.Resource], charged: Iterable[Charged], own: Decimal | None
) -> None:
    """Note that the bill counts otherwise than the resource that makes a row, which may be other units."""
    counted = [one.quantity for one in charged]
    if own is not None and None not in counted and sum(filter(None, counted), _ZERO) != own:
        detail = "the charge says another quantity than what it is for; the charge's counts"
        source.note(row.pointer, "quantity-differs", detail)


def share_out(charts: Charts, item: Item[fhir.Resource], parts: Sequence[Named]) -> list[str]:
    """Give each charge of a resource to the part of it that has its code; return the keys of the parts.

    What has the code of no part makes a row of its own.
    """
    keys = [f"{item.key}#{number}" for number in range(len(parts))]
    for charge in charts.charged.get(item.key, ()):
        codes = {code for _, code in codes_of(charge)}
        names = ({part.code, *(one.code for one in part.sources)} for part in parts)
        own = next((key for key, known in zip(keys, names, strict=True) if codes & known), None)
        if own is None:
            _put_beside(charts, charge)
        else:
            charts.charged[own].append(charge)
    return keys


def _put_beside(charts: Charts, charge: Item[fhir.ChargeItem]) -> None:
    charts.beside.add(charge.key)
    detail = "it has another code than what it names, or no quantity beside others; it makes a row"
    charts.source.note(charge.pointer, "charge-beside", detail)


def _is_of_other(
    source: Source, charge: Item[fhir.ChargeItem], row: Item[fhir.Resource], codes: Codes
) -> bool:
    """Say whether a charge is for something else than it names: by another national code, or by its product.

    So are materials and medicines that are charged with the procedure that used them.
    """
    national = source.options.national
    goods = {*national.drug, *national.supply}
    said = {one for one in codes_of(charge) if one[0] in goods.union(national.service)}
    own = {one for one in codes if one[0] in goods.union(national.service)}
    if said and own:
        return said.isdisjoint(own)
    is_goods = any(system in goods for system, _ in said) or _has_product(source, charge)
    return is_goods and isinstance(row.resource, (fhir.Procedure, fhir.ServiceRequest))


def _has_product(source: Source, item: Item[fhir.ChargeItem]) -> bool:
    """Say whether a charge is for a product that a national code or the input calls one."""
    charge, national = item.resource, source.options.national
    references = (charge.product_reference, *charge.product)
    if any(source.find_a(fhir.Medication, one, item) for one in references):
        return True
    concepts = (charge.product_codeable_concept, *(one.concept for one in charge.product))
    systems = {*national.drug, *national.supply}
    return any(coding.system in systems for one in concepts if one for coding in one.all_codings())


def _of_one_code(charts: Charts, items: Charges, row: Item[fhir.Resource]) -> Charges:
    """Return the charges of the row itself; others, such as of what was used for it, make rows beside it."""
    if len(items) < 2:  # noqa: PLR2004 - one charge is the row's own
        return items
    codes = codes_of(row)
    first = next((item for item in items if codes & codes_of(item)), items[0])
    alike = tuple(item for item in items if codes_of(item) == codes_of(first))
    # Without a quantity nothing can be added up.
    own = alike if all(_is_counted(item) for item in alike) else (first,)
    for item in items:
        if item not in own:
            _put_beside(charts, item)
    return own


def combine(
    source: Source,
    items: tuple[Item[fhir.ChargeItem], ...],
    row: Item[fhir.Resource],
    *,
    own: Decimal | None,
) -> tuple[Charged, ...]:
    """Add up the charges of a row by price, as a row has one."""
    if not items:
        return (Charged(read_extras(source, row, row.resource.extension)),)
    for item in items:
        _refuse_credit(source, item)
        _refuse_factor(source, item)
        _refuse_part(source, item)
    quantities = [_quantity(source, item) for item in items]
    alike: dict[Decimal | None, list[tuple[Item[fhir.ChargeItem], Decimal | None]]] = defaultdict(list)
    for item, quantity in zip(items, quantities, strict=True):
        alike[_unit_price(source, item, own if quantity is None else quantity)].append((item, quantity))
    return tuple(_added_up(source, row, price, charges) for price, charges in alike.items())


def _is_counted(item: Item[fhir.ChargeItem]) -> bool:
    return item.resource.quantity is not None and item.resource.quantity.value is not None


def _added_up(
    source: Source,
    row: Item[fhir.Resource],
    price: Decimal | None,
    charges: list[tuple[Item[fhir.ChargeItem], Decimal | None]],
) -> Charged:
    items = tuple(item for item, _ in charges)
    known = [quantity for _, quantity in charges if quantity is not None]
    unit = items[0].resource.quantity.counted_in() if items[0].resource.quantity else None
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
    charge = item.resource
    components = (charge.unit_price_component, charge.total_price_component)
    factors = (charge.factor_override, *(one.factor for one in components if one))
    if any(factor is not None and factor != 1 for factor in factors):
        detail = "a factor is not read: write the price that counts, or the service-percent"
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
    if price is not None and not first.is_unit and quantity is not None and quantity != 1:
        price = source.amount(price / quantity, item, "price") if quantity else None
    if price is None and first.value >= 0 and source.is_dong(first.money):
        detail = "no claim can carry the price of one: write a unit price of at most three decimals"
        source.refuse(item, "no-unit-price", detail)
    return price


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
