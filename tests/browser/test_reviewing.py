"""What reviewers do, as they do it: with the keyboard alone, with few actions, without script, not twice."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Page, expect

from claims.bundle.contents import read_contents
from claims.bundle.kinds import TableKind
from claims.exchange.review.review import Order, Review, ReviewFilter, ReviewState
from claims.exchange.submission import SubmissionId
from tests.browser.conftest import Site, Visit, violations
from tests.browser.world import COMMON_FINDING, FOUR_EYES_FROM


@dataclass
class Counted:
    """Presses keys and counts them."""

    page: Page
    presses: int = 0

    def press(self, key: str, *, leads_on: bool = True) -> None:
        self.presses += 1
        if leads_on:
            go(self.page, key)
        else:
            self.page.keyboard.press(key)


def go(page: Page, key: str) -> None:
    """Press a key that leads to another page, and wait for that."""
    page.wait_for_load_state()  # the script that hears keys is there
    with page.expect_navigation():
        page.keyboard.press(key)
    # An address with a fragment takes the focus when its place is painted, and not before.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def claims(site: Site, **narrow: object) -> list[Review]:
    which = ReviewFilter(reach=("",), **narrow)  # type: ignore[arg-type]
    return list(site.world.service.reviews.list_page(which, order=Order.OLDEST, limit=100, cursor=None).items)


def free(site: Site, **narrow: object) -> list[Review]:
    """Return claims that nobody has open and that one reviewer may decide: the tests share one inbox."""
    return [
        one
        for one in claims(site, **narrow)
        if one.lock_owner is None and not one.classes and one.claimed < FOUR_EYES_FROM
    ]


def decided_by_dung(site: Site) -> list[Review]:
    """Return what one person has decided on the claims of the common finding."""
    found = claims(site, state=ReviewState.DECIDED, code=COMMON_FINDING)
    return [one for one in found if one.decided_by == site.world.people["dung"].id and not one.confirmed_by]


def services_of(site: Site, review: Review) -> int:
    """Return how many rows of services a claim has."""
    contents = read_contents(
        site.world.service.submissions.body(review.submission_id), today=review.received_at.date()
    )
    table = contents.claims[review.ordinal - 1].find_table(TableKind.XML3)
    return 0 if table is None else len(table.rows)


def address(review: Review) -> str:
    return f"/claims/{review.submission_id}/{review.ordinal}"


def now(site: Site, review: Review) -> Review:
    return site.world.service.reviews.get(SubmissionId(review.submission_id), review.ordinal)


def plain(name: str) -> str:
    """Return a name as somebody types it who has no Vietnamese keyboard."""
    letters = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def test_a_claim_is_found_without_diacritics_and_opened(visit: Visit) -> None:
    page = visit("/claims", who="binh")
    name = page.locator("tbody tr td:nth-child(3)").first.inner_text()
    others = page.locator("tbody tr").filter(has_not_text=name)
    expect(others).not_to_have_count(0)

    page.keyboard.press("/")
    page.keyboard.type(plain(name))
    page.keyboard.press("Enter")

    expect(others).to_have_count(0)
    expect(page.locator("tbody tr").filter(has_text=name).first).to_be_visible()


def test_who_skips_a_claim_leaves_it_to_others(visit: Visit, site: Site) -> None:
    review = free(site)[0]
    page = visit(address(review), who="dung")
    assert now(site, review).lock_owner == site.world.people["dung"].id

    page.keyboard.press("n")

    expect(page).not_to_have_url(f"{site.url}/console{address(review)}")
    assert now(site, review).lock_owner is None


def test_without_script_a_session_that_ended_leads_back_to_the_claim(visit: Visit, site: Site) -> None:
    review = free(site)[0]
    page = visit(f"{address(review)}?tab=XML1", who="dung", script=False)
    page.context.clear_cookies(name="ehoso")

    page.get_by_role("button", name="Chấp nhận toàn bộ").click()

    back = quote_plus(f"/console{address(review)}?tab=XML1")
    expect(page).to_have_url(f"{site.url}/console/signin?next={back}")
    assert now(site, review).state is ReviewState.OPEN


def test_twenty_claims_with_one_finding_are_found_and_decided_in_eight_presses_and_undone(
    visit: Visit, site: Site
) -> None:
    page = visit("/claims?lane=rule_hit", who="dung")
    counted = Counted(page)

    counted.press("j", leads_on=False)  # the first row
    counted.press("s")  # all claims with its finding
    counted.press("a")  # accept them
    decided = len(decided_by_dung(site))
    expect(page.get_by_role("status").filter(has_text="Đã chấp nhận")).to_be_visible()
    counted.press("u")  # and back

    assert decided >= 20
    assert counted.presses <= 8
    assert decided_by_dung(site) == []


def test_a_finding_leads_to_its_field_and_back_and_to_the_line_of_the_xml(visit: Visit, site: Site) -> None:
    review = free(site, code=COMMON_FINDING)[0]
    page = visit(address(review), who="dung")
    finding = page.locator(".findings li").filter(has_text=COMMON_FINDING)

    finding.get_by_role("link").first.click()
    target = page.locator(":target")
    expect(target).to_be_visible()
    target.locator("a.flag").first.click()
    assert page.url.endswith("#finding-1")
    finding.get_by_role("link", name=re.compile("hàng XML")).click()

    expect(page.locator("ol.xml li:target code")).to_contain_text("<HAM_LUONG")


def test_a_row_is_cut_with_a_reason_by_keyboard_alone(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[-1]
    page = visit(f"{address(review)}?tab=XML3", who="binh")

    page.get_by_role("link", name="Cắt dòng 1 ").first.focus()
    go(page, "Enter")
    amount = page.get_by_label("Số tiền không chấp nhận")
    amount.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("1.000")
    page.keyboard.press("Tab")
    for _ in range(4):  # the fourth reason of the list
        page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Giảm trừ").focus()
    go(page, "Enter")

    done = now(site, review)
    assert done.verdict == "reduced"
    assert done.approved == done.claimed - 1_000
    (cut,) = site.world.service.reviews.cuts(review.id)
    assert (cut.table, cut.row, cut.reason) == ("XML3", 1, "PRICE")


def settled(page: Page) -> None:
    """Wait until the part that was asked for is shown and has the focus."""
    page.wait_for_function("document.querySelector('#content:not([aria-busy])') !== null")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_rows_are_cut_by_keys_and_what_was_typed_stays_while_one_looks_around(
    visit: Visit, site: Site
) -> None:
    review = next(one for one in reversed(free(site, facility="01001")) if services_of(site, one) > 1)
    page = visit(f"{address(review)}?tab=XML3", who="binh")
    page.wait_for_load_state()

    page.keyboard.press("j")
    go(page, "x")
    expect(page.locator("#field-amount-XML3-1")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("1.000")
    page.get_by_label("Lý do").first.select_option("PRICE")
    page.locator("#field-note-XML3-1").fill("giá cũ")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    go(page, "x")
    expect(page.locator("#field-amount-XML3-2")).to_be_focused()
    page.locator(".tabs").get_by_role("link", name="XML1").first.click()
    page.wait_for_url("**tab=XML1**")
    settled(page)
    kept = [page.locator(f"#field-{one}-XML3-1").input_value() for one in ("amount", "reason", "note")]
    page.locator("fieldset").nth(1).get_by_role("link", name="Bỏ khoản giảm này").click()
    expect(page.locator("fieldset")).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("button", name="Giảm trừ").click()
    page.wait_for_url(lambda url: review.submission_id not in url)

    assert kept == ["1.000", "PRICE", "giá cũ"]
    (cut,) = site.world.service.reviews.cuts(review.id)
    assert (cut.row, cut.amount, cut.reason, cut.note) == (1, 1_000, "PRICE", "giá cũ")


def test_the_only_row_of_a_table_can_be_cut_as_well(visit: Visit, site: Site) -> None:
    review = next(one for one in claims(site) if services_of(site, one) == 1 and not one.lock_owner)
    page = visit(f"{address(review)}?tab=XML3", who="dung")

    page.get_by_role("link", name="Cắt dòng 1 ").click()

    expect(page.locator("#field-amount-XML3-1")).to_be_focused()


@pytest.mark.parametrize(("key", "field"), [("d", "#field-reason"), ("q", "#field-question")])
def test_what_follows_a_key_that_opens_a_form_is_written_there_and_is_no_key(
    visit: Visit, site: Site, key: str, field: str
) -> None:
    review = free(site, facility="79001")[-1]
    page = visit(address(review), who="dung")
    page.wait_for_load_state()

    page.keyboard.press(key)
    expect(page.locator(field)).to_be_focused()
    page.keyboard.press("a")

    page.keyboard.press("Escape")
    expect(page.locator(field)).not_to_be_focused()
    assert page.url.endswith(address(review))
    assert now(site, review).state == "open"


def test_a_key_leads_from_finding_to_finding_each_where_it_is(visit: Visit, site: Site) -> None:
    review = free(site, code=COMMON_FINDING)[-1]
    page = visit(address(review), who="dung")

    go(page, "f")

    place = page.locator("td:target, dd:target")
    expect(place).to_be_focused()
    expect(place.locator("a.flag")).to_be_visible()
    first = page.locator("[data-finding]").first.get_attribute("href") or ""
    assert first.endswith(f"#{place.get_attribute('id')}")


def test_the_key_of_the_help_page_leads_there(visit: Visit) -> None:
    page = visit("/claims", who="dung")

    go(page, "?")

    expect(page.get_by_role("heading", level=1)).to_have_text("Trợ giúp và phím tắt")


def test_declining_without_a_reason_says_so_beside_the_form_and_keeps_what_was_typed(
    visit: Visit, site: Site
) -> None:
    review = free(site, facility="01001")[-2]
    page = visit(address(review), who="binh")

    page.keyboard.press("d")
    page.get_by_label("Ghi chú").fill("không đúng")
    page.get_by_role("button", name="Từ chối", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("chọn một lý do")
    assert page.get_by_label("Ghi chú").input_value() == "không đúng"
    assert now(site, review).state == "open"
    assert violations(page) == []


def test_one_goes_on_to_what_follows_in_the_inbox_with_or_without_a_decision(
    visit: Visit, site: Site
) -> None:
    review = free(site, facility="01001")[3]
    listed = claims(site, facility="01001", state=ReviewState.OPEN)
    following = next(one for one in listed if one.id > review.id and not one.classes)
    page = visit(f"{address(review)}?from=facility%3D01001", who="binh")

    go(page, "n")
    skipped_to = page.url
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text(review.ma_lk)
    go(page, "a")

    assert address(following) in skipped_to
    assert address(following) in page.url
    assert now(site, review).state == "decided"


def test_whoever_goes_back_to_the_inbox_leaves_the_claim_to_others(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[4]
    page = visit(f"{address(review)}?from=facility%3D01001", who="binh")
    opened_by = now(site, review).lock_owner

    page.get_by_role("link", name="← Hồ sơ").click()
    page.wait_for_url("**/claims?facility=01001")

    assert opened_by == site.world.people["binh"].id
    assert now(site, review).lock_owner is None


def test_a_key_that_is_held_decides_on_one_claim_only(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[0]
    page = visit(f"{address(review)}?from=facility%3D01001", who="binh")
    page.wait_for_load_state()

    with page.expect_navigation():
        page.keyboard.down("a")
    settled(page)
    following = next(one for one in claims(site, facility="01001") if address(one) in page.url)
    page.keyboard.down("a")
    page.keyboard.up("a")
    settled(page)

    assert now(site, review).state == "decided"
    assert following.id != review.id
    assert now(site, following).state == "open"


@pytest.mark.parametrize("aside", ["person", "compare"])
def test_who_looks_at_what_belongs_to_a_claim_comes_back_to_the_same_inbox(
    visit: Visit, site: Site, aside: str
) -> None:
    claim, inbox = f"/claims/{site.world.corrected}/1", "facility%3D79001"
    page = visit(f"{claim}?tab={'versions' if aside == 'compare' else ''}&from={inbox}", who="dung")

    page.locator(f"main a[href*='/{aside}?']").first.click()
    page.wait_for_url(f"**/{aside}?**")
    page.locator(f"main a[href*='{claim}?']").first.click()
    page.wait_for_url(f"**{claim}?*from={inbox}")

    assert inbox in (page.locator("a[data-key=n]").get_attribute("href") or "")


def test_a_question_reaches_the_thread_without_script(visit: Visit, site: Site) -> None:
    review = free(site, facility="01001")[-3]
    page = visit(address(review), who="binh", script=False)

    page.locator("summary", has_text="Hỏi cơ sở").click()
    page.get_by_label("Câu hỏi").fill("Vì sao xét nghiệm hai lần?")
    page.get_by_role("button", name="Hỏi cơ sở").click()

    expect(page.get_by_text("Vì sao xét nghiệm hai lần?")).to_be_visible()
    assert now(site, review).state == "asked"


def test_two_reviewers_do_not_collide_on_one_claim(visit: Visit, site: Site) -> None:
    review = free(site, facility="79001")[-1]
    visit(address(review), who="chi")

    page = visit(address(review), who="binh")

    expect(page.get_by_text("Chi Giám Định đang mở hồ sơ này")).to_be_visible()
    expect(page.get_by_role("button", name="Chấp nhận toàn bộ")).to_have_count(0)


def test_without_script_what_is_typed_stays_while_rows_are_picked(visit: Visit, site: Site) -> None:
    review = free(site, code=COMMON_FINDING)[0]
    page = visit(f"{address(review)}?tab=XML2", who="dung", script=False)
    amounts, update = page.locator("[name^=amount-]"), page.get_by_role("button", name="Chọn dòng trong XML2")
    rows = page.locator("tbody").get_by_role("checkbox")

    page.locator("#cuts summary").click()
    expect(page.get_by_role("link", name="Cắt", exact=True)).to_have_count(0)
    rows.nth(0).check()
    update.click()
    amounts.fill("111")
    page.locator("[name^=note-]").fill("chưa xong")
    rows.nth(0).check()
    page.get_by_role("button", name="Chọn dòng trong XML3").click()
    rows.nth(0).check()
    page.get_by_role("button", name="Chọn dòng trong XML3").click()
    page.get_by_role("button", name="Bỏ khoản giảm này").nth(1).click()

    assert [mark.partition("-")[0] for mark in marks_of(page)] == ["XML3", "XML2"]  # the latest first
    assert amounts.nth(1).input_value() == "111"
    assert page.locator("[name^=note-]").nth(1).input_value() == "chưa xong"
    assert now(site, review).state == "open"

    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(review.ma_lk)


def marks_of(page: Page) -> list[str]:
    return [str(one.get_attribute("value")) for one in page.locator("input[name=cut][type=hidden]").all()]


def test_a_large_amount_waits_for_a_second_person(visit: Visit, site: Site) -> None:
    review = max(claims(site, least=FOUR_EYES_FROM), key=lambda one: one.claimed)
    page = visit(address(review), who="binh")
    go(page, "a")
    assert now(site, review).state == "proposed"

    page = visit("/confirmations", who="dung")
    page.get_by_role("link", name=review.ma_lk).click()
    expect(page.get_by_role("button", name="Duyệt")).to_be_visible()
    go(page, "a")

    assert (now(site, review).state, now(site, review).decided_by) == (
        "decided",
        site.world.people["binh"].id,
    )


def test_a_form_of_another_session_changes_nothing(visit: Visit, site: Site) -> None:
    review = free(site, facility="79001")[0]
    page = visit(address(review), who="dung")

    page.evaluate("for (const one of document.getElementsByName('token')) one.value = 'x'")
    page.get_by_role("button", name="Chấp nhận toàn bộ").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Biểu mẫu đã hết hạn")
    assert now(site, review).state == "open"
    page.get_by_role("link", name="Quay lại").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(review.ma_lk)


def test_letters_do_nothing_when_keys_are_off(visit: Visit, site: Site) -> None:
    review = free(site, facility="79001")[0]
    page = visit(address(review), who="dung")
    page.context.add_cookies([{"name": "preferences", "value": "vi.auto.off", "url": site.url}])
    page.reload()

    page.keyboard.press("a")

    assert now(site, review).state == "open"
    expect(page.locator("kbd").first).to_be_hidden()


def test_who_may_not_review_sees_no_claim(visit: Visit, site: Site) -> None:
    review = claims(site)[0]
    page = visit(address(review), who="van")

    expect(page.get_by_role("heading", level=1)).to_have_text("Bạn không có quyền mở trang này")
    assert str(review.patient) not in page.content()


def test_a_claim_of_another_province_does_not_exist_for_a_reviewer(visit: Visit, site: Site) -> None:
    page = visit(address(claims(site, facility="01001")[0]), who="chi")

    expect(page.get_by_role("heading", level=1)).to_have_text("Không tìm thấy trang")


def test_who_saw_which_claim_is_noted_and_shown_to_auditors(visit: Visit, site: Site) -> None:
    review = free(site, facility="79001")[1]
    visit(address(review), who="dung")

    page = visit(f"/readings?submission={review.submission_id}", who="kiem")

    row = page.locator("tbody tr").filter(has_text="Dũng Giám Định Trưởng").first
    expect(row).to_contain_text(f"{review.submission_id}/1")
    assert str(review.patient) not in page.content()


def test_a_sample_is_drawn_and_a_filter_is_saved(visit: Visit) -> None:
    page = visit("/claims?facility=79001", who="chi")

    page.get_by_label("20 hoặc 5%").fill("5")
    page.get_by_role("button", name="Rút mẫu").click()
    expect(page.locator("tbody tr")).to_have_count(5)
    expect(page.get_by_text("mã gieo")).to_be_visible()
    page.get_by_label("Tên bộ lọc").fill("của tôi")
    page.get_by_role("button", name="Lưu", exact=True).click()

    expect(page.get_by_role("link", name="của tôi")).to_be_visible()
