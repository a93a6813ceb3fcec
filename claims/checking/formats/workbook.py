"""Reports as a workbook (xlsx): a sheet of files, one of findings, one that counts codes."""

from __future__ import annotations

import io
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from xlsxwriter import Workbook

from claims.checking.formats.places import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from xlsxwriter.worksheet import Worksheet

    from claims.checking.formats.checked import CheckedFile

_COLORS: Final = {"critical": "#F4B6B6", "error": "#F9D5C4", "warning": "#FFF2C2", "info": "#E8EEF7"}
_MOST_ROWS: Final = 1_048_575  # of a sheet, beside its heading
# What a spreadsheet might take for a formula, also after the blanks that it ignores.
_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r]")
_IMPOSSIBLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST: Final = 32_000


def to_workbook(files: Sequence[CheckedFile], language: str) -> bytes:
    """Return the reports as a workbook. Text is written as text: no cell is ever a formula or a link."""
    out = io.BytesIO()
    word = words(language)
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(out, {"in_memory": True, **plain}) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        styles = {
            name: book.add_format({"bg_color": color, "text_wrap": True, "valign": "top"})
            for name, color in _COLORS.items()
        }
        findings = book.add_worksheet(word["findings"][:31])
        _fill(findings, head, styles, _FINDING_WIDTHS, _finding_rows(files, word, language))
        per_file = book.add_worksheet(word["files"][:31])
        _fill(per_file, head, styles, (50, 18, 14, 12, 12, 40), _file_rows(files, word))
        per_code = book.add_worksheet(word["summary"][:31])
        _fill(per_code, head, styles, (36, 12, 10, 70), _code_rows(files, word, language))
    return out.getvalue()


_FINDING_WIDTHS: Final = (30, 12, 32, 22, 8, 10, 20, 8, 8, 60, 50, 14, 8, 50)


def _finding_rows(
    files: Sequence[CheckedFile], word: Mapping[str, str], language: str
) -> Iterator[tuple[str, Sequence[object]]]:
    heads = (
        "file", "severity", "code", "ma_lk", "table", "row_head", "field", "line_head", "column", "message",
        "next", "category", "group", "clause",
    )  # fmt: skip
    yield "", [word[head] for head in heads]
    for file in files:
        keys = [one["ma_lk"] for one in (file.document or {"claims": []})["claims"]]
        for one in file.findings:
            claim = one["claim"] or 0
            yield (
                one["severity"],
                [
                    file.name,
                    word[one["severity"]],
                    one["code"],
                    keys[claim - 1] if 0 < claim <= len(keys) else "",
                    one["table"],
                    one["stt"] or one["row"],
                    one["field"],
                    one["line"],
                    one["column"],
                    one["message"][language],
                    one["next"][language],
                    word[one["category"]],
                    one["group"],
                    one["clause"][language],
                ],
            )


def _file_rows(
    files: Sequence[CheckedFile], word: Mapping[str, str]
) -> Iterator[tuple[str, Sequence[object]]]:
    heads = ("file", "verdict", "facility", "blocking", "warnings", "rule_set")
    yield "", [word[head] for head in heads]
    for file in files:
        counts = Counter(one["severity"] for one in file.findings)
        verdict = "unreadable" if file.document is None else "acceptable" if file.is_acceptable else "blocked"
        document = file.document or {"facility": None, "rule_set": None}
        blocking = counts["error"] + counts["critical"]
        rules = file.error if document["rule_set"] is None else document["rule_set"]["version"]
        style = "info" if file.is_acceptable else "error"
        facts = [file.name, word[verdict], document["facility"], blocking, counts["warning"], rules]
        yield style, facts


def _code_rows(
    files: Sequence[CheckedFile], word: Mapping[str, str], language: str
) -> Iterator[tuple[str, Sequence[object]]]:
    yield "", [word[head] for head in ("code", "severity", "count", "message")]
    counts = Counter((one["code"], one["severity"]) for file in files for one in file.findings)
    first = {one["code"]: one for file in reversed(files) for one in reversed(file.findings)}
    for (code, severity), count in counts.most_common():
        yield severity, [code, word[severity], count, first[code]["message"][language]]


def _fill(
    sheet: Worksheet,
    head: Any,  # noqa: ANN401 - a format of the library
    styles: Mapping[str, Any],
    widths: Sequence[int],
    rows: Iterable[tuple[str, Sequence[object]]],
) -> None:
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    last = 0
    for number, (severity, cells) in enumerate(rows):
        if number > _MOST_ROWS:
            break
        style = styles.get(severity, head)
        last = number
        for column, value in enumerate(cells):
            if isinstance(value, int):
                sheet.write_number(number, column, value, style)
            else:
                sheet.write_string(number, column, plain_text(value), style)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, last, len(widths) - 1)


def plain_text(value: object) -> str:
    """Return a value as text that no spreadsheet runs, not even after it was saved as CSV."""
    text = "" if value is None else _IMPOSSIBLE.sub("\ufffd", str(value))[:_LONGEST]
    return f"'{text}" if _FORMULA.match(text) else text
