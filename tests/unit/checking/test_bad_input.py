"""Whatever arrives, the check answers with findings that name the fault, and never raises."""

import gzip
import time

import pybase64
import pytest

from claims.bundle.findings import Severity
from claims.bundle.writing import TableKind
from claims.checking.check import Outcome
from signing.canonical import DEFAULT_LIMITS
from tests.unit.checking.bundles import (
    FACILITY,
    a_bundle,
    a_claim,
    a_file,
    a_row,
    a_table,
    an_envelope,
    check,
    codes,
)
from tests.unit.signing.documents import LINEAR_S

MEDICINES = a_table(TableKind.XML2)
SIGNATURE = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'


@pytest.mark.parametrize(
    ("data", "content"),
    [
        pytest.param(b"PK\x03\x04\x14\x00", "zip", id="ZIP"),
        pytest.param(gzip.compress(a_bundle()), "gzip", id="gzip"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "pdf", id="PDF"),
        pytest.param(b'\xef\xbb\xbf {"resourceType": "Bundle"}', "json", id="JSON"),
        pytest.param(b"MSH|^~\\&|HIS", "hl7", id="HL7"),
        pytest.param(pybase64.encodebytes(a_bundle()), "base64", id="base64"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + a_bundle() + b"\r\n--x--",
            "web_form",
            id="multipart",
        ),
        pytest.param(b"xml=%3CGIAMDINHHS%3E", "web_form", id="form"),
    ],
)
def test_what_is_no_xml_is_called_by_its_name(data: bytes, content: str) -> None:
    of_file = check(data).findings
    of_table = check(an_envelope(a_file("XML2", data))).findings

    assert [(one.code, dict(one.params).get("content")) for one in of_file] == [
        ("ENV.WELLFORMED", None),
        ("ENV.OTHER_CONTENT", content),
    ]
    (named,) = [one for one in of_table if one.code == "ENV.OTHER_CONTENT"]
    assert (named.location.table, dict(named.params)) == (TableKind.XML2, {"content": content})


@pytest.mark.parametrize("data", [b"hello", b"<a>", b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=" * 9])
def test_what_begins_like_nothing_known_is_not_guessed(data: bytes) -> None:
    assert [one.code for one in check(data).findings] == ["ENV.WELLFORMED"]


SOAP = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
BARE = a_bundle().partition(b"?>")[2].decode().strip()


@pytest.mark.parametrize(
    ("data", "form"),
    [
        pytest.param(SOAP.format(BARE), "soap", id="SOAP"),
        pytest.param(f"<ROOT>{BARE}</ROOT>", "wrapped", id="wrapped"),
        pytest.param(BARE.replace("GIAMDINHHS", "giamdinhhs"), "small_letters", id="small-letters"),
        pytest.param("<html><body>Đăng nhập</body></html>", "html", id="HTML"),
        pytest.param('<Bundle xmlns="http://hl7.org/fhir"/>', "fhir", id="FHIR"),
        pytest.param(MEDICINES.partition(b"?>")[2].decode().strip(), "table", id="table"),
    ],
)
def test_a_document_that_is_no_bundle_is_called_by_its_name(data: str, form: str) -> None:
    first, *others = check(data.encode()).findings

    assert first.severity is Severity.CRITICAL
    assert [(one.code, dict(one.params)) for one in others] == [("ENV.OTHER_FORM", {"form": form})]


STANDARD = pybase64.b64encode(b'<?xml version="1.0"?><A>???>>></A>').decode()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param(f"data:text/xml;base64,{STANDARD}", "data_uri", id="data-URI"),
        pytest.param(STANDARD.replace("/", "_").replace("+", "-"), "base64url", id="for-addresses"),
        pytest.param(STANDARD.rstrip("="), "unpadded", id="unpadded"),
    ],
)
def test_what_is_nearly_base64_is_called_by_its_name(text: str, form: str) -> None:
    found = [one for one in check(an_envelope(a_file("XML2", text))).findings if one.location.table == "XML2"]

    assert [(one.code, dict(one.params)) for one in found] == [
        ("ENV.BASE64", {}),
        ("ENV.OTHER_FORM", {"form": form}),
    ]


HINTS = b'<X xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' + b"<B xsi:nil='1'/>" * 150_000 + b"</X>"


@pytest.mark.parametrize(
    "filling",
    [
        pytest.param(b"<!---->" * 200_000, id="comments"),
        pytest.param(b"<?x?>" * 200_000, id="instructions"),
        pytest.param(HINTS, id="type-hints"),
    ],
)
def test_asides_and_hints_cost_what_grows_with_their_number(filling: bytes) -> None:
    started = time.process_time()

    check(an_envelope().replace(b"<HOSO>", b"<HOSO>" + filling))

    assert time.process_time() - started < LINEAR_S


def test_a_good_bundle_has_no_findings() -> None:
    report = check(a_bundle())

    assert report.findings == ()
    assert report.is_acceptable
    assert report.is_valid


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "ENV.EMPTY", id="empty-body"),
        pytest.param(b"  \n", "ENV.WELLFORMED", id="blanks"),
        pytest.param(b'{"not": "xml"}', "ENV.WELLFORMED", id="not-xml"),
        pytest.param(a_bundle()[:-20], "ENV.WELLFORMED", id="cut-off"),
        pytest.param(
            b"<!DOCTYPE GIAMDINHHS [<!ENTITY a 'b'>]><GIAMDINHHS>&a;</GIAMDINHHS>", "ENV.DOCTYPE", id="dtd"
        ),
        pytest.param(a_bundle().decode().encode("utf-16"), "ENV.ENCODING", id="utf-16"),
        pytest.param(
            a_bundle().replace(b'encoding="utf-8"', b'encoding="windows-1258"'), "ENV.ENCODING", id="legacy"
        ),
        pytest.param(b"\xff<GIAMDINHHS/>", "ENV.WELLFORMED", id="not-utf-8"),
        pytest.param(b"<a>" * 80 + b"</a>" * 80, "ENV.TOO_COMPLEX", id="too-deep"),
        pytest.param(
            an_envelope().replace(b"<HOSO>", b"<HOSO/>" * 10_000 + b"<HOSO>"), "ENV.TOO_COMPLEX", id="a-flood"
        ),
        pytest.param(b"<HSDANHMUC/>", "ENV.ROOT", id="another-document"),
        pytest.param(an_envelope(end=""), "ENV.ROOT", id="no-CHUKYDONVI"),
        pytest.param(an_envelope(count="2"), "ENV.COUNT", id="SOLUONGHOSO-lies"),
        pytest.param(an_envelope(count="0"), "ENV.COUNT", id="SOLUONGHOSO-is-zero"),
        pytest.param(an_envelope(count="một"), "ENV.SOLUONGHOSO.format", id="SOLUONGHOSO-in-words"),
        pytest.param(a_bundle(a_claim(), a_claim()), "ENV.ONE_CLAIM", id="two-claims"),
        pytest.param(an_envelope(a_file("XML99", MEDICINES)), "ENV.KNOWN_TABLE", id="unknown-LOAIHOSO"),
        pytest.param(an_envelope(a_file("BANGKE1", MEDICINES)), "ENV.KNOWN_TABLE", id="long-LOAIHOSO"),
        pytest.param(an_envelope(a_file("XML12", MEDICINES)), "ENV.XML12_REFUSED", id="XML12"),
        pytest.param(an_envelope(a_file("XML0", MEDICINES)), "ENV.XML0_REFUSED", id="XML0"),
        pytest.param(
            an_envelope(a_file("XML2", MEDICINES), a_file("XML2", MEDICINES)),
            "ENV.DUPLICATE_TABLE",
            id="table-twice",
        ),
        pytest.param(an_envelope(a_file("XML2", "@@@@")), "ENV.BASE64", id="not-base64"),
        pytest.param(an_envelope(a_file("XML2", "QUJ")), "ENV.BASE64", id="base64-cut-off"),
        pytest.param(an_envelope(a_file("XML2", "")), "ENV.EMPTY_TABLE", id="empty-table"),
        pytest.param(an_envelope(a_file("XML2", "<A>1</A>")), "ENV.NOT_ENCODED", id="xml-inside"),
        pytest.param(
            an_envelope(a_file("XML2", "<![CDATA[<A>1</A>]]>")), "ENV.NOT_ENCODED", id="xml-as-text-inside"
        ),
        pytest.param(an_envelope(a_file("XML2", b"not xml")), "ENV.WELLFORMED", id="table-not-xml"),
        pytest.param(
            an_envelope(a_file("XML2", MEDICINES.decode().encode("utf-16"))),
            "ENV.ENCODING",
            id="table-in-utf-16",
        ),
        pytest.param(an_envelope(a_file("XML2", b"<!DOCTYPE a><a/>")), "ENV.DOCTYPE", id="table-with-a-dtd"),
        pytest.param(
            an_envelope(a_file("XML2", a_table(TableKind.XML3))), "XML2.STRUCTURE", id="wrong-table"
        ),
        pytest.param(
            an_envelope(a_file("XML2", a_table(TableKind.XML2, a_row(TableKind.XML2, MA_LK="another")))),
            "ALL.MA_LK_MATCH",
            id="MA_LK-differs",
        ),
        pytest.param(
            an_envelope(end=f"<CHUKYDONVI>{SIGNATURE}{SIGNATURE}</CHUKYDONVI>"),
            "ENV.ONE_SIGNATURE",
            id="two-signatures",
        ),
        pytest.param(
            an_envelope(end="<CHUKYDONVI>ký rồi</CHUKYDONVI>"),
            "ENV.CHUKYDONVI.format",
            id="text-as-signature",
        ),
        pytest.param(an_envelope().replace(b"79024", b""), "ENV.MACSKCB.required", id="no-facility"),
        pytest.param(
            an_envelope().replace(b"<HOSO>", b"").replace(b"</HOSO>", b""), "ENV.ROOT", id="no-HOSO-level"
        ),
    ],
)
def test_a_bad_bundle_is_blocked_by_the_code_that_names_its_fault(data: bytes, code: str) -> None:
    report = check(data)

    assert not report.is_acceptable
    blocking = [finding.code for finding in report.findings if finding.is_blocking]
    assert set(blocking) == {code}


def test_fifty_megabytes_are_refused_unread() -> None:
    report = check(b"<" * 50_000_000)

    assert codes(report) == ["ENV.SIZE"]
    assert [stage.outcome for stage in report.stages] == [Outcome.FAILED, *[Outcome.SKIPPED] * 8]
    assert dict(report.findings[0].params)["max"] == str(DEFAULT_LIMITS.max_bytes)


@pytest.mark.parametrize(
    ("data", "code", "severity"),
    [
        pytest.param(b"\xef\xbb\xbf" + a_bundle(), "ENV.BOM", Severity.INFO, id="BOM"),
        pytest.param(
            an_envelope(a_file("XML2", b"\xef\xbb\xbf" + MEDICINES)),
            "ENV.BOM",
            Severity.INFO,
            id="BOM-inside",
        ),
        pytest.param(
            an_envelope(a_file("XML2", pybase64.encodebytes(MEDICINES).decode().replace("\n", "\r\n"))),
            "ENV.BASE64_BLANKS",
            Severity.INFO,
            id="CRLF-in-base64",
        ),
        pytest.param(
            an_envelope(a_file("xml2", MEDICINES)), "ENV.TABLE_SPELLING", Severity.WARNING, id="lower-case"
        ),
        pytest.param(
            an_envelope(a_file(" XML2\n", MEDICINES)), "ENV.TABLE_SPELLING", Severity.WARNING, id="blanks"
        ),
        pytest.param(
            an_envelope(a_file("XML2", MEDICINES.replace(b"<DU_PHONG>A</DU_PHONG>", b""))),
            "XML2.DU_PHONG.absent",
            Severity.INFO,
            id="element-left-out",
        ),
    ],
)
def test_an_oddity_of_exporters_is_reported_and_does_not_block(
    data: bytes, code: str, severity: Severity
) -> None:
    report = check(data)

    assert [(finding.code, finding.severity) for finding in report.findings] == [(code, severity)]
    assert report.is_acceptable


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(a_bundle().replace(b"\n", b"\r\n"), id="CRLF-between-elements"),
        pytest.param(
            an_envelope(
                a_file("XML2", MEDICINES.replace(b"<CHI_TIET_THUOC>", b"<!-- 1 --><CHI_TIET_THUOC>"))
            ),
            id="comment-between-rows",
        ),
    ],
)
def test_what_xml_allows_is_no_finding(data: bytes) -> None:
    assert check(data).findings == ()


def test_a_comment_cannot_hide_part_of_a_value() -> None:
    summary = a_table(TableKind.XML1, a_row(TableKind.XML1, T_BHTT="1000"))
    split = summary.replace(b"<T_BHTT>1000", b"<T_BHTT>1<!-- -->000")
    data = an_envelope().replace(pybase64.b64encode(a_table(TableKind.XML1)), pybase64.b64encode(split))

    report = check(data)

    assert str(report.claims[0].t_bhtt) == "1000"


def test_a_finding_about_a_table_knows_its_line_in_the_table_and_in_the_bundle() -> None:
    rows = [a_row(TableKind.XML2), a_row(TableKind.XML2, STT="2", SO_LUONG="hai")]

    (finding,) = check(an_envelope(a_file("XML2", a_table(TableKind.XML2, *rows)))).findings

    where = finding.location
    assert (finding.code, finding.severity) == ("XML2.SO_LUONG.format", Severity.ERROR)
    assert (where.claim, where.table, where.row, where.field) == (1, "XML2", 2, "SO_LUONG")
    assert (where.line, where.envelope_line) == (5, 9)


def test_a_syntax_error_knows_line_and_column() -> None:
    (finding,) = check(b"<GIAMDINHHS>\n<a></b>\n</GIAMDINHHS>").findings

    assert (finding.location.line, finding.location.column is not None) == (2, True)


def test_no_value_of_a_field_is_repeated_in_a_finding() -> None:
    row = a_row(TableKind.XML2, MA_BAC_SI="bí mật" * 50, NGAY_YL="bí mật")

    report = check(an_envelope(a_file("XML2", a_table(TableKind.XML2, row))))

    assert set(codes(report)) == {"XML2.MA_BAC_SI.length", "XML2.NGAY_YL.format"}
    assert "bí mật" not in repr(report)


def test_what_is_too_long_for_a_code_or_a_key_is_told_in_part_and_not_once_for_each_claim() -> None:
    claims = [a_claim(MA_LK="k" * 3_000, MA_CSKCB=FACILITY) for _ in range(20)]

    report = check(a_bundle(*claims, facility="7" * 100_000), expected_facility=FACILITY)

    assert {"XML1.MA_LK.length", "ENV.MACSKCB.length", "ENV.MACSKCB_MATCH"} <= set(codes(report))
    assert report.facility == "7" * 20
    assert {claim.ma_lk for claim in report.claims} == {""}
    assert "7" * 21 not in repr(report)
