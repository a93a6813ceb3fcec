"""A whole installation on two hosts: what is killed, filled, frozen and cut off.

Host a holds the servers, the stand-in gateway, an API and workers; host b another API and more workers,
behind a cable of its own where this process may lay one. No host leads.
"""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg

from claims.cli.demo.installation import FACILITY_NAMES, IMPATIENT, Installation
from claims.listening import reserved_port
from claims.runtime.embedded import Addresses
from claims.runtime.processes import Program, Supervisor
from tests.chaos.network import Host, private_network
from tests.chaos.servers import Servers

_FACILITIES = dict(list(FACILITY_NAMES.items())[:4])
_SETTINGS: Mapping[str, str] = {
    **IMPATIENT,
    "CLAIMS_CHECK_PROCESSES": "1",
    "CLAIMS_IDLE_PATIENCE_S": "5",
    "CLAIMS_LOG_LEVEL": "ERROR",
}
_DISK = "900m"
# A replay that has not finished will take what is at rest up again.
_PENDING = (
    "SELECT (SELECT count(*) FROM submission WHERE state IN "
    "('received', 'checked', 'sending', 'outcome_unknown'))"
    " + (SELECT count(*) FROM replay WHERE finished_at IS NULL)"
)
_STRANDED = "SELECT count(*) FROM submission WHERE state IN ('failed', 'refused')"


@dataclass
class Site:
    """What there is to hit.

    Attributes:
        folder: Where everything lies, on a small disk of its own if `disk_is_small`.
        host: Host b's network; None where this process may not lay one.
        skew_file: By how much host b's clock is wrong from its next start on.
    """

    folder: Path
    servers: Servers
    installation: Installation
    host: Host | None
    disk_is_small: bool
    b_api: str

    @property
    def addresses(self) -> Addresses:
        """Where the servers answer."""
        return self.servers.addresses

    @property
    def skew_file(self) -> Path:
        """By how much host b's clock is wrong from its next start on."""
        return self.folder / "skew"

    @property
    def programs(self) -> tuple[str, ...]:
        """Our own programs and the gateway, by name."""
        return ("api", "check", "deliver", "gateway", "b.api", "b.check", "b.deliver")

    def pid(self, name: str) -> int | None:
        """Return the process id of a program, or None between two lives."""
        return self.installation.pid(name)

    def replay(self) -> bool:
        """Start a replay of everything that failed or was refused; tell whether somebody took the order."""
        where = {"state": ["failed", "refused", "rejected"]}
        try:
            answer = httpx2.post(
                f"{self.installation.api_url}/v1/replays",
                json={"where": where, "reason": "chaos"},
                headers={"Authorization": f"Bearer {self.installation.operator_key}"},
                timeout=20,
                trust_env=False,
            )
        except httpx2.TransportError:
            return False
        return answer.status_code == 202

    def settle(self, within_s: float) -> bool:
        """Wait until nothing is under way and what failed has been replayed; False if that takes too long."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self._count(_PENDING) == 0:
                if self._count(_STRANDED) == 0:
                    return True
                self.replay()
                time.sleep(1)
            time.sleep(0.3)
        return False

    def _count(self, statement: str) -> int | None:
        with suppress(psycopg.Error), psycopg.connect(self.addresses.database_url) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return None if row is None else int(row[0])
        return None


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Build everything, and take it down in the end."""
    is_root = os.geteuid() == 0
    with ExitStack() as stack:
        network = stack.enter_context(private_network(hosts=1)) if is_root else None
        if is_root:
            _ = stack.enter_context(_small_disk(folder))
        address = network.address if network else "127.0.0.1"
        ports = (stack.enter_context(reserved_port()), stack.enter_context(reserved_port()))
        servers = Servers(folder, address, ports, stack.enter_context(Supervisor()))
        servers.start()
        installation = stack.enter_context(
            Installation(
                folder,
                _FACILITIES,
                with_expired_key=list(_FACILITIES),
                addresses=servers.addresses,
                host=address,
                settings=_SETTINGS,
            )
        )
        host = network.hosts[0] if network else None
        port = stack.enter_context(reserved_port())
        b_address = host.address if host else "127.0.0.1"
        site = Site(folder, servers, installation, host, is_root, f"http://{b_address}:{port}")
        for name, arguments in {
            "b.api": ["serve", "--without-workers", "--host", b_address, "--port", str(port)],
            "b.check": ["worker", "--role", "check"],
            "b.deliver": ["worker", "--role", "deliver"],
        }.items():
            inside = ["-m", "tests.chaos.inside", host.namespace if host else "-", str(site.skew_file)]
            command = [*inside, "-m", "claims", *arguments]
            log = folder / f"{name}.log"
            installation.supervisor.start(Program(name, command, installation.variables, output=log))
        yield site


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        # Lazily: a process that is still going holds it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
