"""Corrections that come late of what the gateway has: said, and weighed by the check policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from claims.bundle.findings import Finding, Severity
from claims.checking.policy import CheckPolicy
from claims.checking.policy_file import load_policy
from claims.exchange.corrections import LATE, LATE_WITH_REASON, JudgeCorrections
from claims.exchange.lifecycle import State
from claims.exchange.submission import Submission
from claims.storage.corrections import PostgresVersions
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, Exchange

REFUSES = """
    [[change]]
    rules = ["VERSION.LATE"]
    severity = "error"
    by = "BHXH"
    on = 2026-01-01
    why = "quá hạn phải nêu lý do"
"""
ALLOWS_AGAIN = """
    [[change]]
    rules = ["VERSION.*"]
    severity = "info"
    facilities = ["99001"]
    from = 2026-10-01
    until = 2026-11-30
    by = "Giám đốc"
    on = 2026-10-01
    why = "đợt rà soát được BHXH cho phép"
"""


@dataclass
class Corrections:
    """A facility that sends a claim of late October, and another version of it on 2 November or later."""

    exchange: Exchange
    policy: CheckPolicy = field(default_factory=CheckPolicy)

    def __post_init__(self) -> None:
        def weigh(finding: Finding, facility: str, day: date) -> Finding | None:
            return self.policy.weights(facility, day).weigh(finding)

        judge = JudgeCorrections(PostgresVersions(self.exchange.pool), weigh)
        self.check = replace(self.exchange.check, find_late_corrections=judge)

    def send(self, number: int, *, reason: str | None = None, **facts: Any) -> Submission:
        exchange, body = self.exchange, f"<version{number}/>".encode()
        exchange.checker.claims[body] = ("KEY",)
        exchange.checker.facts = {"discharged_on": date(2026, 10, 1), **facts}
        exchange.clock.advance(1)
        received = exchange.receive(body, facility=FACILITY, actor="test", reason=reason)
        self.check([received.submission.id])
        exchange.deliver([received.submission.id])
        return exchange.now(received.submission)

    def said_of(self, submission: Submission) -> Mapping[str, Severity]:
        return {one.code: one.severity for one in self.exchange.submissions.findings(submission.id)}


@pytest.fixture
def corrections(exchange: Exchange) -> Corrections:
    return Corrections(exchange)


def policy(text: str, tmp_path: Path) -> CheckPolicy:
    file = tmp_path / "policy.toml"
    file.write_text('name = "thu"\n' + dedent(text), "utf-8")
    return load_policy(file)


def test_a_late_first_version_corrects_nothing(corrections: Corrections) -> None:
    assert corrections.said_of(corrections.send(1)) == {}


def test_a_late_correction_is_sent_with_a_warning(corrections: Corrections) -> None:
    first = corrections.send(1)
    second = corrections.send(2)

    (finding,) = corrections.exchange.submissions.findings(second.id)
    assert (finding.code, finding.severity) == (LATE, Severity.WARNING)
    # Seven working days after 1 October.
    assert dict(finding.params) == {"due": "12/10/2026", "receipt": first.receipt}
    assert second.state is State.ACKNOWLEDGED


def test_in_time_there_is_nothing_to_say(corrections: Corrections) -> None:
    corrections.send(1, discharged_on=date(2026, 10, 30))

    assert corrections.said_of(corrections.send(2, discharged_on=date(2026, 10, 30))) == {}


def test_where_the_policy_says_so_a_late_one_is_refused_unless_it_says_why(
    corrections: Corrections, tmp_path: Path
) -> None:
    corrections.policy = policy(REFUSES, tmp_path)
    corrections.send(1)

    refused = corrections.send(2)
    explained = corrections.send(3, reason="sai ngày ra")

    assert (refused.state, refused.cause) == (State.REJECTED, LATE)
    assert explained.state is State.ACKNOWLEDGED
    assert corrections.said_of(explained) == {LATE_WITH_REASON: Severity.INFO}


def test_whoever_may_opens_a_time_for_a_facility_by_a_dated_entry(
    corrections: Corrections, tmp_path: Path
) -> None:
    corrections.policy = policy(REFUSES + ALLOWS_AGAIN, tmp_path)
    corrections.send(1)

    assert corrections.send(2).state is State.ACKNOWLEDGED


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"paid_on": NOON.date()}, id="it-has-been-paid-since"),
        pytest.param({"ma_doituong_kcb": "8"}, id="it-is-taken-back"),
    ],
)
def test_what_must_or_may_always_be_sent_again_is_not_late(
    corrections: Corrections, facts: Mapping[str, Any]
) -> None:
    corrections.send(1)

    assert corrections.said_of(corrections.send(2, **facts)) == {}


@pytest.mark.parametrize(("faulted_at", "is_late"), [("2026-10-30", False), ("2026-10-27", True)])
def test_what_the_gateway_faulted_has_two_working_days_of_its_own(
    corrections: Corrections, faulted_at: str, is_late: bool
) -> None:
    first = corrections.send(1)
    with corrections.exchange.pool.connection() as connection:
        connection.execute("INSERT INTO reception_fault VALUES (%s, %s, '[]')", [first.id, faulted_at])

    assert (LATE in corrections.said_of(corrections.send(2))) == is_late
