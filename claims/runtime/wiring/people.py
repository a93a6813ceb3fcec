"""Wiring of who calls, and what each may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog
from cachetools.func import ttl_cache

from claims.checking.persons import blind_all
from claims.exchange.access.attempts import Guard
from claims.exchange.access.callers import WhoCalls
from claims.exchange.access.clients import GrantToken, ManageClients, RecognizeToken
from claims.exchange.access.keys import ApiKey, Authenticate, IssueKey, RotateKey
from claims.exchange.access.passkeys import Site, UsePasskeys
from claims.exchange.access.passwords import Passwords
from claims.exchange.access.people import ManagePeople
from claims.exchange.access.protection import BreakGlass, Protection
from claims.exchange.access.provided_roles import read_provided_roles
from claims.exchange.access.provider import SignInThroughProvider
from claims.exchange.access.readings import ConsultReadings
from claims.exchange.access.sessions import KeepSessions
from claims.exchange.access.sign_in import SignIn
from claims.exchange.data_requests import HandleDataRequests
from claims.exchange.personal_data import ExportPerson
from claims.exchange.submission import FacilityCode
from claims.outbound.guard import Guard as OutboundGuard
from claims.outbound.openid import OpenIdProvider, Registration
from claims.runtime.callers import KnownCallers
from claims.runtime.named_files import read_file
from claims.runtime.noting import NotedBeside
from claims.runtime.value_forms import read_networks
from claims.runtime.wiring.foundation import Foundation
from claims.storage.access_log import PostgresAccessLog
from claims.storage.clients import PostgresClients
from claims.storage.data_requests import PostgresDataRequests
from claims.storage.facilities import PostgresApiKeys
from claims.storage.openings import PostgresOpenings
from claims.storage.passkeys import PostgresPasskeys
from claims.storage.people import PostgresPeople
from claims.storage.personal_data import PostgresHeldData
from claims.storage.reading_chain import ReadingChain
from claims.storage.readings import PostgresReadings
from claims.storage.sealing import Seal, derive_key
from claims.storage.sessions import PostgresAttempts, PostgresSessions, PostgresUsedAnswers

log = structlog.get_logger()
#: How long a key or a certificate registration is taken as it was; a revocation works after this long.
_REMEMBER_S = 10


@dataclass
class People(Foundation):
    """Adds who calls, and what each may see."""

    @cached_property
    def readings(self) -> NotedBeside:
        """Who saw what of which patients."""
        return NotedBeside(PostgresReadings(self.pool))

    @cached_property
    def consult_readings(self) -> ConsultReadings:
        """Look into the log of readings."""
        return ConsultReadings(self.readings, self.clock)

    @cached_property
    def reading_chain(self) -> ReadingChain:
        """Whether the log of readings is whole."""
        return ReadingChain(self.pool)

    @cached_property
    def access_log(self) -> PostgresAccessLog:
        """Sign-ins that failed, and changes of who may do what."""
        return PostgresAccessLog(self.pool)

    @cached_property
    def data_requests(self) -> HandleDataRequests:
        """Requests of persons about their data."""
        return HandleDataRequests(self._data_requests, self.clock)

    @cached_property
    def export_person(self) -> ExportPerson:
        """Everything held about one person, in one file."""
        held = PostgresHeldData(self._whole_pool, self.vault)
        return ExportPerson(held, self._data_requests, self.readings, self.protection, self.clock)

    @cached_property
    def _data_requests(self) -> PostgresDataRequests:
        return PostgresDataRequests(self.pool, Seal(self._sealing_key))

    @property
    def _person_key(self) -> bytes:
        return derive_key(self._sealing_key, "insured persons in reviews")

    def blind_persons(self, number: str) -> tuple[bytes, ...]:
        """Return under which digests a person's number may be found."""
        return blind_all(self._person_key, number)

    @cached_property
    def api_keys(self) -> PostgresApiKeys:
        """Callers' keys."""
        return PostgresApiKeys(self.pool)

    @cached_property
    def openings(self) -> PostgresOpenings:
        """Who broke the glass in front of what."""
        return PostgresOpenings(self.pool)

    @cached_property
    def protection(self) -> Protection:
        """Stands in front of what claims say."""
        return Protection(self.submissions, self.openings, self.clock)

    @cached_property
    def break_glass(self) -> BreakGlass:
        """Open a protected record for a reason and a time."""
        return BreakGlass(self.submissions, self.openings, self.clock)

    @cached_property
    def authenticate(self) -> Authenticate:
        """Find out who calls."""
        return Authenticate(RememberedKeys(self.api_keys), self.clock)

    @cached_property
    def issue_key(self) -> IssueKey:
        """Make an API key."""
        return IssueKey(self.api_keys, self.clock)

    @cached_property
    def rotate_key(self) -> RotateKey:
        """Replace an API key."""
        return RotateKey(self.api_keys, self.clock)

    @cached_property
    def clients(self) -> PostgresClients:
        """OAuth clients, their keys and tokens."""
        return PostgresClients(self.pool)

    @cached_property
    def manage_clients(self) -> ManageClients:
        """Register clients and end them."""
        return ManageClients(self.clients, self.clock)

    @cached_property
    def grant_token(self) -> GrantToken:
        """Give a client a token."""
        base = (self.settings.public_url or self.settings.api_url).rstrip("/")
        return GrantToken(self.clients, self.clock, frozenset({base, f"{base}/oauth/token"}))

    @cached_property
    def who_calls(self) -> KnownCallers:
        """Find out who shows a token."""
        asked = WhoCalls(self.authenticate, self.sessions, RecognizeToken(self.clients, self.clock))
        return KnownCallers(asked, self.clock, remember_s=_REMEMBER_S / 2)

    @cached_property
    def people(self) -> PostgresPeople:
        """Who signs in."""
        return PostgresPeople(self.pool, Seal(self._sealing_key))

    @cached_property
    def _session_store(self) -> PostgresSessions:
        return PostgresSessions(self.pool)

    @cached_property
    def _passwords(self) -> Passwords:
        return Passwords()

    @cached_property
    def manage_people(self) -> ManagePeople:
        """Add and disable people, give and take roles."""
        return ManagePeople(self.people, self._session_store, self._passwords, self.access_log, self.clock)

    @cached_property
    def sessions(self) -> KeepSessions:
        """People's sessions."""
        idle = timedelta(minutes=self.settings.session_idle_minutes)
        longest = timedelta(hours=self.settings.session_hours)
        return KeepSessions(self._session_store, self.people, self.clock, idle, longest)

    @cached_property
    def _guard(self) -> Guard:
        key = derive_key(self._sealing_key, "browsers in which somebody signed in")
        return Guard(PostgresAttempts(self.pool), self.clock, key)

    @cached_property
    def sign_in(self) -> SignIn:
        """From a stranger to a session."""
        return SignIn(self.people, self.sessions, self._passwords, self._guard, self.clock, self.access_log)

    @cached_property
    def provider(self) -> SignInThroughProvider | None:
        """From a stranger to a session, with the word of an OpenID provider; None where there is none."""
        settings = self.settings
        if not settings.oidc_issuer or settings.oidc_roles is None:
            return None
        secret, base = settings.oidc_client_secret, f"{settings.public_url.rstrip('/')}/console"
        registration = Registration(
            settings.oidc_issuer,
            settings.oidc_client_id,
            None if secret is None else secret.get_secret_value(),
            back=f"{base}/signin/provider/answer",
            left=f"{base}/signin",
        )
        guard = OutboundGuard(read_networks(settings.oidc_networks), needs_tls=True, timeout_s=5.0)
        return SignInThroughProvider(
            OpenIdProvider(registration, guard, self.clock),
            read_file(settings.oidc_roles, read_provided_roles),
            self.people,
            self.sessions,
            PostgresUsedAnswers(self.pool),
            self._guard,
            self.access_log,
            self.clock,
            derive_key(self._sealing_key, "sign-ins at an OpenID provider"),
        )

    @cached_property
    def passkeys(self) -> UsePasskeys | None:
        """Registering and using passkeys; None where people do not reach the console by a name.

        Browsers keep passkeys for names alone, not for addresses of the network (WebAuthn, 5.1.3).
        """
        address = urlsplit(self.settings.public_url)
        if not address.hostname or _is_number(address.hostname):
            return None
        site = Site(address.hostname, f"{address.scheme}://{address.netloc}")
        key = derive_key(self._sealing_key, "questions to passkeys")
        return UsePasskeys(PostgresPasskeys(self.pool), self.sign_in, self.clock, site, key)


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class RememberedKeys:
    """`claims.exchange.access.keys.ApiKeys` that remembers what it found for some seconds."""

    def __init__(self, keys: PostgresApiKeys) -> None:
        self._keys = keys
        # Half of the time that a revocation may take; whoever it stands for is remembered for the other half.
        self._find = ttl_cache(maxsize=20_000, ttl=_REMEMBER_S / 2)(keys.find)
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

    def replace(self, key_id: str, new: ApiKey, *, ends_at: datetime, most: int) -> bool:
        """Store a key that takes another's place."""
        return self._keys.replace(key_id, new, ends_at=ends_at, most=most)

    def of_facility(self, facility: FacilityCode | None) -> Sequence[ApiKey]:
        """Return a facility's keys."""
        return self._keys.of_facility(facility)

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Remember when a key was last used; asks the database once a minute."""
        self._note_use(key_id, at.replace(second=0, microsecond=0))

    def _note(self, key_id: str, at: datetime) -> None:
        self._keys.note_use(key_id, at=at)
