"""Which row of a table became which in another version of it.

Rows have no key that survives a correction: STT is their place. So they are matched in rounds, each over
what the one before it left:

1. Rows that say the same.
2. Rows of one code and one time, the most alike first.
3. Rows of one code.
4. Rows that say the same but for their code, which was corrected; where a table has no code, rows that are
   alike in more than half of their values.

What is left was added or removed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from claims.bundle.kinds import TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from claims.bundle.contents import ReadRow
    from xsd.catalog import Field, TableSchema

Pair: TypeAlias = "tuple[ReadRow | None, ReadRow | None]"

_DECIMAL: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_MOST_PAIRS: Final = 40_000  # beyond which rows of one group are matched in their order, not by likeness
_ENOUGH: Final = Decimal("0.5")

# What tells rows of a table apart before their amounts do; other tables have no such fields.
_CODES: Final[Mapping[TableKind, tuple[str, ...]]] = MappingProxyType(
    {
        TableKind.XML2: ("MA_THUOC",),
        TableKind.XML3: ("MA_DICH_VU", "MA_VAT_TU"),
        TableKind.XML4: ("MA_DICH_VU", "MA_CHI_SO"),
        TableKind.XML5: ("THOI_DIEM_DBLS",),
    }
)
_NAMES: Final[Mapping[TableKind, tuple[str, ...]]] = MappingProxyType(
    {
        TableKind.XML2: ("MA_THUOC", "TEN_THUOC"),
        TableKind.XML3: ("MA_DICH_VU", "TEN_DICH_VU", "MA_VAT_TU", "TEN_VAT_TU"),
        TableKind.XML4: ("MA_DICH_VU", "MA_CHI_SO", "TEN_CHI_SO"),
        TableKind.XML5: ("THOI_DIEM_DBLS",),
    }
)
_TIMES: Final = ("NGAY_YL", "NGAY_KQ", "THOI_DIEM_DBLS")
_QUANTITIES: Final = ("SO_LUONG", "DON_GIA", "DON_GIA_BV", "DON_GIA_BH")


class _Row:
    """A row with its values as they compare."""

    __slots__ = ("row", "values")

    def __init__(self, row: ReadRow, values: Mapping[str, str]) -> None:
        self.row = row
        self.values = values


def match_rows(
    kind: TableKind,
    schema: TableSchema | None,
    versions: tuple[Sequence[ReadRow], Sequence[ReadRow]],
    ignored: frozenset[str],
) -> list[Pair]:
    """Match the rows of two versions of a table, in the order of the new one; None stands for no match."""
    old, new = versions
    if len(old) <= 1 and len(new) <= 1 and kind not in _CODES:
        return [(old[0] if old else None, new[0] if new else None)] if old or new else []
    before, after = ([_prepare(row, schema, ignored) for row in rows] for rows in versions)
    matcher = _Matcher(before, after)
    codes = _CODES.get(kind, ())
    matcher.match(lambda row: tuple(sorted(row.values.items())))  # (1)
    if codes:
        named = {*codes, *_NAMES.get(kind, ())}
        matcher.match(lambda row: (*(row.values.get(name, "") for name in codes), _time(row)))  # (2)
        matcher.match(lambda row: tuple(row.values.get(name, "") for name in codes))  # (3)
        matcher.match(
            lambda row: tuple(sorted(pair for pair in row.values.items() if pair[0] not in named))
        )  # (4)
    else:
        matcher.match(lambda _: (), least=_ENOUGH)  # (4)
    return matcher.pairs()


def name_row(kind: TableKind, row: ReadRow) -> str:
    """Name a row as people know it: its code and its name; empty where a table has neither."""
    return " ".join(text for name in _NAMES.get(kind, ()) if (text := row[name].strip()))


def canonical(field: Field | None, text: str) -> str:
    """Return a value as it compares: composed, without blanks around it, decimals without needless zeros."""
    text = text.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if field is not None and field.type == "decimal" and _DECIMAL.fullmatch(text):
        return f"{Decimal(text).normalize():f}"
    return text


class _Matcher:
    """Rows still to be matched, and those that are."""

    def __init__(self, old: list[_Row], new: list[_Row]) -> None:
        self._old = old
        self._new = new
        self._matched: list[tuple[_Row, _Row]] = []

    def match(self, key: Callable[[_Row], tuple[object, ...]], *, least: Decimal = Decimal(0)) -> None:
        """Match what is left of rows with one key, the most alike first, if they are alike enough."""
        waiting: dict[tuple[object, ...], list[_Row]] = defaultdict(list)
        for row in self._old:
            waiting[key(row)].append(row)
        groups: dict[tuple[object, ...], list[_Row]] = defaultdict(list)
        for row in self._new:
            groups[key(row)].append(row)
        for name, after in groups.items():
            before = waiting.get(name)
            if before:
                self._matched += _closest(before, after, least)
        taken = {id(row) for pair in self._matched for row in pair}
        self._old = [row for row in self._old if id(row) not in taken]
        self._new = [row for row in self._new if id(row) not in taken]

    def pairs(self) -> list[Pair]:
        """Return every row of either version once, matched or not."""
        pairs: list[Pair] = [(before.row, after.row) for before, after in self._matched]
        pairs += [(before.row, None) for before in self._old]
        pairs += [(None, after.row) for after in self._new]
        return sorted(pairs, key=_place)


def _place(pair: Pair) -> tuple[int, bool]:
    old, new = pair
    return (new.number, True) if new is not None else (old.number if old is not None else 0, False)


def _closest(old: list[_Row], new: list[_Row], least: Decimal) -> list[tuple[_Row, _Row]]:
    if len(old) == len(new) == 1 and not least:
        return [(old[0], new[0])]
    if len(old) * len(new) > _MOST_PAIRS:
        return [] if least else list(zip(old, new, strict=False))
    ranked = sorted(
        ((_likeness(before, after), i, j) for i, before in enumerate(old) for j, after in enumerate(new)),
        key=lambda one: (-one[0][0], one[0][1], abs(one[1] - one[2]), one[2]),
    )
    found: list[tuple[_Row, _Row]] = []
    taken_old: set[int] = set()
    taken_new: set[int] = set()
    for (share, _), i, j in ranked:
        if share <= least and least:
            break
        if i not in taken_old and j not in taken_new:
            taken_old.add(i)
            taken_new.add(j)
            found.append((old[i], new[j]))
    return found


def _likeness(old: _Row, new: _Row) -> tuple[Decimal, Decimal]:
    """Tell how alike two rows are: the share of equal values, and how far quantity and price are apart."""
    names = old.values.keys() | new.values.keys()
    equal = sum(1 for name in names if old.values.get(name) == new.values.get(name))
    apart = sum(
        (_apart(old.values.get(name, ""), new.values.get(name, "")) for name in _QUANTITIES), Decimal(0)
    )
    return (Decimal(equal) / len(names) if names else Decimal(1)), apart


def _apart(old: str, new: str) -> Decimal:
    if old == new or not (_DECIMAL.fullmatch(old) and _DECIMAL.fullmatch(new)):
        return Decimal(0)
    return abs(Decimal(new) - Decimal(old)) / max(Decimal(new), Decimal(old))


def _time(row: _Row) -> str:
    return next((row.values[name] for name in _TIMES if name in row.values), "")


def _prepare(row: ReadRow, schema: TableSchema | None, ignored: frozenset[str]) -> _Row:
    known = {} if schema is None else schema.field_by_name
    values: dict[str, str] = {}
    for name, text in row.fields:
        value = canonical(known.get(name), text)
        if value and name not in ignored:
            values[name] = value
    return _Row(row, values)
