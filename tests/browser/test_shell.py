"""The frame around every page: signing in step by step, languages, colours, nothing from elsewhere."""

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Visit, violations, violations_by_day_and_night

OWN = "bún chả Hà Nội 36"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_sign_in_page_has_nothing_against_it(visit: Visit, language: str) -> None:
    page = visit("/signin", language=language)

    assert page.locator("html").get_attribute("lang") == language
    assert violations_by_day_and_night(page) == []


def test_a_new_person_signs_in_with_a_one_time_password_and_sets_up_everything(
    visit: Visit, site: Site
) -> None:
    from claims.exchange.access.people import grant_of

    _, password = site.world.service.manage_people.add(
        "moi", name="Người Mới", grants=[grant_of("reviewer", "")], by="test"
    )
    page = visit("/")

    page.get_by_label("Tên đăng nhập").fill("moi")
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_role("button", name="Đăng nhập").click()
    page.get_by_label("Mật khẩu hiện tại").fill(password)
    page.get_by_label("Mật khẩu mới").fill(OWN)
    page.get_by_role("button", name="Tiếp tục").click()
    assert violations(page) == []
    secret = page.locator("code.strong").inner_text()
    page.get_by_label("Mã xác thực").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Tiếp tục").click()

    expect(page.get_by_text("Người Mới")).to_be_visible()


def test_a_wrong_password_is_told_in_one_sentence_and_nothing_is_lost(visit: Visit) -> None:
    page = visit("/signin")

    page.get_by_label("Tên đăng nhập").fill("binh")
    page.get_by_label("Mật khẩu").fill("sai")
    page.get_by_role("button", name="Đăng nhập").click()

    expect(page.get_by_role("alert")).to_contain_text("không đúng")
    assert page.get_by_label("Tên đăng nhập").input_value() == "binh"


def test_language_and_colours_are_kept_and_lead_back_to_the_page(visit: Visit) -> None:
    page = visit("/help", who="binh")

    page.get_by_role("button", name="English").click()
    page.get_by_text("Bình Giám Định").click()
    page.get_by_role("button", name="Dark colours").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Help and shortcut keys")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_no_page_asks_another_host_for_anything(visit: Visit, site: Site) -> None:
    page = visit("/signin")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.reload()

    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
    assert asked


def test_what_nobody_has_is_a_page_that_says_so(visit: Visit) -> None:
    page: Page = visit("/no-such-page")

    expect(page.get_by_role("heading", level=1)).to_have_text("Không tìm thấy trang")
    assert violations(page) == []
