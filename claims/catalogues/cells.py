"""How a cell becomes a value. What cannot be read for certain is refused with a code, never guessed."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from claims.catalogues.columns import CellType
from claims.catalogues.items import Relation
from claims.catalogues.schedules import Period, Shift, read_periods, read_shifts

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# What cannot be seen: soft hyphens, blanks without width, marks of direction, a byte order mark.
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_BLANK: Final = re.compile(r"\s")
# No code begins with what a spreadsheet puts before a text or a formula.
_MARKS_OF_SPREADSHEETS: Final = ("'", '"', "=")
#: What a spreadsheet shows in place of a result.
_NO_RESULTS: Final = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!")
)
_NUMBER: Final = re.compile(r"\d{1,15}(?:\.(\d+))?", re.ASCII)
_LIKE_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d\d0", re.ASCII)
_ROUTE: Final = re.compile(r"\d{1,2}\.\d{1,2}", re.ASCII)
_DAYS: Final = (
    re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?:\d{4})?", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<mark>[-/.])(?P<m>\d\d)(?P=mark)(?P<d>\d\d)(?:[T ].*)?", re.ASCII),
    # Day before month, as written in Viet Nam; parts of one digit may come from a machine that swaps them.
    re.compile(r"(?P<d>\d\d)(?P<mark>[-/.])(?P<m>\d\d)(?P=mark)(?P<y>\d{4})(?: .*)?", re.ASCII),
)
_YES: Final = frozenset({"1", "true", "x", "yes", "y", "có", "co"})
_NO: Final = frozenset({"0", "false", "no", "n", "không", "khong"})
_RELATIONS: Final = frozenset(one.value for one in Relation)
_HUNDRED: Final = Decimal(100)

Value = str | Decimal | date | bool | tuple[str, ...] | tuple[Shift, ...] | tuple[Period, ...] | None


class NumberCell(str):
    """The text of a spreadsheet's number cell: it may have lost the zeros at the ends of a code."""

    __slots__ = ()


class FormulaCell(str):
    """The text of a spreadsheet's formula that nobody has worked out: programs write it without a result."""

    __slots__ = ()


class BadCell(Exception):
    """A cell cannot be read: the code of the problem."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_cell(kind: CellType, text: str) -> Value:
    """Read a cell that is not empty.

    Raises:
        BadCell: It cannot be read for certain.
    """
    if _CONTROL.search(text):
        raise BadCell("control-character")
    if isinstance(text, FormulaCell) or text in _NO_RESULTS:
        raise BadCell("no-result")
    if kind in _OF_CODES and (
        text.startswith(_MARKS_OF_SPREADSHEETS) or not (text.isascii() or _UNSEEN.search(text) is None)
    ):
        raise BadCell("not-a-code")
    return _READERS[kind](text)


def doubt(kind: CellType, text: str) -> str | None:
    """Return the code of what is odd about a cell that can be read."""
    if kind is CellType.LOCAL and isinstance(text, NumberCell):
        return "local-code-as-number"
    if kind is CellType.RATE and not isinstance(text, NumberCell) and _LIKE_THOUSANDS.fullmatch(text):
        return "like-thousands"
    if kind is CellType.PERCENT and 0 < _percent(text) <= 1:
        return "like-a-fraction"
    if kind is CellType.ROUTE and not _is_route(text):
        return "not-a-route"
    return None


def empty_value(kind: CellType) -> Value:
    """Return what an empty cell stands for."""
    if kind in _SEVERAL:
        return ()
    return "" if kind in _TEXTS else None


def _code(text: str) -> str:
    if isinstance(text, NumberCell):
        raise BadCell("code-as-number")
    if _BLANK.search(text) or ";" in text:
        raise BadCell("not-a-code")
    return text


def _local(text: str) -> str:
    return str(text)


def _identifier(text: str) -> str:
    if isinstance(text, NumberCell):
        raise BadCell("code-as-number")
    if ";" in text:
        raise BadCell("not-a-code")
    return text


def _route(text: str) -> str:
    # Lists that have the words ("Uống") where others have the code are right in all the rest.
    return text if _is_route(text) else ""


def _is_route(text: str) -> bool:
    return not isinstance(text, NumberCell) and _ROUTE.fullmatch(text) is not None


def _rate(text: str) -> Decimal:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadCell("decimal-comma" if "," in text else "not-a-number")
    if len((match[1] or "").rstrip("0")) > 3:  # noqa: PLR2004 - what a claim's unit price can carry
        raise BadCell("too-many-decimals")
    return Decimal(text)


def _percent(text: str) -> Decimal:
    percent = _rate(text.removesuffix("%").rstrip())
    if percent > _HUNDRED:
        raise BadCell("above-100")
    return percent


def _day(text: str) -> date:
    for form in _DAYS:
        if match := form.fullmatch(text):
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                break
    raise BadCell("not-a-day")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(_code(item if item is text else item.strip()) for item in _items(text))


def _items(text: str) -> list[str]:
    # A number cell stays what it is: split, it would look like a text.
    return [item for item in text.split(";") if item.strip()] if ";" in text else [text]


def _hours(text: str) -> tuple[Shift, ...]:
    shifts = read_shifts(text)
    if shifts is None:
        raise BadCell("not-hours")
    return shifts


def _relation(text: str) -> str:
    word = text.casefold()
    if word not in _RELATIONS:
        raise BadCell("not-a-relation")
    return word


def _periods(text: str) -> tuple[Period, ...]:
    periods = read_periods(text, _day)
    if periods is None:
        raise BadCell("not-periods")
    return periods


def _flag(text: str) -> bool:
    word = text.casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadCell("not-a-flag")


_READERS: Final[Mapping[CellType, Callable[[str], Value]]] = {
    CellType.CODE: _code,
    CellType.MAPPED: _identifier,
    CellType.LOCAL: _local,
    CellType.IDENTIFIER: _identifier,
    CellType.TEXT: str,
    CellType.RATE: _rate,
    CellType.PERCENT: _percent,
    CellType.DAY: _day,
    CellType.FLAG: _flag,
    CellType.ROUTE: _route,
    CellType.CODES: _codes,
    CellType.HOURS: _hours,
    CellType.RELATION: _relation,
    CellType.PERIODS: _periods,
}
_OF_CODES: Final = frozenset(
    {CellType.CODE, CellType.MAPPED, CellType.LOCAL, CellType.IDENTIFIER, CellType.CODES}
)
_SEVERAL: Final = frozenset({CellType.CODES, CellType.HOURS, CellType.PERIODS})
_TEXTS: Final = frozenset(
    {CellType.CODE, CellType.MAPPED, CellType.LOCAL, CellType.IDENTIFIER, CellType.TEXT, CellType.ROUTE}
)
