"""What a claim lacks: required fields that are empty, and how gaps read as findings of a draft."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from claims.building.errors import Reason
from claims.building.places import Places, pointer_to
from claims.building.rows import Row
from claims.bundle.findings import NOWHERE, Finding, Location, Severity
from claims.bundle.kinds import TableKind
from xsd.catalog import SchemaNotFound, find_schema


def missing_values(
    tables: Mapping[TableKind, Sequence[Row]],
    *,
    on: date,
    decision: str | None = None,
    besides: Iterable[Reason] = (),
) -> Iterator[Reason]:
    """List the fields that the Decision requires and that are empty in finished rows.

    What ``besides`` already says of the same place is not said again.
    """
    said = {reason.pointer for reason in besides}
    for kind, rows in tables.items():
        required = _required(kind, on, decision)
        for number, row in enumerate(rows, start=1):
            for name in required:
                if row.fields.get(name):
                    continue
                pointer = pointer_to(kind, row, name)
                if pointer not in said or pointer == row.source:
                    yield _missing(pointer, Location(table=kind, row=number, field=name))


def gap_findings(
    reasons: Iterable[Reason], *, claim: int, tables: Mapping[TableKind, Sequence[Row]]
) -> tuple[Finding, ...]:
    """Word gaps and remarks as warnings ``BUILD.<code>`` at the row and field that they concern.

    ``claim`` counts the claims of the bundle from 1; ``tables`` are the finished rows of that claim.
    """
    places = Places(tables)
    return tuple(dict.fromkeys(_finding(reason, claim, places) for reason in reasons))


def _finding(reason: Reason, claim: int, places: Places) -> Finding:
    place = places.find(reason.pointer) if reason.location == NOWHERE else reason.location
    params = (("source", reason.pointer), *reason.params)
    return Finding(f"BUILD.{reason.code}", Severity.WARNING, replace(place, claim=claim), params)


def _missing(pointer: str, location: Location) -> Reason:
    detail = f"{location.table}.{location.field} is required, and nothing says it"
    return Reason(pointer, "value-missing", detail, is_gap=True, location=location)


@lru_cache(maxsize=512)
def _required(kind: TableKind, on: date, decision: str | None) -> tuple[str, ...]:
    try:
        fields = find_schema(kind, on=on, decision=decision).fields
    except SchemaNotFound:
        return ()
    return tuple(field.name for field in fields if field.required == "yes")
