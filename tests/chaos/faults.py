"""What goes wrong, each kind once: how it strikes and how it is undone."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import redis
from kombu.exceptions import OperationalError

from claims.gateway.mock.faults import Endpoint, FaultKind
from claims.runtime.broker import make_celery
from claims.runtime.settings import Settings
from tests.chaos.site import Site

Undo = Callable[[], object]

#: The gateway's faults that change what it will say of a bundle for good.
_LASTING = frozenset({FaultKind.LATE_ERROR})
#: Of all requests so many meet each kind: nearly every second one meets some kind.
_RATE = 0.03
#: Asks all who send to wait for a second; where it is asked seldom, or nothing would get through.
_ASKING, _ASKED_FOR = "error_503_html:1", (FaultKind.ERROR_503_HTML, Endpoint.TOKEN)
_FILLER = "filler"


class Missed(Exception):
    """There was nothing to hit at that moment."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Attributes:
        strike: Does it; returns what undoes it, if anything has to. Raises `Missed`.
        lasts_s: For how long, at least and at most.
    """

    kind: str
    strike: Callable[[random.Random], Undo | None]
    lasts_s: tuple[float, float] = (0, 0)


def faults_of(site: Site) -> Iterator[Fault]:
    """Yield every kind that can happen to this site."""
    for name in site.programs:
        yield Fault(f"SIGKILL {name}", _killer(site, name))
    yield Fault("SIGKILL child of check", lambda choose: _kill_child(site, choose))
    yield Fault("SIGKILL keeper of the schedule", lambda _: _kill_keeper(site))
    yield Fault("SIGKILL broker", lambda _: _kill(site.servers.supervisor.pid("broker")))
    yield Fault("broker FLUSHALL", lambda _: _flush(site))
    yield Fault("SIGKILL PostgreSQL, all of it", lambda _: _kill(site.servers.postmaster))
    yield Fault("SIGKILL PostgreSQL, one session", lambda choose: _kill_session(site, choose))
    for name in ("check", "deliver"):
        yield Fault(f"{name} frozen past its leases", _freezer(site, name), (12, 22))
    yield Fault("deliver deaf to the broker", lambda _: _deafen(site))
    yield Fault("clock jump on one host", lambda choose: _skew(site, choose), (8, 20))
    yield Fault("two replays of one selection", lambda _: _replay_twice(site))
    if site.host is not None:
        yield Fault("network cut", lambda _: _cut(site), (3, 15))
    if site.disk_is_small:
        yield Fault("disk full", lambda _: _fill(site), (2, 4))


def _kill(pid: int | None) -> None:
    if pid is None:
        raise Missed
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError as error:
        raise Missed from error


def _killer(site: Site, name: str) -> Callable[[random.Random], None]:
    return lambda _: _kill(site.pid(name))


def _kill_child(site: Site, choose: random.Random) -> None:
    parent = site.pid(choose.choice([name for name in site.programs if name.endswith("check")]))
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
        if children:
            _kill(int(choose.choice(children)))
            return
    raise Missed


def _query(site: Site, statement: str) -> list[str]:
    try:
        with psycopg.connect(site.addresses.database_url, connect_timeout=3) as connection:
            return [row[0] for row in connection.execute(statement.encode()).fetchall()]
    except psycopg.Error as error:
        raise Missed from error


def _kill_keeper(site: Site) -> None:
    holders = _query(
        site,
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'claims keeper%'",
    )
    _kill(int(holders[0].split()[-1]) if holders else None)


def _kill_session(site: Site, choose: random.Random) -> None:
    # One killed session makes PostgreSQL end all others and recover.
    pids = _query(
        site,
        "SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'client backend' "
        "AND pid <> pg_backend_pid()",
    )
    _kill(int(choose.choice(sorted(pids))) if pids else None)


def _flush(site: Site) -> None:
    try:
        site.servers.broker().flushall()
    except redis.RedisError as error:
        raise Missed from error


def _freezer(site: Site, name: str) -> Callable[[random.Random], Undo]:
    def freeze(_: random.Random) -> Undo:
        pid = site.pid(name)
        if pid is None:
            raise Missed
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGSTOP)

        def thaw() -> None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGCONT)

        return thaw

    return freeze


def _deafen(site: Site) -> None:
    app = make_celery(Settings(), site.addresses.broker_url)
    try:
        if not app.control.cancel_consumer("deliver", reply=True, timeout=1):
            raise Missed
    except (OSError, OperationalError, redis.RedisError) as error:
        raise Missed from error


def _skew(site: Site, choose: random.Random) -> Undo:
    seconds = choose.choice([-3600, -120, 60, 3600, 86400])

    def restart() -> None:
        for name in ("b.check", "b.deliver"):
            with contextlib.suppress(Missed):
                _kill(site.pid(name))

    def undo() -> None:
        site.skew_file.unlink(missing_ok=True)
        restart()

    site.skew_file.write_text(str(seconds), "ascii")
    restart()
    return undo


def _replay_twice(site: Site) -> None:
    outcomes: list[bool] = []
    threads = [threading.Thread(target=lambda: outcomes.append(site.replay())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not all(outcomes):
        raise Missed


def misbehave(site: Site, seed: int) -> None:
    """Make the gateway misbehave in every way at once; one that was killed has forgotten how."""
    url = f"{site.installation.gateway_url}/mock/faults"
    with contextlib.suppress(httpx2.HTTPError), httpx2.Client(trust_env=False) as http:
        if http.get(url).raise_for_status().json():
            return
        for number, kind in enumerate(kind for kind in FaultKind if kind not in _LASTING):
            for endpoint in (Endpoint.SEND, Endpoint.LOOKUP, Endpoint.TOKEN):
                name = _ASKING if (kind, endpoint) == _ASKED_FOR else kind
                order = {"kind": name, "endpoint": endpoint, "rate": _RATE, "seed": seed + number}
                http.post(url, json=order).raise_for_status()


def behave(site: Site) -> None:
    """Let the gateway be as it should."""
    with contextlib.suppress(httpx2.HTTPError):
        site.installation.clear_faults()


def _cut(site: Site) -> Undo:
    if site.host is None:
        raise Missed
    site.host.cut()
    return site.host.heal


def _fill(site: Site) -> Undo:
    filler = site.folder / _FILLER
    with filler.open("ab") as file, contextlib.suppress(OSError):
        room = os.statvfs(site.folder)
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
        while True:  # what was freed meanwhile
            file.write(b"\0" * 65536)
            file.flush()
    return lambda: filler.unlink(missing_ok=True)
