"""The connection pool that all storage shares."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests

from claims.exchange.errors import StoreUnavailable

Pool = ConnectionPool[Connection[TupleRow]]


def open_pool(database_url: str, *, max_size: int) -> Pool:
    """Return a pool whose connections commit each statement unless a transaction is opened.

    The pool is opened without waiting: a database that is down makes the first use fail, not start-up.
    """
    return ConnectionPool(
        database_url,
        min_size=1,
        max_size=max_size,
        kwargs={"autocommit": True},
        # A look before each use, so that a restarted database costs nobody an error.
        check=ConnectionPool.check_connection,
        open=True,
        name="claims",
        timeout=10.0,
    )


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
