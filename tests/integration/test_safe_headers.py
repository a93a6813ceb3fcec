"""Every answer, of whatever kind, keeps a browser from doing what nobody asked for."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from claims.runtime.settings import Settings
from claims.runtime.wiring import Service
from claims.web import create_app
from tests.in_process import TestClient

pytestmark = pytest.mark.any_server

ANSWERS = [
    pytest.param("/livez", 200, id="fine"),
    pytest.param("/v1/submissions", 401, id="without-a-key"),
    pytest.param("/nowhere", 404, id="no-route"),
    pytest.param("/docs", 200, id="the-api's-page"),
    pytest.param("/openapi.json", 200, id="its-description"),
    pytest.param("/console/signin", 200, id="a-page"),
    pytest.param("/console/nowhere", 404, id="no-page"),
    pytest.param("/broken", 500, id="a-fault-of-ours"),
]


async def broken(request: Request) -> Response:
    raise RuntimeError(request.method)


@pytest.fixture
def app(service: Service) -> FastAPI:
    app = create_app(service)

    app.add_route("/broken", broken)
    return app


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as browser:
        yield browser


@pytest.mark.parametrize(("path", "status"), ANSWERS)
def test_every_answer_has_them(browser: TestClient, path: str, status: int) -> None:
    answer = browser.get(path)

    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert "Cache-Control" in answer.headers
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(("path", "status"), ANSWERS)
def test_where_people_come_by_https_browsers_are_told_to_stay_with_it(
    service: Service, path: str, status: int
) -> None:
    settings = service.settings.model_copy(update={"public_url": "https://ehoso.example"})
    secure = Service(Settings.model_validate(settings), service.database_url, service.broker_url)
    app = create_app(secure)
    app.add_route("/broken", broken)

    with TestClient(app, raise_server_exceptions=False) as browser:
        answer = browser.get(path)

    assert answer.status_code == status
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")


@pytest.mark.parametrize("path", ["/", "/console"])
def test_the_way_to_the_console_names_no_host(browser: TestClient, path: str) -> None:
    answer = browser.get(path, headers={"Host": "elsewhere.example"})

    assert (answer.status_code, answer.headers["Location"]) == (307, "/console/")
