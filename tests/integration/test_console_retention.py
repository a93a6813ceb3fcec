"""Retention in the console: holds come and go, and what is due is looked at before it is erased."""

import re
from datetime import date, timedelta

import pytest

from claims.exchange.access.places import EVERYWHERE, Place, Reach
from claims.exchange.errors import InvalidCursor
from claims.exchange.keeping import Due, FindDue, Listed
from claims.exchange.retention import RecordClass, load_retention
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.localtime import local_date
from claims.proof.verification import verify_archive
from claims.runtime.wiring import Service
from claims.storage.keeping import PostgresKeptRecords
from claims.web import create_app
from signing.trust import TrustStore
from tests.fakes import SetClock
from tests.in_process import TestClient
from tests.integration.conftest import Exchange
from tests.integration.test_console_clients import Ask, somebody

pytestmark = pytest.mark.any_server

HERE = FacilityCode("99001")


@pytest.fixture
def web(service: Service) -> TestClient:
    return TestClient(create_app(service), raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def administrator(service: Service, web: TestClient) -> Ask:
    return somebody(service, web, "administrator")


def rejected(service: Service, body: bytes = b"no xml") -> SubmissionId:
    """Return a submission of which nothing could be read: kept for twenty years."""
    submission = service.receive(body, facility=HERE, actor="test").submission
    service.check([submission.id])
    return submission.id


def later(service: Service, *, years: int) -> None:
    """Let years pass for whoever keeps records; sessions, which have their clock already, stay open."""
    assert not service.__dict__.keys() & {"archive", "keep_log"}
    service.__dict__.pop("retain", None)
    service.__dict__["clock"] = SetClock(service.clock.now() + timedelta(days=366 * years))


def kinds_of(service: Service, submission_id: SubmissionId) -> list[str]:
    return [str(event.kind) for event in service.submissions.events(submission_id)]


def test_a_hold_is_placed_once_shown_and_released(service: Service, administrator: Ask) -> None:
    one = rejected(service)
    path = f"/retention/{one}"

    for _ in range(2):  # the button pressed twice
        assert administrator(f"{path}/hold", {"reason": "Tòa án yêu cầu"}).status_code == 303
    held, listed = administrator(path).text, administrator("/retention").text
    released = administrator(f"{path}/release", {"reason": "xong", "seen": seen_in(held)})

    assert "Tòa án yêu cầu" in held
    assert one in listed
    assert "Tòa án yêu cầu" in listed
    assert released.status_code == 303
    assert kinds_of(service, one)[-2:] == ["held", "released"]
    assert one not in administrator("/retention").text
    assert one in administrator("/retention?released=yes").text


def seen_in(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    return found[1] if found else ""


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501], ids=["nothing", "blank", "long"])
def test_a_reason_says_something_and_what_was_typed_is_kept(
    service: Service, administrator: Ask, reason: str
) -> None:
    one = rejected(service)

    answer = administrator(f"/retention/{one}/hold", {"reason": reason})

    assert answer.status_code == 422
    assert reason.strip() in answer.text
    assert "held" not in kinds_of(service, one)


def test_a_hold_that_one_was_not_shown_is_not_released(service: Service, administrator: Ask) -> None:
    one = rejected(service)
    service.retain.hold(one, within=EVERYWHERE, actor="a", reason="first")
    seen = seen_in(administrator(f"/retention/{one}").text)
    service.retain.hold(one, within=EVERYWHERE, actor="b", reason="second")

    answer = administrator(f"/retention/{one}/release", {"reason": "typed at length", "seen": seen})

    assert answer.status_code == 409
    assert "typed at length" in answer.text
    assert service.retain.look(one, within=EVERYWHERE).is_held


def test_what_is_due_is_looked_at_planned_and_erased_with_its_proof(
    service: Service, administrator: Ask
) -> None:
    kept, held = rejected(service), rejected(service, b"another")
    service.retain.hold(held, within=EVERYWHERE, actor="a", reason="a court asks")
    before = administrator("/retention/due").text
    ahead = (local_date(service.clock.now()) + timedelta(days=366 * 21)).isoformat()
    ahead_of_time = administrator(f"/retention/due?by={ahead}").text
    later(service, years=21)

    due = administrator("/retention/due").text
    plan = administrator("/retention/erased/plan", {"one": [kept, held]})
    unsaid = administrator("/retention/erased", {"one": [kept, held], "reason": " "})
    untouched = service.kept_records.erasure_of(kept)
    done = administrator("/retention/erased", {"one": [kept, held], "reason": "time is over"})
    again = administrator("/retention/erased", {"one": [kept], "reason": "time is over"})

    assert kept not in before
    assert kept in ahead_of_time
    assert f'value="{kept}"' not in ahead_of_time  # it cannot be marked before its time
    assert f'value="{kept}"' in due
    assert held in due
    assert f'value="{held}"' not in due
    assert "Erase 1 submission for good" in plan.text
    assert (unsaid.status_code, untouched) == (422, None)
    assert "The content of 1 submission was erased" in done.text
    assert again.status_code == 200
    assert service.kept_records.erasure_of(kept) is not None
    assert service.kept_records.erasure_of(held) is None
    assert kinds_of(service, kept).count("erased") == 1
    assert kept in administrator("/retention/erased").text
    later(service, years=-21)  # the keys of now sign the proof
    archive = administrator(f"/retention/{kept}/proof").content
    trust = TrustStore(anchors=[], service_anchors=[service.service_keys.chain()[-1]])
    assert verify_archive(archive, trust=trust, at=service.clock.now()).holds


def test_only_of_what_was_erased_there_is_a_proof(service: Service, administrator: Ask) -> None:
    one = rejected(service)

    assert administrator(f"/retention/{one}/proof").status_code == 404


def test_what_was_erased_is_held_by_nobody(service: Service, administrator: Ask) -> None:
    one = rejected(service)
    later(service, years=21)
    service.retain.erase(one, within=EVERYWHERE, actor="a", reason="time is over")

    answer = administrator(f"/retention/{one}/hold", {"reason": "too late"})

    assert answer.status_code == 409
    assert "held" not in kinds_of(service, one)


@pytest.mark.parametrize(
    ("role", "place", "status"),
    [
        pytest.param("auditor", "", (200, 303, 403), id="auditor"),
        pytest.param("auditor", "99", (200, 303, 403), id="auditor-of-the-province"),
        pytest.param("auditor", "01", (404, 404, 403), id="auditor-elsewhere"),
        pytest.param("hospital", "99001", (200, 403, 403), id="its-hospital"),
        pytest.param("reviewer", "", (403, 403, 403), id="reviewer"),
    ],
)
def test_who_may_do_what(
    service: Service, web: TestClient, role: str, place: str, status: tuple[int, int, int]
) -> None:
    one = rejected(service)
    ask = somebody(service, web, role, place)

    shown = ask(f"/retention/{one}")
    held = ask(f"/retention/{one}/hold", {"reason": "why"})
    erased = ask("/retention/erased", {"one": one, "reason": "why"})

    assert (shown.status_code, held.status_code, erased.status_code) == status


@pytest.mark.parametrize("path", ["/retention", "/retention/erased", "/retention/due?by=2080-01-01"])
def test_lists_end_where_the_reach_does(service: Service, web: TestClient, path: str) -> None:
    one = rejected(service)
    service.retain.hold(one, within=EVERYWHERE, actor="a", reason="a court asks")
    if path == "/retention/erased":
        service.retain.release(one, within=EVERYWHERE, actor="a", reason="over")
        later(service, years=21)
        service.retain.erase(one, within=EVERYWHERE, actor="a", reason="time is over")

    here, elsewhere = somebody(service, web, "auditor", "99"), somebody(service, web, "auditor", "01")

    assert one in here(path).text
    assert one not in elsewhere(path).text


def test_looking_at_classes_is_noted(service: Service, administrator: Ask) -> None:
    one = rejected(service)

    administrator("/retention/due?by=2080-01-01")
    administrator(f"/retention/{one}")

    with service.pool.connection() as connection:
        rows = connection.execute(
            "SELECT page FROM reading WHERE %s = ANY(submissions) AND page = 'retention'", [one]
        ).fetchall()
    assert len(rows) == 2


def test_a_submission_is_found_by_its_id_and_a_claim_by_its_key(
    service: Service, administrator: Ask, exchange: Exchange
) -> None:
    exchange.checker.claims[b"<bundle/>"] = ("LK1",)
    one = exchange.checked(b"<bundle/>").id

    by_id, by_key = administrator(f"/retention-of?q={one}"), administrator("/retention-of?q=LK1")
    nothing = administrator("/retention-of?q=LK2")

    assert by_id.headers["location"] == f"/console/retention/{one}"
    assert by_key.headers["location"] == f"/console/retention/{one}"
    assert (nothing.status_code, "Nothing found" in nothing.text) == (200, True)


def test_lists_are_paged_in_the_order_of_time(service: Service) -> None:
    ids = [rejected(service, f"no xml {number}".encode()) for number in range(5)]
    for one in ids:
        service.retain.hold(one, within=EVERYWHERE, actor="a", reason=one)
    seen: list[str] = []
    cursor = None
    while True:
        page = service.kept_records.holds(within=EVERYWHERE, is_standing=True, cursor=cursor, limit=2)
        seen += [hold.submission_id for hold in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == ids[::-1]
    with pytest.raises(InvalidCursor):
        service.kept_records.erasures(within=EVERYWHERE, cursor="c3ViX3g", limit=1)


def test_what_is_due_depends_on_the_class_and_the_latest_discharge(exchange: Exchange) -> None:
    kept = PostgresKeptRecords(exchange.pool)
    find_due, today = FindDue(kept, load_retention(None)), local_date(exchange.clock.now())
    for number, facts in enumerate(({}, {"ma_tai_nan": "2"}, {"ket_qua_dtri": "5"})):
        body = f"<bundle>{number}</bundle>".encode()
        exchange.checker.claims[body] = (f"LK{number}",)
        exchange.checker.facts = facts
        exchange.deliver([exchange.checked(body).id])

    def classes_due(years: int) -> list[RecordClass]:
        by = today.replace(year=today.year + years)
        return [one.record_class for one in find_due(within=EVERYWHERE, by=by, limit=10).items]

    assert classes_due(9) == []
    assert classes_due(10) == [RecordClass.TREATMENT]
    assert classes_due(15) == [RecordClass.TREATMENT, RecordClass.ACCIDENT]
    assert classes_due(20) == list(RecordClass)
    by = today.replace(year=today.year + 20)
    first = find_due(within=EVERYWHERE, by=by, limit=2)
    rest = find_due(within=EVERYWHERE, by=by, limit=2, after=SubmissionId(str(first.next_cursor)))
    assert len(first.items) == 2
    assert [one.record_class for one in rest.items] == [RecordClass.DEATH_OR_MENTAL]
    assert find_due(within=Reach.of(Place("00")), by=by, limit=9).items == ()


class OneAtATime(FindDue):
    """Counts no further than one, as the page counts no further than a thousand."""

    def __call__(
        self, *, within: Reach, by: date, limit: int, after: SubmissionId | None = None
    ) -> Listed[Due]:
        return super().__call__(within=within, by=by, limit=min(limit, 1), after=after)


def test_a_count_that_stopped_says_that_there_is_more(service: Service, administrator: Ask) -> None:
    for number in range(2):
        rejected(service, f"no xml {number}".encode())
    service.__dict__["find_due"] = OneAtATime(service.kept_records, load_retention(None))

    first = administrator("/retention/due?by=2080-01-01").text
    onward = re.search(r"after=(\w+)", first)
    assert onward
    last = administrator(f"/retention/due?by=2080-01-01&after={onward[1]}").text

    assert (">1+<" in first, "There are more behind them" in first) == (True, True)
    assert (">1<" in last, "1+<" in last, "without the pages before it" in last) == (True, False, True)


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c"])
def test_nothing_on_a_page_is_turned_around(service: Service, administrator: Ask, mark: str) -> None:
    one = rejected(service)
    service.retain.hold(one, within=EVERYWHERE, actor="a", reason=f"<b>{mark}dlrow")

    shown = administrator(f"/retention/{one}").text

    assert "&lt;b&gt;□dlrow" in shown
    assert mark not in shown
