"""One encounter becomes one claim: its rows, its amounts, its totals, its papers.

1. Put it into national codes by the facility's catalogue, and refuse what can never be a claim.
2. Make the rows of XML2 and XML3 with what they cost.
3. Work out who pays each row, and the totals.
4. Make XML1, XML4 and XML5, and let the hospital have the last word.
5. Make the papers of the finished XML1.
6. Say what is missing: reasons not to build, or findings of a draft.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from claims.building.benefit import Entitlement, find_entitlement
from claims.building.charges import Charge, charge_medication, charge_service
from claims.building.clinical import note_rows, result_rows
from claims.building.errors import CannotBuild, Reason
from claims.building.extras import Given, Tables, disagreements, overlay, passed_through, pointer_of
from claims.building.layout import Layout, find_layout
from claims.building.link_ids import draft_link_id, find_link_id
from claims.building.papers.tables import paper_rows
from claims.building.refusals import department_of, refusals
from claims.building.remarks import remarks
from claims.building.rows import Row
from claims.building.settings import BuildSettings
from claims.building.settling import Settlement, settle
from claims.building.summary import summary_fields
from claims.building.terminology import Resolved, gap_findings, missing_values, resolve
from claims.bundle.days import Stay, treatment_days
from claims.bundle.findings import Finding, Location
from claims.bundle.kinds import TableKind
from claims.bundle.money import MoneyRules, NoMoneyRules, Totals, add_up, find_rules
from claims.catalogues.catalogue import Catalogue
from claims.emr.encounter import Encounter
from claims.emr.scalars import as_date
from xsd.catalog import SchemaNotFound

_DIFFERS: Final = "differs-from-computed"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a claim was worked out from, for who asks where a value came from."""

    resolved: Resolved
    layout: Layout
    rules: MoneyRules
    entitlement: Entitlement
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class BuiltClaim:
    """A claim as it stands in the bundle; every row knows the item it was made from.

    Attributes:
        ma_lk: Its link id.
        tables: Its tables with their rows; a table without rows is not there.
        totals: The amounts of XML1.
        findings: What is worth knowing about it, and in a draft what it lacks.
        basis: What it was worked out from.
    """

    ma_lk: str
    tables: Mapping[TableKind, tuple[Row, ...]]
    totals: Totals
    findings: tuple[Finding, ...]
    basis: Basis = field(repr=False)


def build_claim(
    encounter: Encounter,
    *,
    stt: int = 1,
    settings: BuildSettings | None = None,
    catalogue: Catalogue | None = None,
    draft: bool = False,
) -> BuiltClaim:
    """Build the claim of one encounter; ``stt`` is its place in the bundle.

    Raises:
        CannotBuild: The encounter is open, has nothing to claim, contradicts something or, unless a
            draft will do, lacks something.
    """
    settings = settings or BuildSettings()
    # (1) National codes, and what can never be a claim.
    layout = _layout(encounter, settings, draft=draft)
    resolved = resolve(encounter, catalogue, on=layout.on)
    encounter = resolved.encounter
    said = {reason.pointer for reason in resolved.gaps}
    others = (one for one in refusals(encounter) if not (one.is_gap and one.pointer in said))
    reasons = [*resolved.gaps, *others]
    if any(not reason.is_gap for reason in reasons):
        raise CannotBuild(tuple(reasons))
    rules, without_rules = _rules(encounter, settings, layout)
    # (2) What it costs, (3) and who pays.
    entitlement, unknown = find_entitlement(encounter, rules)
    settlement = settle(_charges(encounter, rules), entitlement)
    reasons += [*without_rules, *unknown, *settlement.reasons]
    totals = _totals(settlement, entitlement, encounter)
    # (4) The other tables, and the last word.
    stay = _stay(encounter)
    ma_lk = find_link_id(encounter) or draft_link_id(encounter, stt)
    tables = _tables(encounter, entitlement, settlement, _days(encounter, stay, rules), totals)
    given = passed_through(encounter.extra)
    numbered = _numbered(tables, ma_lk=ma_lk, stt=stt)
    differences = [*_exemption_differs(encounter, settlement), *disagreements(numbered, given, layout)]
    reasons += list(_held_against(differences, reasons))
    finished = overlay(numbered, given)
    # (5) The papers.
    papers = paper_rows(encounter, finished[TableKind.XML1][0].fields, on=layout.on, decision=layout.decision)
    reasons += [*papers.reasons, *disagreements(papers.rows, given, layout), *_homeless(given, papers.rows)]
    finished = _fitted({**finished, **overlay(papers.rows, given)}, layout)
    # (6) What is missing.
    reasons += missing_values(finished, on=layout.on, decision=layout.decision, besides=reasons)
    if reasons and not (draft and all(reason.is_gap for reason in reasons)):
        raise CannotBuild(tuple(reasons))
    findings = (
        *gap_findings([*reasons, *resolved.remarks], claim=stt, tables=finished),
        *remarks(encounter, layout, stay, settlement.rows, claim=stt),
        *(replace(each, location=replace(each.location, claim=stt)) for each in papers.findings),
    )
    basis = Basis(resolved, layout, rules, entitlement, settlement)
    return BuiltClaim(ma_lk, finished, totals, findings, basis)


def _layout(encounter: Encounter, settings: BuildSettings, *, draft: bool) -> Layout:
    discharged = encounter.encounter.discharged
    if not discharged:
        raise CannotBuild(tuple(refusals(encounter)))
    try:
        return find_layout(as_date(discharged), settings.decision, draft=draft)
    except SchemaNotFound as error:
        raise CannotBuild((Reason("/encounter/discharged", "no-schema", str(error)),)) from error


def _rules(
    encounter: Encounter, settings: BuildSettings, layout: Layout
) -> tuple[MoneyRules, Sequence[Reason]]:
    # The case is fixed and the claim is settled when the visit ends, so its rules are those of that day.
    began = encounter.encounter.admitted
    admitted = as_date(began) if began else None
    try:
        rules = find_rules(layout.on, settings.money, admitted=admitted, formulas_on=layout.formulas_on)
    except NoMoneyRules as error:
        reason = Reason("/encounter/discharged", "no-money-rules", str(error), is_gap=True)
        # A draft of so old a visit is worked out as if it had ended when its Decision was in force.
        return find_rules(layout.formulas_on, settings.money), (reason,)
    return rules, ()


def _charges(encounter: Encounter, rules: MoneyRules) -> Iterator[Charge]:
    for index, medication in enumerate(encounter.medications):
        yield charge_medication(encounter, index, department_of(encounter, medication.department) or "")
    for index, service in enumerate(encounter.services):
        yield charge_service(encounter, index, department_of(encounter, service.department) or "", rules)


def _totals(settlement: Settlement, entitlement: Entitlement, encounter: Encounter) -> Totals:
    ma_pttt = encounter.encounter.payment_method
    return add_up((row.billed(entitlement, ma_pttt) for row in settlement.rows), entitlement.rules)


def _stay(encounter: Encounter) -> Stay:
    visit = encounter.encounter
    discharged = visit.discharged or ""
    return Stay(
        ma_loai_kcb=visit.visit_type,
        ngay_vao=visit.admitted or discharged,  # only a draft has no beginning
        ngay_ra=discharged,
        ma_loai_rv=visit.discharge_type,
        ket_qua_dtri=visit.outcome,
    )


def _days(encounter: Encounter, stay: Stay, rules: MoneyRules) -> int:
    times = [service.performed or service.ordered for service in encounter.services]
    return treatment_days(stay, service_times=times, counting=rules.day_counting)


def _tables(
    encounter: Encounter, entitlement: Entitlement, settlement: Settlement, days: int, totals: Totals
) -> dict[TableKind, list[Row]]:
    summary = summary_fields(encounter, case=entitlement.case, days=days, totals=totals)
    return {
        TableKind.XML1: [Row(summary, "")],
        TableKind.XML2: [item.row() for item in settlement.rows if item.charge.is_medicine],
        TableKind.XML3: [item.row() for item in settlement.rows if not item.charge.is_medicine],
        TableKind.XML4: result_rows(encounter),
        TableKind.XML5: note_rows(encounter),
    }


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


def _held_against(differences: Iterable[Reason], so_far: Sequence[Reason]) -> Iterator[Reason]:
    """Soften differences to gaps while something is missing: nobody knows yet what it all comes to."""
    for reason in differences:
        yield replace(reason, is_gap=True) if so_far and reason.code == _DIFFERS else reason


def _exemption_differs(encounter: Encounter, settlement: Settlement) -> Iterator[Reason]:
    given, computed = encounter.encounter.low_cost_exempt, settlement.is_cheap_visit
    if given is not None and given is not computed:
        words = str(given).lower(), str(computed).lower()
        detail = f"the exemption of cheap visits is given as {words[0]}, but it comes to {words[1]}"
        params = (("given", words[0]), ("computed", words[1]))
        where = Location(table=TableKind.XML1, row=1, field="MUC_HUONG")
        yield Reason("/encounter/low_cost_exempt", _DIFFERS, detail, params=params, location=where)


def _homeless(given: Given, papers: Tables) -> Iterator[Reason]:
    """List elements of papers that nobody issued."""
    for kind, rows in given.items():
        if kind.number > TableKind.XML5.number and kind not in papers:
            for number in rows:
                detail = f"{kind} has no row, so that its elements have no place"
                yield Reason(pointer_of(kind, number), "no-such-item", detail)


def _fitted(tables: Tables, layout: Layout) -> dict[TableKind, tuple[Row, ...]]:
    """Leave out empty tables, and fields that the Decision does not have (NGAY_TH_YL of XML2 before 4750)."""
    fitted = {}
    for kind, rows in tables.items():
        if rows:
            names = layout.find_schema(kind).field_by_name.keys()
            fitted[kind] = tuple(row if row.fields.keys() <= names else row.within(names) for row in rows)
    return fitted
