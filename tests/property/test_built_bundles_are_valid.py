"""What is built of any synthetic encounter follows our own schemas and adds up, under every Decision."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from claims.building.build import Built, build_bundle
from claims.bundle.findings import Severity
from claims.bundle.kinds import TableKind
from claims.checking.check import check_bundle
from claims.emr.encounter import read_encounter
from claims.emr.scalars import VIETNAM
from claims.emr.synthetic import Mix, generate_encounters
from xsd.catalog import default_catalog, find_schema

FACILITIES: Final = ("79001", "01002", "48010", "92003")
NOTHING: Final = dict.fromkeys(asdict(Mix()), 0.0)
# Long stays take a second each and have nothing that other stays lack.
MIXES: Final = [Mix(**{**NOTHING, kind: 1}) for kind in NOTHING if kind != "long_stay"]
# Decision 130 and 4750; 3176 with the cases of old, with the new ones, and as amended in 2026.
DAYS: Final = st.one_of(
    st.dates(date(2023, 2, 15), date(2024, 6, 30)),
    st.dates(date(2024, 7, 1), date(2024, 12, 31)),
    st.dates(date(2025, 1, 1), date(2025, 6, 30)),
    st.dates(date(2025, 7, 1), date(2026, 6, 30)),
    st.dates(date(2026, 7, 1), date(2027, 3, 31)),
)
#: One day under each.
SAMPLE_DAYS: Final = (
    date(2023, 8, 1),
    date(2024, 10, 1),
    date(2025, 2, 1),
    date(2026, 6, 20),
    date(2026, 11, 20),
)
ROWS_WITH_NUMBERS: Final = ("XML2", "XML3", "XML4", "XML5", "XML15")


def build_one(*, seed: int, facility: str, on: date, mix: Mix) -> Built:
    documents = generate_encounters(seed=seed, count=1, facilities=[facility], on=on, mix=mix)
    return build_bundle([read_encounter(document) for document in documents], made_on=on)


@st.composite
def built(draw: st.DrawFn) -> Built:
    return build_one(
        seed=draw(st.integers(0, 10**9)),
        facility=draw(st.sampled_from(FACILITIES)),
        on=draw(DAYS),
        mix=draw(st.sampled_from(MIXES)),
    )


def tables(bundle: bytes) -> Iterator[tuple[str, etree._Element]]:
    for file in etree.fromstring(bundle).iter("FILEHOSO"):
        content = pybase64.b64decode(str(file.findtext("NOIDUNGFILE")))
        yield str(file.findtext("LOAIHOSO")), etree.fromstring(content)


def discharged_on(made: Built) -> date:
    return date.fromisoformat(made.claims[0].tables[TableKind.XML1][0].fields["NGAY_RA"][:8])


@settings(max_examples=100, deadline=None)
@given(built())
def test_every_table_follows_its_schema(made: Built) -> None:
    for kind, root in tables(made.bundle):
        assert find_schema(kind, on=discharged_on(made)).find_faults(root) == ()


@settings(max_examples=80, deadline=None)
@given(built())
def test_a_built_bundle_is_acceptable_and_gives_no_warning(made: Built) -> None:
    evening = datetime.combine(discharged_on(made), time(23, 59), VIETNAM)

    report = check_bundle(made.bundle, at=evening)

    assert report.is_acceptable
    assert [one.code for one in report.findings if one.severity is not Severity.INFO] == []


@settings(max_examples=60, deadline=None)
@given(built())
def test_a_synthetic_hospital_leaves_nothing_to_warn_of(made: Built) -> None:
    assert [finding for finding in made.findings if finding.severity is not Severity.INFO] == []


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


@settings(max_examples=40, deadline=None)
@given(built())
def test_rows_are_numbered_from_one_and_name_their_source(made: Built) -> None:
    for kind, rows in made.claims[0].tables.items():
        if kind in ROWS_WITH_NUMBERS:
            numbers = [row.fields["STT"] for row in rows]
            assert numbers == [str(number) for number in range(1, len(rows) + 1)]
        assert len({row.source for row in rows}) == len(rows)
        assert {row.fields["MA_LK"] for row in rows} == {made.claims[0].ma_lk}


@pytest.mark.parametrize("on", SAMPLE_DAYS, ids=str)
def test_the_generator_reaches_every_table_that_the_decision_has(on: date) -> None:
    reached = {
        kind
        for mix in MIXES
        for seed in range(12)
        for kind in build_one(seed=seed, facility="79001", on=on, mix=mix).claims[0].tables
    }

    assert reached == {kind for kind in TableKind if kind.travels_in_bundle and has_table(kind, on)}


def has_table(kind: TableKind, on: date) -> bool:
    return any(kind in edition.tables for edition in [default_catalog().find_edition(on)] if edition)
