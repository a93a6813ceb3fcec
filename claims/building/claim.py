"""One encounter becomes one claim: its rows, its amounts, its totals.

1. Refuse what can never be a claim.
2. Make the rows of XML2 and XML3 with what they cost.
3. Add up what is inside the scope: a cheap visit changes the percent of every row.
4. Work out who pays each row, and the totals.
5. Make XML4, XML5 and XML1, and let the hospital have the last word.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.building.benefit import Entitlement, case_of, find_entitlement
from claims.building.charges import Charge, charge_medication, charge_service
from claims.building.clinical import note_rows, result_rows
from claims.building.days import DAY_COUNTING, DayCounting, treatment_days
from claims.building.errors import CannotBuild, Reason
from claims.building.extras import disagreements, overlay
from claims.building.refusals import department_of, refusals
from claims.building.rows import Row
from claims.building.summary import summary_fields
from claims.bundle.kinds import TableKind
from claims.bundle.money import (
    DEFAULT_SETTINGS,
    ZERO,
    BilledRow,
    Dated,
    MoneyRules,
    MoneySettings,
    NoMoneyRules,
    OtherSourcesTooLarge,
    Totals,
    add_up,
    find_rules,
    is_cheap_visit,
    row_percent,
    split,
)
from claims.emr.encounter import Encounter
from claims.emr.scalars import as_date, plain

_OUTSIDE_SCOPE: Final = "2"


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """How the questions are answered that the facts leave open."""

    money: MoneySettings = DEFAULT_SETTINGS
    days: Dated[DayCounting] = DAY_COUNTING


@dataclass(frozen=True, slots=True)
class BuiltClaim:
    """A claim as it stands in the bundle; every row knows the item it was made from."""

    ma_lk: str
    tables: Mapping[TableKind, tuple[Row, ...]]
    totals: Totals


@dataclass(frozen=True, slots=True)
class _Settled:
    charge: Charge
    billed: BilledRow
    row: Row


def build_claim(encounter: Encounter, *, stt: int = 1, settings: BuildSettings | None = None) -> BuiltClaim:
    """Build the claim of one encounter; ``stt`` is its place in the bundle.

    Raises:
        CannotBuild: The encounter is open, has nothing to claim, or lacks or contradicts something.
    """
    settings = settings or BuildSettings()
    # (1) What can never be a claim.
    if reasons := tuple(refusals(encounter)):
        raise CannotBuild(reasons)
    visit = encounter.encounter
    discharged, case, ma_lk = str(visit.discharged), str(case_of(encounter)), str(visit.link_id)
    rules = _rules(discharged, settings)
    entitlement = find_entitlement(encounter, case, rules)
    if not isinstance(entitlement, Entitlement):
        raise CannotBuild(tuple(entitlement))
    # (2) What it costs.
    charges = tuple(_charges(encounter, rules))
    # (3) Whether it is a cheap visit.
    is_cheap = is_cheap_visit(sum((charge.amounts.thanh_tien_bh for charge in charges), ZERO), rules)
    _compare_exemption(visit.low_cost_exempt, is_cheap=is_cheap)
    # (4) Who pays.
    settled = _settle(charges, entitlement, visit.payment_method, is_cheap=is_cheap)
    totals = add_up(
        (item.billed for item in settled),
        rules,
        counts_in_gdv=all(rules.is_gdv_card(card.card) for card in encounter.coverage),
    )
    # (5) The other tables, and the last word.
    days = treatment_days(
        encounter,
        discharged=discharged,
        service_times=[service.performed or service.ordered for service in encounter.services],
        counting=settings.days,
    )
    summary = Row(summary_fields(encounter, case=case, discharged=discharged, days=days, totals=totals), "")
    tables = {
        TableKind.XML1: [summary],
        TableKind.XML2: [item.row for item in settled if item.charge.is_medicine],
        TableKind.XML3: [item.row for item in settled if not item.charge.is_medicine],
        TableKind.XML4: result_rows(encounter),
        TableKind.XML5: note_rows(encounter),
    }
    numbered = _numbered(tables, ma_lk=ma_lk, stt=stt)
    if reasons := tuple(disagreements(numbered, encounter.extra, on=rules.on)):
        raise CannotBuild(reasons)
    finished = overlay(numbered, encounter.extra)
    return BuiltClaim(ma_lk, {kind: rows for kind, rows in finished.items() if rows}, totals)


def _rules(discharged: str, settings: BuildSettings) -> MoneyRules:
    # The case is fixed and the claim is settled when the visit ends, so its rules are those of that day.
    try:
        return find_rules(as_date(discharged), settings.money)
    except NoMoneyRules as error:
        raise CannotBuild((Reason("/encounter/discharged", "no-money-rules", str(error)),)) from error


def _charges(encounter: Encounter, rules: MoneyRules) -> Iterator[Charge]:
    for index, medication in enumerate(encounter.medications):
        yield charge_medication(encounter, index, department_of(encounter, medication.department) or "")
    for index, service in enumerate(encounter.services):
        yield charge_service(encounter, index, department_of(encounter, service.department) or "", rules)


def _compare_exemption(given: bool | None, *, is_cheap: bool) -> None:  # noqa: FBT001 (a value to compare, no switch)
    if given is not None and given is not is_cheap:
        detail = (
            f"the exemption of cheap visits is given as {_word(given)}, but it comes to {_word(is_cheap)}"
        )
        raise CannotBuild((Reason("/encounter/low_cost_exempt", "differs-from-computed", detail),))


def _word(flag: bool) -> str:  # noqa: FBT001 (the flag is what is written)
    return "true" if flag else "false"


def _settle(
    charges: Sequence[Charge],
    entitlement: Entitlement,
    ma_pttt: str,
    *,
    is_cheap: bool,
) -> list[_Settled]:
    """Work out who pays, in the order of the rows: by time of the order, then as they came."""
    settled, reasons = [], []
    for charge in sorted(charges, key=lambda charge: charge.ordered):
        muc_huong = entitlement.percent_at(charge.ordered, is_cheap_visit=is_cheap)
        if muc_huong is None and charge.fields["PHAM_VI"] != _OUTSIDE_SCOPE:
            detail = "no insurance card pays on the day of the order"
            reasons.append(Reason(f"{charge.source}/ordered", "no-card-on-that-day", detail))
            continue
        try:
            percent = row_percent(muc_huong or ZERO, nguon_ctra=charge.nguon_ctra)
            settled.append(_settle_one(charge, percent, ma_pttt))
        except OtherSourcesTooLarge as error:
            reasons.append(Reason(f"{charge.source}/other_sources", "other-sources-too-large", str(error)))
    if reasons:
        raise CannotBuild(tuple(reasons))
    return settled


def _settle_one(charge: Charge, muc_huong: Decimal, ma_pttt: str) -> _Settled:
    parts = split(charge.amounts, muc_huong=muc_huong, other_sources=charge.other_sources)
    row = {
        **charge.fields,
        "T_NGUONKHAC": plain(parts.t_nguonkhac),
        "MUC_HUONG": plain(muc_huong),
        "T_BNTT": plain(parts.t_bntt),
        "T_BNCCT": plain(parts.t_bncct),
        "T_BHTT": plain(parts.t_bhtt),
    }
    billed = BilledRow(charge.is_medicine, charge.ma_nhom, ma_pttt, charge.amounts, parts)
    return _Settled(charge, billed, Row(row, charge.source))


def _numbered(
    tables: Mapping[TableKind, Sequence[Row]], *, ma_lk: str, stt: int
) -> dict[TableKind, list[Row]]:
    """Give every row its key; the summary's number is the claim's place in the bundle."""
    return {
        kind: [
            Row({"MA_LK": ma_lk, "STT": str(number), **row.fields}, row.source)
            for number, row in enumerate(rows, start=stt if kind is TableKind.XML1 else 1)
        ]
        for kind, rows in tables.items()
    }
