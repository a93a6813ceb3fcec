"""The HTTP application: routes, problem documents, request ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from claims.api import (
    access_events,
    batches,
    check_ins,
    checks,
    events,
    health,
    intake,
    limits,
    machines,
    noting,
    openapi,
    openings,
    pages,
    papers,
    personal_data,
    problems,
    proofs,
    readings,
    replays,
    results,
    retention,
    reviews,
    submissions,
    talks,
    tokens,
    webhooks,
)
from claims.api.body_limits import BodyLimits
from claims.api.dropin import reads as dropin_reads
from claims.api.dropin import routes as dropin
from claims.api.measuring import Measuring
from claims.gateway.protocol import TOKEN_PATH
from claims.gateway.receiving import AnyCase
from claims.runtime.guarding import refuse_unguarded
from claims.runtime.headers import API_HEADERS, SafeHeaders, over_tls
from claims.runtime.start import open_service
from claims.runtime.telemetry.tracing import NOT_THE_FRAMEWORKS, configure_tracing
from claims.runtime.wiring import Service
from claims.storage import roles

#: What of a service must work before anything is taken in.
NEEDED: Final = (
    "who_calls",
    "check_terms",
    "watched_trust",
    "receive",
    "service_keys",
    "submit_encounter",
    "start_replay",
    "steer_replay",
    "withdraw",
    "keep_webhooks",
    "jobs",
    "metrics",
    "readiness",
    "batch_runner",
    "protection",
    "break_glass",
    "clients",
    "grant_token",
    "manage_clients",
    "issue_key",
    "rotate_key",
    "retain",
)
#: Routes that anybody may call.
_PUBLIC = frozenset(
    {
        "/openapi.json",
        "/livez",
        "/readyz",
        health.METRICS,
        problems.PAGE,
        pages.PAGE,
        pages.FILE,
        proofs.KEYS,
        papers.CODE_PATH,
        TOKEN_PATH,
        tokens.TOKEN,
    }
)


class _Api(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # Around everything, also around what answers where all else failed.
        settings = self.state.service.settings
        return SafeHeaders(super().build_middleware_stack(), API_HEADERS | over_tls(settings.public_url))


def create_app(service: Service, *, console: tuple[str, ...] = ()) -> FastAPI:
    """Return the application around a service.

    Args:
        service: What it is around.
        console: Below which paths pages for people are mounted, which tell of errors themselves.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Hold the service for as long as the application runs."""
        service.warm(*NEEDED)
        configure_tracing(service.settings, "api")
        service.batch_runner.resume()
        yield
        service.batch_runner.stop()
        service.close()

    app = _Api(
        title="eHoSo",
        version="1",
        summary="Claim e-submission for Vietnamese health insurance.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Many clients drop the body or the key on a redirection; a 404 says what is meant.
        redirect_slashes=False,
        telemetry=NOT_THE_FRAMEWORKS,
    )
    app.state.service = service
    problems.install(app)
    talks.install(app)
    modules = [
        intake,
        batches,
        checks,
        submissions,
        results,
        reviews,
        events,
        webhooks,
        proofs,
        personal_data,
        access_events,
        readings,
        papers,
        retention,
        openings,
        machines,
        tokens,
        replays,
        limits,
        health,
    ]
    if service.settings.check_ins:
        modules.append(check_ins)
    if service.settings.dropin:
        modules += [dropin, dropin_reads]
    for module in [*modules, pages]:
        # As they stand: to include a router would build its routes once more in each process.
        app.router.routes.extend(module.router.routes)
    openapi.install(app)
    refuse_unguarded(app, public=_PUBLIC)
    # The framework's own limit sits outside every other layer, where its plain-text answer cannot be
    # made a problem; so the same limit goes here, with the layer that does so around it.
    app.add_middleware(noting.NotesFirst)
    app.add_middleware(BodyLimits, settings=service.settings, console=console)
    if service.settings.dropin:
        routes = [*dropin.router.routes, *dropin_reads.router.routes]
        app.add_middleware(AnyCase, paths=[route.path for route in routes if isinstance(route, Route)])
    app.add_middleware(problems.NoPlainErrors)
    app.add_middleware(CorrelationIdMiddleware, header_name="X-Request-ID", validator=_is_short)
    app.add_middleware(Measuring)
    return app


def from_environment() -> FastAPI:
    """Return the application around the service that the environment describes."""
    return create_app(open_service(database_role=roles.API))


def _is_short(request_id: str) -> bool:
    # A caller's id goes into every log line: short, and nothing that could break a line.
    return len(request_id) <= 64 and request_id.replace("-", "").isalnum()  # noqa: PLR2004
