"""Roles of the service's processes in the database, and what each may do there.

API and console are held to the bounds of their request by row-level security. The API cannot read what it
only hands in, bundles and encounters; the console shows them to reviewers. Workers see all records and no
way in: people, sessions, keys. None of them may change the database's shape. They are roles that a
connection becomes; whoever connects must be a member of them. A superuser or the tables' owner is held to
nothing: give the processes an address of neither.
"""

from typing import Final, LiteralString

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from claims.storage.migrations import upgrade
from claims.storage.pool import connect

API: Final = "claims_api"
CONSOLE: Final = "claims_console"
WORKER: Final = "claims_worker"

#: Tables that the API writes and never reads.
_WRITE_ONLY: Final = ("submission_body", "origin", "data_key", "moved_content")
#: Who may get in; workers have no use for it.
_WAYS_IN: Final = (
    "person",
    "person_grant",
    "session",
    "sign_in_attempt",
    "api_key",
    "dropin_account",
    "oauth_client",
    "oauth_key",
    "oauth_token",
    "oauth_statement",
    "passkey",
    "person_provider",
    "provider_answer",
)

#: What changes the database's shape and workers may have done (`claims.storage.months`).
_MONTHS: Final[tuple[LiteralString, ...]] = (
    "claims_add_months(timestamptz)",
    "claims_drop_emptied_months(timestamptz)",
)
_MAY_WRITE: LiteralString = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"
_MAKE: LiteralString = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN CREATE ROLE {role} NOLOGIN; END IF;
    -- A superuser may become any role; whoever is not has to be told, also of a role of his own making.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- somebody made it at the same moment
END $$
"""


def make_roles(connection: Connection[TupleRow]) -> None:
    """Make the roles, or bring what they may do up to date; they become usable for the current user.

    Raises:
        psycopg.errors.InsufficientPrivilege: The current user may not create roles, or owns no tables.
    """
    with connection.transaction():
        for name in (API, CONSOLE, WORKER):
            role = sql.Identifier(name)
            connection.execute(sql.SQL(_MAKE).format(name=sql.Literal(name), role=role))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
            connection.execute(
                sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(
                    role
                )
            )
            connection.execute(sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(role))
            connection.execute(
                sql.SQL("REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {}").format(role)
            )
        for part in _parts(connection):
            # Whoever reads a table by month is held to the table's policies, not to its parts'.
            connection.execute(
                sql.SQL("REVOKE ALL ON {} FROM {}").format(
                    sql.Identifier(part), sql.SQL(", ").join(map(sql.Identifier, (API, CONSOLE, WORKER)))
                )
            )
        for function in _MONTHS:
            connection.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(
                    sql.SQL(function), sql.Identifier(WORKER)
                )
            )
        for table in _existing(connection, _WRITE_ONLY):
            connection.execute(
                sql.SQL("REVOKE SELECT, UPDATE, DELETE ON {} FROM {}").format(
                    sql.Identifier(table), sql.Identifier(API)
                )
            )
        for table in _existing(connection, _WAYS_IN):
            connection.execute(
                sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), sql.Identifier(WORKER))
            )
        _let_workers_see_all(connection)


def prepare(database_url: str) -> None:
    """Bring a database of our own to the shape this version needs, with the roles of its processes."""
    upgrade(database_url)
    with connect(database_url, name="claims roles") as connection:
        make_roles(connection)


def tables_with_rows_of_facilities(connection: Connection[TupleRow]) -> list[str]:
    """Return the tables that row-level security is on for."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace "
        "ORDER BY relname"
    ).fetchall()
    return [row[0] for row in rows]


def _parts(connection: Connection[TupleRow]) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace ORDER BY relname"
    ).fetchall()
    return [row[0] for row in rows]


def _let_workers_see_all(connection: Connection[TupleRow]) -> None:
    for table in tables_with_rows_of_facilities(connection):
        connection.execute(sql.SQL("DROP POLICY IF EXISTS worker ON {}").format(sql.Identifier(table)))
        connection.execute(
            sql.SQL("CREATE POLICY worker ON {} TO {} USING (true) WITH CHECK (true)").format(
                sql.Identifier(table), sql.Identifier(WORKER)
            )
        )


def _existing(connection: Connection[TupleRow], tables: tuple[str, ...]) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", [list(tables)]
    ).fetchall()
    return [row[0] for row in rows]
