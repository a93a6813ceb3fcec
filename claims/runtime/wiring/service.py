"""Wiring of the whole, and how it does."""

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from cachetools.func import ttl_cache
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client import CollectorRegistry
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from claims.exchange.follow_up import WakeLooks
from claims.exchange.reap import Reap
from claims.exchange.webhooks import Announce
from claims.runtime.broker import count_waiting
from claims.runtime.keeper import JOB, Keeper, SendDue
from claims.runtime.telemetry.scrape import full_registry
from claims.runtime.watchdog import Watchdog
from claims.runtime.wiring.proving import Proving
from claims.runtime.workers import Role
from claims.storage.migrations import current_revision, is_usable
from claims.storage.operating import PostgresOperating
from claims.storage.overview import Overview
from claims.storage.schedule import PostgresSchedule
from claims.storage.turns import Turn

_READY_FOR_S = 1
_BROKER_PATIENCE_S = 2
#: So many messages in a queue are some minutes of work: what was woken lately is among them.
_MANY_WAKE_UPS = 100
(_TELL,) = Role.TELL.queues


@dataclass
class Service(Proving):
    """Adds the whole, and how it does."""

    @cached_property
    def operating(self) -> PostgresOperating:
        """What is told of the work."""
        return PostgresOperating(self.pool)

    @cached_property
    def reap(self) -> Reap:
        """Wake what got lost."""
        settings = self.settings
        wake_looks = WakeLooks(self.results, self.jobs.wake_look, self.clock, settings.wake_again_s)
        return Reap(
            self.submissions,
            self.replays,
            self.jobs,
            self.clock,
            settings.wake_again_s,
            wake_looks=wake_looks if settings.gateway_results and settings.gateway_url else lambda: 0,
            let_go=self.let_go.of_rests,
            announce=self.announce,
            is_behind=self._is_behind,
        )

    @cached_property
    def announce(self) -> Announce:
        """Find out which webhooks have something to say."""
        return Announce(
            self.webhooks, self.jobs.wake_webhook, self.clock, is_behind=lambda: self._is_behind(_TELL)
        )

    def _is_behind(self, queue: str) -> bool:
        return (count_waiting(self.celery, queue) or 0) > _MANY_WAKE_UPS

    def keeper(self, watchdog: Watchdog) -> Keeper:
        """Make this process's keeper."""
        holder = f"{socket.gethostname()} {os.getpid()}"
        every_s = self.settings.reap_every_s
        turn = Turn(self.database_url, JOB, holder=holder, lease_s=5 + 3 * every_s)
        send_due = SendDue(self.celery, PostgresSchedule(self.pool))
        return Keeper(turn=turn, reap=self.reap, send_due=send_due, watchdog=watchdog, every_s=every_s)

    @cached_property
    def overview(self) -> Overview:
        """What instruments ask."""
        return Overview(self.pool)

    @cached_property
    def metrics(self) -> CollectorRegistry:
        """What `/metrics` answers."""
        return full_registry(self.overview, lambda: self.trust)

    @cached_property
    def readiness(self) -> Callable[[], dict[str, bool]]:
        """Say whether database, schema and broker are as this version needs them; asked once a second."""
        return ttl_cache(maxsize=1, ttl=_READY_FOR_S)(
            lambda: {**self._database_readiness(), "broker": self._broker_answers()}
        )

    def _broker_answers(self) -> bool:
        try:
            with self.celery.connection_for_write(connect_timeout=_BROKER_PATIENCE_S) as connection:
                connection.ensure_connection(max_retries=1, timeout=_BROKER_PATIENCE_S)
        except (OSError, BrokerError):
            return False
        return True

    def _database_readiness(self) -> dict[str, bool]:
        try:
            with self.pool.connection(timeout=2.0) as connection:
                migrated = is_usable(current_revision(connection))
        except (OperationalError, PoolTimeout):
            return {"database": False, "migrated": False}
        return {"database": True, "migrated": migrated}


def prepare_process() -> None:
    """Load what every check needs and take it out of the garbage collector's rounds.

    With Celery imported some 60,000 objects live for ever; walking them again and again costs a
    fifth of a check.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
