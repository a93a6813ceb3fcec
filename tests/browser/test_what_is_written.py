"""What somebody has written stays: when the session ends meanwhile, when the language changes."""

import re

from playwright.sync_api import Page, expect

from claims.exchange.review.review import Order, Review, ReviewFilter, ReviewState
from tests.browser.conftest import Site, Visit, violations

REASON = "Năm phút để viết câu này."


def unasked(site: Site) -> Review:
    which = ReviewFilter(reach=("",), state=ReviewState.OPEN, facility="01001")
    found = site.world.service.reviews.list_page(which, order=Order.NEWEST, limit=50, cursor=None).items
    return next(one for one in found if one.lock_owner is None)


def begin_to_ask(visit: Visit, review: Review, who: str) -> Page:
    page = visit(f"/claims/{review.submission_id}/{review.ordinal}", who=who)
    page.locator("summary").filter(has_text="Hỏi cơ sở").click()
    page.locator("details[open] textarea").first.fill(REASON)
    return page


def send(page: Page) -> None:
    page.locator("details[open] button").last.click()


def end_session(site: Site, page: Page) -> None:
    site.world.service.sessions.end(
        next(one["value"] for one in page.context.cookies() if one["name"] == "ehoso")
    )


def test_a_session_that_ended_meanwhile_takes_nothing_and_loses_nothing(visit: Visit, site: Site) -> None:
    page = begin_to_ask(visit, unasked(site), "binh")
    end_session(site, page)

    send(page)
    expect(page.get_by_role("alert")).to_contain_text("những gì bạn viết vẫn còn ở đây")
    assert page.locator("details[open] textarea").first.input_value() == REASON
    assert violations(page) == []
    page.context.add_cookies([{"name": "ehoso", "value": site.world.session_of("binh"), "url": site.url}])
    send(page)

    page.wait_for_url(re.compile(r"/claims"))
    expect(page.locator("[data-session-over]")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("hỏi")


def test_a_plain_field_and_marks_are_not_lost_with_a_session_either(visit: Visit, site: Site) -> None:
    page = visit("/queues", who="van")
    end_session(site, page)
    page.get_by_label("Vì sao tạm dừng?").fill(REASON)
    page.get_by_role("button", name="Tạm dừng việc gửi").click()
    expect(page.get_by_role("alert")).to_contain_text("những gì bạn viết vẫn còn ở đây")
    assert page.get_by_label("Vì sao tạm dừng?").input_value() == REASON

    page = visit("/claims?facility=01001", who="binh")
    end_session(site, page)
    mark = page.locator("input[data-mark]").first
    mark.check()
    page.locator("button[value=accepted]").click()
    expect(page.locator("[data-session-over]")).to_be_visible()
    expect(mark).to_be_checked()


def test_what_one_wrote_is_not_sent_in_anothers_name(visit: Visit, site: Site) -> None:
    review = unasked(site)
    page = begin_to_ask(visit, review, "binh")

    page.context.add_cookies([{"name": "ehoso", "value": site.world.session_of("dung"), "url": site.url}])
    send(page)

    expect(page.get_by_role("alert")).to_contain_text("của người khác")
    now = site.world.service.reviews.get(review.submission_id, review.ordinal)
    assert now.state is ReviewState.OPEN


def test_a_change_of_language_brings_along_what_was_written_and_keeps_it_nowhere(visit: Visit) -> None:
    page = visit("/send", who="hoa")
    page.locator("summary").filter(has_text="dán nội dung").click()
    page.locator("#pasted").fill("<GIAMDINHHS/>")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Send claims")
    expect(page.locator("#pasted")).to_be_visible()
    assert page.locator("#pasted").input_value() == "<GIAMDINHHS/>"
    assert page.evaluate("sessionStorage.length") == 0


def test_five_megabytes_are_pasted_and_answered_for(visit: Visit, site: Site) -> None:
    page = visit("/send", who="hoa")
    token = page.locator("input[name=token]").first.get_attribute("value") or ""

    answer = page.request.post(
        f"{site.url}/console/send", multipart={"token": token, "pasted": "<GIAMDINHHS>" + "x" * 5_000_000}
    )

    assert answer.status == 200
    assert "/submissions/sub_" in answer.url
