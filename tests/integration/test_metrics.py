"""Metrics: what operators ask is there, nobody else is answered, and no label names anybody."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient

LABELS = {
    "method",
    "route",
    "status",
    "task",
    "outcome",
    "state",
    "code",
    "indication",
    "call",
    "step",
    "kind",
}
KEY = {"Authorization": "Bearer scrape"}


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Service]:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    settings = Settings(data_dir=tmp_path, metrics_key=SecretStr("scrape"))
    service = Service(settings, database_url, broker_url)
    service.facilities.add(FacilityCode("99001"), name="Thử", at=datetime.now(UTC))
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service), raise_server_exceptions=False) as client:
        yield client


def samples(client: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = client.get("/metrics", headers=KEY).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_answers_only_to_the_key(client: TestClient) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 401
    assert client.get("/metrics", headers=KEY).status_code == 200


def test_without_a_key_in_the_settings_there_is_no_such_page(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    service = Service(Settings(data_dir=tmp_path), database_url, broker_url)
    with TestClient(create_app(service)) as client:
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_requests_are_counted_by_route_as_declared(client: TestClient, service: Service) -> None:
    key = service.issue_key(facility=FacilityCode("99001"), scopes=frozenset(Scope), label="test")
    headers = {"Authorization": f"Bearer {key}"}
    before = samples(client)
    made = client.post("/v1/submissions", content=b"<x/>", headers=headers).json()
    client.get(f"/v1/submissions/{made['id']}", headers=headers)
    client.get("/HS4010123456789", headers=headers)
    client.request("BREW", "/v1/submissions")

    after = samples(client)

    def grown(name: str, **labels: str) -> float:
        place = (name, tuple(sorted(labels.items())))
        return after.get(place, 0) - before.get(place, 0)

    count = "claims_http_request_seconds_count"
    assert grown(count, method="POST", route="/v1/submissions", status="202") == 1
    assert grown(count, method="GET", route="/v1/submissions/{submission_id}", status="200") == 1
    assert grown(count, method="GET", route="none", status="404") == 1
    assert (
        grown(count, method="other", route="/v1/submissions", status="405")
        + grown(count, method="other", route="none", status="405")
        == 1
    )
    assert grown("claims_submissions_total", state="received") == 1
    assert after["claims_outbox_waiting", (("step", "check"),)] == 1
    assert after["claims_outbox_oldest_seconds", (("step", "check"),)] >= 0
    assert after["claims_log_oldest_seconds", ()] > 0
    assert after["claims_cert_expiry_seconds", (("kind", "anchor"),)] > 0


def test_no_label_names_a_facility_an_episode_or_a_person(client: TestClient) -> None:
    families = list(text_string_to_metric_families(client.get("/metrics", headers=KEY).text))
    samples = [sample for one in families for sample in one.samples]
    ours = [one for one in samples if one.name.startswith("claims_")]

    assert ours
    assert {label for one in ours for label in one.labels} - {"le"} <= LABELS
    values = {value for one in samples for label, value in one.labels.items() if label != "le"}
    assert not [value for value in values if re.search(r"\d{5}|sub_", value)]


def test_a_database_that_does_not_answer_costs_only_its_own_numbers(broker_url: str, tmp_path: Path) -> None:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    (tmp_path / "seal.key").write_bytes(bytes(32))
    settings = Settings(data_dir=tmp_path, metrics_key=SecretStr("scrape"))
    service = Service(settings, "postgresql://127.0.0.1:9/none", broker_url)
    service.pool.timeout = 0.2
    with TestClient(create_app(service)) as client:
        text = client.get("/metrics", headers=KEY).text

    assert "claims_http_request_seconds" in text
    assert "claims_outbox_waiting" not in text


def test_ready_says_whether_the_broker_answers(client: TestClient, service: Service) -> None:
    assert client.get("/readyz").json()["checks"] == {"database": True, "migrated": True, "broker": True}


def test_a_broker_that_does_not_answer_is_not_ready(database_url: str, tmp_path: Path) -> None:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    service = Service(Settings(data_dir=tmp_path), database_url, "redis://127.0.0.1:9/0")
    with TestClient(create_app(service)) as client:
        answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"] is False
