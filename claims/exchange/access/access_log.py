"""The log of access: failed sign-ins, lock-outs, and every change of who may do what. Only added to.

It names nobody but by ids, and never what somebody typed: a name that nobody has may be a password in the
wrong field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from claims.exchange.access.places import Reach


class AccessKind(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    LOCKED_OUT = "locked_out"
    PERSON_ADDED = "person_added"
    PERSON_CLOSED = "person_closed"
    PERSON_REOPENED = "person_reopened"
    PERSON_RESET = "person_reset"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    KEY_MADE = "key_made"
    KEY_REPLACED = "key_replaced"
    KEY_ENDED = "key_ended"
    CLIENT_ADDED = "client_added"
    CLIENT_KEY_ADDED = "client_key_added"
    CLIENT_KEY_ENDED = "client_key_ended"
    CLIENT_SUSPENDED = "client_suspended"
    CLIENT_RESUMED = "client_resumed"
    CLIENT_ENDED = "client_ended"
    FACILITY_ADDED = "facility_added"
    FACILITY_RENAMED = "facility_renamed"
    GATEWAY_ACCOUNT_SET = "gateway_account_set"
    CARD_STAFF_SET = "card_staff_set"
    GLASS_BROKEN = "glass_broken"
    DATA_REQUEST = "data_request"


@dataclass(frozen=True, slots=True)
class AccessEvent:
    """One thing that happened.

    Attributes:
        position: Its place in the log, without gaps.
        by: Who did it: the id of a person or key, ``cli:ACCOUNT``, ``provider``; empty: not known.
        about: Whom or what it was done to; empty: nobody that is known.
        places: Where it counts: facilities, provinces, or an empty code for the nation.
        detail: The rest, in words that name nobody.
    """

    position: int
    at: datetime
    kind: AccessKind
    by: str
    about: str
    places: tuple[str, ...]
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccessFilter:
    """Which events are meant; every condition narrows.

    Attributes:
        within: Where whoever asks may see.
        who: Who did it, or whom it was done to.
    """

    within: Reach
    kinds: tuple[AccessKind, ...] = ()
    who: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AccessLog(Protocol):
    """Keeps the log."""

    def note(self, kind: AccessKind, *, about: str, detail: Mapping[str, str], by: str | None = None) -> None:
        """Add what happened to a person, or to somebody who is not known; None: who acts (`acting`)."""
        ...

    def list_page(self, which: AccessFilter, *, limit: int, before: int | None) -> Sequence[AccessEvent]:
        """Return events, newest first."""
        ...
