"""Puts the stand-in together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from claims.gateway.mock.cards import CardRegister
from claims.gateway.mock.faults import Faults
from claims.gateway.mock.inspection import Inspector
from claims.gateway.mock.journal import Journal
from claims.gateway.mock.options import DEFAULT_OPTIONS, MockAccount, MockOptions
from claims.gateway.mock.protocol_routes import MockGateway, make_protocol_routes
from claims.gateway.mock.reception import Reception
from claims.gateway.mock.sessions import SessionDesk
from claims.gateway.mock.switch_routes import make_switch_routes
from signing.certificates import TrustStore

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
    reception = Reception(Journal(journal), inspector=inspector, clock=options.clock)
    desk = SessionDesk(accounts, lifetime_s=options.token_lifetime_s)
    gateway = MockGateway(reception, desk, Faults(options.faults), options, cards)

    @asynccontextmanager
    async def keep_journal(_: FastAPI) -> AsyncIterator[None]:
        """Close the journal when the server stops."""
        yield
        reception.close()

    app = FastAPI(title="Mock gateway", lifespan=keep_journal, openapi_url=None)
    app.include_router(make_switch_routes(gateway))
    app.include_router(make_protocol_routes(gateway))
    return app
