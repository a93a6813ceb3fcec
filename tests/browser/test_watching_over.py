"""The two logs, as auditors and the facility concerned read them."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from claims.exchange.access.readings import Reading, Seen
from claims.exchange.review.review import Order, Review, ReviewFilter
from claims.exchange.submission import SubmissionId
from claims.gateway.mock.contents import read_contents
from tests.browser.conftest import Site, Visit, violations, violations_by_day_and_night

PAGES = (
    "/readings",
    "/readings?reader=nobody",
    "/readings?from=2020-01-01&until=2100-01-01",
    "/readings/access",
    "/readings/access?kind=glass_broken",
    "/readings/access?kind=role_given&reader=binh",
)


def claim(site: Site, facility: str) -> Review:
    which = ReviewFilter(reach=("",), facility=facility)
    return site.world.service.reviews.list_page(which, order=Order.OLDEST, limit=1, cursor=None).items[0]


def read(site: Site, review: Review, who: str = "binh", page: str = "claim") -> None:
    """Let somebody have seen a claim."""
    service = site.world.service
    seen = (Seen(review.submission_id, review.ordinal, review.facility, review.person),)
    service.readings.note(Reading(service.clock.now(), site.world.people[who].id, page, seen))


def card_of(site: Site, review: Review) -> str:
    contents = read_contents(site.world.service.submissions.body(SubmissionId(review.submission_id)))
    return contents[review.ordinal - 1].summary["MA_THE_BHYT"]


def take(page: Page) -> list[list[str]]:
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    return list(csv.reader(io.StringIO(Path(taken.value.path()).read_text("utf-8-sig"))))


def rows(page: Page) -> int:
    return page.locator("tbody tr").count()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_log_has_anything_against_it(visit: Visit, site: Site, language: str) -> None:
    read(site, claim(site, "79001"))
    page = visit("/help", who="kiem", language=language)
    for path in PAGES:
        page.goto(f"{site.url}/console{path}")

        assert page.locator("html").get_attribute("lang") == language
        assert violations_by_day_and_night(page) == [], path
        page.set_viewport_size({"width": 320, "height": 720})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        page.set_viewport_size({"width": 1280, "height": 720})


def test_who_read_a_patients_claims_is_found_by_number_which_stands_in_no_address(
    visit: Visit, site: Site
) -> None:
    review = claim(site, "79001")
    number = card_of(site, review)
    read(site, review)
    read(site, claim(site, "01001"))
    page = visit("/readings", who="kiem")

    page.get_by_label("Số của người bệnh").fill(number)
    page.get_by_role("button", name="Lọc", exact=True).click()

    expect(page.locator("tbody tr").first).to_contain_text(review.submission_id)
    assert "01001" not in page.locator("tbody").inner_text()
    assert number not in page.url
    assert page.get_by_label("Số của người bệnh").input_value() == number
    page.get_by_role("link", name="Bỏ lọc").click()
    expect(page.locator("tbody tr").first).to_contain_text("tìm một người bệnh trong nhật ký")


def test_what_is_no_number_of_a_person_is_said_beside_the_field_and_kept(visit: Visit) -> None:
    page = visit("/readings", who="kiem")

    page.get_by_label("Số của người bệnh").fill("<b>12")
    page.get_by_role("button", name="Lọc", exact=True).click()

    expect(page.locator("#error-number")).to_contain_text("8 đến 20")
    assert page.get_by_label("Số của người bệnh").input_value() == "<b>12"
    assert violations(page) == []


def test_a_reader_and_a_day_narrow_the_log_and_the_address_says_so(visit: Visit, site: Site) -> None:
    read(site, claim(site, "79001"), who="chi")
    page = visit("/readings", who="kiem")

    page.get_by_label("Người xem").fill("CHI")
    page.get_by_role("button", name="Lọc", exact=True).click()
    page.wait_for_url("**/readings?reader=CHI")
    expect(page.locator("tbody tr").first).to_contain_text("Chi Giám Định")
    assert "Dũng" not in page.locator("tbody").inner_text()
    page.goto(f"{site.url}/console/readings?reader=CHI&until=2020-01-01")

    expect(page.get_by_text("Bộ lọc không khớp lượt xem nào")).to_be_visible()


def test_pages_of_the_log_follow_each_other_without_a_gap(visit: Visit, site: Site) -> None:
    review = claim(site, "79001")
    page = visit("/readings?reader=hoa", who="kiem")
    before = rows(page)
    for _ in range(130):
        read(site, review, who="hoa", page="paper")
    page.reload()

    first = rows(page)
    page.get_by_role("link", name="Trang sau").click()
    expect(page.get_by_role("link", name="Trang đầu")).to_be_visible()

    assert (first, rows(page)) == (100, before + 30)


def test_a_facility_sees_who_read_its_own_records_and_takes_them_along_twice(
    visit: Visit, site: Site
) -> None:
    own, others = claim(site, "79001"), claim(site, "01001")
    read(site, own)
    read(site, others)
    page = visit("/readings", who="quynh")

    expect(page.locator("tbody tr").first).to_contain_text("79001")
    assert "01001" not in page.locator("tbody").inner_text()
    take(page)
    lines = take(page)  # the page stays, and its form with it
    assert lines[0][0] == "Lúc"
    assert {line[6] for line in lines[1:]} == {"79001"}
    assert own.submission_id in {line[4] for line in lines[1:]}


def test_who_gave_whom_a_role_is_told_in_words(visit: Visit) -> None:
    page = visit("/readings", who="kiem", language="en")

    page.get_by_role("link", name="Log of access").click()
    page.get_by_label("By or to whom").fill("binh")
    page.get_by_label("What").select_option(label="role given")
    page.get_by_role("button", name="Filter", exact=True).click()

    row = page.locator("tbody tr").first
    expect(row).to_contain_text("Bình Giám Định")
    expect(row).to_contain_text("Reviewer")
    expect(row).to_contain_text("the nation")


@pytest.mark.parametrize("who", ["hoa", "binh", "dung", "van"])
def test_who_may_not_audit_sees_no_log(visit: Visit, who: str) -> None:
    for path in ("/readings", "/readings/access"):
        page = visit(path, who=who)

        expect(page.get_by_role("heading", level=1)).to_have_text("Bạn không có quyền mở trang này")
