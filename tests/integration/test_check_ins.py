"""A check-in is checked, handed to the gateway and remembered for its claim."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from claims.api.app import create_app
from claims.bundle.kinds import TableKind
from claims.checking.check import check_bundle
from claims.checking.samples import Sample, load_sample
from claims.exchange.check_in import SendCheckIn
from claims.exchange.errors import GatewayRefused, GatewayUnavailable
from claims.exchange.ports import Receipt
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import DECISION_3176, TOKEN_PATH, hash_password, write_form
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient
from tests.integration.test_api import XML, is_problem, key

FACILITY = FacilityCode("79024")
HERE = ("192.0.2.7", 40000)


@dataclass
class ScriptedCheckIns:
    answers: list[Receipt | Exception] = field(default_factory=list)
    taken: list[tuple[str, bytes, str | None]] = field(default_factory=list)

    def check_in(self, facility: str, document: bytes, *, decision: str | None = None) -> Receipt:
        self.taken.append((facility, document, decision))
        answer = self.answers.pop(0) if self.answers else Receipt("GD1", datetime.now(UTC), b"{}")
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki) -> Iterator[Service]:
    settings = Settings(data_dir=tmp_path, check_ins=True, dropin=True, dropin_networks="192.0.2.0/24")
    pki.write(tmp_path / "trust")
    service = Service(settings, database_url, broker_url)
    service.facilities.add(FACILITY, name="Thử", at=datetime.now(UTC))
    yield service
    service.close()


@pytest.fixture
def gateway(service: Service) -> ScriptedCheckIns:
    scripted = ScriptedCheckIns()
    service.__dict__["send_check_in"] = SendCheckIn(
        scripted, service.check_ins, service.clock, service.ask_in_peace
    )
    return scripted


@pytest.fixture
def client(service: Service, gateway: ScriptedCheckIns) -> Iterator[TestClient]:
    with TestClient(create_app(service), client=HERE, raise_server_exceptions=False) as client:
        yield client


def a_check_in(*changes: str) -> Sample:
    return load_sample("check_in", changes)


def test_what_the_gateway_takes_has_its_number(
    client: TestClient, service: Service, gateway: ScriptedCheckIns
) -> None:
    document = a_check_in().write()

    response = client.post("/v1/check-ins", content=document, headers=key(service, FACILITY) | XML)

    assert response.status_code == 200, response.text
    assert response.json()["receipt"]["ma_giao_dich"] == "GD1"
    assert gateway.taken == [(FACILITY, document, "3176")]


def test_what_the_check_blocks_is_not_sent_and_says_why(
    client: TestClient, service: Service, gateway: ScriptedCheckIns
) -> None:
    bad = a_check_in("XML0.TEN_DICH_VU =").write()

    response = client.post("/v1/check-ins", content=bad, headers=key(service, FACILITY) | XML)

    assert is_problem(response, 422, "check-in-refused")
    assert "XML0.FIRST_COST" in {one["code"] for one in response.json()["findings"]}
    assert gateway.taken == []


def test_another_facilitys_check_in_is_not_sent(
    client: TestClient, service: Service, gateway: ScriptedCheckIns
) -> None:
    others = a_check_in("XML0.MA_CSKCB = 79999").write()

    response = client.post("/v1/check-ins", content=others, headers=key(service, FACILITY) | XML)

    assert is_problem(response, 422, "check-in-refused")
    assert gateway.taken == []


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (GatewayUnavailable("gateway.timeout"), 503, "gateway-unavailable"),
        (GatewayRefused("gateway.205"), 422, "gateway-refused"),
    ],
)
def test_the_gateways_silence_and_refusal_are_told_apart(
    client: TestClient, service: Service, gateway: ScriptedCheckIns, answer: Exception, status: int, code: str
) -> None:
    gateway.answers.append(answer)

    response = client.post(
        "/v1/check-ins", content=a_check_in().write(), headers=key(service, FACILITY) | XML
    )

    assert is_problem(response, status, code)


def test_a_claim_is_compared_with_its_check_in(client: TestClient, service: Service) -> None:
    client.post("/v1/check-ins", content=a_check_in().write(), headers=key(service, FACILITY) | XML)
    later = a_check_in("XML0.MA_BN = BN00000001").write()

    def codes() -> set[str]:
        claim = load_sample("outpatient")
        at = datetime.combine(claim.on + timedelta(days=1), datetime.min.time(), UTC)
        terms = replace(service.terms_for(FACILITY), signature=None)
        return {one.code for one in check_bundle(claim.write(), at=at, terms=terms).findings}

    assert "XML0.MATCHES_CLAIM" not in codes()
    client.post("/v1/check-ins", content=later, headers=key(service, FACILITY) | XML)
    assert "XML0.MATCHES_CLAIM" in codes()


def test_nothing_readable_about_a_patient_is_stored(client: TestClient, service: Service) -> None:
    client.post("/v1/check-ins", content=a_check_in().write(), headers=key(service, FACILITY) | XML)
    row = load_sample("check_in").tables[TableKind.XML0][0]

    with service.pool.connection() as connection:
        (stored,) = connection.execute("SELECT episode || fields_sealed FROM check_in").fetchall()
    for name in ("MA_LK", "HO_TEN", "MA_THE_BHYT", "MA_BN"):
        assert row[name].encode() not in bytes(stored[0])


def test_hospital_software_hands_it_in_by_the_gateways_protocol(
    client: TestClient, service: Service, gateway: ScriptedCheckIns
) -> None:
    digest = hash_password("mật khẩu")
    account = service.dropin_desk.make_account(FACILITY, username="79024_BV", password_md5=digest)
    service.dropin_accounts.put(account)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    signed_in = client.post(
        TOKEN_PATH, content=write_form({"username": "79024_BV", "password": digest}), headers=form
    ).json()["APIKey"]
    headers = form | {
        "accessToken": signed_in["access_token"],
        "tokenId": signed_in["id_token"],
        "passwordHash": digest,
    }

    def send(document: bytes) -> dict[str, str]:
        fields = {
            "username": "79024_BV",
            "loaiHoSo": "0",
            "maTinh": "79",
            "maCSKCB": FACILITY,
            "fileHSBase64": base64.b64encode(document).decode(),
        }
        assert DECISION_3176.check_in_path is not None
        return dict(
            client.post(DECISION_3176.check_in_path, content=write_form(fields), headers=headers).json()
        )

    assert send(a_check_in().write())["maGiaoDich"] == "GD1"
    for document, code, text in (
        (a_check_in("XML0.TEN_DICH_VU =").write(), "202", "TEN_DICH_VU"),
        (a_check_in("XML0.MA_CSKCB = 79999").write(), "202", "MA_CSKCB"),
        (a_check_in().write()[:-9], "201", "ENV.WELLFORMED"),
        (b"<x/>", "202", "ENV.ROOT"),
    ):
        refused = send(document)
        assert (refused["maKetQua"], text in refused["thongDiep"]) == (code, True)
