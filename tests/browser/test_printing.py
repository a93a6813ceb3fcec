"""Reports in one file, printed: nothing of them lies outside the page."""

from datetime import UTC, datetime
from typing import Final

import pytest
from playwright.sync_api import Browser

from claims.checking.check import check_bundle
from claims.checking.formats.checked import describe_check
from claims.checking.formats.page import to_page
from claims.checking.samples import load_sample
from claims.cli.pages import inspection_page
from claims.cli.showing import show_file

AT: Final = datetime(2026, 9, 15, tzinfo=UTC)
DATA: Final = load_sample("outpatient", ("XML2[2].SO_LUONG = -1", "XML1.GIOI_TINH = 9")).write()
#: How far tables reach beyond the page, half of a border being outside of each.
_OUTSIDE: Final = """tables => tables.map(table => table.getBoundingClientRect())
    .filter(box => box.left < 0.5 || box.right > document.documentElement.clientWidth - 0.5).length"""


@pytest.mark.parametrize("report", ["check", "inspection"])
def test_borders_of_tables_are_printed(chromium: Browser, report: str) -> None:
    checked = describe_check("one.xml", DATA, check_bundle(DATA, at=AT), records_in="vi")
    pages = {
        "check": to_page([checked], "vi"),
        "inspection": inspection_page([show_file("one.xml", DATA, at=AT, language="vi", only=[])], "vi"),
    }
    page = chromium.new_page(viewport={"width": 700, "height": 900})
    page.set_content(pages[report].decode())
    page.emulate_media(media="print")

    tables = page.locator("table")

    assert tables.count() > 0
    assert tables.evaluate_all(_OUTSIDE) == 0
    page.close()
