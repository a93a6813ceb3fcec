"""Tables of the usual form: read and found valid by one regular expression, made from their schema.

Nearly every table is written alike: a declaration, line ends around rows and no other white space between
tags, in each row every field of the Decision in its order, in the values no markup and no letters but those
of Vietnamese. The expression matches such rows when they are valid, and nothing else: in one pass it says
that they are well-formed and keep to the schema, and what their values are. A parser, a validator and
reading the values off a tree take four times as long.

What it does not match is no fault: it is parsed and validated (docs/decisions/0025).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xsd.model import Field, TableModel

_PROLOG: Final = r'<\?xml version="1\.0" encoding="(?:UTF|utf)-8"\?>'
_LINE_END: Final = r"(?:\r?\n)?"
# ASCII without control characters and markup, signs of units and of typography, the letters of Vietnamese.
_CHARACTER: Final = (
    r"[ -%'-;=?-~°±²³µ½×÷\u2010-\u2026≤≥\ue000\ue001"
    r"À-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯưẠ-ỹ]"
)
# While a table is read, signs of private use stand for the references that a record of vital signs has in
# XML5 (CSST&lt;M93_T37.0&gt;), so that lengths count characters.
_LESS: Final = "\ue000"
_MORE: Final = "\ue001"
# What the patterns of XML Schema and Python's say in the same words: digits, groups, choices, how often.
_SHARED: Final = re.compile(r"(?:[0-9;()|?*+]|\\\.|\[[0-9-]+\]|\{[0-9]+(?:,[0-9]+)?\})+")
_OF_ANY_LENGTH: Final = {"": _CHARACTER, "[0-9]*": "[0-9]"}
# Larger ones are parsed: a parser looks at them more closely, and counts 65,535 lines at most.
_MOST_BYTES: Final = 2_000_000
_MOST_LINES: Final = 65_000
# A list of a million dates would take a gigabyte to be matched.
_MOST_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class UsualRows:
    """The rows of a valid table of the usual form.

    Attributes:
        texts: The values of all rows, one behind the other; each row has all fields in the Decision's order.
        lines: The line of each row, from 1.
    """

    texts: Sequence[str]
    lines: Sequence[int]


class UsualForm:
    """What a valid table of one schema looks like in the usual form."""

    def __init__(self, head: str, row: str, tail: str, most_rows: int | None) -> None:
        """Take what is before the rows, one row, and what is behind them, as regular expressions."""
        self._head = re.compile(head)
        self._row = re.compile(row)
        self._tail = re.compile(tail)
        self._most_rows = most_rows

    def read(self, data: bytes) -> UsualRows | None:
        """Read a table; None when it has not the usual form, or may not be valid."""
        if len(data) > _MOST_BYTES:
            return None
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        has_references = "&" in text
        if has_references:
            if _LESS in text or _MORE in text:
                return None
            text = text.replace("&lt;", _LESS).replace("&gt;", _MORE)
        head = self._head.match(text)
        if head is None or text.count("\n") > _MOST_LINES:
            return None
        at, counted, line = head.end(), 0, 1
        texts: list[str] = []
        lines: list[int] = []
        while row := self._row.match(text, at):
            line += text.count("\n", counted, at)
            lines.append(line)
            texts += row.groups("")
            counted, at = at, row.end()
        if has_references:
            texts = [value.replace(_LESS, "<").replace(_MORE, ">") for value in texts]
        is_whole = lines and (self._most_rows or len(lines)) >= len(lines) and self._tail.fullmatch(text, at)
        return UsualRows(texts, lines) if is_whole else None


def usual_form(model: TableModel) -> UsualForm | None:
    """Make the expressions of a table's usual form; None when its schema says what they cannot."""
    record = model.record
    if record is None or not model.is_whole or not _holds_rows_alone(model):
        return None
    fields = [pattern for field in model.fields if (pattern := _pattern(field))]
    singles = [node for node in record.children if node.max_occurs == 1]
    if record.min_occurs > 1 or not len(fields) == len(singles) == len(record.children):
        return None
    around = [name for name in (model.root.name, model.list_element) if name and name != record.name]
    head = "".join(f"<{name}>{_LINE_END}" for name in around)
    tail = "".join(f"</{name}>{_LINE_END}" for name in reversed(around))
    row = f"<{record.name}>{''.join(fields)}</{record.name}>{_LINE_END}"
    return UsualForm(_PROLOG + _LINE_END + head, row, tail, record.max_occurs)


def _holds_rows_alone(model: TableModel) -> bool:
    """Whether the root is the row, or holds nothing but the list of rows."""
    root, record = model.root, model.record
    return root is record or (len(root.children) == 1 and root.children[0].children == (record,))


def _pattern(field: Field) -> str | None:
    """Return what matches a field that is valid, and keeps its text; None when a facet is not understood."""
    patterns = [value for name, value in field.facets if name == "pattern"] or [""]
    least = max([0, *(int(value) for name, value in field.facets if name == "minLength")])
    limits = [int(value) for name, value in field.facets if name == "maxLength"]
    if len(patterns) > 1:
        return None
    (pattern,) = patterns
    if pattern in _OF_ANY_LENGTH:
        text = f"({_OF_ANY_LENGTH[pattern]}{{{least},{min(limits, default='')}}})"
    elif _SHARED.fullmatch(pattern):
        # A choice of something or nothing is matched in half the time of something that may be left out.
        pattern = pattern.replace("(", "(?:").replace(")?", "|)")
        text = f"(?=[^<]{{{least},{min([*limits, _MOST_CHARACTERS])}}}<)({pattern})"
    else:
        return None
    is_written = f">{text}</{field.name}>"
    may_be_empty = least == 0 and (pattern in _OF_ANY_LENGTH or re.fullmatch(pattern, ""))
    return f"<{field.name}(?:{is_written}|/>)" if may_be_empty else f"<{field.name}{is_written}"
