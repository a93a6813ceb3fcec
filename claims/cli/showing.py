"""What `claims inspect` and `claims diff` show, before it becomes text or a page."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from claims.bundle.comparison import Change, ClaimChange, FieldChange, RowChange, TableChange
from claims.bundle.contents import Contents, DocumentKind, ReadClaim, read_contents
from claims.bundle.findings import Finding
from claims.bundle.rowmatching import name_row
from claims.bundle.views import TableView, group_figure, label_of, show_value, view_table
from claims.localtime import local_date, parse_day


@dataclass(frozen=True, slots=True)
class ShownFile:
    """One file: what it contains, what is odd about it, and its tables in one language."""

    name: str
    contents: Contents
    findings: tuple[Finding, ...]
    claims: tuple[tuple[ReadClaim, tuple[TableView, ...]], ...]


@dataclass(frozen=True, slots=True)
class ShownField:
    """One changed field in one language; ``difference`` has its sign, and is empty where there is none."""

    name: str
    label: str
    old: str
    new: str
    difference: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One changed row: what became of it, its numbers in both versions (``3→4``), its name, its fields."""

    change: str
    numbers: str
    name: str
    fields: tuple[ShownField, ...]


@cache
def words(language: str) -> Mapping[str, str]:
    """Return the words around a claim's own, in ``vi`` or ``en``."""
    text = (resources.files(__package__ or "") / "templates" / "words.toml").read_text("utf-8")
    return {str(key): str(word) for key, word in tomllib.loads(text)[language].items()}


def show_file(
    name: str, data: bytes, *, at: datetime, language: str, only: Collection[str] = ()
) -> ShownFile:
    """Read a file and prepare its tables (``only`` some kinds, if any are named) for showing."""
    contents = read_contents(data, today=local_date(at))
    claims = tuple(
        (
            claim,
            tuple(
                view_table(table, on=claim.on, language=language)
                for table in claim.tables
                if not only or table.kind in only
            ),
        )
        for claim in contents.claims
    )
    findings = _findings(data, contents, at)
    if only:
        findings = tuple(one for one in findings if one.location.table is None or one.location.table in only)
    return ShownFile(name, contents, findings, claims)


def _findings(data: bytes, contents: Contents, at: datetime) -> tuple[Finding, ...]:
    """List what a check has to say, but for the signature, which is not looked at."""
    from claims.bundle.kinds import TableKind
    from claims.checking.check import check_bundle
    from claims.checking.checkin import check_check_in
    from claims.checking.shapes import check_tables

    if contents.document is not DocumentKind.TABLE:
        return check_bundle(data, at=at).findings
    (claim,) = contents.source.claims
    if claim.find_table(TableKind.XML0) is not None:
        return check_check_in(data, at=at)
    return (*contents.findings, *check_tables(claim, contents.claims[0].on)[1])


def layout_of(claim: ReadClaim, language: str) -> str:
    """Say which Decision's layout a claim is shown in, and which it fits better."""
    word = words(language)
    day = f"{claim.on:%d/%m/%Y}"
    text = word["no_decision"] if claim.decision is None else word["decision"]
    text = text.format(decision=claim.decision, on=day)
    return text if claim.fits is None else f"{text}. {word['fits'].format(fits=claim.fits)}"


def document_of(contents: Contents, language: str) -> str:
    """Say what a file turned out to be."""
    text = words(language)[contents.document.value]
    if contents.document is DocumentKind.TABLE:
        text = f"{text}: {contents.source.claims[0].tables[0].kind}"
    return text.format(root=contents.root[:60])


def day_of(text: str | None) -> str:
    """Spell out a day of the envelope; what is no day stays as it is."""
    day = parse_day(text or "")
    return f"{day:%d/%m/%Y}" if day else text or "–"


def signature_of(contents: Contents, language: str) -> str:
    """Say whether there is a signature, and that nobody verified it."""
    word = words(language)
    if contents.document is DocumentKind.UNREADABLE:
        return "–"
    return word["signed"].format(count=contents.signatures) if contents.signatures else word["unsigned"]


def place_of(finding: Finding, language: str) -> str:
    """Say where a finding sits: table, row, field and line."""
    word, where = words(language), finding.location
    line = where.envelope_line if where.line is None else where.line
    parts = (
        f"#{where.claim}" if where.claim and where.claim > 1 else "",
        where.table or "",
        word["row"].format(row=where.row) if where.row else "",
        where.field or "",
        word["line"].format(line=line) if line else "",
    )
    return " ".join(part for part in parts if part)


def show_field(change: FieldChange, claim: ClaimChange, language: str) -> ShownField:
    """Prepare one changed field for showing."""
    old, new = (_value(change, text, claim, language) for text in (change.old, change.new))
    difference = change.difference
    sign = "+" if difference is not None and difference > 0 else ""
    figure = "" if not difference else f"{sign}{group_figure(f'{difference:f}')}"
    return ShownField(change.name, label_of(change.field, language), old, new, figure)


def show_row(row: RowChange, table: TableChange, claim: ClaimChange, language: str) -> ShownRow:
    """Prepare one changed row for showing; of one that came or went, what it costs and its time."""
    fields = row.fields if row.old and row.new else tuple(filter(_tells_of_a_row, row.fields))
    numbers = dict.fromkeys(str(one.number) for one in (row.old, row.new) if one)
    named = row.new or row.old
    return ShownRow(
        change=words(language)[row.change.value],
        numbers="" if table.is_single else "→".join(numbers),
        name="" if named is None else name_row(table.kind, named),
        fields=tuple(show_field(change, claim, language) for change in fields),
    )


def _tells_of_a_row(change: FieldChange) -> bool:
    return change.name == "NGAY_YL" or bool(change.difference) or change.field is None


def _value(change: FieldChange, text: str, claim: ClaimChange, language: str) -> str:
    if change.change is Change.SPELLING:
        return text
    cell = show_value(change.field, text, on=claim.on, language=language)
    return f"{cell.text} ({cell.meaning})" if cell.meaning else cell.text
