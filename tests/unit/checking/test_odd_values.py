"""Whatever stands in a field, the check ends with a report."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from claims.bundle.kinds import TableKind
from claims.checking.check import CheckTerms, check_bundle
from claims.checking.samples import load_sample, sample_names
from claims.checking.samples.checked import findings_of
from claims.checking.samples.surroundings import sample_catalogue, sample_more
from claims.checking.shapes import MOST_ROWS
from tests.unit.checking.bundles import a_file, a_table, an_envelope

AT = datetime(2026, 9, 20, 3, tzinfo=UTC)
ODD = ("999912312359", "000101010000", "-1", "999999999999999.999", ";;;", "10*1* viên/lần")


def _tables() -> Iterator[tuple[str, TableKind]]:
    """Each table in the shortest sample that has it."""
    seen: set[TableKind] = set()
    for name in sorted(sample_names(), key=lambda name: len(load_sample(name).write())):
        kinds = set(load_sample(name).tables)
        yield from ((name, kind) for kind in sorted(kinds - seen))
        seen |= kinds


@pytest.mark.slow  # together
@pytest.mark.parametrize(("name", "kind"), list(_tables()))
def test_an_odd_value_in_any_field_is_a_finding_or_nothing(name: str, kind: TableKind) -> None:
    terms = CheckTerms(catalogue=sample_catalogue(), more=sample_more())

    for field in load_sample(name).tables[kind][0]:
        for odd in ODD:
            claim = load_sample(name, [f"{kind}[*].{field} = {odd}"])
            assert check_bundle(claim.write(), at=AT, terms=terms).stages, (field, odd)


@pytest.mark.parametrize(("rows", "is_refused"), [(MOST_ROWS, False), (MOST_ROWS + 1, True)])
def test_a_table_with_more_rows_than_anybody_has_is_refused_and_the_others_are_checked(
    rows: int, *, is_refused: bool
) -> None:
    whole = a_table(TableKind.XML3).decode()
    (row,) = re.findall("<CHI_TIET_DVKT>.*</CHI_TIET_DVKT>", whole, re.DOTALL)
    table = whole.replace(row, "<CHI_TIET_DVKT/>" * rows).encode()

    report = check_bundle(an_envelope(a_file("XML3", table)), at=AT)

    assert ("ENV.TOO_COMPLEX" in {finding.code for finding in report.findings}) is is_refused
    assert report.claims[0].tables == ({"XML1": 1} if is_refused else {"XML1": 1, "XML3": rows})


@pytest.mark.parametrize(
    ("sample", "changes", "blocking"),
    [
        pytest.param("leave", ["XML1.T_BNTT = 500"], {"SUM.BALANCE"}, id="a-part-that-only-warns"),
        pytest.param("leave", ["XML1.T_BHTT = 1054919"], {"SUM.BALANCE"}, id="a-million-more-of-the-fund"),
        pytest.param(
            "surgery", ["XML1.T_BNCCT = 0", "XML1.T_BNTT = 1024449"],
            {"CARD.BENEFIT_80", "SUM.MONTHLY_REPORT"}, id="co-payment-as-own-payment",
        ),
        pytest.param("leave", ["XML1.T_BHTT = -54919"], {"XML1.T_BHTT.format"}, id="below-zero-is-said-once"),
        pytest.param(
            "leave", ["XML1.MA_NOI_DI = 1001", "XML1.GIAY_CHUYEN_TUYEN = 1/GCT"],
            {"XML1.MA_NOI_DI.leading_zero"}, id="a-facility-of-Ha-Noi-without-its-zero",
        ),
        pytest.param("leave", ["XML1.GT_THE_DEN ="], set(), id="a-card-without-an-end"),
    ],
)  # fmt: skip
def test_what_only_warns_hides_nothing_that_blocks(
    sample: str, changes: list[str], blocking: set[str]
) -> None:
    assert {one.code for one in findings_of(load_sample(sample, changes)) if one.is_blocking} == blocking


@pytest.mark.parametrize("card", ["HS", "TE", "DN"])
@pytest.mark.parametrize("born", ["1980", "198005", "1980051", "1980²²²²0000", "１９８００５０１００００"])
def test_half_a_day_of_birth_is_a_finding_and_no_failure(card: str, born: str) -> None:
    changes = [f"XML1.MA_THE_BHYT = {card}4797925123456", f"XML1.NGAY_SINH = {born}", "XML1.SO_CCCD ="]

    codes = {finding.code for finding in findings_of(load_sample("outpatient", changes))}

    assert "XML1.NGAY_SINH.format" in codes


def test_a_blank_is_neither_a_code_nor_a_supply() -> None:
    sample = load_sample("outpatient", ())
    for row in sample.tables[TableKind.XML3]:
        row |= {"PP_VO_CAM": " ", "MA_VAT_TU": " "}

    report = check_bundle(sample.write(), at=datetime(2026, 9, 15, tzinfo=UTC))

    codes = {one.code for one in report.findings}
    assert "XML3.PP_VO_CAM.format" in codes
    assert codes & {"XML3.PP_VO_CAM.code", "XML3.SUPPLY_SERVICE_DAY"} == set()
