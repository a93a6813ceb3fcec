"""What an item leaves out, taken from the row of the facility's list that it leads to.

Of several rows in force those count that agree with what the item itself says: registration and tender must
agree, the rest decides where it can. What the remaining rows say differently is a gap.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from claims.building.errors import Reason
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.servicecodes import is_done_elsewhere, plain_service_code
from claims.catalogues.catalogue import file_of
from claims.catalogues.items import CardAnswer, DrugItem, Entry, Kind, LabIndexItem, ServiceItem, SupplyItem
from claims.emr.encounter import Supply
from claims.emr.scalars import plain

Item = TypeVar("Item")
Value = str | Decimal | None
_Read = Callable[[Any], Value]

_UNIT: Final = "unit"


@dataclass(frozen=True, slots=True)
class Lookup:
    """One value that a catalogue gave: where it went, what was asked, and which row answered.

    Attributes:
        pointer: The value's place in the encounter, such as ``/medications/3/price``.
        field: Its last part: ``price``.
        source: What was asked: ``system|code``, or the national code.
        file: The catalogue's file, with the sheet of a workbook after ``#``.
        row: The row in that file, from 1, the header counted.
        value: What was found, as text.
    """

    pointer: str
    field: str
    source: str
    file: str
    row: int
    value: str


@dataclass(slots=True)
class Filled(Generic[Item]):
    """An item with what the list gave, and what it could not give."""

    item: Item
    gaps: Sequence[Reason] = ()
    remarks: Sequence[Reason] = ()
    lookups: Sequence[Lookup] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How items of a kind are completed from their list.

    Attributes:
        kind: The kind of list.
        key: The item's attribute that holds the code of the list.
        entry: The value that its rows are.
        values: What is filled, by the item's attribute (dotted where it lies deeper).
        must_agree: Attributes by which rows are other goods: one that contradicts the item does not count.
        may_decide: Attributes that choose among several rows, if they match any.
        prices: Attributes whose difference from the list is worth a remark.
        per_unit: Attributes that are of one unit of the list: nothing is taken for another unit.
        is_binding: Whether it matters that the list lacks an item, or that the portal has not approved it.
    """

    kind: Kind
    entry: type[Entry]
    key: str = "code"
    values: Mapping[str, _Read]
    must_agree: tuple[str, ...] = ()
    may_decide: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    per_unit: tuple[str, ...] = ()
    is_binding: bool = True

    def plain_code(self, code: str) -> str:
        """Return a code without the mark of a service that was begun and not performed."""
        return plain_service_code(code) if self.kind is Kind.SERVICE else code

    def fill(self, item: Item, rows: Sequence[Entry], *, pointer: str, code: str, day: date) -> Filled[Item]:
        """Complete an item from the rows that are in force on its day."""
        is_outside_scope = getattr(item, "scope", None) == PATIENT_PAYS
        says_more = self.is_binding and not is_outside_scope and not is_done_elsewhere(code)
        about = _About(self, pointer, code, day)
        if not rows:
            return Filled(item, remarks=[about.not_in_list()] if says_more else [])
        gaps = [about.not_approved(rows)] if says_more and not any(row.approved for row in rows) else []
        agreeing = self._agreeing(item, rows)
        if not agreeing:
            return Filled(item, gaps, [about.other_goods(rows)])
        values = {path: read for path, read in self.values.items() if _is_wanted(path, is_outside_scope)}
        others: list[Reason] = []
        if self.is_of_other_unit(item, agreeing):
            others = list(
                about.other_unit(item, agreeing, [path for path in self.per_unit if path in values])
            )
            values = {path: read for path, read in values.items() if path not in self.per_unit}
            gaps = [*gaps, *(one for one in others if one.is_gap)]
        filled: Filled[Item] = about.complete(item, agreeing, values)
        is_performed = self.plain_code(code) == code
        others = [*(one for one in others if not one.is_gap), *about.other_prices(item, agreeing)]
        remarks = others if says_more and is_performed else []
        return Filled(filled.item, [*gaps, *filled.gaps], remarks, filled.lookups)

    def is_of_other_unit(self, item: object, rows: Sequence[Entry]) -> bool:
        """Say whether an item counts in a unit that no row of the list has."""
        return bool(self.per_unit) and not any(self._agrees(item, _UNIT, row, or_silent=True) for row in rows)

    def _agreeing(self, item: object, rows: Sequence[Entry]) -> Sequence[Entry]:
        for path in self.must_agree:
            rows = [row for row in rows if self._agrees(item, path, row, or_silent=True)]
        for path in (*self.may_decide, *self.prices):
            if _get(item, path) not in {None, ""}:
                rows = [row for row in rows if self._agrees(item, path, row, or_silent=False)] or rows
        return rows

    def _agrees(self, item: object, path: str, row: Entry, *, or_silent: bool) -> bool:
        given, listed = _get(item, path), self.values[path](row)
        if or_silent and (given in {None, ""} or listed in {None, ""}):
            return True
        return _alike(given) == _alike(listed)


@dataclass(frozen=True, slots=True)
class _About:
    """What there is to say about one item."""

    filling: Filling
    pointer: str
    code: str
    day: date

    def complete(self, item: Item, rows: Sequence[Entry], values: Mapping[str, _Read]) -> Filled[Item]:
        """Take what the item leaves out and all rows agree on."""
        gaps: list[Reason] = []
        lookups: list[Lookup] = []
        for path, read in values.items():
            if _get(item, path) not in {None, ""}:
                continue
            known = {value: row for row in reversed(rows) if (value := read(row)) not in {None, ""}}
            if len(known) > 1:
                gaps.append(self._several(path, known.values()))
            for value, row in known.items() if len(known) == 1 else ():
                item = _set(item, path, value)
                lookups.append(self._lookup(path, value, row))
        return Filled(item, gaps, (), lookups)

    def other_prices(self, item: object, rows: Sequence[Entry]) -> Iterator[Reason]:
        """Say which given prices no row has."""
        for path in self.filling.prices:
            given, listed = _get(item, path), [self.filling.values[path](row) for row in rows]
            known = [value for value in listed if value not in {None, ""}]
            if given is None or not known or given in known:
                continue
            detail = f"the price {_text(given)} differs from the facility's list, {_text(known[0])}"
            facts = {"given": _text(given), "listed": _text(known[0]), "row": _place(rows[0])}
            yield self._reason("price-differs", detail, path, facts)

    def other_unit(self, item: object, rows: Sequence[Entry], paths: Sequence[str]) -> Iterator[Reason]:
        """Say that the list is of another unit: a gap of each value that is lacking for it, else a remark."""
        unit, file = _get(item, _UNIT), file_of(Kind.UNIT)
        listed = _text(self.filling.values[_UNIT](rows[0]))
        detail = f"the unit {unit} is not the list's, {listed} ({_place(rows[0])}); {file} may map it"
        facts = (("code", unit), ("listed", listed), ("row", _place(rows[0])), ("file", file))
        empty = {None, ""}
        lacking = [
            path
            for path in paths
            if _get(item, path) in empty and self.filling.values[path](rows[0]) not in empty
        ]
        for path in lacking or (_UNIT,):
            yield Reason(self._pointer(path), "unit-differs", detail, is_gap=bool(lacking), params=facts)

    def not_in_list(self) -> Reason:
        """Say that the facility's list does not have the item on its day."""
        file = file_of(self.filling.kind)
        detail = f"{self.code} is not in the facility's list {file} on {self.day.isoformat()}"
        return self._reason("not-in-list", detail, "code", {"file": file, "on": self.day.isoformat()})

    def not_approved(self, rows: Sequence[Entry]) -> Reason:
        """Say that the portal has not approved the item."""
        detail = f"{self.code} is in the facility's list ({_place(rows[0])}), but not approved by the portal"
        return self._reason("not-approved", detail, "code", {"row": _place(rows[0])}, is_gap=True)

    def other_goods(self, rows: Sequence[Entry]) -> Reason:
        """Say that the list has the code for other goods only."""
        detail = f"the list has {self.code} only with another {' or '.join(self.filling.must_agree)}"
        return self._reason("other-goods-in-list", detail, "code", {"row": _place(rows[0])})

    def _several(self, path: str, rows: Iterable[Entry]) -> Reason:
        places = ", ".join(sorted(_place(row) for row in rows))
        detail = f"several rows for {self.code} are in force on {self.day.isoformat()} and differ: {places}"
        return self._reason("several-in-list", detail, path, {"rows": places}, is_gap=True)

    def _reason(
        self, code: str, detail: str, path: str, facts: Mapping[str, str], *, is_gap: bool = False
    ) -> Reason:
        params = (("code", self.code), *facts.items())
        return Reason(self._pointer(path), code, detail, is_gap=is_gap, params=params)

    def _lookup(self, path: str, value: Value, row: Entry) -> Lookup:
        name = path.rpartition(".")[2]
        return Lookup(self._pointer(path), name, self.code, row.file, row.row, _text(value))

    def _pointer(self, path: str) -> str:
        return f"{self.pointer}/{path.replace('.', '/')}"


def _is_wanted(path: str, is_outside_scope: bool) -> bool:  # noqa: FBT001 - a fact about the item, no switch
    # What the patient pays alone has no price that the insurance pays.
    return not (is_outside_scope and path == "insured_price")


def _get(item: object, path: str) -> Any:  # noqa: ANN401 - texts, decimals, and what holds them
    for name in path.split("."):
        item = getattr(item, name, None)
    return item


def _set(item: Item, path: str, value: object) -> Item:
    name, _, rest = path.partition(".")
    if rest:
        value = replace(getattr(item, name) or Supply(), **{rest: value})
    return replace(item, **{name: value})  # type: ignore[type-var]  # every item of an encounter is a dataclass


def _alike(value: Value) -> Value:
    """Return a value as it is compared: without blanks and case, which lists and EMRs write as they like."""
    return "".join(value.split()).casefold() if isinstance(value, str) else value


def _text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def _place(row: Entry) -> str:
    return f"{row.file}:{row.row}"


def _digits(day: date | None) -> str:
    return "" if day is None else f"{day:%Y%m%d}"


def _price(item: ServiceItem, own: Decimal | None) -> Decimal | None:
    return item.price if own is None else own


DRUG: Final = Filling(
    kind=Kind.DRUG,
    entry=DrugItem,
    values={
        "registration": lambda row: row.registration,
        "tender": lambda row: row.tender,
        "name": lambda row: row.name,
        "unit": lambda row: row.unit,
        "strength": lambda row: row.strength,
        "form": lambda row: row.form,
        "route": lambda row: row.route,
        "group": lambda row: row.group,
        "price": lambda row: row.price,
        "pay_percent": lambda row: row.pay_percent,
    },
    must_agree=("registration", "tender"),
    may_decide=("strength", "form", "route", "name", "unit"),
    prices=("price",),
    per_unit=("price",),
)
SERVICE: Final = Filling(
    kind=Kind.SERVICE,
    entry=ServiceItem,
    values={
        "name": lambda row: row.name,
        "unit": lambda row: row.unit,
        "group": lambda row: row.group,
        "hospital_price": lambda row: _price(row, row.hospital_price),
        "insured_price": lambda row: _price(row, row.insured_price),
        "pay_percent": lambda row: row.pay_percent,
    },
    may_decide=("name",),
    prices=("hospital_price", "insured_price"),
    per_unit=("hospital_price", "insured_price"),
)
SUPPLY: Final = Filling(
    kind=Kind.SUPPLY,
    entry=SupplyItem,
    values={
        "supply.tender": lambda row: row.tender,
        "supply.model": lambda row: row.model,
        "name": lambda row: row.name,
        "unit": lambda row: row.unit,
        "group": lambda row: row.group,
        "hospital_price": lambda row: row.price,
        "insured_price": lambda row: row.insured_price,
        "ceiling": lambda row: row.ceiling,
        "pay_percent": lambda row: row.pay_percent,
    },
    must_agree=("supply.tender", "supply.model"),
    may_decide=("name", "unit"),
    prices=("hospital_price",),
    per_unit=("hospital_price", "insured_price", "ceiling"),
)
LAB_INDEX: Final = Filling(
    kind=Kind.LAB_INDEX,
    entry=LabIndexItem,
    key="index",
    values={"name": lambda row: row.name},
    is_binding=False,
)
CARD: Final = Filling(
    kind=Kind.CARD,
    entry=CardAnswer,
    key="card",
    values={
        "registered_at": lambda row: row.registered_at,
        "valid_from": lambda row: _digits(row.valid_from),
        "valid_to": lambda row: _digits(row.valid_to),
        "percent": lambda row: row.percent,
        "area": lambda row: row.area,
        "five_years_from": lambda row: _digits(row.five_years_from),
        "copay_exempt_from": lambda row: _digits(row.copay_exempt_from),
    },
    must_agree=("valid_from",),
    is_binding=False,
)
