"""Whatever the register of cards answers, the check goes on and says so in both languages."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from claims.bundle.findings import Severity
from claims.checking.cards import CardQuestion, CardReply, Standing, load_results
from claims.checking.check import CheckTerms, check_bundle
from claims.checking.details import report_to_json
from claims.checking.needs import Need
from claims.checking.samples import load_sample

ON = datetime(2026, 9, 15, tzinfo=UTC)
SILENCE = "silence"
SEVERITIES = {Standing.GOOD: None, Standing.WRONG: "critical", Standing.UNANSWERED: "info"}


@dataclass(frozen=True, slots=True)
class Register:
    """A register that has one answer, or none."""

    code: str

    def look_up(self, _: CardQuestion) -> CardReply | None:
        return None if self.code == SILENCE else CardReply(code=self.code)


@pytest.mark.parametrize("code", [*load_results(), "999", "abc", "", SILENCE])
def test_every_answer_is_told_and_only_a_wrong_card_blocks(code: str) -> None:
    data = load_sample("outpatient", ()).write()
    terms = CheckTerms(more={Need.CARDS: Register(code)})
    standing = Standing.UNANSWERED if code == SILENCE else CardReply(code=code).result.standing

    report = check_bundle(data, at=ON, terms=terms)

    findings = report_to_json(report, data)["findings"]
    assert isinstance(findings, list)
    about_cards = [one for one in findings if one["code"].startswith("CARD.")]
    assert [one["severity"] for one in about_cards] == list(filter(None, [SEVERITIES[standing]]))
    assert all(one["message"]["vi"] != one["message"]["en"] and one["next"]["vi"] for one in about_cards)
    assert report.is_acceptable == (standing is not Standing.WRONG)
    assert all(one.severity is not Severity.ERROR for one in report.findings)
