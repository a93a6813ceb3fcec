"""What a rule is: its facts as data, its check as one small function, and what the function answers.

The facts of all rules are the tables ``*.toml`` beside this module, one for each concern; a rule that is more
than one of the plain forms in ``forms.py`` has a function of its own, which :func:`rule` ties to its code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from claims.bundle.findings import Severity
from claims.checking.needs import Need
from claims.checking.report import StageName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from claims.bundle.kinds import TableKind
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row


class Group(StrEnum):
    """What the insurer's automatic assessment looks at: the points of Circular 12/2026, article 10.1."""

    CARD = "a"
    BENEFIT = "b"
    SCOPE = "c"
    PRICE = "d"
    RATES = "đ"
    FACILITY = "e"
    PRACTITIONER = "g"
    INTERVALS = "h"
    REASONABLENESS = "i"
    CONSISTENCY = "k"
    QUANTITIES = "m"


class Category(StrEnum):
    """What kind of fault a rule is about."""

    FORMAT = "format"
    REQUIRED = "required"
    CODE_LIST = "code_list"
    CONSISTENCY = "consistency"
    TIMING = "timing"
    ARITHMETIC = "arithmetic"
    ELIGIBILITY = "eligibility"
    PRICE = "price"
    CATALOGUE = "catalogue"
    PRACTITIONER = "practitioner"
    CLINICAL = "clinical"
    DUPLICATE = "duplicate"


class Confidence(StrEnum):
    """How well a rule is known: from the law, from several sources in practice, from one, or by guess.

    A rule of a facility's own is as well known as the facility says.
    """

    LAW = "law"
    STRONG = "strong"
    WEAK = "weak"
    UNKNOWN = "unknown"
    OWN = "own"  # a rule of the facility's own

    @property
    def may_block(self) -> bool:
        """Whether a rule so well known keeps a bundle from being sent unless a policy says otherwise."""
        return self in {Confidence.LAW, Confidence.STRONG, Confidence.OWN}


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken.

    Attributes:
        row: The row; None: the claim as a whole.
        field: The field of that row.
        params: What the rule's sentence fills in; never what identifies a patient.
        instead: What happened instead of a breach (``failed``: the rule could not be checked); then it is an
            info under the rule's code with this at its end.
    """

    row: Row | None = None
    field: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    instead: str = ""


def in_row_order(hits: list[Hit]) -> list[Hit]:
    """Return hits in one table, found field by field, row by row."""
    return sorted(hits, key=lambda hit: 0 if hit.row is None else hit.row.number) if len(hits) > 1 else hits


# Compared as the objects that they are: several rules may share one.
@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """Where there must be something for a rule to find anything: of that it is screened before it is asked.

    Attributes:
        tables: Tables; where a claim has none of them, the screen sees nothing.
        fields: Their fields; one value in one of them is enough. None: that a table is there is enough.
        is_so: Whether a value is such as the rule looks for, told by the value alone. It may see too much,
            but must not miss what the rule would find.
    """

    tables: tuple[TableKind, ...]
    fields: tuple[str, ...] = ()
    is_so: Callable[[str], object] = bool


#: How a rule is checked: it answers with each place where the claim breaks it.
Check: TypeAlias = "Callable[[CheckedClaim, Known], Iterable[Hit]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A sample claim and two changes of it: one that breaks the rule, and one that does not.

    How a change is written is said in ``claims/checking/samples.py``.
    """

    sample: str
    breaks: tuple[str, ...]
    keeps: tuple[str, ...]


# Compared as the objects that they are, too: there is one of each.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One rule: what it asks, why, since when, and how it is checked.

    Attributes:
        code: The code of its findings.
        tables: The tables that it looks at.
        fields: The fields that it looks at.
        severity: How grave a breach is by the source; :attr:`default_severity` is what counts.
        clause: Where it is written: Decision, Circular, article, clause; or which practice.
        valid_from: The first day of discharge for which it holds; None: since ever.
        valid_to: The last such day; None: still.
        needs: What must be known beside the claim.
        screens: It finds nothing in a claim unless each of them sees something there.
        check: How it is checked; None: an earlier stage does, and finds it under ``found_as``.
        found_as: The code under which an earlier stage finds a breach; empty: the rule's own.
    """

    code: str
    tables: tuple[TableKind, ...]
    fields: tuple[str, ...]
    severity: Severity
    category: Category
    group: Group
    confidence: Confidence
    clause: str
    valid_from: date | None = None
    valid_to: date | None = None
    needs: frozenset[Need] = frozenset()
    screens: tuple[Screen, ...] = field(default=(), repr=False)
    check: Check | None = field(default=None, repr=False)
    found_as: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def default_severity(self) -> Severity:
        """How grave a breach is where no policy says otherwise: what is not well known only warns."""
        if self.confidence.may_block or self.severity is Severity.INFO:
            return self.severity
        return Severity.WARNING

    @property
    def stage(self) -> StageName:
        """The stage in which the rule is checked."""
        if self.needs & {Need.HISTORY}:
            return StageName.HISTORY
        if self.needs - {Need.CALENDAR}:
            return StageName.CATALOGUES
        return StageName.CROSSTABLE if self.category is Category.CONSISTENCY else StageName.RULES

    def is_in_force(self, on: date) -> bool:
        """Whether the rule holds for an episode that ended on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


_checks: Final[dict[str, tuple[Check, tuple[Screen, ...]]]] = {}


def rule(code: str, *screens: Screen) -> Callable[[Check], Check]:
    """Tie a function to the code of the rule that it checks, behind its screens."""

    def tie(check: Check) -> Check:
        if code in _checks:
            raise ValueError(f"the rule {code} has two functions")
        _checks[code] = check, screens
        return check

    return tie


def find_check(code: str) -> tuple[Check | None, tuple[Screen, ...]]:
    """Return the function of a rule, if it has one of its own, and its screens."""
    return _checks.get(code, (None, ()))
