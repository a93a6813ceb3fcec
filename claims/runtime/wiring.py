"""Wiring: builds the use cases out of adapters. The only place that knows both sides."""

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import structlog
from cachetools.func import ttl_cache
from celery import Celery
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from claims.checking.cards import Cards
from claims.checking.check import CheckPolicy, CheckTerms, Report, SignatureTerms, check_bundle
from claims.checking.own.rules import NO_OWN_RULES
from claims.checking.own.trying import open_own_rules
from claims.checking.policy_file import load_policy
from claims.checking.rules.rule import Need
from claims.exchange.access import ApiKey, Authenticate, IssueKey
from claims.exchange.breaker import Breaker, read_windows
from claims.exchange.check import CheckSubmissions
from claims.exchange.deliver import DeliverSubmissions, RetryPolicy
from claims.exchange.errors import GatewayUnavailable
from claims.exchange.ports import Gateway, JobQueue, Receipt
from claims.exchange.reap import Reap
from claims.exchange.receive import ReceiveBundle
from claims.exchange.registrations import ChangeRegistration, RegisterCertificate
from claims.exchange.replay import PlanReplay, RunReplay, StartReplay, SteerReplay
from claims.exchange.submission import FacilityCode
from claims.exchange.submit_encounter import SubmitEncounter
from claims.exchange.withdraw import WithdrawSubmission
from claims.gateway.client import GatewayClient, GatewaySettings
from claims.gateway.connection import Limits as GatewayLimits
from claims.runtime.broker import make_celery
from claims.runtime.catalogues import FolderOfCatalogues
from claims.runtime.clock import SystemClock
from claims.runtime.jobs import CeleryJobs
from claims.runtime.settings import Settings
from claims.runtime.signing_keys import FolderOfKeys
from claims.storage.cards import RememberedCards
from claims.storage.facilities import Facilities, GatewayAccounts, PostgresApiKeys
from claims.storage.feed import PostgresFeed
from claims.storage.history import PostgresHistory
from claims.storage.migrations import current_revision, newest_revision
from claims.storage.pool import Pool, open_pool
from claims.storage.queue import PostgresSubmissions
from claims.storage.registrations import PostgresRegistrations
from claims.storage.replays import PostgresReplays
from claims.storage.sealing import Seal, derive_key, load_or_make_key
from signing.canonical import Limits
from signing.certificates import TrustStore
from signing.policy import DEFAULT_POLICY

log = structlog.get_logger()

#: How long a key or a certificate registration is taken as it was; a revocation works after this long.
_REMEMBER_S = 10


@dataclass
class Service:
    """The service's use cases, each made when it is first asked for."""

    settings: Settings
    database_url: str
    broker_url: str
    clock: SystemClock = field(default_factory=SystemClock)

    @cached_property
    def pool(self) -> Pool:
        """Database connections."""
        return open_pool(self.database_url, max_size=self.settings.pool_size)

    @cached_property
    def submissions(self) -> PostgresSubmissions:
        """The queue of record."""
        return PostgresSubmissions(self.pool)

    @cached_property
    def feed(self) -> PostgresFeed:
        """What happened, in its order."""
        return PostgresFeed(self.pool)

    @cached_property
    def replays(self) -> PostgresReplays:
        """Replays and their items."""
        return PostgresReplays(self.pool)

    @cached_property
    def facilities(self) -> Facilities:
        """The facilities that may submit."""
        return Facilities(self.pool)

    @cached_property
    def registrations(self) -> PostgresRegistrations:
        """Which certificates may sign for them."""
        return PostgresRegistrations(self.pool)

    @cached_property
    def register_certificate(self) -> RegisterCertificate:
        """Let a certificate sign for a facility."""
        return RegisterCertificate(self.registrations, self.clock)

    @cached_property
    def change_registration(self) -> ChangeRegistration:
        """Suspend, reinstate or withdraw a certificate."""
        return ChangeRegistration(self.registrations, self.clock)

    @cached_property
    def api_keys(self) -> PostgresApiKeys:
        """Callers' keys."""
        return PostgresApiKeys(self.pool)

    @cached_property
    def _sealing_key(self) -> bytes:
        return load_or_make_key(self.settings.sealing_key_path)

    @cached_property
    def history(self) -> PostgresHistory:
        """What accepted claims said, for later ones to be compared with."""
        return PostgresHistory(self.pool, derive_key(self._sealing_key, "names in the history of claims"))

    @cached_property
    def gateway_accounts(self) -> GatewayAccounts:
        """The facilities' accounts at the gateway."""
        return GatewayAccounts(self.pool, Seal(self._sealing_key))

    @cached_property
    def celery(self) -> Celery:
        """The Celery app."""
        return make_celery(self.settings, self.broker_url)

    @cached_property
    def jobs(self) -> JobQueue:
        """Wake-ups."""
        return CeleryJobs(self.celery, self.settings.check_batch, self.settings.send_batch)

    @cached_property
    def trust(self) -> TrustStore:
        """The trust anchors, read once."""
        return TrustStore.load(self.settings.trust_folder)

    @cached_property
    def gateway(self) -> Gateway:
        """The insurer's gateway, or one that is never reachable when none is configured."""
        return self._gateway_client(self.settings.gateway_timeout_s) or NoGateway()

    @cached_property
    def cards(self) -> Cards | None:
        """The register of cards; None when it is not asked."""
        settings = self.settings
        client = self._gateway_client(settings.card_lookup_timeout_s) if settings.card_lookup else None
        if client is None:
            return None
        key = derive_key(self._sealing_key, "questions about cards")
        return RememberedCards(self.pool, Seal(self._sealing_key), client.look_up_card, self.clock, key)

    def _gateway_client(self, timeout_s: float) -> GatewayClient | None:
        if self.settings.gateway_url is None:
            return None
        limits = GatewayLimits(connect_timeout_s=self.settings.gateway_connect_s, read_timeout_s=timeout_s)
        gateway = GatewaySettings(
            self.settings.gateway_url,
            supports_digest_lookup=self.settings.gateway_finds_by_digest,
            limits=limits,
        )
        return GatewayClient(gateway, accounts=self.gateway_accounts, clock=self.clock)

    def check_bundle(self, data: bytes, *, facility: FacilityCode, at: datetime) -> Report:
        """Check one bundle as the service does: signature, registration, format and rules."""
        return check_bundle(data, at=at, terms=self.terms_for(facility))

    @cached_property
    def check_terms(self) -> CheckTerms:
        """On what terms bundles are checked, but for what depends on the facility.

        Raises:
            UnreadablePolicy: The check policy makes no sense.
            UnusableOwnRules: The hospital's own rules do not, or do not keep their examples.
        """
        settings = self.settings
        own = NO_OWN_RULES if settings.rules_folder is None else open_own_rules(settings.rules_folder)
        limits = Limits(max_bytes=settings.max_body_bytes)
        policy = CheckPolicy(limits=limits)
        if settings.check_policy is not None:
            policy = load_policy(settings.check_policy, limits=limits, own_codes=own.rules)
        if settings.unknown_fields is not None:
            policy = replace(policy, unknown_fields=settings.unknown_fields)
        signature = SignatureTerms(self.trust, DEFAULT_POLICY, self._is_registered)
        return CheckTerms(signature=signature, policy=policy, own_rules=own)

    def terms_for(self, facility: FacilityCode | None) -> CheckTerms:
        """Return the terms of a facility's bundles, with its lists where they are known."""
        catalogue = None if facility is None else self.catalogues.find(facility)
        # Not among the terms themselves: they are made before a worker's processes part, connections after.
        more: dict[Need, object] = {Need.HISTORY: self.history}
        if self.cards is not None:
            more[Need.CARDS] = self.cards
        return replace(self.check_terms, expected_facility=facility, catalogue=catalogue, more=more)

    @cached_property
    def catalogues(self) -> FolderOfCatalogues:
        """The facilities' lists and code maps."""
        return FolderOfCatalogues(self.settings.catalogue_folder)

    @cached_property
    def receive(self) -> ReceiveBundle:
        """Receive a bundle."""
        return ReceiveBundle(self.submissions, self.jobs, self.clock)

    @cached_property
    def submit_encounter(self) -> SubmitEncounter:
        """Build, sign and receive an encounter."""
        keys = FolderOfKeys(self.settings.signing_keys_folder, self.settings.signing_keys_passphrase)
        return SubmitEncounter(self.submissions, keys, self.receive, self.clock, self.catalogues)

    @cached_property
    def check(self) -> CheckSubmissions:
        """Check a batch."""
        return CheckSubmissions(
            self.submissions, self.check_bundle, self.jobs, self.clock, self.settings.check_lease_s
        )

    @cached_property
    def deliver(self) -> DeliverSubmissions:
        """Send a batch."""
        settings = self.settings
        return DeliverSubmissions(
            self.submissions,
            self.gateway,
            self.clock,
            RetryPolicy(settings.retry_base_s, settings.retry_cap_s, settings.send_attempts),
            settings.send_lease_s,
            ThreadPoolExecutor(settings.send_tasks * settings.send_batch, thread_name_prefix="send"),
            Breaker(
                read_windows(settings.gateway_maintenance),
                lambda state: log.warning("gateway.circuit", state=state.value),
            ),
        )

    @cached_property
    def reap(self) -> Reap:
        """Wake what got lost."""
        return Reap(self.submissions, self.replays, self.jobs, self.clock, self.settings.wake_again_s)

    @cached_property
    def plan_replay(self) -> PlanReplay:
        """Say what a replay would do."""
        return PlanReplay(self.replays)

    @cached_property
    def start_replay(self) -> StartReplay:
        """Set a replay going."""
        return StartReplay(self.replays, self.jobs, self.clock)

    @cached_property
    def steer_replay(self) -> SteerReplay:
        """Pause, resume or cancel a replay."""
        return SteerReplay(self.replays, self.jobs, self.clock)

    @cached_property
    def withdraw(self) -> WithdrawSubmission:
        """Take a submission back."""
        return WithdrawSubmission(self.submissions, self.clock)

    @cached_property
    def run_replay(self) -> RunReplay:
        """Work off a replay."""
        return RunReplay(self.replays, self.jobs, self.clock)

    @cached_property
    def authenticate(self) -> Authenticate:
        """Find out who calls."""
        return Authenticate(RememberedKeys(self.api_keys), self.clock)

    @cached_property
    def issue_key(self) -> IssueKey:
        """Make an API key."""
        return IssueKey(self.api_keys, self.clock)

    @cached_property
    def _is_registered(self) -> Callable[[str, str, datetime], bool]:
        @ttl_cache(maxsize=50_000, ttl=_REMEMBER_S)
        def is_registered(facility: str, certificate_sha256: str, minute: datetime) -> bool:
            return self.registrations.may_sign(facility, certificate_sha256, minute)

        # To the minute, so that one facility's claims share an answer.
        return lambda facility, sha256, at: is_registered(
            facility, sha256, at.replace(second=0, microsecond=0)
        )

    def warm(self, *names: str) -> None:
        """Make what threads are about to share, so that two of them never make it twice."""
        for name in names:
            getattr(self, name)

    def readiness(self) -> dict[str, bool]:
        """Say whether the database answers and has the shape this version needs."""
        try:
            with self.pool.connection(timeout=2.0) as connection:
                migrated = current_revision(connection) == newest_revision()
        except (OperationalError, PoolTimeout):
            return {"database": False, "migrated": False}
        return {"database": True, "migrated": migrated}

    def close(self) -> None:
        """Give back connections."""
        if "pool" in self.__dict__:
            self.pool.close()


def prepare_process() -> None:
    """Load what every check needs and take it out of the garbage collector's rounds.

    With Celery imported some 60,000 objects live for ever; walking them again and again costs a
    fifth of a check.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class RememberedKeys:
    """`claims.exchange.access.ApiKeys` that remembers what it found for some seconds."""

    def __init__(self, keys: PostgresApiKeys) -> None:
        self._keys = keys
        self._find = ttl_cache(maxsize=20_000, ttl=_REMEMBER_S)(keys.find)
        self._note_use = ttl_cache(maxsize=20_000, ttl=60)(self._note)

    def find(self, key_id: str) -> ApiKey | None:
        """Return the key with this id, live or not, as of some seconds ago at most."""
        return self._find(key_id)

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        self._keys.add(key)

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        """End a key."""
        return self._keys.revoke(key_id, at=at)

    def of_facility(self, facility: FacilityCode | None) -> Sequence[ApiKey]:
        """Return a facility's keys."""
        return self._keys.of_facility(facility)

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Remember when a key was last used; asks the database once a minute."""
        self._note_use(key_id, at.replace(second=0, microsecond=0))

    def _note(self, key_id: str, at: datetime) -> None:
        self._keys.note_use(key_id, at=at)


class NoGateway:
    """Stands where no gateway is configured: every submission waits."""

    def send(self, facility: str, bundle: bytes) -> Receipt:
        """Refuse for now."""
        raise self._missing(facility, len(bundle))

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        """Refuse for now."""
        raise self._missing(facility, len(sha256))

    def _missing(self, *_unused: object) -> GatewayUnavailable:
        return GatewayUnavailable("gateway.not_configured", "CLAIMS_GATEWAY_URL is not set")
