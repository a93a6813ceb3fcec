"""Rules of insurance cards: their days, and what they entitle to. Their form is data alone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.benefit import is_cheap_visit
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.rules import find_rules
from claims.checking.rules.packages import is_a_package_full
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import STAYING, age_in_years, born_on, days_between, kind_of_visit, stay_of
from claims.checking.values import is_blank, read_number, split_items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.bundle.money.rules import MoneyRules
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_CARD_LENGTH: Final = 15
_WHOLE: Final = frozenset("125")
_GRACE_DAYS: Final = 15
_FOREVER: Final = "99999999"
_CHILD_UNTIL: Final = 6
_PUPIL_UNTIL: Final = 25
_END_OF_SUMMER: Final = "0930"  # a child's card holds until the end of September of the year it turns six
_PARALLEL: Final = ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN")
_HUNDRED: Final = Decimal(100)
_OF_COPAYMENTS: Final = Screen((TableKind.XML1,), ("T_BNCCT",), read_number)


@rule("CARD.LIST_PARALLEL")
def find_uneven_lists(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Each card has its facility and its days."""
    summary = claim.summary_row
    cards = () if summary is None else summary.items_of("MA_THE_BHYT")
    if summary is None or not cards:
        return
    for field in _PARALLEL:
        given = len(summary.items_of(field))
        if given and given != len(cards):
            yield Hit(summary, field, (("given", str(given)), ("cards", str(len(cards)))))


@rule("CARD.REQUIRED", Screen((TableKind.XML1,), ("MA_THE_BHYT",), is_blank))
def find_payment_without_card(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Where the fund pays there is a card."""
    summary = claim.summary_row
    if summary is not None and summary.number_of("T_BHTT") and not summary["MA_THE_BHYT"].strip():
        yield Hit(summary, "MA_THE_BHYT")


@rule("CARD.VALID_AT_ADMISSION")
def find_no_card_at_arrival(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """One of the cards is valid on the day of arrival."""
    if _is_valid_at_arrival(claim) is False:
        yield Hit(claim.summary_row, "GT_THE_DEN")


@rule("CARD.VALID_AT_DISCHARGE")
def find_no_card_at_leaving(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A card that was valid at arrival still is at leaving, or ran out less than 15 days before."""
    stay = stay_of(claim)
    if stay is None or not _is_valid_at_arrival(claim):
        return
    if _is_too_late(claim, stay[1][:8]):
        yield Hit(claim.summary_row, "GT_THE_DEN")


@rule("CARD.BENEFIT_100", _OF_COPAYMENTS)
def find_copayment_of_whole_benefit(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A card of 100 percent on the right route has no co-payment."""
    summary = claim.summary_row
    if summary is None or _benefit_digit(summary) not in _WHOLE or not _is_on_route(claim, summary):
        return
    copayment = summary.number_of("T_BNCCT")
    if copayment and not is_a_package_full(claim):
        yield Hit(summary, "T_BNCCT", (("given", f"{copayment:f}"),))


@rule("CARD.BENEFIT_95", Screen((TableKind.XML1,), ("MA_THE_BHYT",), lambda cards: "3" in _digits(cards)))
def find_wrong_copayment_of_95(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A card of 95 percent has a co-payment of 5 percent, unless the visit is cheap."""
    return _wrong_copayment(claim, "3", Decimal(95))


@rule("CARD.BENEFIT_80", Screen((TableKind.XML1,), ("MA_THE_BHYT",), lambda cards: "4" in _digits(cards)))
def find_wrong_copayment_of_80(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A card of 80 percent has a co-payment of 20 percent, unless the visit is cheap."""
    return _wrong_copayment(claim, "4", Decimal(80))


@rule("CARD.SMALL_COST", _OF_COPAYMENTS)
def find_copayment_of_cheap_visit(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A visit that costs little has no co-payment."""
    summary = claim.summary_row
    if summary is None or not summary.number_of("T_BNCCT") or not _is_on_route(claim, summary):
        return
    if _benefit_digit(summary) not in _WHOLE and _is_cheap(claim, summary):
        yield Hit(summary, "T_BNCCT")


@rule("CARD.CHILD_TE", Screen((TableKind.XML1,), ("MA_THE_BHYT",), lambda cards: cards.startswith("TE")))
def find_wrong_child_card(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A TE card is a small child's, until the September of the year it turns six, without co-payment."""
    summary, stay = claim.summary_row, stay_of(claim)
    if summary is None or stay is None or not summary["MA_THE_BHYT"].startswith("TE"):
        return
    born = born_on(summary)
    if not born:
        return
    turned_six = f"{int(born[:4]) + _CHILD_UNTIL}"
    is_past = age_in_years(born, stay[0]) >= _CHILD_UNTIL and stay[0][:8] > turned_six + _END_OF_SUMMER
    if is_past or (summary.number_of("T_BNCCT") and _is_on_route(claim, summary)):
        yield Hit(summary, "MA_THE_BHYT")


@rule("CARD.STUDENT_AGE", Screen((TableKind.XML1,), ("MA_THE_BHYT",), lambda cards: cards.startswith("HS")))
def find_old_pupil(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """An HS card is a pupil's."""
    summary, stay = claim.summary_row, stay_of(claim)
    if summary is None or stay is None or not summary["MA_THE_BHYT"].startswith("HS"):
        return
    born = born_on(summary)
    age = age_in_years(born, stay[0]) if born else 0
    if age > _PUPIL_UNTIL:
        yield Hit(summary, "MA_THE_BHYT", (("age", str(age)),))


def _is_valid_at_arrival(claim: CheckedClaim) -> bool | None:
    """Whether a card is valid on the day of arrival; None where that cannot be said."""
    summary, stay = claim.summary_row, stay_of(claim)
    if summary is None or stay is None or not summary["MA_THE_BHYT"].strip():
        return None
    starts, ends = summary.items_of("GT_THE_TU"), _ends(summary)
    if not starts or len(starts) != len(ends):
        return None
    day = stay[0][:8]
    return any(start[:8] <= day <= end[:8] for start, end in zip(starts, ends, strict=True))


def _ends(summary: Row) -> tuple[str, ...]:
    """Return the last days of the cards; a card without one has no end."""
    return summary.items_of("GT_THE_DEN") or (_FOREVER,) * len(summary.items_of("GT_THE_TU"))


def _is_too_late(claim: CheckedClaim, day: str) -> bool:
    summary = claim.summary_row
    last = "" if summary is None else max((end[:8] for end in _ends(summary)), default="")
    if not last or day <= last:
        return False
    return kind_of_visit(claim) not in STAYING or days_between(last, day) > _GRACE_DAYS


def _benefit_digit(summary: Row) -> str:
    """Return the digit of benefit of the cards; empty where they differ or have none."""
    digits = _digits(summary["MA_THE_BHYT"])
    return digits.pop() if len(digits) == 1 else ""


def _digits(cards: str) -> set[str]:
    return {card[2] for card in split_items(cards) if len(card) == _CARD_LENGTH}


def _is_on_route(claim: CheckedClaim, summary: Row) -> bool:
    """Whether the category leaves the whole of what the card entitles to."""
    rules, case = _money_rules(claim), summary["MA_DOITUONG_KCB"]
    if rules is None or case in rules.settings.whole_cases.on(rules.on):
        return False
    return rules.find_factor(case, is_inpatient=kind_of_visit(claim) in STAYING) == _HUNDRED


def _is_cheap(claim: CheckedClaim, summary: Row) -> bool:
    rules, cost = _money_rules(claim), summary.number_of("T_TONGCHI_BH")
    return rules is not None and cost is not None and is_cheap_visit(cost, rules)


def _money_rules(claim: CheckedClaim) -> MoneyRules | None:
    try:
        return find_rules(claim.on)
    except NoMoneyRules:
        return None


def _wrong_copayment(claim: CheckedClaim, digit: str, percent: Decimal) -> Iterator[Hit]:
    """Find a co-payment that is not what is left of the percent, where nothing else bears on it."""
    summary = claim.summary_row
    if summary is None or _benefit_digit(summary) != digit or not _is_on_route(claim, summary):
        return
    if summary["NGAY_MIEN_CCT"] or summary.number_of("T_NGUONKHAC") or _is_cheap(claim, summary):
        return
    percents = claim.values(TableKind.XML2, "MUC_HUONG") | claim.values(TableKind.XML3, "MUC_HUONG")
    ceilings = claim.values(TableKind.XML2, "T_TRANTT") | claim.values(TableKind.XML3, "T_TRANTT")
    if (
        any(ceilings)
        or is_a_package_full(claim)
        or not all(read_number(one) in {percent, 0} for one in percents)
    ):
        return
    cost, given = summary.number_of("T_TONGCHI_BH"), summary.number_of("T_BNCCT")
    if cost is None or given is None:
        return
    expected = cost * (100 - percent) / 100
    rows = claim.count(TableKind.XML2) + claim.count(TableKind.XML3)
    if abs(given - expected) > 1 + rows * Decimal("0.01"):  # each row is rounded for itself
        yield Hit(summary, "T_BNCCT", (("given", f"{given:f}"), ("expected", f"{expected:f}")))
