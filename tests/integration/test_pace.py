"""How fast a facility may hand in: counted together where there is a Redis, and never in anybody's way."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claims.api.app import create_app
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.runtime.clock import SystemClock
from claims.runtime.pace import Pace
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.in_process import TestClient
from tests.integration.test_api import key

#: On a busy machine a Redis that answers may need longer than a request is made to wait.
PATIENCE_S = 30


def test_two_processes_count_together_and_facilities_apart(broker_url: str) -> None:
    first, second = (
        Pace("2/hour", broker_url=broker_url, name="test", patience_s=PATIENCE_S) for _ in range(2)
    )

    given = [pace.take("99001").is_given for pace in (first, second, first, second)]

    assert given == [True, True, False, False]
    assert second.take("99002").remaining == 1


def test_looking_takes_no_turn(broker_url: str) -> None:
    pace = Pace("1/hour", broker_url=broker_url, name="look", patience_s=PATIENCE_S)

    assert [pace.look("99001").is_given for _ in range(3)] == [True] * 3
    assert pace.take("99001").is_given
    assert not pace.look("99001").is_given


def test_a_broker_that_does_not_answer_is_asked_once_and_blocks_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(0)
        port = silent.getsockname()[1]
        pace = Pace("2/hour", broker_url=f"redis://127.0.0.1:{port}/0", name="test")

        given = [pace.take("99001").is_given for _ in range(3)]

        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert given == [True, True, False]


def test_a_broker_that_is_away_blocks_nobody() -> None:
    pace = Pace("2/hour", broker_url="redis://127.0.0.1:1/0", name="test")

    assert [pace.take("99001").is_given for _ in range(3)] == [True, True, False]


def test_a_broker_that_is_no_redis_is_not_asked() -> None:
    assert Pace("2/hour", broker_url="amqp://nowhere", name="test").take("99001").is_given


def test_who_is_too_fast_is_told_when_to_go_on(database_url: str, broker_url: str, tmp_path: Path) -> None:
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    service = Service(Settings(data_dir=tmp_path, intake_rate="2/hour"), database_url, broker_url)
    assert service.intake_pace is not None
    service.__dict__["intake_pace"] = Pace(
        "2/hour", broker_url=broker_url, name="intake", patience_s=PATIENCE_S
    )
    headers = []
    for code in ("99001", "99002"):
        service.facilities.add(FacilityCode(code), name="Thử", at=datetime.now(UTC))
        text = service.issue_key(facility=FacilityCode(code), scopes=frozenset(Scope), label="test")
        headers.append({"Authorization": f"Bearer {text}"})
    with TestClient(create_app(service)) as client:
        answers = [client.post("/v1/submissions", content=b"<%d/>" % n, headers=headers[0]) for n in range(3)]
        said = client.post(
            "/v1/submissions", content=b"<9/>", headers=headers[0] | {"Accept-Language": "vi"}
        ).json()["detail"]
        other = client.post("/v1/submissions", content=b"<x/>", headers=headers[1])
        limits = client.get("/v1/limits", headers=headers[0]).json()
    service.close()

    assert [one.status_code for one in answers] == [202, 202, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "2"
    assert answers[2].json()["code"] == "too-many-requests"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600
    assert said.startswith("gửi quá nhanh (tối đa 2 yêu cầu); hãy thử lại sau ")
    assert other.status_code == 202
    assert limits["intake_rate"] == "2/hour"


def test_checks_have_a_pace_of_their_own(client: TestClient, service: Service) -> None:
    service.__dict__["check_pace"] = Pace("2/hour", broker_url="", name="check")
    headers = [key(service, facility) for facility in ("99001", "99002", None)]

    answers = [client.post("/v1/checks", content=b"<x/>", headers=headers[0]) for _ in range(3)]
    others = [client.post("/v1/checks", content=b"<x/>", headers=one) for one in headers[1:]]
    handed_in = client.post("/v1/submissions", content=b"<x/>", headers=headers[0])

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600
    assert {one.status_code for one in others} == {200}
    assert handed_in.status_code == 202


@dataclass
class Crowded:
    """A clock that counts how many look at it at once."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    now_looking: int = 0
    most: int = 0

    def now(self) -> datetime:
        with self.lock:
            self.now_looking += 1
            self.most = max(self.most, self.now_looking)
        time.sleep(0.1)
        with self.lock:
            self.now_looking -= 1
        return SystemClock().now()


@pytest.mark.parametrize(
    ("facilities", "at_once"),
    [pytest.param(["99001"] * 4, 1, id="one"), pytest.param(["99001", "99002"] * 2, 2, id="two")],
)
def test_checks_of_a_facility_take_a_thread_at_a_time(
    client: TestClient, service: Service, facilities: list[str], at_once: int
) -> None:
    headers = [key(service, facility) for facility in facilities]
    for one in headers:
        client.post("/v1/checks", content=b"<x/>", headers=one)
    clock = service.__dict__["clock"] = Crowded()

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda one: client.post("/v1/checks", content=b"<x/>", headers=one), headers)
        assert {answer.status_code for answer in answers} == {200}

    assert clock.most == at_once
