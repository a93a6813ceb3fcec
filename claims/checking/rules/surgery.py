"""Rules of surgery, and of the supplies that services use."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.errors import NoMoneyRules
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.money.rules import find_rules
from claims.checking.rules.packages import ceiling_of_packages, packages_of, paid_by_fund
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.values import is_blank, split_items

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from claims.bundle.money.settings import MoneySettings
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_SURGERY: Final = frozenset({"8"})
_OF_OPERATIONS: Final = Screen((TableKind.XML3,), ("MA_NHOM",), _SURGERY.__contains__)


@rule("XML3.SURGERY_CODE", Screen((TableKind.XML1, TableKind.XML3), ("MA_PTTT_QT",)))
def find_differing_procedure_codes(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Where a claim has international codes of procedures, every operation has one, and XML1 has the same.

    A claim that has none at all is not judged: whether one must be there, only the list of codes says.
    """
    summary = claim.summary_row
    if summary is None:
        return
    above = set(summary.items_of("MA_PTTT_QT"))
    below = {code for text in set(claim.column(TableKind.XML3, "MA_PTTT_QT")) for code in split_items(text)}
    if above != below:
        yield Hit(summary, "MA_PTTT_QT", (("codes", ", ".join(sorted(above ^ below))[:60]),))
    elif below:
        for row in _operations(claim):
            if not row["MA_PTTT_QT"].strip():
                yield Hit(row, "MA_PTTT_QT", (("codes", row["MA_DICH_VU"][:50]),))


@rule("XML3.SURGERY_SECOND", _OF_OPERATIONS)
def find_later_operations_at_full_rate(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Of several operations in one session all but one are paid at the reduced rate."""
    operations = [row for row in _operations(claim) if row["PHAM_VI"] != PATIENT_PAYS]
    if len(operations) < 2:  # noqa: PLR2004 - a second one is needed
        return
    try:
        settings = find_rules(claim.on).settings
    except NoMoneyRules:
        return
    for session in _sessions(operations):
        first, *later = sorted(session, key=lambda row: -(row.number_of("TYLE_TT_DV") or Decimal(0)))
        for row in later:
            most, rate = _most_percent(claim, settings, first, row), row.number_of("TYLE_TT_DV")
            if rate is not None and rate > most:
                yield Hit(row, "TYLE_TT_DV", (("given", f"{rate:f}"), ("most", f"{most:f}")))


@rule("XML5.SURGERY_NOTE", _OF_OPERATIONS)
def find_operations_without_note(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A claim with an operation has a note of one."""
    operations = _operations(claim)
    if operations and all(map(is_blank, claim.column(TableKind.XML5, "PHAU_THUAT"))):
        yield Hit(operations[0], "MA_DICH_VU")


@rule("XML3.SUPPLY_SERVICE_DAY", Screen((TableKind.XML3,), ("MA_VAT_TU",)))
def find_supplies_without_their_service(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A supply that names the service it was used for has that service on its day."""
    supplies = claim.rows_where(
        TableKind.XML3, lambda *codes: not any(map(is_blank, codes)), "MA_VAT_TU", "MA_DICH_VU"
    )
    if not supplies:
        return
    done = {_service_days(row) for row in claim.rows(TableKind.XML3) if is_blank(row["MA_VAT_TU"])}
    days = {(code, day) for code, *both in done for day in both}
    for row in supplies:
        day = row.day("NGAY_YL")
        if day and (row["MA_DICH_VU"], day) not in days:
            yield Hit(row, "MA_DICH_VU", (("code", row["MA_DICH_VU"][:50]),))


@rule("XML3.SUPPLY_PACKAGE_CAP", Screen((TableKind.XML3,), ("GOI_VTYT",)))
def find_packages_above_ceiling(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The fund pays no more than the ceiling for the supplies of one use of a service. One hit a package."""
    packages = packages_of(claim)
    if not packages or (ceiling := ceiling_of_packages(claim)) is None:
        return
    for package in packages:
        paid = paid_by_fund(package)
        if paid > ceiling:
            yield Hit(package[0], "T_BHTT", (("given", f"{paid:f}"), ("most", f"{ceiling:f}")))


def _operations(claim: CheckedClaim) -> Sequence[Row]:
    return claim.rows_of(TableKind.XML3, "MA_NHOM", _SURGERY)


def _sessions(operations: list[Row]) -> Iterator[list[Row]]:
    """Group operations that overlap in time; one without both times is in no session."""
    timed = [row for row in operations if row.moment("NGAY_TH_YL") and row.moment("NGAY_KQ")]
    session: list[Row] = []
    ends = ""
    for row in sorted(timed, key=lambda row: row["NGAY_TH_YL"]):
        if row["NGAY_TH_YL"] >= ends and session:
            yield session
            session = []
        session.append(row)
        ends = max(ends, row["NGAY_KQ"])
    if session:
        yield session


def _most_percent(claim: CheckedClaim, settings: MoneySettings, first: Row, later: Row) -> Decimal:
    """Return the rate of a later operation: lower where the same team did both."""
    is_same_team = set(first.items_of("NGUOI_THUC_HIEN")) == set(later.items_of("NGUOI_THUC_HIEN"))
    if is_same_team:
        return settings.later_surgery_percent_same_team.on(claim.on)
    return settings.later_surgery_percent_other_team.on(claim.on)


def _service_days(row: Row) -> tuple[str, str | None, str | None]:
    return row["MA_DICH_VU"], row.day("NGAY_YL"), row.day("NGAY_TH_YL")
