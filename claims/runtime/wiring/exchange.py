"""Wiring of claims on their way: received, checked, sent, told, replayed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from threading import Semaphore
from urllib.parse import urlsplit

import structlog

from claims.bundle.findings import Finding
from claims.exchange.batches import WorkOffBatch
from claims.exchange.breaker import Breaker, read_windows
from claims.exchange.check import CheckSubmissions
from claims.exchange.check_in import SendCheckIn
from claims.exchange.corrections import JudgeCorrections
from claims.exchange.deliver import GUESTS_OF, DeliverSubmissions, LetGo, RetryPolicy
from claims.exchange.destination import Circuit
from claims.exchange.dropin import DropInDesk
from claims.exchange.errors import NOT_CONFIGURED, GatewayUnavailable
from claims.exchange.follow_up import FollowUp, LookPolicy
from claims.exchange.parcels import ParcelLimits
from claims.exchange.passing_on import AskInPeace, PassOn
from claims.exchange.ports import Gateway, Receipt
from claims.exchange.quota import Quota, read_size_limits
from claims.exchange.receive import ReceiveBundle
from claims.exchange.replay import DraftReplay, PlanReplay, RunReplay, StartReplay, SteerReplay
from claims.exchange.submit_encounter import SubmitEncounter
from claims.exchange.webhooks import POSTS_AT_ONCE, KeepWebhooks, Tell
from claims.exchange.withdraw import WithdrawSubmission
from claims.gateway.client import GatewayClient
from claims.gateway.stand_in import StandIn
from claims.outbound.guard import Guard as OutboundGuard
from claims.outbound.webhooks import GuardedReceivers
from claims.runtime.batching import BatchRunner
from claims.runtime.pace import Pace
from claims.runtime.signing_keys import FolderOfKeys
from claims.runtime.telemetry.measured import (
    MeasuredBatches,
    MeasuredGateway,
    note_circuit,
    note_webhook,
)
from claims.runtime.telemetry.tracing import Serving
from claims.runtime.value_forms import read_networks
from claims.runtime.wiring.checking import Checking
from claims.storage.corrections import PostgresVersions
from claims.storage.destinations import PostgresDestination
from claims.storage.dropin import PostgresDayBook, PostgresDropInAccounts
from claims.storage.feed import PostgresFeed
from claims.storage.operating import PostgresSendingSwitch
from claims.storage.replays import PostgresReplays
from claims.storage.results import PostgresResults
from claims.storage.sealing import Seal, derive_key
from claims.storage.webhooks import PostgresWebhooks
from signing.canonical import Limits

log = structlog.get_logger()


@dataclass
class Exchange(Checking):
    """Adds claims on their way: received, checked, sent, told, replayed."""

    @cached_property
    def feed(self) -> PostgresFeed:
        """What happened, in its order."""
        return PostgresFeed(self.pool)

    @cached_property
    def replays(self) -> PostgresReplays:
        """Replays and their items."""
        return PostgresReplays(self.pool)

    @cached_property
    def sending_switch(self) -> PostgresSendingSwitch:
        """Pauses sending."""
        return PostgresSendingSwitch(self.pool)

    @cached_property
    def stand_in(self) -> StandIn | None:
        """The stand-in for the gateway; None where the gateway is the insurer's."""
        url = self.settings.stand_in_url
        return None if url is None else StandIn(url)

    @cached_property
    def dropin_accounts(self) -> PostgresDropInAccounts:
        """The accounts of the drop-in intake."""
        return PostgresDropInAccounts(self.pool)

    @cached_property
    def dropin_desk(self) -> DropInDesk:
        """Sign drop-in accounts in."""
        key = derive_key(self._sealing_key, "drop-in sessions and passwords")
        return DropInDesk(
            self.dropin_accounts, self.clock, key, timedelta(seconds=self.settings.dropin_token_s)
        )

    @cached_property
    def day_book(self) -> PostgresDayBook:
        """Submissions by day."""
        return PostgresDayBook(self.pool)

    @property
    def parcel_limits(self) -> ParcelLimits:
        """How much a batch may hold."""
        settings = self.settings
        return ParcelLimits(settings.batch_items, settings.max_body_bytes, 4 * settings.batch_bytes)

    @cached_property
    def batches(self) -> MeasuredBatches:
        """Batches and their items."""
        return MeasuredBatches(self.pool, self.vault)

    @cached_property
    def batch_runner(self) -> BatchRunner:
        """Work batches off beside the requests."""
        work_off = WorkOffBatch(self.batches, self.receive, self.clock, self.parcel_limits)
        return BatchRunner(work_off, self.settings.batch_folder)

    @cached_property
    def intake_pace(self) -> Pace | None:
        """How fast a facility may hand in; None: as fast as it can."""
        rate = self.settings.intake_rate
        return Pace(rate, broker_url=self.broker_url, name="intake") if rate else None

    @cached_property
    def check_pace(self) -> Pace | None:
        """How often a facility may have a bundle checked; None: as often as it can."""
        rate = self.settings.check_rate
        return Pace(rate, broker_url=self.broker_url, name="check") if rate else None

    @cached_property
    def dropin_sign_in_pace(self) -> Pace | None:
        """How often somebody may fail to sign in at the drop-in intake; None: as often as he likes."""
        rate = self.settings.dropin_sign_in_rate
        return Pace(rate, broker_url=self.broker_url, name="drop-in sign-in") if rate else None

    @cached_property
    def gateway(self) -> Gateway:
        """The insurer's gateway, or one that is never reachable when none is configured."""
        return MeasuredGateway(self._client or NoGateway())

    @cached_property
    def _client(self) -> GatewayClient | None:
        return self._gateway_client(self.settings.gateway_timeout_s)

    def close(self) -> None:
        """Give back connections, those to the gateway too."""
        super().close()
        client = self.__dict__.get("_client")
        if client is not None:
            client.close()

    @cached_property
    def send_check_in(self) -> SendCheckIn:
        """Hand a check-in to the gateway."""
        limits = Limits(max_bytes=self.settings.max_body_bytes)
        gateway = self._client or NoGateway()
        return SendCheckIn(gateway, self.check_ins, self.clock, self.ask_in_peace, limits)

    @cached_property
    def ask_in_peace(self) -> AskInPeace:
        """Ask the gateway while somebody waits."""
        return AskInPeace(self.breaker, self.quota, self.clock)

    @cached_property
    def pass_on(self) -> PassOn | None:
        """Answer questions of hospital software; None when there is no gateway to ask."""
        client = self._client
        return None if client is None else PassOn(client.questions, self.kept_answers, self.ask_in_peace)

    @cached_property
    def receive(self) -> ReceiveBundle:
        """Receive a bundle."""
        return ReceiveBundle(self.submissions, self.jobs, self.clock, self.service_keys)

    @cached_property
    def signing_keys(self) -> FolderOfKeys:
        """The facilities' signing keys that the service holds."""
        return FolderOfKeys(self.settings.signing_keys_folder, self.settings.signing_keys_passphrase)

    @cached_property
    def submit_encounter(self) -> SubmitEncounter:
        """Build, sign and receive an encounter."""
        return SubmitEncounter(self.submissions, self.signing_keys, self.receive, self.clock, self.catalogues)

    @cached_property
    def check(self) -> CheckSubmissions:
        """Check a batch."""
        return CheckSubmissions(
            self.submissions,
            self.check_batch,
            self.jobs,
            self.clock,
            self.settings.check_lease_s,
            JudgeCorrections(PostgresVersions(self.pool), self._weigh),
            self.kept_trust.keep,
        )

    def _weigh(self, finding: Finding, facility: str, received_on: date) -> Finding | None:
        return self.check_terms.policy.weights(facility, received_on).weigh(finding)

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
            ThreadPoolExecutor(
                settings.send_tasks * (settings.send_batch + settings.send_batch // GUESTS_OF),
                thread_name_prefix="send",
            ),
            self.breaker,
            Serving("deliver"),
            self.quota,
            read_size_limits(settings.gateway_size_limits),
            lambda: self.sending_switch.in_force() is not None,
            timedelta(seconds=settings.gateway_timeout_s),
        )

    @cached_property
    def let_go(self) -> LetGo:
        """Let go what waits for the end of something that is over."""
        return LetGo(self.submissions, self.breaker, self.clock)

    @cached_property
    def webhooks(self) -> PostgresWebhooks:
        """The facilities' webhooks."""
        return PostgresWebhooks(self.pool, Seal(self._sealing_key))

    @cached_property
    def _receivers(self) -> GuardedReceivers:
        settings = self.settings
        return GuardedReceivers(
            OutboundGuard(
                read_networks(settings.webhook_networks), needs_tls=True, timeout_s=settings.webhook_timeout_s
            )
        )

    @cached_property
    def keep_webhooks(self) -> KeepWebhooks:
        """Make, change and remove webhooks."""
        return KeepWebhooks(self.webhooks, self._receivers, self.clock)

    @cached_property
    def tell(self) -> Tell:
        """Serve a webhook."""
        threads = self.settings.webhook_tasks * POSTS_AT_ONCE
        executor = ThreadPoolExecutor(threads, thread_name_prefix="tell")
        slow = Semaphore(max(1, self.settings.webhook_tasks // 2))
        return Tell(self.webhooks, self._receivers, self.clock, executor, slow, note=note_webhook)

    @cached_property
    def results(self) -> PostgresResults:
        """What the gateway said of claims after it took them."""
        return PostgresResults(self.pool)

    @cached_property
    def follow_up(self) -> FollowUp | None:
        """Read results at the gateway; None when it is not asked."""
        settings, client = self.settings, self._client
        if client is None or not settings.gateway_results:
            return None
        policy = LookPolicy(2 * settings.results_first_s, settings.results_longest_s)
        return FollowUp(self.results, client.results, self.clock, self.breaker, policy, settings.send_lease_s)

    @cached_property
    def breaker(self) -> Breaker:
        """Says whether the gateway is to be left in peace."""
        return Breaker(
            read_windows(self.settings.gateway_maintenance),
            _tell_circuit,
            self._destination,
            self.settings.gateway_first_rest_s,
        )

    @cached_property
    def quota(self) -> Quota:
        """How much the gateway is sent in a second, by all processes together."""
        settings = self.settings
        # Over two looks of the reaper, so that there is always somebody with a turn; well within a lease.
        ahead = timedelta(seconds=min(2 * settings.reap_every_s, settings.send_lease_s / 4))
        return Quota(settings.gateway_per_s, ahead, self._destination)

    @cached_property
    def _destination(self) -> PostgresDestination:
        """What all processes know of the gateway together, by its address."""
        return PostgresDestination(self.pool, urlsplit(self.settings.gateway_url or "").netloc)

    @cached_property
    def plan_replay(self) -> PlanReplay:
        """Say what a replay would do."""
        return PlanReplay(self.replays)

    @cached_property
    def start_replay(self) -> StartReplay:
        """Set a replay going."""
        return StartReplay(self.replays, self.jobs, self.clock)

    @cached_property
    def draft_replay(self) -> DraftReplay:
        """Freeze a selection, and set it going as it was seen."""
        return DraftReplay(self.replays, self.jobs, self.clock)

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


def _tell_circuit(state: Circuit) -> None:
    log.warning("gateway.circuit", state=state.value)
    note_circuit(state)


class NoGateway:
    """Stands where no gateway is configured: every submission waits."""

    can_find = False

    def send(self, facility: str, bundle: bytes, *, decision: str | None = None) -> Receipt:
        """Refuse for now."""
        raise self._missing(facility, len(bundle), decision)

    def check_in(self, facility: str, document: bytes, *, decision: str | None = None) -> Receipt:
        """Refuse for now."""
        raise self._missing(facility, len(document), decision)

    def find_receipt(self, facility: str, sha256: str) -> Receipt | None:
        """Refuse for now."""
        raise self._missing(facility, len(sha256))

    def _missing(self, *_unused: object) -> GatewayUnavailable:
        return GatewayUnavailable(NOT_CONFIGURED, "CLAIMS_GATEWAY_URL is not set")
