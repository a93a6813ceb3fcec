"""The XML of a table is shown as it is written, readable also where it is one line, to the very field."""

import pytest

from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind
from claims.console.reviewers.source import Piece, Source, show_source
from tests.unit.checking.bundles import a_file, a_table, an_envelope, rows_of

MEDICINES = rows_of(TableKind.XML2, 3)


def shown(table: bytes, *, kind: str = "XML2", meant: Location | None = None) -> Source:
    source = show_source(an_envelope(a_file("XML2", table)), claim=1, kind=kind, meant=meant)
    assert source is not None
    return source


def on_one_line(table: bytes) -> bytes:
    return b"".join(line.strip() for line in table.splitlines())


def meant(source: Source) -> list[Piece]:
    return [piece for piece in source.pieces if piece.is_meant]


def test_short_lines_stay_as_they_are() -> None:
    text = b"<CHITIEU_CHITIET_THUOC>\r\n<A><B>1</B><C></C></A>\n\n</CHITIEU_CHITIET_THUOC>"

    source = shown(text)

    assert [(one.line, one.column, one.text) for one in source.pieces] == [
        (1, 1, "<CHITIEU_CHITIET_THUOC>"),
        (2, 1, "<A><B>1</B><C></C></A>"),
        (3, 1, ""),
        (4, 1, "</CHITIEU_CHITIET_THUOC>"),
    ]


def test_a_long_line_is_broken_before_start_tags_and_nothing_is_lost() -> None:
    table = on_one_line(a_table(TableKind.XML2, *MEDICINES))

    source = shown(table)

    assert "".join(one.text for one in source.pieces).encode() == table
    assert {one.line for one in source.pieces} == {1}
    assert [one.column for one in source.pieces] == sorted({one.column for one in source.pieces})
    assert max(len(one.text) for one in source.pieces) < 120


@pytest.mark.parametrize("row", [1, 2, 3])
def test_a_finding_leads_to_its_field_also_where_all_is_one_line(row: int) -> None:
    rows = [{**one, "TEN_THUOC": f"thuốc {number}"} for number, one in enumerate(MEDICINES, start=1)]
    place = Location(claim=1, table="XML2", row=row, field="TEN_THUOC", line=1)

    found = meant(shown(on_one_line(a_table(TableKind.XML2, *rows)), meant=place))

    assert [one.text for one in found] == [f"<TEN_THUOC>thuốc {row}</TEN_THUOC>"]


def test_a_finding_leads_to_its_line() -> None:
    lines = a_table(TableKind.XML2, *MEDICINES).decode().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if "TEN_THUOC" in line)
    place = Location(claim=1, table="XML2", row=1, field="TEN_THUOC", line=number)

    found = meant(shown("\n".join(lines).encode(), meant=place))

    assert [one.line for one in found] == [number]


def test_of_what_is_too_long_for_a_page_the_beginning_is_shown() -> None:
    assert not shown(b"<A>\n" + b"<B/>\n" * 6_000 + b"</A>").is_whole


@pytest.mark.parametrize(
    ("file", "claim", "kind"),
    [
        pytest.param(a_file("XML2", "no base64!"), 1, "XML2", id="not base64"),
        pytest.param(a_file("XML2", b"<A/>"), 2, "XML2", id="no such claim"),
        pytest.param(a_file("XML2", b"<A/>"), 1, "XML3", id="no such table"),
        pytest.param(a_file("XML2", b"<A/>"), 1, "nonsense", id="no table at all"),
    ],
)
def test_what_cannot_be_read_is_not_shown(file: str, claim: int, kind: str) -> None:
    assert show_source(an_envelope(file), claim=claim, kind=kind, meant=None) is None
