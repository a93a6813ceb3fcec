"""Whatever real exporters write is read and told, or refused where it stands: table, row, field and line."""

import unicodedata
from dataclasses import dataclass
from typing import Final

import pybase64
import pytest

from claims.bundle.findings import Finding, Severity
from claims.bundle.kinds import TableKind
from claims.bundle.messages import LANGUAGES, describe
from claims.checking.check import CheckPolicy, CheckTerms, check_bundle
from tests.unit.checking.bundles import (
    AT,
    RULES,
    a_bundle,
    a_claim,
    a_file,
    a_row,
    a_table,
    an_envelope,
    check,
    rows_of,
)

INFO, WARNING, ERROR, CRITICAL = Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL

# Two rows on lines 4 and 5 of the table; its NOIDUNGFILE is on line 9 of the bundle.
TABLE: Final = a_table(TableKind.XML2, *rows_of(TableKind.XML2, 2, TEN_THUOC="Thuoc", DON_GIA="1500.125"))
SUMMARY: Final = a_table(TableKind.XML1)
EMPTY_LIST: Final = b"<DSACH_CHI_TIET_THUOC/></CHITIEU_CHITIET_THUOC>"
XSI: Final = (
    b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
)


@dataclass(frozen=True)
class Expected:
    """What a finding must say."""

    code: str
    severity: Severity
    table: str | None = None
    row: int | None = None
    field: str | None = None
    line: int | None = None
    envelope_line: int | None = None


def said(finding: Finding) -> Expected:
    where = finding.location
    return Expected(
        finding.code, finding.severity, where.table, where.row, where.field, where.line, where.envelope_line
    )


def with_table(table: bytes) -> bytes:
    """Put another XML2 into the bundle."""
    return an_envelope(a_file("XML2", table))


def second_row(old: bytes, new: bytes) -> bytes:
    """Change the second row of XML2."""
    head, _, tail = TABLE.rpartition(b"<CHI_TIET_THUOC>")
    assert old in tail
    return with_table(head + b"<CHI_TIET_THUOC>" + tail.replace(old, new, 1))


def envelope(old: bytes, new: bytes, *, data: bytes | None = None) -> bytes:
    """Change the envelope."""
    data = with_table(TABLE) if data is None else data
    assert old in data
    return data.replace(old, new, 1)


def summary(old: bytes, new: bytes) -> bytes:
    """Change XML1, whose NOIDUNGFILE is on line 7."""
    assert old in SUMMARY
    return an_envelope().replace(pybase64.b64encode(SUMMARY), pybase64.b64encode(SUMMARY.replace(old, new)))


def nfd(text: str) -> bytes:
    return unicodedata.normalize("NFD", text).encode()


def in_xml2(
    code: str, severity: Severity, line: int | None, row: int | None = 2, field: str | None = None
) -> Expected:
    return Expected(code, severity, "XML2", row, field, line, 9)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            b"\xef\xbb\xbf" + with_table(TABLE), Expected("ENV.BOM", INFO, line=1), id="BOM-of-the-file"
        ),
        pytest.param(
            with_table(b"\xef\xbb\xbf" + TABLE), in_xml2("ENV.BOM", INFO, 1, row=None), id="BOM-of-a-table"
        ),
        pytest.param(
            an_envelope(a_file("XML2", pybase64.encodebytes(TABLE).decode().replace("\n", "\r\n"))),
            in_xml2("ENV.BASE64_BLANKS", INFO, None, row=None),
            id="CRLF-in-base64",
        ),
        pytest.param(
            an_envelope(a_file("XML2", f"\n\t {pybase64.b64encode_as_string(TABLE)} \n")),
            in_xml2("ENV.BASE64_BLANKS", INFO, None, row=None),
            id="blanks-around-base64",
        ),
        pytest.param(
            an_envelope(a_file("XML2", f"<![CDATA[{pybase64.b64encode_as_string(TABLE)}]]>")),
            Expected("ENV.CDATA", INFO, line=9),
            id="CDATA-in-the-envelope",
        ),
        pytest.param(
            second_row(b">Thuoc<", b"><![CDATA[A<B>&C]]><"),
            in_xml2("ENV.CDATA", INFO, 5, row=None),
            id="CDATA-in-a-table",
        ),
        pytest.param(
            with_table(TABLE.replace(b"><", b">\r\n\t<")),
            in_xml2("ENV.INDENTED", INFO, 5, row=None),
            id="indentation",
        ),
        pytest.param(
            with_table(TABLE.partition(b"?>\n")[2]),
            in_xml2("ENV.NO_DECLARATION", INFO, 1, row=None),
            id="no-declaration",
        ),
        pytest.param(
            second_row(b"<DU_PHONG>A</DU_PHONG>", b""),
            in_xml2("XML2.DU_PHONG.absent", INFO, 5, field="DU_PHONG"),
            id="element-left-out",
        ),
        pytest.param(
            second_row(b"<DU_PHONG>", b"<MOI/><DU_PHONG>"),
            in_xml2("XML2.FIELD.unknown", WARNING, 5, field="MOI"),
            id="extra-empty-element",
        ),
        pytest.param(
            second_row(
                b"<MA_LK>LK-2025-0001</MA_LK><STT>2</STT>", b"<STT>2</STT><MA_LK>LK-2025-0001</MA_LK>"
            ),
            in_xml2("XML2.ORDER", INFO, 5, field="MA_LK"),
            id="reordered-fields",
        ),
        pytest.param(
            envelope(
                b"<NGAYLAP>20250801</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO>",
                b"<SOLUONGHOSO>1</SOLUONGHOSO>\n<NGAYLAP>20250801</NGAYLAP>",
            ),
            Expected("ENV.ORDER", WARNING, field="NGAYLAP", line=5),
            id="reordered-envelope",
        ),
        pytest.param(
            envelope(b"</MACSKCB>", b"</MACSKCB>\n<TENCS>x</TENCS>"),
            Expected("ENV.FIELD.unknown", WARNING, field="TENCS", line=4),
            id="unknown-element-of-the-envelope",
        ),
        pytest.param(
            with_table(TABLE.replace(b"<CHITIEU_CHITIET_THUOC>", b"<CHITIEU_CHITIET_THUOC " + XSI + b">")),
            in_xml2("ENV.NAMESPACES", INFO, 2, row=None),
            id="namespaces-of-a-table",
        ),
        pytest.param(
            second_row(b"<DU_PHONG>A</DU_PHONG>", b"<DU_PHONG " + XSI + b' xsi:nil="true"/>'),
            in_xml2("ENV.TYPE_HINTS", WARNING, 5, row=None),
            id="xsi-nil",
        ),
        pytest.param(
            second_row(b"<DU_PHONG>", b"<DU_PHONG " + XSI + b' xsi:type="xsd:string">'),
            in_xml2("ENV.TYPE_HINTS", WARNING, 5, row=None),
            id="xsi-type",
        ),
        pytest.param(
            envelope(b"<CHUKYDONVI/>", b"<CHUKYDONVI " + XSI + b' xsi:nil="true"/>'),
            Expected("ENV.TYPE_HINTS", WARNING, line=10),
            id="xsi-nil-in-the-envelope",
        ),
        pytest.param(
            second_row(b">1500.125<", b">1500.1250000<"),
            in_xml2("ENV.TRAILING_ZEROS", INFO, 5, field="DON_GIA"),
            id="zeros-after-a-price",
        ),
        pytest.param(
            second_row(b"<MUC_HUONG>80<", b"<MUC_HUONG>80.000<"),
            in_xml2("ENV.TRAILING_ZEROS", INFO, 5, field="MUC_HUONG"),
            id="zeros-after-a-percent",
        ),
        pytest.param(
            second_row(b"<THANH_TIEN_BV>150000.50<", b"<THANH_TIEN_BV>150.000<"),
            in_xml2("ENV.TRAILING_ZEROS", WARNING, 5, field="THANH_TIEN_BV"),
            id="thousands-or-zeros",
        ),
        pytest.param(
            second_row(b"<THANH_TIEN_BV>150000.50<", b"<THANH_TIEN_BV>150.600<"),
            in_xml2("ENV.TRAILING_ZEROS", WARNING, 5, field="THANH_TIEN_BV"),
            id="thousands-with-hundreds-or-zeros",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">" + nfd("Thuốc giảm đau") + b"<"),
            in_xml2("ENV.DECOMPOSED", WARNING, 5, field="TEN_THUOC"),
            id="decomposed-letters",
        ),
        pytest.param(
            an_envelope(a_file("xml2", TABLE)),
            Expected("ENV.TABLE_SPELLING", WARNING, field="LOAIHOSO", line=8),
            id="lower-case-LOAIHOSO",
        ),
        pytest.param(
            an_envelope(a_file("XML3", a_table(TableKind.XML3)), a_file("XML2", TABLE)),
            Expected("ENV.FILE_ORDER", INFO, line=11),
            id="FILEHOSO-in-another-order",
        ),
    ],
)
def test_what_says_the_same_is_read_and_told(data: bytes, expected: Expected) -> None:
    report = check(data)

    assert [said(finding) for finding in report.findings] == [expected]
    assert report.is_acceptable
    assert report.claims[0].tables["XML2"] == 2


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            with_table(TABLE).decode().encode("utf-16"),
            Expected("ENV.ENCODING", CRITICAL, line=1),
            id="UTF-16",
        ),
        pytest.param(
            with_table(TABLE).decode().encode("utf-16-be"),
            Expected("ENV.ENCODING", CRITICAL, line=1),
            id="UTF-16-without-BOM",
        ),
        pytest.param(
            with_table(TABLE.decode().encode("utf-16")),
            in_xml2("ENV.ENCODING", CRITICAL, 1, row=None),
            id="table-in-UTF-16",
        ),
        pytest.param(
            envelope(b'"utf-8"', b'"utf-16"'),
            Expected("ENV.ENCODING", CRITICAL, line=1),
            id="declared-UTF-16",
        ),
        pytest.param(
            with_table(TABLE.replace(b'"utf-8"', b'"windows-1258"')),
            in_xml2("ENV.ENCODING", CRITICAL, 1, row=None),
            id="table-declared-legacy",
        ),
        pytest.param(
            envelope(b"79024", "Đ".encode("cp1258")),
            Expected("ENV.ENCODING", CRITICAL, line=3),
            id="legacy-bytes",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">" + "Đă".encode("cp1258") + b"<"),
            in_xml2("ENV.ENCODING", CRITICAL, 5, row=None),
            id="legacy-bytes-in-a-table",
        ),
        *(
            pytest.param(
                second_row(b">1500.125<", b">" + price + b"<"),
                in_xml2("XML2.DON_GIA.format", ERROR, 5, field="DON_GIA"),
                id=name,
            )
            for name, price in {
                "thousands-comma": b"1,500.125",
                "thousands-points": b"1.500.125",
                "thousands-blank": b"1 500.125",
                "decimal-comma": b"1500,125",
                "exponent": b"1.5E+3",
                "minus": b"-1500",
                "letters": b"1500VND",
                "not-a-number": b"NaN",
            }.items()
        ),
        *(
            pytest.param(
                second_row(b"<NGAY_YL>202508010930", b"<NGAY_YL>" + time),
                in_xml2("XML2.NGAY_YL.format", ERROR, 5, field="NGAY_YL"),
                id=name,
            )
            for name, time in {
                "ISO-date": b"2025-08-01T09:30",
                "ddmmyyyy": b"010820250930",
                "slashes": b"01/08/2025",
                "day-without-hour": b"20250801",
            }.items()
        ),
        pytest.param(
            second_row(b"<DON_GIA>", b"<DON_GIA>1</DON_GIA><DON_GIA>"),
            in_xml2("XML2.DON_GIA.duplicate", ERROR, 5, field="DON_GIA"),
            id="field-twice",
        ),
        pytest.param(
            envelope(b"<SOLUONGHOSO>", b"\n<NGAYLAP>20250801</NGAYLAP><SOLUONGHOSO>"),
            Expected("ENV.NGAYLAP.duplicate", ERROR, field="NGAYLAP", line=5),
            id="NGAYLAP-twice",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">Thuoc\x1f<"),
            in_xml2("ALL.CHARSET", CRITICAL, 5, row=None),
            id="control-character",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">Thuoc&#31;<"),
            in_xml2("ALL.CHARSET", CRITICAL, 5, row=None),
            id="control-character-as-reference",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">A & B<"),
            in_xml2("ALL.CHARSET", CRITICAL, 5, row=None),
            id="bare-ampersand",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">pH < 7<"),
            in_xml2("ALL.CHARSET", CRITICAL, 5, row=None),
            id="bare-less-than",
        ),
        pytest.param(
            second_row(b">Thuoc<", b">A&nbsp;B<"),
            in_xml2("ALL.CHARSET", CRITICAL, 5, row=None),
            id="HTML-entity",
        ),
        pytest.param(
            envelope(b"<NGAYLAP>", b"<!-- & --><NGAYLAP>&"),
            Expected("ALL.CHARSET", CRITICAL, line=4),
            id="envelope",
        ),
        pytest.param(
            an_envelope(a_file("XML2", TABLE.partition(b"?>\n")[2].decode())),
            in_xml2("ENV.NOT_ENCODED", CRITICAL, None, row=None),
            id="plain-XML-in-NOIDUNGFILE",
        ),
        pytest.param(
            an_envelope(a_file("XML2", "")),
            in_xml2("ENV.EMPTY_TABLE", CRITICAL, None, row=None),
            id="empty-NOIDUNGFILE",
        ),
        pytest.param(
            an_envelope("<FILEHOSO><LOAIHOSO>XML2</LOAIHOSO></FILEHOSO>"),
            Expected("ENV.NOIDUNGFILE.required", ERROR, field="NOIDUNGFILE", line=8),
            id="no-NOIDUNGFILE",
        ),
        pytest.param(
            an_envelope(a_file("XML2", TABLE), end=""),
            Expected("ENV.ROOT", CRITICAL, field="CHUKYDONVI", line=2),
            id="no-CHUKYDONVI",
        ),
        pytest.param(
            with_table(
                TABLE.replace(b"<CHITIEU_CHITIET_THUOC>", b"").replace(b"</CHITIEU_CHITIET_THUOC>", b"")
            ),
            in_xml2("XML2.STRUCTURE", ERROR, 3, row=None, field="DSACH_CHI_TIET_THUOC"),
            id="table-begins-at-its-list",
        ),
        pytest.param(
            with_table(a_table(TableKind.XML2, a_row(TableKind.XML2)).partition(b"<DSACH")[0] + EMPTY_LIST),
            in_xml2("XML2.NO_ROWS", ERROR, 3, row=None, field="CHI_TIET_THUOC"),
            id="list-without-rows",
        ),
        pytest.param(
            with_table(TABLE.replace(b"CHITIEU_CHITIET_THUOC", b"CHI_TIEU_CHI_TIET_THUOC")),
            in_xml2("XML2.STRUCTURE", ERROR, 2, row=None, field="CHI_TIEU_CHI_TIET_THUOC"),
            id="another-root-of-a-table",
        ),
        pytest.param(
            with_table(TABLE.replace(b"<CHITIEU_CHITIET_THUOC>", b'<CHITIEU_CHITIET_THUOC xmlns="urn:x">')),
            in_xml2("ENV.NAMESPACE", CRITICAL, 2, row=None),
            id="table-in-a-namespace",
        ),
        pytest.param(
            envelope(b"<GIAMDINHHS>", b'<GIAMDINHHS xmlns="urn:x">'),
            Expected("ENV.NAMESPACE", CRITICAL, line=2),
            id="bundle-in-a-namespace",
        ),
        pytest.param(
            b"<KHAMSUCKHOE>\n<THONGTINDONVI/></KHAMSUCKHOE>",
            Expected("ENV.ROOT", CRITICAL, line=1),
            id="another-envelope",
        ),
        pytest.param(TABLE, Expected("ENV.ROOT", CRITICAL, line=2), id="a-table-for-a-bundle"),
        pytest.param(
            envelope(b"<SOLUONGHOSO>1", b"<SOLUONGHOSO>3"),
            Expected("ENV.COUNT", ERROR, field="SOLUONGHOSO", line=4),
            id="SOLUONGHOSO-differs",
        ),
        pytest.param(
            summary(b"<MA_DANTOC>A<", b"<MA_DANTOC>1<"),
            Expected("XML1.MA_DANTOC.leading_zero", ERROR, "XML1", None, "MA_DANTOC", 2, 7),
            id="lost-leading-zero",
        ),
        pytest.param(
            summary(b"<MA_DKBD>K01<", b"<MA_DKBD>79024;1234<"),
            Expected("XML1.MA_DKBD.leading_zero", ERROR, "XML1", None, "MA_DKBD", 2, 7),
            id="lost-leading-zero-in-a-list",
        ),
    ],
)
def test_what_could_mean_something_else_is_refused_where_it_stands(data: bytes, expected: Expected) -> None:
    report = check(data)

    assert expected in [said(finding) for finding in report.findings if finding.is_blocking]
    assert {finding.code for finding in report.findings if finding.is_blocking} == {expected.code}


def test_a_form_of_care_without_its_zero_is_an_error_beside_the_unlisted_code() -> None:
    findings = check(summary(b"<MA_LOAI_KCB>01<", b"<MA_LOAI_KCB>1<")).findings

    assert {(finding.code, finding.severity) for finding in findings} >= {
        ("XML1.MA_LOAI_KCB.leading_zero", ERROR)
    }


def test_a_bundle_without_the_HOSO_level_is_refused_and_its_tables_are_checked_all_the_same() -> None:  # noqa: N802
    data = second_row(b">1500.125<", b">1500,125<").replace(b"<HOSO>", b"").replace(b"</HOSO>", b"")

    blocking = [said(finding) for finding in check(data).findings if finding.is_blocking]

    assert Expected("ENV.ROOT", CRITICAL, field="HOSO", line=5) in blocking
    assert in_xml2("XML2.DON_GIA.format", ERROR, 5, field="DON_GIA") in blocking


@pytest.mark.parametrize("field", ["T_NGOAIDS", "MA_LYDO_VVIEN"])
def test_the_layout_of_2017_is_named(field: str) -> None:
    root = b"<CHITIEU_CHITIET_THUOC>"
    old = TABLE.replace(b"<DU_PHONG>A</DU_PHONG>", f"<{field}>0</{field}>".encode())

    findings = [said(finding) for finding in check(with_table(old)).findings]

    assert root in old
    assert in_xml2("ENV.OLD_LAYOUT", ERROR, 2, row=None) in findings


def test_several_claims_in_one_file_are_all_checked() -> None:
    bad = a_claim(MA_LK="second")
    bad[TableKind.XML2] = [a_row(TableKind.XML2, MA_LK="second", DON_GIA="1,5")]
    bad[TableKind.XML3] = [a_row(TableKind.XML3, MA_LK="second")]

    report = check(a_bundle(a_claim(), bad))

    assert [claim.ma_lk for claim in report.claims] == ["LK-2025-0001", "second"]
    assert [(f.code, f.location.claim) for f in report.findings] == [
        ("ENV.ONE_CLAIM", None),
        ("XML2.DON_GIA.format", 2),
    ]


def test_an_oddity_of_every_table_is_told_once_with_its_count() -> None:
    claim = {
        kind: b"\xef\xbb\xbf" + a_table(kind) for kind in (TableKind.XML2, TableKind.XML3, TableKind.XML4)
    }

    findings = check(an_envelope(*(a_file(kind, table) for kind, table in claim.items()))).findings

    (mark,) = [finding for finding in findings if finding.code == "ENV.BOM"]
    assert (mark.location.table, dict(mark.params)["count"]) == ("XML2", "3")


def test_decomposed_letters_are_counted_as_composed_ones() -> None:
    name = "ế" * 1000
    long = a_row(TableKind.XML2, TEN_THUOC=unicodedata.normalize("NFD", name))

    report = check(with_table(a_table(TableKind.XML2, long)))

    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("ENV.DECOMPOSED", WARNING)
    # The letter, its circumflex, and then the acute accent; the first mark is named.
    assert [dict(finding.params)[fact] for fact in ("character", "position")] == ["U+0302", "2"]


@pytest.mark.parametrize(
    ("field", "value", "character", "position", "word"),
    [
        pytest.param("TEN_THUOC", "Para\u200bcetamol", "U+200B", "5", "width", id="no-width"),
        pytest.param("TEN_THUOC", "Thuốc\xa0A", "U+00A0", "6", "blank", id="no-break-space"),
        pytest.param("MA_THUOC", "\ufeff40.1", "U+FEFF", "1", "byte order", id="byte-order-mark"),
        pytest.param("MA_BAC_SI", "79024;\u202e79", "U+202E", "7", "direction", id="in-a-list"),
        pytest.param("MA_THUOC", "40.\xad1", "U+00AD", "4", "hyphen", id="soft-hyphen"),
        pytest.param("DON_VI_TINH", "Viên\u3000", "U+3000", "5", "blank", id="wide-blank"),
        pytest.param("MA_THUOC", "40.1 ", "U+0020", "5", "end of the value", id="blank-at-the-end"),
        pytest.param("TEN_THUOC", "  Thuoc A", "U+0020", "1", "beginning", id="blanks-at-the-beginning"),
        pytest.param("TEN_THUOC", "A\ufe0fB", "U+FE0F", "2", "width", id="variation-selector"),
        pytest.param("TEN_THUOC", "\n      Thuoc\n    ", "U+000A", "1", "line end", id="indented-text"),
        pytest.param("SO_LUONG", " 2 ", "U+0020", "1", "beginning", id="blanks-about-a-number"),
        pytest.param("DON_GIA", "12\xa0500", "U+00A0", "3", "blank", id="no-break-space-of-thousands"),
        pytest.param(
            "NGAY_YL", "202508010800 ", "U+0020", "13", "end of the value", id="blank-behind-a-time"
        ),
        pytest.param("VET_THUONG_TP", " ", "U+0020", "1", "beginning", id="blank-alone"),
    ],
)
def test_a_character_that_cannot_be_seen_is_named_with_its_place(
    field: str, value: str, character: str, position: str, word: str
) -> None:
    rows = rows_of(TableKind.XML2, 3)
    for row in rows[1:]:
        row[field] = value

    findings = check(with_table(a_table(TableKind.XML2, *rows))).findings

    (finding,) = [one for one in findings if one.code.endswith(".unseen")]
    facts = dict(finding.params)
    assert (finding.code, finding.severity) == (f"XML2.{field}.unseen", WARNING)
    assert (finding.location.row, finding.location.line) == (2, 5)
    assert (facts["character"], facts["position"], facts["rows"]) == (character, position, "2")
    assert word in describe(finding, "en")
    assert all(character in describe(finding, language) for language in LANGUAGES)


@pytest.mark.parametrize("lacks", [None, "DU_PHONG"], ids=["whole", "a field is absent"])
@pytest.mark.parametrize("word", ["NULL", "null", "undefined"])
def test_a_word_for_nothing_is_named_once_a_field(word: str, lacks: str | None) -> None:
    rows = rows_of(TableKind.XML2, 3)
    for row in rows[1:]:
        row |= {"TEN_THUOC": word, "CACH_DUNG": "NULL hay không"}
        row.pop(lacks or "", None)

    findings = check(with_table(a_table(TableKind.XML2, *rows))).findings

    (finding,) = [one for one in findings if one.code.endswith(".null")]
    assert (finding.code, finding.severity, finding.location.row) == ("XML2.TEN_THUOC.null", WARNING, 2)
    assert dict(finding.params) == {"given": word, "rows": "2"}
    assert all(word in describe(finding, language) for language in LANGUAGES)


def test_an_unseen_character_by_its_number_is_found_too() -> None:
    table = TABLE.replace(b">Thuoc<", b">Thu&#xA0;oc<", 1)

    assert "XML2.TEN_THUOC.unseen" in {one.code for one in check(with_table(table)).findings}


def test_a_blank_at_the_edge_by_its_number_is_found_too() -> None:
    table = TABLE.replace(b">Thuoc<", b">Thuoc&#32;<", 1)

    assert "XML2.TEN_THUOC.unseen" in {one.code for one in check(with_table(table)).findings}


def test_blanks_inside_a_value_and_between_elements_are_none_that_cannot_be_seen() -> None:
    table = TABLE.replace(b">Thuoc<", b">Thuoc  A<", 1).replace(b"><", b"> \n  <")

    assert not [one for one in check(with_table(table)).findings if one.code.endswith(".unseen")]


def test_what_is_only_told_to_people_may_have_blanks_of_any_kind() -> None:
    row = {**a_row(TableKind.XML4), "MO_TA": "Gan\xa0to", "KET_LUAN": "Sỏi\u200b thận\xa0"}
    data = an_envelope(a_file("XML4", a_table(TableKind.XML4, row)))

    assert not [one for one in check(data).findings if one.code.endswith(".unseen")]


@pytest.mark.parametrize(
    ("name", "code", "severity"),
    [
        pytest.param("Thu\x91c", "ENV.CONTROL_CHARACTERS", Severity.ERROR, id="of-windows-1252"),
        pytest.param("Thu\x7fc", "ENV.CONTROL_CHARACTERS", Severity.ERROR, id="delete"),
        pytest.param("Thu\ufffdc", "ENV.LOST_LETTERS", WARNING, id="lost"),
        pytest.param("A &amp; B", "ENV.ESCAPED_TWICE", WARNING, id="escaped-twice"),
    ],
)
def test_letters_that_a_conversion_damaged_are_told(name: str, code: str, severity: Severity) -> None:
    rows = (a_row(TableKind.XML2), a_row(TableKind.XML2, TEN_THUOC=name))

    findings = check(with_table(a_table(TableKind.XML2, *rows))).findings

    (finding,) = [one for one in findings if one.code.startswith("ENV.")]
    assert (finding.code, finding.severity, dict(finding.params)["count"]) == (code, severity, "1")
    assert (finding.location.row, finding.location.field) == (2, "TEN_THUOC")


def may_be_misread(name: str) -> bool:
    return "ENV.MISREAD_LETTERS" in codes_of(name)


def codes_of(name: str) -> set[str]:
    data = with_table(a_table(TableKind.XML2, a_row(TableKind.XML2, TEN_THUOC=name)))
    return {one.code for one in check(data).findings}


@pytest.mark.parametrize("read_as", ["cp1252", "cp1258"])
@pytest.mark.parametrize(
    "name", ["Nguyễn Thị Hồng", "Hoàng Phúc", "Lê Ưng", "Đặng Bích Thủy", "Bùi Văn Quyết"]
)
def test_utf_8_that_was_read_as_another_character_set_is_told(name: str, read_as: str) -> None:
    assert may_be_misread(name.encode().decode(read_as, "ignore"))


def test_names_in_tcvn3_are_told() -> None:
    assert may_be_misread("NguyÔn V¨n Tó")


@pytest.mark.parametrize(
    "text",
    ["Nguyeãn Vaên An", "NGUYEÃN THÒ LAN", "Phöông", "Buøi Ñöùc Thaéng", "Thaønh phoá", "P. ÑÖÔØNG", "Nhôø"],
)
def test_text_in_vni_is_told(text: str) -> None:
    assert "ENV.VNI_LETTERS" in codes_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hoà Thuỷ, uỷ ban, Nguyễn Quyên, Tuyết, chuyến, Phương Đường, Hoàng Thoại, NGUYỄN, ngoéo, quýt, Đoài",
        "João Leão Simões, Raphaël, Anaïs, Loïc, août, goût, Saâd Chaâbane, Antônio, Cantù, Esaù, Muñoz",
        "Søren Bjørnø, Karmøy, Camillaøy, uønsket, Åse Blaåsen, Piteå, Väinö Möttönen, pehmeä, Tõnu Jõgi",
        "Günther, Zoë, coöperatie, Ağrı Öğüt, Böröcz Győző, Ögmundur Þór, Kôné, Côme, Jérôme, Ọlúwádàmíláre",
    ],
)
def test_what_languages_write_is_not_taken_for_vni(text: str) -> None:
    assert "ENV.VNI_LETTERS" not in codes_of(text) | codes_of(text.upper())


@pytest.mark.parametrize(
    "text",
    [
        "NGUYỄN VĂN NGÃ, MÃ SỐ 3, CÁ, «Cá», «Má»…, Cá»–",
        "João Conceição, María José Mª Nº 3, Ștefan Ăăâ, Ærø, ÆGIR, Müller, Gal·la, Łukasz, Zoë, Žižek",
        "5µg/l, 10 mg½v, m², 37°C, ±2, Panadol®Extra, Vita©Plus, §5, a¹b, ≥3, N°5, 3·4, “Má”, «Á»",
    ],
)
def test_what_languages_write_is_not_taken_for_another_character_set(text: str) -> None:
    assert not may_be_misread(text)


def test_a_shortened_decimal_still_has_to_fit() -> None:
    findings = check(second_row(b"<MUC_HUONG>80<", b"<MUC_HUONG>80.12345<")).findings

    assert "ENV.TRAILING_ZEROS" not in {finding.code for finding in findings}
    assert {finding.location.field for finding in findings if finding.is_blocking} == {"MUC_HUONG"}


def test_the_hints_of_a_signature_are_its_own() -> None:
    signature = (
        b'<CHUKYDONVI><Signature xmlns="http://www.w3.org/2000/09/xmldsig#" '
        + XSI
        + b' xsi:type="a"/></CHUKYDONVI>'
    )

    report = check(envelope(b"<CHUKYDONVI/>", signature))

    assert "ENV.TYPE_HINTS" not in {finding.code for finding in report.findings}


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(second_row(b"<DU_PHONG>", b"<MOI>1</MOI><DU_PHONG>"), id="table"),
        pytest.param(envelope(b"</MACSKCB>", b"</MACSKCB><TENCS>x</TENCS>"), id="envelope"),
    ],
)
def test_policy_decides_how_grave_an_unknown_field_is(data: bytes, severity: Severity) -> None:
    report = check_bundle(
        data, at=AT, terms=CheckTerms(policy=CheckPolicy(unknown_fields=severity), rules=RULES)
    )

    assert [finding.severity for finding in report.findings] == [severity]
    assert report.is_acceptable is (severity in {INFO, WARNING})


def test_policy_leaves_other_findings_as_they_are() -> None:
    data = envelope(b"<SOLUONGHOSO>1", b"<SOLUONGHOSO>3")

    report = check_bundle(data, at=AT, terms=CheckTerms(policy=CheckPolicy(unknown_fields=INFO), rules=RULES))

    assert [finding.severity for finding in report.findings] == [ERROR]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_told_fills_its_sentence(language: str) -> None:
    odd = b"\xef\xbb\xbf" + TABLE.replace(b">Thuoc<", b">" + nfd("Thuốc") + b"<").replace(
        b"<MUC_HUONG>80<", b"<MUC_HUONG>80.000<"
    )
    data = envelope(b"</MACSKCB>", b"</MACSKCB><TENCS/>", data=with_table(odd))

    findings = check(data).findings

    assert {finding.code for finding in findings} == {
        "ENV.BOM", "ENV.DECOMPOSED", "ENV.TRAILING_ZEROS", "ENV.FIELD.unknown",
    }  # fmt: skip
    assert not any("–" in describe(finding, language) for finding in findings)
