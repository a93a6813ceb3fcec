"""The database's shape, as Alembic revisions of plain SQL."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import psycopg

from claims.errors import ClaimsError
from claims.exchange.errors import StoreUnavailable
from claims.storage.feed import renumber

if TYPE_CHECKING:
    from alembic.config import Config

#: Only one process migrates at a time; the others wait and find nothing left to do.
_MIGRATION_LOCK = 0x65486F536F


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - half a second that only migrations are worth

    config = Config()
    config.set_main_option("script_location", str(resources.files(__package__)))
    return config


class NewerDatabase(ClaimsError):
    """A newer version of the code has changed the database's shape."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database is at revision {revision}, which this version does not know: install the version "
            "that made it, or a later one"
        )
        self.revision = revision


def upgrade(database_url: str) -> None:
    """Bring the database to the newest revision.

    Raises:
        NewerDatabase: It is at one that only a newer version knows.
        StoreUnavailable: The database cannot be reached, or does not let us in.
    """
    from alembic import command  # noqa: PLC0415

    with _connect(database_url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        present = current_revision(connection)
        if present is not None and not is_known(present):
            raise NewerDatabase(present)
        config = _config()
        config.attributes["database_url"] = database_url
        command.upgrade(config, "head")
        connection.execute("SELECT claims_add_months(now() + interval '92 days')")
        renumber(connection)


def _connect(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(database_url, autocommit=True)
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error).partition("\n")[0]) from error


def newest_revision() -> str:
    """Return the revision that this version of the code expects."""
    return _revisions()[0]


def is_known(revision: str) -> bool:
    """Return whether this version of the code has a revision; if not, a newer one has made it."""
    return revision in _revisions()


def is_usable(revision: str | None) -> bool:
    """Return whether this version can work on a database of a revision: its own, or one of a newer version.

    While versions are exchanged the database is ahead of the older one's processes, which go on
    (docs/guides/migrations.md).
    """
    return revision is not None and (revision == newest_revision() or not is_known(revision))


@cache
def _revisions() -> Sequence[str]:
    """Return the revisions that this version has, the newest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    return [one.revision for one in ScriptDirectory.from_config(_config()).walk_revisions()]


def current_revision(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Return the revision the database is at, or None when it was never migrated."""
    found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
