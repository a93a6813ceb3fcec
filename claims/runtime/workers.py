"""Worker processes: their roles, and how each is started."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claims.runtime.embedded import Addresses
    from claims.runtime.processes import Program
    from claims.runtime.settings import Settings


#: What is done regularly or at somebody's wish, and takes a processor.
DUTIES: Final = "duties"
#: Likewise, and waits for somebody else's answer.
ERRANDS: Final = "errands"


class Role(StrEnum):
    """What a worker process does."""

    CHECK = "check"
    DELIVER = "deliver"
    TELL = "tell"

    @property
    def queues(self) -> tuple[str, ...]:
        """What its worker serves in turn, so that nothing waits behind ten thousand checks but a check."""
        match self:
            case Role.CHECK:
                return "check", DUTIES
            case Role.DELIVER:
                return "deliver", ERRANDS
            case Role.TELL:
                return ("tell",)


def celery_arguments(role: Role, settings: Settings) -> Sequence[str]:
    """Return Celery's arguments for a role: processes for work, threads for waiting."""
    quiet = ["--loglevel", settings.log_level]
    match role:
        case Role.CHECK:
            return _worker(role, "prefork", settings.check_processes, quiet, app="workers.checking")
        case Role.DELIVER:
            return _worker(role, "threads", settings.send_tasks, quiet)
        case Role.TELL:
            return _worker(role, "threads", settings.webhook_tasks, quiet)


def metrics_port(role: Role, settings: Settings) -> int | None:
    """Return where a role's numbers are had, or None when nobody is to have them."""
    first = settings.metrics_port
    return None if first is None else first + 1 + list(Role).index(role)


def server_variables(addresses: Addresses, *, has_roles: bool = False) -> dict[str, str]:
    """Return the variables that tell another process of ours where the servers are, and of its role."""
    where = {"CLAIMS_DATABASE_URL": addresses.database_url, "CLAIMS_BROKER_URL": addresses.broker_url}
    return where | ({"CLAIMS_DATABASE_ROLES": "true"} if has_roles else {})


def worker_programs(
    addresses: Addresses, environment: Mapping[str, str] | None = None, *, has_roles: bool = False
) -> list[Program]:
    """Return the programs of one machine's workers on the given servers."""
    # Here and not above: the command line asks for roles at every start, and whoever runs programs logs.
    from claims.runtime.processes import Program

    variables = {**server_variables(addresses, has_roles=has_roles), **(environment or {})}
    return [Program(role.value, ["-m", "claims", "worker", "--role", role.value], variables) for role in Role]


def _worker(
    role: Role, pool: str, concurrency: int, quiet: Sequence[str], *, app: str = "workers.app"
) -> Sequence[str]:
    # Workers neither talk nor listen to each other: the database says who does what.
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    served = ["-Q", ",".join(role.queues), "-P", pool, "-c", str(concurrency), "-n", f"{role}@%h"]
    return ["--app", app, "--quiet", "worker", *quiet, *alone, *served]
