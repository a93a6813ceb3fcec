"""Notation: what is odd about how a document is written, although it says what it says.

Exporters write byte order marks, CDATA, decomposed letters and the hints of their XML library. All of that is
read; what would hinder a reader further on is evened out in the tree that was parsed (the bytes stay as
they are), and each oddity is told by a code, so that nothing is mended in silence.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lxml.etree import _Element as Element

    from xsd.catalog import Field, TableSchema

BOM: Final = b"\xef\xbb\xbf"
_CDATA: Final = b"<![CDATA["
_SIGNATURE: Final = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_HINTS: Final = frozenset({f"{_XSI}nil", f"{_XSI}type"})

# Each begins with a byte that is rare in a table, so that a search of 60 KB takes some 20 microseconds.
_INDENT: Final = re.compile(rb"\n[ \t]+<")
_ZERO_AT_END: Final = re.compile(rb"\.[0-9]*0[ \r\n\t]*<")
# 150.600 is 150.6 to the Decision, and 150 600 to whoever groups thousands by points.
_THOUSANDS: Final = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_INSTANCE: Final = b"XMLSchema-instance"
_ROOT: Final = re.compile(rb"<[A-Za-z_][^>]*>")
# Combining marks, U+0300 to U+036F: what Vietnamese letters fall apart into.
_COMBINING: Final = re.compile("[\u0300-\u036f]")
_LEAD_BYTES: Final = (b"\xcc", b"\xcd")  # with which each of them begins in UTF-8

# Vietnamese in another character set: UTF-8 read as Windows-1252 or 1258 ("Nguyá»…n"), where a letter becomes
# two or three characters, and the marks for ă, ả and á of TCVN3 ("V¨n") between letters. No language writes
# these in a word; what may stand beside a letter («Cá», µg, m², n.º) is not among them.
_MISREAD_BYTES: Final = re.compile(
    b"\xc2(?:(?<=\xc3\xa1\xc2)[\xba\xbb]|(?<=\xc3[\x83\x86]\xc2)[\xa1-\xbf]|(?<=\xc4\x82\xc2)[\xa1-\xbf]"
    b"|(?<=[A-Za-z]\xc2)[\xa8\xb6\xb8][A-Za-z])"
)
_MISREAD: Final = re.compile(
    "\u00e1[\u00ba\u00bb][\u00a1-\u00bf\u0152-\u0192\u02c6-\u0303\u2013-\u2122\u20ab](?=[^\\W\\d_])"
    "|[\u00c3\u0102][\u00a1-\u00a3\u00a8-\u00aa\u00ac\u00b2-\u00b5\u00b9\u00ba\u00bd](?=[^\\W\\d_])"
    "|\u00c6[\u00a1\u00af\u00b0]|(?<=[A-Za-z])[\u00a8\u00b6\u00b8](?=[A-Za-z])"
)

# VNI keeps a letter's accents in a second letter behind it ("phöôøng", "Nguyeãn"). Most of its pairs are
# some language's own ("João", "Raphaël", "août"); these are none's: with ö or ø, or behind "uy".
_VNI_BYTES: Final = re.compile(b"\xc3(?:[\x96\x98\xb6\xb8]|(?<=[Uu][Yy][Ee]\xc3)[\x80-\xa5])")
_VNI: Final = re.compile(
    "ö[ôùøûõï]|ôø|[ao]ø(?=(?:n[gh]?|[miu])(?![^\\W\\d_]))|uye[ãäáàå]",
    re.IGNORECASE,
)

# What a conversion between character sets leaves behind: control characters, and the mark of what was lost.
# Each as text, and as bytes of which the first is always the same: such a search is fast.
_DAMAGE: Final = (
    (re.compile(b"\x7f"), re.compile("\x7f"), "ENV.CONTROL_CHARACTERS"),
    (re.compile(b"\xc2[\x80-\x9f]"), re.compile("[\x80-\x9f]"), "ENV.CONTROL_CHARACTERS"),
    (re.compile(b"\xef\xbf\xbd"), re.compile("\ufffd"), "ENV.LOST_LETTERS"),
    (_MISREAD_BYTES, _MISREAD, "ENV.MISREAD_LETTERS"),
    (_VNI_BYTES, _VNI, "ENV.VNI_LETTERS"),
    # What was escaped, and then once more: a reader sees the reference instead of the character.
    (
        re.compile(b"&amp;(?:amp|lt|gt|quot|apos|#[0-9]+);"),
        re.compile("&(?:amp|lt|gt|quot|apos|#[0-9]+);", re.ASCII),
        "ENV.ESCAPED_TWICE",
    ),
)

# What cannot be seen, and makes of a text another one: blanks that do not break, marks without width or of
# direction, soft hyphens, byte order marks. By their first byte, as above, or as a reference to a number.
_UNSEEN: Final = (
    re.compile(b"\xc2[\xa0\xad]"),
    re.compile(b"\xcd\x8f"),
    re.compile(b"\xd8\x9c"),
    re.compile(b"\xe2(?:\x80[\x80-\x8f\xa8-\xaf]|\x81[\x9f-\xaf])"),
    re.compile(b"\xe3\x80\x80"),
    re.compile(b"\xef(?:\xb8[\x80-\x8f]|\xbb\xbf)"),
    re.compile(b"&#"),
    re.compile(b"\n[ \t]*+[^<\\s]"),  # text goes on, or begins, on a line of its own
)

# What nearly every table is free of, and all of what is odd needs: by bytes, which are soon looked for.
_USUAL_START: Final = re.compile(rb'<\?xml version="1\.0" encoding="[A-Za-z0-9-]+"\?>')
_RARE: Final = (b"!", b"&", b"\x7f", b"\xcc", b"\xcd", b"\xd8", b"\xe2", b"\xe3", b"\xef")
_UNSEEN_OR_CONTROL: Final = re.compile(b"\xc2[\x80-\xa0\xad]")
_LINE_WITHOUT_TAG: Final = re.compile(rb"\n[^<]")

# A blank behind a tag, and one before an end tag: a value's, if none of these is before it. Without anything
# to choose from in them, such patterns are found in 60 KB in some 30 microseconds.
_BLANK_BEHIND_TAG: Final = re.compile(rb"> ")
_BLANK_BEFORE_END: Final = re.compile(rb" </")
_BETWEEN_TAGS: Final = (b">", b"\n", b"\r", b"\t")
_LONGEST_INDENT: Final = 64

# Fields that only the layout of 2017 (Decision 4210) has.
_OF_2017: Final = ("T_NGOAIDS", "MA_LYDO_VVIEN")


@dataclass(frozen=True, slots=True)
class Mark:
    """One oddity of notation: its code, the line it is first met on, and how often it stands."""

    code: str
    line: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a table a mark is first met: row (from 1, where there are several), field and line.

    ``is_doubtful`` when what was read may have meant something else; ``character`` is the first odd one and
    ``position`` its place in the value, from 1, where these are known.
    """

    field: str
    line: int | None
    row: int | None
    count: int
    is_doubtful: bool = False
    character: str = ""
    position: int = 0


def name_character(character: str) -> str:
    """Return what a character is called that may not be seen: ``U+00A0``."""
    return f"U+{ord(character):04X}"


def is_plain(data: bytes) -> bool:
    """Whether nothing is odd about how an inner table is written: no function here finds anything in it.

    Most tables are plain; to see that takes less than to look for each oddity.
    """
    declaration = _USUAL_START.match(data)
    if declaration is None:
        return False
    # Behind it there is neither an instruction nor an attribute, and so no namespace.
    start = declaration.end()
    if data.find(b"?", start) >= 0 or data.find(b"=", start) >= 0:
        return False
    for byte in _RARE:
        if byte in data:
            return False
    has_unseen = b"\xc2" in data and _UNSEEN_OR_CONTROL.search(data) is not None
    return not has_unseen and _LINE_WITHOUT_TAG.search(data) is None and is_plain_as_usual(data)


def is_plain_as_usual(data: bytes) -> bool:
    """Whether nothing is odd about a table of the usual form (`xsd.usual`), whose characters are few."""
    return (
        _VNI_BYTES.search(data) is None
        and _MISREAD_BYTES.search(data) is None
        and not _has_blank_at_edge(data)
    )


def find_marks(data: bytes) -> Iterator[Mark]:
    """Find what is odd about the bytes of an inner table that parse well."""
    if data.startswith(BOM):
        yield Mark("ENV.BOM", 1)
    if not data.removeprefix(BOM).startswith(b"<?xml"):
        yield Mark("ENV.NO_DECLARATION", 1)
    yield from find_cdata(data)
    # After text, not after an element, it is the end of a paragraph.
    indents = (found.start() for found in _INDENT.finditer(data))
    start = next((at for at in indents if data[max(0, at - 8) : at].rstrip(b"\r\n").endswith(b">")), None)
    if start is not None:
        yield Mark("ENV.INDENTED", _line_of(data, start) + 1)
    root = _ROOT.search(data)
    if root and b"xmlns:" in root[0]:
        yield Mark("ENV.NAMESPACES", _line_of(data, root.start()))


def find_cdata(data: bytes) -> Iterator[Mark]:
    """Find CDATA sections."""
    start = data.find(_CDATA) if b"!" in data else -1
    if start >= 0:
        yield Mark("ENV.CDATA", _line_of(data, start), data.count(_CDATA))


def has_layout_of_2017(root: Element) -> bool:
    """Whether a table has fields that only the layout before Decision 130 has."""
    return next(root.iter(*_OF_2017), None) is not None


def may_have_long_decimals(data: bytes) -> bool:
    """Whether some value of a table ends as a decimal with a needless zero does."""
    return _ZERO_AT_END.search(data) is not None


def may_have_unseen_characters(data: bytes) -> bool:
    """Whether a table may hold a character that cannot be seen."""
    return any(_is_in(pattern, data) for pattern in _UNSEEN) or _has_blank_at_edge(data)


def _has_blank_at_edge(data: bytes) -> bool:
    """Whether a value may begin or end with a blank."""
    if _BLANK_BEHIND_TAG.search(data):
        return True
    ends = (found.start() for found in _BLANK_BEFORE_END.finditer(data))
    before = (data[max(0, end - _LONGEST_INDENT) : end].rstrip(b" ")[-1:] for end in ends)
    return any(byte not in _BETWEEN_TAGS for byte in before)


def _is_in(pattern: re.Pattern[bytes], data: bytes) -> bool:
    """Whether a pattern is in data behind their byte order mark; its first byte alone is soon looked for."""
    return pattern.pattern[:1] in data and pattern.search(data, len(BOM)) is not None


def may_have_type_hints(data: bytes) -> bool:
    """Whether a document names the namespace of type hints at all."""
    return _INSTANCE in data


def drop_type_hints(root: Element) -> Mark | None:
    """Take xsi:nil and xsi:type off, which say nothing the Decision does not; a signature keeps its own."""
    hinted = [
        element
        for element in root.iter("*")
        if not _HINTS.isdisjoint(element.keys())
        and element.tag != _SIGNATURE
        and next(element.iterancestors(_SIGNATURE), None) is None
    ]
    for element in hinted:
        for name in _HINTS:
            element.attrib.pop(name, None)
    return Mark("ENV.TYPE_HINTS", hinted[0].sourceline, len(hinted)) if hinted else None


def compose_letters(root: Element, data: bytes) -> Place | None:
    """Put decomposed letters (NFD) together (NFC), so that lengths count letters; tell where the first is."""
    if not any(byte in data for byte in _LEAD_BYTES):
        return None
    found, first = [], ""
    for element in root.iter("*"):
        if element.text and _COMBINING.search(element.text):
            composed = unicodedata.normalize("NFC", element.text)
            if composed != element.text:
                first = first or element.text
                element.text = composed
                found.append(element)
    mark = _COMBINING.search(first)
    return None if mark is None else replace(_place(found), character=mark[0], position=mark.end())


def find_damage(root: Element, data: bytes) -> Iterator[tuple[str, Place]]:
    """Find values whose letters a conversion damaged or lost, by the code of each kind."""
    for of_bytes, of_text, code in _DAMAGE:
        if _is_in(of_bytes, data):
            found = [one for one in root.iter("*") if one.text and of_text.search(one.text)]
            if found:
                yield code, _place(found)


def has_long_decimals(values: Callable[[str], Iterable[str]], schema: TableSchema) -> bool:
    """Whether a decimal among the values of a table is longer than the Decision has room for."""
    return any(
        "." in text and _is_too_long(text, field)
        for name, field in _decimal_fields(schema).items()
        for text in values(name)
    )


def shorten_decimals(root: Element, schema: TableSchema) -> Place | None:
    """Take zeros off the end of decimals that are longer than the Decision has room for; tell where."""
    fields = _decimal_fields(schema)
    found, is_doubtful = [], False
    for element in root.iter(*fields) if fields else ():  # without names it would iterate over everything
        text, field = element.text, fields[str(element.tag)]
        if text and "." in text and _is_too_long(text, field):
            shorter = text.rstrip("0").removesuffix(".")
            if shorter and not _is_too_long(shorter, field):
                element.text = shorter
                found.append(element)
                is_doubtful = is_doubtful or (field.kind == "amount" and bool(_THOUSANDS.fullmatch(text)))
    return _place(found, is_doubtful=is_doubtful) if found else None


def _is_too_long(text: str, field: Field) -> bool:
    fraction = text.partition(".")[2]
    return len(fraction) > (field.fraction_digits or 0) or len(text) > (field.max_length or len(text))


@lru_cache(maxsize=256)
def _decimal_fields(schema: TableSchema) -> dict[str, Field]:
    return {field.name: field for field in schema.fields if field.type == "decimal"}


def _place(found: list[Element], *, is_doubtful: bool = False) -> Place:
    first = found[0]
    return Place(str(first.tag), first.sourceline, _row_number(first), len(found), is_doubtful)


def _row_number(field: Element) -> int | None:
    """Return the number of the row that a field stands in; None when the root itself is the row."""
    row = field.getparent()
    if row is None or row.getparent() is None:
        return None
    return 1 + len(list(row.itersiblings(str(row.tag), preceding=True)))


def _line_of(data: bytes, start: int) -> int:
    return data.count(b"\n", 0, start) + 1
