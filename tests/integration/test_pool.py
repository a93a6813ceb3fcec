"""A pool lends connections that work, without asking each of them each time."""

import os
import subprocess
import sys
import time

import psycopg
import pytest
from psycopg import Connection, sql

from claims.runtime.wiring import Service
from claims.storage.pool import borrow, open_pool


def backend(connection: Connection[tuple[object, ...]]) -> int:
    return connection.info.backend_pid


def test_a_connection_that_its_server_ended_is_not_lent_even_right_after_a_look(database_url: str) -> None:
    with open_pool(database_url, max_size=1) as pool:
        with borrow(pool) as connection:
            first = backend(connection)
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 60000)", [first])

        with borrow(pool) as connection:
            row = connection.execute("SELECT 1").fetchone()
            second = backend(connection)

    assert row == (1,)
    assert second != first


def test_times_come_in_one_zone_wherever_the_server_stands(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        name = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Ho_Chi_Minh'").format(name))

    with open_pool(database_url, max_size=1) as pool, borrow(pool) as connection:
        row = connection.execute("SELECT to_jsonb('2026-11-29T00:00:00Z'::timestamptz), now()").fetchone()

    assert row is not None
    assert row[0] == "2026-11-29T00:00:00+00:00"
    assert row[1].tzname() == "UTC"


def test_a_busy_connection_is_looked_at_once_and_not_at_every_use(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_pool(database_url, max_size=1) as pool:
        with borrow(pool) as connection:
            looked_at = vars(connection)["looked_at"]
        with borrow(pool) as connection:
            again = vars(connection)["looked_at"]
        later = time.monotonic() + 2
        monkeypatch.setattr(time, "monotonic", lambda: later)
        with borrow(pool) as connection:
            after_a_rest = vars(connection)["looked_at"]

    assert again == looked_at
    assert after_a_rest > looked_at


def test_the_pool_of_a_command_is_closed_when_its_process_ends(service: Service) -> None:
    script = (
        "import atexit\n"
        "from claims.runtime.start import open_service\n"
        "atexit.register(lambda: print(pool.closed))\n"
        "pool = open_service().pool\n"
        "with pool.connection(): pass\n"
    )
    environment = {
        "CLAIMS_DATA_DIR": str(service.settings.data_dir),
        "CLAIMS_DATABASE_URL": service.database_url,
        "CLAIMS_BROKER_URL": service.broker_url,
    }

    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | environment, check=True, capture_output=True
    )

    assert (done.stdout, done.stderr) == (b"True\n", b"")
