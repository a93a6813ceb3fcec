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
from claims.checking.rules.rule import Hit, Screen, in_row_order
from claims.checking.rules.visits import rows_outside_stay
from claims.checking.values import is_blank, split_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

    Check = Callable[[CheckedClaim, Known], Iterable[Hit]]
    FindRows = Callable[[CheckedClaim, TableKind, str], Sequence[Row]]

#: The keys that make a check, and the condition.
FORMS: Final = frozenset({"filled", "matches", "each_matches", "not_before", "not_after", "within_stay"})
WHEN: Final = "when"

_OF_SUMMARY: Final = "XML1."


def make_check(
    form: str, value: object, table: TableKind, fields: Sequence[str], when: Mapping[str, Sequence[str]]
) -> tuple[Check, tuple[Screen, ...]]:
    """Make the check of a plain form, with its screens.

    Raises:
        ValueError: There is no such form, or its value makes no sense.
    """
    is_wrong = _test_of_values(form, value)
    conditions = [(name, frozenset(values)) for name, values in when.items()]
    of_claim = [(name, values) for name, values in conditions if name.startswith(_OF_SUMMARY)]
    of_rows = {name: values for name, values in conditions if not name.startswith(_OF_SUMMARY)}
    find_rows, params = _finder(form, value, is_wrong, of_rows), _params(form, value)

    def check(claim: CheckedClaim, _: Known) -> Iterable[Hit]:
        if table not in claim.tables:
            return ()
        if not all(_meets(_of_summary(claim, name), values) for name, values in of_claim):
            return ()
        return in_row_order(
            [
                Hit(row, field, params)
                for field in fields
                for row in find_rows(claim, table, field)
                if all(_meets(row[name], values) for name, values in of_rows.items())
            ]
        )

    return check, (
        Screen((table,)) if is_wrong is None else Screen((table,), tuple(fields), is_wrong),
        *(_screen_of_condition(table, name, values) for name, values in conditions if "*" not in values),
    )


def _test_of_values(form: str, value: object) -> Callable[[str], object] | None:
    """Return what tells of a value alone that it is not as the form wants it; None: it takes more."""
    if form == "filled":
        return is_blank
    if form in {"matches", "each_matches"} and isinstance(value, str):
        return _misspelling(re.compile(value, re.ASCII), is_list=form == "each_matches")
    return None


def _screen_of_condition(table: TableKind, name: str, values: frozenset[str]) -> Screen:
    if name.startswith(_OF_SUMMARY):
        table, name = TableKind.XML1, name.removeprefix(_OF_SUMMARY)
    return Screen((table,), (name,), values.__contains__)


def _finder(
    form: str,
    value: object,
    is_wrong: Callable[[str], object] | None,
    of_rows: Mapping[str, frozenset[str]],
) -> FindRows:
    """Return what finds the rows of which a field is not as the form wants it; conditions may still tell."""
    if is_wrong is not None and (form != "filled" or value is True):
        # Here they tell at once: a field that only some rows must fill is empty in most.
        def is_so(value: str, *others: str) -> bool:
            return bool(is_wrong(value)) and all(map(_meets, others, of_rows.values()))

        return lambda claim, table, field: claim.rows_where(table, is_so, field, *of_rows)
    if form in {"not_before", "not_after"} and isinstance(value, str):
        compare = _is_before if form == "not_before" else _is_after
        return lambda claim, table, field: _compare(claim, table, field, value, compare)
    if form == "within_stay" and value is True:
        return rows_outside_stay
    raise ValueError(f"{form} = {value!r} is not a check")


def _params(form: str, value: object) -> tuple[tuple[str, str], ...]:
    if form in {"not_before", "not_after"}:
        return (("other", str(value).removeprefix(_OF_SUMMARY)),)
    return ()


def _meets(found: str, values: frozenset[str]) -> bool:
    return found in values or (bool(found) and "*" in values)


def _of_summary(claim: CheckedClaim, name: str) -> str:
    summary = claim.summary_row
    return "" if summary is None else summary[name.removeprefix(_OF_SUMMARY)]


def _misspelling(pattern: re.Pattern[str], *, is_list: bool) -> Callable[[str], bool]:
    def is_misspelled(value: str) -> bool:
        items = split_items(value) if is_list else (value,)
        return bool(value) and not all(map(pattern.fullmatch, items))

    return is_misspelled


def _compare(
    claim: CheckedClaim, table: TableKind, field: str, other: str, is_wrong: Callable[[str, str], bool]
) -> Sequence[Row]:
    if other.startswith(_OF_SUMMARY):
        limit = _of_summary(claim, other)
        return claim.rows_where(table, lambda value: is_wrong(value, limit), field)
    return claim.rows_where(table, is_wrong, field, other)


def _is_before(value: str, limit: str) -> bool:
    # A day compares with the day of a time: where either says no hour, the hour does not count.
    return value < limit and value[: len(limit)] < limit[: len(value)]


def _is_after(value: str, limit: str) -> bool:
    return _is_before(limit, value)
