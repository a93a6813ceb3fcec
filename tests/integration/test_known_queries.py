"""A query parameter that a route does not know is refused: ignored, it is a filter that does not filter."""

import pytest

from claims.exchange.access.keys import Scope
from claims.runtime.wiring import Service
from tests.in_process import TestClient
from tests.integration.test_api import is_problem, key


@pytest.mark.parametrize(
    ("query", "pointer", "code", "told"),
    [
        pytest.param(
            "stat=acknowledged",
            "/query/stat",
            "unknown_parameter",
            {
                "en": "there is no such parameter; did you mean state?",
                "vi": "không có tham số này; có phải là state?",
            },
            id="misspelled",
        ),
        pytest.param(
            "STATE=received",
            "/query/STATE",
            "unknown_parameter",
            {
                "en": "there is no such parameter; did you mean state?",
                "vi": "không có tham số này; có phải là state?",
            },
            id="capitals",
        ),
        pytest.param(
            "limit=1&limit=50",
            "/query/limit",
            "repeated_parameter",
            {
                "en": "it comes more than once, and counts once",
                "vi": "tham số này chỉ được ghi một lần",
            },
            id="twice",
        ),
    ],
)
def test_a_parameter_that_would_be_ignored_is_refused_in_both_languages(
    client: TestClient, service: Service, query: str, pointer: str, code: str, told: dict[str, str]
) -> None:
    answers = {
        language: client.get(f"/v1/submissions?{query}", headers=key(service) | {"Accept-Language": language})
        for language in ("en", "vi")
    }

    for language, answer in answers.items():
        assert is_problem(answer, 422, "invalid-request")
        assert answer.json()["detail"] == f"{pointer}: {told[language]}"
        assert answer.json()["errors"] == [
            {"pointer": pointer, "code": code, "detail": told["en"], "message": told}
        ]


def test_one_that_resembles_none_is_answered_with_those_there_are(
    client: TestClient, service: Service
) -> None:
    headers = key(service)
    listed = client.get("/v1/replays?whatever=1", headers=headers).json()
    nothing = client.get("/v1/limits?x=1", headers=headers).json()
    many = "&".join(f"x{number}=1" for number in range(5_000))
    endless = client.get(f"/v1/limits?{many}", headers=headers).json()

    assert listed["detail"].startswith("/query/whatever: there is no such parameter; there are ")
    assert nothing["detail"] == "/query/x: no parameter is taken here"
    assert len(endless["errors"]) == 20


def test_where_anybody_may_ask_it_is_no_different(client: TestClient) -> None:
    assert is_problem(client.get("/v1/evidence/keys?x=1"), 422, "invalid-request")


def test_a_list_takes_its_parameter_as_often_as_it_comes(client: TestClient, service: Service) -> None:
    answer = client.get("/v1/submissions?state=received&state=checked&limit=1", headers=key(service))

    assert answer.status_code == 200


def test_a_caller_who_may_not_is_told_nothing_of_it(client: TestClient, service: Service) -> None:
    reader = key(service, scopes=frozenset({Scope.READ}))

    assert is_problem(client.get("/v1/submissions?stat=x"), 401, "unauthenticated")
    assert is_problem(client.post("/v1/replays?x=1", json={}, headers=reader), 403, "forbidden")


@pytest.mark.parametrize("times", [1, 2], ids=["first", "known-by-then"])
def test_a_bundle_is_not_taken_with_one(client: TestClient, service: Service, times: int) -> None:
    headers = key(service) | {"Content-Type": "application/xml"}
    for number in range(times - 1):
        client.post("/v1/submissions", content=b"<x%d/>" % number, headers=headers)

    refused = client.post("/v1/submissions?reason=x", content=b"<y/>", headers=headers)

    assert is_problem(refused, 422, "invalid-request")


@pytest.mark.parametrize("path", ["/livez", "/openapi.json", "/docs/problems"])
def test_pages_for_people_and_probes_stay_lenient(client: TestClient, path: str) -> None:
    assert client.get(f"{path}?from=a-bookmark").status_code == 200
