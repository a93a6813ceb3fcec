"""A file is read as far as it goes: any Decision, any of its tables, broken ones too."""

from datetime import date

import pybase64
import pytest

from claims.bundle.contents import Contents, DocumentKind, read_contents
from claims.bundle.kinds import TableKind
from tests.unit.checking.bundles import a_bundle, a_claim, a_file, a_row, a_table, an_envelope, rows_of
from xsd.catalog import find_schema

TODAY = date(2026, 1, 1)
XML2 = TableKind.XML2


def read(data: bytes) -> Contents:
    return read_contents(data, today=TODAY)


def rows_in(data: bytes, kind: TableKind = XML2) -> list[str]:
    """List the STT of the rows that were read."""
    table = read(data).claims[0].find_table(kind)
    return [] if table is None else [row["STT"] for row in table.rows]


def in_layout_of(decision: str, on: date, *kinds: TableKind) -> bytes:
    """Write a bundle whose fields are those of a Decision, of an episode that ended on a day."""
    return an_envelope(*(a_file(kind, _table(kind, decision, on)) for kind in kinds)).replace(
        pybase64.b64encode(a_table(TableKind.XML1)), pybase64.b64encode(_table(TableKind.XML1, decision, on))
    )


def _table(kind: TableKind, decision: str, on: date) -> bytes:
    schema = find_schema(kind, on=on, decision=decision)
    fields = "".join(
        f"<{f.name}>{f'{on:%Y%m%d}0900' if f.name == 'NGAY_RA' else 1}</{f.name}>" for f in schema.fields
    )
    if schema.row_element is None:
        return f"<{schema.root}>{fields}</{schema.root}>".encode()
    row = f"<{schema.row_element}>{fields}</{schema.row_element}>"
    return f"<{schema.root}><{schema.list_element}>{row}</{schema.list_element}></{schema.root}>".encode()


def test_a_bundle_is_read_claim_by_claim() -> None:
    contents = read(a_bundle({**a_claim(), XML2: rows_of(XML2, 3)}))

    (claim,) = contents.claims
    assert (contents.document, contents.signatures) == (DocumentKind.BUNDLE, 0)
    assert (claim.ma_lk, claim.on, claim.decision, claim.fits) == (
        "LK-2025-0001",
        date(2025, 8, 1),
        "3176",
        None,
    )
    assert [(table.kind, len(table.rows), table.is_single) for table in claim.tables] == [
        ("XML1", 1, True),
        ("XML2", 3, False),
        ("XML3", 1, False),
    ]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(a_table(TableKind.XML1), "XML1", id="summary"),
        pytest.param(a_table(XML2), "XML2", id="medicines"),
        pytest.param(a_table(TableKind.XML0), "XML0", id="check-in"),
    ],
)
def test_a_table_on_its_own_is_read_as_what_it_is(data: bytes, kind: str) -> None:
    contents = read(data)

    assert contents.document is DocumentKind.TABLE
    assert [table.kind for table in contents.claims[0].tables] == [kind]
    assert contents.claims[0].tables[0].rows[0]["MA_LK"] == "LK-2025-0001"


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(a_table(XML2, *rows_of(XML2, 2)), id="as-decided"),
        pytest.param(
            a_table(XML2, *rows_of(XML2, 2))
            .replace(b"<CHITIEU_CHITIET_THUOC>", b"")
            .replace(b"</CHITIEU_CHITIET_THUOC>", b""),
            id="from-its-list",
        ),
        pytest.param(
            a_table(XML2, *rows_of(XML2, 2)).replace(b"CHI_TIET_THUOC>", b"DONG>"), id="rows-of-another-name"
        ),
        pytest.param(
            a_table(XML2, *rows_of(XML2, 2)).replace(b"<DU_PHONG>A", b"<DU_PHONG><B>A</B>"),
            id="an-element-in-a-field",
        ),
    ],
)
def test_rows_are_read_whatever_stands_around_them(table: bytes) -> None:
    assert rows_in(an_envelope(a_file("XML2", table))) == ["1", "2"]


def test_a_field_that_stands_twice_is_read_twice() -> None:
    table = a_table(XML2).replace(b"<DON_GIA>", b"<DON_GIA>7</DON_GIA><DON_GIA>")

    (row,) = read(table).claims[0].tables[0].rows

    assert [text for name, text in row.fields if name == "DON_GIA"] == ["7", "1500.125"]


@pytest.mark.parametrize(
    ("decision", "on", "in_force", "fits"),
    [
        pytest.param("130", date(2023, 6, 1), "130", None, id="130-in-its-time"),
        pytest.param("130", date(2025, 8, 1), "3176", "130", id="130-too-late"),
        pytest.param("3176", date(2024, 8, 1), "4750", "3176", id="3176-too-early"),
        pytest.param("4750", date(2024, 8, 1), "4750", None, id="4750-in-its-time"),
    ],
)
def test_the_day_of_discharge_decides_on_the_layout_and_a_better_fit_is_told(
    decision: str, on: date, in_force: str, fits: str | None
) -> None:
    tables = [
        kind for kind in (XML2, TableKind.XML3, TableKind.XML13) if kind != "XML13" or decision != "130"
    ]

    (claim,) = read(in_layout_of(decision, on, *tables)).claims

    assert (claim.on, claim.decision, claim.fits) == (on, in_force, fits)


def test_an_episode_from_before_every_decision_is_shown_in_the_layout_that_fits() -> None:
    (claim,) = read(in_layout_of("130", date(2020, 1, 1), XML2)).claims

    assert (claim.decision, claim.fits) == (None, "130")
    assert claim.tables[0].schema is not None


@pytest.mark.parametrize(
    ("data", "document"),
    [
        pytest.param(b"", DocumentKind.UNREADABLE, id="empty"),
        pytest.param(b"<GIAMDINHHS>", DocumentKind.UNREADABLE, id="cut-off"),
        pytest.param(a_bundle().decode().encode("utf-16"), DocumentKind.UNREADABLE, id="UTF-16"),
        pytest.param(b"<HSDANHMUC/>", DocumentKind.OTHER, id="another-document"),
    ],
)
def test_what_is_no_claim_has_none(data: bytes, document: DocumentKind) -> None:
    contents = read(data)

    assert (contents.document, contents.claims) == (document, ())


def test_the_tables_of_an_envelope_of_another_name_are_read() -> None:
    contents = read(a_bundle().replace(b"GIAMDINHHS", b"KHAMSUCKHOE"))

    assert (contents.document, contents.root) == (DocumentKind.OTHER, "KHAMSUCKHOE")
    assert [table.kind for table in contents.claims[0].tables] == ["XML1", "XML2", "XML3"]


def test_fields_of_no_decision_fit_none() -> None:
    table = "<CHI_TIET_THUOC>" + "".join(f"<A{i}>1</A{i}>" for i in range(40)) + "</CHI_TIET_THUOC>"

    (claim,) = read(
        an_envelope(a_file("XML2", f"<X>{table}</X>".encode())).replace(b"XML1<", b"XML99<")
    ).claims

    assert claim.fits is None
    assert len(claim.tables[0].rows[0].fields) == 40


def test_a_table_that_cannot_be_decoded_leaves_the_others_readable() -> None:
    contents = read(an_envelope(a_file("XML2", "@@@"), a_file("XML3", a_table(TableKind.XML3))))

    assert [table.kind for table in contents.claims[0].tables] == ["XML1", "XML3"]
    assert [finding.code for finding in contents.findings] == ["ENV.BASE64"]


def test_a_signature_is_counted_and_its_elements_are_no_rows() -> None:
    signature = (
        '<CHUKYDONVI><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><A><B>1</B></A></Signature>'
    )
    check_in = a_table(TableKind.XML0, a_row(TableKind.XML0)).replace(b"<CHUKYDONVI>", signature.encode(), 1)

    contents = read(check_in)

    assert contents.signatures == 1
    assert len(contents.claims[0].tables[0].rows) == 1


def test_tables_read_alike_in_their_usual_form_and_in_any_other() -> None:
    summary = a_table(TableKind.XML1, a_row(TableKind.XML1, NGAY_RA="202507311500"))
    rows = rows_of(XML2, 3, TEN_THUOC="Sắt < 50 mg > acid folic")
    usual = summary, a_table(XML2, *rows)
    other = (table.replace(b"<STT>", b"<!-- by hand --><STT>") for table in usual)

    (as_usual,), (by_trees,) = (read(_of_tables(*tables)).claims for tables in (usual, other))

    assert as_usual == by_trees
    assert as_usual.on == date(2025, 7, 31)
    assert rows == [dict(row.fields) for row in as_usual.tables[1].rows]


def _of_tables(summary: bytes, medicines: bytes) -> bytes:
    first = pybase64.b64encode(a_table(TableKind.XML1))
    return an_envelope(a_file(XML2, medicines)).replace(first, pybase64.b64encode(summary))
