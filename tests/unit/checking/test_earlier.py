"""An earlier report is held beside the one that a check makes now."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from claims.bundle.findings import Severity
from claims.checking.earlier import (
    ChangedReport,
    OtherDocument,
    PartDifference,
    ToldClaim,
    ToldFinding,
    ToldReport,
    ToldRuleSet,
    ToldStage,
    compare_reports,
    find_report,
)
from claims.checking.policy import CheckPolicy
from claims.checking.report import Outcome, StageName, Why

DOCUMENT = "d" * 64
WARNING, ERROR = Severity.WARNING, Severity.ERROR


def a_finding(code: str = "XML2.PRICE", severity: Severity = ERROR, row: int = 1) -> ToldFinding:
    return ToldFinding(code=code, severity=severity, table="XML2", row=row)


def a_report(*findings: ToldFinding, document: str | None = DOCUMENT, **more: Any) -> ToldReport:
    report = ToldReport(
        at=datetime(2026, 9, 15, tzinfo=UTC),
        rule_set=ToldRuleSet(
            name="default", sha256="a" * 64, parts={"software": "1", "policy": "/warning/1"}
        ),
        stages=(ToldStage(name="rules", outcome=Outcome.PASSED),),
        findings=findings,
        claims=(ToldClaim(ma_lk="K1"),),
        document_sha256=document,
        file="outbox/one.xml",
    )
    return replace(report, **more)


def other_rules(sha256: str = "b" * 64, name: str = "default", **parts: str) -> ToldRuleSet:
    return ToldRuleSet(name=name, sha256=sha256, parts={"software": "1", "policy": "/warning/1", **parts})


def test_what_is_gone_new_and_of_another_weight_is_told_apart() -> None:
    then = a_report(a_finding(), a_finding(row=2), a_finding("XML2.GONE"), a_finding("XML2.TWICE"))
    now = a_report(
        a_finding(), a_finding(row=2, severity=WARNING), a_finding("XML2.TWICE"), a_finding("XML2.TWICE")
    )

    found = compare_reports(then, now).findings

    assert [one.code for one in found.gone] == ["XML2.GONE"]
    assert [one.code for one in found.new] == ["XML2.TWICE"]
    assert [(a.severity, b.severity, b.row) for a, b in found.changed] == [(ERROR, WARNING, 2)]
    assert (found.same, found.are_equal) == (2, False)


def test_of_several_at_one_place_those_that_weigh_the_same_are_paired_first() -> None:
    then = a_report(a_finding(severity=ERROR), a_finding(severity=WARNING))
    now = a_report(a_finding(severity=WARNING), a_finding(severity=ERROR))

    assert compare_reports(then, now).findings.are_equal


def test_each_part_that_differs_is_named_and_a_name_only_where_its_file_does_not_differ() -> None:
    then, now = a_report(), a_report(rule_set=other_rules(name="x", policy="f/warning/1", catalogue="l+1"))

    assert compare_reports(then, now).parts == (
        PartDifference("policy", "/warning/1", "f/warning/1"),
        PartDifference("catalogue", None, "l+1"),
    )


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(other_rules("a" * 64, software="2"), id="another part under the same digest"),
        pytest.param(other_rules("b" * 64), id="the same parts under another digest"),
    ],
)
def test_a_rule_set_that_contradicts_itself_was_changed_by_hand(rules: ToldRuleSet) -> None:
    with pytest.raises(ChangedReport, match="by hand"):
        compare_reports(a_report(rule_set=rules), a_report())


def test_stages_and_needs_of_one_side_alone_are_said() -> None:
    skipped = ToldStage(name="signature", outcome=Outcome.SKIPPED, why=Why.NOT_ASKED)
    lists = ToldStage(name="catalogues", outcome=Outcome.PASSED, left_out={"drugs": 3})
    then = a_report(stages=(ToldStage(name="signature", outcome=Outcome.PASSED),))
    now = a_report(stages=(skipped, lists))

    comparison = compare_reports(then, now)

    assert [one.name for one in comparison.stages] == ["signature", "catalogues"]
    assert (comparison.unmet, comparison.met) == (("drugs",), ())


def test_what_was_asked_for_is_read_from_the_stages() -> None:
    def stage(name: str, why: Why | None = None) -> ToldStage:
        return ToldStage(name=name, outcome=Outcome.SKIPPED if why else Outcome.PASSED, why=why)

    asked = a_report(
        stages=(
            stage("size"),
            stage("signature", Why.NOT_ASKED),
            stage("schema"),
            stage("crosstable", Why.NOT_ASKED),
        )
    )

    assert (asked.until, asked.asks_signature) == (StageName.SCHEMA, False)
    assert a_report(stages=(stage("signature"), stage("history", Why.UNKNOWN))).until is StageName.HISTORY


def test_a_report_is_found_by_the_digest_of_its_document() -> None:
    other = a_report(document="e" * 64)

    assert find_report([other, a_report()], "elsewhere.xml", DOCUMENT) == a_report()
    with pytest.raises(OtherDocument, match=f"no report of one.xml.*SHA-256 {'e' * 64}"):
        find_report([other], "one.xml", DOCUMENT)


def test_a_report_without_a_digest_is_found_by_name_and_proves_nothing() -> None:
    old = a_report(document=None)

    assert find_report([old], "C:\\later\\one.xml", DOCUMENT) == old
    assert not compare_reports(old, a_report()).is_proven
    with pytest.raises(OtherDocument, match="another facility or other episode keys"):
        compare_reports(replace(old, claims=(ToldClaim(ma_lk="K2"),)), a_report())
    with pytest.raises(OtherDocument):
        find_report([old], "two.xml", DOCUMENT)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(a_report(at=datetime(2026, 9, 16, tzinfo=UTC)), id="of another moment"),
        pytest.param(a_report(rule_set=other_rules(software="2")), id="by other rules"),
    ],
)
def test_of_several_reports_none_is_guessed(other: ToldReport) -> None:
    with pytest.raises(OtherDocument, match="2 reports"):
        find_report([a_report(), other], "one.xml", DOCUMENT)


def test_two_files_of_one_name_are_not_mixed_up_where_no_digest_tells_them_apart() -> None:
    first, second = (a_report(document=None, file=f"{folder}/one.xml") for folder in "ab")

    assert find_report([first, second], "b/one.xml", DOCUMENT) == second
    with pytest.raises(OtherDocument, match="2 reports"):
        find_report([first, second], "c/one.xml", DOCUMENT)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        pytest.param("f/error/5", ("error", 5), id="both"),
        pytest.param("", ("warning", 20 * 2**20), id="none"),
        pytest.param("f/error/²", ("warning", 20 * 2**20), id="no number"),
        pytest.param("f/odd/5", ("warning", 20 * 2**20), id="no weight"),
    ],
)
def test_a_policy_takes_the_settings_of_another(identity: str, expected: tuple[str, int]) -> None:
    policy = CheckPolicy(sha256="own").with_settings_of(identity)

    assert (policy.sha256, policy.unknown_fields, policy.limits.max_bytes) == ("own", *expected)
