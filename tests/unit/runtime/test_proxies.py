"""What proxies say of a caller counts where they are trusted, and nobody else's word does."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from claims.runtime.proxies import BehindProxies, TrustedProxies
from tests.in_process import TestClient

PROXY = ("10.0.0.0/24",)


async def _who(request: Request) -> JSONResponse:
    client = request.client
    return JSONResponse([request.url.scheme, None if client is None else client.host])


def ask(peer: str, headers: list[tuple[str, str]], proxies: tuple[str, ...] = PROXY) -> list[str]:
    app = BehindProxies(Starlette(routes=[Route("/", _who)]), TrustedProxies(proxies))
    answer: list[str] = TestClient(app, client=(peer, 5)).get("/", headers=headers).json()
    return answer


@pytest.mark.parametrize(
    ("peer", "headers", "seen"),
    [
        pytest.param(
            "10.0.0.1",
            {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
            ["https", "192.0.2.7"],
            id="proxy",
        ),
        pytest.param(
            "192.0.2.9",
            {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"},
            ["http", "192.0.2.9"],
            id="no-proxy",
        ),
        pytest.param(
            "10.0.0.1", {"X-Forwarded-For": "1.1.1.1, 192.0.2.7"}, ["http", "192.0.2.7"], id="invented"
        ),
        pytest.param(
            "10.0.0.1", {"X-Forwarded-For": "192.0.2.7, 10.0.0.2"}, ["http", "192.0.2.7"], id="two-hops"
        ),
        pytest.param("10.0.0.1", {"X-Forwarded-Proto": "javascript"}, ["http", "10.0.0.1"], id="odd-scheme"),
    ],
)
def test_only_the_word_of_a_trusted_proxy_counts(peer: str, headers: dict[str, str], seen: list[str]) -> None:
    assert ask(peer, list(headers.items())) == seen


def test_two_schemes_are_no_scheme() -> None:
    both = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")]

    assert ask("10.0.0.1", both) == ["http", "10.0.0.1"]


def test_where_no_proxies_are_named_nobody_is_believed() -> None:
    assert ask("10.0.0.1", [("X-Forwarded-For", "192.0.2.7")], ()) == ["http", "10.0.0.1"]
