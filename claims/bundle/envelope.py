"""Reading a bundle: the envelope, its claims and their tables, from an element that was parsed safely.

Every oddity becomes a finding, never an exception. Whether the envelope has the right shape is for its
schema to say, and whether a signature holds for the verifier; here is said what the content turns out to be.
The element must hold no comments or processing instructions (`strip_asides`), so that the text of an
element is all of its text.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pybase64
from lxml import etree
from lxml.etree import _Element as Element

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.notation import (
    Mark,
    compose_letters,
    drop_type_hints,
    find_damage,
    find_marks,
    has_layout_of_2017,
    is_plain,
    is_plain_as_usual,
    may_have_long_decimals,
    may_have_type_hints,
    may_have_unseen_characters,
    name_character,
)
from claims.bundle.othercontent import recognize_content, recognize_encoding
from claims.localtime import parse_day
from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.errors import Unparsable
from xsd.catalog import SchemaNotFound, find_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xsd.catalog import TableSchema, UsualRows

ROOT: Final = "GIAMDINHHS"
CONTAINER: Final = "CHUKYDONVI"

_DISCHARGE: Final = re.compile(rb"<NGAY_RA>([0-9]{12})</NGAY_RA>")

# The tables that a bundle may hold, as LOAIHOSO names them.
_BY_SPELLING: Final = {kind.value: kind for kind in TableKind if kind.travels_in_bundle}

# A parser's refusal, by its code, as a finding; the others mean that it is not well-formed.
_UNPARSABLE: Final = {
    "empty": "ENV.EMPTY",
    "too-large": "ENV.TOO_COMPLEX",
    "encoding": "ENV.ENCODING",
    "doctype": "ENV.DOCTYPE",
    "too-deep": "ENV.TOO_COMPLEX",
    "too-many-attributes": "ENV.TOO_COMPLEX",
    "too-many-namespaces": "ENV.TOO_COMPLEX",
}

# What libxml2 says of a control character, and of an & or < that nobody escaped.
_UNESCAPED: Final = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_CHAR,
        etree.ErrorTypes.ERR_INVALID_CHARREF,
        etree.ErrorTypes.ERR_NAME_REQUIRED,
        etree.ErrorTypes.ERR_ENTITYREF_SEMICOL_MISSING,
        etree.ErrorTypes.ERR_UNDECLARED_ENTITY,
    }
)

# Letters that are no letters any more are refused by readers; those that are lost are a pity.
_DAMAGE: Final = {
    "ENV.CONTROL_CHARACTERS": Severity.ERROR,
    "ENV.LOST_LETTERS": Severity.WARNING,
    "ENV.MISREAD_LETTERS": Severity.WARNING,
    "ENV.VNI_LETTERS": Severity.WARNING,
    "ENV.ESCAPED_TWICE": Severity.WARNING,
}

# A mark that may matter to a stricter reader; the others are of interest to whoever mends the exporter.
_MARKS_TO_MEND: Final = frozenset({"ENV.TYPE_HINTS"})


@dataclass(frozen=True, slots=True, eq=False)
class UsualTable:
    """A table of the usual form, which is well-formed, valid by a schema, and written without any oddity."""

    data: bytes
    schema: TableSchema
    rows: UsualRows


@dataclass(slots=True, eq=False)
class Table:
    """One table of a claim, decoded and read, but not yet judged. Nobody else changes it.

    Attributes:
        kind: Which table it is.
        source: Its root element, or the table of the usual form, whose tree is made when it is asked for.
        envelope_line: The line of its NOIDUNGFILE in the bundle.
        may_have_long_decimals: Whether a decimal in it may end in zeros that its field has no room for.
        may_have_unseen: Whether a value in it may hold a character that cannot be seen.
    """

    kind: TableKind
    source: Element | UsualTable
    envelope_line: int | None
    may_have_long_decimals: bool = False
    may_have_unseen: bool = False

    @property
    def root(self) -> Element:
        """Its root element; lines are those of the decoded document."""
        if isinstance(self.source, UsualTable):
            self.source = parse(self.source.data)
        return self.source


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One HOSO: the tables of one episode of care.

    Attributes:
        number: Its place in the bundle, from 1.
        line: Its line there.
        tables: Its tables in document order.
        discharged: NGAY_RA of XML1 as written; empty when there is none.
    """

    number: int
    line: int | None
    tables: tuple[Table, ...]
    discharged: str = ""

    def find_table(self, kind: TableKind) -> Table | None:
        """Find the table of a kind; None when it is not there or could not be read."""
        return next((table for table in self.tables if table.kind is kind), None)


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """What a bundle says, and what was odd about it.

    Attributes:
        facility: MACSKCB; None when it is not there.
        made_on: NGAYLAP as written.
        claims: Its claims in document order.
        findings: Every oddity, in document order.
    """

    facility: str | None
    made_on: str | None
    claims: tuple[Claim, ...]
    findings: tuple[Finding, ...]


def parse_finding(error: Unparsable, *, location: Location | None = None) -> Finding:
    """Turn a parser's refusal into a finding about the bundle, or about the table at a location."""
    code = _UNPARSABLE.get(error.code, "ENV.WELLFORMED")
    cause = error.__cause__
    if isinstance(cause, etree.XMLSyntaxError) and cause.code in _UNESCAPED and code == "ENV.WELLFORMED":
        code = "ALL.CHARSET"
    place = location or Location()
    place = Location(
        claim=place.claim,
        table=place.table,
        envelope_line=place.envelope_line,
        line=error.line,
        column=error.column,
    )
    return Finding(code, Severity.CRITICAL, place)


def parse_findings(error: Unparsable, data: bytes, *, location: Location | None = None) -> Iterator[Finding]:
    """Turn a parser's refusal of data into findings: why it refused, and what the data seem to be instead."""
    yield parse_finding(error, location=location)
    if content := recognize_content(data):
        yield Finding("ENV.OTHER_CONTENT", Severity.INFO, location or Location(), (("content", content),))


def strip_asides(root: Element) -> None:
    """Take comments and processing instructions out, joining the text around them.

    They carry no content, but would cut an element's text in two: ``<T_BHTT>1<!-- -->000</T_BHTT>``
    is 1000 to a validator and must not be 1 to a rule.
    """
    # Not by XPath, which sorts what it finds: of 20 000 comments in some seconds.
    if next(root.iter(etree.Comment, etree.PI), None) is not None:
        etree.strip_tags(root, etree.Comment, etree.PI)


def namespace_finding(root: Element, location: Location) -> Finding | None:
    """Find out that a root stands in a namespace, where none of the Decisions' elements is."""
    namespace, _, name = str(root.tag).rpartition("}")
    if not namespace:
        return None
    params = (("element", name[:100]), ("namespace", namespace[1:101]))
    return Finding("ENV.NAMESPACE", Severity.CRITICAL, replace(location, line=root.sourceline), params)


def read_bundle(root: Element, *, limits: Limits = DEFAULT_LIMITS, as_usual: bool = False) -> Bundle:
    """Read a bundle from its root element, which holds no comments or instructions.

    With ``as_usual`` tables of the usual form get no tree until somebody asks for it.
    """
    reader = _Reader(limits, as_usual=as_usual)
    reader.drop_hints(root, Location())
    items = list(root.iterfind("THONGTINHOSO/DANHSACHHOSO/HOSO"))
    reader.compare_counts(root.find("THONGTINHOSO/SOLUONGHOSO"), len(items))
    if not items:
        # The schema says that there is no HOSO; to name every fault, the tables are read all the same.
        holders = (file.getparent() for file in root.iter("FILEHOSO"))
        items = [holder for holder in holders if holder is not None][:1]
    claims = tuple(reader.read_claim(item, number) for number, item in enumerate(items, start=1))
    reader.note_marks()
    return Bundle(
        facility=_stripped(root.findtext("THONGTINDONVI/MACSKCB")),
        made_on=_stripped(root.findtext("THONGTINHOSO/NGAYLAP")),
        claims=claims,
        findings=tuple(reader.findings),
    )


class _Reader:
    """Reads the claims of one bundle and notes what is odd."""

    def __init__(self, limits: Limits, *, as_usual: bool) -> None:
        self._limits = limits
        self._as_usual = as_usual
        self._marks: dict[str, tuple[Location, int]] = {}
        self.findings: list[Finding] = []

    def drop_hints(self, root: Element, location: Location) -> None:
        """Take type hints off the envelope or a table, and remember that there were some."""
        hints = drop_type_hints(root)
        if hints is not None:
            self._mark(hints, location)

    def note_marks(self) -> None:
        """Note each oddity of notation once, where it was first met, with how often it stands."""
        for code, (location, count) in self._marks.items():
            severity = Severity.WARNING if code in _MARKS_TO_MEND else Severity.INFO
            self._note(code, severity, location, (("count", str(count)),))

    def compare_counts(self, declared: Element | None, counted: int) -> None:
        """Compare SOLUONGHOSO with the claims there are; fewer means a truncated file."""
        text = "" if declared is None else (declared.text or "").strip()
        # Not a number at all is the schema's business, and so is no HOSO.
        is_number = text.isascii() and text.isdigit()
        if declared is not None and is_number and counted and text.lstrip("0") != str(counted):
            location = Location(field="SOLUONGHOSO", line=declared.sourceline)
            params = (("declared", text[:20]), ("counted", str(counted)))
            self._note("ENV.COUNT", Severity.ERROR, location, params)
        if counted > 1:
            self._note("ENV.ONE_CLAIM", Severity.ERROR, Location(field="HOSO"), (("counted", str(counted)),))

    def read_claim(self, item: Element, number: int) -> Claim:
        """Read one HOSO."""
        tables: dict[TableKind, Table] = {}
        seen: dict[TableKind, int | None] = {}
        discharged = ""
        for file in item.iterfind("FILEHOSO"):
            kind = self._read_kind(file, number)
            if kind is None:
                continue
            content = file.find("NOIDUNGFILE")
            location = Location(
                claim=number,
                table=kind,
                envelope_line=(file if content is None else content).sourceline,
            )
            if kind in seen:
                self._note("ENV.DUPLICATE_TABLE", Severity.ERROR, location)
                continue
            seen[kind] = location.envelope_line
            table = None if content is None else self._read_table(content, kind, location, discharged)
            if table is not None:
                tables[kind] = table
            if table is not None and kind is TableKind.XML1:
                discharged = _discharge_in(table)
        self._compare_order(seen, number)
        if TableKind.XML1 not in tables:
            self._note("ENV.XML1_PRESENT", Severity.CRITICAL, Location(claim=number, line=item.sourceline))
        return Claim(number, item.sourceline, tuple(tables.values()), discharged)

    def _compare_order(self, seen: dict[TableKind, int | None], number: int) -> None:
        for before, kind in pairwise(seen):
            if kind.number < before.number:
                self._note("ENV.FILE_ORDER", Severity.INFO, Location(claim=number, line=seen[kind]))
                return

    def _read_kind(self, file: Element, number: int) -> TableKind | None:
        element = file.find("LOAIHOSO")
        text = "" if element is None else element.text or ""
        if text in _BY_SPELLING:
            return _BY_SPELLING[text]
        if element is None or not text.strip():
            return None  # the schema says that it is missing
        location = Location(claim=number, field="LOAIHOSO", line=element.sourceline)
        spelled = text.strip().upper()
        params = (("value", text[:20]),)
        if spelled not in TableKind.__members__:
            self._note("ENV.KNOWN_TABLE", Severity.ERROR, location, params)
            return None
        kind = TableKind(spelled)
        if not kind.travels_in_bundle:
            self._note(f"ENV.{kind}_REFUSED", Severity.ERROR, location)
            return None
        if spelled != text:
            self._note("ENV.TABLE_SPELLING", Severity.WARNING, location, params)
        return kind

    def _read_table(
        self, content: Element, kind: TableKind, location: Location, discharged: str
    ) -> Table | None:
        data = self._decode(content, location)
        if data is None:
            return None
        if self._as_usual and len(data) <= self._limits.max_bytes:
            usual = _read_as_usual(data, kind, discharged)
            if usual is not None:
                return Table(kind, usual, location.envelope_line, may_have_long_decimals(data))
        try:
            root = parse(data, limits=self._limits)
        except Unparsable as error:
            self.findings.extend(parse_findings(error, data, location=location))
            return None
        namespaced = namespace_finding(root, location)
        if namespaced is not None:
            self.findings.append(namespaced)
            return None
        if has_layout_of_2017(root):
            self._note("ENV.OLD_LAYOUT", Severity.ERROR, replace(location, line=root.sourceline))
        is_odd = not is_plain(data)
        if is_odd:
            self._even_out(root, data, location)
        return Table(
            kind,
            root,
            location.envelope_line,
            may_have_long_decimals=may_have_long_decimals(data),
            may_have_unseen=is_odd and may_have_unseen_characters(data),
        )

    def _even_out(self, root: Element, data: bytes, location: Location) -> None:
        """Even out a table's notation, and remember what was odd about it."""
        strip_asides(root)
        for mark in find_marks(data):
            self._mark(mark, location)
        if may_have_type_hints(data):
            self.drop_hints(root, location)
        letters = compose_letters(root, data)
        if letters is not None:
            place = replace(location, field=letters.field[:100], line=letters.line, row=letters.row)
            params = (
                ("count", str(letters.count)),
                ("character", name_character(letters.character)),
                ("position", str(letters.position)),
            )
            self._note("ENV.DECOMPOSED", Severity.WARNING, place, params)
        for code, damage in find_damage(root, data):
            place = replace(location, field=damage.field[:100], line=damage.line, row=damage.row)
            self._note(code, _DAMAGE[code], place, (("count", str(damage.count)),))

    def _mark(self, mark: Mark, location: Location) -> None:
        first, count = self._marks.get(mark.code, (replace(location, line=mark.line), 0))
        self._marks[mark.code] = (first, count + mark.count)

    def _decode(self, content: Element, location: Location) -> bytes | None:
        """Decode NOIDUNGFILE: standard base64, in which blanks and line ends are tolerated."""
        text = content.text or ""
        if len(content) or text.lstrip()[:1] == "<":
            self._note("ENV.NOT_ENCODED", Severity.CRITICAL, location)
            return None
        if not text.strip():
            self._note("ENV.EMPTY_TABLE", Severity.CRITICAL, location)
            return None
        data = _decode_base64(text)
        if data is not None:
            return data
        data = _decode_base64("".join(text.split()))
        code, severity = ("ENV.BASE64_BLANKS", Severity.INFO) if data else ("ENV.BASE64", Severity.CRITICAL)
        self._note(code, severity, location)
        if not data and (form := recognize_encoding(text)):
            self._note("ENV.OTHER_FORM", Severity.INFO, location, (("form", form),))
        return data or None

    def _note(
        self, code: str, severity: Severity, location: Location, params: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.findings.append(Finding(code, severity, location, params))


def _read_as_usual(data: bytes, kind: TableKind, discharged: str) -> UsualTable | None:
    """Read a table of the usual form by the schema of the day of discharge, which the first table tells."""
    if kind is TableKind.XML1:
        found = _DISCHARGE.search(data)
        discharged = "" if found is None else found[1].decode()
    on = parse_day(discharged)
    try:
        schema = None if on is None else find_schema(kind, on=on)
    except SchemaNotFound:
        return None
    rows = None if schema is None or not is_plain_as_usual(data) else schema.read_usual(data)
    return None if schema is None or rows is None else UsualTable(data, schema, rows)


def _discharge_in(summary: Table) -> str:
    usual = summary.source
    if isinstance(usual, UsualTable):
        return usual.rows.texts[usual.schema.field_by_name["NGAY_RA"].order - 1]
    return (usual.findtext("NGAY_RA") or "").strip()


def _decode_base64(text: str) -> bytes | None:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _stripped(text: str | None) -> str | None:
    return (text or "").strip() or None
