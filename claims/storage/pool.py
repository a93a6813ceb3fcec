"""Connections to the database: the pool that all storage shares, and how any connection is made.

A host that is cut off must neither wait for ever nor keep what it holds: by default TCP gives a silent
peer a quarter of an hour on one side and two hours on the other, while its row locks stay.
"""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, LiteralString

from psycopg import Connection, OperationalError, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from claims.exchange.access.bounds import bounds
from claims.exchange.errors import StoreUnavailable

Pool = ConnectionPool["_Connection"]

# Our side gives up a silent server after so long; over a unix socket none of it applies.
_CLIENT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
# The server gives us up as soon, and with us our locks. The zone of times, and what a row is in text, do not
# depend on where the server stands.
_SERVER: LiteralString = (
    "SET timezone = 'UTC'; "
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2; "
    "SET tcp_user_timeout = 20000; SET idle_in_transaction_session_timeout = 60000"
)

# A look costs a round trip. Within this time after one, a connection that says nothing of itself is taken for
# alive: a server that ends, or ends a session, closes its side, and that is seen without asking.
_LOOK_HOLDS_S: Final = 1.0


class _Connection(Connection[TupleRow]):
    """One of a pool: knows when it was last looked at, and to what reach it is bound."""

    looked_at: float = float("-inf")
    codes: str | None = None

    def is_sure(self) -> bool:
        """Return whether it was looked at a moment ago, and its server has said nothing since."""
        return time.monotonic() - self.looked_at < _LOOK_HOLDS_S and not self._has_news()

    def _has_news(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))


def open_pool(database_url: str, *, max_size: int, role: str | None = None) -> Pool:
    """Return a pool whose connections commit each statement unless a transaction is opened.

    The pool is opened without waiting: a database that is down makes the first use fail, not start-up.

    Args:
        database_url: Where the database is.
        max_size: Connections at most.
        role: What connections become (`claims.storage.roles`); the database holds them to `bounds`.
    """

    def configure(connection: _Connection) -> None:
        _configure(connection)
        if role is not None:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))

    return ConnectionPool(
        make_conninfo(database_url, **_CLIENT),
        connection_class=_Connection,
        min_size=1,
        max_size=max_size,
        kwargs={"autocommit": True},
        configure=configure,
        # A look before use, so that a restarted database costs nobody an error.
        check=_look if role is None else _bind,
        open=True,
        name="claims",
        timeout=10.0,
    )


def connect(database_url: str, *, name: str) -> Connection[TupleRow]:
    """Return a connection outside the pool, which ``pg_stat_activity`` shows by this name.

    Raises:
        psycopg.OperationalError: The database cannot be reached.
    """
    connection = Connection.connect(
        make_conninfo(database_url, **_CLIENT), autocommit=True, application_name=name
    )
    _configure(connection)
    return connection


def require_database(database_url: str) -> None:
    """Look whether the database lets us in: a pool tries for some time, and can only say that it was long.

    Raises:
        StoreUnavailable: It does not; with what it said.
    """
    try:
        connect(database_url, name="claims").close()
    except OperationalError as error:
        raise StoreUnavailable(str(error).partition("\n")[0]) from error


@contextmanager
def borrow(pool: Pool) -> Iterator[Connection[TupleRow]]:
    """Lend a connection.

    Raises:
        StoreUnavailable: The database cannot be reached, or every connection stayed in use too long.
    """
    try:
        with pool.connection() as connection:
            yield connection
    except (OperationalError, PoolTimeout, TooManyRequests) as error:
        raise StoreUnavailable(type(error).__name__) from error


def _look(connection: _Connection) -> None:
    if not connection.is_sure():
        ConnectionPool.check_connection(connection)
        connection.looked_at = time.monotonic()


def _bind(connection: _Connection) -> None:
    # In place of the look that has to be taken anyway, so the bounds cost no round trip of their own.
    reach = bounds()
    codes = "*" if reach.is_everywhere else ",".join(reach.codes)
    if connection.codes != codes or not connection.is_sure():
        connection.codes = None  # whatever becomes of the statement
        connection.execute("SELECT set_config('claims.reach', %s, false)", [codes])
        connection.codes, connection.looked_at = codes, time.monotonic()


def _configure(connection: Connection[TupleRow]) -> None:
    connection.execute(_SERVER)
