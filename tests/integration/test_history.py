"""The history of claims on a real database."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from claims.checking.check import CheckTerms, Report, ask_together, begin_check
from claims.checking.history.marks import Mark, Subject, Window, blind
from claims.checking.needs import Need
from claims.checking.samples import load_sample
from claims.exchange.check import CheckSubmissions
from claims.exchange.lifecycle import State
from claims.exchange.ports import Leased
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.storage.facilities import Facilities
from claims.storage.history import PostgresHistory, leave_marks
from claims.storage.pool import Pool, borrow
from tests.fakes import NOON
from tests.integration.conftest import Exchange

KEY = b"sixteen or more of them"
PERSON = blind(KEY, Subject.PERSON, "0000000001")
DEAD = blind(KEY, Subject.DEATH, "0000000001")
NOBODY = blind(KEY, Subject.PERSON, "0000000002")


@pytest.fixture
def history(pool: Pool) -> PostgresHistory:
    Facilities(pool).add(FacilityCode("99001"), name="Một", at=datetime(2026, 9, 1, tzinfo=UTC))
    return PostgresHistory(pool, KEY)


def mark(subject: bytes, starts: str, ends: str, *, is_ever: bool = False) -> Mark:
    return Mark(subject, starts, ends, b"patient", b"episode", "99001", "s1", is_ever=is_ever)


def leave(history: PostgresHistory, *marks: Mark, state: str = "checked") -> None:
    with borrow(history.pool) as connection, connection.transaction():
        connection.execute(
            "INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at) "
            "VALUES ('s1', '99001', '', 0, %s, now(), now())",
            [state],
        )
        for _ in range(2):  # a transaction that is tried again leaves nothing twice
            leave_marks(connection, [(SubmissionId("s1"), marks)])


STAY = mark(PERSON, "202607301000", "202610021000")


@pytest.mark.parametrize(
    ("since", "until", "is_found"),
    [
        ("202608010000", "202608020000", True),
        ("202610010000", "202612010000", True),
        ("202607010000", "202607301000", True),
        ("202607010000", "202607300959", False),
        ("202610021001", "202611010000", False),
        ("202611010000", "202612010000", False),
    ],
)
def test_a_stay_is_found_by_whoever_asks_for_a_part_of_it(
    history: PostgresHistory, since: str, until: str, *, is_found: bool
) -> None:
    leave(history, STAY)

    found = history.find([Window(PERSON, since, until), Window(NOBODY, since, until)])

    assert set(found) == ({STAY} if is_found else set())


def test_what_counts_for_ever_is_found_whenever_it_was(history: PostgresHistory) -> None:
    died = mark(DEAD, "202001010300", "202001010300", is_ever=True)
    leave(history, died, STAY)

    assert history.find([Window(DEAD, "000101010000", "202609010000", is_ever=True)]) == [died]
    assert history.find([Window(DEAD, "000101010000", "201909010000", is_ever=True)]) == []


def test_what_the_gateway_refused_is_in_nobodys_way(history: PostgresHistory) -> None:
    leave(history, STAY, state="refused")

    assert history.find([Window(PERSON, STAY.starts, STAY.ends)]) == []


def test_nothing_asked_is_nothing_found(history: PostgresHistory) -> None:
    assert history.find([]) == []


def test_who_is_treated_elsewhere_at_the_time_is_found_once_the_other_claim_was_accepted(
    exchange: Exchange,
) -> None:
    history = PostgresHistory(exchange.pool, KEY)
    for code in ("79024", "79001"):
        Facilities(exchange.pool).add(FacilityCode(code), name=code, at=NOON)

    def check(batch: Sequence[Leased]) -> Sequence[Report]:
        terms = CheckTerms(more={Need.HISTORY: history})
        checks = [begin_check(one.body, at=one.received_at, terms=terms) for one in batch]
        ask_together(checks)
        return [one.finish() for one in checks]

    def send(facility: str, *changes: str) -> tuple[State, set[str]]:
        body = load_sample("inpatient", changes).write()
        submission = exchange.received(body, FacilityCode(facility)).submission
        CheckSubmissions(exchange.submissions, check, exchange.jobs, exchange.clock, 60)([submission.id])
        findings = exchange.submissions.findings(submission.id)
        return exchange.now(submission).state, {finding.code for finding in findings}

    elsewhere = ("ENVELOPE.MACSKCB = 79001", "XML1.MA_CSKCB = 79001")
    blocked = ("XML1.NGAY_RA = never",)

    assert send("79024", *blocked)[0] is State.REJECTED
    assert "XML1.OVERLAP_OTHER_FACILITY" not in send("79001", *elsewhere, "XML1.MA_BN = one")[1]
    assert send("79024")[0] is State.CHECKED
    assert "XML1.OVERLAP_OTHER_FACILITY" in send("79001", *elsewhere, "XML1.MA_BN = two")[1]
    assert "XML1.REPLACE_REASON" in send("79024", "XML1.DIA_CHI = elsewhere")[1]
