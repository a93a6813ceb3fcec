"""Which rules are checked in which stage, as far as what they need is known, and how many are left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.checking.needs import Need
from claims.checking.report import StageName
from claims.checking.rules.book import load_rules
from claims.checking.screening import screening_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from claims.checking.own.rules import OwnRules
    from claims.checking.policy import Weights
    from claims.checking.rules.rule import Rule
    from claims.checking.screening import Screening
    from claims.checking.tables import CheckedClaim

STAGES: Final = (StageName.CROSSTABLE, StageName.RULES, StageName.CATALOGUES, StageName.HISTORY)


# Compared as the objects that they are.
@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rules of one stage.

    Attributes:
        rules: Those that are checked.
        left_out: How many are not, by what they need and nobody knows.
    """

    rules: tuple[Rule, ...]
    left_out: Mapping[str, int]

    def rules_for(self, claim: CheckedClaim) -> Sequence[Rule]:
        """Return the rules that hold on the day when a claim's episode ended and may find something in it."""
        return _in_force(self, claim.on).rules_for(claim)


@lru_cache(maxsize=128)
def make_plan(
    known: frozenset[Need], weights: Weights, own: OwnRules, only: frozenset[str] | None
) -> Mapping[StageName, Part]:
    """Share out the rules among the stages.

    Args:
        known: The needs that are met.
        weights: How grave findings are; a rule that is switched off is not checked.
        own: The hospital's own rules.
        only: The codes of the rules that are asked for; None: all of them.
    """
    rules = [rule for rule in (*_checked_rules(), *own.rules.values()) if only is None or rule.code in only]
    rules = [rule for rule in rules if not weights.is_off(rule.code)]
    return MappingProxyType(
        {stage: _part((rule for rule in rules if rule.stage is stage), known) for stage in STAGES}
    )


def _part(rules: Iterable[Rule], known: frozenset[Need]) -> Part:
    possible: list[Rule] = []
    left_out: Counter[str] = Counter()
    for rule in rules:
        missing = rule.needs - known
        left_out.update(need.value for need in missing)
        if not missing:
            possible.append(rule)
    return Part(tuple(possible), MappingProxyType(dict(sorted(left_out.items()))))


@cache
def _checked_rules() -> Sequence[Rule]:
    """Return the rules that are checked here, and not by an earlier stage."""
    return [rule for rule in load_rules().rules.values() if rule.check is not None]


@lru_cache(maxsize=2048)
def _in_force(part: Part, on: date) -> Screening:
    return screening_of(tuple(rule for rule in part.rules if rule.is_in_force(on)))
