"""What the server runs: the API and, beside it, the console. The only place that knows both."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse

from claims.api.app import NEEDED
from claims.api.app import create_app as create_api
from claims.console.addresses import MOUNT, page_url
from claims.console.app import create_console
from claims.runtime.start import open_service
from claims.runtime.telemetry.scrape import listen
from claims.runtime.wiring import Service
from claims.storage import roles


def create_app(service: Service) -> FastAPI:
    """Return the application around a service."""
    app = create_api(service, console=(f"{MOUNT}/",))
    app.mount(MOUNT, create_console(service))
    for path in ("/", MOUNT):
        app.add_route(path, _to_console, include_in_schema=False)
    return app


def from_environment() -> FastAPI:
    """Return the application around the service that the environment describes."""
    service = open_service(database_role=roles.CONSOLE)
    # Where keys were lost it is better not to start than to take in what nobody can open or prove.
    service.require_keys()
    # Whatever is wrong with its files is told in a line before anybody is answered.
    service.warm("review_policy", "provider", *NEEDED)
    settings = service.settings
    if settings.metrics_port is not None:
        listen(service.metrics, host=settings.metrics_host, port=settings.metrics_port)
    return create_app(service)


async def _to_console(_request: Request) -> RedirectResponse:
    return RedirectResponse(page_url("/"))
