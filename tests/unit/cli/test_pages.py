"""The page of signature reports is written in one language throughout."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import html

from claims.cli.pages import signature_page
from signing.demo_pki import DemoPki
from signing.report.report import Block, Outcome, Report, Terms, report_on
from signing.sign import Profile, sign_bundle
from signing.verdict import Indication

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FORM = b'<HOSO_DIEUCHINH_GD><TT_HOSO Id="F-1"/><CHUKYDONVI/></HOSO_DIEUCHINH_GD>'
BUNDLE = b"<GIAMDINHHS><A/><CHUKYDONVI/></GIAMDINHHS>"


@pytest.fixture(scope="module")
def reports() -> list[tuple[str, Report]]:
    """One signature that holds, one of an unknown authority, and a changed one, over one element."""
    pki = DemoPki.create(at=NOW)
    signer = pki.leaf("79001", valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=1)).signer
    known, unknown = (
        Terms(trust=store, at=NOW) for store in (pki.trust_store(), pki.trust_store().for_services())
    )
    form = sign_bundle(FORM, signer, profile=Profile.ELEMENT, at=NOW)
    return [
        ("right", report_on(sign_bundle(BUNDLE, signer), known)),
        ("unknown", report_on(sign_bundle(BUNDLE, signer), unknown)),
        ("changed", report_on(form.replace(b'"F-1"/>', b'"F-1">1</TT_HOSO>'), known)),
        ("form", report_on(form, known)),
    ]


def test_no_name_of_the_standard_stands_alone_in_a_vietnamese_page(reports: list[tuple[str, Report]]) -> None:
    page = html.fromstring(signature_page(reports, "vi"))

    for quiet in page.find_class("quiet"):
        quiet.drop_tree()
    text = page.text_content()
    words = {
        *(each.value for group in (Block, Outcome, Indication) for each in group),
        "plain",
        "whole-document",
    }
    assert [word for word in words if word in text] == []
    assert {"Chuỗi chứng thư: đạt", "Chữ ký không hợp lệ", "Chưa kết luận được", "toàn bộ tài liệu"} <= {
        *(each.strip() for each in text.splitlines() if each.strip()),
        *(each.text_content().strip() for each in page.iter("strong", "dd", "th")),
    }
    assert "phần tử TT_HOSO" in text
    assert "(mức thường)" in text
    assert "01/06/2026 07:00:00 (UTC+7)" in text


def test_the_english_page_has_english_names(reports: list[tuple[str, Report]]) -> None:
    text = html.fromstring(signature_page(reports, "en")).text_content()

    assert "Certificate chain: passed" in text
    assert "Cryptography: FAILED" in text
    assert "the element TT_HOSO" in text
