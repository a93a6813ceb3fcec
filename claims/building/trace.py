"""The trace of a built bundle as JSON: for every value, where it came from, down to the EMR's items.

A trace is told from what building kept anyway, so a bundle whose trace nobody asks for costs nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Final

from claims.building.build import Built
from claims.building.claim import BuiltClaim
from claims.building.formulas import load_formulas
from claims.building.provenance import Computed, FromField, FromItems, Origins, Provenance
from claims.building.rows import Row
from claims.building.settling import Settled
from claims.building.terminology import Lookup
from claims.bundle.kinds import TableKind
from claims.bundle.money import BilledRow, MoneyRules, add_up, copayments_by_year
from claims.emr.encounter import Encounter
from claims.emr.scalars import plain

Json = dict[str, object]

_OF_THE_SUMMARY: Final = ("/encounter", "/patient", "/diagnoses")


def trace_to_json(built: Built) -> Json:
    """Tell where every value of a bundle came from.

    ``claims`` holds each claim: its ``rules`` (base salary, limits, case, every dated answer), its ``shares``
    by card and percent, the ``formulas`` that occur (in both languages, with the clause) and its ``rows``.
    A row has ``stt`` (its place in a table without that field), ``sources``, the items that it was made
    from with the EMR's own ids, and ``fields``. A field that is not empty has its
    ``value`` and either ``source`` (JSON pointers into the encounter; with ``catalogue`` where a
    facility's list gave it, with ``missing`` where nobody did), ``copied_from`` (a field of XML1), or
    ``formula`` with its ``inputs``; a sum has ``sum_of`` with the table, STT and value of each row.
    """
    return {"claims": [_claim(claim) for claim in built.claims]}


def _claim(claim: BuiltClaim) -> Json:
    formulas: set[str] = set()
    rows = _rows(claim, formulas)
    return {
        "ma_lk": claim.ma_lk,
        "decision": claim.basis.layout.decision_in_use,
        "rules": _rules(claim),
        "shares": _shares(claim),
        "formulas": {name: asdict(load_formulas()[name]) for name in sorted(formulas)},
        "rows": rows,
    }


def _rows(claim: BuiltClaim, formulas: set[str]) -> list[Json]:
    """Return every row of a claim, and note the formulas that occur."""
    origins = Origins(claim)
    places = {row.source: (kind, row) for kind, rows in claim.tables.items() for row in rows}
    return [
        {
            "table": kind.value,
            "stt": row.fields.get("STT", str(number)),
            "sources": _sources(claim.basis.resolved.encounter, row),
            "fields": {
                name: {"value": value, **_provenance(origins.of(kind, row, name), places, formulas)}
                for name, value in row.fields.items()
                if value
            },
        }
        for kind, rows in claim.tables.items()
        for number, row in enumerate(rows, start=1)
    ]


def _rules(claim: BuiltClaim) -> Json:
    basis = claim.basis
    rules, entitlement = basis.rules, basis.entitlement
    return {
        "on": rules.on.isoformat(),
        "formulas_on": rules.formulas_on.isoformat(),
        "salary_on": rules.salary_on.isoformat(),
        "base_salary": plain(rules.base_salary),
        "cheap_visit_below": plain(rules.cheap_visit_below),
        "is_cheap_visit": basis.settlement.is_cheap_visit,
        "package_ceiling": plain(rules.package_ceiling),
        "case": entitlement.case,
        "factor": plain(entitlement.factor),
        "settings": _settings(rules),
    }


def _settings(rules: MoneyRules) -> Json:
    """Return every dated answer as it stood on the day."""
    answers = {setting.name: getattr(rules.settings, setting.name) for setting in fields(rules.settings)}
    formulas = {"service_amount", "day_counting"}
    return {
        name: _plainly(answer.on(rules.formulas_on if name in formulas else rules.on))
        for name, answer in answers.items()
    }


def _plainly(answer: object) -> object:
    if isinstance(answer, frozenset):
        return sorted(answer)
    if hasattr(answer, "items"):
        return {code: plain(percent) for code, percent in answer.items()}
    return str(answer)


def _shares(claim: BuiltClaim) -> list[Json]:
    """Split the amounts by card and percent: the record of a stay in which either changed."""
    entitlement, rules = claim.basis.entitlement, claim.basis.rules
    ma_pttt = claim.basis.resolved.encounter.encounter.payment_method
    shares: dict[tuple[int | None, str], list[Settled]] = {}
    for row in claim.basis.settlement.rows:
        shares.setdefault((row.grant.card, plain(row.grant.granted.percent)), []).append(row)
    listed: list[Json] = []
    for (card, percent), rows in shares.items():
        billed: list[BilledRow] = [row.billed(entitlement, ma_pttt) for row in rows]
        totals = add_up(billed, rules)
        listed.append(
            {
                "card": None if card is None else f"/coverage/{card}",
                "muc_huong": percent,
                "totals": {each.name.upper(): plain(getattr(totals, each.name)) for each in fields(totals)},
                "copayments_by_year": {
                    year: plain(amount)
                    for year, amount in copayments_by_year(
                        (row.charge.ordered, row.split) for row in rows
                    ).items()
                },
            }
        )
    return listed


def _sources(encounter: Encounter, row: Row) -> list[Json]:
    cards = tuple(f"/coverage/{index}" for index in range(len(encounter.coverage)))
    pointers = (row.source,) if row.source else (*_OF_THE_SUMMARY, *cards)
    return [{"pointer": pointer, "origin": list(_origin(encounter, pointer))} for pointer in pointers]


def _origin(encounter: Encounter, pointer: str) -> Sequence[str]:
    """Follow a pointer to an item, and return the EMR's ids of it."""
    item: object = encounter
    for part in pointer.split("/")[1:]:
        item = item[int(part)] if isinstance(item, tuple) else getattr(item, part)
    return getattr(item, "origin", ())


def _provenance(found: Provenance, places: dict[str, tuple[TableKind, Row]], formulas: set[str]) -> Json:
    match found:
        case FromItems(pointers, lookups, is_missing):
            source = pointers[0] if len(pointers) == 1 else list(pointers)
            catalogue = {"catalogue": [_lookup(lookup) for lookup in lookups]} if lookups else {}
            return {"source": source, **catalogue, **({"missing": True} if is_missing else {})}
        case FromField(table, field):
            return {"copied_from": {"table": table.value, "field": field}}
        case Computed(formula, inputs, summed, rows):
            formulas.add(formula)
            told: Json = {"formula": formula, "inputs": dict(inputs)}
            if summed:
                told["sum_of"] = [
                    {
                        "table": kind.value,
                        "stt": row.fields["STT"],
                        "field": summed,
                        "value": row.fields[summed],
                    }
                    for kind, row in (places[source] for source in rows)
                ]
            return told


def _lookup(lookup: Lookup) -> Json:
    return {
        "pointer": lookup.pointer,
        "asked": lookup.source,
        "file": lookup.file,
        "row": lookup.row,
        "found": lookup.value,
    }
