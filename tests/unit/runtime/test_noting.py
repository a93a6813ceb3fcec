"""Nothing of an answer leaves before what it shows is noted."""

import threading
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from claims.api.noting import NotesFirst
from claims.exchange.access.bounds import bind, bounds
from claims.exchange.access.places import Place, Reach
from claims.exchange.access.readings import Reading, ReadingFilter, ReadingPage, Seen
from claims.exchange.errors import StoreUnavailable
from claims.runtime.noting import NotedBeside
from tests.in_process import TestClient

READING = Reading(datetime(2026, 11, 29, tzinfo=UTC), "usr_x", "claim", (Seen("sub_x", 1, "79001", None),))
PROVINCE = Reach.of(Place("79"))


class ScriptedReadings:
    """Keeps what was noted, waits as a disk does, or fails."""

    def __init__(self) -> None:
        self.noted: list[tuple[Reading, Reach]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_broken = False

    def note(self, reading: Reading) -> None:
        self.may_go_on.wait(5)
        if self.is_broken:
            raise StoreUnavailable("gone")
        self.noted.append((reading, bounds()))

    def note_submission(self, submission_id: str, *, reader: str, page: str, at: datetime) -> None:
        self.note(Reading(at, reader, page, (Seen(submission_id, 0, "79001", None),)))

    def list_page(self, which: ReadingFilter, *, limit: int, before: int | None) -> ReadingPage:
        raise NotImplementedError


@pytest.fixture
def readings() -> ScriptedReadings:
    return ScriptedReadings()


@pytest.fixture
def client(readings: ScriptedReadings) -> TestClient:
    beside = NotedBeside(readings)

    def page(_request: Request) -> Response:
        bind(PROVINCE)
        beside.note(READING)
        # The disk may take its time while the page is made; the answer waits for it.
        readings.may_go_on.set()
        return PlainTextResponse("NGUYEN VAN CANARY")

    return TestClient(NotesFirst(Starlette(routes=[Route("/", page)])))


def test_the_answer_comes_after_the_note(client: TestClient, readings: ScriptedReadings) -> None:
    readings.may_go_on.clear()  # a note that is waited for where it is made would never end

    response = client.get("/")

    assert response.text == "NGUYEN VAN CANARY"
    assert readings.noted == [(READING, PROVINCE)]  # within the bounds of the request


def test_what_could_not_be_noted_is_not_shown(client: TestClient, readings: ScriptedReadings) -> None:
    readings.is_broken = True

    response = client.get("/")

    assert response.status_code == 503
    assert "CANARY" not in response.text


def test_outside_of_a_request_a_note_is_waited_for(readings: ScriptedReadings) -> None:
    NotedBeside(readings).note(READING)

    assert [reading for reading, _ in readings.noted] == [READING]


def test_outside_of_a_request_a_failure_is_the_callers(readings: ScriptedReadings) -> None:
    readings.is_broken = True

    with pytest.raises(StoreUnavailable):
        NotedBeside(readings).note(READING)
