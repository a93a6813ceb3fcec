"""The Python client: repeats what may be repeated, says why it could not, and knows a forged webhook."""

import json
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from claims.api.app import create_app
from claims.api.models import AcceptedView, FeedEventView, FeedPageView
from claims.client import (
    ApiClient,
    ApiRefused,
    ApiUnreachable,
    Conflicting,
    FeedEvent,
    FeedPage,
    ForgedWebhook,
    NotAllowed,
    NotFound,
    NotNow,
    NotTheService,
    Submission,
    read_webhook,
)
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode
from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.conftest import require_tool
from tests.served import on_loopback
from tests.unit.authorities.web import Web, serving

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "curl.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def served(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a service without workers."""
    DemoPki.create(at=datetime.now(UTC)).write(tmp_path / "trust")
    settings = Settings(data_dir=tmp_path, webhook_networks="127.0.0.0/8")
    service = Service(settings, database_url, broker_url)
    service.facilities.add(FacilityCode("99001"), name="Thử", at=datetime.now(UTC))
    key = service.issue_key(
        facility=FacilityCode("99001"),
        scopes=frozenset({Scope.SUBMIT, Scope.READ, Scope.MANAGE}),
        label="test",
    )
    with on_loopback(create_app(service), ws="none", lifespan="on") as address:
        yield address, key


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as web:
        yield web


def test_the_guide_for_the_shell_works_as_written(served: tuple[str, str], tmp_path: Path) -> None:
    require_tool("curl")
    blocks = GUIDE.read_text("utf-8").split("```sh\n")[1:]
    script = "set -eu\n" + "\n".join(block.partition("```")[0] for block in blocks)
    # Only what differs from desk to desk is filled in: the receiver's address.
    script = script.replace("https://his.example.vn/", "http://127.0.0.1:9/")
    (tmp_path / "signed.xml").write_bytes(b"<x/>")

    done = subprocess.run(
        ["sh", "-c", script],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "URL": served[0], "KEY": served[1], "no_proxy": "*"},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("sub_")
    assert '"state":"withdrawn"' in done.stdout


def test_a_submission_is_found_followed_and_withdrawn(served: tuple[str, str]) -> None:
    with ApiClient(*served) as api:
        submission = api.submit_bundle(b"<x/>")
        page = next(api.follow(wait_s=30))

        assert api.submit_bundle(b"<x/>")["id"] == submission["id"]
        assert api.find(b"<x/>") == api.submission(submission["id"])
        assert api.find(b"<y/>") is None
        assert [one["kind"] for one in page["data"]] == ["received"]
        assert api.feed(after=page["next_cursor"])["data"] == []
        api.withdraw(submission["id"], reason="test")


def test_a_parcel_of_bundles_is_submitted_and_is_the_same_when_it_comes_again(
    served: tuple[str, str], tmp_path: Path
) -> None:
    parcel = tmp_path / "parcel.zip"
    with zipfile.ZipFile(parcel, "w") as file:
        file.writestr("1.xml", b"<x/>")
        file.writestr("2.xml", b"<y/>")

    with ApiClient(*served) as api:
        batch_id = str(api.submit_batch(parcel)["id"])
        again = str(api.submit_batch(parcel)["id"])
        while not api.batch(batch_id)["finished_at"]:
            time.sleep(0.05)
        names = [one["name"] for one in api.batch_items(batch_id)]

    assert again == batch_id
    assert names == ["1.xml", "2.xml"]


@pytest.mark.this_server
def test_webhooks_are_made_changed_tested_and_removed(served: tuple[str, str], web: Web) -> None:
    with ApiClient(*served) as api:
        made = api.make_webhook(web.url("/hook"))
        webhook_id = str(made["id"])
        assert str(made["secret"]).startswith("whsec_")
        assert "secret" not in api.webhooks()[0]
        assert api.rotate_webhook_secret(webhook_id)["secret"] != made["secret"]
        ping = api.ping_webhook(webhook_id)
        assert [one["id"] for one in api.webhook_deliveries(webhook_id)] == [ping["id"]]
        assert api.resend_delivery(webhook_id, str(ping["id"]))["state"] == "waiting"
        assert api.change_webhook(webhook_id, enabled=False)["enabled"] is False
        with pytest.raises(Conflicting):
            api.ping_webhook(webhook_id)
        api.delete_webhook(webhook_id)
        with pytest.raises(NotFound):
            api.ping_webhook(webhook_id)


@pytest.mark.parametrize("body", [{"url": "ftp://x/"}, {"url": "https://x/", "types": ["submission.x"]}])
def test_a_webhook_that_makes_no_sense_is_refused_with_the_place(
    served: tuple[str, str], body: dict[str, object]
) -> None:
    with ApiClient(*served) as api, pytest.raises(ApiRefused) as refused:
        api._ask("POST", "/v1/webhooks", json=body)

    assert refused.value.code == "invalid-request"
    assert refused.value.errors[0]["pointer"] in {"/body/url", "/body/types/0"}


def test_a_refusal_is_typed_and_names_its_request(served: tuple[str, str]) -> None:
    with ApiClient(served[0], "ehs_x_y") as api, pytest.raises(NotAllowed) as refused:
        api.submission("sub_01KASWY1C4R4T9QZ3R5J8M2X6B")

    assert refused.value.code == "unauthenticated"
    assert refused.value.request_id


def _problem(status: int, *, retryable: bool, after: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/problem+json", "Retry-After": after}
    return status, headers, json.dumps({"title": "busy", "retryable": retryable}).encode()


def test_what_is_retryable_is_repeated_after_the_pause_that_was_asked_for(web: Web) -> None:
    answers = iter(
        [
            _problem(503, retryable=True, after="7"),
            _problem(429, retryable=True, after="9"),
            (202, {"Content-Type": "application/json"}, b'{"id": "sub_1", "state": "received"}'),
        ]
    )
    web.answers["/v1/encounters"] = lambda _body: next(answers)
    pauses: list[float] = []

    with ApiClient(web.url(""), "k", pause=pauses.append) as api:
        assert api.submit_encounter(b"{}")["id"] == "sub_1"

    assert pauses == [7.0, 9.0]
    assert len({headers["Idempotency-Key"] for headers, _ in web.posts}) == 1


@pytest.mark.parametrize(
    ("asked", "now", "pause_s"),
    [
        pytest.param("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 30, id="by-its-clock"),
        pytest.param("Thu, 31 Dec 2099 07:28:30 GMT", "no clock", 60, id="by-ours"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", None, None, id="past"),
        pytest.param("soon", None, None, id="no-date"),
        pytest.param("-7", None, None, id="negative"),
    ],
)
def test_a_pause_may_be_asked_for_as_a_date(
    web: Web, asked: str, now: str | None, pause_s: int | None
) -> None:
    answers = iter([(503, {"Retry-After": asked}, b"<h1>Back soon</h1>"), (200, {}, b"{}")])
    web.date = now
    web.answers["/v1/limits"] = lambda _body: next(answers)
    pauses: list[float] = []

    with ApiClient(web.url(""), "k", pause=pauses.append) as api:
        api.limits()

    assert pauses == [pause_s] if pause_s else pauses[0] < 1


def test_an_answer_that_drips_is_given_up_when_its_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in range(1000):
                    connection.sendall(b" ")
                    time.sleep(0.05)

        dripping = threading.Thread(target=drip)
        dripping.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            ApiClient(url, "k", timeout_s=0.5, pause=lambda _s: None) as api,
            pytest.raises(ApiUnreachable, match="the answer takes too long"),
        ):
            api.make_webhook("https://his.example.vn/")  # which is not asked twice
        dripping.join(10)


@pytest.mark.parametrize(
    "body",
    [b'{"message": "Service Unavailable"}', b'{"mess', b"[1]", b"null", b'{"title": "\xff"}'],
    ids=["other-json", "half-json", "list", "null", "no-text"],
)
def test_a_proxys_json_is_no_problem_document_and_its_5xx_may_pass(web: Web, body: bytes) -> None:
    json_ = {"Content-Type": "application/json"}
    answers = iter([(503, json_, body), (200, json_, b"{}")])
    web.answers["/v1/batches/b"] = lambda _body: next(answers)

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api:
        assert api.batch("b") == {}


@pytest.mark.parametrize("body", [b"<html>sign in to the network</html>", b"[]", b'{"id":', b""])
def test_an_answer_that_is_not_the_services_is_none(web: Web, body: bytes) -> None:
    web.offer("/v1/batches/b", body)

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api, pytest.raises(ApiUnreachable):
        api.batch("b")


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        pytest.param("submissions/s/archive", lambda api: api.archive("s"), id="archive"),
        pytest.param("submissions/s/paper?language=vi", lambda api: api.paper("s"), id="paper"),
        pytest.param("webhooks/w", lambda api: api.delete_webhook("w"), id="deletion"),
        pytest.param("replays?limit=200", lambda api: list(api.replays()), id="pages"),
        pytest.param("events?limit=1000&wait=0", lambda api: api.feed(), id="feed"),
        pytest.param("submissions/s/events", lambda api: api.events("s"), id="events"),
        pytest.param("webhooks", lambda api: api.webhooks(), id="webhooks"),
    ],
)
@pytest.mark.parametrize("body", [b"<html>sign in</html>", b'{"error": "sign in"}'], ids=["page", "json"])
def test_a_sign_in_page_is_no_file_no_list_and_no_success(
    web: Web, path: str, ask: Callable[[ApiClient], object], body: bytes
) -> None:
    web.offer(f"/v1/{path}", body, "text/html")

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api, pytest.raises(ApiUnreachable):
        ask(api)


def test_what_was_deleted_is_gone_when_only_the_answer_was_lost(web: Web) -> None:
    gone = json.dumps({"code": "not-found", "retryable": False}).encode()
    answers: Iterator[tuple[int, dict[str, str], bytes]] = iter(
        [(502, {}, b"<html>"), (404, {}, gone), (404, {}, gone)]
    )
    web.answers["/v1/webhooks/w"] = lambda _body: next(answers)

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api:
        api.delete_webhook("w")
        with pytest.raises(NotFound):
            api.delete_webhook("w")


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"id": "sub_1"}', b'{"id": 1, "state": null}', b"[" * 100_000],
    ids=["", "half", "other", "deep"],
)
def test_a_submission_without_id_and_state_is_none(web: Web, body: bytes) -> None:
    web.offer("/v1/submissions", body, "application/json")

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api, pytest.raises(ApiUnreachable):
        api.submit_bundle(b"<x/>")


@pytest.mark.parametrize("status", [301, 401, 403, 404, 409, 413])
@pytest.mark.parametrize("body", [b"<html>nginx</html>", b'{"error": "no"}'], ids=["page", "json"])
def test_what_something_in_between_says_is_not_the_services_word(web: Web, status: int, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Location": "https://claims.example.vn/"}
    web.answers["/v1/submissions/s?wait=0"] = lambda _body: (status, headers, body)

    with ApiClient(web.url(""), "k") as api, pytest.raises(NotTheService, match=f"HTTP {status}") as other:
        api.submission("s")

    assert "https://claims.example.vn/" in str(other.value)
    assert len(web.asked) == 1


def test_a_service_that_takes_no_submission_there_has_another_address(served: tuple[str, str]) -> None:
    with ApiClient(f"{served[0]}/v1", served[1]) as api, pytest.raises(NotTheService, match="/v1/v1/subm"):
        api.submit_bundle(b"<x/>")


def test_an_address_that_cannot_be_read_is_told() -> None:
    with pytest.raises(ApiUnreachable, match="cannot be reached: Invalid port"):
        ApiClient("http://127.0.0.1:port", "k")


def test_it_gives_up_after_four_attempts(web: Web) -> None:
    web.answers["/v1/submissions"] = lambda _body: _problem(503, retryable=True, after="nonsense")
    pauses: list[float] = []

    with ApiClient(web.url(""), "k", pause=pauses.append) as api, pytest.raises(ApiUnreachable):
        api.submit_bundle(b"<x/>")

    assert len(web.posts) == 4
    assert len(pauses) == 3


def test_who_asks_too_often_to_the_end_is_told_for_how_long_to_wait(web: Web) -> None:
    headers = {"Content-Type": "application/problem+json", "Retry-After": "1800"}
    said = {"title": "Too many requests", "detail": "more than 5 in a window", "retryable": True}
    web.answers["/v1/submissions"] = lambda _body: (429, headers, json.dumps(said).encode())
    pauses: list[float] = []

    with ApiClient(web.url(""), "k", pause=pauses.append) as api, pytest.raises(NotNow) as limited:
        api.submit_bundle(b"<x/>")

    assert limited.value.retry_after_s == 1800
    assert limited.value.problem["detail"] == "more than 5 in a window"
    told = "answers Too many requests: more than 5 in a window; try again in 1800 s"
    assert str(limited.value) == f"{web.url('')} {told}"
    assert pauses == [60, 60, 60]


def test_a_proxys_maintenance_without_a_time_is_told_as_such(web: Web) -> None:
    web.answers["/v1/batches/b"] = lambda _body: (503, {"Content-Type": "text/html"}, b"<h1>Back soon</h1>")

    with ApiClient(web.url(""), "k", pause=lambda _: None) as api, pytest.raises(NotNow) as resting:
        api.batch("b")

    assert resting.value.retry_after_s is None
    assert str(resting.value).endswith("answers HTTP 503: Service Unavailable; try again later")


def test_what_must_not_be_repeated_is_not(web: Web) -> None:
    web.answers["/v1/webhooks/w/secret"] = lambda _body: _problem(503, retryable=True, after="1")

    with ApiClient(web.url(""), "k") as api, pytest.raises(ApiUnreachable):
        api.rotate_webhook_secret("w")

    assert len(web.posts) == 1


def _signed(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }


def test_a_webhook_is_read_with_either_live_secret() -> None:
    body = b'{"type": "webhook.ping", "timestamp": "2026-01-01T00:00:00Z", "data": {}}'
    headers = _signed(body, SECRET, datetime.now(UTC))

    assert read_webhook(body, headers, "whsec_b3RoZXI=", SECRET)["type"] == "webhook.ping"


@pytest.mark.attack
@pytest.mark.parametrize("attack", ["other body", "other secret", "old", "no signature", "nonsense"])
def test_a_forged_webhook_is_told(attack: str) -> None:
    body = b'{"type": "webhook.ping"}'
    at = datetime.now(UTC) - timedelta(minutes=10 if attack == "old" else 0)
    headers = _signed(body, "whsec_b3RoZXI=" if attack == "other secret" else SECRET, at)
    if attack == "no signature":
        del headers["Webhook-Signature"]
    if attack == "nonsense":
        headers["Webhook-Signature"] = "v1"

    with pytest.raises(ForgedWebhook):
        read_webhook(b"{}" if attack == "other body" else body, headers, SECRET)


def test_the_types_know_all_that_the_service_says() -> None:
    assert set(Submission.__annotations__) == set(AcceptedView.model_fields)
    assert set(FeedEvent.__annotations__) == set(FeedEventView.model_fields)
    assert set(FeedPage.__annotations__) == set(FeedPageView.model_fields)
