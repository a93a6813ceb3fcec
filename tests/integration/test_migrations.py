"""Revisions of the database keep what is there, up and down."""

import psycopg
from alembic import command
from alembic.config import Config

from claims.storage.migrations import current_revision, newest_revision
from claims.storage.row_chain import ROW_CHAIN, extend, row_faults

DER, DIGEST = b"one", "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", "claims:storage/migrations")
    config.attributes["database_url"] = database_url
    return config


def test_registrations_become_events_and_come_back(database_url: str) -> None:
    command.downgrade(config(database_url), "0001")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO facility VALUES ('99001', 'Một', '2026-01-01Z')")
        connection.execute(
            "INSERT INTO facility_certificate VALUES ('99001', sha256(%s), %s, '2026-02-01Z', '2026-03-01Z')",
            [DER, DER],
        )

    command.upgrade(config(database_url), "head")
    with psycopg.connect(database_url) as connection:
        assert current_revision(connection) == newest_revision()
        events = connection.execute(
            "SELECT encode(sha256, 'hex'), change, noted_at AT TIME ZONE 'UTC' "
            "FROM registration_event ORDER BY id"
        ).fetchall()
    assert [(digest, change, f"{at:%F}") for digest, change, at in events] == [
        (DIGEST, "registered", "2026-02-01"),
        (DIGEST, "suspended", "2026-03-01"),
    ]

    command.downgrade(config(database_url), "0001")
    with psycopg.connect(database_url) as connection:
        (row,) = connection.execute(
            "SELECT registered_at = '2026-02-01Z', suspended_at = '2026-03-01Z' FROM facility_certificate"
        ).fetchall()
    assert row == (True, True)


def test_rows_that_were_there_before_the_chain_are_noted_once(database_url: str) -> None:
    command.downgrade(config(database_url), "0039")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO facility VALUES ('99001', 'Một', '2026-01-01Z')")
        connection.execute("INSERT INTO facility_certificate VALUES ('99001', sha256(%s), %s)", [DER, DER])
        for day in (3, 2):
            register(connection, day)

    command.upgrade(config(database_url), "0040")
    with psycopg.connect(database_url, autocommit=True) as connection:
        register(connection, 4)  # by whoever runs already
    command.upgrade(config(database_url), "head")

    with psycopg.connect(database_url) as connection:
        assert extend(connection) == 3
        chained = connection.execute("SELECT key FROM row_chain ORDER BY position").fetchall()
        assert [key for (key,) in chained] == ["3", "2", "1"]
        assert list(row_faults(connection)) == []
        assert list(ROW_CHAIN.walk(connection).rest()) == []  # nothing is dated back


def register(connection: psycopg.Connection[tuple[object, ...]], day: int) -> None:
    connection.execute(
        "INSERT INTO registration_event (facility, sha256, change, since, noted_at, noted_by, reason) "
        "VALUES ('99001', sha256(%s), 'registered', '2026-01-01Z', %s, 'x', 'x')",
        [DER, f"2026-01-{day:02}Z"],
    )
