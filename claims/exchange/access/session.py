"""A session as it is kept: what a browser shows instead of a password. Only its token's digest is stored.

A session begins before everything is proved, and says by its stage what is still missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

#: How long one may take between password and the rest.
UNFINISHED_FOR: Final = timedelta(minutes=10)


class Stage(StrEnum):
    """What is still missing."""

    SECOND_FACTOR = "second_factor"  # a code or a passkey
    PASSWORD = "password"  # noqa: S105 - a password of his own instead of the one-time one
    ENROLL = "enroll"  # a second factor to be set up
    FULL = "full"  # nothing


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's being signed in.

    Attributes:
        method: How it began: ``password``, ``passkey`` or ``oidc``.
        proved_at: When somebody last proved who he is, for what must not rest on an old proof.
        ends_at: When it ends however busy it is.
    """

    digest: bytes
    person_id: str
    stage: Stage
    method: str
    opened_at: datetime
    proved_at: datetime
    seen_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None

    def is_live(self, now: datetime, idle: timedelta) -> bool:
        """Return whether it opens anything at this moment."""
        if self.stage is not Stage.FULL:
            idle = min(idle, UNFINISHED_FOR)
        return self.ended_at is None and now < self.ends_at and now - self.seen_at < idle


class SessionStore(Protocol):
    """Where sessions are kept."""

    def add(self, session: Session) -> None:
        """Store a new session."""
        ...

    def find(self, digest: bytes) -> Session | None:
        """Return the session with this token's digest, live or not."""
        ...

    def touch(self, digest: bytes, *, at: datetime) -> None:
        """Remember that it was used."""
        ...

    def replace(self, digest: bytes, session: Session, *, at: datetime) -> bool:
        """End one session and store the one that follows it; False: it had ended, and nothing is stored."""
        ...

    def end(self, digest: bytes, *, at: datetime) -> None:
        """End a session."""
        ...

    def end_all(self, person_id: str, *, at: datetime, but: bytes = b"") -> int:
        """End every session of a person, but one; return how many."""
        ...

    def of_person(self, person_id: str, *, since: datetime) -> Sequence[Session]:
        """Return a person's sessions that have not ended and were used since, newest first."""
        ...
