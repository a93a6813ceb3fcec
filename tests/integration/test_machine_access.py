"""Machines over HTTP: a facility's own keys and clients, tokens for signed statements, bound certificates."""

import hashlib
import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from httpx2 import Response
from joserfc import jwt
from joserfc.jwk import ECKey

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant
from claims.exchange.access.session import Stage
from claims.exchange.submission import FacilityCode
from claims.runtime.proxies import TrustedProxies
from claims.runtime.wiring import Service
from signing.demo_pki import FacilityKey
from tests.conftest import require_tool
from tests.in_process import TestClient
from tests.served import on_loopback

FACILITY, OTHER = FacilityCode("99001"), FacilityCode("99002")
KEY = ECKey.generate_key("P-256")
PUBLIC = KEY.as_pem(private=False).decode()
HEADER = "X-Client-Certificate"
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "clients.md"


def administrator(service: Service, role: str = "hospital-admin", place: str = FACILITY) -> dict[str, str]:
    person, _ = service.manage_people.add(
        f"{role}.{place}", name="Một", grants=[Grant(role, Place(place))], by="test"
    )
    return {"Authorization": f"Bearer {service.sessions.open(person, stage=Stage.FULL, method='password')}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def statement(client_id: str, **changes: object) -> str:
    now = int(time.time())
    said: dict[str, object] = {
        "iss": client_id,
        "sub": client_id,
        "aud": "http://127.0.0.1:8000/oauth/token",
        "iat": now,
        "exp": now + 60,
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode({"alg": "ES256"}, said | changes, KEY)


def ask_token(client: TestClient, signed: str, headers: dict[str, str] | None = None) -> Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    return client.post("/oauth/token", data=form, headers=headers)


def test_the_guides_commands_get_a_token(service: Service, tmp_path: Path) -> None:
    for tool in ("openssl", "curl"):
        require_tool(tool)
    make, ask = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    def run(block: str, **variables: str) -> str:
        command = ["sh", "-euc", block]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"no_proxy": "*"} | variables,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode()

    run(make)
    registered = service.manage_clients.register(
        (tmp_path / "client.pem").read_text(), facility=FACILITY, scopes=frozenset({Scope.READ}), label="HIS"
    )
    with on_loopback(create_app(service), ws="none", lifespan="on") as url:
        audiences = frozenset({f"{url}/oauth/token"})
        service.__dict__["grant_token"] = replace(service.grant_token, audiences=audiences)
        said = run(ask, CLIENT=registered.id, URL=url)

    assert json.loads(said)["data"] == []


def test_a_facility_issues_rotates_and_ends_its_own_keys(service: Service, client: TestClient) -> None:
    who = administrator(service)
    issued = client.post("/v1/keys", json={"scopes": ["submit", "read"], "label": "HIS"}, headers=who)
    text = issued.json()["key"]
    key_id = text.split("_")[1]
    assert client.get("/v1/submissions", headers=bearer(text)).status_code == 200
    (shown,) = client.get("/v1/keys", headers=who).json()["data"]
    assert (shown["id"], shown["is_live"], shown["last_used_at"] is not None) == (key_id, True, True)

    rotation = f"/v1/keys/{key_id}/rotation"
    new = client.post(rotation, json={}, headers=who).json()["key"]
    third = client.post(rotation, json={}, headers=who)

    assert [client.get("/v1/limits", headers=bearer(one)).status_code for one in (text, new)] == [200, 200]
    assert (third.status_code, third.json()["code"]) == (409, "too-many-keys")
    assert client.delete(f"/v1/keys/{key_id}", headers=who).status_code == 204
    assert client.post(f"/v1/keys/{new.split('_')[1]}/rotation", json={}, headers=who).status_code == 201


def test_of_many_who_rotate_a_key_at_once_one_does(service: Service, client: TestClient) -> None:
    key_id = service.issue_key(facility=FACILITY, scopes=frozenset({Scope.READ}), label="x").split("_")[1]
    who = administrator(service)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda _: client.post(f"/v1/keys/{key_id}/rotation", json={}, headers=who), range(8)
        )
        statuses = sorted(answer.status_code for answer in answers)

    assert statuses == [201] + [409] * 7
    live = [one for one in service.api_keys.of_facility(FACILITY) if one.is_live(service.clock.now())]
    assert len(live) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"facility": OTHER, "scopes": ["read"], "label": "x"}, id="for-another"),
        pytest.param({"scopes": ["review"], "label": "x"}, id="to-decide-on-its-own-claims"),
        pytest.param({"scopes": ["read", "operate"], "label": "x"}, id="to-operate"),
    ],
)
def test_a_facility_gives_no_more_than_it_may(
    service: Service, client: TestClient, wanted: dict[str, object]
) -> None:
    who = administrator(service)

    assert client.post("/v1/keys", json=wanted, headers=who).status_code == 403
    assert client.post("/v1/clients", json=wanted | {"public_key": PUBLIC}, headers=who).status_code == 403


def test_a_client_gets_tokens_for_its_statements_each_once(service: Service, client: TestClient) -> None:
    who = administrator(service)
    wanted = {"scopes": ["read"], "label": "HIS", "public_key": PUBLIC}
    client_id = client.post("/v1/clients", json=wanted, headers=who).json()["id"]
    signed = statement(client_id)

    granted = ask_token(client, signed)
    again = ask_token(client, signed)

    assert granted.json()["token_type"] == "Bearer"
    assert granted.headers["Cache-Control"] == "no-store"
    token = granted.json()["access_token"]
    assert client.get("/v1/submissions", headers=bearer(token)).status_code == 200
    assert client.post("/v1/bundles", content=b"<x/>", headers=bearer(token)).status_code in {403, 404}
    assert (again.status_code, again.json()) == (401, {"error": "invalid_client"})
    assert client.get("/v1/clients", headers=who).json()["data"][0]["last_used_at"]
    assert client.delete(f"/v1/clients/{client_id}", headers=who).status_code == 204
    assert client.get("/v1/submissions", headers=bearer(token)).status_code == 401


def test_a_suspended_client_calls_again_once_it_is_resumed(service: Service, client: TestClient) -> None:
    who = administrator(service)
    client_id = a_client(service)
    token = ask_token(client, statement(client_id)).json()["access_token"]
    path = f"/v1/clients/{client_id}"

    suspended = [client.post(f"{path}/suspension", headers=who).json()["suspended_at"] for _ in range(2)]
    refused = client.get("/v1/submissions", headers=bearer(token))
    no_token = ask_token(client, statement(client_id))
    resumed = client.delete(f"{path}/suspension", headers=who).json()
    granted = client.get("/v1/submissions", headers=bearer(token))

    assert suspended[0] is not None
    assert suspended[0] == suspended[1]  # the first moment stays
    assert (refused.status_code, no_token.status_code) == (401, 401)
    assert resumed["suspended_at"] is None
    assert granted.status_code == 200
    client.delete(path, headers=who)
    assert client.post(f"{path}/suspension", headers=who).json()["suspended_at"] is None
    assert not service.manage_clients.resume(client_id)


def test_of_one_statement_sent_many_times_at_once_one_counts(service: Service, client: TestClient) -> None:
    signed = statement(a_client(service))

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda _: ask_token(client, signed), range(16))
        )

    assert statuses == [200] + [401] * 15


def a_client(service: Service, *, is_bound: bool = False) -> str:
    return service.manage_clients.register(
        PUBLIC, facility=FACILITY, scopes=frozenset({Scope.READ}), label="x", is_bound=is_bound
    ).id


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({}, 400, "unsupported_grant_type", id="nothing"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="password"),
        pytest.param({"grant_type": "client_credentials"}, 401, "invalid_client", id="no-statement"),
        pytest.param(
            {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"},
            401,
            "invalid_client",
            id="a-secret",
        ),
    ],
)
def test_nothing_but_a_signed_statement_gets_a_token(
    client: TestClient, form: dict[str, str], status: int, error: str
) -> None:
    answer = client.post("/oauth/token", data=form)

    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.fixture
def behind_a_proxy(service: Service) -> Iterator[TestClient]:
    service.settings = service.settings.model_copy(
        update={"trusted_proxies": "127.0.0.0/8", "client_certificate_header": HEADER}
    )
    with TestClient(create_app(service), client=("127.0.0.1", 5), raise_server_exceptions=False) as client:
        yield client


def test_a_token_is_bound_to_the_certificate_that_the_proxy_saw(
    service: Service, behind_a_proxy: TestClient, facility_key: FacilityKey
) -> None:
    certificate = facility_key.signer.certificate
    shown = {HEADER: quote(certificate.public_bytes(Encoding.PEM).decode())}
    client_id = a_client(service, is_bound=True)
    refused = ask_token(behind_a_proxy, statement(client_id))
    token = ask_token(behind_a_proxy, statement(client_id), shown).json()["access_token"]

    with_it = behind_a_proxy.get("/v1/submissions", headers=bearer(token) | shown)
    without = behind_a_proxy.get("/v1/submissions", headers=bearer(token))
    twice = behind_a_proxy.get(
        "/v1/submissions",
        headers=[*bearer(token).items(), *shown.items(), *shown.items()],
    )

    assert refused.status_code == 401
    assert [one.status_code for one in (with_it, without, twice)] == [200, 401, 401]


def test_a_certificate_that_a_stranger_writes_into_a_header_is_none(
    service: Service, behind_a_proxy: TestClient, facility_key: FacilityKey
) -> None:
    shown = {HEADER: quote(facility_key.signer.certificate.public_bytes(Encoding.PEM).decode())}
    client_id = a_client(service, is_bound=True)
    token = ask_token(behind_a_proxy, statement(client_id), shown).json()["access_token"]

    with TestClient(create_app(service), client=("203.0.113.9", 5)) as stranger:
        assert ask_token(stranger, statement(client_id), shown).status_code == 401
        assert stranger.get("/v1/submissions", headers=bearer(token) | shown).status_code == 401


@dataclass
class Scoped:
    scope: dict[str, object]


def test_what_the_server_itself_saw_counts_without_any_setting(facility_key: FacilityKey) -> None:
    certificate: x509.Certificate = facility_key.signer.certificate
    pem = certificate.public_bytes(Encoding.PEM).decode()
    request = Scoped({"extensions": {"tls": {"client_cert_chain": [pem]}}})

    seen = TrustedProxies(()).certificate_of(request)  # type: ignore[arg-type] # only its scope is read

    assert seen == hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
