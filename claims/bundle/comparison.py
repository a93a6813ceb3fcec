"""What changed between two versions of a claim: totals first, then rows, then the fields of one-row tables.

Values compare by what they mean: ``10.50`` equals ``10.5``, a composed letter its decomposed form, an empty
element one that is left out. Claims are matched by MA_LK. Which row became which is told by
`rowmatching`, not by its number, so that one inserted row does not make every later one look changed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.rowmatching import canonical, match_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from claims.bundle.contents import Contents, ReadClaim, ReadRow, ReadTable
    from xsd.catalog import Field, TableSchema

_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_NUMBER, _KEY = "STT", "MA_LK"


class Change(StrEnum):
    """What became of a claim or a row."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SPELLING = "spelling"  # written in another way, meaning the same
    SAME = "same"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field with its two values as written; ``field`` is what a Decision says of it, if anything."""

    name: str
    old: str
    new: str
    field: Field | None

    @property
    def change(self) -> Change:
        """Whether it means something else, is only written in another way, or is the same."""
        if self.old == self.new:
            return Change.SAME
        is_same = canonical(self.field, self.old) == canonical(self.field, self.new)
        return Change.SPELLING if is_same else Change.CHANGED

    @property
    def difference(self) -> Decimal | None:
        """The new figure less the old one, where both are figures (an empty one counts as zero)."""
        if self.field is None or self.field.type != "decimal":
            return None
        old, new = self.old.strip() or "0", self.new.strip() or "0"
        if not (_DECIMAL.fullmatch(old) and _DECIMAL.fullmatch(new)):
            return None
        return Decimal(new) - Decimal(old)


@dataclass(frozen=True, slots=True)
class RowChange:
    """What became of one row: the row in both versions, and its changed fields, figures first.

    A row that was added or removed lists the fields that have a value.
    """

    change: Change
    old: ReadRow | None
    new: ReadRow | None
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class TableChange:
    """What became of one table; ``same`` counts the rows that did not change."""

    kind: TableKind
    schema: TableSchema | None
    is_single: bool
    rows: tuple[RowChange, ...]
    same: int


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """What became of one claim.

    Attributes:
        ma_lk: Its episode key (the new one's, where there are both).
        on: The day that decides on its codes and layout.
        change: Whether it was added, removed, changed, or is the same.
        totals: The amounts of XML1, changed or not, in the Decision's order.
        changed_totals: Those of them that are told as changed.
        tables: The tables in which something changed: those with many rows first, then XML1 and the papers.
    """

    ma_lk: str
    on: date
    change: Change
    totals: tuple[FieldChange, ...]
    changed_totals: tuple[FieldChange, ...]
    tables: tuple[TableChange, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two documents. ``facility`` is set when MACSKCB changed."""

    facility: FieldChange | None
    claims: tuple[ClaimChange, ...]

    @property
    def is_equal(self) -> bool:
        """Whether both say the same, however it is written."""
        quiet = {Change.SAME, Change.SPELLING}
        return self.facility is None and all(claim.change in quiet for claim in self.claims)


def compare(old: Contents, new: Contents, *, spelling: bool = False) -> Comparison:
    """Compare two documents; with ``spelling``, what is only written in another way is listed too."""
    claims = tuple(
        _compare_claims(before, after, spelling=spelling)
        for before, after in _match_claims(old.claims, new.claims)
    )
    facility = None
    if old.source.facility != new.source.facility:
        facility = FieldChange("MACSKCB", old.source.facility or "", new.source.facility or "", None)
    return Comparison(facility, claims)


def _match_claims(
    old: Sequence[ReadClaim], new: Sequence[ReadClaim]
) -> Iterator[tuple[ReadClaim | None, ReadClaim | None]]:
    if len(old) == len(new) == 1:
        yield old[0], new[0]  # whoever compares two files of one claim means these two
        return
    waiting: dict[str, list[ReadClaim]] = defaultdict(list)
    for claim in old:
        waiting[claim.ma_lk].append(claim)
    for claim in new:
        same = waiting[claim.ma_lk]
        yield (same.pop(0) if same else None), claim
    for claim in old:
        if any(claim is left for left in waiting[claim.ma_lk]):
            yield claim, None


def _compare_claims(old: ReadClaim | None, new: ReadClaim | None, *, spelling: bool) -> ClaimChange:
    claim = new or old
    if claim is None:
        raise ValueError("one of the two is a claim")
    # Of two different episodes, MA_LK differs in every row, which says nothing about any of them.
    is_same_episode = old is None or new is None or old.ma_lk == new.ma_lk
    ignored = frozenset({_NUMBER} if is_same_episode else {_NUMBER, _KEY})
    found = {table.kind for one in (old, new) if one is not None for table in one.tables}
    totals: tuple[FieldChange, ...] = ()
    changes: list[TableChange] = []
    for kind in sorted(found, key=lambda kind: kind.number):
        versions = (_find(old, kind), _find(new, kind))
        apart = ignored
        if kind is TableKind.XML1:
            totals = tuple(_totals(*versions))
            apart = frozenset({_NUMBER, *(total.name for total in totals)})
        changes.append(_compare_tables(kind, *versions, apart, spelling=spelling))
    tables = tuple(sorted((table for table in changes if table.rows), key=lambda table: table.is_single))
    listed = tuple(total for total in totals if total.change not in _unlisted(spelling=spelling))
    return ClaimChange(claim.ma_lk, claim.on, _of_claim(old, new, listed, tables), totals, listed, tables)


def _unlisted(*, spelling: bool) -> set[Change]:
    return {Change.SAME} if spelling else {Change.SAME, Change.SPELLING}


def _find(claim: ReadClaim | None, kind: TableKind) -> ReadTable | None:
    return None if claim is None else claim.find_table(kind)


def _of_claim(
    old: ReadClaim | None,
    new: ReadClaim | None,
    totals: Iterable[FieldChange],
    tables: Iterable[TableChange],
) -> Change:
    if old is None or new is None:
        return Change.ADDED if old is None else Change.REMOVED
    found = {row.change for table in tables for row in table.rows} | {total.change for total in totals}
    if not found:
        return Change.SAME
    return Change.SPELLING if found == {Change.SPELLING} else Change.CHANGED


def _totals(old: ReadTable | None, new: ReadTable | None) -> Iterator[FieldChange]:
    """Yield the amounts of the summary row in both versions."""
    schema = _schema(old, new)
    before, after = (_values(next(iter(_rows(table)), None)) for table in (old, new))
    for field in () if schema is None else schema.fields:
        if field.kind == "amount":
            yield FieldChange(field.name, before.get(field.name, ""), after.get(field.name, ""), field)


def _compare_tables(
    kind: TableKind,
    old: ReadTable | None,
    new: ReadTable | None,
    ignored: frozenset[str],
    *,
    spelling: bool,
) -> TableChange:
    schema = _schema(old, new)
    unlisted = _unlisted(spelling=spelling)
    pairs = match_rows(kind, schema, (_rows(old), _rows(new)), ignored)
    rows = [_compare_rows(schema, before, after, ignored) for before, after in pairs]
    listed = tuple(row for row in rows if row.change not in unlisted)
    is_single = all(table.is_single for table in (old, new) if table is not None)
    return TableChange(kind, schema, is_single, listed, len(rows) - len(listed))


def _rows(table: ReadTable | None) -> tuple[ReadRow, ...]:
    return () if table is None else table.rows


def _compare_rows(
    schema: TableSchema | None, old: ReadRow | None, new: ReadRow | None, ignored: frozenset[str]
) -> RowChange:
    fields = [change for change in _fields(schema, old, new) if change.name not in ignored]
    if old is None or new is None:
        kept = [change for change in fields if change.change is not Change.SAME]
        return RowChange(Change.ADDED if old is None else Change.REMOVED, old, new, tuple(kept))
    changed = [change for change in fields if change.change is Change.CHANGED]
    respelled = [change for change in fields if change.change is Change.SPELLING]
    change = Change.CHANGED if changed else Change.SPELLING if respelled else Change.SAME
    changed.sort(key=lambda one: one.difference is None)
    return RowChange(change, old, new, tuple(changed or respelled))


def _fields(schema: TableSchema | None, old: ReadRow | None, new: ReadRow | None) -> Iterator[FieldChange]:
    known = {} if schema is None else schema.field_by_name
    before, after = _values(old), _values(new)
    for name in dict.fromkeys((*known, *before, *after)):
        yield FieldChange(name, before.get(name, ""), after.get(name, ""), known.get(name))


def _values(row: ReadRow | None) -> dict[str, str]:
    """Return a row's values by field; of a field that stands twice, both."""
    values: dict[str, str] = {}
    for name, text in () if row is None else row.fields:
        values[name] = f"{values[name]} | {text}" if name in values else text
    return values


def _schema(old: ReadTable | None, new: ReadTable | None) -> TableSchema | None:
    return next((table.schema for table in (new, old) if table and table.schema), None)
