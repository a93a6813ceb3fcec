"""Reading a bundle: the envelope, its claims and their tables, from an element that was parsed safely.

Every oddity becomes a finding, never an exception. Whether the envelope has the right shape is for its
schema to say, and whether a signature holds for the verifier; here is said what the content turns out to be.
The element must hold no comments or processing instructions (`strip_asides`), so that the text of an
element is all of its text.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

import pybase64
from lxml import etree
from lxml.etree import _Element as Element

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind
from signing.canonical import DEFAULT_LIMITS, Limits, parse
from signing.errors import Unparsable

ROOT: Final = "GIAMDINHHS"
CONTAINER: Final = "CHUKYDONVI"

# Compiled, it walks the tree in C: a tenth of what searching the bytes takes.
_HAS_ASIDES: Final = etree.XPath("boolean(//comment() | //processing-instruction())")

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


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table of a claim, decoded and parsed, but not yet judged.

    Attributes:
        kind: Which table it is.
        root: Its root element; lines are those of the decoded document.
        envelope_line: The line of its NOIDUNGFILE in the bundle.
    """

    kind: TableKind
    root: Element
    envelope_line: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One HOSO: the tables of one episode of care. `number` counts from 1."""

    number: int
    line: int | None
    tables: tuple[Table, ...]

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
    place = location or Location()
    place = Location(
        claim=place.claim,
        table=place.table,
        envelope_line=place.envelope_line,
        line=error.line,
        column=error.column,
    )
    return Finding(code, Severity.CRITICAL, place)


def strip_asides(root: Element) -> None:
    """Take comments and processing instructions out, joining the text around them.

    They carry no content, but would cut an element's text in two: ``<T_BHTT>1<!-- -->000</T_BHTT>``
    is 1000 to a validator and must not be 1 to a rule.
    """
    if _HAS_ASIDES(root):
        etree.strip_tags(root, etree.Comment, etree.PI)


def read_bundle(root: Element, *, limits: Limits = DEFAULT_LIMITS) -> Bundle:
    """Read a bundle from its root element, which holds no comments or instructions."""
    reader = _Reader(limits)
    items = list(root.iterfind("THONGTINHOSO/DANHSACHHOSO/HOSO"))
    reader.compare_counts(root.find("THONGTINHOSO/SOLUONGHOSO"), len(items))
    claims = tuple(reader.read_claim(item, number) for number, item in enumerate(items, start=1))
    return Bundle(
        facility=_stripped(root.findtext("THONGTINDONVI/MACSKCB")),
        made_on=_stripped(root.findtext("THONGTINHOSO/NGAYLAP")),
        claims=claims,
        findings=tuple(reader.findings),
    )


class _Reader:
    """Reads the claims of one bundle and notes what is odd."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.findings: list[Finding] = []

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
        seen: set[TableKind] = set()
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
            seen.add(kind)
            table = None if content is None else self._read_table(content, kind, location)
            if table is not None:
                tables[kind] = table
        if TableKind.XML1 not in tables:
            self._note("ENV.XML1_PRESENT", Severity.CRITICAL, Location(claim=number, line=item.sourceline))
        return Claim(number, item.sourceline, tuple(tables.values()))

    def _read_kind(self, file: Element, number: int) -> TableKind | None:
        element = file.find("LOAIHOSO")
        text = "" if element is None else element.text or ""
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

    def _read_table(self, content: Element, kind: TableKind, location: Location) -> Table | None:
        data = self._decode(content, location)
        if data is None:
            return None
        try:
            root = parse(data, limits=self._limits)
        except Unparsable as error:
            self.findings.append(parse_finding(error, location=location))
            return None
        if data.startswith(b"\xef\xbb\xbf"):
            self._note("ENV.BOM", Severity.INFO, location)
        strip_asides(root)
        return Table(kind, root, location.envelope_line)

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
        return data or None

    def _note(
        self, code: str, severity: Severity, location: Location, params: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.findings.append(Finding(code, severity, location, params))


def _decode_base64(text: str) -> bytes | None:
    try:
        return pybase64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _stripped(text: str | None) -> str | None:
    return (text or "").strip() or None
