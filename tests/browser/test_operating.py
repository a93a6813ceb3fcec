"""What operators do, as they do it: find out why, replay, follow a story, pause sending."""

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Page, expect

from claims.exchange.submission import FacilityCode, SubmissionId
from tests.browser.conftest import Site, Visit, tab_to, violations, violations_by_day_and_night

MANY = 1_240
#: How many those are with the few that other tests let fail.
ABOUT_MANY = re.compile(r"1\.2\d\d")
REPLAY_MANY = re.compile(f"Gửi lại {ABOUT_MANY.pattern}")
PAGES = (
    "/overview",
    "/failures",
    "/submissions",
    "/submissions?state=rejected",
    "/submissions/{failed}",
    "/submissions/{taken}",
    "/replays",
    "/queues",
    "/holdings",
    "/holdings?facility=79001",
)


def fail(site: Site, number: int, *, seed: str) -> list[SubmissionId]:
    """Hand in so many documents that are no bundles, and check them."""
    service = site.world.service
    ids = [
        service.receive(
            f"<GIAMDINHHS>{seed} {n}</GIAMDINHHS>".encode(), facility=FacilityCode("79001"), actor="test"
        ).submission.id
        for n in range(number)
    ]
    service.check(ids)
    return ids


@pytest.fixture(scope="module")
def places(site: Site) -> Mapping[str, str]:
    failed = fail(site, 3, seed="few")
    return {"failed": failed[0], "taken": str(site.world.corrected)}


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_page_of_operators_has_anything_against_it(
    visit: Visit, site: Site, places: Mapping[str, str], language: str
) -> None:
    page = visit("/help", who="van", language=language)
    for path in PAGES:
        page.goto(f"{site.url}/console{path.format(**places)}")

        assert page.locator("html").get_attribute("lang") == language
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert violations_by_day_and_night(page) == [], path


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_of_operators_is_wider_than_its_window(
    visit: Visit, site: Site, places: Mapping[str, str], width: int
) -> None:
    page = visit("/help", who="van", width=width)
    too_wide = []
    for path in PAGES:
        page.goto(f"{site.url}/console{path.format(**places)}")
        if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            too_wide.append(path)

    assert too_wide == []


class Counted:
    """A page, and how many clicks and presses it took."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def click(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name).first.click()
        self.actions += 1


def test_why_so_many_failed_is_told_on_one_page_and_they_are_replayed_in_six_clicks(
    visit: Visit, site: Site
) -> None:
    fail(site, MANY, seed="many")
    counted = Counted(visit("/failures", who="van"))
    page = counted.page

    row = page.locator("tbody tr").first
    expect(row).to_contain_text(ABOUT_MANY)
    expect(row).to_contain_text("79001")
    expect(row.locator("time")).to_have_count(2)
    expect(row.get_by_role("link", name="Ví dụ")).to_be_visible()

    counted.click(REPLAY_MANY)
    expect(page.locator("tbody tr")).to_have_count(20)
    expect(page.get_by_label("Vì sao gửi lại?")).to_be_focused()
    assert violations(page) == []
    page.keyboard.type("Quy tắc kiểm tra đã được sửa")
    counted.click(REPLAY_MANY)
    expect(page.get_by_text("đang chạy")).to_be_visible()
    replay = page.url.rpartition("/")[2]
    assert violations(page) == []
    site.world.service.run_replay(replay)
    # Nobody loads the page again: the server tells it.
    expect(page.get_by_text("đã xong")).to_be_visible()
    assert counted.actions <= 6


def test_a_replay_is_paused_stopped_and_told_item_by_item(visit: Visit, site: Site) -> None:
    fail(site, 4, seed="four")
    page = visit("/submissions?state=rejected&facility=79001", who="van", script=False)

    page.get_by_role("button", name="Gửi lại mọi kết quả lọc").click()
    page.get_by_label("Vì sao gửi lại?").fill("thử")
    page.get_by_role("button", name="Gửi lại").click()
    page.get_by_role("button", name="Tạm dừng").click()
    expect(page.locator("main")).to_contain_text("tạm dừng")
    page.get_by_role("button", name="Chạy tiếp").click()
    page.get_by_text("Dừng hẳn…").click()
    page.get_by_role("button", name="Bỏ ").click()

    expect(page.locator("main")).to_contain_text("đã dừng hẳn")
    expect(page.locator("tbody tr").first).to_contain_text("đợt gửi lại đã dừng")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text("utf-8")
    assert text.startswith("\ufeff")
    assert "đợt gửi lại đã dừng" in text


def test_failures_are_replayed_paused_and_stopped_by_keyboard_alone(visit: Visit, site: Site) -> None:
    fail(site, 1, seed="keys")
    page = visit("/failures", who="van")
    buttons = page.get_by_role("button")

    tab_to(page, page.locator("tbody").get_by_role("button", name="Gửi lại").first)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Vì sao gửi lại?")).to_be_focused()
    page.keyboard.type("Đã sửa")
    page.keyboard.press("Enter")
    expect(page.get_by_text("đang chạy")).to_be_visible()
    tab_to(page, buttons.get_by_text("Tạm dừng"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("tạm dừng")
    tab_to(page, page.locator("summary", has_text="Dừng hẳn"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Bỏ "))
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_contain_text("đã dừng hẳn")


def test_a_replay_of_everything_is_refused(visit: Visit) -> None:
    page = visit("/submissions?state=rejected", who="van")
    page.evaluate("document.querySelector('form[action$=plans] [name=state]').remove()")

    page.get_by_role("button", name="Gửi lại mọi kết quả lọc").click()

    expect(page.get_by_role("alert")).to_contain_text("Không có điều kiện lọc nào")


def test_sending_is_paused_for_a_reason_and_resumed(visit: Visit, site: Site) -> None:
    page = visit("/queues", who="van")

    page.get_by_label("Vì sao tạm dừng?").fill("Cổng yêu cầu")
    page.get_by_role("button", name="Tạm dừng việc gửi").click()
    expect(page.locator("main")).to_contain_text("Vận Hành tạm dừng lúc")
    assert site.world.service.sending_switch.in_force() is not None
    assert violations(page) == []
    page.get_by_role("button", name="Mở lại việc gửi").click()
    expect(page.get_by_role("button", name="Tạm dừng việc gửi")).to_be_visible()

    assert site.world.service.sending_switch.in_force() is None


def test_open_pages_tell_what_fails_and_that_sending_is_paused(visit: Visit, site: Site) -> None:
    overview, queues = visit("/overview", who="kiem"), visit("/queues", who="kiem")
    for page in (overview, queues):
        page.evaluate("window.wasHere = true")
    failed = overview.locator("dl.tiles div").filter(has_text="Lỗi")
    before = failed.locator("dd").inner_text()
    failed.get_by_role("link").focus()

    fail(site, 1, seed="while they are open")
    service = site.world.service
    service.sending_switch.pause(by=site.world.people["van"].id, reason="Cổng nghỉ", at=service.clock.now())

    expect(overview.locator("#standing")).to_contain_text("Cổng nghỉ")
    expect(failed.locator("dd")).not_to_have_text(before)
    expect(failed.get_by_role("link")).to_be_focused()
    expect(queues.locator("#gateway")).to_contain_text("Cổng nghỉ")
    service.sending_switch.resume(by=site.world.people["van"].id, at=service.clock.now())
    expect(queues.locator("#gateway")).not_to_contain_text("Cổng nghỉ")
    assert [page.evaluate("window.wasHere") for page in (overview, queues)] == [True, True]


def test_an_auditor_sees_and_cannot_change(visit: Visit) -> None:
    page = visit("/queues", who="kiem")

    expect(page.get_by_role("heading", level=1)).to_have_text("Hàng đợi")
    expect(page.get_by_role("button", name="Tạm dừng việc gửi")).to_have_count(0)
