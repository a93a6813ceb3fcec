"""The drop-in intake: the gateway's own protocol, with what a hospital gains by it."""

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from httpx2 import Response

from claims.api.app import create_app
from claims.exchange.access.passwords import Passwords
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.gateway.protocol import ERROR_DETAIL_PATH, hash_password, write_form, write_json
from claims.localtime import VIETNAM, local_date
from claims.runtime.pace import Pace
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

US, THEM = FacilityCode("99001"), FacilityCode("99002")
HERE = ("192.0.2.7", 40000)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SEND = "/api/qd130/guiHoSoXmlQD3176"


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki) -> Iterator[Service]:
    settings = Settings(
        data_dir=tmp_path,
        max_body_bytes=100_000,
        dropin=True,
        dropin_networks="192.0.2.0/24",
        dropin_certificate_header="X-Client-Verify",
        trusted_proxies="10.0.0.1/32",
        dropin_sign_in_rate="8/minute",
    )
    pki.write(tmp_path / "trust")
    service = Service(settings, database_url, broker_url)
    assert service.dropin_sign_in_pace is not None
    # On a busy machine a Redis that answers may need longer than a request is made to wait.
    service.__dict__["dropin_sign_in_pace"] = Pace(
        "8/minute", broker_url=broker_url, name="drop-in sign-in", patience_s=30
    )
    for code in (US, THEM):
        service.facilities.add(code, name="Thử", at=datetime.now(UTC))
        put_account(service, code)
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), client=HERE, raise_server_exceptions=False) as client:
        yield client


def put_account(
    service: Service, code: FacilityCode, *, password: str = "mật khẩu", **more: list[str]
) -> None:
    desk = service.dropin_desk
    account = desk.make_account(code, username=f"{code}_BV", password_md5=hash_password(password), **more)
    service.dropin_accounts.put(account)


def take_token(client: TestClient, code: str = US, password: str = "mật khẩu", **more: str) -> Response:
    body = {"username": f"{code}_BV", "password": hash_password(password)}
    return client.post("/api/token/take", content=write_form(body), headers=FORM | more)


def session(client: TestClient, code: str = US) -> dict[str, str]:
    key = take_token(client, code).json()["APIKey"]
    digest = hash_password("mật khẩu").lower()  # as some live clients write it
    return {"accessToken": key["access_token"], "tokenId": key["id_token"], "passwordHash": digest}


def fields(code: str = US, **changed: str) -> dict[str, str]:
    base = {"username": f"{code}_BV", "loaiHoSo": "130", "maTinh": code[:2], "maCSKCB": code}
    return base | changed


def send(client: TestClient, headers: Mapping[str, str], bundle: bytes = b"<x/>", **changed: str) -> Response:
    return client.post(SEND, content=write_form(fields(**changed), bundle), headers=dict(headers) | FORM)


def query(client: TestClient, **more: str) -> dict[str, str]:
    mine = session(client)
    return {
        "token": mine["accessToken"],
        "id_token": mine["tokenId"],
        "username": f"{US}_BV",
        "password": mine["passwordHash"],
        "maCSKCB": US,
    } | more


def code_of(response: Response) -> str:
    assert response.headers["Content-Type"] == "application/json"
    code = response.json()["maKetQua"]
    assert isinstance(code, str)
    return code


def test_a_claim_is_taken_as_the_gateway_would_and_is_a_submission(
    client: TestClient, service: Service
) -> None:
    taken = send(client, session(client))

    body = taken.json()
    submission = service.submissions.get(SubmissionId(body["maGiaoDich"]), within=EVERYWHERE)
    assert (taken.status_code, code_of(taken)) == (200, "200")
    assert submission.sha256 == hashlib.sha256(b"<x/>").hexdigest()
    assert body["thoiGianTiepNhan"] == submission.received_at.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
    assert service.submissions.events(submission.id)[0].actor == "dropin:99001_BV"


@pytest.mark.parametrize("generation", ["QD130", "QD4750", "QD3176"])
def test_every_generation_of_today_is_answered_also_in_json(client: TestClient, generation: str) -> None:
    response = client.post(
        f"/api/qd130/guiHoSoXml{generation}",
        content=write_json(fields(), b"<x/>"),
        headers=session(client) | {"Content-Type": "application/json; charset=utf-8"},
    )

    assert code_of(response) == "200"


@pytest.mark.parametrize("body", [json.dumps(list(b"<x/>")), '"PHgvPg=="', "PHgvPg=="])
def test_a_4210_client_sends_bytes_as_numbers_or_base64(
    client: TestClient, service: Service, body: str
) -> None:
    asked = query(client, loaiHoSo="3", maTinh="99")

    taken = client.post("/api/egw/guiHoSoGiamDinh4210", params=asked, content=body)

    assert code_of(taken) == "200"
    assert set(taken.json()) == {"maKetQua", "maGiaoDich"}
    assert service.submissions.body(taken.json()["maGiaoDich"]) == b"<x/>"


def test_an_array_of_more_bytes_than_a_file_has_is_too_large_before_it_is_read(client: TestClient) -> None:
    asked = query(client, loaiHoSo="3", maTinh="99")

    response = client.post(
        "/api/egw/guiHoSoGiamDinh4210", params=asked, content=b"[" + b"60," * 100_000 + b"no number]"
    )

    assert code_of(response) == "1001"


def test_a_4210_client_may_also_name_the_file_and_spell_names_its_own_way(
    client: TestClient, service: Service
) -> None:
    asked = {name.upper(): value for name, value in query(client, loaiHoSo="3", maTinh="99").items()}

    taken = client.post(
        "/api/egw/guiHoSoGiamDinh4210", params=asked, content=write_form({}, b"<x/>"), headers=FORM
    )

    assert service.submissions.body(taken.json()["maGiaoDich"]) == b"<x/>"


@pytest.mark.this_server
def test_the_same_claim_again_gets_the_firsts_number_then_the_gateways(
    client: TestClient, service: Service
) -> None:
    headers = session(client)
    first, again = (send(client, headers).json() for _ in range(2))
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET ma_giao_dich = 'GD7', state = 'acknowledged'")
    later = send(client, headers).json()

    assert (first["maGiaoDich"], first["thoiGianTiepNhan"]) == (
        again["maGiaoDich"],
        again["thoiGianTiepNhan"],
    )
    assert later["maGiaoDich"] == "GD7"
    for number in (first["maGiaoDich"], "GD7"):
        assert client.post(ERROR_DETAIL_PATH, params=query(client, maGiaoDich=number)).json()["dsLoi"] == []


@pytest.mark.parametrize("state", ["withdrawn", "superseded"])
def test_bytes_that_are_never_sent_any_more_are_not_said_to_be_taken(
    client: TestClient, service: Service, state: str
) -> None:
    headers = session(client)
    send(client, headers)
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET state = %s, updated_at = '2020-01-01'", [state])

    assert code_of(send(client, headers)) == "202"


def test_bytes_that_were_withdrawn_lately_are_taken_again(client: TestClient, service: Service) -> None:
    headers = session(client)
    number = send(client, headers).json()["maGiaoDich"]
    service.withdraw(SubmissionId(number), facility=US, actor="test", reason="r")

    again = send(client, headers)

    assert (again.json()["maGiaoDich"], again.json()["thongDiep"]) == (number, "Tiếp nhận thành công")
    assert service.submissions.get(SubmissionId(number), within=EVERYWHERE).state is State.RECEIVED


def test_what_a_check_found_is_read_with_code_and_sentence(client: TestClient, service: Service) -> None:
    number = send(client, session(client), b"<x>").json()["maGiaoDich"]
    early = client.post(ERROR_DETAIL_PATH, params=query(client, maGiaoDich=number))
    service.check([SubmissionId(number)])

    (error,) = client.post(ERROR_DETAIL_PATH, params=query(client, maGiaoDich=number)).json()["dsLoi"]

    assert early.json()["dsLoi"] == []
    assert (error["maLoi"], error["maLoiChiTiet"]) == ("201", "ENV.WELLFORMED")
    assert "XML" in error["moTaLoi"]


@pytest.mark.this_server
def test_days_and_their_transactions_can_be_read(client: TestClient, service: Service) -> None:
    headers = session(client)
    good, bad = (send(client, headers, body).json()["maGiaoDich"] for body in (b"<x/>", b"<y>"))
    send(client, session(client, THEM), b"<z/>", username=f"{THEM}_BV", maCSKCB=THEM)
    service.check([SubmissionId(bad)])
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET ma_giao_dich = 'GD7' WHERE id = %s", [good])
    received_at = service.submissions.get(SubmissionId(good), within=EVERYWHERE).received_at
    received_on = local_date(received_at)
    today = f"{received_on:%d/%m/%Y}"
    before = f"{received_on - timedelta(days=60):%d/%m/%Y}"

    days = client.post("/api/egw/nhanKQTiepNhanHS4210", params=query(client, tuNgay=before, denNgay=today))
    day = client.post("/api/egw/nhanChiTietHSNgay4210", params=query(client, ngayGui=today))

    (total,) = days.json()["dsKQGuiHoSoNgay"]
    assert (total["ngayGui"], total["tongSo"], total["soHSThanhCong"], total["soHSLoi"]) == (today, 2, 1, 1)
    assert [(one["maGiaoDich"], one["slHoSoDung"], one["slHoSoLoi"]) for one in day.json()["dsHoSo"]] == [
        ("GD7", 1, 0),
        (bad, 0, 1),
    ]


@pytest.mark.parametrize(
    ("changed", "bundle", "code"),
    [
        pytest.param({"maCSKCB": THEM}, b"<x/>", "403", id="another-facility"),
        pytest.param({"username": f"{THEM}_BV"}, b"<x/>", "401", id="another-account"),
        pytest.param({"maTinh": "01"}, b"<x/>", "205", id="another-province"),
        pytest.param({"maCSKCB": ""}, b"<x/>", "205", id="no-facility"),
        pytest.param({"loaiHoSo": "9"}, b"<x/>", "205", id="another-kind"),
        pytest.param({}, b" ", "204", id="empty"),
        pytest.param({}, b"x" * 100_001, "1001", id="too-large"),
    ],
)
def test_what_is_not_taken_says_why_in_the_gateways_codes(
    client: TestClient, service: Service, changed: dict[str, str], bundle: bytes, code: str
) -> None:
    assert code_of(send(client, session(client), bundle, **changed)) == code
    with service.pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM submission").fetchone() == (0,)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"maCSKCB": ""}, "Thiếu maCSKCB"),
        ({"maTinh": ""}, "Thiếu maTinh"),
        ({"maTinh": "01"}, "maTinh phải là 99"),
        ({"loaiHoSo": "9"}, "loaiHoSo phải là 130"),
        ({"username": f"{THEM}_BV"}, "username không phải của phiên làm việc này"),
    ],
)
def test_what_is_not_taken_says_what_to_change(
    client: TestClient, changed: dict[str, str], told: str
) -> None:
    assert told in send(client, session(client), b"<x/>", **changed).json()["thongDiep"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_a_request_of_another_type_is_told_from_a_wrong_password(
    client: TestClient, content_type: str
) -> None:
    body = json.dumps({"username": f"{US}_BV", "password": hash_password("mật khẩu")})
    headers = {"Content-Type": content_type}

    sign_in = client.post("/api/token/take", content=body, headers=headers)
    sent = client.post(SEND, content=body, headers=session(client) | headers)

    assert (code_of(sign_in), code_of(sent)) == ("401", "205")
    assert "Content-Type" in sign_in.json()["thongDiep"]
    assert "Content-Type" in sent.json()["thongDiep"]
    assert "Content-Type" not in take_token(client, password="sai").json()["thongDiep"]


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("30/11/2026", "29/11/2026", "denNgay không được trước tuNgay"),
        ("01/01/2026", "29/11/2026", "60 ngày"),
    ],
)
def test_days_that_cannot_be_asked_for_say_why(client: TestClient, first: str, last: str, told: str) -> None:
    days = client.post("/api/egw/nhanKQTiepNhanHS4210", params=query(client, tuNgay=first, denNgay=last))

    assert code_of(days) == "205"
    assert told in days.json()["thongDiep"]


def test_what_a_document_is_that_is_no_bundle_is_among_its_errors(
    client: TestClient, service: Service
) -> None:
    number = send(client, session(client), b"PK\3\4 a spreadsheet").json()["maGiaoDich"]
    service.check([SubmissionId(number)])

    found = client.post(ERROR_DETAIL_PATH, params=query(client, maGiaoDich=number)).json()["dsLoi"]

    assert [(one["maLoi"], one["maLoiChiTiet"]) for one in found] == [
        ("201", "ENV.WELLFORMED"),
        ("201", "ENV.OTHER_CONTENT"),
    ]
    assert "ZIP" in found[1]["moTaLoi"]


def test_what_is_no_base64_is_not_taken(client: TestClient) -> None:
    body = write_form(fields() | {"fileHSBase64": "*"})

    assert code_of(client.post(SEND, content=body, headers=session(client) | FORM)) == "205"


def test_a_form_that_was_not_escaped_loses_no_plus_sign(client: TestClient, service: Service) -> None:
    bundle = b"<a/" + b"\xfb\xef\xbe" + b"/>"
    unescaped = b64encode(bundle).decode()  # PGEv++++Lz4=, which without blanks is another document's
    asked = "&".join(f"{name}={value}" for name, value in fields().items())

    taken = client.post(
        SEND, content=f"{asked}&fileHSBase64={unescaped}".encode(), headers=session(client) | FORM
    )

    submission = service.submissions.get(SubmissionId(taken.json()["maGiaoDich"]), within=EVERYWHERE)
    assert submission.sha256 == hashlib.sha256(bundle).hexdigest()


@pytest.mark.parametrize("path", ["/api/token/take", SEND, "/api/his/KQGiamDinhHoSo"])
def test_a_body_that_says_it_is_far_too_large_is_told_so_in_the_gateways_words(
    client: TestClient, path: str
) -> None:
    response = client.post(path, content=b"x" * 500_000, headers=session(client) | FORM)

    assert (response.status_code, code_of(response)) == (413, "1001")


@pytest.mark.parametrize("path", ["/api/token/take", SEND, "/api/his/KQGiamDinhHoSo"])
def test_a_body_that_is_compressed_is_told_so_in_the_gateways_words(client: TestClient, path: str) -> None:
    headers = session(client) | FORM | {"Content-Encoding": "gzip"}

    response = client.post(path, content=gzip.compress(b"a=b"), headers=headers)

    assert (response.status_code, code_of(response)) == (415, "205")
    assert "Content-Encoding" in response.json()["thongDiep"]


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(str.lower, id="lower"),
        pytest.param(str.upper, id="upper"),
        pytest.param(lambda path: f"{path}/", id="slash-behind"),
        pytest.param(lambda path: f"/{path}", id="two-slashes"),
    ],
)
def test_paths_are_read_in_any_case_and_with_any_slashes(
    client: TestClient, write: Callable[[str], str]
) -> None:
    body = {"username": f"{US}_BV", "password": hash_password("mật khẩu")}

    response = client.post(
        f"http://testserver{write('/api/token/take')}",
        content=write_form(body),
        headers=FORM,
        follow_redirects=False,
    )

    assert code_of(response) == "200"


def test_days_are_refused_that_are_none_or_too_many(client: TestClient) -> None:
    for first, last in (
        ("01/01/2026", ""),
        ("01/01/2026", "01/04/2026"),
        ("01/01/0001", "02/01/0001"),
        ("31/12/9999", "31/12/9999"),
    ):
        asked = {"tuNgay": first, "denNgay": last}
        response = client.post("/api/egw/nhanKQTiepNhanHS4210", params=query(client, **asked))
        assert code_of(response) == "205"


@pytest.mark.attack
def test_a_wrong_password_or_name_is_401_and_looks_the_same(client: TestClient) -> None:
    wrong, unknown = take_token(client, password="falsch"), take_token(client, "99003")

    assert code_of(wrong) == code_of(unknown) == "401"
    assert wrong.json() == unknown.json()


@pytest.mark.attack
def test_a_password_in_an_address_signs_nobody_in(client: TestClient) -> None:
    asked = {"username": f"{US}_BV", "password": hash_password("mật khẩu")}

    assert code_of(client.post("/api/token/take", params=asked)) == "401"


@pytest.mark.attack
@pytest.mark.parametrize("name", ["accessToken", "tokenId", "passwordHash"])
def test_each_part_of_a_session_counts(client: TestClient, name: str) -> None:
    mine, theirs = session(client), session(client, THEM)
    value = theirs[name] if name != "passwordHash" else hash_password("falsch")

    assert code_of(send(client, mine | {name: value})) == "401"
    assert code_of(send(client, {one: value for one, value in mine.items() if one != name})) == "401"


@pytest.mark.attack
def test_a_session_ends_with_its_time_and_with_its_password(client: TestClient, service: Service) -> None:
    headers = session(client)
    put_account(service, US, password="neu")

    assert code_of(send(client, headers)) == "401"
    assert service.dropin_desk.lifetime == timedelta(seconds=1800)
    late = take_token(client, password="neu").json()["APIKey"]["expires_in"]
    assert datetime.fromisoformat(late) - datetime.now(UTC) <= timedelta(seconds=1800)


@pytest.mark.attack
@pytest.mark.parametrize(
    ("peer", "headers", "is_admitted"),
    [
        pytest.param("192.0.2.9", {}, True, id="listed"),
        pytest.param("198.51.100.1", {}, False, id="not-listed"),
        pytest.param("198.51.100.1", {"X-Forwarded-For": "192.0.2.9"}, False, id="invents-an-address"),
        pytest.param("10.0.0.1", {"X-Forwarded-For": "192.0.2.9"}, True, id="through-the-proxy"),
        pytest.param("10.0.0.1", {"X-Forwarded-For": "192.0.2.9, 8.8.8.8"}, False, id="invents-a-hop"),
        pytest.param("198.51.100.1", {"X-Client-Verify": "SUCCESS"}, False, id="invents-a-certificate"),
        pytest.param("10.0.0.1", {"X-Client-Verify": "SUCCESS"}, True, id="certificate"),
        pytest.param("10.0.0.1", {"X-Client-Verify": "FAILED"}, False, id="no-certificate"),
    ],
)
def test_only_listed_addresses_and_vouched_certificates_come_near(
    service: Service, peer: str, headers: dict[str, str], is_admitted: bool
) -> None:
    with TestClient(create_app(service), client=(peer, 1), raise_server_exceptions=False) as client:
        response = take_token(client, **headers)

    assert (response.status_code, code_of(response)) == ((200, "200") if is_admitted else (403, "403"))


@pytest.mark.attack
def test_an_account_may_be_held_to_its_own_addresses(client: TestClient, service: Service) -> None:
    put_account(service, US, networks=["192.0.2.8/32"])

    assert code_of(take_token(client)) == "401"


@pytest.mark.attack
def test_guessing_is_slowed_down(client: TestClient) -> None:
    answers = [take_token(client, password=f"{n}") for n in range(9)]

    assert [one.status_code for one in answers] == [200] * 8 + [429]
    assert code_of(answers[-1]) == "429"
    assert int(answers[-1].headers["Retry-After"]) > 0


@pytest.mark.attack
def test_guesses_at_one_moment_are_slowed_down_like_those_in_a_row(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    matches = Passwords.matches

    def count(passwords: Passwords, password: str, known: str | None) -> bool:
        compared.append(password)
        return matches(passwords, password, known)

    monkeypatch.setattr(Passwords, "matches", count)
    with ThreadPoolExecutor(24) as crowd:
        answers = list(crowd.map(lambda n: take_token(client, password=f"{n}").status_code, range(24)))

    assert (len(compared), answers.count(200), answers.count(429)) == (8, 8, 16)


def test_software_that_signs_in_for_every_claim_is_not_slowed_down(client: TestClient) -> None:
    assert [code_of(take_token(client)) for _ in range(12)] == ["200"] * 12
    assert code_of(take_token(client, password="wrong")) == "401"


def test_nothing_of_it_is_there_unless_it_is_switched_on(
    database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki
) -> None:
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    pki.write(tmp_path / "trust")
    with TestClient(create_app(service), client=HERE) as client:
        assert take_token(client).status_code == 404
    service.close()


def test_a_database_that_is_away_is_the_gateways_500(client: TestClient, service: Service) -> None:
    headers = session(client)
    service.pool.close()

    assert code_of(send(client, headers)) == "500"
