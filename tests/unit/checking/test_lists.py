"""Lines that were found to be as the list has them are remembered, for that list and that day alone."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest

from claims.bundle.kinds import TableKind
from claims.catalogues.catalogue import Catalogue, Table
from claims.catalogues.items import DrugItem, Kind
from claims.checking.check import CheckTerms, check_bundle
from claims.checking.rules import lists
from claims.checking.samples import load_sample
from claims.checking.samples.surroundings import sample_catalogue
from claims.checking.tables import Row
from xsd.catalog import find_schema

_BUNDLE = load_sample("outpatient").write()


def codes(catalogue: Catalogue, *changes: str) -> set[str]:
    data = load_sample("outpatient", changes).write() if changes else _BUNDLE
    report = check_bundle(
        data, at=datetime(2026, 9, 20, 3, tzinfo=UTC), terms=CheckTerms(catalogue=catalogue)
    )
    return {one.code for one in report.findings}


def with_drugs(*, price: Decimal, until: date | None = None, left: Decimal | None = None) -> Catalogue:
    catalogue = sample_catalogue()
    drugs = (
        replace(one, price=price, valid_to=until, left=left)
        for one in catalogue.tables[Kind.DRUG].entries
        if isinstance(one, DrugItem)
    )
    tables = {**catalogue.tables, Kind.DRUG: Table(drugs)}
    return replace(catalogue, tables=MappingProxyType(tables))


def test_what_one_list_has_another_need_not_have() -> None:
    cheap, dear = with_drugs(price=Decimal(1)), with_drugs(price=Decimal(10_000_000))

    found = ["XML2.PRICE" in codes(one) for one in (dear, cheap, dear, cheap)]

    assert found == [False, True, False, True]


def test_what_the_list_has_on_one_day_it_need_not_have_on_another() -> None:
    ends = with_drugs(price=Decimal(10_000_000), until=date(2026, 9, 14))
    later = "XML2[*].NGAY_YL = 202609150900"

    found = ["XML2.CATALOGUE_EXPIRED" in codes(ends, *change) for change in ((), (later,), ())]

    assert found == [False, True, False]


def test_that_nothing_is_left_is_something_that_a_list_says() -> None:
    nothing, unsaid = (with_drugs(price=Decimal(10_000_000), left=left) for left in (Decimal(0), None))

    found = ["XML2.PURCHASED_QTY" in codes(one) for one in (nothing, unsaid)]

    assert found == [True, False]


def test_every_row_of_a_kind_is_named_though_they_are_judged_once() -> None:
    data = load_sample("outpatient", ["XML2 + 2"]).write()
    terms = CheckTerms(catalogue=with_drugs(price=Decimal(1)))

    report = check_bundle(data, at=datetime(2026, 9, 20, 3, tzinfo=UTC), terms=terms)

    dear = [one.location.row for one in report.findings if one.code == "XML2.PRICE"]
    rows = len(load_sample("outpatient", ["XML2 + 2"]).tables[TableKind.XML2])
    assert dear == list(range(1, rows + 1))


@pytest.mark.parametrize("table", [TableKind.XML2, TableKind.XML3])
def test_rules_of_lines_read_nothing_but_what_lines_are_compared_by(table: TableKind) -> None:
    asked: set[str] = set()

    class Asked(Row):
        def __getitem__(self, field: str) -> str:
            asked.add(field)
            return "1"

    for (of, kind, field), judge in lists._judges:
        if of is table:
            for price in (None, Decimal(1), Decimal(0)):
                drug = DrugItem(code="1", name="1", strength="1", route="1", price=price)
                catalogue = Catalogue(tables=MappingProxyType({kind: Table([drug, drug])}))
                for held in (catalogue, Catalogue()):
                    judge(lists._Line(Asked(table, 1, None, {}), held, kind, field, date(2026, 9, 14)))

    schema = find_schema(table, on=date(2026, 9, 14))
    assert asked & schema.field_by_name.keys() == set(lists._READ[table])
