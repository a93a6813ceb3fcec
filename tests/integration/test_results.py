"""Results are read back until their clocks have run out, matched to claims and kept, on a real database."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from claims.exchange.breaker import Breaker
from claims.exchange.destination import Circuit
from claims.exchange.errors import (
    NO_ACCOUNT,
    GatewayError,
    GatewayRefused,
    GatewayUnavailable,
    UnknownFacility,
)
from claims.exchange.follow_up import FollowUp, LookPolicy, WakeLooks
from claims.exchange.lifecycle import Level, State
from claims.exchange.ports import Receipt
from claims.exchange.results import (
    AssessedLine,
    Assessment,
    MonthLooked,
    ReceptionError,
    Round,
    Settlement,
    Standing,
    Subject,
    TransactionVerdict,
    WatchKey,
)
from claims.exchange.submission import EventKind, FacilityCode, Submission
from claims.storage.results import PostgresResults
from tests.fakes import NOON
from tests.integration.conftest import FACILITY, OTHER_FACILITY, Exchange

TODAY = date(2026, 11, 2)
MONTH = date(2026, 11, 1)
RECEPTION = WatchKey(FACILITY, Subject.RECEPTION, TODAY)
ASSESSMENT = WatchKey(FACILITY, Subject.ASSESSMENT, MONTH)
HOUR = 3600


@dataclass
class ScriptedResults:
    """A gateway's results as a test writes them."""

    verdicts: list[TransactionVerdict] = field(default_factory=list)
    errors: dict[str, tuple[ReceptionError, ...]] = field(default_factory=dict)
    open_rounds: dict[str, list[Assessment]] = field(default_factory=dict)
    closed_rounds: dict[str, list[Assessment]] = field(default_factory=dict)
    settled: Settlement | None = None
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)
    unsaid: set[str] = field(default_factory=set)

    def of_day(self, facility: str, day: date) -> tuple[TransactionVerdict, ...]:
        self._ask(f"day {day}")
        return tuple(self.verdicts)

    def errors_of(self, facility: str, ma_giao_dich: str) -> tuple[ReceptionError, ...]:
        self._ask(f"errors {ma_giao_dich}")
        return self.errors.get(ma_giao_dich, ())

    def rounds(self, facility: str, month: date) -> tuple[Round, ...]:
        self._ask(f"rounds {month}")
        return tuple(
            Round(code, code, None, None, is_closed=code in self.closed_rounds)
            for code in (*self.open_rounds, *self.closed_rounds)
        )

    def assessments(self, facility: str, round_code: str) -> tuple[Assessment, ...]:
        self._ask(f"round {round_code}")
        return tuple({**self.open_rounds, **self.closed_rounds}[round_code])

    def settlement(self, facility: str, month: date) -> Settlement | None:
        self._ask(f"settlement {month}")
        return self.settled

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.failure is not None:
            raise self.failure
        if what in self.unsaid:
            raise GatewayUnavailable("gateway.results.500")


@dataclass
class Following:
    """An exchange whose results are followed up."""

    exchange: Exchange
    results: ScriptedResults = field(default_factory=ScriptedResults)
    woken: list[str] = field(default_factory=list)
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self.store = PostgresResults(self.exchange.pool)
        self.look = FollowUp(
            self.store, self.results, self.exchange.clock, self.breaker, LookPolicy(), lease_s=60
        )
        self.wake = WakeLooks(self.store, self.woken.append, self.exchange.clock, wake_again_s=30)

    def acknowledged(self, body: bytes = b"<bundle/>", *claims: str) -> Submission:
        self.exchange.checker.claims[body] = claims or ("LK1",)
        submission = self.exchange.checked(body)
        self.exchange.deliver([submission.id])
        return self.exchange.now(submission)

    def due(self) -> list[str]:
        self.woken.clear()
        self.wake()
        return sorted(self.woken)

    def wrong(self, submission: Submission, *errors: ReceptionError) -> None:
        assert submission.receipt is not None
        self.results.verdicts.append(TransactionVerdict(submission.receipt, 1, 0, 1))
        self.results.errors[submission.receipt] = errors


@pytest.fixture
def following(exchange: Exchange) -> Following:
    return Following(exchange)


def assessed(ma_lk: str = "LK1", granted: int = 80, **more: Any) -> Assessment:
    line = AssessedLine(
        "17", "XML2", "1", "40.17", Standing.CUT, Decimal(100), Decimal(granted), "S.004.369", "điều kiện"
    )
    return Assessment(
        ma_lk, Standing.CUT, Decimal(granted), asked_vnd=Decimal(100), lines=(line,), round="D1", **more
    )


def test_what_is_acknowledged_is_looked_for_by_day_and_by_month_and_not_before_its_time(
    following: Following,
) -> None:
    following.acknowledged()
    assert following.due() == []

    following.exchange.clock.advance(600)

    assert following.due() == sorted([str(RECEPTION), str(ASSESSMENT)])
    assert following.due() == []  # woken just now


def test_ten_claims_of_a_day_cost_one_look(following: Following) -> None:
    for number in range(10):
        following.acknowledged(b"%d" % number, f"LK{number}")

    following.exchange.clock.advance(600)

    assert len(following.due()) == 2


def test_faults_of_reception_become_findings_and_an_event_and_leave_the_state(following: Following) -> None:
    submission = following.acknowledged()
    following.wrong(submission, ReceptionError("202", "NGAY_RA của Nguyễn Văn A"), ReceptionError("999"))
    following.exchange.clock.advance(600)

    assert following.look(RECEPTION)

    after = following.exchange.now(submission)
    findings = following.exchange.submissions.findings(submission.id)
    event = following.exchange.submissions.events(submission.id)[-1]
    assert (after.state, after.level) == (State.ACKNOWLEDGED, Level.ACKNOWLEDGED)
    assert [finding.code for finding in findings] == ["GATEWAY.202", "GATEWAY.OTHER"]
    assert (event.kind, event.cause) == (EventKind.RECEPTION_FAULTS, "GATEWAY.202")
    assert event.detail == {"codes": "202,999", "count": "2"}
    assert "Nguyễn" not in str((findings, event))
    kept = following.store.reception_of(submission.id)
    assert kept is not None
    assert kept.errors[0].said == "NGAY_RA của Nguyễn Văn A"


def test_the_same_faults_again_are_no_news_and_others_are(following: Following) -> None:
    submission = following.acknowledged()
    following.wrong(submission, ReceptionError("202"))
    following.exchange.clock.advance(600)
    following.look(RECEPTION)
    following.exchange.clock.advance(7 * HOUR)
    following.look(RECEPTION)
    assert following.exchange.history(submission).count(EventKind.RECEPTION_FAULTS) == 1

    following.results.errors[str(submission.receipt)] += (ReceptionError("201"),)
    following.exchange.clock.advance(7 * HOUR)
    following.look(RECEPTION)

    assert following.exchange.history(submission).count(EventKind.RECEPTION_FAULTS) == 2


def test_faults_of_an_unknown_transaction_or_another_facility_s_are_nobody_s(following: Following) -> None:
    submission = following.acknowledged()
    following.exchange.clock.advance(600)
    errors = (ReceptionError("202"),)
    unknown = following.store.note_errors(FACILITY, [("no such number", errors)], now=NOON)
    foreign = following.store.note_errors(OTHER_FACILITY, [(str(submission.receipt), errors)], now=NOON)

    assert (unknown, foreign) == ((), ())
    assert following.exchange.submissions.findings(submission.id) == ()


def test_reception_is_looked_at_until_its_last_clock_and_then_no_more(following: Following) -> None:
    following.acknowledged()
    looks = 0
    for _ in range(300):
        following.exchange.clock.advance(600)
        if str(RECEPTION) in following.due():
            following.look(RECEPTION)
            looks += 1

    assert 9 <= looks <= 20
    assert following.exchange.clock.now() > NOON + timedelta(hours=49)
    following.exchange.clock.advance(1000 * HOUR)
    assert str(RECEPTION) not in following.due()


def test_a_look_of_two_workers_is_one(following: Following) -> None:
    following.acknowledged()
    following.exchange.clock.advance(600)
    owner = following.store.lease_look(
        RECEPTION, owner="another", now=following.exchange.clock.now(), until=NOON + timedelta(hours=1)
    )
    assert owner is not None

    assert not following.look(RECEPTION)
    assert following.results.asked == []

    following.exchange.clock.advance(HOUR)  # the other one died
    assert following.look(RECEPTION)


def test_the_assessment_is_kept_by_line_and_raises_the_level(following: Following) -> None:
    submission = following.acknowledged()
    following.results.open_rounds["D1"] = [assessed()]
    following.exchange.clock.advance(600)

    following.look(ASSESSMENT)

    after = following.exchange.now(submission)
    (kept,) = following.store.assessments_of(submission.id)
    assert (after.state, after.level) == (State.ACKNOWLEDGED, Level.ASSESSED)
    assert after.assessed_at == following.exchange.clock.now()
    assert kept.assessment == assessed()
    event = following.exchange.submissions.events(submission.id)[-1]
    assert event.kind is EventKind.ASSESSED
    assert event.detail == {"standing": "cut", "round": "D1", "asked_vnd": "100", "granted_vnd": "80"}


def test_a_submission_of_two_claims_is_assessed_when_both_are(following: Following) -> None:
    submission = following.acknowledged(b"two", "LK1", "LK2")
    following.results.open_rounds["D1"] = [assessed("LK1")]
    following.exchange.clock.advance(600)
    following.look(ASSESSMENT)
    assert following.exchange.now(submission).level is Level.ACKNOWLEDGED

    following.results.open_rounds["D1"].append(assessed("LK2"))
    following.exchange.clock.advance(25 * HOUR)
    following.look(ASSESSMENT)

    assert following.exchange.now(submission).level is Level.ASSESSED


def test_an_assessment_belongs_to_the_latest_version_that_the_gateway_has(following: Following) -> None:
    first, second = following.acknowledged(b"1"), following.acknowledged(b"2")
    following.results.open_rounds["D1"] = [assessed(), assessed("of nobody")]
    following.exchange.clock.advance(600)

    following.look(ASSESSMENT)

    assert following.exchange.now(first).level is Level.ACKNOWLEDGED
    assert following.exchange.now(second).level is Level.ASSESSED


def test_what_an_open_round_had_said_already_is_no_assessment_of_a_correction(following: Following) -> None:
    first = following.acknowledged(b"1")
    following.results.open_rounds["D1"] = [assessed()]
    following.exchange.clock.advance(600)
    following.look(ASSESSMENT)
    second = following.acknowledged(b"2")

    for _ in range(2):
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)
        assert following.exchange.now(second).level is Level.ACKNOWLEDGED
    following.results.open_rounds["D1"] = [assessed(granted=100)]
    following.exchange.clock.advance(25 * HOUR)
    following.look(ASSESSMENT)

    kept = [following.store.assessments_of(one.id)[0].assessment.granted_vnd for one in (first, second)]
    assert kept == [Decimal(80), Decimal(100)]
    assert following.exchange.now(second).level is Level.ASSESSED


def test_the_last_word_of_a_round_is_about_the_latest_version(following: Following) -> None:
    following.acknowledged(b"1")
    following.results.open_rounds["D1"] = [assessed()]
    following.exchange.clock.advance(600)
    following.look(ASSESSMENT)
    second = following.acknowledged(b"2")

    following.results.closed_rounds["D1"] = following.results.open_rounds.pop("D1")
    following.exchange.clock.advance(25 * HOUR)
    following.look(ASSESSMENT)

    assert following.exchange.now(second).level is Level.ASSESSED


def test_two_rounds_that_say_what_they_said_are_no_news(following: Following) -> None:
    submission = following.acknowledged()
    following.results.open_rounds = {"D1": [assessed()], "D2": [replace(assessed(granted=100), round="D2")]}
    for _ in range(3):
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)

    assert following.exchange.history(submission).count(EventKind.ASSESSED) == 2
    (kept,) = following.store.assessments_of(submission.id)
    assert kept.assessment.round == "D2"


def test_an_assessment_that_changes_is_news_and_one_that_stays_is_not(following: Following) -> None:
    submission = following.acknowledged()
    following.results.open_rounds["D1"] = [assessed()]
    for granted in (80, 80, 100):
        following.results.open_rounds["D1"] = [assessed(granted=granted)]
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)

    assert following.exchange.history(submission).count(EventKind.ASSESSED) == 2


def test_a_closed_round_is_read_once(following: Following) -> None:
    following.acknowledged()
    following.results.closed_rounds["D1"] = [assessed()]
    following.results.open_rounds["D2"] = []
    for _ in range(3):
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)

    assert (following.results.asked.count("round D1"), following.results.asked.count("round D2")) == (1, 3)


def test_a_round_that_is_opened_again_is_read_again(following: Following) -> None:
    submission = following.acknowledged()
    for is_closed, granted in ((True, 80), (False, 90), (True, 100), (True, 100)):
        said = {"D1": [assessed(granted=granted)]}
        following.results.open_rounds = {} if is_closed else said
        following.results.closed_rounds = said if is_closed else {}
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)

    assert following.store.assessments_of(submission.id)[0].assessment.granted_vnd == Decimal(100)
    assert following.exchange.history(submission).count(EventKind.ASSESSED) == 3
    assert following.results.asked.count("round D1") == 3


def test_a_settlement_is_kept_and_replaced(following: Following) -> None:
    following.acknowledged()
    for granted in (90, 95):
        following.results.settled = Settlement(
            "11/2026", Decimal(100), Decimal(granted), None, "", is_closed=False
        )
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)

    assert [one.granted_vnd for one in following.store.settlements_of(FACILITY)] == [Decimal(95)]
    assert following.store.settlements_of(OTHER_FACILITY) == ()


def test_a_month_is_looked_at_daily_until_it_is_settled_however_late(following: Following) -> None:
    submission = following.acknowledged()
    for _ in range(60):
        following.exchange.clock.advance(25 * HOUR)
        following.look(ASSESSMENT)
    assert 50 <= following.results.asked.count(f"settlement {MONTH}") <= 60

    following.results.closed_rounds["D1"] = [assessed()]
    settled = Settlement("11/2026", Decimal(100), Decimal(80), Decimal(20), "", is_closed=True)
    following.results.settled = settled
    following.exchange.clock.advance(25 * HOUR)
    assert str(ASSESSMENT) in following.due()
    following.look(ASSESSMENT)

    assert following.exchange.now(submission).level is Level.ASSESSED
    assert following.store.settlements_of(FACILITY) == (settled,)
    following.exchange.clock.advance(1000 * HOUR)
    assert str(ASSESSMENT) not in following.due()


def test_an_operator_sees_which_months_are_settled_and_may_ask_for_one(following: Following) -> None:
    following.acknowledged()
    following.exchange.clock.advance(405 * 24 * HOUR)
    following.look(ASSESSMENT)
    assert following.store.months_of(FACILITY) == (MonthLooked(MONTH, 1, None, is_settled=False),)

    now = following.exchange.clock.now()
    following.store.look_soon(FACILITY, MONTH, now=now)
    following.store.look_soon(FACILITY, date(2026, 8, 1), now=now)
    assert str(ASSESSMENT) in following.due()
    following.results.settled = Settlement(
        "11/2026", Decimal(100), Decimal(80), Decimal(20), "", is_closed=True
    )
    following.look(ASSESSMENT)

    assert following.store.months_of(FACILITY) == (
        MonthLooked(MONTH, 2, None, is_settled=True),
        MonthLooked(date(2026, 8, 1), 0, now, is_settled=False),
    )
    with pytest.raises(UnknownFacility):
        following.store.look_soon(FacilityCode("00000"), MONTH, now=now)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(None, id="never-settled"),
        pytest.param(GatewayUnavailable("gateway.results.404"), id="cannot-be-asked"),
        pytest.param(GatewayRefused(NO_ACCOUNT), id="no-account-any-more"),
    ],
)
def test_no_month_is_looked_at_for_ever(failure: GatewayError | None, following: Following) -> None:
    following.acknowledged()
    following.exchange.clock.advance(405 * 24 * HOUR)
    following.results.failure = failure

    following.look(ASSESSMENT)

    following.exchange.clock.advance(1000 * HOUR)
    assert str(ASSESSMENT) not in following.due()


def test_a_gateway_that_does_not_answer_is_looked_at_later_and_counts_as_silent(following: Following) -> None:
    submission = following.acknowledged()
    following.wrong(submission, ReceptionError("202"))
    following.results.failure = GatewayUnavailable("gateway.unreachable")
    following.exchange.clock.advance(600)

    answered = following.look(RECEPTION)

    assert not answered
    assert following.due() == [str(ASSESSMENT)]
    for _ in range(4):
        following.breaker.note(GatewayUnavailable("gateway.unreachable"), following.exchange.clock.now())
    assert following.breaker.state is Circuit.OPEN
    assert not following.look(ASSESSMENT)  # left in peace
    following.results.failure = None
    following.exchange.clock.advance(2 * HOUR)
    assert following.look(RECEPTION)
    assert following.exchange.submissions.findings(submission.id)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(GatewayUnavailable("gateway.results.404"), id="cannot-be-asked"),
        pytest.param(GatewayRefused(NO_ACCOUNT), id="no-account"),
        pytest.param(GatewayRefused("gateway.login.401"), id="wrong-password"),
    ],
)
def test_what_kept_a_facility_from_its_results_for_weeks_ends_no_look(
    failure: GatewayError, following: Following
) -> None:
    following.acknowledged()
    following.results.failure = failure
    for _ in range(40):
        following.exchange.clock.advance(24 * HOUR)
        if str(ASSESSMENT) in following.due():
            following.look(ASSESSMENT)

    following.results.failure = None
    following.results.settled = Settlement(
        "11/2026", Decimal(100), Decimal(80), Decimal(20), "", is_closed=True
    )
    following.exchange.clock.advance(24 * HOUR)

    assert str(ASSESSMENT) in following.due()
    following.look(ASSESSMENT)
    assert following.store.settlements_of(FACILITY) == (following.results.settled,)


def test_a_look_that_somebody_else_took_is_no_probe(following: Following) -> None:
    following.acknowledged()
    following.exchange.clock.advance(600)
    following.look(RECEPTION)
    for _ in range(5):
        following.breaker.note(GatewayUnavailable("gateway.unreachable"), following.exchange.clock.now())
    following.exchange.clock.advance(60)

    assert not following.look(RECEPTION)
    assert following.look(ASSESSMENT)


def test_a_gateway_that_is_away_when_the_clock_runs_out_is_asked_once_it_is_back(
    following: Following,
) -> None:
    submission = following.acknowledged()
    following.wrong(submission, ReceptionError("202"))
    following.results.failure = GatewayUnavailable("gateway.500")
    following.exchange.clock.advance(600)
    following.look(RECEPTION)
    for _ in range(12):
        following.exchange.clock.advance(6 * HOUR)
        following.look(RECEPTION)

    following.results.failure = None
    following.exchange.clock.advance(6 * HOUR)
    assert str(RECEPTION) in following.due()
    following.look(RECEPTION)
    assert following.exchange.submissions.findings(submission.id)

    following.exchange.clock.advance(1000 * HOUR)
    assert str(RECEPTION) not in following.due()


def test_what_the_gateway_cannot_say_keeps_nobody_from_the_rest(following: Following) -> None:
    submissions = [following.acknowledged(body) for body in (b"1", b"2", b"3")]
    for submission in submissions:
        following.wrong(submission, ReceptionError("202"))
    following.results.unsaid = {f"errors {submissions[0].receipt}", "round D1"}
    following.results.open_rounds = {"D1": [], "D2": [assessed()]}
    following.exchange.clock.advance(600)

    assert following.look(RECEPTION)
    assert following.look(ASSESSMENT)

    findings = [bool(following.exchange.submissions.findings(one.id)) for one in submissions]
    assert findings == [False, True, True]
    assert following.store.assessments_of(submissions[-1].id)


def test_a_gateway_that_can_say_nothing_is_not_asked_for_everything(following: Following) -> None:
    submissions = [following.acknowledged(f"{n}".encode()) for n in range(9)]
    for submission in submissions:
        following.wrong(submission, ReceptionError("202"))
    following.results.unsaid = {f"errors {one.receipt}" for one in submissions}
    following.exchange.clock.advance(600)

    assert not following.look(RECEPTION)

    assert len([one for one in following.results.asked if one.startswith("errors")]) == 3


def test_more_faults_than_one_look_reads_are_read_in_the_next(following: Following) -> None:
    following.look = replace(following.look, most_details=2)
    submissions = [following.acknowledged(b"%d" % number, f"LK{number}") for number in range(5)]
    for submission in submissions:
        following.wrong(submission, ReceptionError("202"))
    following.exchange.clock.advance(600)

    for _ in range(3):
        assert str(RECEPTION) in following.due()
        following.look(RECEPTION)
        following.exchange.clock.advance(31)

    assert all(following.exchange.submissions.findings(one.id) for one in submissions)
    assert str(RECEPTION) not in following.due()


def test_each_facility_s_oldest_look_comes_before_another_s_second(following: Following) -> None:
    with following.exchange.pool.connection() as connection:
        for day in range(10):
            connection.execute(
                "INSERT INTO result_watch (facility, subject, period, next_look_at, until) "
                "VALUES (%s, 'reception', %s, %s, %s)",
                [FACILITY, TODAY - timedelta(days=day), NOON - timedelta(hours=day), NOON],
            )
        connection.execute(
            "INSERT INTO result_watch (facility, subject, period, next_look_at, until) "
            "VALUES (%s, 'reception', %s, %s, %s)",
            [OTHER_FACILITY, TODAY, NOON, NOON],
        )

    keys = following.store.take_due_looks(now=NOON, woken_before=NOON, limit=2)

    assert {key.facility for key in keys} == {FACILITY, OTHER_FACILITY}


def test_an_answer_with_another_submission_s_number_is_no_receipt(exchange: Exchange) -> None:
    exchange.gateway.taken = {}
    first = exchange.checked(b"first")
    exchange.deliver([first.id])
    second = exchange.checked(b"second")
    mixed_up = Receipt(str(exchange.now(first).receipt), NOON, b"{}")
    exchange.gateway.taken[second.sha256] = mixed_up

    exchange.deliver([second.id])

    in_doubt = exchange.now(second)
    assert (in_doubt.state, in_doubt.cause) == (State.OUTCOME_UNKNOWN, "gateway.other-claim")
    assert (in_doubt.receipt, exchange.submissions.receipt(second.id)) == (None, None)
    exchange.gateway.taken[second.sha256] = Receipt("GD2", NOON, b"{}", is_proven=True)
    exchange.clock.advance(30)
    exchange.deliver([second.id])
    assert exchange.now(second).receipt == "GD2"
    assert exchange.now(first).receipt == "GD1"
