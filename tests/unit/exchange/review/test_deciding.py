"""What a decision must say, and which lane a claim goes into."""

from dataclasses import replace
from decimal import Decimal

import pytest

from claims.bundle.findings import Finding, Location, Severity
from claims.exchange.errors import UnsoundDecision
from claims.exchange.review.deciding import require_sound
from claims.exchange.review.opening import gravest_by_code, roll
from claims.exchange.review.policy import UnreadableReviewPolicy, default_policy, read_policy
from claims.exchange.review.review import Cut, Decision, Lane, Verdict
from claims.exchange.review.searching import fold, folded_words

POLICY = default_policy()
CLAIMED = Decimal(1_000_000)
CUT = Cut(Decimal(100), "PRICE", "XML2", 1)


@pytest.mark.parametrize(
    ("decision", "problem"),
    [
        pytest.param(Decision(Verdict.DECLINED), "no-reason", id="declined-without-reason"),
        pytest.param(Decision(Verdict.DECLINED, reason="NONE"), "no-reason", id="reason-not-on-the-list"),
        pytest.param(Decision(Verdict.DECLINED, reason="OTHER"), "no-note", id="another-reason-unsaid"),
        pytest.param(Decision(Verdict.REDUCED), "no-cuts", id="reduced-by-nothing"),
        pytest.param(Decision(Verdict.REDUCED, (replace(CUT, amount=Decimal(0)),)), "no-amount", id="zero"),
        pytest.param(Decision(Verdict.REDUCED, (replace(CUT, amount=Decimal(-5)),)), "no-amount", id="minus"),
        pytest.param(
            Decision(Verdict.REDUCED, (replace(CUT, amount=Decimal("NaN")),)), "no-amount", id="nan"
        ),
        pytest.param(Decision(Verdict.REDUCED, (CUT, CUT)), "row-twice", id="one-row-twice"),
        pytest.param(
            Decision(Verdict.REDUCED, (replace(CUT, amount=CLAIMED + 1),)), "more-than-claimed", id="too-much"
        ),
        pytest.param(Decision(Verdict.ACCEPTED, (CUT,)), "cuts-without-reducing", id="accepted-with-cuts"),
    ],
)
def test_a_decision_that_lacks_something_is_told_what(decision: Decision, problem: str) -> None:
    with pytest.raises(UnsoundDecision) as caught:
        require_sound(decision, CLAIMED, POLICY)

    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("decision", "approved"),
    [
        pytest.param(Decision(Verdict.ACCEPTED), CLAIMED, id="accepted"),
        pytest.param(Decision(Verdict.REDUCED, (CUT,)), CLAIMED - 100, id="reduced"),
        pytest.param(Decision(Verdict.DECLINED, reason="CARD"), 0, id="declined"),
    ],
)
def test_a_sound_decision_comes_to_an_amount(decision: Decision, approved: Decimal) -> None:
    require_sound(decision, CLAIMED, POLICY)

    assert decision.approved(CLAIMED) == approved


@pytest.mark.parametrize(
    ("claimed", "codes", "dice", "lane"),
    [
        pytest.param(1, {}, 2**31 - 1, Lane.CLEAN, id="nothing-speaks-against-it"),
        pytest.param(1, {"A": Severity.INFO}, 2**31 - 1, Lane.CLEAN, id="information-is-no-hit"),
        pytest.param(1, {"A": Severity.WARNING}, 0, Lane.RULE_HIT, id="a-warning-is"),
        pytest.param(20_000_000, {}, 2**31 - 1, Lane.MUST_SEE, id="much-money"),
        pytest.param(1, {}, 0, Lane.MUST_SEE, id="chance"),
        pytest.param(1, {"XML2.X.range": Severity.INFO}, 2**31 - 1, Lane.MUST_SEE, id="a-code-of-the-policy"),
    ],
)
def test_the_policy_says_which_lane(claimed: int, codes: dict[str, Severity], dice: int, lane: Lane) -> None:
    triage = replace(POLICY.triage, must_see_codes=frozenset({"*.range"}))

    found, _ = triage.lane_of(facility="79001", claimed=Decimal(claimed), codes=codes, dice=dice)

    assert found is lane


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("one_in = 50", "one_in = -1"), id="negative"),
        pytest.param(("one_in = 50", 'one_in = "50"'), id="text-for-a-number"),
        pytest.param(('hits_from = "warning"', 'hits_from = "bad"'), id="no-severity"),
        pytest.param(("[deciding]", "[decidign]"), id="misspelled"),
        pytest.param(("[triage]", "[triage"), id="no-toml"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change: tuple[str, str]) -> None:
    from importlib import resources

    text = (resources.files("claims.exchange.review") / "policy.toml").read_text("utf-8")

    with pytest.raises(UnreadableReviewPolicy):
        read_policy(text.replace(*change))


def test_letters_fold_however_they_are_composed() -> None:
    composed, decomposed = "Đặng Quỳnh Như", "Đặng Quỳnh Như"

    assert fold(composed) == fold(decomposed) == "dang quynh nhu"
    assert folded_words("Lê  Lê-Văn", "GD4799") == ("le", "van", "gd4799")


def test_each_code_counts_once_with_its_gravest_severity_the_gravest_first() -> None:
    findings = [
        Finding("A", Severity.INFO, Location(row=1)),
        Finding("B", Severity.WARNING),
        Finding("A", Severity.ERROR, Location(row=2)),
    ]

    assert list(gravest_by_code(findings).items()) == [("A", Severity.ERROR), ("B", Severity.WARNING)]


def test_dice_are_even_and_stay() -> None:
    rolled = [roll(f"sub_{number}", 1) for number in range(2_000)]

    assert rolled == [roll(f"sub_{number}", 1) for number in range(2_000)]
    assert 0.45 < sum(one < 2**30 for one in rolled) / 2_000 < 0.55
