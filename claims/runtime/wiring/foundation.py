"""Wiring of what everything else stands on: connections, time, keys, the broker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TypeVar

import structlog
from celery import Celery

from claims.exchange.ports import Clock
from claims.runtime.broker import make_celery
from claims.runtime.catalogues import FolderOfCatalogues
from claims.runtime.clock import SystemClock
from claims.runtime.jobs import CeleryJobs
from claims.runtime.master_keys import KeyRing, open_master_keys
from claims.runtime.service_keys import FolderOfServiceKeys
from claims.runtime.settings import Settings
from claims.runtime.telemetry.measured import (
    MeasuredSubmissions,
)
from claims.runtime.watched_trust import WatchedTrust
from claims.storage.classifying import Classifying
from claims.storage.clock import DatabaseClock
from claims.storage.facilities import Facilities
from claims.storage.keys_in_use import KeysInUse
from claims.storage.months import KeepMonths
from claims.storage.moving import MoveContents
from claims.storage.objects import Objects
from claims.storage.pool import Pool, open_pool
from claims.storage.queue import PostgresSubmissions
from claims.storage.relocking import Relocking
from claims.storage.review_names import ReviewNames
from claims.storage.roles import WORKER
from claims.storage.sealing import Seal, derive_key, load_or_make_key
from claims.storage.trust_kept import KeptTrust
from claims.storage.vault import Vault
from signing.trust import TrustStore

log = structlog.get_logger()
_T = TypeVar("_T")
#: Archives that a process makes at the same time, at most.
_WHOLE_CONNECTIONS = 4


@dataclass
class Foundation:
    """Adds what everything else stands on: connections, time, keys, the broker."""

    settings: Settings
    database_url: str
    broker_url: str
    database_role: str | None = None

    @cached_property
    def pool(self) -> Pool:
        """Database connections."""
        role = self.database_role if self.settings.has_database_roles else None
        return open_pool(self.database_url, max_size=self.settings.pool_size, role=role)

    @cached_property
    def _whole_pool(self) -> Pool:
        """Connections that see all records: a log of which only a part is seen would be continued wrongly.

        Who uses them has asked who calls, and shows nothing of other places.
        """
        if self.database_role in {None, WORKER} or not self.settings.has_database_roles:
            return self.pool
        return open_pool(self.database_url, max_size=_WHOLE_CONNECTIONS, role=WORKER)

    @cached_property
    def clock(self) -> Clock:
        """The time, the same on all hosts."""
        return DatabaseClock(self.pool, SystemClock(self.settings.clock_skew_s))

    @cached_property
    def submissions(self) -> PostgresSubmissions:
        """The queue of record."""
        settings = self.settings
        return MeasuredSubmissions(
            self.pool, self.vault, first_look_s=settings.results_first_s, are_reviewed=settings.reviews
        )

    @cached_property
    def keep_months(self) -> KeepMonths:
        """Keep the largest tables by month."""
        return KeepMonths(self.pool, self.clock)

    @cached_property
    def facilities(self) -> Facilities:
        """The facilities that may submit."""
        return Facilities(self.pool)

    @cached_property
    def keys_in_use(self) -> KeysInUse:
        """Which keys the database needs."""
        return KeysInUse(self._whole_pool)

    def require_keys(self) -> None:
        """Look whether the keys are here that the database needs; make them where it needs none yet.

        Raises:
            UnusableSealingKey: The one that seals is lost.
            UnusableServiceKeys: The service's own are lost, or are another installation's.
        """
        self.warm("master_keys")
        self.service_keys.ensure()
        self.service_keys.require_ours()

    def _ask_once(self, question: Callable[[KeysInUse], _T]) -> _T:
        # Not over the pool: keys are read before a worker forks, and connections cannot be shared after it.
        role = WORKER if self.database_role is not None and self.settings.has_database_roles else None
        with open_pool(self.database_url, max_size=1, role=role) as pool:
            return question(KeysInUse(pool))

    @cached_property
    def _sealing_key(self) -> bytes:
        path = self.settings.sealing_key_path
        return load_or_make_key(path, is_in_use=lambda: self._ask_once(KeysInUse.is_anything_sealed))

    @cached_property
    def master_keys(self) -> KeyRing:
        """What wraps the keys of stored content."""
        return open_master_keys(self.settings, self._sealing_key)

    @cached_property
    def vault(self) -> Vault:
        """Encrypts stored content."""
        return Vault(self.master_keys, self.objects)

    @cached_property
    def objects(self) -> Objects | None:
        """Where contents lie that have moved; None: nothing moves."""
        return Objects(self.settings.content_store) if self.settings.content_store else None

    @cached_property
    def move_contents(self) -> MoveContents | None:
        """Move contents with which nothing will be done any more; None where there is no store."""
        if self.objects is None:
            return None
        settings = self.settings
        after = timedelta(days=settings.content_store_after_days)
        return MoveContents(self.pool, self.objects, self.clock, after, settings.content_store_per_s)

    @cached_property
    def relocking(self) -> Relocking:
        """Bring stored content under the current master key."""
        return Relocking(self.pool, self.vault, self.review_names)

    @cached_property
    def review_names(self) -> ReviewNames:
        """Seals patients' names in reviews."""
        key = derive_key(self._sealing_key, "words of names in reviews")
        return ReviewNames(Seal(self._sealing_key), key)

    @cached_property
    def classifying(self) -> Classifying:
        """Find the protected classes of claims from before they were kept."""
        return Classifying(self.pool, self.vault)

    @cached_property
    def service_keys(self) -> FolderOfServiceKeys:
        """The service's own keys."""
        folder = self.settings.evidence_keys_folder
        return FolderOfServiceKeys(
            folder,
            self.clock,
            is_in_use=lambda: self._ask_once(KeysInUse.is_anything_signed),
            signers=lambda: self._ask_once(KeysInUse.signers),
        )

    @cached_property
    def celery(self) -> Celery:
        """The Celery app."""
        return make_celery(self.settings, self.broker_url)

    @cached_property
    def jobs(self) -> CeleryJobs:
        """Wake-ups."""
        return CeleryJobs(self.celery, self.settings.check_batch, self.settings.send_batch)

    @cached_property
    def watched_trust(self) -> WatchedTrust:
        """The trust folder."""
        return WatchedTrust(self.settings.trust_folder)

    @property
    def trust(self) -> TrustStore:
        """What is trusted now."""
        return self.watched_trust.current()

    @cached_property
    def kept_trust(self) -> KeptTrust:
        """What was trusted when a submission was checked."""
        return KeptTrust(self._whole_pool, lambda: self.trust)

    @cached_property
    def catalogues(self) -> FolderOfCatalogues:
        """The facilities' lists and code maps."""
        return FolderOfCatalogues(self.settings.catalogue_folder)

    def warm(self, *names: str) -> None:
        """Make what threads are about to share, so that two of them never make it twice."""
        for name in names:
            getattr(self, name)

    def close(self) -> None:
        """Give back connections."""
        for name in ("pool", "_whole_pool"):
            if name in self.__dict__:
                self.__dict__[name].close()
