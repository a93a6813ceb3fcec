"""Hospital software reads through us what it would read at the gateway, and more while that is silent."""

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from claims.api.app import create_app
from claims.checking.cards import load_results
from claims.checking.samples import load_sample
from claims.exchange.breaker import Window
from claims.exchange.destination import Circuit
from claims.exchange.passing_on import About, AnswerKey, Reply
from claims.exchange.ports import Account
from claims.exchange.results import ReceptionError, Subject, WatchKey
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import (
    ASSESSMENT_PATH,
    CARD_PATH,
    DECISION_3176,
    ERROR_DETAIL_PATH,
    FACILITY_PATH,
    HAS_HISTORY_PATH,
    READS,
    RECEPTION_OF_DAY_PATH,
    RECEPTION_PATH,
    RESULT_CODES,
    ROUNDS_PATH,
    SETTLEMENT_PATH,
    TOKEN_PATH,
    BodyFormat,
    Carries,
    hash_password,
    write_form,
    write_json,
)
from claims.localtime import VIETNAM
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.storage import roles
from claims.storage.pool import connect
from tests.contract.mock_gateway import (
    ELSEWHERE,
    HERE,
    PASSWORD,
    RunningMock,
    demo_pki,
    running_mock,
    signed_bundle,
)
from tests.in_process import TestClient

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

FORM: Final = {"Content-Type": BodyFormat.FORM.value}
#: To load those of the world takes longer than to ask over HTTP.
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OURS: Final = hash_password("mật khẩu của dịch vụ")
CARD: Final = {
    "maThe": "GD4790000000001",
    "hoTen": "Nguyễn Văn Á",
    "ngaySinh": "1980",
    "hoTenCb": "Lê Thị B",
    "cccdCb": "079080000001",
}
#: An hour of the law is a second.
WEEK: Final = timedelta(seconds=7 * 24)


@pytest.fixture
def mock(tmp_path: Path) -> Iterator[RunningMock]:
    """A stand-in that is in a hurry and cuts every line."""
    with running_mock(tmp_path / "gateway", time_scale=1 / 3600, cut_rate=1.0, hold_s=0.1) as mock:
        yield mock


@dataclass
class World:
    """A gateway, the service before it, and hospital software that may ask either."""

    mock: RunningMock
    service: Service
    client: TestClient
    session: dict[str, str] = field(default_factory=dict)

    def own_session(self) -> dict[str, str]:
        self.session = self.session or self.sign_in(self.client.post, OURS)
        return self.session

    def sign_in(self, ask: Any, password_md5: str) -> dict[str, str]:
        body = write_form({"username": f"{HERE}_BV", "password": password_md5})
        key = ask(TOKEN_PATH, content=body, headers=FORM).json()["APIKey"]
        return {"token": key["access_token"], "id_token": key["id_token"], "password": password_md5}

    def ask(self, path: str, **asked: str) -> httpx2.Response:
        """Ask through the drop-in, with the account that the facility has here."""
        return self.ask_in(BodyFormat.FORM, path, **asked)

    def ask_in(self, body_format: BodyFormat, path: str, **asked: str) -> httpx2.Response:
        return _ask(self.client.post, path, self.own_session(), body_format, asked)

    def ask_directly(self, path: str, **asked: str) -> httpx2.Response:
        """Ask the gateway itself."""
        with httpx2.Client(
            base_url=self.mock.server.base_url, trust_env=False, verify=NO_AUTHORITIES
        ) as client:
            session = self.sign_in(client.post, hash_password(PASSWORD))
            return _ask(client.post, path, session, BodyFormat.FORM, asked)

    def assessed(self, *, left: datetime | None = None) -> str:
        """Have a claim assessed, and return the month in which it is settled, ``MM/yyyy``."""
        left = left or self.mock.clock.now().astimezone(VIETNAM)
        fields = {"T_TONGCHI_BV": "300", "T_BHTT": "240", "NGAY_RA": f"{left:%Y%m%d%H%M}"}
        self.mock.client().send(HERE, signed_bundle("LK1", rows=3, **fields))
        # The round of its week is over then, at whatever moment of a week it came: nothing changes any more.
        self.mock.clock.ahead = 2 * WEEK
        return f"{left:%m/%Y}"

    def round_of(self, period: str) -> str:
        answer = self.ask_directly(ROUNDS_PATH, thang=period[:2], nam=period[3:])
        code: str = answer.json()["dsDotGiamDinh"][0]["maDot"]
        return code

    def silence(self) -> None:
        self.mock.fault("error_503_html", endpoint="results")


def _ask(
    ask: Any, path: str, session: Mapping[str, str], body_format: BodyFormat, asked: Mapping[str, str]
) -> httpx2.Response:
    username, write = f"{HERE}_BV", write_form if body_format is BodyFormat.FORM else write_json
    headers = {"Content-Type": body_format.value}
    if READS[path] is Carries.QUERY:
        params = {**session, "username": username}
        return ask(path, params=params, content=write(asked), headers=headers)  # type: ignore[no-any-return]
    headers |= {
        "accessToken": session["token"],
        "tokenId": session["id_token"],
        "passwordHash": session["password"],
    }
    content = write({"username": username, **asked})
    return ask(path, content=content, headers=headers)  # type: ignore[no-any-return]


@pytest.fixture
def world(mock: RunningMock, database_url: str, broker_url: str, tmp_path: Path) -> Iterator[World]:
    settings = Settings(
        data_dir=tmp_path,
        dropin=True,
        dropin_networks="192.0.2.0/24",
        dropin_sign_in_rate="1000/minute",
        check_ins=True,
        gateway_url=mock.server.base_url,
        gateway_timeout_s=5,
    )
    demo_pki().write(tmp_path / "trust")
    owner = Service(settings, database_url, broker_url)
    owner.facilities.add(FacilityCode(HERE), name="Thử", at=datetime.now(UTC))
    owner.gateway_accounts.put(FacilityCode(HERE), Account(f"{HERE}_BV", hash_password(PASSWORD)))
    account = owner.dropin_desk.make_account(FacilityCode(HERE), username=f"{HERE}_BV", password_md5=OURS)
    owner.dropin_accounts.put(account)
    owner.close()
    with connect(database_url, name="roles") as connection:
        roles.make_roles(connection)
    service = Service(settings, database_url, broker_url, roles.API)
    app = create_app(service)
    with TestClient(app, client=("192.0.2.7", 1), raise_server_exceptions=False) as client:
        yield World(mock, service, client)
    service.close()


@pytest.mark.parametrize("body_format", BodyFormat, ids=lambda one: one.name.lower())
def test_what_is_read_through_us_is_what_the_gateway_says_byte_for_byte(
    world: World, body_format: BodyFormat
) -> None:
    period = world.assessed()
    month, year = period.split("/")
    questions: list[tuple[str, dict[str, str]]] = [
        (ROUNDS_PATH, {"maCSKCB": HERE, "thang": month, "nam": year}),
        (ROUNDS_PATH, {"thang": "13", "nam": year}),
        (ASSESSMENT_PATH, {"maDot": world.round_of(period)}),
        (ASSESSMENT_PATH, {"maDot": "no-such-round"}),
        (SETTLEMENT_PATH, {"kyQuyetToan": period}),
        (SETTLEMENT_PATH, {"kyQuyetToan": f"Q{(int(month) + 2) // 3}/{year}"}),
        (SETTLEMENT_PATH, {}),
        (HAS_HISTORY_PATH, {"maThe": CARD["maThe"]}),
        (FACILITY_PATH, {"maCSKCB": HERE}),
        *((path, dict(CARD)) for path in READS if "LichSu" in path and path != HAS_HISTORY_PATH),
        *((path, {"maHoSo": "1"}) for path in READS if "ChiTiet" in path and "4210" not in path),
        (CARD_PATH, {"maThe": "?"}),
    ]

    for path, asked in questions:
        direct, through = world.ask_directly(path, **asked), world.ask_in(body_format, path, **asked)
        assert (through.status_code, through.content) == (direct.status_code, direct.content), path
        assert through.headers["Content-Type"] == "application/json"
    assert {path for path, _ in questions} == READS.keys() - {
        RECEPTION_PATH,
        RECEPTION_OF_DAY_PATH,
        ERROR_DETAIL_PATH,
    }


def test_every_result_code_of_the_gateway_comes_through_but_that_it_does_not_know_our_session(
    world: World,
) -> None:
    questions: list[tuple[str, dict[str, str]]] = [
        (ASSESSMENT_PATH, {"maDot": "D1"}),
        (CARD_PATH, CARD),
        (FACILITY_PATH, {}),
        (ERROR_DETAIL_PATH, {"maGiaoDich": "1"}),
    ]
    for code in sorted({*RESULT_CODES, *load_results(), "9999"} - {"200"}):
        for endpoint in ("results", "card", "other"):
            world.mock.fault(f"refuse:{code}", endpoint=endpoint)

        answers = [world.ask(path, **asked) for path, asked in questions]

        expected = (503, "500") if code == "401" else (200, code)
        assert [(one.status_code, one.json()["maKetQua"]) for one in answers] == [expected] * 4
        world.mock.call("DELETE", "/mock/faults")
    assert world.service.breaker.state is Circuit.CLOSED


def test_every_result_code_of_a_check_in_comes_through(world: World) -> None:
    for code in sorted(RESULT_CODES.keys() - {"200"}):
        world.mock.fault(f"refuse:{code}", endpoint="check_in")

        answer = send_check_in(world)

        is_unclear = code in {"401", "408", "500", "124"}
        assert answer.json()["maKetQua"] == ("500" if code == "401" else code)
        assert answer.status_code == (503 if is_unclear else 200)
        world.mock.call("DELETE", "/mock/faults")


def send_check_in(world: World) -> httpx2.Response:
    document = load_sample("check_in", [f"XML0.MA_CSKCB = {HERE}"]).write()
    session = world.own_session()
    fields = {"username": f"{HERE}_BV", "loaiHoSo": "0", "maTinh": HERE[:2], "maCSKCB": HERE}
    headers = {
        "accessToken": session["token"],
        "tokenId": session["id_token"],
        "passwordHash": session["password"],
    }
    path = DECISION_3176.check_in_path
    assert path is not None
    return world.client.post(path, content=write_form(fields, document), headers=FORM | headers)


@pytest.mark.parametrize("fault", ["error_503_html", "garbage", "reset", "timeout_before", "truncated"])
def test_a_gateway_that_does_not_answer_is_the_gateways_500_and_comes_to_rest(
    world: World, fault: str
) -> None:
    world.mock.fault(fault, endpoint="card")
    is_silence = fault in {"reset", "timeout_before", "error_503_html"}

    answers = [world.ask(CARD_PATH, **CARD) for _ in range(5)]

    assert {(one.status_code, one.json()["maKetQua"]) for one in answers} == {(503, "500")}
    world.mock.call("DELETE", "/mock/faults")
    last = world.ask(CARD_PATH, **CARD)
    if is_silence:  # five in a row
        assert (last.status_code, last.json()["maKetQua"]) == (503, "500")
        assert 0 < int(last.headers["Retry-After"]) <= 12
    else:
        assert last.json()["maKetQua"] == "000"


@pytest.mark.parametrize("ask", ["card", "check-in"])
@pytest.mark.parametrize(("asked_s", "told_s"), [(17, 17), (4000, 300)])
def test_the_patience_that_the_gateway_asks_for_is_handed_on(
    world: World, ask: str, asked_s: int, told_s: int
) -> None:
    world.mock.fault(f"error_503_html:{asked_s}", endpoint="check_in" if ask == "check-in" else "card")

    answer = send_check_in(world) if ask == "check-in" else world.ask(CARD_PATH, **CARD)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(told_s))


@pytest.mark.parametrize("ask", ["card", "check-in"])
def test_in_announced_maintenance_nobody_is_asked_and_it_is_said_when_to_come_again(
    world: World, ask: str
) -> None:
    now = world.service.clock.now()
    world.service.breaker.maintenance = (Window(now, now + timedelta(minutes=5)),)

    answer = send_check_in(world) if ask == "check-in" else world.ask(CARD_PATH, **CARD)

    assert (answer.status_code, answer.json()["maKetQua"]) == (503, "500")
    assert 200 < int(answer.headers["Retry-After"]) <= 300
    assert world.mock.stats()["sign_ins"] == 0


def test_while_it_is_silent_its_last_answers_are_given_and_say_from_when_they_are(world: World) -> None:
    period = world.assessed()
    month, year = period.split("/")
    questions: list[tuple[str, dict[str, str]]] = [
        (ROUNDS_PATH, {"thang": month, "nam": year}),
        (ASSESSMENT_PATH, {"maDot": world.round_of(period)}),
        (SETTLEMENT_PATH, {"kyQuyetToan": period}),
    ]
    answers = [world.ask(path, **asked) for path, asked in questions]
    world.silence()

    for (path, asked), answer in zip(questions, answers, strict=True):
        again = world.ask(path, **asked)
        assert (again.status_code, again.content) == (200, answer.content)
        age = datetime.now(UTC) - parsedate_to_datetime(again.headers["Last-Modified"])
        assert timedelta() <= age < timedelta(minutes=5)
        assert "Last-Modified" not in answer.headers
    other = world.ask(ROUNDS_PATH, thang=month, nam="2019")
    assert (other.status_code, other.json()["maKetQua"]) == (503, "500")


@pytest.mark.this_server
def test_what_the_follow_up_read_is_answered_when_the_gateway_is_silent(
    world: World, database_url: str, broker_url: str
) -> None:
    period = world.assessed()
    left = date(int(period[3:]), int(period[:2]), 1)
    code = world.round_of(period)
    worker = Service(world.service.settings, database_url, broker_url)
    assert worker.follow_up is not None
    with worker.pool.connection() as connection:
        connection.execute(
            "INSERT INTO result_watch (facility, subject, period, next_look_at, until) "
            "VALUES (%s, 'assessment', %s, now() - interval '1 minute', now() + interval '9 days')",
            [HERE, left],
        )
    assert worker.follow_up(WatchKey(FacilityCode(HERE), Subject.ASSESSMENT, left))
    worker.close()
    direct = world.ask_directly(ASSESSMENT_PATH, maDot=code)
    world.silence()

    assert world.ask(ASSESSMENT_PATH, maDot=code).content == direct.content
    assert world.ask(ROUNDS_PATH, thang=str(left.month), nam=str(left.year)).json()["dsDotGiamDinh"]
    assert world.ask(SETTLEMENT_PATH, kyQuyetToan=period).json()["tongChiPhiDuyet"]


@pytest.mark.this_server
def test_a_round_that_was_read_after_it_was_closed_is_not_asked_for_again(
    world: World, database_url: str, broker_url: str
) -> None:
    code = world.round_of(world.assessed())
    first = world.ask(ASSESSMENT_PATH, maDot=code)
    with connect(database_url, name="test") as connection:
        connection.execute(
            "INSERT INTO result_watch (facility, subject, period, until, finished) "
            "VALUES (%s, 'assessment', '2026-01-01', now(), %s)",
            [HERE, [code]],
        )
        connection.commit()
    world.mock.fault("refuse:205", endpoint="results")

    again = world.ask(ASSESSMENT_PATH, maDot=code)

    assert (first.json()["maKetQua"], again.content) == ("200", first.content)
    assert world.ask(ASSESSMENT_PATH, maDot="other").json()["maKetQua"] == "205"


@pytest.mark.this_server
def test_what_is_settled_is_not_asked_for_again(world: World) -> None:
    period = world.assessed()
    first = world.ask(SETTLEMENT_PATH, kyQuyetToan=period)
    assert first.json()["trangThai"] == "Đã quyết toán"
    world.mock.fault("refuse:205", endpoint="results")

    assert world.ask(SETTLEMENT_PATH, kyQuyetToan=period.removeprefix("0")).content == first.content


@pytest.mark.this_server
def test_an_answer_that_was_asked_for_earlier_does_not_take_a_later_ones_place(
    world: World, database_url: str, broker_url: str
) -> None:
    service = Service(world.service.settings, database_url, broker_url)
    kept, now = service.kept_answers, datetime.now(UTC)
    key = AnswerKey(HERE, About.ASSESSMENT, "D1")
    kept.keep(key, b"later, of NGUYEN VAN CANARY", asked_at=now, is_final=False)
    kept.keep(key, b"earlier", asked_at=now - timedelta(seconds=1), is_final=True)

    found = kept.find(key)

    assert found is not None
    assert (found.body, found.is_final) == (b"later, of NGUYEN VAN CANARY", False)
    with service.pool.connection() as connection:
        (sealed,) = connection.execute("SELECT answer_sealed FROM gateway_answer").fetchall()
    assert b"CANARY" not in bytes(sealed[0])
    service.close()


@pytest.mark.parametrize("fault", ["account", "password", "gateway"])
def test_who_cannot_sign_in_there_is_told_so_and_not_to_try_again(
    world: World, database_url: str, broker_url: str, fault: str
) -> None:
    owner = Service(world.service.settings, database_url, broker_url)
    if fault == "account":
        with owner.pool.connection() as connection:
            connection.execute("DELETE FROM gateway_account")
    elif fault == "password":
        owner.gateway_accounts.put(FacilityCode(HERE), Account(f"{HERE}_BV", hash_password("falsch")))
    else:
        world.service.__dict__["pass_on"] = None
    owner.close()

    answers = [world.ask(path, **CARD) for path in (CARD_PATH, ASSESSMENT_PATH)]

    assert [(one.status_code, one.json()["maKetQua"]) for one in answers] == [(200, "403")] * 2


def test_another_facilitys_results_and_another_account_are_not_asked_for(world: World) -> None:
    others = world.ask(ROUNDS_PATH, maCSKCB=ELSEWHERE, thang="1", nam="2026")
    renamed = world.ask(ROUNDS_PATH, USERNAME=f"{ELSEWHERE}_BV", thang="1", nam="2026")

    assert (others.json()["maKetQua"], renamed.json()["maKetQua"]) == ("403", "401")
    assert world.mock.stats()["sign_ins"] == 0


class Acknowledged:
    """A submission that the gateway has."""

    def __init__(self, world: World, database_url: str, broker_url: str, **fields: str) -> None:
        bundle = signed_bundle("LK1", **fields)
        self.receipt = world.mock.client().send(HERE, bundle).ma_giao_dich
        owner = Service(world.service.settings, database_url, broker_url)
        self.id = owner.receive(bundle, facility=FacilityCode(HERE), actor="test").submission.id
        with owner.pool.connection() as connection:
            connection.execute(
                "UPDATE submission SET state = 'acknowledged', ma_giao_dich = %s", [self.receipt]
            )
        self.owner = owner

    def note(self, *errors: ReceptionError) -> None:
        now = self.owner.clock.now()
        self.owner.results.note_errors(FacilityCode(HERE), [(self.receipt, errors)], now=now)


@pytest.fixture
def acknowledged(world: World, database_url: str, broker_url: str) -> Iterator[Acknowledged]:
    sent = Acknowledged(world, database_url, broker_url, NGAY_VAO="soon")
    yield sent
    sent.owner.close()


def test_what_the_gateway_finds_after_it_took_a_claim_is_read_by_either_number(
    world: World, acknowledged: Acknowledged
) -> None:
    world.mock.clock.ahead = timedelta(seconds=30)
    direct = world.ask_directly(ERROR_DETAIL_PATH, maGiaoDich=acknowledged.receipt)

    for number in (acknowledged.receipt, acknowledged.id):
        assert world.ask(ERROR_DETAIL_PATH, maGiaoDich=number).content == direct.content
    assert [one["maLoi"] for one in direct.json()["dsLoi"]] == ["202"]


@pytest.mark.parametrize("fault", ["error_503_html", "refuse:205", "refuse:500"])
def test_while_it_does_not_say_what_it_found_we_say_what_was_read_before(
    world: World, acknowledged: Acknowledged, fault: str
) -> None:
    world.mock.fault(fault, endpoint="results")
    before = world.ask(ERROR_DETAIL_PATH, maGiaoDich=acknowledged.receipt)
    acknowledged.note(ReceptionError("202", "XML1: NGAY_VAO sai định dạng"))

    after = world.ask(ERROR_DETAIL_PATH, maGiaoDich=acknowledged.receipt)

    assert (before.status_code, before.json()) == (200, {"maKetQua": "200", "dsLoi": []})
    assert after.json()["dsLoi"] == [{"maLoi": "202", "moTaLoi": "XML1: NGAY_VAO sai định dạng"}]


@pytest.mark.this_server
def test_a_transaction_with_faults_counts_as_wrong(world: World, acknowledged: Acknowledged) -> None:
    today = datetime.now(VIETNAM).strftime("%d/%m/%Y")

    def counts() -> list[tuple[int, ...]]:
        days = world.ask(RECEPTION_PATH, tuNgay=today, denNgay=today).json()["dsKQGuiHoSoNgay"]
        day = world.ask(RECEPTION_OF_DAY_PATH, ngayGui=today).json()["dsHoSo"]
        return [
            *((one["tongSo"], one["soHSThanhCong"], one["soHSLoi"]) for one in days),
            *((one["soLuongHoSo"], one["slHoSoDung"], one["slHoSoLoi"]) for one in day),
        ]

    assert counts() == [(1, 1, 0), (1, 1, 0)]
    acknowledged.note(ReceptionError("202"))
    assert counts() == [(1, 0, 1), (1, 0, 1)]


def test_days_and_transactions_from_before_us_are_the_gateways(world: World) -> None:
    receipt = world.mock.client().send(HERE, signed_bundle("LK1", NGAY_VAO="soon")).ma_giao_dich
    world.mock.clock.ahead = timedelta(seconds=30)
    today = datetime.now(VIETNAM).strftime("%d/%m/%Y")
    questions: list[tuple[str, dict[str, str]]] = [
        (RECEPTION_PATH, {"tuNgay": today, "denNgay": today}),
        (RECEPTION_OF_DAY_PATH, {"ngayGui": today}),
        (ERROR_DETAIL_PATH, {"maGiaoDich": receipt}),
        (ERROR_DETAIL_PATH, {"maGiaoDich": "0"}),
    ]

    for path, asked in questions:
        assert world.ask(path, **asked).content == world.ask_directly(path, **asked).content
    world.silence()
    assert world.ask(RECEPTION_PATH, **questions[0][1]).json() == {"maKetQua": "200", "dsKQGuiHoSoNgay": []}
    assert world.ask(ERROR_DETAIL_PATH, maGiaoDich=receipt).status_code == 503


def test_what_hospital_software_says_of_its_session_never_reaches_the_gateway(world: World) -> None:
    asked: list[Any] = []
    pass_on = world.service.pass_on
    assert pass_on is not None

    def spy(facility: str, question: Any) -> Reply:
        asked.append((facility, question))
        return pass_on(facility, question)

    world.service.__dict__["pass_on"] = spy
    for path in (ROUNDS_PATH, CARD_PATH):
        world.ask(path, **CARD, password="x", token="x")

    said = json.dumps([[dict(one.query), dict(one.fields)] for _, one in asked])
    assert len(asked) == 2
    for secret in ("token", "password", "username", OURS, "_BV"):
        assert secret not in said
