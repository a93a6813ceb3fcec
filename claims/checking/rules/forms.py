"""Rules of plain forms, whose whole check is data: what is filled, how it is spelled, what it is one of.

In a rule's table such a check is written as one of::

    filled = true                  each of ``fields`` has a value in every row of the first of ``tables``
    matches = "[0-9]{12}"          each of ``fields``, where it has a value, is of this form from end to end
    each_matches = "K[0-9]{2,3}"   as ``matches``, for every item of a value with several
    not_before = "NGAY_VAO"        none of ``fields`` is earlier than this one, of the same row or of XML1
    not_after = "NGAY_RA"          none of ``fields`` is later
    within_stay = true             each of ``fields``, where it has a value, lies between NGAY_VAO and NGAY_RA

Any of them may have ``when = { MA_NHOM = ["1", "2"] }``: only rows are looked at in which a field is one of
the values (of XML1, if the name begins with ``XML1.``; ``"*"`` stands for any value, ``""`` for none).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit
from claims.checking.rules.visits import is_within_stay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

    Check = Callable[[CheckedClaim, Known], Iterator[Hit]]
    RowsCheck = Callable[[CheckedClaim, Iterable[Row]], Iterator[Hit]]

#: The keys that make a check, and the condition.
FORMS: Final = frozenset({"filled", "matches", "each_matches", "not_before", "not_after", "within_stay"})
WHEN: Final = "when"

_OF_SUMMARY: Final = "XML1."


def make_check(
    form: str, value: object, table: TableKind, fields: Sequence[str], when: Mapping[str, Sequence[str]]
) -> Check:
    """Make the check of a plain form.

    Raises:
        ValueError: There is no such form, or its value makes no sense.
    """
    rows_check = _rows_check(form, value, tuple(fields))
    conditions = [(name, frozenset(values)) for name, values in when.items()]
    of_claim = [(name, values) for name, values in conditions if name.startswith(_OF_SUMMARY)]
    of_rows = [(name, values) for name, values in conditions if not name.startswith(_OF_SUMMARY)]

    def check(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
        rows: Iterable[Row] = claim.rows(table)
        if rows and not all(_meets(_of_summary(claim, name), values) for name, values in of_claim):
            rows = ()
        for name, values in of_rows:
            rows = [row for row in rows if _meets(row[name], values)]
        return rows_check(claim, rows)

    return check


def _rows_check(form: str, value: object, fields: tuple[str, ...]) -> RowsCheck:
    if form == "filled" and value is True:
        return lambda _, rows: (Hit(row, name) for row in rows for name in fields if not row[name].strip())
    if form in {"matches", "each_matches"} and isinstance(value, str):
        pattern = re.compile(value, re.ASCII)
        split = form == "each_matches"
        return lambda _, rows: _misspelled(rows, fields, pattern, split=split)
    if form in {"not_before", "not_after"} and isinstance(value, str):
        return lambda claim, rows: _out_of_order(claim, rows, fields, value, earlier=form == "not_before")
    if form == "within_stay" and value is True:
        return lambda claim, rows: (
            Hit(row, name) for row in rows for name in fields if not is_within_stay(claim, row[name])
        )
    raise ValueError(f"{form} = {value!r} is not a check")


def _meets(found: str, values: frozenset[str]) -> bool:
    return found in values or (bool(found) and "*" in values)


def _of_summary(claim: CheckedClaim, name: str) -> str:
    summary = claim.summary_row
    return "" if summary is None else summary[name.removeprefix(_OF_SUMMARY)]


def _misspelled(
    rows: Iterable[Row], fields: tuple[str, ...], pattern: re.Pattern[str], *, split: bool
) -> Iterator[Hit]:
    for row in rows:
        for field in fields:
            value = row[field]
            items = row.items_of(field) if split else (value,)
            if value and not all(map(pattern.fullmatch, items)):
                yield Hit(row, field)


def _out_of_order(
    claim: CheckedClaim, rows: Iterable[Row], fields: tuple[str, ...], other: str, *, earlier: bool
) -> Iterator[Hit]:
    for row in rows:
        limit = _of_summary(claim, other) if other.startswith(_OF_SUMMARY) else row[other]
        for field in fields:
            value = row[field]
            # A day compares with the day of a time: where either says no hour, the hour does not count.
            length = min(len(value), len(limit))
            is_before = value[:length] < limit[:length]
            is_after = value[:length] > limit[:length]
            if length and (is_before if earlier else is_after):
                yield Hit(row, field, (("other", other.removeprefix(_OF_SUMMARY)),))
