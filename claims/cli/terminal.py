"""Claims and comparisons as text on standard output, as wide as the terminal is."""

import os
import re
import sys
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from claims.bundle.comparison import Change, ClaimChange, Comparison, TableChange
from claims.bundle.findings import Finding
from claims.bundle.messages import describe
from claims.bundle.views import Cell, Column, TableView
from claims.cli.showing import (
    ShownField,
    ShownFile,
    day_of,
    document_of,
    layout_of,
    place_of,
    show_field,
    show_row,
    signature_of,
    words,
)

_WIDTH_UNSEEN = 120  # of lines for a pipe or a file, whose reader's width nobody knows
_WIDEST, _NARROWEST = 34, 6
_GAP = 2
# What a terminal may obey: control characters, and the marks that turn the direction of text.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def print_file(file: ShownFile, language: str) -> None:
    """Print a file: what it is, its claims table by table, and what is odd about it."""
    out, word, contents = stdout(), words(language), file.contents
    out.rule(plain(file.name), align="left")
    facts = [(word["document"], document_of(contents, language))]
    if contents.source.facility or contents.source.made_on:
        facts += [
            (word["facility"], contents.source.facility or "–"),
            (word["made_on"], day_of(contents.source.made_on)),
        ]
    facts.append((word["signature"], signature_of(contents, language)))
    _print_facts(out, facts)
    for claim, views in file.claims:
        out.print()
        out.rule(plain(f"{word['claim']} {claim.number}: {claim.ma_lk or '–'}", "bold"), align="left")
        _print_facts(out, [(word["layout"], layout_of(claim, language))])
        for view in views:
            _print_table(out, view, language)
    if not any(views for _, views in file.claims):
        out.print(plain(word["nothing"]))
    _print_findings(out, file.findings, language)


def print_comparison(comparison: Comparison, names: tuple[str, str], language: str) -> None:
    """Print what changed, money first."""
    out, word = stdout(), words(language)
    out.print(plain(f"{names[0]} → {names[1]}", "bold"))
    out.print(plain(word["equal"] if comparison.is_equal else word["different"]))
    if comparison.facility is not None:
        out.print(plain(f"{word['facility']}: {comparison.facility.old} → {comparison.facility.new}"))
    for claim in comparison.claims:
        if claim.change is Change.SAME:
            continue
        out.print()
        out.rule(plain(f"{claim.ma_lk or '–'}: {word[claim.change.value]}", "bold"), align="left")
        _print_totals(out, claim, language)
        for table in claim.tables:
            _print_changes(out, table, claim, language)


def stdout() -> Console:
    """Return standard output, as wide as its reader's window or else as most."""
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(file=sys.stdout, highlight=False, width=None if is_known else _WIDTH_UNSEEN)


def plain(text: str, style: str = "") -> Text:
    """Return text that a terminal shows and does not obey."""
    return Text(_COMMANDS.sub("\ufffd", text), style=style)


def _print_facts(out: Console, facts: Iterable[tuple[str, str]]) -> None:
    for name, value in facts:
        out.print(plain(f"{name}: ", "dim") + plain(value))


def _print_table(out: Console, view: TableView, language: str) -> None:
    word = words(language)
    title = f"{view.kind} {view.label}".strip()
    out.print()
    out.print(plain(title, "bold") + plain(f"  {word['rows'].format(count=view.count)}", "dim"))
    if view.common:
        _print_common(out, view, language)
    widths = [
        _width_of(column, [row[place] for row in view.rows]) for place, column in enumerate(view.columns)
    ]
    for band in view.bands(widths, out.width):
        _print_band(out, view, band)
    if view.empty:
        out.print(plain(f"{word['empty']}: {', '.join(view.empty)}", "dim"))


def _print_common(out: Console, view: TableView, language: str) -> None:
    word = words(language)
    if view.count > 1:
        out.print(plain(word["common"], "dim"))
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("field", "label", "value"):
        grid.add_column(plain(word[name]), overflow="fold")
    figures = [len(cell.text) for column, cell in view.common if column.is_number]
    for column, cell in view.common:
        text = cell.text.rjust(max(figures)) if column.is_number else cell.text
        grid.add_row(plain(column.name), plain(column.label), _value(Cell(text, cell.meaning)))
    out.print(grid)


def _print_band(out: Console, view: TableView, band: Sequence[int]) -> None:
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place in band:
        column = view.columns[place]
        heading = plain(column.name) + plain(f"\n{column.label}", "dim")
        grid.add_column(
            heading,
            justify="right" if column.is_number else "left",
            overflow="fold",
            max_width=_WIDEST,
        )
    for row in view.rows:
        grid.add_row(*(_value(row[place]) for place in band))
    out.print(grid)


def _value(cell: Cell) -> Text:
    return plain(cell.text) + plain(f" {cell.meaning}" if cell.meaning else "", "dim")


def _width_of(column: Column, cells: Iterable[Cell]) -> int:
    longest = max((len(cell.text) + len(cell.meaning) for cell in cells), default=0)
    return min(max(longest, len(column.name), min(len(column.label), 14), _NARROWEST), _WIDEST) + _GAP


def _print_findings(out: Console, findings: Sequence[Finding], language: str) -> None:
    word = words(language)
    out.print()
    if not findings:
        out.print(plain(word["no_findings"]))
        return
    grid = Table(box=SIMPLE, title=plain(f"{word['findings']} ({len(findings)})"), title_justify="left")
    for name in ("severity", "place", "message"):
        grid.add_column(plain(word[name]), overflow="fold")
    for finding in findings:
        place = f"{finding.code}\n{place_of(finding, language)}".strip()
        grid.add_row(plain(word[finding.severity.value]), plain(place), plain(describe(finding, language)))
    out.print(grid)


def _print_totals(out: Console, claim: ClaimChange, language: str) -> None:
    word = words(language)
    if not claim.changed_totals:
        if claim.totals:
            out.print(plain(word["totals_same"]))
        return
    out.print(plain(word["totals"], "bold"))
    out.print(_fields(out, [show_field(total, claim, language) for total in claim.changed_totals], language))


def _fields(out: Console, fields: Iterable[ShownField], language: str) -> Table:
    word = words(language)
    grid = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column(plain(word["field"]), min_width=14)
    grid.add_column(plain(word["label"]), overflow="fold", max_width=out.width // 4)
    for name in ("before", "after", "difference"):
        grid.add_column(plain(word[name]), justify="right", overflow="fold")
    for field in fields:
        grid.add_row(
            *(plain(text) for text in (field.name, field.label, field.old, field.new, field.difference))
        )
    return grid


def _print_changes(out: Console, table: TableChange, claim: ClaimChange, language: str) -> None:
    word = words(language)
    label = (
        "" if table.schema is None else table.schema.label_vi if language == "vi" else table.schema.label_en
    )
    out.print()
    same = "" if table.is_single else f"  {word['same_rows'].format(count=table.same)}"
    out.print(plain(f"{table.kind} {label}".strip(), "bold") + plain(same, "dim"))
    for change in table.rows:
        row = show_row(change, table, claim, language)
        number = word["row"].format(row=row.numbers) if row.numbers else ""
        heading = " ".join(part for part in (row.change, number, row.name) if part)
        out.print(plain(heading, "bold" if table.is_single else ""))
        if row.fields:
            out.print(_fields(out, row.fields, language))
