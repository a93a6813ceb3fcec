"""Signing in: from a password, or another proof, to a session that opens something.

1. A password opens a session at the first stage that is still missing.
2. A code of the generator, or a passkey, where one is registered.
3. A password of his own, where an administrator had to give him one.
4. A second factor to be set up, where none is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from claims.exchange.access.access_log import AccessKind, AccessLog
from claims.exchange.access.attempts import Client, Counter, Guard
from claims.exchange.access.errors import NotSignedIn, SignInRefused, TooManyAttempts, WeakPassword
from claims.exchange.access.passwords import Passwords, require_strong
from claims.exchange.access.people import People, Person
from claims.exchange.access.second_factor import TotpSetUp, find_step, new_secret, set_up
from claims.exchange.access.session import Stage
from claims.exchange.access.sessions import KeepSessions, SignedIn
from claims.exchange.ports import Clock


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that begins, or goes on under a new token.

    Attributes:
        token: For the session's cookie.
        stage: What is still missing.
        device: For the cookie that says that somebody signed in here before; empty: leave it as it is.
    """

    token: str = field(repr=False)
    stage: Stage
    device: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Everything between a stranger and a session."""

    people: People
    sessions: KeepSessions
    passwords: Passwords
    guard: Guard
    clock: Clock
    log: AccessLog

    def with_password(self, login: str, password: str, client: Client) -> Opened:
        """Open a session for whoever knows the password; says by its stage what comes next.

        Raises:
            SignInRefused: The name or the password is wrong, or the account is closed.
            TooManyAttempts: He has to wait.
        """
        login = login.strip().lower()
        person = self.people.find_by_login(login)
        counters = self.enter(login, client, person)
        # (1) The comparison runs for unknown names as well, so that its time tells nothing.
        matches = self.passwords.matches(password, None if person is None else person.password_hash)
        if person is None or not matches or not self._may_enter(person):
            raise self.refused(person, "password", client)
        self.guard.succeeded(counters)
        if person.password_hash and self.passwords.is_outdated(person.password_hash):
            self.people.set_password(person.id, self.passwords.hash(password), until=person.password_until)
        stage = Stage.SECOND_FACTOR if person.has_second_factor else after_proofs(person)
        self.entered(person, "password", stage)
        return Opened(self.sessions.open(person, stage=stage, method="password"), stage)

    def with_code(self, token: str, code: str, client: Client) -> Opened:
        """Go on with a code of the generator; a code counts once.

        Raises:
            NotSignedIn: There is no session that waits for one.
            SignInRefused: It is not the code of now, or was used.
            TooManyAttempts: He has to wait.
        """
        # (2) A code is worth nothing without the password that opened the session.
        signed_in = self.at(token, Stage.SECOND_FACTOR)
        self._use_code(signed_in, code, client)
        return self.move(signed_in, after_proofs(signed_in.person))

    def change_password(self, token: str, *, old: str, new: str, client: Client) -> Opened:
        """Choose a password; every other session ends.

        Raises:
            NotSignedIn: There is no session that may.
            SignInRefused: The old password is wrong.
            WeakPassword: The new one may not be chosen.
            TooManyAttempts: He has to wait.
        """
        # (3) The old one again: whoever finds a browser open must not take the account over.
        signed_in = self.at(token, Stage.PASSWORD, Stage.FULL)
        person = signed_in.person
        counters = self.enter(person.login, client, person)
        if not self.passwords.matches(old, person.password_hash):
            raise self.refused(person, "password", client)
        self.guard.succeeded(counters)
        require_strong(new, login=person.login)
        if self.passwords.matches(new, person.password_hash):
            raise WeakPassword("same")
        self.people.set_password(person.id, self.passwords.hash(new), until=None)
        self.sessions.end_others(signed_in)
        return self.move(signed_in, Stage.FULL if person.has_second_factor else Stage.ENROLL)

    def begin_totp(self, token: str) -> TotpSetUp:
        """Give out a secret for a code generator, which counts once a code has proved it.

        Raises:
            NotSignedIn: There is no session that may, or a generator is set up: an administrator resets it.
        """
        # (4) Only while there is none, or the second factor would be worth the first.
        person = self.at(token, Stage.ENROLL, Stage.FULL).person
        if person.totp_confirmed:
            raise NotSignedIn
        secret = person.totp_secret or new_secret()  # the same for a page that is loaded again
        if person.totp_secret is None:
            self.people.set_totp(person.id, secret)
        return set_up(secret, login=person.login)

    def confirm_totp(self, token: str, code: str, client: Client) -> Opened:
        """Prove that the generator works; raises as `with_code`."""
        signed_in = self.at(token, Stage.ENROLL, Stage.FULL)
        self._use_code(signed_in, code, client)
        return self.move(signed_in, Stage.FULL)

    def _may_enter(self, person: Person) -> bool:
        is_over = person.password_until is not None and self.clock.now() >= person.password_until
        return person.disabled_at is None and not is_over

    def at(self, token: str, *stages: Stage) -> SignedIn:
        """Return a session that stands at one of some stages.

        Raises:
            NotSignedIn: There is none.
        """
        signed_in = self.sessions.find(token)
        if signed_in.session.stage not in stages:
            raise NotSignedIn
        return signed_in

    def _use_code(self, signed_in: SignedIn, code: str, client: Client) -> None:
        person = signed_in.person
        counters = self.enter(person.login, client, person)
        secret = person.totp_secret
        step = None if secret is None else find_step(secret, code, at=self.clock.now())
        if step is None or not self.people.use_totp_step(person.id, step):
            raise self.refused(person, "code", client)
        self.guard.succeeded(counters)

    def enter(self, login: str, client: Client, person: Person | None) -> Sequence[Counter]:
        """Count an attempt; the one that uses the last up is noted, and those after it are not.

        Raises:
            TooManyAttempts: None is left.
        """
        try:
            return self.guard.enter(login, client)
        except TooManyAttempts as error:
            if error.is_first:
                self.log.note(
                    AccessKind.LOCKED_OUT, about=_id_of(person), by="", detail={"from": client.network}
                )
            raise

    def refused(self, person: Person | None, step: str, client: Client) -> SignInRefused:
        """Note that somebody could not prove who he is, and return what to say."""
        detail = {"step": step, "from": client.network}
        self.log.note(AccessKind.SIGN_IN_FAILED, about=_id_of(person), by="", detail=detail)
        return SignInRefused()

    def entered(self, person: Person, how: str, stage: Stage) -> None:
        """Note that somebody is in, once nothing is missing."""
        if stage is Stage.FULL:
            self.log.note(AccessKind.SIGNED_IN, about=person.id, by=person.id, detail={"by": how})

    def move(self, signed_in: SignedIn, stage: Stage) -> Opened:
        """Let a session go on under a new token, after somebody proved something."""
        if signed_in.session.stage is not Stage.FULL:
            self.entered(signed_in.person, signed_in.session.method, stage)
        device = self.guard.device_of(signed_in.person.login) if stage is Stage.FULL else ""
        return Opened(self.sessions.move(signed_in, stage), stage, device)


def _id_of(person: Person | None) -> str:
    return "" if person is None else person.id


def after_proofs(person: Person) -> Stage:
    """Return what is missing once both factors are proved."""
    if person.must_change_password:
        return Stage.PASSWORD
    return Stage.FULL if person.has_second_factor else Stage.ENROLL
