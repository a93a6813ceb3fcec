"""The insurer's policy of reviewing: what must be seen, above what two decide, and for what reasons."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

from claims.bundle.findings import Severity
from claims.errors import ClaimsError
from claims.exchange.review.review import Lane

_ONE_IN: Final = 2**31


class UnreadableReviewPolicy(ClaimsError):
    """The file with the insurer's policy makes no sense."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the review policy cannot be used: {problem}")


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of the insurer's list, in both languages."""

    code: str
    vi: str
    en: str

    def text(self, language: str) -> str:
        """Return it in ``vi`` or ``en``."""
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True, slots=True)
class Triage:
    """Which lane a claim goes into.

    Attributes:
        must_see_from: Claims of at least this amount must be seen.
        must_see_codes: Findings whose claims must be seen (a code, or a family such as ``*.range``).
        must_see_facilities: Facilities whose claims must be seen.
        one_in: Of claims that nothing speaks against, one in so many must be seen, by chance; 0: none.
        hits_from: From what severity on a finding puts a claim among those with a hit.
    """

    must_see_from: Decimal
    must_see_codes: frozenset[str]
    must_see_facilities: frozenset[str]
    one_in: int
    hits_from: Severity

    def lane_of(
        self, *, facility: str, claimed: Decimal, codes: Mapping[str, Severity], dice: int
    ) -> tuple[Lane, tuple[str, ...]]:
        """Return the lane of a claim and what put it there.

        Args:
            facility: Whose it is.
            claimed: What the fund is asked for.
            codes: What the check found, with the gravest severity of each.
            dice: An even number from 0 to below 2**31 that nobody chose.
        """
        reasons: list[str] = []
        if claimed >= self.must_see_from:
            reasons.append("amount")
        if facility in self.must_see_facilities:
            reasons.append("facility")
        reasons += [f"code:{code}" for code in codes if self._is_must_see(code)]
        if reasons:
            return Lane.MUST_SEE, tuple(reasons)
        hits = tuple(f"code:{code}" for code, severity in codes.items() if self._is_hit(severity))
        if hits:
            return Lane.RULE_HIT, hits
        if self.one_in and dice < _ONE_IN // self.one_in:
            return Lane.MUST_SEE, ("chance",)
        return Lane.CLEAN, ()

    def _is_must_see(self, code: str) -> bool:
        return code in self.must_see_codes or f"*.{code.rpartition('.')[2]}" in self.must_see_codes

    def _is_hit(self, severity: Severity) -> bool:
        order = tuple(Severity)
        return order.index(severity) >= order.index(self.hits_from)


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """How an insurer reviews.

    Attributes:
        four_eyes_from: From this amount on a second reviewer confirms.
        undo_s: For how many seconds a decision can be undone.
        lock_s: For how long a claim that somebody opened to decide is kept for him.
    """

    triage: Triage
    four_eyes_from: Decimal
    undo_s: int
    lock_s: int
    reasons: tuple[Reason, ...]

    def find_reason(self, code: str) -> Reason | None:
        """Return the reason of a code, or None when the list has none."""
        return next((reason for reason in self.reasons if reason.code == code), None)


@cache
def default_policy() -> ReviewPolicy:
    """Return the policy that comes with eHoSo."""
    return read_policy((resources.files(__package__ or "") / "policy.toml").read_text("utf-8"))


def read_policy(text: str) -> ReviewPolicy:
    """Read a policy.

    Raises:
        UnreadableReviewPolicy: It is no TOML, lacks something or holds something that makes no sense.
    """
    try:
        document = tomllib.loads(text)
        policy = _policy(document)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise UnreadableReviewPolicy(f"{type(error).__name__}: {error}") from error
    unknown = document.keys() - {"triage", "deciding", "reasons"}
    if unknown:
        raise UnreadableReviewPolicy(f"unknown: {', '.join(sorted(unknown))}")
    if not policy.reasons:
        raise UnreadableReviewPolicy("it has no reasons")
    return policy


def _policy(document: Mapping[str, Any]) -> ReviewPolicy:
    triage, deciding = document["triage"], document["deciding"]
    return ReviewPolicy(
        triage=Triage(
            must_see_from=_amount(triage["must_see_from_vnd"]),
            must_see_codes=frozenset(_texts(triage["must_see_codes"])),
            must_see_facilities=frozenset(_texts(triage["must_see_facilities"])),
            one_in=_natural(triage["one_in"]),
            hits_from=Severity(triage["hits_from"]),
        ),
        four_eyes_from=_amount(deciding["four_eyes_from_vnd"]),
        undo_s=_natural(deciding["undo_s"]),
        lock_s=_natural(deciding["lock_s"]),
        reasons=tuple(
            Reason(code, str(one["vi"]), str(one["en"])) for code, one in document["reasons"].items()
        ),
    )


def _amount(value: object) -> Decimal:
    return Decimal(_natural(value))


def _natural(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number from 0 on")
    return value


def _texts(value: object) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{value!r} is no list of texts")
    return value
