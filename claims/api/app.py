"""The HTTP application: routes, problem documents, request ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from claims.api import checks, events, health, intake, limits, problems, replays, submissions
from claims.api.access import Requires
from claims.runtime.start import open_service
from claims.runtime.wiring import Service

#: Routes that anybody may call.
_PUBLIC = frozenset({"/livez", "/readyz", problems.PAGE})


def create_app(service: Service) -> FastAPI:
    """Return the application around a service."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Hold the service for as long as the application runs."""
        service.warm(
            "authenticate",
            "check_terms",
            "receive",
            "submit_encounter",
            "start_replay",
            "steer_replay",
            "withdraw",
        )
        yield
        service.close()

    app = FastAPI(
        title="eHoSo",
        version="1",
        summary="Claim e-submission for Vietnamese health insurance.",
        lifespan=lifespan,
        responses={
            "default": {
                "description": "A problem document (RFC 9457)",
                "content": {problems.MEDIA_TYPE: {"schema": problems.Problem.model_json_schema()}},
            }
        },
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    problems.install(app)
    for module in (intake, checks, submissions, events, replays, limits, health):
        app.include_router(module.router)
    _refuse_unguarded(app)
    # The framework's own limit sits outside every other layer, where its plain-text answer cannot be
    # made a problem; so the same limit goes here, with the layer that does so around it.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=service.settings.max_body_bytes)
    app.add_middleware(problems.NoPlainErrors)
    app.add_middleware(CorrelationIdMiddleware, header_name="X-Request-ID", validator=_is_short)
    return app


def from_environment() -> FastAPI:
    """Return the application around the service that the environment describes."""
    return create_app(open_service())


def _is_short(request_id: str) -> bool:
    # A caller's id goes into every log line: short, and nothing that could break a line.
    return len(request_id) <= 64 and request_id.replace("-", "").isalnum()  # noqa: PLR2004


def _refuse_unguarded(app: FastAPI) -> None:
    """Refuse to start while a route does not say what its caller needs."""
    for route in app.routes:
        if not isinstance(route, APIRoute) or route.path in _PUBLIC:
            continue
        if not any(isinstance(one.call, Requires) for one in route.dependant.dependencies):
            raise AssertionError(f"{route.path} names no scope")
