"""What the builder writes for any synthetic encounter follows our own schemas and adds up."""

from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

import pybase64
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from claims.building.build import Built, build_bundle
from claims.bundle.kinds import TableKind
from claims.checking.check import check_bundle
from claims.emr.encounter import read_encounter
from claims.emr.scalars import VIETNAM
from claims.emr.synthetic import Mix, generate_encounters
from xsd.catalog import find_schema

FACILITIES: Final = ("79001", "01002", "48010", "92003")
DAYS: Final = st.dates(date(2025, 1, 10), date(2027, 3, 31))
MIXES: Final = st.sampled_from(
    [
        Mix(),
        Mix(outpatient=0, outpatient_with_tests=0, day=0, inpatient=1),
        Mix(outpatient=0, outpatient_with_tests=0, day=1, inpatient=0),
    ]
)


@st.composite
def built(draw: st.DrawFn) -> Built:
    on = draw(DAYS)
    documents = generate_encounters(
        seed=draw(st.integers(0, 10**9)),
        count=1,
        facilities=[draw(st.sampled_from(FACILITIES))],
        on=on,
        mix=draw(MIXES),
    )
    return build_bundle([read_encounter(document) for document in documents], made_on=on)


def tables(bundle: bytes) -> Iterator[tuple[str, etree._Element]]:
    for file in etree.fromstring(bundle).iter("FILEHOSO"):
        content = pybase64.b64decode(str(file.findtext("NOIDUNGFILE")))
        yield str(file.findtext("LOAIHOSO")), etree.fromstring(content)


def discharged_on(made: Built) -> date:
    return date.fromisoformat(made.claims[0].tables[TableKind.XML1][0].fields["NGAY_RA"][:8])


@settings(max_examples=60, deadline=None)
@given(built())
def test_every_table_follows_its_schema(made: Built) -> None:
    for kind, root in tables(made.bundle):
        assert find_schema(kind, on=discharged_on(made)).find_faults(root) == ()


@settings(max_examples=40, deadline=None)
@given(built())
def test_a_built_bundle_is_acceptable_and_nothing_is_found_in_it(made: Built) -> None:
    evening = datetime.combine(discharged_on(made), time(23, 59), VIETNAM)

    report = check_bundle(made.bundle, at=evening)

    assert report.is_acceptable
    assert report.findings == ()


@settings(max_examples=60, deadline=None)
@given(built())
def test_every_row_and_every_total_adds_up(made: Built) -> None:
    (claim,) = made.claims
    rows = [row.fields for kind in (TableKind.XML2, TableKind.XML3) for row in claim.tables.get(kind, ())]
    summary = claim.tables[TableKind.XML1][0].fields

    for row in (*rows, summary):
        whole = row.get("THANH_TIEN_BV", row.get("T_TONGCHI_BV", ""))
        parts = ("T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC")
        assert sum(Decimal(row[part]) for part in parts) == Decimal(whole)
        assert all(Decimal(row[part]) >= 0 for part in parts)
    for total in ("T_BNTT", "T_BNCCT", "T_BHTT", "T_NGUONKHAC"):
        assert Decimal(summary[total]) == sum(Decimal(row[total]) for row in rows)


@settings(max_examples=30, deadline=None)
@given(built())
def test_rows_are_numbered_from_one_and_name_their_source(made: Built) -> None:
    for rows in made.claims[0].tables.values():
        assert [row.fields["STT"] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]
        assert len({row.source for row in rows}) == len(rows)
