"""What every test may ask for: servers, a fresh database, a broker of its own.

Without settings each worker of the session runs its own embedded PostgreSQL and Valkey in a temporary
folder: the log of evidence waits for the transactions of every database of its server, and no test should
wait for another. With ``CLAIMS_DATABASE_URL`` and ``CLAIMS_BROKER_URL`` the same tests run against those
servers; several database addresses, with blanks between them, are shared out among the workers.
No other ``CLAIMS_`` variable of the developer reaches a test.
"""

import gc
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
import redis
from argon2 import PasswordHasher
from psycopg import sql

from claims.runtime.embedded import Addresses, embedded_services

_SERVERS = ("CLAIMS_DATABASE_URL", "CLAIMS_BROKER_URL")
_GIVEN = {name: os.environ[name] for name in _SERVERS if name in os.environ}
#: Whether the servers are not the embedded ones.
ON_GIVEN_SERVERS = bool(_GIVEN)
_FOLDER = pytest.StashKey[Path]()
_ROOM = 4 << 30
#: A folder of public XML signature vectors, or None (tests/differential/test_public_vectors.py).
XMLDSIG_VECTORS = os.environ.get("XMLDSIG_VECTORS")

# jsonschema would build the 38 grammars of a format that no test asks for: a second of every session.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Another process may have the processor for a while; a slow example is no fault.
hypothesis.settings.register_profile(
    "ehoso", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# For a long look by hand: ./run test --hypothesis-profile=thorough tests/property
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=20_000)
hypothesis.settings.load_profile("ehoso")


class _Node(Protocol):
    """A worker of pytest-xdist, as its controller sees it."""

    config: pytest.Config
    workerinput: dict[str, str]


def require_tool(name: str) -> str:
    """Return the path of a program, or skip the test. Where ``CI=true``, such a skip is a failure."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to run only what can tell one server from another."""
    parser.addoption("--on-servers", action="store_true", help="only the tests that meet a server")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, where it is asked for, what meets no server."""
    if not config.getoption("--on-servers"):
        return
    meeting = [
        item
        for item in items
        if "services" in getattr(item, "fixturenames", ())
        and (item.get_closest_marker("this_server") or not item.get_closest_marker("any_server"))
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(meeting)])
    items[:] = meeting


def pytest_configure(config: pytest.Config) -> None:
    """Make one folder for the session's servers, or learn from the controller which it is."""
    workerinput: dict[str, str] | None = getattr(config, "workerinput", None)
    folder = (
        workerinput["services_folder"]
        if workerinput
        else tempfile.mkdtemp(prefix="ehoso-tests-", dir=_memory())
    )
    config.stash[_FOLDER] = Path(folder)


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Have three workers for two cores: a third of their time they wait for servers, processes and clocks."""
    cores = yield
    return cores * 3 // 2


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Tell a worker where the session's servers are."""
    node.workerinput["services_folder"] = str(node.config.stash[_FOLDER])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Hide the developer's settings from the tests; workers get them through the controller first."""
    if session.config.getoption("dist", "no") == "no":
        for name in [name for name in os.environ if name.startswith("CLAIMS_")]:
            del os.environ[name]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the servers' folder."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Have no collection of garbage look at the eleven thousand tests again: it took a tenth of a session."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip for want of a tool into a failure where everything must run."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason.startswith("needs "):
            report.outcome = "failed"
            report.longrepr = f"CI must not skip this test: it {reason}"
    return report


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """Hash passwords at the least cost: what a guess costs is no question of these tests."""
    make = PasswordHasher.__init__

    def make_quick(self: PasswordHasher, **_: object) -> None:
        make(self, time_cost=1, memory_cost=8, parallelism=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PasswordHasher, "__init__", make_quick)
        yield


@pytest.fixture(scope="session")
def services(pytestconfig: pytest.Config, worker_id: str) -> Iterator[Addresses]:
    """Servers for all tests of a worker. Tests share them: take `database_url` and `broker_url` instead."""
    if len(_GIVEN) == len(_SERVERS):
        databases, broker = (_GIVEN[name] for name in _SERVERS)
        urls = databases.split()
        yield Addresses(urls[_number(worker_id) % len(urls)], broker)
    elif _GIVEN:
        pytest.exit(f"set both {' and '.join(_SERVERS)}, or neither", returncode=4)
    else:
        with embedded_services(pytestconfig.stash[_FOLDER] / worker_id) as addresses:
            _leave_nothing_to_do(addresses)
            yield addresses


@pytest.fixture(scope="session")
def migrated_database(services: Addresses, worker_id: str) -> Iterator[str]:
    """Name of a database at the newest revision that others are copied from."""
    from claims.storage.migrations import upgrade

    name = f"claims_test_{uuid.uuid4().hex[:8]}_{worker_id}"
    _execute(services, "CREATE DATABASE {}", name)
    upgrade(_database_at(services.database_url, name))
    yield name
    _execute(services, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def empty_database_url(services: Addresses) -> Iterator[str]:
    """Address of a database of this test's own without any table."""
    name = f"claims_test_{uuid.uuid4().hex}"
    _execute(services, "CREATE DATABASE {}", name)
    yield _database_at(services.database_url, name)
    _execute(services, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def database_url(services: Addresses, migrated_database: str) -> Iterator[str]:
    """Address of a migrated database of this test's own."""
    name = f"claims_test_{uuid.uuid4().hex}"
    # Files are copied in half the time that it takes to log them page by page.
    _execute(services, "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, migrated_database)
    yield _database_at(services.database_url, name)
    _execute(services, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def broker_url(services: Addresses, worker_id: str) -> Iterator[str]:
    """Address of an empty broker database that no other worker of the session uses."""
    number = _number(worker_id)
    url = _broker_at(services.broker_url, number)
    _flush(services.broker_url, number)
    yield url
    _flush(services.broker_url, number)


def _memory() -> Path | None:
    """Return where files lie in memory, if there is room: a database is made there in a tenth of the time."""
    folder = Path("/dev/shm")
    has_room = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM
    return folder if has_room else None


def _number(worker_id: str) -> int:
    """Return which worker of the session this is: 0 if there is one process only."""
    return 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0


def _leave_nothing_to_do(services: Addresses) -> None:
    """Have PostgreSQL not wait for the disk, since nothing outlives the session, nor tidy in between."""
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")


def _execute(services: Addresses, statement: str, *names: str) -> None:
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _database_at(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _broker_at(url: str, number: int) -> str:
    if url.startswith("redis+socket:"):
        return f"{url}?virtual_host={number}"
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def _flush(url: str, number: int) -> None:
    if url.startswith("redis+socket:"):
        client = redis.Redis.from_url(url.replace("redis+socket:", "unix:"), db=number)
    else:  # a number in the address would win over the argument
        client = redis.Redis.from_url(_broker_at(url, number))
    client.flushdb()
    client.close()
