"""Pages that are open stay true: what is new, what others do, what a filter leaves, without loading again."""

import copy
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from claims.emr.synthetic import generate_encounters
from claims.exchange.access.principal import Principal
from claims.exchange.review.review import Decision, Review, ReviewFilter, Verdict
from claims.localtime import local_date
from tests.browser.conftest import Site, Visit, violations
from tests.browser.test_reviewing import address, free, now


def principal(site: Site, login: str) -> Principal:
    return site.world.service.sessions.find(site.world.session_of(login)).principal


def decide(site: Site, review: Review, login: str) -> None:
    site.world.service.decide_reviews.decide(
        now(site, review),
        version=now(site, review).version,
        decision=Decision(Verdict.ACCEPTED),
        who=principal(site, login),
    )


def submit_another(site: Site, seed: int) -> None:
    """Let a claim arrive that is like none before."""
    (made,) = generate_encounters(seed=seed, count=1, facilities=["79001"], on=local_date(datetime.now(UTC)))
    site.world.submit([copy.deepcopy(dict(made))])


def mark(page: Page) -> None:
    """Leave something on the page that is gone when it is loaded again."""
    page.evaluate("window.wasHere = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.wasHere === true"))


def test_an_open_inbox_says_how_many_claims_are_new_and_shows_them(visit: Visit, site: Site) -> None:
    page = visit("/claims?facility=79001", who="dung")
    expect(page.locator("#news")).to_be_empty()
    mark(page)

    submit_another(site, seed=80_001)

    news = page.locator("#news").get_by_role("link", name="1 hồ sơ mới")
    expect(news).to_be_visible()
    assert violations(page) == []
    news.click()
    expect(page).to_have_url(f"{site.url}/console/claims?facility=79001&order=newest")
    expect(page.locator("#news")).to_be_empty()
    assert is_marked(page)


def test_an_inbox_of_other_claims_does_not_speak_of_what_is_new(site: Site) -> None:
    reviews = site.world.service.reviews
    newest = reviews.newest()
    submit_another(site, seed=80_002)

    def arrived(which: ReviewFilter) -> int:
        return reviews.arrivals(which, after=newest, most=100)

    assert arrived(ReviewFilter(reach=("79",))) == 1
    assert arrived(ReviewFilter(reach=("01",))) == 0
    assert arrived(ReviewFilter(reach=("",), facility="01001")) == 0


def test_an_open_inbox_shows_who_opens_a_claim_and_that_it_was_decided(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[0]
    page = visit("/claims?facility=01001", who="dung")
    row = page.locator(f"#now-{review.id}")
    expect(row).to_be_empty()
    mark(page)

    site.world.service.decide_reviews.open_to_decide(review, who=principal(site, "binh"))

    expect(row).to_contain_text("đang mở")
    decide(site, review, "binh")
    expect(row).to_contain_text("đã quyết định")
    assert is_marked(page)


def test_an_open_claim_says_that_somebody_else_decided(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[0]
    page = visit(address(review), who="dung")
    service = site.world.service

    service.decide_reviews.give_back(review, who=principal(site, "dung"))
    decide(site, review, "binh")

    expect(page.locator("#news")).to_contain_text("Bình Giám Định vừa quyết định hồ sơ này: chấp nhận")
    page.locator("#news").get_by_role("link").click()
    expect(page.get_by_role("button", name="Chấp nhận toàn bộ")).to_have_count(0)


def test_an_open_claim_says_that_the_hospital_answered(visit: Visit, site: Site) -> None:
    review = free(site, facility="79001")[0]
    service = site.world.service
    service.talk_about_review.ask(review, text="Vì sao?", who=principal(site, "dung"))
    page = visit(address(review), who="dung")
    expect(page.locator("#news")).to_be_empty()

    service.talk_about_review.answer(now(site, review), text="Theo y lệnh.", who=principal(site, "hoa"))

    expect(page.locator("#news")).to_contain_text("Cơ sở vừa trả lời")


def test_a_claim_that_another_person_gives_back_is_offered(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[0]
    service, binh = site.world.service, principal(site, "binh")
    service.decide_reviews.open_to_decide(review, who=binh)
    page = visit(address(review), who="dung")
    expect(page.get_by_role("button", name="Chấp nhận toàn bộ")).to_have_count(0)

    service.decide_reviews.give_back(review, who=binh)

    expect(page.locator("#news")).to_contain_text("bạn có thể quyết định")


def test_a_stream_of_another_province_is_not_opened(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[0]
    page = visit("/help", who="chi")

    answer = page.request.get(f"{site.url}/console{address(review)}/live?version=1")

    assert answer.status == 404


def test_a_filter_a_tab_and_the_way_back_keep_the_page(visit: Visit, site: Site) -> None:
    page = visit("/claims", who="dung")
    mark(page)

    page.locator(".facets").get_by_role("link", name="79001").click()
    expect(page).to_have_url(f"{site.url}/console/claims?facility=79001")
    expect(page.locator(".facets [aria-current]").filter(has_text="79001")).to_be_focused()
    page.locator("tbody th a").first.click()
    page.locator(".claim .tabs").get_by_role("link", name="XML2").click()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("XML2")
    page.go_back()
    page.go_back()

    expect(page.locator("tbody tr").first).to_be_visible()
    expect(page).to_have_url(f"{site.url}/console/claims?facility=79001")
    assert is_marked(page)


def test_what_follows_a_sign_out_elsewhere_is_the_page_to_sign_in(visit: Visit, site: Site) -> None:
    page = visit("/claims", who="dung")
    page.context.clear_cookies(name="ehoso")

    page.locator(".facets").get_by_role("link", name="79001").click()

    expect(page.get_by_label("Mật khẩu")).to_be_visible()
