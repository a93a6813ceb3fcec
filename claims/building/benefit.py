"""Which percent of benefit a row has: the cards, the case and the exemptions of an encounter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from claims.building.errors import Reason
from claims.bundle.money import ZERO, Benefit, MoneyRules, muc_huong
from claims.emr.encounter import Coverage, Encounter
from claims.emr.scalars import as_date

EMERGENCY: Final = "2"
NOT_INSURED: Final = "9"
INPATIENT_TYPES: Final = frozenset({"03", "04", "09"})


def case_of(encounter: Encounter) -> str | None:
    """Return MA_DOITUONG_KCB: what the hospital said, else the emergency it reported."""
    visit = encounter.encounter
    return visit.case or (EMERGENCY if visit.emergency else None)


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the cards and the case of one encounter entitle to."""

    case: str
    factor: Decimal
    cards: tuple[tuple[Coverage, Decimal], ...]
    admitted: str
    rules: MoneyRules

    def percent_at(self, ordered: str, *, is_cheap_visit: bool) -> Decimal | None:
        """Work out MUC_HUONG of what was ordered at a time; None when no card pays on that day."""
        if self.case == NOT_INSURED:
            return ZERO
        paying = [(card, percent) for card, percent in self.cards if self._pays(card, ordered)]
        if not paying:
            return None
        benefit = Benefit(
            # Decree 188/2025, article 21.1: of several percents the highest.
            card_percent=max(percent for _, percent in paying),
            case=self.case,
            factor=self.factor,
            is_cheap_visit=is_cheap_visit,
            is_copay_exempt=any(_is_copay_exempt(card, ordered) for card, _ in paying),
        )
        return muc_huong(benefit, self.rules)

    def _pays(self, card: Coverage, ordered: str) -> bool:
        day = ordered[:8]
        if day < card.valid_from:
            return False
        if card.valid_to is None or day <= card.valid_to:
            return True
        # A card that ends during the stay pays on, for some days.
        grace = timedelta(days=self.rules.settings.grace_days_after_card.on(self.rules.on))
        return self.admitted[:8] <= card.valid_to and as_date(day) <= as_date(card.valid_to) + grace


def find_entitlement(encounter: Encounter, case: str, rules: MoneyRules) -> Entitlement | Sequence[Reason]:
    """Find what an encounter entitles to, or the reasons why nobody can say."""
    factor = rules.find_factor(case, is_inpatient=encounter.encounter.visit_type in INPATIENT_TYPES)
    cards = [(card, _card_percent(card, rules)) for card in encounter.coverage]
    reasons = [
        Reason(
            f"/coverage/{index}/percent",
            "percent-unknown",
            "the card number does not say its percent and the look-up answer is not given",
        )
        for index, (_, percent) in enumerate(cards)
        if percent is None
    ]
    if factor is None:
        detail = f"no benefit factor is established for case {case} on {rules.on.isoformat()}"
        reasons.append(Reason("/encounter/case", "factor-unknown", detail))
    if not cards and case != NOT_INSURED:
        reasons.append(Reason("/coverage", "no-card", "an insured visit needs an insurance card"))
    if reasons or factor is None:
        return reasons
    return Entitlement(
        case=case,
        factor=factor,
        cards=tuple((card, percent) for card, percent in cards if percent is not None),
        admitted=encounter.encounter.admitted,
        rules=rules,
    )


def _card_percent(card: Coverage, rules: MoneyRules) -> Decimal | None:
    # The look-up answer wins over the digit.
    return rules.find_card_percent(card.card) if card.percent is None else card.percent


def _is_copay_exempt(card: Coverage, ordered: str) -> bool:
    since = card.copay_exempt_from
    # Five years insured and six base salaries paid: free from that moment to the end of the year.
    return since is not None and since[:4] == ordered[:4] and since.ljust(12, "0") <= ordered
