"""Holds are decided where they are kept: by whichever door, and at the same moment."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import pytest

from claims.cli.output import Exit
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.errors import CannotErase, HeldAgain
from claims.exchange.submission import SubmissionId
from claims.runtime.wiring import Service
from claims.web import create_app
from tests.in_process import TestClient
from tests.integration.command import claims
from tests.integration.test_console_clients import somebody
from tests.integration.test_retention import officer_of, rejected, retain

pytestmark = pytest.mark.any_server

#: Seconds after which something hangs, on however busy a machine.
PATIENCE_S = 100
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Door:
    """One of the ways to ask for something; says whether it was done, and not refused as a conflict."""

    hold: Callable[[SubmissionId, str], bool]
    release: Callable[[SubmissionId, str, datetime], bool]


@pytest.fixture(params=["api", "console", "command"])
def door(request: pytest.FixtureRequest, service: Service) -> Door:
    return {"api": api, "console": console, "command": command}[request.param](service)


def api(service: Service) -> Door:
    client, headers = TestClient(create_app(service), raise_server_exceptions=False), officer_of(service)

    def ask(one: SubmissionId, step: str, body: Mapping[str, str]) -> bool:
        answer = client.post(f"/v1/submissions/{one}/{step}", json=body, headers=headers)
        assert answer.status_code in {200, CONFLICT}, answer.text
        return answer.status_code != CONFLICT

    return Door(
        lambda one, why: ask(one, "hold", {"reason": why}),
        lambda one, why, seen: ask(one, "release", {"reason": why, "seen_hold_at": seen.isoformat()}),
    )


def console(service: Service) -> Door:
    web = TestClient(create_app(service), raise_server_exceptions=False, follow_redirects=False)
    administrator = somebody(service, web, "administrator")

    def ask(one: SubmissionId, step: str, form: dict[str, str | list[str]]) -> bool:
        answer = administrator(f"/retention/{one}/{step}", form)
        assert answer.status_code in {303, CONFLICT}, answer.text
        return answer.status_code != CONFLICT

    return Door(
        lambda one, why: ask(one, "hold", {"reason": why}),
        lambda one, why, seen: ask(one, "release", {"reason": why, "seen": seen.isoformat()}),
    )


def command(service: Service) -> Door:
    environment = {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
    }

    def ask(one: SubmissionId, step: str, *options: str) -> bool:
        done = claims("retention", step, one, *options, env=environment)
        assert done.code in {Exit.FINE, Exit.BLOCKED}, done.stderr
        return done.code == Exit.FINE

    return Door(
        lambda one, why: ask(one, "hold", "--reason", why),
        lambda one, why, seen: ask(one, "release", "--reason", why, "--seen", seen.isoformat()),
    )


@contextmanager
def nobody_else(service: Service, one: SubmissionId) -> Iterator[psycopg.Connection]:
    """Keep everybody from a submission until this ends: what they decided until then, they decided early."""
    with psycopg.connect(service.database_url) as connection, connection.transaction():
        connection.execute("SELECT FROM submission WHERE id = %s FOR UPDATE", [one])
        yield connection


def wait_for_waiting(service: Service, count: int, asked: list[Future[bool]]) -> None:
    """Return when so many wait for somebody else's lock."""
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(service.database_url, autocommit=True) as connection:
        while time.monotonic() < deadline and not any(one.done() for one in asked):
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'"
            ).fetchone()
            if row == (count,):
                return
            time.sleep(0.01)
    raise TimeoutError([one.result() for one in asked if one.done()])


def holds_on(service: Service, one: SubmissionId) -> list[tuple[str, bool]]:
    """Return why it was held, and whether that stands, in the order in which they were placed."""
    return [(hold.reason, hold.released_at is None) for hold in reversed(service.kept_records.holds_on(one))]


def kinds_of(service: Service, one: SubmissionId) -> list[str]:
    return [str(event.kind) for event in service.submissions.events(one)][2:]


def test_the_same_hold_twice_is_one_at_the_same_moment_too(service: Service, door: Door) -> None:
    one = rejected(service).id

    with ThreadPoolExecutor() as clicks:
        with nobody_else(service, one):
            asked = [clicks.submit(door.hold, one, "a court asks") for _ in range(2)]
            wait_for_waiting(service, 2, asked)
        assert [each.result() for each in asked] == [True, True]
    door.hold(one, "a court asks")
    door.hold(one, "another court asks")

    assert holds_on(service, one) == [("a court asks", True), ("another court asks", True)]
    assert kinds_of(service, one) == ["held", "held"]


def test_a_hold_placed_while_somebody_releases_stands(service: Service, door: Door) -> None:
    one = rejected(service).id
    service.retain.hold(one, within=EVERYWHERE, actor="a", reason="first")
    seen = newest(service, one)

    with ThreadPoolExecutor() as clicks:
        with nobody_else(service, one) as connection:
            asked = [clicks.submit(door.release, one, "it is over", seen)]
            wait_for_waiting(service, 1, asked)
            connection.execute(
                "INSERT INTO legal_hold (submission_id, placed_at, placed_by, reason) "
                "VALUES (%s, %s, 'b', 'second')",
                [one, seen + timedelta(seconds=1)],
            )
        assert [each.result() for each in asked] == [False]
    stood = holds_on(service, one)
    released = door.release(one, "it is over", newest(service, one))

    assert stood == [("first", True), ("second", True)]
    assert released
    assert holds_on(service, one) == [("first", False), ("second", False)]
    assert kinds_of(service, one) == ["held", "released"]


def newest(service: Service, one: SubmissionId) -> datetime:
    found = service.retain.look(one, within=EVERYWHERE).newest_hold_at
    assert found is not None
    return found


def test_what_was_erased_is_held_by_no_door(service: Service, door: Door) -> None:
    one = rejected(service).id
    retain(service, after_years=21).erase(one, within=EVERYWHERE, actor="a", reason="time is over")

    assert not door.hold(one, "too late")
    assert holds_on(service, one) == []


def test_holds_of_one_moment_are_in_an_order(service: Service) -> None:
    one = rejected(service).id
    keep = retain(service, after_years=0)  # its clock stands still
    keep.hold(one, within=EVERYWHERE, actor="a", reason="first")
    seen = newest(service, one)
    keep.hold(one, within=EVERYWHERE, actor="b", reason="second")

    with pytest.raises(HeldAgain) as refused:
        keep.release(one, within=EVERYWHERE, actor="a", reason="over", seen=seen)

    assert refused.value.newest_hold_at == newest(service, one) > seen
    assert list(service.audit()) == []
    keep.release(one, within=EVERYWHERE, actor="a", reason="over")  # whatever there is
    assert [stands for _, stands in holds_on(service, one)] == [False, False]


def test_what_is_replayed_meanwhile_is_not_erased(service: Service) -> None:
    one = rejected(service).id
    keep = retain(service, after_years=21)

    def erase() -> bool:
        keep.erase(one, within=EVERYWHERE, actor="a", reason="time is over")
        return True

    with ThreadPoolExecutor() as clicks:
        with nobody_else(service, one) as connection:
            asked = [clicks.submit(erase)]
            wait_for_waiting(service, 1, asked)
            connection.execute("UPDATE submission SET state = 'received' WHERE id = %s", [one])
        with pytest.raises(CannotErase, match="under way"):
            asked[0].result()

    assert service.kept_records.erasure_of(one) is None
