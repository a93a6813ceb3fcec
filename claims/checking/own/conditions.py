"""Conditions of a hospital's own rules: CEL over plain values, with bounded cost, and no code execution.

A condition is about one row (``row``), or about a claim as a whole (``XML2``, ``XML3`` … as lists of rows);
``claim`` is the row of XML1 in both. Of a row, only the fields that the condition names are handed in:

* amounts, quantities, percentages and whole numbers as numbers (CEL's double: write ``10.0`` in arithmetic),
* values with several items as lists of strings,
* all else, codes, days and times too, as strings; times compare as their digits do,
* a field without a value as ``null``.

Beside CEL's own functions there are ``sum(list)``, which leaves out nulls, ``minutes(from, to)`` and
``days(from, to)``, which are null where either is.

What cannot be answered because a value is null is not a fault: ``row.SO_LUONG > 10.0`` does not speak of a
row without SO_LUONG. To find the missing itself, ask ``row.SO_LUONG == null``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import cel

from claims.bundle.kinds import TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from claims.checking.tables import CheckedClaim, Row
    from xsd.catalog import Field, TableSchema

    Value: TypeAlias = float | str | list[str] | None

MAX_LENGTH: Final = 1000
#: A thousand rows take CEL some 10 ms; a list in a list would take seconds, so there is none.
MOST_ROWS: Final = 2000
_ROW, _CLAIM = "row", "claim"
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_TOKEN: Final = re.compile(
    r"""(?P<text>[rb]?("([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*'))|\.\s*(?P<macro>\w+)\s*\(|(?P<open>[(\[{])|(?P<close>[)\]}])"""
)
_FIELD: Final = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_TEXT: Final = re.compile(r"""[rb]?("([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*')""")
_BRACKETED: Final = re.compile(r"""\[\s*(["'])(?P<name>[A-Z][A-Z0-9_]*)\1\s*\]""", re.ASCII)
_SYNTAX_ERROR: Final = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
# How spreadsheets, Python and word processors write what CEL writes otherwise.
_SLIPS: Final = (
    (re.compile(r"(?<![=!<>])=(?!=)|==="), "CEL compares with =="),
    (re.compile(r"<>"), "CEL writes != for unequal"),
    (re.compile(r"\b(?:and|or|not)\b", re.IGNORECASE), "CEL writes && for and, || for or, ! for not"),
    (re.compile("[\u2018\u2019\u201c\u201d]"), "texts stand in straight quotes"),
)
# By what the library raises: of its errors none says more.
_REASONS: Final = (
    (TypeError, "other-kinds"),
    (ZeroDivisionError, "division-by-zero"),
    (IndexError, "no-such-item"),
    (KeyError, "no-such-field"),
    (RuntimeError, "no-such-function"),
)
_TIME, _DAY = "%Y%m%d%H%M", "%Y%m%d"


class UnusableCondition(ValueError):
    """A condition does not parse, names what is not there, or could cost too much."""


class UnansweredCondition(Exception):
    """A condition gave no answer for a claim: the code of the reason, as in ``words_of_facts.toml``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was compiled.

    Attributes:
        text: What was written.
        about: The table whose rows it is about; None: the claim as a whole.
        program: What CEL made of it.
        fields: The names of fields that it may read, of whatever table.
        tables: The tables whose lists of rows it reads.
        reads_claim: Whether it reads the row of XML1.
    """

    text: str
    about: TableKind | None
    program: cel.Program
    fields: frozenset[str]
    tables: tuple[TableKind, ...]
    reads_claim: bool

    def faults(self, claim: CheckedClaim) -> Iterable[Row | None]:
        """Yield each row of which the condition is true; None when it is of the claim as a whole.

        Raises:
            UnansweredCondition: It has no answer, and not because a value is missing.
        """
        rows: Sequence[Row | None] = (None,) if self.about is None else claim.rows(self.about)
        lists = {kind: claim.rows(kind) for kind in self.tables}
        if max(len(rows), sum(map(len, lists.values()))) > MOST_ROWS:
            raise UnansweredCondition("too-many-rows")
        if not rows:
            return
        handed = _Handed(claim, self.fields)
        values: dict[str, object] = {str(kind): [handed.read(row) for row in lists[kind]] for kind in lists}
        if self.reads_claim:
            values[_CLAIM] = handed.read(claim.summary_row)
        for row in rows:
            context = values if row is None else values | {_ROW: handed.read(row)}
            if self._is_true(context, lacks_value=handed.lacks_value):
                yield row

    def _is_true(self, values: Mapping[str, object], *, lacks_value: bool) -> bool:
        try:
            context = cel.Context(variables=dict(values), functions=_FUNCTIONS.copy())
            answer = self.program.execute(context)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of the library is no Exception
            if lacks_value:
                return False
            raise UnansweredCondition(_why(error)) from None
        if isinstance(answer, bool):
            return answer
        raise UnansweredCondition("no-verdict")


def _why(error: BaseException) -> str:
    """Return the code of a reason; what the library says may hold values of the claim."""
    return next((code for kind, code in _REASONS if isinstance(error, kind)), "error")


class _Handed:
    """Rows as CEL gets them, and whether any value was missing."""

    def __init__(self, claim: CheckedClaim, fields: frozenset[str]) -> None:
        self._claim = claim
        self._fields = fields
        self.lacks_value = False

    def read(self, row: Row | None) -> Mapping[str, Value]:
        """Return the fields of a row that the condition names."""
        if row is None:
            self.lacks_value = True
            return dict.fromkeys(self._fields)
        schema = self._claim.tables[row.kind].schema
        values = {name: _read(row, name, schema) for name in self._fields if name in schema.field_by_name}
        self.lacks_value = self.lacks_value or None in values.values()
        return values


def compile_condition(text: str, *, about: TableKind | None, fields: Mapping[str, object]) -> Condition:
    """Compile a condition that may name these fields.

    Raises:
        UnusableCondition: It does not parse, names what is not there, or could cost too much.
    """
    if '"""' in text or "'''" in text or "//" in _TEXT.sub('""', text):
        raise UnusableCondition("comments and texts over several lines are not taken")
    if len(text) > MAX_LENGTH:
        raise UnusableCondition(f"is longer than {MAX_LENGTH} characters")
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise UnusableCondition(_where_unreadable(text, str(error))) from None
    _refuse_lists_in_lists(text)
    known = {_ROW, _CLAIM} if about is not None else {_CLAIM, *map(str, TableKind)}
    named = {name for name in program.variables() if name not in _bound_names(text)}
    if named - known:
        raise UnusableCondition(
            f"there is no {min(named - known)} here; there are {', '.join(sorted(known))}"
        )
    names = frozenset(_names_in(text)) - set(map(str, TableKind))
    if names - fields.keys():
        raise UnusableCondition(f"no table here has the field {min(names - fields.keys())}")
    return Condition(
        text=text,
        about=about,
        program=program,
        fields=names,
        tables=tuple(kind for kind in TableKind if str(kind) in named),
        reads_claim=_CLAIM in named,
    )


def _where_unreadable(text: str, told: str) -> str:
    """Say where a condition cannot be read, and what was probably meant."""
    found = _SYNTAX_ERROR.search(told)
    where = f"line {found[1]}, character {found[2]}: {found[3]}" if found else told.splitlines()[0]
    plain = _TEXT.sub('""', text)
    hints = [hint for slip, hint in _SLIPS if slip.search(plain)]
    return "; ".join([f"cannot be read, {where[:300]}", *hints])


def _names_in(text: str) -> Iterable[str]:
    """Yield what is spelled like a field's name, outside of texts or as ``row["NAME"]``."""
    yield from (found["name"] for found in _BRACKETED.finditer(text))
    yield from (found[0] for found in _FIELD.finditer(_TEXT.sub('""', text)) if _is_alone(found))


def _is_alone(found: re.Match[str]) -> bool:
    text, start, end = found.string, found.start(), found.end()
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _bound_names(text: str) -> frozenset[str]:
    """Return the names that stand for an item of a list."""
    return frozenset(re.findall(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*(\w+)\s*,", text))


def _refuse_lists_in_lists(text: str) -> None:
    inside: list[bool] = []
    for token in _TOKEN.finditer(text):
        if token["macro"] in _MACROS:
            if any(inside):
                raise UnusableCondition("a list is gone through while another is: its cost has no bound")
            inside.append(True)
        elif token["macro"] or token["open"]:
            inside.append(False)
        elif token["close"] and inside:
            inside.pop()


def kind_of(field: Field) -> Literal["list", "number", "text"]:
    """Return as what a field's value comes into a condition."""
    if field.type == "list":
        return "list"
    is_number = field.type == "decimal" or (field.type == "integer" and field.code_list is None)
    return "number" if is_number else "text"


def _read(row: Row, name: str, schema: TableSchema) -> Value:
    text, kind = row[name].strip(), kind_of(schema.field_by_name[name])
    if not text:
        return None
    if kind == "list":
        return list(row.items_of(name))
    if kind == "number":
        number = row.number_of(name)
        # CEL has no decimal. Amounts of 15 digits in all keep their value as a double.
        return None if number is None else float(number)
    return text


def _sum(values: object) -> float:
    numbers = values if isinstance(values, list) else []
    return math.fsum(one for one in numbers if isinstance(one, int | float) and not isinstance(one, bool))


def _minutes(begin: object, end: object) -> float | None:
    first, last = _moment(begin), _moment(end)
    return None if first is None or last is None else (last - first).total_seconds() / 60


def _days(begin: object, end: object) -> float | None:
    first, last = _moment(begin), _moment(end)
    return None if first is None or last is None else float((last.date() - first.date()).days)


def _moment(value: object) -> datetime | None:
    text = value if isinstance(value, str) else ""
    try:
        return datetime.strptime(text, _TIME if len(text) == len("yyyyMMddHHmm") else _DAY)  # noqa: DTZ007 - wall time
    except ValueError:
        return None


# They answer with null rather than raise: the library prints what a function raises.
_FUNCTIONS: Final[dict[str, Callable[..., object]]] = {"sum": _sum, "minutes": _minutes, "days": _days}
