"""Which percent of benefit a row has: the cards, the case and the exemptions of an encounter."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from claims.building.errors import Reason
from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind
from claims.bundle.money import ZERO, Benefit, Granted, Ground, MoneyRules, grant
from claims.emr.encounter import Coverage, Encounter
from claims.emr.scalars import as_date, plain

EMERGENCY: Final = "2"
NOT_INSURED: Final = "9"
INPATIENT_TYPES: Final = frozenset({"03", "04", "09"})
_CARD: Final = Location(table=TableKind.XML1, row=1, field="MA_THE_BHYT")


def case_of(encounter: Encounter) -> str | None:
    """Return MA_DOITUONG_KCB: what the hospital said, else the emergency it reported."""
    visit = encounter.encounter
    return visit.case or (EMERGENCY if visit.emergency else None)


@dataclass(frozen=True, slots=True)
class CardGrant:
    """The percent of what was ordered at a time, and the card (by its place) that gave it."""

    granted: Granted
    card: int | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the cards and the case of one encounter entitle to.

    Attributes:
        case: MA_DOITUONG_KCB; empty when nobody knows it.
        factor: The percent that the case leaves of the card's.
        cards: The cards in the order of the encounter.
        admitted: When the visit began.
        rules: The money rules of the visit.
    """

    case: str
    factor: Decimal
    cards: tuple[Coverage, ...]
    admitted: str
    rules: MoneyRules

    def grant_at(self, ordered: str, *, is_cheap_visit: bool) -> CardGrant:
        """Work out MUC_HUONG of what was ordered at a time."""
        if self.case == NOT_INSURED:
            return CardGrant(Granted(ZERO, Ground.NOT_INSURED))
        paying = self._paying(ordered[:8])
        if not paying:
            return CardGrant(Granted(ZERO, Ground.NO_CARD))
        # Decree 188/2025, article 21.1: of several percents the highest.
        percent, index = max(paying, key=lambda found: found[0])
        benefit = Benefit(
            card_percent=percent,
            case=self.case,
            factor=self.factor,
            is_cheap_visit=is_cheap_visit,
            is_copay_exempt=any(_is_copay_exempt(card, ordered) for card in self.cards),
        )
        return CardGrant(grant(benefit, self.rules), index)

    def card_percent(self, card: Coverage, day: str) -> Decimal:
        """Return the percent of a card on a day: the look-up answer, which wins over the digit."""
        if card.percent is not None:
            return card.percent
        return self.rules.find_card_percent(card.card, on=as_date(day)) or ZERO

    def has_package_ceiling(self, grant: CardGrant) -> bool:
        """Say whether the fund pays a package of supplies up to its ceiling only; some cards have none."""
        return grant.card is None or self.rules.has_package_ceiling(self.cards[grant.card].card)

    def _paying(self, day: str) -> list[tuple[Decimal, int]]:
        """List percent and place of the cards that pay on a day: in force, else just ended."""
        in_force = [index for index, card in enumerate(self.cards) if _is_in_force(card, day)]
        paying = in_force or [index for index, card in enumerate(self.cards) if self._pays_on(card, day)]
        return [(self.card_percent(self.cards[index], day), index) for index in paying]

    def _pays_on(self, card: Coverage, day: str) -> bool:
        """Say whether a card that ended during the stay still pays."""
        if not card.valid_to or not self.admitted[:8] <= card.valid_to < day:
            return False
        grace = timedelta(days=self.rules.settings.grace_days_after_card.on(self.rules.on))
        return as_date(day) <= as_date(card.valid_to) + grace


def find_entitlement(encounter: Encounter, rules: MoneyRules) -> tuple[Entitlement, list[Reason]]:
    """Find what an encounter entitles to, and what nobody can say about it: of that the fund pays nothing."""
    case = case_of(encounter)
    is_inpatient = encounter.encounter.visit_type in INPATIENT_TYPES
    factor = None if case is None else rules.find_factor(case, is_inpatient=is_inpatient)
    entitlement = Entitlement(
        case=case or "",
        factor=ZERO if factor is None else factor,
        cards=encounter.coverage,
        admitted=encounter.encounter.admitted,
        rules=rules,
    )
    reasons = [
        Reason(
            f"/coverage/{index}/percent",
            "percent-unknown",
            "the card number does not say its percent and the look-up answer is not given",
            is_gap=True,
        )
        for index, card in enumerate(encounter.coverage)
        if card.percent is None and rules.find_card_percent(card.card) is None
    ]
    reasons += [
        fraction(f"/coverage/{index}/percent", plain(card.percent))
        for index, card in enumerate(encounter.coverage)
        if card.percent is not None and 0 < card.percent <= 1
    ]
    visit = encounter.encounter
    idle = [
        index
        for index, card in enumerate(encounter.coverage)
        if not _touches(card, visit.admitted, visit.discharged)
    ]
    # Without another card it is the days of the orders that have none.
    reasons += [
        Reason(
            f"/coverage/{index}/card",
            "card-not-valid",
            "the card is not in force on any day of the visit: leave it out",
            is_gap=True,
        )
        for index in idle
        if len(idle) < len(encounter.coverage)
    ]
    if case is not None and factor is None:
        detail = f"no benefit factor is established for case {case} on {rules.on.isoformat()}"
        params = (("case", case), ("on", rules.on.isoformat()))
        reasons.append(Reason("/encounter/case", "factor-unknown", detail, is_gap=True, params=params))
    if not encounter.coverage and case != NOT_INSURED:
        detail = "an insured visit needs an insurance card"
        reasons.append(Reason("/coverage", "no-card", detail, is_gap=True, location=_CARD))
    return entitlement, reasons


def fraction(pointer: str, percent: str) -> Reason:
    """Refuse a percent of at most one: no card and no rate pays so little, so 0.8 stands for 80."""
    detail = f"a percent is needed, and {percent} seems to be a fraction: write 80 for 80 %"
    return Reason(pointer, "percent-is-fraction", detail, params=(("percent", percent),))


def _touches(card: Coverage, admitted: str, discharged: str | None) -> bool:
    """Say whether a card is in force on a day of a visit."""
    begins_too_late = bool(discharged) and card.valid_from > (discharged or "")[:8]
    return not begins_too_late and not (card.valid_to and card.valid_to < admitted[:8])


def _is_in_force(card: Coverage, day: str) -> bool:
    return card.valid_from <= day and (not card.valid_to or day <= card.valid_to)


def _is_copay_exempt(card: Coverage, ordered: str) -> bool:
    # Five years insured and six base salaries paid: free from that moment to the end of the year.
    since = card.copay_exempt_from or ""
    return since[:4] == ordered[:4] and since.ljust(12, "0") <= ordered
