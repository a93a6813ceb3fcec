"""A patient's name and numbers stay in the database: not one byte of them is in logs, metrics or traces."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from claims.building.build import build_bundle
from claims.cli.demo.installation import FACILITY_NAMES, IMPATIENT, Installation
from claims.client import SETTLED
from claims.emr.encounter import parse_encounter
from claims.emr.synthetic import generate_encounters
from claims.localtime import local_date
from claims.runtime.embedded import Addresses
from signing.sign import sign_bundle

NAME = "Chim Hoàng Yến Canary"
CITIZEN, CARD = "001099777123", "GD4017799771234"
CANARIES = [word.encode() for word in (NAME, "Canary", "Hoàng Yến", CITIZEN, CARD, CARD[5:])]


class Sink(BaseHTTPRequestHandler):
    """Takes traces and keeps every byte."""

    taken: bytearray = bytearray()

    def do_POST(self) -> None:
        Sink.taken += self.path.encode() + self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def an_encounter(facility: str) -> dict[str, object]:
    (document,) = generate_encounters(
        seed=5, count=1, facilities=[facility], on=local_date(datetime.now(UTC))
    )
    text = json.dumps(document, ensure_ascii=False)
    patient = document["patient"]
    assert isinstance(patient, dict)
    patient["name"] = NAME
    for field, value in patient.items():
        if re.fullmatch(r"\d{12}", str(value)):
            patient[field] = CITIZEN
    for number in set(re.findall(r'"([A-Z]{2}\d{13})"', text)):
        document = json.loads(json.dumps(document, ensure_ascii=False).replace(number, CARD))
    return document


@pytest.mark.any_server
@pytest.mark.slow
def test_no_byte_that_leaves_the_database_names_a_patient(
    services: Addresses, database_url: str, broker_url: str, tmp_path: Path, collector: str
) -> None:
    names = dict(list(FACILITY_NAMES.items())[:1])
    key = "a-key-for-metrics"
    settings = {
        **IMPATIENT,
        "CLAIMS_LOG_LEVEL": "DEBUG",
        "CLAIMS_OTLP_URL": collector,
        "CLAIMS_METRICS_KEY": key,
        "CLAIMS_REVIEWS": "true",
    }
    said: list[bytes] = []
    with (
        Installation(
            tmp_path / "site", names, addresses=Addresses(database_url, broker_url), settings=settings
        ) as installation,
        httpx2.Client(base_url=installation.api_url, trust_env=False, timeout=60) as client,
    ):
        facility = next(iter(installation.facilities.values()))
        bearer = {"Authorization": f"Bearer {facility.api_key}"}
        document = json.dumps(an_encounter(facility.code), ensure_ascii=False).encode()
        assert all(canary in document for canary in (NAME.encode(), CITIZEN.encode(), CARD.encode()))
        bundle = build_bundle([parse_encounter(document)], made_on=local_date(datetime.now(UTC))).bundle
        good = sign_bundle(bundle, facility.key.signer)
        xml = {**bearer, "Content-Type": "application/xml"}
        for body in (good, bundle, good.replace(b"</", b"< /", 1), good[: len(good) // 2]):
            answer = client.post("/v1/submissions", content=body, headers=xml)
            said.append(_everything(answer))
            found = _settled(client, f"/v1/submissions/{answer.json()['id']}", bearer)
            assert found.json()["state"] in SETTLED
            said += [
                _everything(found),
                _everything(client.get(f"{found.url.path}/findings", headers=bearer)),
            ]
            said.append(_everything(client.post("/v1/checks", content=body, headers=xml)))
        for broken in (document[:-1], document.replace(b'"patient"', b'"patients"'), document):
            answer = client.post("/v1/encounters", content=broken, headers=bearer)
            said.append(_everything(answer))
        said.append(_everything(client.get("/metrics", headers={"Authorization": f"Bearer {key}"})))
    logs = {path.name: path.read_bytes() for path in (tmp_path / "site").glob("*.log")}

    assert {"api.log", "check.log", "deliver.log"} <= set(logs)
    assert b"claims_" in said[-1]
    assert len(Sink.taken) > 1_000
    for where, data in (*logs.items(), ("traces", bytes(Sink.taken)), *enumerate(said)):
        assert [canary for canary in CANARIES if canary in data] == [], where


def _settled(client: httpx2.Client, path: str, headers: dict[str, str]) -> httpx2.Response:
    """Ask until it stands still: on a busy machine the workers are still starting."""
    for _ in range(4):
        found = client.get(path, params={"wait": 30}, headers=headers)
        if found.json()["state"] in SETTLED:
            break
    return found


def _everything(answer: httpx2.Response) -> bytes:
    return json.dumps(dict(answer.headers), ensure_ascii=False).encode() + answer.content
