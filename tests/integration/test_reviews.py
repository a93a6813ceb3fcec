"""Reviews on a real database: no two decide at once, nothing is told too early, counts stay right."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import LiteralString

import pytest

from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant, Principal, PrincipalKind
from claims.exchange.errors import ReviewChanged, ReviewLocked, UnsoundDecision
from claims.exchange.ports import NewSubmission
from claims.exchange.review.deciding import AlikeOutcome, ConfirmReviews, DecideReviews
from claims.exchange.review.outcome import TellOutcome, adjustments
from claims.exchange.review.policy import default_policy
from claims.exchange.review.review import (
    Cut,
    Decision,
    Lane,
    NewReview,
    Order,
    Review,
    ReviewFilter,
    ReviewState,
    Sample,
    Subject,
    Verdict,
)
from claims.exchange.review.sampling import DrawSample
from claims.exchange.review.searching import folded_words, wanted_words
from claims.exchange.review.talking import TalkAboutReview
from claims.exchange.submission import FacilityCode, new_submission_id
from claims.storage.facilities import Facilities
from claims.storage.feed import PostgresFeed
from claims.storage.pool import Pool, borrow
from claims.storage.queue import PostgresSubmissions
from claims.storage.relocking import Relocking
from claims.storage.reviews import PostgresReviews
from claims.storage.vault import IN_THE_CLEAR
from tests.fakes import NOON, SetClock
from tests.integration.conftest import NAMES, settle

HERE, THERE = FacilityCode("79001"), FacilityCode("01001")
NATION: tuple[str, ...] = ("",)
POLICY = replace(default_policy(), four_eyes_from=Decimal(10_000_000))
ACCEPTED = Decision(Verdict.ACCEPTED)


def somebody(name: str, role: str = "reviewer", place: str = "") -> Principal:
    return Principal(name, PrincipalKind.PERSON, frozenset({Grant(role, Place(place))}))


BINH, CHI, DUNG = somebody("binh"), somebody("chi"), somebody("dung", "senior-reviewer")
HOA = somebody("hoa", "hospital", HERE)


@dataclass
class Desk:
    """Reviewing on one database, at a time that the test sets."""

    pool: Pool
    clock: SetClock = field(default_factory=SetClock)
    made: int = 0

    def __post_init__(self) -> None:
        self.reviews = PostgresReviews(self.pool, NAMES)
        self.submissions = PostgresSubmissions(self.pool)
        self.deciding = DecideReviews(self.reviews, POLICY, self.clock)
        self.confirming = ConfirmReviews(self.reviews, POLICY, self.clock)
        self.talking = TalkAboutReview(self.reviews, self.clock)

    def begin(
        self,
        *,
        name: str = "ĐẶNG QUỲNH NHƯ",
        claimed: int = 500_000,
        codes: tuple[str, ...] = (),
        ma_lk: str | None = None,
        facility: FacilityCode = HERE,
        lane: Lane = Lane.CLEAN,
        classes: frozenset[str] = frozenset(),
    ) -> Review:
        self.made += 1
        at = self.clock.advance(0.01)
        submission_id = new_submission_id(at)
        digest = f"{self.made:064x}"
        self.submissions.add(
            NewSubmission(submission_id, facility, digest, b"<x/>", at, "test", None, digest)
        )
        subject = Subject(
            ma_lk=ma_lk or f"LK{self.made}",
            patient=name,
            words=folded_words(ma_lk or f"LK{self.made}"),
            hidden_words=folded_words(name),
            person=folded_words(name)[0].encode(),
            diagnosis="J45.9",
            discharged_on=at.date(),
            claimed=Decimal(claimed),
            classes=classes,
        )
        new = NewReview(submission_id, 1, facility, at, subject, lane, (), codes)
        self.reviews.begin(submission_id, [new], now=at)
        return self.reviews.get(submission_id, 1)

    def now(self, review: Review) -> Review:
        return self.reviews.get(review.submission_id, review.ordinal)

    def inbox(self, **narrow: object) -> list[Review]:
        which = replace(ReviewFilter(reach=NATION), **narrow)  # type: ignore[arg-type]
        return list(self.reviews.list_page(which, order=Order.OLDEST, limit=200, cursor=None).items)

    def decide(self, review: Review, decision: Decision = ACCEPTED, who: Principal = BINH) -> Review:
        return self.deciding.decide(review, version=review.version, decision=decision, who=who)

    def open_lanes(self) -> dict[str, int]:
        return self.reviews.count(ReviewFilter(reach=NATION)).lanes


@pytest.fixture
def desk(pool: Pool) -> Desk:
    for code in (HERE, THERE):
        Facilities(pool).add(code, name="Thử", at=NOON)
    return Desk(pool)


@pytest.mark.parametrize("typed", ["dang quynh", "Đặng Quỳnh", "NHU", "LK1", "nhu lk"])
def test_a_claim_is_found_by_words_of_the_name_without_diacritics_and_by_the_beginning_of_its_number(
    desk: Desk, typed: str
) -> None:
    wanted = desk.begin()
    desk.begin(name="LÊ VĂN TÁM")

    assert desk.inbox(words=wanted_words(typed)) == [wanted]


def test_a_row_names_nobody_and_its_words_are_not_found_by_their_beginnings(desk: Desk) -> None:
    review = desk.begin()

    with borrow(desk.pool) as connection:
        row = connection.execute("SELECT review::text FROM review").fetchone()
    assert row is not None
    assert review.patient == "ĐẶNG QUỲNH NHƯ"
    assert not {"ĐẶNG", "dang", "quynh"} & set(re.findall(r"\w+", row[0]))
    assert desk.inbox(words=wanted_words("quy")) == []


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(
            "UPDATE review SET patient_sealed = o.patient_sealed FROM review o "
            "WHERE o.id <> review.id AND review.id = %s",
            id="another-claim",
        ),
        pytest.param(
            "UPDATE review SET patient_sealed = patient_sealed || 'x' WHERE id = %s",
            id="damaged",
        ),
        pytest.param("UPDATE review SET patient_sealed = 'x' WHERE id = %s", id="cut-off"),
    ],
)
def test_a_name_that_cannot_be_read_is_not_shown_and_hides_no_other(
    desk: Desk, statement: LiteralString
) -> None:
    review, other = desk.begin(), desk.begin(name="LÊ VĂN TÁM")
    with borrow(desk.pool) as connection:
        connection.execute(statement, [review.id])

    assert desk.now(review).patient is None
    assert {one.patient for one in desk.inbox()} == {None, other.patient}


def test_names_from_before_are_shown_and_found_and_then_sealed(desk: Desk) -> None:
    review = desk.begin(ma_lk="HS 77")
    with borrow(desk.pool) as connection:
        connection.execute(
            "UPDATE review SET patient = %s, patient_sealed = NULL, words = array_to_tsvector(%s)",
            [review.patient, [*folded_words(review.patient or "", "BN9", review.ma_lk, review.diagnosis)]],
        )
    relocking = Relocking(desk.pool, IN_THE_CLEAR, NAMES)
    found_before = desk.inbox(words=wanted_words("quynh hs"))

    done = relocking()

    assert (relocking.count().names, done.names, relocking().names) == (0, 1, 0)
    assert found_before == desk.inbox(words=wanted_words("quynh hs bn9 j45")) == [review]
    with borrow(desk.pool) as connection:
        row = connection.execute("SELECT patient, words::text FROM review").fetchone()
    assert row is not None
    assert row[0] == ""
    assert "quynh" not in row[1]
    assert "bn9" not in row[1]


def test_what_is_typed_cannot_be_a_query_language(desk: Desk) -> None:
    desk.begin()

    assert desk.inbox(words=wanted_words("dang' | !x:* & (")) == []


def test_pages_follow_each_other_without_gap_or_repeat_in_every_order(desk: Desk) -> None:
    made = [desk.begin(claimed=100_000 * (number % 3 + 1)) for number in range(9)]

    for order in Order:
        seen: list[Review] = []
        cursor: str | None = None
        while True:
            page = desk.reviews.list_page(ReviewFilter(reach=NATION), order=order, limit=2, cursor=cursor)
            seen += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(one.id for one in seen) == [one.id for one in made]
        if order is Order.AMOUNT:
            assert [one.claimed for one in seen] == sorted((one.claimed for one in seen), reverse=True)


def test_nobody_sees_claims_outside_his_places(desk: Desk) -> None:
    near = desk.begin()
    desk.begin(facility=THERE)

    assert desk.inbox(reach=("79",)) == [near]
    assert desk.reviews.count(ReviewFilter(reach=("79",))).facilities == {HERE: 1}
    assert desk.inbox(reach=()) == []


def test_what_came_at_one_facility_hides_no_other(desk: Desk) -> None:
    for _ in range(45):  # more than are offered, and not summed up yet
        desk.begin(facility=THERE)
    desk.begin(facility=HERE)

    assert desk.reviews.count(ReviewFilter(reach=NATION)).facilities == {THERE: 45, HERE: 1}


def test_counts_follow_every_change_and_sums_do_not_change_them(desk: Desk) -> None:
    first = desk.begin(lane=Lane.RULE_HIT, codes=("A", "B"))
    desk.begin(lane=Lane.RULE_HIT, codes=("A",))
    desk.begin()
    before = desk.reviews.count(ReviewFilter(reach=NATION))
    desk.reviews.announce(now=desk.clock.now(), limit=10)

    after = desk.reviews.count(ReviewFilter(reach=NATION))
    desk.decide(first)
    desk.reviews.announce(now=desk.clock.now(), limit=10)

    assert before == after
    assert (before.lanes, before.codes) == ({"rule_hit": 2, "clean": 1}, {"A": 2, "B": 1})
    assert desk.open_lanes() == {"rule_hit": 1, "clean": 1}
    assert desk.reviews.count(ReviewFilter(reach=NATION)).codes == {"A": 1}
    assert desk.reviews.count(ReviewFilter(reach=NATION, state=ReviewState.DECIDED)).lanes == {"rule_hit": 1}


def test_a_decision_is_undone_for_ten_seconds_and_by_who_made_it_only(desk: Desk) -> None:
    review = desk.begin()
    desk.decide(review)

    assert desk.deciding.undo([review.id], who=CHI) == 0
    desk.clock.advance(9)
    assert desk.deciding.undo([review.id], who=BINH) == 1
    assert desk.now(review).state is ReviewState.OPEN
    desk.decide(desk.now(review))
    desk.clock.advance(11)
    assert desk.deciding.undo([review.id], who=BINH) == 0


def test_the_hospital_learns_of_a_decision_once_it_is_final_and_once(desk: Desk) -> None:
    review = desk.begin()
    cut = Cut(Decimal(100_000), "PRICE", table="XML3", row=2)
    desk.decide(review, Decision(Verdict.REDUCED, (cut,)))
    feed, tell = PostgresFeed(desk.pool), TellOutcome(desk.reviews)

    desk.reviews.announce(now=desk.clock.now(), limit=10)
    early = tell(review.submission_id)[0]
    desk.clock.advance(10)
    told = [desk.reviews.announce(now=desk.clock.now(), limit=10) for _ in range(2)]
    late = tell(review.submission_id)[0]

    assert (early.state, early.verdict, early.cuts) == (ReviewState.OPEN, None, ())
    assert told == [1, 0]
    assert (late.verdict, late.approved, late.cuts) == (Verdict.REDUCED, Decimal(400_000), (cut,))
    settle(desk.pool)
    events = [one.event for one in feed.read(HERE, after=None, limit=10).events]
    assert [event.detail for event in events if event.kind == "reviewed"] == [
        {"claim": "1", "verdict": "reduced", "approved": "400000"}
    ]
    assert next(adjustments(HERE, [late], POLICY, "en"))[:7] == (
        *(HERE, review.ma_lk, "XML3", "2", "500000"),
        *("100000", "PRICE"),
    )


def test_of_many_who_decide_at_once_one_does(desk: Desk) -> None:
    review = desk.begin()

    def decide(number: int) -> bool:
        try:
            desk.decide(review, who=somebody(f"r{number}"))
        except ReviewChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(decide, range(8)))

    assert done.count(True) == 1
    assert desk.open_lanes().get("clean", 0) == 0


def test_a_claim_that_somebody_has_open_is_his_until_the_time_is_over(desk: Desk) -> None:
    review = desk.begin()

    assert desk.deciding.open_to_decide(review, who=BINH) is None
    assert desk.deciding.open_to_decide(review, who=CHI) == "binh"
    with pytest.raises(ReviewLocked):
        desk.decide(desk.now(review), who=CHI)
    desk.clock.advance(POLICY.lock_s)
    assert desk.decide(desk.now(review), who=CHI).verdict is Verdict.ACCEPTED


def test_many_with_one_finding_are_decided_together_each_with_its_own_outcome(desk: Desk) -> None:
    reviews = [desk.begin(codes=("A",)) for _ in range(4)]
    far = desk.begin(facility=THERE)
    large = desk.begin(claimed=20_000_000)
    hers = somebody("chi", place="79")
    desk.deciding.open_to_decide(reviews[0], who=DUNG)
    chosen = [(one.id, one.version) for one in (*reviews, far, large)]
    desk.decide(reviews[1], who=DUNG)

    outcomes = desk.deciding.decide_alike(chosen, decision=ACCEPTED, who=hers)

    assert list(outcomes.values()) == [
        AlikeOutcome.LOCKED,
        AlikeOutcome.CHANGED,
        AlikeOutcome.DECIDED,
        AlikeOutcome.DECIDED,
        AlikeOutcome.FORBIDDEN,
        AlikeOutcome.PROPOSED,
    ]
    assert desk.deciding.undo([one.id for one in (*reviews, far, large)], who=hers) == 3


def test_a_large_amount_takes_a_second_person_who_is_not_the_first(desk: Desk) -> None:
    review = desk.begin(claimed=10_000_000)
    proposed = desk.decide(review, who=DUNG)

    assert proposed.state is ReviewState.PROPOSED
    with pytest.raises(AccessDenied):
        desk.confirming.confirm(proposed, version=proposed.version, who=DUNG)
    with pytest.raises(AccessDenied):
        desk.confirming.confirm(proposed, version=proposed.version, who=BINH)
    other = somebody("em", "senior-reviewer")
    with pytest.raises(ReviewChanged):
        desk.confirming.confirm(proposed, version=proposed.version - 1, who=other)
    desk.confirming.confirm(proposed, version=proposed.version, who=other)
    done = desk.now(review)
    assert (done.state, done.confirmed_by) == (ReviewState.DECIDED, "em")


def test_a_proposal_that_is_sent_back_is_open_again_and_says_why(desk: Desk) -> None:
    review = desk.begin(claimed=10_000_000)
    proposed = desk.decide(review)

    desk.confirming.send_back(proposed, version=proposed.version, note="xem lại dòng 3", who=DUNG)

    assert desk.now(review).state is ReviewState.OPEN
    assert desk.reviews.steps(review.id)[-1].detail == {"note": "xem lại dòng 3"}


def test_a_question_waits_for_the_hospital_and_its_answer_opens_the_claim_again(desk: Desk) -> None:
    review = desk.begin()

    desk.talking.ask(review, text="Vì sao chụp hai lần?", who=BINH)
    assert desk.now(review).state is ReviewState.ASKED
    with pytest.raises(AccessDenied):
        desk.talking.answer(desk.now(review), text="…", who=somebody("other", "hospital", THERE))
    desk.talking.answer(desk.now(review), text="Phim đầu bị mờ.", who=HOA)

    assert desk.now(review).state is ReviewState.OPEN
    assert [one.text for one in desk.reviews.messages(review.id)] == [
        "Vì sao chụp hai lần?",
        "Phim đầu bị mờ.",
    ]
    with pytest.raises(ReviewChanged):
        desk.talking.answer(desk.now(review), text="Nữa", who=HOA)


def test_a_later_version_takes_the_place_of_one_that_waits(desk: Desk) -> None:
    first = desk.begin(ma_lk="LK")
    second = desk.begin(ma_lk="LK")

    assert desk.now(first).state is ReviewState.SUPERSEDED
    assert desk.inbox() == [second]
    assert desk.open_lanes() == {"clean": 1}


def test_beginning_twice_is_beginning_once(desk: Desk) -> None:
    review = desk.begin()
    subject = Subject("LK1", "X", ("x",), None, "", None, Decimal(1))
    again = NewReview(review.submission_id, 1, HERE, NOON, subject, Lane.CLEAN, (), ())

    desk.reviews.begin(review.submission_id, [again], now=NOON)

    assert desk.inbox() == [review]
    assert desk.open_lanes() == {"clean": 1}


def test_a_sample_is_what_its_seed_says_and_goes_round(desk: Desk) -> None:
    made = [desk.begin() for _ in range(30)]
    which = ReviewFilter(reach=NATION)

    def draw(seed: int) -> set[int]:
        sample = Sample(0, "binh", NOON, seed, "10", "", 10)
        number = desk.reviews.draw_sample(which, sample=sample)
        return {one.id for one in desk.inbox(sample=number)}

    assert draw(7) == draw(7)
    assert len(draw(2**31 - 1)) == 10  # the dice lie in a circle
    assert draw(7) <= {one.id for one in made}
    number = DrawSample(desk.reviews, desk.clock)(which, asked="50%", query="", who=BINH)
    assert len(desk.inbox(sample=number)) == 15
    with pytest.raises(UnsoundDecision):
        DrawSample(desk.reviews, desk.clock)(which, asked="viele", query="", who=BINH)


def test_who_may_not_see_a_protected_class_does_not_decide_on_it(desk: Desk) -> None:
    review = desk.begin(classes=frozenset({"hiv"}))

    with pytest.raises(AccessDenied):
        desk.decide(review, who=BINH)
    assert desk.decide(review, who=DUNG).verdict is Verdict.ACCEPTED
