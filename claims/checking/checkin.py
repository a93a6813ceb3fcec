"""The check of a check-in document (XML0), which travels on its own and never in a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claims.bundle.envelope import Claim, Table, parse_finding, strip_asides
from claims.bundle.kinds import TableKind
from claims.bundle.notation import may_have_unseen_characters
from claims.checking.envelopes import wrong_root
from claims.checking.known import Known
from claims.checking.rules import FAMILIES
from claims.checking.rules.book import load_rules
from claims.checking.rules.breaches import find_breaches
from claims.checking.shapes import check_tables
from claims.localtime import local_date, parse_day
from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.errors import Unparsable
from xsd.catalog import SchemaNotFound, find_schema

if TYPE_CHECKING:
    from datetime import datetime

    from claims.bundle.findings import Finding
    from claims.checking.tables import Row


@dataclass(frozen=True, slots=True)
class CheckedCheckIn:
    """A check-in document that was checked.

    Attributes:
        findings: Everything that was found.
        rows: Its rows; none where it could not be read.
        decision: The Decision that it keeps to; None where none is in force.
    """

    findings: tuple[Finding, ...]
    rows: tuple[Row, ...] = ()
    decision: str | None = None

    @property
    def is_acceptable(self) -> bool:
        """Whether nothing was found that blocks sending."""
        return not any(finding.is_blocking for finding in self.findings)


def check_check_in(data: bytes, *, at: datetime, limits: Limits = DEFAULT_LIMITS) -> tuple[Finding, ...]:
    """Check a check-in document as it was received at a moment (aware), and return what was found."""
    return read_check_in(data, at=at, limits=limits).findings


def read_check_in(data: bytes, *, at: datetime, limits: Limits = DEFAULT_LIMITS) -> CheckedCheckIn:
    """Check a check-in document as it was received at a moment (aware), and return its rows as well.

    It keeps to the Decision in force on the day of the first arrival (NGAY_VAO), for it is sent before
    the episode ends. Its signature is not looked at.
    """
    try:
        root = parse(data, limits=limits)
    except Unparsable as error:
        return CheckedCheckIn((parse_finding(error),))
    strip_asides(root)
    received_on = local_date(at)
    on = parse_day((root.findtext(".//NGAY_VAO") or "").strip()) or received_on
    try:
        is_check_in = root.tag == find_schema(TableKind.XML0, on=on).root
    except SchemaNotFound:
        is_check_in = True  # the check of the table says which day it is
    if not is_check_in:
        return CheckedCheckIn((wrong_root(root),))
    table = Table(TableKind.XML0, root, None, may_have_unseen=may_have_unseen_characters(data))
    claim = Claim(1, root.sourceline, (table,))
    checked, findings = check_tables(claim, on)
    known = Known(received_at=at)
    rules = [rule for rule in load_rules().rules.values() if not rule.needs and rule.is_in_force(checked.on)]
    said = {finding.location for finding in findings if finding.is_blocking}
    in_document = checked.tables.get(TableKind.XML0)
    return CheckedCheckIn(
        findings=(
            *findings,
            *(finding for family in FAMILIES for finding in family(checked)),
            *find_breaches(checked, rules, known, said),
        ),
        rows=tuple(checked.rows(TableKind.XML0)),
        decision=None if in_document is None else in_document.schema.decision,
    )
