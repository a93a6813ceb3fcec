"""Puts the stand-in together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Route

from claims.gateway.mock.assessment import Assessor
from claims.gateway.mock.calls import MockGateway
from claims.gateway.mock.cards import CardRegister
from claims.gateway.mock.faults import Faults
from claims.gateway.mock.inspection import Inspector
from claims.gateway.mock.journal import Journal
from claims.gateway.mock.options import DEFAULT_OPTIONS, MockAccount, MockOptions
from claims.gateway.mock.other_routes import make_other_routes
from claims.gateway.mock.protocol_routes import make_protocol_routes
from claims.gateway.mock.reception import Lock, Reception
from claims.gateway.mock.result_routes import make_result_routes
from claims.gateway.mock.sessions import SessionDesk
from claims.gateway.mock.switch_routes import make_switch_routes
from claims.gateway.mock.throttle import Throttle
from claims.gateway.receiving import AnyCase
from signing.trust import TrustStore

_ANY_CARD = CardRegister()


def create_app(  # noqa: PLR0913 - what it knows, each a value of its own
    journal: Path,
    *,
    accounts: Sequence[MockAccount],
    trust: TrustStore,
    certificates: Mapping[str, frozenset[str]],
    options: MockOptions = DEFAULT_OPTIONS,
    cards: CardRegister = _ANY_CARD,
) -> FastAPI:
    """Return the stand-in as an application that remembers what its journal holds.

    ``certificates`` are the lower-case SHA-256 digests that each facility registered.

    Raises:
        JournalBusy: Another process writes this journal.
    """
    inspector = Inspector(trust, certificates, options.claims_per_file)
    lock = None if options.lock_before is None else Lock(options.lock_before, options.lock_code)
    reception = Reception(Journal(journal), inspector=inspector, clock=options.clock, lock=lock)
    desk = SessionDesk(accounts, lifetime_s=options.token_lifetime_s)
    gateway = MockGateway(
        reception,
        desk,
        Faults(options.faults),
        options,
        cards,
        Assessor(reception, scale=options.time_scale, cut_rate=options.cut_rate),
        Throttle(options.rate_per_s),
        options.maintenance,
    )

    @asynccontextmanager
    async def keep_journal(_: FastAPI) -> AsyncIterator[None]:
        """Close the journal when the server stops."""
        yield
        reception.close()

    app = FastAPI(title="Mock gateway", lifespan=keep_journal, openapi_url=None)
    app.include_router(make_switch_routes(gateway))
    protocol = [make(gateway) for make in (make_protocol_routes, make_result_routes, make_other_routes)]
    for router in protocol:
        app.include_router(router)
    routes = (route for router in protocol for route in router.routes)
    app.add_middleware(AnyCase, paths=[route.path for route in routes if isinstance(route, Route)])
    return app
