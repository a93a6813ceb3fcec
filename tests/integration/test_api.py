"""The API: every answer a program can rely on, every error a problem document."""

import gzip
import hashlib
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from httpx2 import Response

from claims.api.problem_titles import VIETNAMESE
from claims.api.problems import every_kind
from claims.emr.synthetic import generate_encounters
from claims.exchange.access.keys import Scope
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.runtime.wiring import Service
from signing.demo_pki import DemoPki
from tests.fakes import SetClock
from tests.in_process import TestClient

# What they ask a database is asked by others too, but where it says otherwise.
pytestmark = pytest.mark.any_server

ALL_SCOPES = frozenset(Scope)
XML = {"Content-Type": "application/xml"}


def key(
    service: Service, facility: str | None = "99001", scopes: frozenset[Scope] = ALL_SCOPES
) -> dict[str, str]:
    code = None if facility is None else FacilityCode(facility)
    return {"Authorization": f"Bearer {service.issue_key(facility=code, scopes=scopes, label='test')}"}


def encounter() -> dict[str, object]:
    return next(iter(generate_encounters(seed=1, count=1, facilities=["99001"], on=datetime.now(UTC).date())))


def is_problem(response: Response, status: int, code: str) -> bool:
    problem = response.json()
    return bool(
        response.status_code == status
        and response.headers["Content-Type"] == "application/problem+json"
        and problem["code"] == code
        and problem["status"] == status
        and problem["request_id"] == response.headers["X-Request-ID"]
    )


def test_a_bundle_is_accepted_with_id_state_digest_and_location(client: TestClient, service: Service) -> None:
    response = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML)

    body = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/submissions/{body['id']}"
    assert body["state"] == "received"
    assert body["sha256"] == hashlib.sha256(b"<x/>").hexdigest()
    assert service.submissions.body(body["id"]) == b"<x/>"


@pytest.mark.parametrize("body", [b"", b" \r\n"], ids=["nothing", "blanks"])
def test_an_empty_body_is_refused_at_once_and_nothing_is_stored(
    client: TestClient, service: Service, body: bytes
) -> None:
    headers = key(service) | XML | {"Idempotency-Key": "visit-1"}

    refused = client.post("/v1/submissions", content=body, headers=headers)

    assert is_problem(refused, 422, "empty-body")
    assert client.get("/v1/submissions", headers=headers).json()["data"] == []
    assert client.post("/v1/submissions", content=b"<x/>", headers=headers).status_code == 202


def test_a_caller_who_was_here_a_moment_ago_gets_the_same_answer(
    client: TestClient, service: Service
) -> None:
    headers = key(service) | XML
    first = client.post("/v1/submissions", content=b"<x/>", headers=headers)

    again = client.post("/v1/submissions", content=b"<y/>", headers=headers)

    assert again.status_code == 202
    assert set(again.json()) == set(first.json())
    assert set(again.headers) == set(first.headers)
    assert int(again.headers["Content-Length"]) == len(again.content)
    assert service.submissions.body(again.json()["id"]) == b"<y/>"


def test_a_caller_who_was_here_a_moment_ago_may_not_do_more(client: TestClient, service: Service) -> None:
    headers = key(service, scopes=frozenset({Scope.READ})) | XML
    client.get("/v1/submissions", headers=headers)

    response = client.post("/v1/submissions", content=b"<x/>", headers=headers)

    assert is_problem(response, 403, "forbidden")


@pytest.mark.parametrize("name", ["Idempotency-Key", "Correction-Reason"])
def test_headers_have_their_bounds_for_a_known_caller_too(
    client: TestClient, service: Service, name: str
) -> None:
    headers = key(service) | XML
    client.post("/v1/submissions", content=b"<x/>", headers=headers)

    response = client.post("/v1/submissions", content=b"<y/>", headers=headers | {name: "a" * 501})

    assert is_problem(response, 422, "invalid-request")


def test_the_same_request_again_says_so(client: TestClient, service: Service) -> None:
    headers = key(service) | XML | {"Idempotency-Key": "a"}
    first = client.post("/v1/submissions", content=b"<x/>", headers=headers)
    again = client.post("/v1/submissions", content=b"<x/>", headers=headers)

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


def test_a_key_with_another_body_is_422_and_names_the_first(client: TestClient, service: Service) -> None:
    headers = key(service) | XML | {"Idempotency-Key": "a"}
    first = client.post("/v1/submissions", content=b"<x/>", headers=headers)

    response = client.post("/v1/submissions", content=b"<y/>", headers=headers)

    assert is_problem(response, 422, "idempotency-mismatch")
    assert response.json()["made"] == first.json()["id"]


def test_an_encounter_is_built_signed_and_submitted(client: TestClient, service: Service) -> None:
    response = client.post("/v1/encounters", json=encounter(), headers=key(service))

    assert response.status_code == 202, response.text
    assert b"<CHUKYDONVI><" in service.submissions.body(response.json()["id"])


def test_the_same_encounter_under_its_key_is_the_same_submission(
    client: TestClient, service: Service
) -> None:
    headers, document = key(service) | {"Idempotency-Key": "a"}, json.dumps(encounter())
    first = client.post("/v1/encounters", content=document, headers=headers)

    again = client.post("/v1/encounters", content=document, headers=headers)
    other = client.post("/v1/encounters", content=document + " ", headers=headers)

    assert again.json()["id"] == first.json()["id"]
    assert is_problem(other, 422, "idempotency-mismatch")


def handed_in(service: Service, document: bytes, *, days_later: int = 0) -> str:
    clock = SetClock(datetime.now(UTC) + timedelta(days=days_later))
    submit = replace(service.submit_encounter, clock=clock)
    received = submit(document, facility=FacilityCode("99001"), actor="test")
    service.check([received.submission.id])
    return received.submission.id


@pytest.mark.parametrize("curve", [None, ec.SECP256R1()], ids=["rsa", "elliptic-curve"])
def test_the_same_encounter_on_another_day_is_the_same_submission(
    service: Service, pki: DemoPki, curve: ec.EllipticCurve | None
) -> None:
    if curve is not None:
        now, key_file = datetime.now(UTC), service.settings.signing_keys_folder / "99001.p12"
        leaf = pki.leaf(
            "99001",
            valid_from=now - timedelta(days=1),
            valid_to=now + timedelta(days=9),
            key=ec.generate_private_key(curve),
        )
        key_file.write_bytes(leaf.pkcs12)
    document = json.dumps(encounter()).encode()
    corrected = document.replace(b'"address": {"text": "', b'"address": {"text": "12 ')
    assert corrected != document
    first, second = handed_in(service, document), handed_in(service, corrected)

    again = [handed_in(service, one, days_later=2) for one in (document, corrected, document)]

    assert again == [first, second, first]


def test_an_encounter_that_another_certificate_signs_is_another_version(
    service: Service, pki: DemoPki
) -> None:
    document, now = json.dumps(encounter()).encode(), datetime.now(UTC)
    first = handed_in(service, document)
    renewed = pki.leaf("99001", valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=9))
    (service.settings.signing_keys_folder / "99001.p12").write_bytes(renewed.pkcs12)

    assert handed_in(service, document, days_later=2) != first


def test_an_encounter_that_cannot_be_read_lists_every_problem(client: TestClient, service: Service) -> None:
    document = encounter() | {"surprise": 1}
    document.pop("patient")

    response = client.post("/v1/encounters", json=document, headers=key(service))

    assert is_problem(response, 422, "malformed-encounter")
    problems = {one["pointer"]: one for one in response.json()["errors"]}
    assert {"/surprise", "/patient"} <= problems.keys()
    assert problems["/patient"]["message"]["vi"].startswith("thiếu khóa này")
    assert problems["/patient"]["message"]["en"] == problems["/patient"]["detail"]
    said = client.post(
        "/v1/encounters", json=document, headers=key(service) | {"Accept-Language": "vi"}
    ).json()["detail"]
    assert "/patient: thiếu khóa này" in said


def test_another_kind_of_input_is_refused_with_where_it_goes(client: TestClient, service: Service) -> None:
    response = client.post("/v1/encounters", json={"resourceType": "Bundle"}, headers=key(service))

    assert is_problem(response, 422, "malformed-encounter")
    (problem,) = response.json()["errors"]
    assert problem["code"] == "a-fhir-document"
    assert all("/v1/submissions" in said for said in problem["message"].values())


def test_an_encounter_without_anything_to_claim_is_refused_with_the_reason(
    client: TestClient, service: Service
) -> None:
    document = encounter() | {"medications": [], "services": [], "results": []}

    response = client.post("/v1/encounters", json=document, headers=key(service))

    assert is_problem(response, 422, "cannot-build")
    assert all(set(one["message"]) == {"vi", "en"} for one in response.json()["errors"])


def test_another_facilitys_encounter_is_refused(client: TestClient, service: Service) -> None:
    response = client.post("/v1/encounters", json=encounter(), headers=key(service, "99002"))

    assert is_problem(response, 403, "wrong-facility")


def test_a_facility_without_a_key_here_is_told_so(client: TestClient, service: Service) -> None:
    document = encounter() | {"facility": "99002"}

    assert is_problem(
        client.post("/v1/encounters", json=document, headers=key(service, "99002")), 409, "no-signing-key"
    )


@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/encounters", "/v1/replays"])
def test_nothing_is_taken_without_a_key(client: TestClient, path: str) -> None:
    response = client.post(path, content=b"{}", headers={"Content-Type": "application/json"})

    assert is_problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "without"),
    [
        ("POST", "/v1/submissions", {Scope.SUBMIT}),
        ("POST", "/v1/encounters", {Scope.SUBMIT}),
        ("GET", "/v1/submissions", {Scope.READ, Scope.REVIEW}),
        ("GET", "/v1/submissions/sub_01KASWY1C4R4T9QZ3R5J8M2X6B/findings", {Scope.READ, Scope.REVIEW}),
        ("GET", "/v1/replays/rpl_01KASWY1C4R4T9QZ3R5J8M2X6B", {Scope.OPERATE}),
    ],
)
def test_a_key_without_the_scope_is_refused(
    client: TestClient, service: Service, method: str, path: str, without: set[Scope]
) -> None:
    response = client.request(method, path, headers=key(service, scopes=ALL_SCOPES - without))

    assert is_problem(response, 403, "forbidden")


@pytest.mark.parametrize("part", ["", "/events", "/findings", "/receipt"])
def test_a_facility_reads_its_own_and_no_others(client: TestClient, service: Service, part: str) -> None:
    submission = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML).json()
    path = f"/v1/submissions/{submission['id']}{part}"

    assert client.get(path, headers=key(service)).status_code == 200
    assert client.get(path, headers=key(service, None)).status_code == 200
    assert is_problem(client.get(path, headers=key(service, "99002")), 404, "not-found")


@pytest.mark.this_server
def test_lists_are_filtered_paged_and_a_facilitys_own(client: TestClient, service: Service) -> None:
    ours, theirs = key(service), key(service, "99002")
    ids = [
        client.post("/v1/submissions", content=b"%d" % n, headers=ours | XML).json()["id"] for n in range(3)
    ]
    other = client.post("/v1/submissions", content=b"other", headers=theirs | XML).json()

    first = client.get("/v1/submissions", params={"limit": 2}, headers=ours).json()
    rest = client.get(
        "/v1/submissions", params={"limit": 2, "cursor": first["next_cursor"]}, headers=ours
    ).json()

    assert [one["id"] for one in first["data"] + rest["data"]] == ids[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    by_digest = client.get("/v1/submissions", params={"sha256": other["sha256"]}, headers=ours).json()
    assert by_digest["data"] == []
    in_capitals = client.get(
        "/v1/submissions", params={"sha256": other["sha256"].upper()}, headers=theirs
    ).json()
    assert [one["id"] for one in in_capitals["data"]] == [other["id"]]
    assert client.get("/v1/submissions", params={"state": "rejected"}, headers=ours).json()["data"] == []
    everything = client.get(
        "/v1/submissions", params={"facility": "99002"}, headers=key(service, None)
    ).json()
    assert [one["id"] for one in everything["data"]] == [other["id"]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        pytest.param("/v1/submissions?cursor=%21", 400, "invalid-cursor", id="invented-cursor"),
        pytest.param("/v1/batches?cursor=x", 422, "invalid-request", id="invented-cursor-of-batches"),
        pytest.param("/v1/replays?cursor=x", 422, "invalid-request", id="invented-cursor-of-replays"),
        pytest.param("/v1/submissions?received_from=2026-11-30", 422, "invalid-request", id="day-of-no-zone"),
        pytest.param("/v1/submissions?limit=0", 422, "invalid-request", id="limit-too-small"),
        pytest.param("/v1/submissions?state=flying", 422, "invalid-request", id="unknown-state"),
        pytest.param("/v1/submissions?ma_lk=%00", 422, "invalid-request", id="null-character"),
        pytest.param("/v1/submissions?cause=%00", 422, "invalid-request", id="null-character-in-cause"),
        pytest.param("/v1/submissions?received_from=yesterday", 422, "invalid-request", id="not-a-time"),
        pytest.param("/v1/submissions/sub_%00", 422, "invalid-request", id="null-character-in-id"),
        pytest.param("/v1/submissions/sub_01KASWY1C4R4T9QZ3R5J8M2X6B", 404, "not-found", id="unknown-id"),
        pytest.param("/v1/nothing", 404, "not-found", id="unknown-path"),
    ],
)
def test_bad_requests_get_precise_problems(
    client: TestClient, service: Service, path: str, status: int, code: str
) -> None:
    assert is_problem(client.get(path, headers=key(service)), status, code)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "/body: is read with Content-Type: application/json only"),
        ("vi", "/body: chỉ đọc được khi có Content-Type: application/json"),
    ],
)
def test_a_body_without_its_media_type_is_told_so(
    client: TestClient, service: Service, language: str, said: str
) -> None:
    headers = key(service) | {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept-Language": language,
    }

    as_curl_sends = client.post("/v1/replays", content=b'{"where": {}}', headers=headers)
    no_object = client.post(
        "/v1/replays", content=b"[]", headers=headers | {"Content-Type": "application/json"}
    )

    assert is_problem(as_curl_sends, 422, "invalid-request")
    assert as_curl_sends.json()["detail"] == said
    assert no_object.json()["detail"] != said


def test_what_is_wrong_with_a_request_stands_in_its_detail(client: TestClient, service: Service) -> None:
    path = "/v1/submissions?limit=0&sha256=x&state=flying&received_from=x&received_until=x"

    problem = client.get(path, headers=key(service)).json()

    assert len(problem["errors"]) == 5
    told = "; ".join(f"{one['pointer']}: {one['detail']}" for one in problem["errors"][:3])
    assert problem["detail"] == f"{told}; 2 more in errors"
    vietnamese = client.get(path, headers=key(service) | {"Accept-Language": "vi"}).json()
    told = "; ".join(f"{one['pointer']}: {one['message']['vi']}" for one in problem["errors"][:3])
    assert vietnamese["detail"] == f"{told}; còn 2 lỗi nữa trong errors"


def test_what_a_value_should_be_is_said_without_types_of_python(client: TestClient, service: Service) -> None:
    made = client.post(
        "/v1/webhooks",
        json={"url": "https://his.example.vn/x", "types": ["submission.x"]},
        headers=key(service),
    )

    (error,) = made.json()["errors"]
    assert error["pointer"] == "/body/types/0"
    assert error["detail"].startswith("not one of submission.received, ")


def test_a_wrong_method_is_a_problem_too(client: TestClient, service: Service) -> None:
    refused = client.delete("/v1/submissions", headers=key(service) | {"Accept-Language": "vi"})

    assert is_problem(refused, 405, "method-not-allowed")
    assert refused.json()["detail"] == "ở đây không nhận DELETE; header Allow ghi những gì được nhận"
    assert "POST" in refused.headers["Allow"]


@pytest.mark.parametrize("declared", [pytest.param(True, id="declared"), pytest.param(False, id="streamed")])
def test_a_body_over_the_limit_is_413_and_stores_nothing(
    client: TestClient, service: Service, declared: bool
) -> None:
    body = b"x" * 100_001
    content = body if declared else (body[at : at + 10_000] for at in range(0, len(body), 10_000))

    response = client.post("/v1/submissions", content=content, headers=key(service) | XML)

    assert is_problem(response, 413, "body-too-large")
    assert client.get("/v1/submissions", headers=key(service)).json()["data"] == []


@pytest.mark.parametrize(
    "path", ["/v1/submissions", "/v1/encounters", "/v1/checks", "/v1/batches", "/v1/replays"]
)
def test_a_body_that_is_compressed_for_the_way_is_415_and_stores_nothing(
    client: TestClient, service: Service, path: str
) -> None:
    headers = key(service) | {"Content-Encoding": "gzip", "Content-Type": "application/xml"}
    if path in {"/v1/encounters", "/v1/replays"}:
        headers["Content-Type"] = "application/json"

    refused = client.post(path, content=gzip.compress(b"<x/>"), headers=headers)

    assert is_problem(refused, 415, "encoded-body")
    assert "gzip is not taken: send the bytes as they are" in refused.json()["detail"]
    assert refused.headers["Accept-Encoding"] == "identity"
    assert client.get("/v1/submissions", headers=key(service)).json()["data"] == []
    assert client.get("/v1/batches", headers=key(service)).json()["data"] == []
    assert not list(service.settings.batch_folder.glob("*"))


def test_a_body_that_says_it_is_not_compressed_is_taken(client: TestClient, service: Service) -> None:
    headers = key(service) | XML | {"Content-Encoding": "identity"}

    assert client.post("/v1/submissions", content=b"<x/>", headers=headers).status_code == 202


def test_a_replay_wants_a_condition_and_a_reason(client: TestClient, service: Service) -> None:
    headers = key(service)

    empty = client.post("/v1/replays", json={"where": {}, "reason": "r"}, headers=headers)
    silent = client.post("/v1/replays", json={"where": {"state": ["failed"]}}, headers=headers)
    misspelled = client.post(
        "/v1/replays", json={"where": {"stat": ["failed"]}, "reason": "r"}, headers=headers
    )

    assert is_problem(empty, 422, "empty-selection")
    assert is_problem(silent, 422, "invalid-request")
    assert is_problem(misspelled, 422, "invalid-request")


@pytest.mark.parametrize(
    ("where", "place"),
    [
        pytest.param({"ids": []}, "/body/where/ids", id="no-ids"),
        pytest.param({"state": []}, "/body/where/state", id="no-states"),
        pytest.param({"ids": ["sub_1"]}, "/body/where/ids/0", id="no-id"),
        pytest.param(
            {"received_from": "2026-12-02T00:00:00+07:00", "received_until": "2026-12-01T17:00:00Z"},
            "/body/where",
            id="no-time",
        ),
    ],
)
def test_what_selects_nothing_or_narrows_nothing_is_no_selection(
    client: TestClient, service: Service, where: dict[str, object], place: str
) -> None:
    wanted = {"where": {"cause": "gateway.timeout"} | where, "dry_run": True}

    refused = client.post("/v1/replays", json=wanted, headers=key(service))

    assert is_problem(refused, 422, "invalid-request")
    assert [one["pointer"] for one in refused.json()["errors"]] == [place]


@pytest.mark.this_server
def test_a_dry_run_counts_and_changes_nothing(client: TestClient, service: Service) -> None:
    headers = key(service)
    client.post("/v1/submissions", content=b"<x/>", headers=headers | XML)

    plan = client.post(
        "/v1/replays", json={"where": {"state": ["received"]}, "dry_run": True}, headers=headers
    )

    assert plan.status_code == 200
    counts = plan.json()["counts"]
    assert {outcome for outcome, number in counts.items() if number} == {"skipped_under_way"}


@pytest.mark.this_server
def test_a_facilitys_replay_reaches_only_its_own(client: TestClient, service: Service) -> None:
    client.post("/v1/submissions", content=b"<x/>", headers=key(service, "99002") | XML)

    replay = client.post(
        "/v1/replays", json={"where": {"state": ["received"]}, "reason": "r"}, headers=key(service)
    )

    assert replay.status_code == 202
    assert replay.json()["total"] == 0
    assert is_problem(client.get(replay.headers["Location"], headers=key(service, "99002")), 404, "not-found")


def test_a_replay_is_listed_steered_and_started_once_under_its_key(
    client: TestClient, service: Service
) -> None:
    headers = key(service) | {"Idempotency-Key": "mine"}
    client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML)
    wanted = {"where": {"state": ["received"]}, "reason": "r", "per_minute": 60}

    first, second = (client.post("/v1/replays", json=wanted, headers=headers) for _ in range(2))
    other = client.post("/v1/replays", json=wanted | {"where": {"state": ["failed"]}}, headers=headers)
    place = first.headers["Location"]
    paused = client.post(f"{place}/pause", headers=headers)
    resumed = client.post(f"{place}/resume", headers=headers)
    canceled = client.post(f"{place}/cancel", headers=headers)
    (item,) = client.get(f"{place}/items", headers=headers).json()["data"]
    as_csv = client.get(f"{place}/results", headers=headers).text.splitlines()
    as_lines = client.get(f"{place}/results?format=ndjson", headers=headers).text.splitlines()

    assert as_csv[0].split(",")[:2] == ["submission_id", "outcome"]
    assert as_csv[1].split(",")[:2] == [item["submission_id"], "canceled"]
    assert [json.loads(line) for line in as_lines] == [item]
    assert is_problem(client.get(f"{place}/results", headers=key(service, "99002")), 404, "not-found")
    assert first.json()["id"] == second.json()["id"]
    assert is_problem(other, 422, "idempotency-mismatch")
    assert other.json()["made"] == first.json()["id"]
    assert [one.json()["state"] for one in (paused, resumed, canceled)] == ["paused", "running", "canceled"]
    assert (item["outcome"], item["state_now"]) == ("canceled", "received")
    assert is_problem(client.post(f"{place}/pause", headers=headers), 409, "replay-ended")
    assert is_problem(client.post(f"{place}/pause", headers=key(service, "99002")), 404, "not-found")
    assert [one["id"] for one in client.get("/v1/replays", headers=headers).json()["data"]] == [
        first.json()["id"]
    ]
    assert client.get("/v1/replays", headers=key(service, "99002")).json()["data"] == []


def test_the_feed_is_read_on_from_where_one_was(client: TestClient, service: Service) -> None:
    headers = key(service)
    start = client.get("/v1/events?cursor=latest", headers=headers).json()
    client.post("/v1/submissions", content=b"<x/>", headers=headers | XML)

    page = client.get(f"/v1/events?wait=30&cursor={start['next_cursor']}", headers=headers).json()

    assert [one["kind"] for one in page["data"]] == ["received"]
    assert client.get(f"/v1/events?cursor={page['next_cursor']}", headers=headers).json()["data"] == []
    assert client.get("/v1/events", headers=key(service, "99002")).json()["data"] == []
    assert is_problem(client.get("/v1/events?cursor=zzz", headers=headers), 400, "invalid-cursor")


def test_a_submission_is_withdrawn_with_a_reason(client: TestClient, service: Service) -> None:
    place = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML).headers["Location"]

    silent = client.post(f"{place}/withdrawal", json={}, headers=key(service))
    foreign = client.post(f"{place}/withdrawal", json={"reason": "r"}, headers=key(service, "99002"))
    withdrawn = client.post(f"{place}/withdrawal", json={"reason": "r"}, headers=key(service))

    assert is_problem(silent, 422, "invalid-request")
    assert is_problem(foreign, 404, "not-found")
    assert withdrawn.json()["state"] == "withdrawn"


def test_withdrawn_bytes_may_be_posted_again(client: TestClient, service: Service) -> None:
    first = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML)
    client.post(f"{first.headers['Location']}/withdrawal", json={"reason": "r"}, headers=key(service))

    again = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML)

    assert (again.status_code, again.json()["state"]) == (202, "received")
    assert "Idempotent-Replayed" not in again.headers
    assert [again.json()[name] for name in ("id", "signed_receipt")] == [
        first.json()[name] for name in ("id", "signed_receipt")
    ]


def test_what_the_gateway_has_is_not_withdrawn(client: TestClient, service: Service) -> None:
    place = client.post("/v1/submissions", content=b"<x/>", headers=key(service) | XML).headers["Location"]
    with service.pool.connection() as connection:
        connection.execute("UPDATE submission SET state = 'acknowledged'")

    refused = client.post(f"{place}/withdrawal", json={"reason": "r"}, headers=key(service))

    assert is_problem(refused, 409, "cannot-withdraw")


def test_the_caller_may_choose_a_sane_request_id(client: TestClient) -> None:
    assert client.get("/livez", headers={"X-Request-ID": "abc-123"}).headers["X-Request-ID"] == "abc-123"
    assert client.get("/livez", headers={"X-Request-ID": "a b\tc"}).headers["X-Request-ID"] != "a b\tc"


def test_a_problems_type_leads_to_its_explanation(client: TestClient) -> None:
    page, _, code = client.get("/v1/submissions").json()["type"].partition("#")

    assert f"id={code}" in client.get(page).text


def test_it_is_ready_when_the_database_is_migrated(client: TestClient) -> None:
    checks = {"database": True, "migrated": True, "broker": True}
    assert client.get("/readyz").json() == {"status": "ready", "checks": checks}


@pytest.mark.parametrize(
    ("revision", "is_ready"),
    [
        pytest.param("9999", True, id="a-newer-version-has-migrated"),
        pytest.param("0044", False, id="not-migrated-yet"),
    ],
)
def test_while_versions_are_exchanged_the_older_one_is_ready(
    revision: str, is_ready: bool, client: TestClient, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])

    answer = client.get("/readyz")

    assert answer.status_code == (200 if is_ready else 503)
    assert answer.json()["checks"]["migrated"] is is_ready


def test_every_route_documents_its_problems(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]

    assert len(paths) >= 8
    for path, operations in paths.items():
        for operation in operations.values():
            answers = operation["responses"]
            for status in (status for status in answers if status[0] in "45"):
                assert "application/problem+json" in answers[status]["content"], path
            assert {"500", "503"} <= set(answers)
            assert operation["operationId"]
    bundle = paths["/v1/submissions"]["post"]["responses"]
    assert set(bundle["422"]["content"]["application/problem+json"]["examples"]) == {
        "idempotency-mismatch",
        "invalid-request",
    }


def test_the_example_of_an_encounter_can_be_handed_in(client: TestClient, service: Service) -> None:
    body = client.get("/openapi.json").json()["paths"]["/v1/encounters"]["post"]["requestBody"]
    document = body["content"]["application/json"]["example"] | {"facility": "99001"}

    assert client.post("/v1/encounters", json=document, headers=key(service)).status_code == 202


def test_the_apis_page_has_all_its_files_here(client: TestClient) -> None:
    page = client.get("/docs")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert len(files) == 5
    assert all(one.startswith("/") and client.get(one).status_code == 200 for one in files)
    assert is_problem(client.get("/docs/files/secrets"), 404, "not-found")


def test_who_has_the_newest_gets_no_body(client: TestClient, service: Service) -> None:
    headers = key(service)
    place = client.post("/v1/submissions", content=b"<x/>", headers=headers | XML).headers["Location"]
    tag = client.get(place, headers=headers).headers["ETag"]

    known = client.get(place, headers=headers | {"If-None-Match": f'"other", W/{tag}'})
    client.post(f"{place}/withdrawal", json={"reason": "r"}, headers=headers)
    changed = client.get(place, headers=headers | {"If-None-Match": tag})

    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    assert (changed.status_code, changed.json()["state"]) == (200, "withdrawn")


def test_people_read_their_own_language(client: TestClient, service: Service) -> None:
    headers = key(service)
    place = client.post("/v1/submissions", content=b"<x>", headers=headers | XML).headers["Location"]
    service.check([SubmissionId(place.rpartition("/")[2])])
    texts, problems = {}, {}
    for asked in ("vi-VN,en;q=0.5", "en", "fr", "vi;q=0.1, en;q=x"):
        own = headers | {"Accept-Language": asked}
        texts[asked] = client.get(f"{place}/findings", headers=own).json()["findings"][0]
        problems[asked] = client.get("/v1/nothing", headers=own)

    assert {asked: one["text"] == one["message"]["vi"] for asked, one in texts.items()} == {
        "vi-VN,en;q=0.5": True,
        "en": False,
        "fr": False,
        "vi;q=0.1, en;q=x": True,
    }
    assert problems["vi-VN,en;q=0.5"].json()["title"] == "Không tìm thấy"
    assert problems["vi-VN,en;q=0.5"].headers["Content-Language"] == "vi"
    assert problems["en"].json()["code"] == problems["vi-VN,en;q=0.5"].json()["code"]


def test_every_problem_has_a_title_in_vietnamese() -> None:
    assert {kind.code for kind in every_kind()} == set(VIETNAMESE)


@pytest.mark.this_server
@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/encounters"])
def test_fifty_requests_at_once_under_one_key_are_one_submission(
    client: TestClient, service: Service, path: str
) -> None:
    content = json.dumps(encounter()).encode() if path.endswith("encounters") else b"<x/>"
    headers = key(service) | {"Idempotency-Key": "one"}

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _n: client.post(path, content=content, headers=headers), range(50)))

    assert {one.status_code for one in answers} == {202}
    assert len({one.json()["id"] for one in answers}) == 1
    assert len(client.get("/v1/submissions", headers=key(service)).json()["data"]) == 1


@pytest.mark.this_server
def test_a_key_is_forgotten_after_a_week(client: TestClient, service: Service) -> None:
    headers = key(service) | XML | {"Idempotency-Key": "a"}
    client.post("/v1/submissions", content=b"<x/>", headers=headers)
    service.reap()
    assert is_problem(
        client.post("/v1/submissions", content=b"<y/>", headers=headers), 422, "idempotency-mismatch"
    )
    with service.pool.connection() as connection:
        connection.execute("UPDATE idempotency_key SET created_at = created_at - interval '7 days'")

    service.reap()

    assert client.post("/v1/submissions", content=b"<y/>", headers=headers).status_code == 202


@pytest.mark.this_server
def test_who_waits_is_answered_once_the_submission_settles(client: TestClient, service: Service) -> None:
    headers = key(service)
    waiting = client.post("/v1/submissions", content=b"<x/>", headers=headers | XML).json()["id"]
    answers: list[str] = []

    def wait() -> None:
        answer = client.get(f"/v1/submissions/{waiting}", params={"wait": 20}, headers=headers)
        answers.append(answer.json()["state"])

    thread = threading.Thread(target=wait)
    thread.start()
    service.check([SubmissionId(waiting)])  # "<x/>" is rejected, and so it settles
    thread.join(60)

    assert answers == ["rejected"]


def test_who_waits_in_vain_is_told_how_it_stands(client: TestClient, service: Service) -> None:
    headers = key(service)
    waiting = client.post("/v1/submissions", content=b"<x/>", headers=headers | XML).json()["id"]

    assert client.get(f"/v1/submissions/{waiting}", params={"wait": 0.2}, headers=headers).json()[
        "state"
    ] == ("received")
    assert client.get(f"/v1/submissions/{waiting}", params={"wait": 31}, headers=headers).status_code == 422


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        pytest.param("/v1/submissions/", "; did you mean /v1/submissions?", id="behind"),
        pytest.param("//v1/submissions", "; did you mean /v1/submissions?", id="doubled"),
        pytest.param("/v1/submission/", "", id="nothing-without-it-either"),
    ],
)
def test_a_slash_too_many_is_no_redirection_which_would_lose_body_or_key(
    client: TestClient, service: Service, path: str, meant: str
) -> None:
    address = f"http://testserver{path}"

    answer = client.post(address, content=b"<x/>", headers=key(service) | XML, follow_redirects=False)

    assert is_problem(answer, 404, "not-found")
    assert answer.json()["detail"] == f"there is nothing at {path}{meant}"


@pytest.mark.parametrize("is_known", [False, True], ids=["first-time", "here-a-moment-ago"])
@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key", "Correction-Reason"])
def test_a_header_that_counts_once_is_refused_twice_and_nothing_is_stored(
    client: TestClient, service: Service, name: str, is_known: bool
) -> None:
    headers = key(service) | XML | {"Idempotency-Key": "one", "Correction-Reason": "one"}
    if is_known:
        client.get("/v1/submissions", headers=headers)
    twice = [*headers.items(), (name, "Bearer another")]

    refused = client.post("/v1/submissions", content=b"<x/>", headers=twice)

    assert is_problem(refused, 422, "invalid-request")
    assert refused.json()["detail"] == f"/header/{name.lower()}: it comes more than once, and counts once"
    assert client.get("/v1/submissions", headers=headers).json()["data"] == []


def test_limits_can_be_read_by_whoever_has_a_key(client: TestClient, service: Service) -> None:
    limits = client.get("/v1/limits", headers=key(service))

    assert limits.json() == {
        "body_bytes": 100_000,
        "batch_bytes": 5 * 2**30,
        "batch_items": 50_000,
        "page_items": 200,
        "feed_events": 1000,
        "wait_s": 30,
        "intake_rate": None,
        "check_rate": "600/minute",
    }
    assert client.get("/v1/limits").status_code == 401


def test_a_correction_says_why_and_its_options_say_what_may_follow(
    client: TestClient, service: Service
) -> None:
    headers = key(service) | XML | {"Correction-Reason": "sai%20ng%C3%A0y%20ra"}
    submission = client.post("/v1/submissions", content=b"<x/>", headers=headers).json()
    place = f"/v1/submissions/{submission['id']}"

    (received,) = client.get(f"{place}/events", headers=headers).json()["data"]
    options = {one["step"]: one for one in client.get(f"{place}/options", headers=headers).json()["data"]}

    assert received["detail"] == {"reason": "sai ngày ra"}
    assert options["withdraw"] == {
        "step": "withdraw",
        "allowed": True,
        "way": "withdrawal",
        "until": None,
        "needs_reason": False,
    }
    assert (options["resend"]["allowed"], options["resend"]["way"]) == (False, "by_itself")
    assert is_problem(client.get(f"{place}/options", headers=key(service, "99002")), 404, "not-found")
