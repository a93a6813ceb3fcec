"""What administrators do: let people in, give and take roles, help who lost a phone, close accounts."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from playwright.sync_api import Page, expect

from claims.exchange.access.keys import Scope
from claims.exchange.access.people import grant_of
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.retention import RecordClass, RetentionRules
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.gateway.protocol import hash_password
from tests.browser.conftest import Site, Visit, tab_to, violations, violations_by_day_and_night


def new_person(site: Site, login: str, name: str = "Đặng Người Thử", role: str = "reviewer") -> str:
    person, _ = site.world.service.manage_people.add(login, name=name, grants=[grant_of(role, "")], by="test")
    return person.id


def new_client(site: Site, label: str) -> str:
    client = site.world.service.manage_clients.register(
        public_key(), facility=FacilityCode("79001"), scopes=frozenset({Scope.READ}), label=label
    )
    return client.id


def public_key() -> str:
    return ECKey.generate_key("P-256").as_pem(private=False).decode()


def add(page: Page, *, login: str, role: str, place: str) -> None:
    page.get_by_label("Họ và tên").fill("Lê Thị Mới")
    page.get_by_label("Tên đăng nhập", exact=True).fill(login)
    page.locator("#field-role").select_option(role)
    page.get_by_label("Ở đâu").fill(place)
    page.get_by_role("button", name="Thêm và lấy mật khẩu").click()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_no_page_of_administrators_has_anything_against_it(visit: Visit, site: Site, language: str) -> None:
    others = new_person(site, f"page.{language}")
    client = new_client(site, f"máy {language}")
    held = site.world.corrected
    assert held is not None
    site.world.service.retain.hold(held, within=EVERYWHERE, actor="test", reason="Tòa án yêu cầu")
    page = visit("/people", who="quan", language=language)
    for path in (
        "/people",
        "/people?q=nobody",
        f"/people/{others}",
        f"/people/{site.world.people['quan'].id}",
        "/facilities",
        "/facilities?q=nowhere",
        "/facilities/79001",
        "/clients",
        "/clients?facility=79001",
        f"/clients/{client}",
        "/retention",
        "/retention?released=yes",
        "/retention/due",
        "/retention/due?by=2060-01-01",
        "/retention/erased",
        "/retention-of?q=nobody",
        f"/retention/{site.world.superseded}",
        f"/retention/{held}",
    ):
        page.goto(f"{site.url}/console{path}")

        assert page.locator("html").get_attribute("lang") == language
        assert violations_by_day_and_night(page) == [], path
        page.set_viewport_size({"width": 320, "height": 720})
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        page.set_viewport_size({"width": 1280, "height": 720})


def test_somebody_new_is_let_in_and_the_password_is_shown_once(visit: Visit, site: Site) -> None:
    page = visit("/people", who="quan")

    add(page, login="le.moi", role="hospital", place="79001")

    password = page.locator("#new-password").inner_text()
    person = site.world.service.manage_people.find("le.moi")
    assert person.grants == {grant_of("hospital", "79001")}
    page.goto(f"{site.url}/console/people/{person.id}")
    assert password not in page.content()
    expect(page.get_by_text("chưa đăng nhập lần đầu")).to_be_visible()


@pytest.mark.parametrize(
    ("login", "role", "place", "said"),
    [
        pytest.param("BÌNH", "reviewer", "", "chữ không dấu", id="login-with-marks"),
        pytest.param("binh", "reviewer", "", "Đã có người dùng", id="login-taken"),
        pytest.param("ai.do", "hospital", "", "không giao được", id="hospital-for-the-nation"),
        pytest.param("ai.do", "hospital", "99999", "Chưa có cơ sở", id="unknown-facility"),
        pytest.param("ai.do", "reviewer", "x'--", "không giao được", id="no-place"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_is_kept(
    visit: Visit, site: Site, login: str, role: str, place: str, said: str
) -> None:
    page = visit("/people", who="quan")

    add(page, login=login, role=role, place=place)

    expect(page.get_by_role("alert")).to_contain_text(said)
    assert page.get_by_label("Họ và tên").input_value() == "Lê Thị Mới"
    assert page.locator("#field-role").input_value() == role
    assert site.world.service.people.find_by_login("ai.do") is None


def test_a_person_is_found_without_diacritics(visit: Visit, site: Site) -> None:
    new_person(site, "zz.timduoc", name="Đỗ Quỳnh Hương")
    page = visit("/people", who="quan")

    page.get_by_placeholder("Tên hoặc tên đăng nhập").fill("do quynh")
    page.get_by_role("button", name="Tìm").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("zz.timduoc")


def test_roles_are_given_and_taken_and_open_sessions_end(visit: Visit, site: Site) -> None:
    service = site.world.service
    person_id = new_person(site, "doi.vai")
    page = visit(f"/people/{person_id}", who="quan")

    page.locator("#field-role").select_option("auditor")
    page.get_by_label("Ở đâu").fill("79")
    page.get_by_role("button", name="Giao vai trò").click()
    expect(page.get_by_text("tỉnh 79", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Thu vai trò: Giám định viên").click()
    expect(page.get_by_role("button", name="Thu vai trò: Giám định viên")).to_have_count(0)

    found = service.people.find(person_id)
    assert found is not None
    assert found.grants == {grant_of("auditor", "79")}


def test_who_lost_a_phone_gets_a_new_beginning(visit: Visit, site: Site) -> None:
    service = site.world.service
    person_id = new_person(site, "mat.may")
    service.people.set_totp(person_id, "JBSWY3DPEHPK3PXP")
    service.people.use_totp_step(person_id, 1)
    page = visit(f"/people/{person_id}", who="quan")
    expect(page.get_by_text("ứng dụng mã xác thực").first).to_be_visible()

    page.get_by_text("Quên mật khẩu hoặc mất điện thoại?").click()
    page.get_by_role("button", name="Đặt lại").click()

    expect(page.locator("#new-password")).to_be_visible()
    found = service.people.find(person_id)
    assert found is not None
    assert not found.has_second_factor


def test_an_account_is_closed_and_opened_again(visit: Visit, site: Site) -> None:
    page = visit(f"/people/{new_person(site, 'dong.mo')}", who="quan")

    page.get_by_text("Đóng tài khoản", exact=True).click()
    page.get_by_role("button", name="Đóng tài khoản này").click()
    expect(page.locator(".badge")).to_contain_text("đã đóng")
    page.get_by_role("button", name="Mở lại tài khoản").click()

    expect(page.get_by_role("button", name="Mở lại tài khoản")).to_have_count(0)


def test_nobody_changes_his_own_account(visit: Visit, site: Site) -> None:
    own = site.world.people["quan"].id
    page = visit(f"/people/{own}", who="quan")

    expect(page.get_by_text("Đây là tài khoản của bạn")).to_be_visible()
    expect(page.locator("main form")).to_have_count(0)
    token = page.locator("input[name=token]").first.get_attribute("value")
    for step in ("close", "reset", "roles"):
        answer = page.request.post(f"{site.url}/console/people/{own}/{step}", form={"token": token or ""})
        assert answer.status == 403
    found = site.world.service.people.find(own)
    assert found is not None
    assert found.disabled_at is None


def test_a_key_is_made_for_a_facility_shown_once_and_revoked(visit: Visit, site: Site) -> None:
    page = visit("/holdings?facility=79001", who="quan")

    page.locator("summary").filter(has_text="Tạo khóa API").click()
    page.get_by_label("Tên gợi nhớ").fill("HIS của quản trị")
    page.get_by_role("button", name="Tạo khóa API").click()
    text = page.locator("#new-key").inner_text()
    service = site.world.service
    assert service.authenticate(text).within.is_nowhere  # it opens, where nothing was asked for yet
    assert violations(page) == []
    page.get_by_role("button", name="Thu hồi HIS của quản trị").click()
    expect(page.get_by_role("button", name="Thu hồi HIS của quản trị")).to_have_count(0)

    key = service.api_keys.find(text.split("_")[1])
    assert key is not None
    assert key.revoked_at is not None
    assert text not in page.content()


def test_a_facilitys_administrator_sees_and_ends_its_own_keys_only(visit: Visit, site: Site) -> None:
    service = site.world.service
    others = service.issue_key(
        facility=FacilityCode("01001"), scopes=frozenset({Scope.READ}), label="khóa nơi khác"
    )
    page = visit("/holdings", who="quynh")
    expect(page.get_by_text("79001 Bệnh viện Đa khoa Thử nghiệm")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_count(0)
    token = page.locator("input[name=token]").first.get_attribute("value") or ""

    ended = page.request.post(
        f"{site.url}/console/holdings/keys/{others.split('_')[1]}/end", form={"token": token}
    )
    made = page.request.post(
        f"{site.url}/console/holdings/keys",
        form={"token": token, "facility": "01001", "label": "x", "scope": "read"},
    )

    assert (ended.status, made.status) == (404, 403)
    key = service.api_keys.find(others.split("_")[1])
    assert key is not None
    assert key.revoked_at is None


def test_a_client_is_registered_given_the_next_key_and_ended(visit: Visit, site: Site) -> None:
    clients, first, second = site.world.service.clients, public_key(), public_key()
    page = visit("/facilities/79001", who="quan")

    page.get_by_role("link", name="Máy khách OAuth").click()
    if not page.get_by_label("Khóa công khai").is_visible():
        page.locator("summary").filter(has_text="Đăng ký máy khách").click()
    page.get_by_label("Tên gợi nhớ").fill("HIS bằng khóa riêng")
    page.get_by_label("Khóa công khai").fill("không phải khóa")
    page.get_by_role("button", name="Đăng ký máy khách").click()
    expect(page.get_by_role("alert")).to_contain_text("Không đọc được khóa công khai")
    assert violations(page) == []
    assert page.get_by_label("Tên gợi nhớ").input_value() == "HIS bằng khóa riêng"
    page.get_by_label("Khóa công khai").fill(first)
    page.get_by_role("button", name="Đăng ký máy khách").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("HIS bằng khóa riêng")
    client_id = page.url.rpartition("/")[2]
    page.get_by_label("Khóa công khai tiếp theo").fill(second)
    page.get_by_role("button", name="Thêm khóa").click()
    expect(page.get_by_text("Hai khóa đang có hiệu lực")).to_be_visible()
    page.get_by_role("button", name="Thu hồi khóa").first.click()
    expect(page.get_by_role("button", name="Thu hồi khóa")).to_have_count(1)
    page.get_by_text("Kết thúc máy khách", exact=True).click()
    page.get_by_role("button", name="Kết thúc máy khách này").click()

    expect(page.get_by_text("Máy khách đã kết thúc lúc")).to_be_visible()
    expect(page.locator("main form")).to_have_count(0)
    assert violations(page) == []
    found = clients.find(client_id)
    assert found is not None
    assert found.revoked_at is not None
    assert len(found.keys) == 2


@pytest.mark.parametrize("who", ["kiem", "quynh", "van", "dung"])
def test_who_is_no_administrator_sees_nobody(visit: Visit, who: str) -> None:
    page = visit("/people", who=who)

    expect(page.get_by_role("heading", level=1)).to_have_text("Bạn không có quyền mở trang này")


def test_a_facility_is_registered_given_its_account_and_renamed(visit: Visit, site: Site) -> None:
    service, code = site.world.service, FacilityCode("52001")
    page = visit("/facilities", who="quan")

    page.get_by_label("Mã cơ sở", exact=True).fill("52001")
    page.get_by_label("Tên cơ sở", exact=True).fill("Bệnh viện Mới")
    page.get_by_role("button", name="Đăng ký", exact=True).click()
    expect(page.get_by_role("heading", name="Bệnh viện Mới")).to_be_visible()
    expect(page.get_by_text("Chưa có tài khoản")).to_be_visible()
    page.get_by_label("Tên tài khoản").fill("52001_BV")
    page.get_by_label("Mật khẩu").fill("mật khẩu thử")
    page.get_by_role("button", name="Lưu tài khoản").click()
    expect(page.get_by_text("Đang đăng nhập cổng với tên 52001_BV")).to_be_visible()
    page.get_by_text("Người tra cứu thẻ", exact=True).click()
    page.get_by_label("Họ và tên").fill("Trần Tra Cứu")
    page.get_by_label("Số căn cước").fill("079000000001")
    page.get_by_role("button", name="Lưu người tra cứu thẻ").click()
    expect(page.get_by_text("Người tra cứu thẻ: đã lưu")).to_be_visible()
    page.get_by_text("Đổi tên", exact=True).first.click()
    page.get_by_label("Tên cơ sở").fill("Bệnh viện Khác")
    page.get_by_role("button", name="Đổi tên").click()

    expect(page.get_by_role("heading", name="Bệnh viện Khác")).to_be_visible()
    account = service.gateway_accounts.find(code)
    assert account is not None
    assert account.username == "52001_BV"
    assert account.password_md5 == hash_password("mật khẩu thử")
    assert account.card_staff is not None
    assert account.card_staff.citizen_id == "079000000001"
    assert "079000000001" not in page.content()


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        pytest.param("790", "Một", "đúng 5 chữ số", id="short-code"),
        pytest.param("79001", "Một", "đã được đăng ký", id="known-code"),
    ],
)
def test_what_cannot_be_registered_is_said_and_kept(
    visit: Visit, site: Site, code: str, name: str, said: str
) -> None:
    page = visit("/facilities", who="quan")

    page.get_by_label("Mã cơ sở", exact=True).fill(code)
    page.get_by_label("Tên cơ sở", exact=True).fill(name)
    page.get_by_role("button", name="Đăng ký", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text(said)
    assert page.get_by_label("Tên cơ sở", exact=True).input_value() == name
    assert site.world.service.facilities.name_of(FacilityCode("79001")) != name


def test_a_list_is_registered_when_every_row_can_be(visit: Visit, site: Site, tmp_path: Path) -> None:
    file = tmp_path / "co-so.csv"
    page = visit("/facilities", who="quan")

    file.write_text("MA_CSKCB,TEN_CSKCB\n53001,Một\n530,Hai\n", encoding="utf-8")
    page.get_by_label("Tệp danh sách").set_input_files(file)
    page.get_by_role("button", name="Đăng ký danh sách").click()
    expect(page.get_by_role("alert")).to_contain_text("Chưa cơ sở nào")
    expect(page.get_by_role("cell", name="530 không phải mã cơ sở")).to_be_visible()
    assert violations(page) == []
    assert site.world.service.facilities.name_of(FacilityCode("53001")) is None
    file.write_text("MA_CSKCB,TEN_CSKCB\n53001,Một\n53002,Hai\n", encoding="utf-8")
    page.get_by_label("Tệp danh sách").set_input_files(file)
    page.get_by_role("button", name="Đăng ký danh sách").click()

    expect(page.get_by_text("Đã đăng ký 2, đổi tên 0; 0 đã có từ trước.")).to_be_visible()
    page.get_by_placeholder("Mã hoặc tên cơ sở").fill("53")
    page.get_by_role("button", name="Tìm").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_who_does_not_manage_facilities_sees_none(visit: Visit) -> None:
    page = visit("/facilities", who="van")

    expect(page.locator("h1")).to_have_text("Bạn không có quyền mở trang này")


def test_a_claim_is_held_and_released_by_keyboard_and_a_slip_loses_nothing(visit: Visit, site: Site) -> None:
    submission = site.world.superseded
    assert submission is not None
    page = visit("/retention", who="kiem")
    page.keyboard.press("/")
    page.keyboard.type(submission)
    page.keyboard.press("Enter")
    why = page.get_by_label("Vì sao phải giữ?")
    expect(why).to_be_visible()

    tab_to(page, why)
    page.keyboard.type("Cơ quan điều tra yêu cầu")
    tab_to(page, page.get_by_role("button", name="Giữ lại lần gửi này"))
    page.keyboard.press("Enter")

    expect(page.locator(".head .badge")).to_contain_text("Đang giữ lại")
    page.goto(f"{site.url}/console/retention")
    expect(page.locator("tbody tr", has_text=submission)).to_contain_text("Cơ quan điều tra yêu cầu")
    page.goto(f"{site.url}/console/retention/{submission}")
    seen = page.locator("input[name=seen]")
    page.get_by_text("Thôi giữ", exact=True).click()
    page.get_by_label("Vì sao thôi giữ?").fill("Đã xong")
    # Somebody else holds it meanwhile.
    seen.evaluate("one => { one.value = 'earlier' }")
    page.get_by_role("button", name="Thôi giữ lần gửi này").click()
    expect(page.get_by_role("alert")).to_contain_text("Chưa thôi giữ gì cả")
    assert page.get_by_label("Vì sao thôi giữ?").input_value() == "Đã xong"
    page.get_by_role("button", name="Thôi giữ lần gửi này").click()
    expect(page.locator(".head .badge")).to_contain_text("Trong thời hạn lưu")


@pytest.fixture
def kept_for_no_time(site: Site) -> Iterator[SubmissionId]:
    """Return a submission whose time is over at once, as long as the test runs."""
    service = site.world.service
    body = f"<past>{uuid.uuid4()}</past>".encode()
    one = service.receive(body, facility=FacilityCode("79001"), actor="test").submission.id
    service.check([one])
    at_once = RetentionRules({each: ((date(2009, 1, 1), 0),) for each in RecordClass})
    retain, find_due = service.retain, service.find_due
    service.__dict__.update(retain=replace(retain, rules=at_once), find_due=replace(find_due, rules=at_once))
    yield one
    service.__dict__.update(retain=retain, find_due=find_due)


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
def test_what_is_due_is_looked_at_erased_and_proved(
    visit: Visit, site: Site, kept_for_no_time: SubmissionId, *, script: bool
) -> None:
    page = visit("/retention/due", who="quan", width=360, script=script)
    found: list[str] = []

    def look() -> None:
        """Note what is against the page as it stands."""
        if script:
            found.extend(violations(page))

    page.get_by_role("checkbox", name=kept_for_no_time).check()
    page.get_by_role("button", name="Xem trước việc xóa").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Xem trước việc xóa")
    look()
    page.get_by_label("Vì sao xóa?").fill("Hết thời hạn lưu")
    page.get_by_role("button", name="Xóa vĩnh viễn 1 lần gửi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đã xóa nội dung của 1 lần gửi")
    look()
    for path in (kept_for_no_time, "erased"):
        page.goto(f"{site.url}/console/retention/{path}")
        look()

    with page.expect_download() as download:
        page.get_by_role("link", name=f"Tải bằng chứng {kept_for_no_time}").click()
    assert download.value.suggested_filename == f"{kept_for_no_time}.asice"
    assert found == []
