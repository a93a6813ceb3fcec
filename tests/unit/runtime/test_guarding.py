"""The application does not start while a route does not name its action."""

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI

from claims.api.access import may
from claims.exchange.access.policy import MalformedPolicy
from claims.exchange.access.principal import Principal
from claims.runtime.guarding import refuse_unguarded, routes_of

Reader = Annotated[Principal, may("claim.read")]


def guarded(_caller: Reader) -> None:
    """Need a right."""


def unguarded() -> None:
    """Forget it."""


def an_app(router: APIRouter) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router, prefix="/v1")
    return app


def test_a_route_that_names_no_action_stops_start_up_however_it_was_included() -> None:
    outer, inner = APIRouter(), APIRouter()
    outer.get("/guarded")(guarded)
    inner.get("/forgotten")(unguarded)
    outer.include_router(inner)

    with pytest.raises(AssertionError, match="GET /v1/forgotten names no action"):
        refuse_unguarded(an_app(outer), public=())


def test_an_application_whose_routes_cannot_be_seen_does_not_start() -> None:
    with pytest.raises(AssertionError, match="no route names an action"):
        refuse_unguarded(an_app(APIRouter()), public=())


def test_public_routes_are_public_by_name() -> None:
    router = APIRouter()
    router.get("/guarded")(guarded)
    router.get("/open")(unguarded)

    refuse_unguarded(an_app(router), public={"/v1/open"})

    found = {(route.path, route.actions) for route in routes_of(an_app(router))}
    assert found == {("/v1/guarded", ("claim.read",)), ("/v1/open", ())}


def test_an_action_that_the_table_does_not_have_stops_start_up() -> None:
    with pytest.raises(MalformedPolicy):
        may("claim.burn")
