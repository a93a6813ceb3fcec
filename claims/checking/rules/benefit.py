"""Rules of the percent of benefit (MUC_HUONG) of each row."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.benefit import is_cheap_visit
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.rounding import percent_of
from claims.bundle.money.rules import find_rules
from claims.checking.rules.rule import Hit, rule
from claims.checking.rules.visits import STAYING, kind_of_visit
from claims.checking.values import read_number
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claims.bundle.money.rules import MoneyRules
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

#: PHAM_VI of what is within cover, for everybody or for the forces.
_COVERED: Final = frozenset({"1", "3"})
_BILLED: Final = (TableKind.XML2, TableKind.XML3)
_WHOLE: Final = Decimal(100)
_NOTHING: Final = Decimal(0)
#: Before the percent had decimals it was written without them.
_ROUNDED: Final = Decimal("0.5")


@rule("ELIG.MUC_HUONG")
def find_wrong_percents(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The percent of a row is the card's times that of the case; what may lift it to the whole is allowed.

    Silent wherever an answer is open: cards that do not say their percent, cases whose factor is not known.
    """
    summary = claim.summary_row
    rules = None if summary is None else _rules(claim)
    cards = () if summary is None else summary.items_of("MA_THE_BHYT")
    if summary is None or rules is None or not cards:
        return
    case = summary["MA_DOITUONG_KCB"]
    factor = rules.find_factor(case, is_inpatient=kind_of_visit(claim) in STAYING)
    if factor is None or case not in rules.case_factors:
        return  # not established
    lifted = _lifted(summary, rules, case, factor)
    # Most rows of a day have one percent: of each pair of them it is asked once, whatever else the rows say.
    pairs = {
        (percent, ordered[:8])
        for kind in _BILLED
        for percent, ordered in zip(
            claim.column(kind, "MUC_HUONG"), claim.column(kind, "NGAY_YL"), strict=True
        )
    }
    wrong: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    for percent, ordered in pairs:
        given = read_number(percent)
        if given is None or (given and given in lifted):
            continue
        expected = _of_cards(cards, rules, factor, ordered)
        if expected and all(abs(given - one) >= _ROUNDED for one in expected):
            params = (("given", f"{given.normalize():f}"), ("expected", f"{expected[0].normalize():f}"))
            wrong[percent, ordered] = params
    if wrong:
        yield from _hits(claim, wrong, lifted)


def _hits(
    claim: CheckedClaim,
    wrong: Mapping[tuple[str, str], tuple[tuple[str, str], ...]],
    lifted: frozenset[Decimal],
) -> Iterator[Hit]:
    """Find the rows of wrong percents: of each percent, day and whether the fund pays, the first."""
    seen: set[tuple[str, str, bool]] = set()
    for kind in _BILLED:
        for row in claim.rows(kind):
            percent, ordered = row["MUC_HUONG"], row["NGAY_YL"][:8]
            is_paid = bool(row.number_of("T_BHTT"))
            key = (percent, ordered, is_paid)
            if key in seen or row["PHAM_VI"] not in _COVERED or not row.number_of("THANH_TIEN_BH"):
                continue
            seen.add(key)
            # Nothing is the percent of what another pays, not of what the fund does.
            if (percent, ordered) in wrong and (is_paid or read_number(percent) not in lifted):
                yield Hit(row, "MUC_HUONG", wrong[percent, ordered])


def _rules(claim: CheckedClaim) -> MoneyRules | None:
    try:
        return find_rules(claim.on)
    except NoMoneyRules:
        return None


def _lifted(summary: Row, rules: MoneyRules, case: str, factor: Decimal) -> frozenset[Decimal]:
    """Return the percents that a row may have whatever the card says."""
    cost = summary.number_of("T_TONGCHI_BH")
    is_cheap = cost is not None and is_cheap_visit(cost, rules)
    if case in rules.settings.whole_cases.on(rules.on) or summary["NGAY_MIEN_CCT"].strip():
        return frozenset({_WHOLE, factor, _NOTHING})
    return frozenset({_WHOLE, factor, _NOTHING} if is_cheap else {_NOTHING})


def _of_cards(cards: tuple[str, ...], rules: MoneyRules, factor: Decimal, ordered: str) -> list[Decimal]:
    """Return what each card makes of an order; nothing if one of them does not say its percent."""
    ordered_on = parse_day(ordered) or rules.on
    percents = [rules.find_card_percent(card, on=day) for card in cards for day in {ordered_on, rules.on}]
    if any(percent is None for percent in percents):
        return []
    return [percent_of(factor, percent) for percent in percents if percent is not None]
