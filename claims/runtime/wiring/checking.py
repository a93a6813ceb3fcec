"""Wiring of checks, and all that they ask."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from cachetools.func import ttl_cache

from claims.checking.cards import Cards
from claims.checking.check import (
    CheckPolicy,
    CheckTerms,
    CheckUnderWay,
    Report,
    SignatureTerms,
    ask_together,
    begin_check,
    check_bundle,
)
from claims.checking.needs import Need
from claims.checking.own.rules import NO_OWN_RULES
from claims.checking.own.trying import open_own_rules
from claims.checking.policy_file import load_policy
from claims.exchange.ports import Account, Leased
from claims.exchange.registrations import ChangeRegistration, RegisterCertificate
from claims.exchange.submission import FacilityCode
from claims.gateway.calling import GatewaySettings
from claims.gateway.client import GatewayClient
from claims.gateway.connection import Limits as GatewayLimits
from claims.gateway.protocol import GENERATIONS, BodyFormat
from claims.runtime.telemetry.tracing import Serving
from claims.runtime.wiring.people import People
from claims.storage.cards import RememberedCards
from claims.storage.check_ins import PostgresCheckIns
from claims.storage.facilities import GatewayAccounts
from claims.storage.gateway_answers import PostgresKeptAnswers
from claims.storage.gateway_sessions import PostgresGatewaySessions
from claims.storage.history import PostgresHistory
from claims.storage.registrations import PostgresRegistrations
from claims.storage.sealing import Seal, derive_key
from signing.canonical import Limits
from signing.policy import DEFAULT_POLICY
from signing.trust import TrustStore

#: Bundles of so many bytes are read at once, at most: their rows take ten times as much.
_TOGETHER_BYTES = 8 * 2**20
_CHECKING = Serving("check")
_JUDGING = Serving("judge")
#: How long a certificate registration or an account is taken as it was; a revocation works after this long.
_REMEMBER_S = 10


@dataclass
class Checking(People):
    """Adds checks, and all that they ask."""

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
    def history(self) -> PostgresHistory:
        """What accepted claims said, for later ones to be compared with."""
        return PostgresHistory(self.pool, derive_key(self._sealing_key, "names in the history of claims"))

    @cached_property
    def gateway_accounts(self) -> GatewayAccounts:
        """The facilities' accounts at the gateway."""
        return GatewayAccounts(self.pool, Seal(self._sealing_key))

    @cached_property
    def check_ins(self) -> PostgresCheckIns:
        """What check-ins said."""
        key = derive_key(self._sealing_key, "episodes that were checked in")
        return PostgresCheckIns(self.pool, Seal(self._sealing_key), key)

    @cached_property
    def kept_answers(self) -> PostgresKeptAnswers:
        """The gateway's last answers about assessment and settlement."""
        return PostgresKeptAnswers(self.pool, Seal(self._sealing_key))

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
            generation=GENERATIONS.get(self.settings.gateway_generation),
            supports_digest_lookup=self.settings.gateway_finds_by_digest,
            body_format=BodyFormat[self.settings.gateway_body.upper()],
            file_as_numbers=self.settings.gateway_4210_as_numbers,
            limits=limits,
        )
        shared = PostgresGatewaySessions(self.pool, Seal(self._sealing_key))
        accounts = RememberedAccounts(self.gateway_accounts)
        return GatewayClient(
            gateway, accounts=accounts, clock=self.clock, shared=shared, memory=self.kept_answers
        )

    def check_bundle(self, data: bytes, *, facility: FacilityCode, at: datetime) -> Report:
        """Check one bundle as the service does: signature, registration, format and rules."""
        return check_bundle(data, at=at, terms=self.terms_for(facility))

    def check_batch(self, batch: Sequence[Leased]) -> Sequence[Report]:
        """Check bundles as `check_bundle` does, asking the history once for those that fit into memory."""
        return [report for together in _portions(batch) for report in self._check_together(together)]

    def _check_together(self, batch: Sequence[Leased]) -> Sequence[Report]:
        checks: deque[CheckUnderWay] = deque()
        # What `kept_trust` kept before the batch, and nothing newer.
        trust = self.watched_trust.loaded
        for one in batch:
            terms = self.terms_for(one.facility, trust)
            with _CHECKING(one):
                # The signature is judged at the moment of receipt, not when a worker got round to it.
                checks.append(begin_check(one.body, at=one.received_at, terms=terms))
        ask_together(checks)
        reports: list[Report] = []
        for one in batch:
            with _JUDGING(one):
                reports.append(checks.popleft().finish())  # and its tables go
        return reports

    @cached_property
    def check_terms(self) -> CheckTerms:
        """On what terms bundles are checked, but for what depends on the facility and on who is trusted now.

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
        return CheckTerms(policy=policy, own_rules=own, person_key=self._person_key)

    def terms_for(self, facility: FacilityCode | None, trust: TrustStore | None = None) -> CheckTerms:
        """Return the terms of a facility's bundles, with its lists where they are known.

        ``trust`` is what is trusted now, unless it is told.
        """
        catalogue = None if facility is None else self.catalogues.find(facility)
        # Not among the terms themselves: they are made before a worker's processes part, connections after.
        more: dict[Need, object] = {Need.HISTORY: self.history}
        if self.cards is not None:
            more[Need.CARDS] = self.cards
        if self.settings.check_ins:
            more[Need.CHECK_IN] = self.check_ins
        return replace(
            self.check_terms,
            signature=SignatureTerms(trust or self.trust, DEFAULT_POLICY, self._is_registered),
            expected_facility=facility,
            catalogue=catalogue,
            more=more,
        )

    @cached_property
    def _is_registered(self) -> Callable[[str, str, datetime], bool]:
        @ttl_cache(maxsize=50_000, ttl=_REMEMBER_S)
        def is_registered(facility: str, certificate_sha256: str, minute: datetime) -> bool:
            return self.registrations.may_sign(facility, certificate_sha256, minute)

        # To the minute, so that one facility's claims share an answer.
        return lambda facility, sha256, at: is_registered(
            facility, sha256, at.replace(second=0, microsecond=0)
        )


def _portions(batch: Sequence[Leased]) -> Iterator[Sequence[Leased]]:
    portion: list[Leased] = []
    size = 0
    for one in batch:
        if portion and size + len(one.body) > _TOGETHER_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(one)
        size += len(one.body)
    if portion:
        yield portion


class RememberedAccounts:
    """`claims.exchange.ports.Accounts` that remembers for some seconds what it found: every claim asks."""

    def __init__(self, accounts: GatewayAccounts) -> None:
        self._find = ttl_cache(maxsize=20_000, ttl=_REMEMBER_S)(accounts.find)

    def find(self, facility: str) -> Account | None:
        """Return the facility's account at the gateway as of some seconds ago, if it has one."""
        return self._find(facility)
