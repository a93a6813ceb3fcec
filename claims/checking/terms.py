"""On what terms bundles are checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from claims.checking.identity import RuleSet, identify
from claims.checking.own.rules import NO_OWN_RULES, OwnRules
from claims.checking.policy import DEFAULT_CHECK_POLICY, CheckPolicy
from claims.checking.report import StageName
from claims.checking.rules.book import load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claims.catalogues.catalogue import Catalogue
    from claims.checking.needs import Need
    from claims.checking.signatures import SignatureTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTerms:
    """On what terms bundles are checked.

    Attributes:
        signature: On what terms a signature is accepted; None: it is not looked at, so that an unsigned
            bundle can be checked as well.
        expected_facility: Who handed the bundle over, where that is known.
        policy: What the Decisions leave open.
        catalogue: The facility's lists. Rules that need a list which is not there are left out.
        more: What else is known, by need.
        own_rules: The hospital's own rules.
        until: The last stage that is asked for.
        rules: The codes of the rules to check; None: all of them.
        person_key: The key of the blind index of insured persons; None: none is made.
    """

    signature: SignatureTerms | None = None
    expected_facility: str | None = None
    policy: CheckPolicy = DEFAULT_CHECK_POLICY
    catalogue: Catalogue | None = None
    more: Mapping[Need, object] = field(default_factory=lambda: MappingProxyType({}))
    own_rules: OwnRules = NO_OWN_RULES
    until: StageName = StageName.HISTORY
    rules: frozenset[str] | None = None
    person_key: bytes | None = field(default=None, repr=False)

    @property
    def rule_set(self) -> RuleSet:
        """By which rules, severities and lists is checked."""
        return identify(
            self.policy.name,
            rules=load_rules().sha256,
            policy=self.policy.identity,
            own_rules=self.own_rules.sha256,
            catalogue="" if self.catalogue is None else self.catalogue.version,
        )


DEFAULT_TERMS = CheckTerms()
