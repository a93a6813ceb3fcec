"""What staff of a facility do, as they do it: hand in, check, answer, set everything up on the first day."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import expect

from claims.building.build import build_bundle
from claims.console.hospital.handing_in import MOST_FILES
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.exchange.access.people import grant_of
from claims.exchange.review.review import Cut, Decision, Order, Review, ReviewFilter, ReviewState, Verdict
from claims.exchange.submission import SubmissionId
from claims.localtime import local_date
from signing.sign import sign_bundle
from tests.browser.conftest import Site, Visit, tab_to, violations, violations_by_day_and_night

FACILITY = "79001"
PAGES = ("/send", "/check", "/deadlines", "/questions", "{question}", "/submissions", "{own}", "/failures")


@dataclass(frozen=True)
class Files:
    """What a hospital has on its disk."""

    signed: Path
    unsigned: Path
    encounter: Path
    elsewhere: Path


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("hospital")
    today = local_date(datetime.now(UTC))
    (document,) = generate_encounters(seed=4711, count=1, facilities=[FACILITY], on=today)
    (foreign,) = generate_encounters(seed=4711, count=1, facilities=["01001"], on=today)
    raw = json.dumps(document, ensure_ascii=False).encode()
    unsigned = build_bundle([parse_encounter(raw)], made_on=today).bundle
    names = ("signed.xml", "unsigned.xml", "encounter.json", "elsewhere.json")
    found = Files(*(folder / name for name in names))
    found.signed.write_bytes(sign_bundle(unsigned, site.world.keys[FACILITY].signer))
    found.unsigned.write_bytes(unsigned)
    found.encounter.write_bytes(raw)
    found.elsewhere.write_text(json.dumps(foreign, ensure_ascii=False), "utf-8")
    return found


@pytest.fixture(scope="module")
def places(site: Site) -> Mapping[str, str]:
    """Addresses of a claim that a reviewer asks about, and of a submission."""
    review = ask(site, "Vì sao cần hai lần chụp?")
    return {"question": question(review), "own": f"/submissions/{review.submission_id}"}


def ask(site: Site, text: str) -> Review:
    """Let a reviewer ask about a claim that nobody has asked about."""
    service = site.world.service
    which = ReviewFilter(reach=(FACILITY,), state=ReviewState.OPEN)
    found = service.reviews.list_page(which, order=Order.NEWEST, limit=50, cursor=None).items
    review = next(one for one in found if not one.classes and one.lock_owner is None)
    service.talk_about_review.ask(review, text=text, who=site.world.people["binh"].principal)
    return review


def question(review: Review) -> str:
    return f"/questions/{review.submission_id}/{review.ordinal}"


@pytest.fixture(scope="module")
def manager(site: Site) -> str:
    """Log in name of somebody who runs a small facility alone."""
    grants = [grant_of("hospital", "01001"), grant_of("hospital-admin", "01001")]
    site.world.people["an"], _ = site.world.service.manage_people.add(
        "an", name="An Một Mình", grants=grants, by="test"
    )
    return "an"


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_page_of_a_hospital_has_anything_against_it(
    visit: Visit, site: Site, places: Mapping[str, str], manager: str, language: str
) -> None:
    for who, paths in {"hoa": PAGES, manager: ("/setup",)}.items():
        page = visit("/help", who=who, language=language)
        for path in paths:
            page.goto(f"{site.url}/console{path.format(**places)}")

            assert page.locator("html").get_attribute("lang") == language
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            assert violations_by_day_and_night(page) == [], path


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_of_a_hospital_is_wider_than_its_window(
    visit: Visit, site: Site, places: Mapping[str, str], manager: str, width: int
) -> None:
    too_wide = []
    for who, paths in {"hoa": PAGES, manager: ("/setup",)}.items():
        page = visit("/help", who=who, width=width)
        for path in paths:
            page.goto(f"{site.url}/console{path.format(**places)}")
            if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
                too_wide.append(path)

    assert too_wide == []


def test_a_file_is_checked_without_being_sent_and_the_report_can_be_taken_along(
    visit: Visit, files: Files, site: Site
) -> None:
    page = visit("/check", who="hoa", script=False)
    page.get_by_label("Tệp GIAMDINHHS").set_input_files(files.unsigned)
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(page.get_by_text("Có lỗi chặn việc gửi")).to_be_visible()

    page.get_by_label("Tệp GIAMDINHHS").set_input_files(files.unsigned)
    page.get_by_label("Tệp chưa ký").check()
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(page.get_by_text("Không có gì chặn việc gửi")).to_be_visible()

    page.get_by_label("Tệp GIAMDINHHS").set_input_files(files.unsigned)
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải báo cáo").click()
    assert download.value.path().read_text("utf-8").lower().startswith("<!doctype html>")


@pytest.mark.parametrize("path", ["/send", "/check"])
def test_of_more_files_than_are_done_at_once_none_is_left_out_silently(
    visit: Visit, path: str, tmp_path: Path
) -> None:
    page = visit(path, who="hoa", script=False)
    files = [tmp_path / f"{number}.xml" for number in range(MOST_FILES + 1)]
    for file in files:
        file.write_bytes(b"<a/>")

    page.locator("#file").set_input_files(files)
    page.locator("form[data-drop] .button.main").click()

    expect(page.locator(".note.bad")).to_contain_text("Quá 100 tệp một lần: chưa tệp nào được xử lý")
    expect(page.get_by_text("0.xml")).to_have_count(0)


def test_an_empty_file_among_others_is_told_of(visit: Visit, files: Files, tmp_path: Path) -> None:
    page = visit("/check", who="hoa", script=False)
    empty = tmp_path / "empty.xml"
    empty.touch()

    page.get_by_label("Tệp GIAMDINHHS").set_input_files([files.unsigned, empty])
    page.get_by_role("button", name="Kiểm tra", exact=True).click()

    expect(page.get_by_role("region", name="empty.xml")).to_contain_text("Tệp rỗng")


def test_an_encounter_is_checked_as_the_bundle_that_would_be_built_of_it(visit: Visit, files: Files) -> None:
    page = visit("/send", who="hoa")
    page.get_by_label("Chọn tệp").set_input_files(files.encounter)

    page.get_by_role("button", name="Kiểm tra trước").click()

    expect(page.get_by_text("Không có gì chặn việc gửi")).to_be_visible()
    page.locator("summary", has_text="dán nội dung").click()
    page.locator("#pasted").fill('{"facility": 7}')
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(page.get_by_text("Không đọc được đợt điều trị")).to_be_visible()
    assert violations(page) == []


def test_what_was_pasted_is_kept_while_it_is_checked_and_then_sent(visit: Visit, files: Files) -> None:
    page = visit("/send", who="hoa")
    page.locator("summary").filter(has_text="dán nội dung").click()
    pasted = files.encounter.read_text("utf-8").replace('"schema"', '"oops": 1, "schema"', 1)
    page.locator("#pasted").fill(pasted)

    page.get_by_role("button", name="Kiểm tra trước").click()
    expect(page.locator(".note.bad")).to_contain_text("/oops: mục này không có trong tài liệu đợt điều trị")
    page.locator("#pasted").fill(page.locator("#pasted").input_value().replace('"oops": 1, ', ""))
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    expect(page.get_by_text("Không có gì chặn việc gửi")).to_be_visible()
    page.get_by_role("button", name="Gửi nội dung này").click()

    expect(page).to_have_url(re.compile(r"/submissions/sub_[0-9A-Z]{26}$"))


def test_who_handed_in_sees_the_outcome_without_loading_the_page_again(
    visit: Visit, site: Site, tmp_path: Path
) -> None:
    page = visit("/send", who="hoa")
    file = tmp_path / "none.xml"
    file.write_bytes(b"<GIAMDINHHS>told while it is open</GIAMDINHHS>")
    page.get_by_label("Chọn tệp").set_input_files(file)
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.get_by_text("trang tự cập nhật")).to_be_visible()
    assert violations(page) == []

    site.world.service.check([SubmissionId(page.url.rpartition("/")[2])])

    expect(page.locator(".head .badge")).to_contain_text("không đạt kiểm tra")
    expect(page.locator(".findings li").first).to_contain_text("→")


def test_what_is_not_paid_is_told_once_it_is_final_and_becomes_form_09(visit: Visit, site: Site) -> None:
    service = site.world.service
    which = ReviewFilter(reach=(FACILITY,), state=ReviewState.OPEN, most=Decimal(400_000))
    page = service.reviews.list_page(which, order=Order.NEWEST, limit=9, cursor=None)
    review = next(one for one in page.items if not one.classes and one.lock_owner is None)
    decision = Decision(Verdict.REDUCED, (Cut(Decimal(1_000), "PRICE", "XML3", 1),))
    who = site.world.people["binh"].principal
    service.decide_reviews.decide(review, version=review.version, decision=decision, who=who)
    address = question(review)

    early = visit(address, who="hoa")
    expect(early.get_by_text("Không được thanh toán")).to_have_count(0)
    service.reviews.announce(now=datetime.now(UTC) + timedelta(seconds=60), limit=99)
    early.reload()

    expect(early.get_by_text("−1.000")).to_be_visible()
    assert violations(early) == []
    early.locator("summary", has_text="09/BH").click()
    early.get_by_label("Thủ trưởng").fill("Giám đốc Thử")
    with early.expect_download() as download:
        early.get_by_role("button", name="Tải XML đã ký").click()
    assert b"<THUTRUONG_DV>Gi\xc3\xa1m" in download.value.path().read_bytes()
    assert b"SignatureValue" in download.value.path().read_bytes()


def test_a_signed_file_is_handed_in_once_however_often_it_is_sent(visit: Visit, files: Files) -> None:
    page = visit("/send", who="hoa", script=False)
    page.get_by_label("Chọn tệp").set_input_files(files.signed)
    page.get_by_role("button", name="Gửi", exact=True).click()
    expect(page.locator("h1")).to_be_visible()
    first = page.url
    assert "/submissions/sub_" in first

    page.goto(first.partition("/submissions")[0] + "/send")
    page.get_by_label("Chọn tệp").set_input_files(files.signed)
    page.get_by_role("button", name="Gửi", exact=True).click()

    assert page.url == first


def test_a_file_is_handed_in_by_keyboard_alone(visit: Visit, files: Files) -> None:
    page = visit("/send", who="hoa")
    # Chromium is told to ask us for files long before it would have to.
    page.on("filechooser", lambda _: None)

    tab_to(page, page.get_by_label("Chọn tệp"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(files.signed)
    tab_to(page, page.get_by_role("button", name="Gửi", exact=True))
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/submissions/sub_"))


def test_a_question_is_answered_by_keyboard_alone(visit: Visit, site: Site) -> None:
    review = ask(site, "Vì sao đổi thuốc?")
    page = visit("/questions", who="hoa")

    tab_to(page, page.locator(f"a[href$='{question(review)}']"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Trả lời"))
    page.keyboard.type("Người bệnh dị ứng.")
    tab_to(page, page.get_by_role("button", name="Gửi câu trả lời"))
    page.keyboard.press("Enter")

    expect(page.get_by_text("Người bệnh dị ứng.")).to_be_visible()
    expect(page.get_by_role("button", name="Gửi câu trả lời")).to_have_count(0)


def test_several_files_have_an_outcome_each(visit: Visit, files: Files) -> None:
    page = visit("/send", who="hoa")

    page.get_by_label("Chọn tệp").set_input_files([files.signed, files.encounter, files.elsewhere])
    page.get_by_role("button", name="Gửi", exact=True).click()

    expect(page.locator("main li")).to_have_count(3)
    expect(page.locator("main li").get_by_role("link")).to_have_count(2)
    expect(page.locator("main")).to_contain_text("Đợt điều trị này là của cơ sở khác")


def test_a_question_is_answered_and_goes_back(visit: Visit, places: Mapping[str, str]) -> None:
    page = visit("/questions", who="hoa")

    page.locator(f"a[href$='{places['question']}']").click()
    expect(page.get_by_text("Vì sao cần hai lần chụp?")).to_be_visible()
    page.get_by_label("Trả lời").fill("Lần đầu phim hỏng.")
    page.get_by_role("button", name="Gửi câu trả lời").click()

    expect(page.get_by_text("Lần đầu phim hỏng.")).to_be_visible()
    expect(page.get_by_role("button", name="Gửi câu trả lời")).to_have_count(0)


def test_another_facilitys_submission_is_not_there(
    visit: Visit, site: Site, places: Mapping[str, str]
) -> None:
    page = visit(places["own"], who="hoa")
    expect(page.get_by_role("heading", level=1)).to_contain_text("79001.")
    site.world.people.setdefault(
        "xa",
        site.world.service.manage_people.add(
            "xa", name="Xa", grants=[grant_of("hospital", "01001")], by="test"
        )[0],
    )

    other = visit(places["own"], who="xa")

    expect(other.get_by_role("heading", level=1)).to_have_text("Không tìm thấy trang")


def test_somebody_alone_sets_a_facility_up_on_the_first_day(
    visit: Visit, site: Site, manager: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    key = site.world.pki.leaf(
        "01001", valid_from=now - timedelta(hours=1), valid_to=now + timedelta(days=700)
    )
    certificate, wrong, prices = tmp_path / "ky.pem", tmp_path / "ky.txt", tmp_path / "drugs.csv"
    certificate.write_bytes(key.certificate.public_bytes(Encoding.PEM))
    wrong.write_text("not a certificate")
    prices.write_text("MA_THUOC,TEN_THUOC,DON_GIA\n40.123,Thuốc thử,mười đồng\n", "utf-8")
    page = visit("/setup", who=manager)

    page.get_by_label("Tệp chứng thư").set_input_files(wrong)
    page.get_by_role("button", name="Đăng ký chứng thư").click()
    expect(page.get_by_role("alert")).to_contain_text("không phải chứng thư")
    page.get_by_label("Tệp chứng thư").set_input_files(certificate)
    with page.expect_navigation():  # what is filled in before belongs to the page that goes
        page.get_by_role("button", name="Đăng ký chứng thư").click()
    expect(page.locator("section[aria-labelledby=certificate] li").last).to_be_visible()

    page.get_by_label("Tên gợi nhớ").fill("HIS")
    page.get_by_role("button", name="Tạo khóa").click()
    made = page.locator("#new-key").inner_text()
    assert site.world.service.authenticate(made).may("submission.submit", "01001")
    page.reload()
    expect(page.locator("#new-key")).to_have_count(0)

    page.get_by_label("Tệp danh mục").set_input_files(prices)
    page.get_by_role("button", name="Tải lên và kiểm tra").click()
    expect(page.locator("section[aria-labelledby=lists] tbody tr").first).to_be_visible()
    assert violations(page) == []

    page.get_by_role("button", name="Chạy thử").click()
    expect(page.get_by_text("Cơ sở đã sẵn sàng gửi")).to_be_visible()
    assert violations(page) == []
