"""Keeping sessions: they are opened, found by their tokens, moved on and ended.

Each step, and each change of what a session opens, gives it a new token; the old one opens nothing more.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from claims.exchange.access.errors import NotSignedIn
from claims.exchange.access.people import People, Person
from claims.exchange.access.principal import Principal
from claims.exchange.access.session import Session, SessionStore, Stage
from claims.exchange.ports import Clock

PREFIX: Final = "ses_"
#: How exactly it is remembered when a session was last used.
_TOUCH_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and whose it is."""

    session: Session
    person: Person

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return self.session.stage is Stage.FULL

    @property
    def principal(self) -> Principal:
        """Who calls.

        Raises:
            NotSignedIn: Something is still missing.
        """
        if not self.is_complete:
            raise NotSignedIn
        return self.person.principal

    def was_proved_within(self, age: timedelta, now: datetime) -> bool:
        """Return whether who he is was proved lately."""
        return now - self.session.proved_at <= age


@dataclass(frozen=True, slots=True)
class KeepSessions:
    """Open sessions, find out whose a token is, and end them."""

    store: SessionStore
    people: People
    clock: Clock
    idle: timedelta
    longest: timedelta

    def open(self, person: Person, *, stage: Stage, method: str) -> str:
        """Begin a session; return its token."""
        now, token = self.clock.now(), new_token()
        session = Session(digest(token), person.id, stage, method, now, now, now, now + self.longest)
        self.store.add(session)
        return token

    def find(self, token: str) -> SignedIn:
        """Return whose session a token is, and note that it is used.

        Raises:
            NotSignedIn: Nobody's, or not any more.
        """
        now = self.clock.now()
        session = self.store.find(digest(token)) if token.startswith(PREFIX) else None
        person = None if session is None else self.people.find(session.person_id)
        if session is None or person is None:
            raise NotSignedIn
        if person.disabled_at is not None or not session.is_live(now, self.idle):
            raise NotSignedIn
        if now - session.seen_at >= _TOUCH_EVERY:
            self.store.touch(session.digest, at=now)
        return SignedIn(session, person)

    def authenticate(self, token: str) -> Principal:
        """Return who calls with a token; raises as `find`, and where something is still missing."""
        return self.find(token).principal

    def move(self, signed_in: SignedIn, stage: Stage) -> str:
        """Give a session a new token and stage, after somebody proved something; return the token.

        Raises:
            NotSignedIn: It has ended meanwhile.
        """
        now, token = self.clock.now(), new_token()
        old = signed_in.session
        new = replace(old, digest=digest(token), stage=stage, proved_at=now, seen_at=now)
        if not self.store.replace(old.digest, new, at=now):
            raise NotSignedIn
        return token

    def end(self, token: str) -> None:
        """End a session; one that is none is as good as ended."""
        self.store.end(digest(token), at=self.clock.now())

    def end_others(self, signed_in: SignedIn) -> int:
        """End every other session of a person; return how many."""
        return self.store.end_all(signed_in.person.id, at=self.clock.now(), but=signed_in.session.digest)

    def of(self, person: Person) -> Sequence[Session]:
        """Return a person's live sessions, newest first."""
        now = self.clock.now()
        found = self.store.of_person(person.id, since=now - self.idle)
        return [session for session in found if session.is_live(now, self.idle)]


def new_token() -> str:
    """Return a token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is stored of a token; it is random, so a plain digest is enough."""
    return hashlib.sha256(token.encode()).digest()
