"""Signing in through an OpenID provider: the authorization code flow with PKCE (RFC 7636), state and nonce.

Everything that one sign-in needs follows from a random number in a cookie of the browser that began it and a
key of the service: nothing is stored until an answer comes, and what one browser began no other can end.

1. The browser gets the cookie and goes to the provider with state, nonce and challenge.
2. It comes back with a code; cookie and state belong together, the issuer is the one that was asked, and the
   cookie was not used before.
3. The code becomes an ID token, which is read with what is expected of it (`id_tokens`).
4. What the provider says becomes roles (`provided_roles`): without one there is no account and no session.
5. A session begins; it asks for a second factor of our own unless the provider says that it asked for one.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from ulid import ULID

from claims.exchange.access.access_log import AccessKind, AccessLog
from claims.exchange.access.attempts import Client, Counter, Guard
from claims.exchange.access.errors import LoginTaken, NoRoleGiven, ProviderRefused
from claims.exchange.access.id_tokens import Expected, key_id_of, read_id_token
from claims.exchange.access.people import People, Person
from claims.exchange.access.principal import Grant
from claims.exchange.access.provided_roles import ProvidedRoles
from claims.exchange.access.public_keys import PublicKey, unpadded
from claims.exchange.access.session import Stage
from claims.exchange.access.sessions import KeepSessions
from claims.exchange.access.sign_in import Opened
from claims.exchange.ports import Clock

#: How long one may take at the provider.
LASTS: Final = timedelta(minutes=10)
_LONGEST_NAME: Final = 200
_LONGEST_CODE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Question:
    """With what a browser is sent to the provider.

    Attributes:
        claims: What the provider should say of somebody.
    """

    state: str
    nonce: str
    challenge: str
    claims: tuple[str, ...] = ()


class Provider(Protocol):
    """An OpenID provider, as its discovery document describes it."""

    @property
    def issuer(self) -> str:
        """Its name, which is its address."""
        ...

    @property
    def client_id(self) -> str:
        """Under which name it knows this service."""
        ...

    @property
    def names_itself(self) -> bool:
        """Whether its answers always name it (RFC 9207).

        Raises:
            ProviderUnavailable: It does not say now.
        """
        ...

    def address(self, question: Question) -> str:
        """Return where the browser goes.

        Raises:
            ProviderUnavailable: The provider does not say now.
        """
        ...

    def redeem(self, code: str, *, verifier: str) -> str:
        """Return the ID token for a code.

        Raises:
            ProviderRefused: The provider does not know the code.
            ProviderUnavailable: The provider does not answer.
        """
        ...

    def keys(self, key_id: str | None) -> Sequence[PublicKey]:
        """Return its keys of this name, or all where a token names none; looks again for others.

        Raises:
            ProviderUnavailable: The provider does not say now.
        """
        ...

    def sign_out_address(self) -> str | None:
        """Return where one signs out there too; None where there is no such place, or it cannot be asked."""
        ...


class UsedAnswers(Protocol):
    """Remembers which sign-ins have come back."""

    def use(self, digest: bytes, *, until: datetime, now: datetime) -> bool:
        """Remember one; False: it came back before."""
        ...


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: what the browser keeps, and where it goes."""

    cookie: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings back."""

    state: str
    code: str = field(repr=False)
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class SignInThroughProvider:
    """From a stranger to a session, with the word of a provider."""

    provider: Provider
    roles: ProvidedRoles
    people: People
    sessions: KeepSessions
    used: UsedAnswers
    guard: Guard
    log: AccessLog
    clock: Clock
    key: bytes = field(repr=False)

    def begin(self, after: str) -> Begun:
        """Return what a browser needs to begin; ``after`` is where it wants to be at the end.

        Raises:
            ProviderUnavailable: The provider does not answer.
        """
        # (1) Where it wants to be goes with it, so that no address of the provider's answer decides that.
        ends = (self.clock.now() + LASTS).timestamp()
        kept = json.dumps([ends, secrets.token_urlsafe(24), after], ensure_ascii=False).encode()
        question = Question(
            self._derived(kept, "state"),
            self._derived(kept, "nonce"),
            _text(hashlib.sha256(self._derived(kept, "verifier").encode()).digest()),
            self.roles.claims,
        )
        return Begun(f"{_text(kept)}.{self._derived(kept, 'cookie')}", self.provider.address(question))

    def finish(self, cookie: str, answer: Answer, client: Client) -> tuple[Opened, str]:
        """Return the session that the answer opens, and where the browser wanted to be.

        Raises:
            ProviderRefused: The answer, or the token it leads to, does not count.
            NoRoleGiven: The provider vouches for somebody who has no role here.
            ProviderUnavailable: The provider does not answer.
            TooManyAttempts: Others of this network tried too often.
        """
        counters = self.guard.enter_network(client)
        try:
            return self._finish(cookie, answer, counters)
        except ProviderRefused as refused:
            self._note_refusal(refused.reason, client)
            raise
        except NoRoleGiven:
            self._note_refusal("no-role", client)
            raise

    def _note_refusal(self, reason: str, client: Client) -> None:
        detail = {"step": "provider", "reason": reason, "from": client.network}
        self.log.note(AccessKind.SIGN_IN_FAILED, about="", by="", detail=detail)

    def _finish(self, cookie: str, answer: Answer, counters: Sequence[Counter]) -> tuple[Opened, str]:
        kept, after = self._own(cookie)
        self._require_answer(kept, answer)
        token = self.provider.redeem(answer.code, verifier=self._derived(kept, "verifier"))
        # (3) Only now is anything believed that is said.
        expected = Expected(self.provider.issuer, self.provider.client_id, self._derived(kept, "nonce"))
        keys = self.provider.keys(key_id_of(token))
        said = read_id_token(token, keys, expected, now=self.clock.now())
        person = self._person(said)
        self.guard.succeeded(counters)
        # (5) A password at the provider is worth no more than one of ours.
        stage = Stage.SECOND_FACTOR if person.has_second_factor else Stage.ENROLL
        if self.roles.proves_two_factors(said):
            stage = Stage.FULL
            self.log.note(AccessKind.SIGNED_IN, about=person.id, by=person.id, detail={"by": "oidc"})
        device = self.guard.device_of(person.login) if stage is Stage.FULL else ""
        return Opened(self.sessions.open(person, stage=stage, method="oidc"), stage, device), after

    def _own(self, cookie: str) -> tuple[bytes, str]:
        text, _, proof = cookie.partition(".")
        try:
            kept = unpadded(text)
            if not text or not hmac.compare_digest(proof.encode(), self._derived(kept, "cookie").encode()):
                raise ProviderRefused("cookie")
            ends, _, after = json.loads(kept)
        except ValueError as error:
            raise ProviderRefused("cookie") from error
        if self.clock.now().timestamp() >= ends:
            raise ProviderRefused("late")
        return kept, str(after)

    def _require_answer(self, kept: bytes, answer: Answer) -> None:  # (2)
        if not hmac.compare_digest(answer.state.encode(), self._derived(kept, "state").encode()):
            raise ProviderRefused("state")
        named = answer.issuer or (None if self.provider.names_itself else self.provider.issuer)
        if named != self.provider.issuer:
            raise ProviderRefused("issuer")
        if not 0 < len(answer.code) <= _LONGEST_CODE:
            raise ProviderRefused("code")
        now = self.clock.now()
        if not self.used.use(hashlib.sha256(kept).digest(), until=now + LASTS, now=now):
            raise ProviderRefused("used")

    def _person(self, said: Mapping[str, object]) -> Person:  # (4)
        subject, grants = str(said["sub"]), self.roles.grants_of(said)
        known = self.people.find_by_subject(self.provider.issuer, subject)
        if not grants:
            if known is not None and known.grants:
                self._renew(known, known.name, grants)
            raise NoRoleGiven
        name = _name_in(said) or subject
        if known is None:
            return self._add(subject, name, grants)
        if known.disabled_at is not None:
            raise ProviderRefused("closed")
        return self._renew(known, name, grants)

    def _add(self, subject: str, name: str, grants: frozenset[Grant]) -> Person:
        now, issuer = self.clock.now(), self.provider.issuer
        # From what the provider never gives to another, so that nobody gets another's name by asking.
        login = "oidc-" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:16]
        person = Person(
            id=f"usr_{ULID.from_datetime(now)}",
            login=login,
            name=name,
            created_at=now,
            grants=grants,
            issuer=issuer,
            subject=subject,
        )
        try:
            self.people.add(person, by="provider")
        except LoginTaken:  # he did so in another window at the same moment
            known = self.people.find_by_subject(issuer, subject)
            if known is None:
                raise
            return known
        return person

    def _renew(self, person: Person, name: str, grants: frozenset[Grant]) -> Person:
        now = self.clock.now()
        self.people.set_provided(person.id, name=name, grants=grants, by="provider", at=now)
        if grants != person.grants:
            self.sessions.store.end_all(person.id, at=now)
        found = self.people.find(person.id)
        if found is None:
            raise ProviderRefused("closed")
        return found

    def _derived(self, kept: bytes, what: str) -> str:
        return _text(hmac.digest(self.key, what.encode() + b"\n" + kept, "sha256"))


def _name_in(said: Mapping[str, object]) -> str:
    for claim in ("name", "preferred_username"):
        value = said.get(claim)
        if isinstance(value, str) and value.strip() and value.isprintable():
            return value.strip()[:_LONGEST_NAME]
    return ""


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
