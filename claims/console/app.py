"""The console as an application of its own, to be mounted beside the API."""

from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response

from claims.console import account, answers, provider
from claims.console.administrators import clients, erasing, facilities, holds, people
from claims.console.auditors import events, readings
from claims.console.hospital import deadlines, handing_in, questions, setting_up
from claims.console.naming import Names
from claims.console.operators import exports, failures, holdings, overview, queues, replays, submissions
from claims.console.pages import STATIC, assets
from claims.console.reviewers import alike, claim, deciding, glass, inbox, watching
from claims.runtime.guarding import refuse_unguarded
from claims.runtime.headers import SafeHeaders
from claims.runtime.proxies import BehindProxies, TrustedProxies
from claims.runtime.telemetry.tracing import NOT_THE_FRAMEWORKS
from claims.runtime.wiring import Service

_ROUTERS: Final = (
    account.router,
    provider.router,
    inbox.router,
    watching.router,
    alike.router,
    claim.router,
    deciding.router,
    glass.router,
    overview.router,
    failures.router,
    exports.router,
    submissions.router,
    replays.router,
    queues.router,
    holdings.router,
    handing_in.router,
    deadlines.router,
    questions.router,
    setting_up.router,
    readings.router,
    events.router,
    people.router,
    facilities.router,
    clients.router,
    erasing.router,  # before one submission by its id
    holds.router,
)
_STATIC_FILES: Final = f"{STATIC}/{{digest}}/{{name}}"
_KINDS: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_HEADERS: Final = {
    # Nothing inline, nothing from elsewhere, framed by nobody.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def create_console(service: Service) -> FastAPI:
    """Return the console around a service; its user mounts it and closes the service."""
    app = FastAPI(
        title="eHoSo console",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=NOT_THE_FRAMEWORKS,
    )
    app.state.service = service
    app.state.names = Names(service)
    answers.install(app)
    app.add_api_route(_STATIC_FILES, static_file, methods=["GET"])
    for router in _ROUTERS:
        # As they stand: to include them would build their routes once more in each process.
        app.router.routes.extend(router.routes)
    refuse_unguarded(app, public={*account.PUBLIC, _STATIC_FILES})
    app.add_middleware(BehindProxies, proxies=TrustedProxies.of(service.settings))
    app.add_middleware(SafeHeaders, headers=_HEADERS)
    return app


def static_file(name: str) -> Response:
    """Return the style sheet or a script; its address changes with its content."""
    content = assets().get(name)
    if content is None:
        raise HTTPException(answers.NOT_FOUND)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=_KINDS[name.rpartition(".")[2]], headers=headers)
