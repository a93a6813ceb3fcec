"""Every drop-in call x every session x every facility: an account speaks for its own facility alone."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.gateway.protocol import hash_password, write_form
from claims.runtime.guarding import GuardedRoute, routes_of
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient

pytestmark = pytest.mark.any_server

FACILITIES: Final = (FacilityCode("79001"), FacilityCode("79002"), FacilityCode("01001"))
HERE: Final = ("192.0.2.7", 40000)
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
#: What the calls of a day and of a span of days ask for, and every other field of any call.
ASKED: Final = {"tuNgay": "01/11/2026", "denNgay": "02/11/2026", "ngayGui": "01/11/2026", "loaiHoSo": "130"}
DONE: Final = "200"


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path, pki: DemoPki) -> Iterator[Service]:
    settings = Settings(
        data_dir=tmp_path, dropin=True, dropin_networks="192.0.2.0/24", dropin_sign_in_rate="100/minute"
    )
    pki.write(tmp_path / "trust")
    service = Service(settings, database_url, broker_url)
    for code in FACILITIES:
        service.facilities.add(code, name=f"only-{code}", at=datetime.now(UTC))
        account = service.dropin_desk.make_account(
            code, username=f"{code}_BV", password_md5=hash_password("x")
        )
        service.dropin_accounts.put(account)
        service.receive(f"<only-{code}/>".encode(), facility=code, actor="test")
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), client=HERE, raise_server_exceptions=False) as client:
        yield client


def calls(client: TestClient) -> list[GuardedRoute]:
    routes = routes_of(client.app)  # type: ignore[arg-type] # FastAPI
    return [route for route in routes if route.actions and not route.path.startswith("/v1/")]


def session_of(client: TestClient, code: str) -> dict[str, str]:
    body = write_form({"username": f"{code}_BV", "password": hash_password("x")})
    key = client.post("/api/token/take", content=body, headers=FORM).json()["APIKey"]
    return {"token": key["access_token"], "id_token": key["id_token"], "password": hash_password("x")}


def sessions(service: Service, client: TestClient) -> Mapping[str, tuple[str | None, dict[str, str]]]:
    """Return sessions by name, each with the facility it speaks for; None: for none."""
    mine, theirs = (session_of(client, code) for code in FACILITIES[:2])
    key = service.issue_key(facility=FACILITIES[0], scopes=frozenset(Scope), label="x")
    found: dict[str, tuple[str | None, dict[str, str]]] = {
        code: (code, session_of(client, code)) for code in FACILITIES
    }
    return found | {
        "none": (None, {}),
        "nonsense": (None, {"token": uuid.uuid4().hex, "id_token": uuid.uuid4().hex, "password": "x"}),
        "a-token-alone": (None, {"token": mine["token"]}),
        "without-the-password": (None, {**mine, "password": ""}),
        "anothers-password": (None, {**mine, "password": hash_password("y")}),
        "halves-of-two": (None, {**mine, "id_token": theirs["id_token"]}),
        "an-api-key": (None, {"token": key, "id_token": key, "password": hash_password("x")}),
    }


def ask(
    client: TestClient, route: GuardedRoute, proof: dict[str, str], code: str, owner: str
) -> dict[str, object]:
    asked = {**ASKED, "maCSKCB": code, "maTinh": code[:2], "username": f"{owner}_BV"}
    loai = "3" if "4210" in route.path or "917" in route.path else "130"
    headers = {
        "accessToken": proof.get("token", ""),
        "tokenId": proof.get("id_token", ""),
        "passwordHash": proof.get("password", ""),
    }
    response = client.post(
        route.path,
        params={**proof, **asked, "loaiHoSo": loai},
        content=write_form({**asked, "loaiHoSo": loai}, b"<x/>"),
        headers=headers | FORM,
    )
    assert response.status_code < 500, (route.path, response.text)
    found: dict[str, object] = response.json()
    return found


@pytest.mark.slow
def test_an_account_speaks_for_its_own_facility_on_every_call(service: Service, client: TestClient) -> None:
    faults, cases = [], 0
    for route, (name, (speaks_for, proof)) in product(calls(client), sessions(service, client).items()):
        for code, owner in product(FACILITIES, FACILITIES):
            cases += 1
            answer = ask(client, route, proof, code, owner)
            is_done = answer["maKetQua"] == DONE
            is_own = speaks_for == code == owner
            if is_done and not is_own:
                faults.append(f"{route.path} by {name} for {code} as {owner}: done")
            if any(f"only-{other}" in str(answer) for other in FACILITIES if other != speaks_for):
                faults.append(f"{route.path} by {name} for {code}: shows another's")

    assert not faults, "\n".join(faults)
    assert len(calls(client)) >= 8
    assert cases >= 700, cases
    assert count(service) == 2 * len(FACILITIES)  # nobody sent in another's name, and each in his own


def count(service: Service) -> int:
    with service.pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM submission").fetchone()
    return 0 if row is None else int(row[0])
