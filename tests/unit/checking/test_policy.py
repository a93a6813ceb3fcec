"""An installation changes how grave findings are, and says who decided it, when and why."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from claims.bundle.findings import Finding, Severity
from claims.bundle.kinds import TableKind
from claims.checking.check import CheckTerms, Report, check_bundle
from claims.checking.policy import Change, CheckPolicy
from claims.checking.policy_file import UnreadablePolicy, load_policy
from signing.canonical import Limits
from tests.unit.checking.bundles import AT, FACILITY, RULES, a_bundle, a_claim, an_envelope, codes, rows_of

TODAY = date(2025, 8, 2)
GOOD = """
name = "thu"

[groups]
nhom = ["79024", "79025"]

[[change]]
rules = ["ALL.DT12"]
severity = "warning"
facilities = ["nhom"]
from = 2025-01-01
until = 2025-12-31
by = "Trưởng phòng"
on = 2024-12-20
why = "Phần mềm đang được sửa"
"""


def a_change(severity: Severity | None, *rules: str, **facts: object) -> Change:
    return Change(rules=rules, severity=severity, by="A", on=TODAY, why="B", **facts)  # type: ignore[arg-type]


def checked(data: bytes, *changes: Change) -> Report:
    return check_bundle(data, at=AT, terms=CheckTerms(policy=CheckPolicy(changes=changes), rules=RULES))


def severities(report: Report) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity.value) for finding in report.findings]


IMPOSSIBLE_DAY = a_bundle(
    {**a_claim(), TableKind.XML2: rows_of(TableKind.XML2, 1, NGAY_YL="202502310800")},
)


def test_a_change_weighs_what_is_found_and_decides_on_the_stage() -> None:
    report = checked(IMPOSSIBLE_DAY, a_change(Severity.WARNING, "ALL.DT12"))

    assert severities(report) == [("ALL.DT12", "warning")]
    assert report.is_acceptable
    assert {stage.outcome.value for stage in report.stages} == {"passed", "skipped"}


def test_what_is_switched_off_is_not_found() -> None:
    report = checked(IMPOSSIBLE_DAY, a_change(None, "ALL.*"))

    assert report.findings == ()


def test_a_rule_can_be_made_graver_than_its_source_has_it() -> None:
    report = checked(an_envelope(count="2"), a_change(Severity.CRITICAL, "ENV.COUNT"))

    assert severities(report) == [("ENV.COUNT", "critical")]


def test_families_are_changed_by_pattern() -> None:
    data = a_bundle(a_claim(GIOI_TINH="9"))

    assert severities(checked(data)) == [("XML1.GIOI_TINH.code", "warning")]
    assert severities(checked(data, a_change(Severity.ERROR, "*.code"))) == [("XML1.GIOI_TINH.code", "error")]


def test_a_later_change_takes_the_place_of_an_earlier_one() -> None:
    changes = a_change(Severity.INFO, "ALL.*"), a_change(Severity.CRITICAL, "ALL.DT12")

    assert severities(checked(IMPOSSIBLE_DAY, *changes)) == [("ALL.DT12", "critical")]


@pytest.mark.parametrize(
    ("facts", "holds"),
    [
        pytest.param({"facilities": frozenset({FACILITY})}, True, id="its-facility"),
        pytest.param({"facilities": frozenset({"01001"})}, False, id="another-facility"),
        pytest.param({"first_day": TODAY, "last_day": TODAY}, True, id="on-its-day"),
        pytest.param({"first_day": TODAY + timedelta(days=1)}, False, id="before-its-time"),
        pytest.param({"last_day": TODAY - timedelta(days=1)}, False, id="after-its-time"),
    ],
)
def test_a_change_holds_for_its_facilities_and_days_of_receipt(
    facts: dict[str, object], *, holds: bool
) -> None:
    report = checked(IMPOSSIBLE_DAY, a_change(Severity.INFO, "ALL.DT12", **facts))

    assert severities(report) == [("ALL.DT12", "info" if holds else "error")]


@pytest.mark.parametrize(
    "code", ["SIGNATURE.DIGEST_MISMATCH", "CERTIFICATE.REVOKED", "ENV.SIGNED", "ENV.DOCTYPE"]
)
def test_no_policy_touches_signatures_or_what_cannot_be_read(code: str) -> None:
    weights = CheckPolicy(changes=(a_change(None, "*"),)).weights(FACILITY, TODAY)

    assert weights.weigh(Finding(code, Severity.CRITICAL)) == Finding(code, Severity.CRITICAL)


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(GOOD, "utf-8")

    policy = load_policy(tmp_path / "p.toml", limits=Limits(max_bytes=5))

    (change,) = policy.changes
    assert (policy.name, policy.limits.max_bytes, len(policy.sha256)) == ("thu", 5, 64)
    assert change.facilities == {"79024", "79025"}
    assert (change.by, change.on, change.why) == (
        "Trưởng phòng",
        date(2024, 12, 20),
        "Phần mềm đang được sửa",
    )
    assert change.is_for("79024", date(2025, 12, 31))
    assert not change.is_for("79024", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        pytest.param('by = "Trưởng phòng"\n', "", "change 1: by is missing", id="nobody"),
        pytest.param("on = 2024-12-20\n", "", "change 1: on is missing", id="no-day"),
        pytest.param('why = "Phần mềm đang được sửa"', 'why = " "', "why is missing", id="no-reason"),
        pytest.param('"ALL.DT12"', '"ALL.DT13"', "no rule ALL.DT13 (nearest: ALL.DT12", id="no-such-rule"),
        pytest.param('"ALL.DT12"', '"SIGNATURE.SHA1"', "no policy may change SIGNATURE.SHA1", id="fixed"),
        pytest.param('"warning"', '"mild"', "'mild' is not a severity: off, info", id="no-severity"),
        pytest.param('"nhom"', '"nhóm"', "neither a facility's code nor a group", id="no-such-group"),
        pytest.param("from = 2025-01-01", "from = 2026-01-01", "until is before from", id="backwards"),
        pytest.param("from = 2025-01-01", 'from = "2025-01-01"', "from is not a day", id="day-as-text"),
        pytest.param('name = "thu"', "nom = 1", "nom is not known here", id="unknown-key"),
        pytest.param("[[change]]", "[change]", "changes are written as [[change]]", id="no-list"),
        pytest.param('name = "thu"', 'name = "thu', "line", id="no-toml"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_the_place(
    tmp_path: Path, good: str, bad: str, says: str
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(GOOD.replace(good, bad), "utf-8")

    with pytest.raises(UnreadablePolicy) as refused:
        load_policy(path)

    assert says in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_policy_that_an_editor_of_windows_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(GOOD, "utf-8-sig")

    assert load_policy(tmp_path / "policy.toml").name == "thu"


def test_another_policy_makes_another_rule_set(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(GOOD, "utf-8")
    policy = load_policy(tmp_path / "p.toml")

    mine, plain = CheckTerms(policy=policy).rule_set, CheckTerms().rule_set

    assert (mine.name, plain.name) == ("thu", "default")
    assert mine.sha256 != plain.sha256
    assert {key for key, value in mine.parts if dict(plain.parts)[key] != value} == {"policy"}


def test_the_same_bytes_terms_and_moment_have_the_same_findings() -> None:
    terms = CheckTerms(policy=CheckPolicy(changes=(a_change(Severity.INFO, "ALL.*"),)))

    one, again = (check_bundle(IMPOSSIBLE_DAY, at=AT, terms=terms) for _ in range(2))

    assert one.findings == again.findings
    assert codes(one)
    assert one.rule_set == again.rule_set
