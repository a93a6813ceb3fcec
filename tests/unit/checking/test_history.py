"""What a claim leaves behind, and what it asks of others."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from claims.checking.check import CheckTerms, Report, ask_together, begin_check, check_bundle
from claims.checking.history.marks import Mark, Window
from claims.checking.history.memory import MemoryHistory
from claims.checking.needs import Need
from claims.checking.report import Outcome, StageName, Why
from claims.checking.samples import load_sample

KEY = b"sixteen or more of them"


def check(history: MemoryHistory | None, sample: str = "outpatient", *changes: str) -> Report:
    claim = load_sample(sample, changes)
    more = {} if history is None else {Need.HISTORY: history}
    at = datetime(claim.on.year, claim.on.month, claim.on.day, 3, tzinfo=UTC) + timedelta(days=1)
    return check_bundle(claim.write(), at=at, terms=CheckTerms(more=more))


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def test_without_a_history_nothing_is_left_and_the_stage_says_what_is_missing() -> None:
    report = check(None)
    stage = next(stage for stage in report.stages if stage.name == StageName.HISTORY)

    assert (report.marks, stage.outcome, stage.why) == ((), Outcome.SKIPPED, Why.UNKNOWN)
    assert stage.left_out["history"] == 13


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), {"XML1.REPLACE_REASON"}),
        (("XML1.NGAY_VAO = 202609140701",), {"XML1.MA_LK_DUPLICATE"}),
        (("XML1.MA_BN = BN99999999",), {"XML1.MA_LK_DUPLICATE"}),
    ],
)
def test_a_key_that_was_used_is_a_new_version_or_a_mistake(
    changes: tuple[str, ...], expected: set[str]
) -> None:
    history = MemoryHistory(KEY)
    history.add(check(history).marks)
    about_others = {"XML1.REPLACE_REASON", "XML1.MA_LK_DUPLICATE", "XML1.CCCD_SHARED"}

    assert codes(check(history, "outpatient", *changes)) & about_others == expected


def test_a_stay_over_three_months_is_found_from_each_of_them() -> None:
    history = MemoryHistory(KEY)
    marks = check(history, "inpatient", "XML1.NGAY_VAO = 202607151733").marks

    assert {len(mark.periods) for mark in marks if mark.starts == "202607151733"} == {3}


@pytest.mark.parametrize(
    "times",
    [
        ("XML1.NGAY_VAO = 000101010000",),
        ("XML1.NGAY_RA = 999912312359",),
        ("XML1.NGAY_VAO = 202509140701",),
        ("XML1.NGAY_VAO = soon",),
    ],
)
def test_times_that_make_no_stay_leave_nothing(times: tuple[str, ...]) -> None:
    changes = (*times, "XML1.NGAY_RA = 202703010000") if "2025" in times[0] else times

    assert check(MemoryHistory(KEY), "outpatient", *changes).marks == ()


def test_nobody_reads_a_name_out_of_a_mark() -> None:
    row = load_sample("outpatient").tables["XML1"][0]  # type: ignore[index]
    marks = repr(check(MemoryHistory(KEY)).marks)

    assert [row[name] for name in ("MA_BN", "SO_CCCD", "MA_THE_BHYT", "MA_LK") if row[name] in marks] == []
    assert check(MemoryHistory(KEY)).marks != check(MemoryHistory(KEY[::-1])).marks


class _CountingHistory(MemoryHistory):
    """A history that knows how often it was asked."""

    asked = 0

    def find(self, windows: Sequence[Window]) -> Sequence[Mark]:
        self.asked += 1
        return super().find(windows)


def test_a_batch_asks_once_and_each_claim_hears_what_is_about_it() -> None:
    history = _CountingHistory(KEY)
    history.add(check(history).marks)
    history.asked = 0
    claims = [load_sample("outpatient"), load_sample("inpatient")]
    at = max(datetime(one.on.year, one.on.month, one.on.day, 3, tzinfo=UTC) for one in claims)
    terms = CheckTerms(more={Need.HISTORY: history})
    alone = [check_bundle(one.write(), at=at, terms=terms).findings for one in claims]
    history.asked = 0

    checks = [begin_check(one.write(), at=at, terms=terms) for one in claims]
    ask_together(checks)
    together = [one.finish().findings for one in checks]

    assert history.asked == 1
    assert together == alone
    assert "XML1.REPLACE_REASON" in {finding.code for finding in together[0]}
    assert "XML1.REPLACE_REASON" not in {finding.code for finding in together[1]}
