"""People: who they are to the service, their roles, and how an administrator manages them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from ulid import ULID

from claims.exchange.access.access_log import AccessKind, AccessLog
from claims.exchange.access.errors import AccessDenied, IllegalGrant, PersonNotFound
from claims.exchange.access.passwords import Passwords, one_time_password
from claims.exchange.access.places import Place
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Grant, Principal, PrincipalKind
from claims.exchange.access.session import SessionStore
from claims.exchange.ports import Clock

#: How long the password that an administrator hands over opens anything.
ONE_TIME_PASSWORD_FOR: Final = timedelta(hours=72)
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,99}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in.

    Attributes:
        login: What he signs in with; lower case.
        password_hash: None while only another way in is open (OIDC, a passkey).
        password_until: When a one-time password ends; None for one that was chosen.
        totp_secret: The shared secret of his code generator, from its set-up on.
        totp_confirmed: Whether he has proved that the generator works.
        has_passkey: Whether a passkey is registered.
        issuer: The OpenID provider that vouches for him and gives him his roles; None: none does.
        subject: What the provider calls him.
    """

    id: str
    login: str
    name: str
    created_at: datetime
    password_hash: str | None = field(default=None, repr=False)
    password_until: datetime | None = None
    totp_secret: str | None = field(default=None, repr=False)
    totp_confirmed: bool = False
    has_passkey: bool = False
    disabled_at: datetime | None = None
    grants: frozenset[Grant] = frozenset()
    issuer: str | None = None
    subject: str | None = None

    @property
    def must_change_password(self) -> bool:
        """Whether his password is one that somebody else has seen."""
        return self.password_until is not None

    @property
    def has_second_factor(self) -> bool:
        """Whether he can prove more than that he knows a password."""
        return self.totp_confirmed or self.has_passkey

    @property
    def principal(self) -> Principal:
        """Who calls when he does."""
        return Principal(self.id, PrincipalKind.PERSON, self.grants)


class People(Protocol):
    """Everybody who signs in."""

    def add(self, person: Person, *, by: str) -> None:
        """Store somebody new, with his roles.

        Raises:
            LoginTaken: Somebody signs in by this name.
        """
        ...

    def find(self, person_id: str) -> Person | None:
        """Return the person with this id."""
        ...

    def find_by_login(self, login: str) -> Person | None:
        """Return the person who signs in by this name."""
        ...

    def find_by_subject(self, issuer: str, subject: str) -> Person | None:
        """Return the person for whom a provider vouches by this name."""
        ...

    def set_provided(
        self, person_id: str, *, name: str, grants: frozenset[Grant], by: str, at: datetime
    ) -> None:
        """Replace name and roles by what the provider says now."""
        ...

    def all(self) -> Sequence[Person]:
        """Return everybody, by login."""
        ...

    def find_some(self, text: str, *, after: str, limit: int) -> Sequence[Person]:
        """Return people by login, behind one; whose login begins so or whose name has it, marks aside."""
        ...

    def set_password(self, person_id: str, password_hash: str, *, until: datetime | None) -> None:
        """Replace a password; it opens nothing from a moment on unless that is None."""
        ...

    def set_totp(self, person_id: str, secret: str | None) -> None:
        """Replace the secret of the code generator, which is not confirmed then, or forget it."""
        ...

    def use_totp_step(self, person_id: str, step: int) -> bool:
        """Note that the code of a time step was used, and confirm the generator; False: it was before."""
        ...

    def forget_passkeys(self, person_id: str) -> None:
        """Remove every passkey."""
        ...

    def set_disabled(self, person_id: str, at: datetime | None) -> None:
        """Close or open an account."""
        ...

    def grant(self, person_id: str, grant: Grant, *, by: str, at: datetime) -> None:
        """Give a role; one that he has stays."""
        ...

    def revoke(self, person_id: str, grant: Grant) -> bool:
        """Take a role; return whether he had it."""
        ...


def normal_login(login: str) -> str:
    """Return a login as it is stored.

    Raises:
        ValueError: It could not be one.
    """
    text = login.strip().lower()
    if not _LOGIN.fullmatch(text):
        raise ValueError("a login is 2 to 100 letters, digits and . _ @ + -, without accents")
    return text


@dataclass(frozen=True, slots=True)
class ManagePeople:
    """Add and disable people, give and take roles. Every change ends the sessions of whom it concerns."""

    people: People
    sessions: SessionStore
    passwords: Passwords
    log: AccessLog
    clock: Clock

    def add(self, login: str, *, name: str, grants: Sequence[Grant], by: str) -> tuple[Person, str]:
        """Add somebody; return him and his one-time password, which is shown once and kept nowhere.

        Raises:
            ValueError: The login could not be one.
            LoginTaken: Somebody signs in by it.
            IllegalGrant: A role does not exist, or not for such a place.
        """
        now, password = self.clock.now(), one_time_password()
        person = Person(
            id=f"usr_{ULID.from_datetime(now)}",
            login=normal_login(login),
            name=name,
            created_at=now,
            password_hash=self.passwords.hash(password),
            password_until=now + ONE_TIME_PASSWORD_FOR,
            grants=frozenset(map(_possible, grants)),
        )
        self.people.add(person, by=by)
        return person, password

    def find(self, login: str) -> Person:
        """Return the person who signs in by a name.

        Raises:
            PersonNotFound: Nobody does.
        """
        person = self.people.find_by_login(login.strip().lower())
        if person is None:
            raise PersonNotFound(login)
        return person

    def reset(self, login: str) -> str:
        """Forget password, code generator and passkeys; return a new one-time password."""
        person, password = self.find(login), one_time_password()
        if person.issuer is not None:
            raise AccessDenied(
                f"no password: this person signs in at {person.issuer}",
                f"đăng nhập tại {person.issuer}, không dùng mật khẩu",
            )
        until = self.clock.now() + ONE_TIME_PASSWORD_FOR
        self.people.set_password(person.id, self.passwords.hash(password), until=until)
        self.people.set_totp(person.id, None)
        self.people.forget_passkeys(person.id)
        self.log.note(AccessKind.PERSON_RESET, about=person.id, detail={})
        self._end_sessions(person)
        return password

    def disable(self, login: str) -> None:
        """Close an account: nothing opens it any more, and what is open ends."""
        person = self.find(login)
        self.people.set_disabled(person.id, self.clock.now())
        self._end_sessions(person)

    def enable(self, login: str) -> None:
        """Open a closed account."""
        self.people.set_disabled(self.find(login).id, None)

    def grant(self, login: str, grant: Grant, *, by: str) -> None:
        """Give a role.

        Raises:
            AccessDenied: Somebody wanted to give it to himself.
            IllegalGrant: There is no such role, or not for such a place.
        """
        person = self._another(login, by)
        self.people.grant(person.id, _possible(grant), by=by, at=self.clock.now())
        self._end_sessions(person)

    def revoke(self, login: str, grant: Grant, *, by: str) -> bool:
        """Take a role; return whether he had it.

        Raises:
            AccessDenied: Somebody wanted to take his own.
        """
        person = self._another(login, by)
        had = self.people.revoke(person.id, grant)
        self._end_sessions(person)
        return had

    def _another(self, login: str, by: str) -> Person:
        person = self.find(login)
        if person.id == by:
            raise AccessDenied(
                "another administrator: nobody changes his own roles",
                "một quản trị viên khác: không ai tự đổi vai trò của mình",
            )
        if person.issuer is not None:
            raise AccessDenied(
                f"a change at {person.issuer}, which gives this person his roles",
                f"thay đổi tại {person.issuer}, nơi cấp vai trò cho người này",
            )
        return person

    def _end_sessions(self, person: Person) -> None:
        self.sessions.end_all(person.id, at=self.clock.now())


def grant_of(role: str, place: str) -> Grant:
    """Return a role for a place.

    Raises:
        IllegalGrant: There is no such role of people, or not for such a place.
    """
    try:
        return _possible(Grant(role, Place(place)))
    except ValueError:
        raise IllegalGrant(role, place) from None


def _possible(grant: Grant) -> Grant:
    role = load_policy().role(grant.role)
    if role is None or role.is_machine or not grant.is_possible:
        raise IllegalGrant(grant.role, grant.place.code)
    return grant
