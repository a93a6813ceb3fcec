"""The embedded servers start fast, are shared, survive what they must and leave nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from kombu import Connection

from claims.runtime import embedded
from claims.runtime.embedded import Addresses, NoEmbeddedServices, embedded_services, find_running

_HOLD = """
import sys, time
from pathlib import Path
from claims.runtime.embedded import embedded_services
with embedded_services(Path(sys.argv[1])) as addresses:
    print(addresses.database_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "dữ liệu"
    yield folder
    if find_running(folder):
        with embedded_services(folder):
            pass  # takes over what a killed process left, and stops it


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the servers until its input ends."""
    command = [sys.executable, "-c", _HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        yield process


def _number_in(addresses: Addresses) -> int:
    with psycopg.connect(addresses.database_url) as connection:
        row = connection.execute("SELECT number FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def _keep(addresses: Addresses, number: int) -> None:
    with psycopg.connect(addresses.database_url) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def test_a_copy_of_a_folder_in_use_does_not_lead_to_the_servers_of_the_original(
    folder: Path, holder: subprocess.Popen[str]
) -> None:
    del holder
    copy = folder.with_name("copy")
    copy.mkdir()
    (copy / "run").symlink_to((folder / "run").readlink())

    assert find_running(folder)
    assert find_running(copy) is None
    with embedded_services(copy) as own:
        assert own != find_running(folder)
    assert find_running(folder)


def test_both_servers_answer_and_stop_with_the_block(folder: Path) -> None:
    with embedded_services(folder) as addresses:
        with psycopg.connect(addresses.database_url) as connection:
            durable = connection.execute("SELECT current_setting('fsync')").fetchone()
        with Connection(addresses.broker_url) as broker:
            queue = broker.SimpleQueue("greetings")
            queue.put({"hello": "xin chào"})
            heard = queue.get(timeout=60).payload
            queue.close()
        running = find_running(folder)

    assert durable == ("on",)
    assert heard == {"hello": "xin chào"}
    assert running == addresses
    assert find_running(folder) is None


def test_what_was_stored_is_there_after_a_restart(folder: Path) -> None:
    with embedded_services(folder) as addresses:
        _keep(addresses, 42)

    with embedded_services(folder) as addresses:
        assert _number_in(addresses) == 42


def test_the_servers_run_on_until_the_last_process_leaves(
    folder: Path, holder: subprocess.Popen[str]
) -> None:
    with embedded_services(folder) as addresses:
        _keep(addresses, 7)

    assert find_running(folder) == addresses
    holder.communicate("")
    assert find_running(folder) is None


def test_servers_that_outlive_a_killed_process_are_taken_over(
    folder: Path, holder: subprocess.Popen[str]
) -> None:
    left = find_running(folder)
    holder.kill()
    holder.wait()

    with embedded_services(folder) as addresses:
        assert addresses == left
    assert find_running(folder) is None


def test_a_killed_database_server_is_started_again_with_its_data(folder: Path) -> None:
    with embedded_services(folder) as addresses:
        _keep(addresses, 3)
        postmaster = int((folder / "postgresql" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)

        with embedded_services(folder) as restarted:
            assert _number_in(restarted) == 3


def test_a_long_folder_name_does_not_exceed_the_length_of_a_socket_path(tmp_path: Path) -> None:
    folder = tmp_path / ("sâu" * 40)

    with embedded_services(folder) as addresses, psycopg.connect(addresses.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_variables_meant_for_other_servers_are_not_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")

    with embedded_services(folder) as addresses, psycopg.connect(addresses.database_url) as connection:
        assert connection.info.port == 5432


def test_nothing_runs_in_a_folder_nobody_used(tmp_path: Path) -> None:
    assert find_running(tmp_path) is None


def test_a_missing_wheel_names_the_extra_and_both_settings() -> None:
    with pytest.raises(NoEmbeddedServices) as caught:
        embedded._packaged("never_installed", "bin/postgres")

    for name in ("never-installed", "ehoso[embedded]", "CLAIMS_DATABASE_URL", "CLAIMS_BROKER_URL"):
        assert name in str(caught.value)
