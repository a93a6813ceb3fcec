"""Passing on: what hospital software asks the gateway through us, while it waits for the answer.

The gateway answers, in its own words. What it answers about assessment and settlement is kept, whoever asked:
what is final is answered from there, and so is anything else while the gateway does not answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from claims.exchange.breaker import Breaker
from claims.exchange.errors import GatewayError, GatewayResting
from claims.exchange.ports import Clock
from claims.exchange.quota import QUOTA, Quota

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Question:
    """A read at the gateway, but for its session.

    Attributes:
        query: What is asked in the address.
        fields: What is asked in the body.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in the gateway's own words.

    Attributes:
        body: Its bytes, a JSON object.
        is_accepted: Whether it is what was asked for.
        as_of: When it was given, if not just now.
    """

    body: bytes = field(repr=False)
    status: int = 200
    is_accepted: bool = True
    as_of: datetime | None = None


class About(StrEnum):
    """What answers are kept about."""

    ROUNDS = "rounds"  # the rounds of assessment of a month
    ASSESSMENT = "assessment"  # of a round
    SETTLEMENT = "settlement"  # of a month or quarter


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What a kept answer answers: ``which`` month (yyyyMM), round (maDot) or period (MM/yyyy, QX/yyyy)."""

    facility: str
    about: About
    which: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that the gateway gave.

    Attributes:
        is_final: Whether the gateway has said that nothing will be added to it.
    """

    body: bytes = field(repr=False)
    asked_at: datetime
    is_final: bool


class KeptAnswers(Protocol):
    """The gateway's last answers."""

    def keep(self, key: AnswerKey, body: bytes, *, asked_at: datetime, is_final: bool) -> None:
        """Keep an answer, unless one is there that was asked for later."""
        ...

    def find(self, key: AnswerKey) -> KeptAnswer | None:
        """Return the answer that is kept."""
        ...


class AskedGateway(Protocol):
    """The gateway, as far as hospital software asks it for what is there."""

    def key_of(self, facility: str, question: Question) -> AnswerKey | None:
        """Return under what the answer is kept, if it is."""
        ...

    def ask(self, facility: str, question: Question) -> Reply:
        """Ask in the facility's name; asking changes nothing there.

        Raises:
            GatewayUnavailable: It could not be asked, or did not answer in its protocol.
            OutcomeUnknown: Likewise.
            GatewayRefused: The facility has no account there, or its password is wrong.
        """
        ...


@dataclass(frozen=True, slots=True)
class AskInPeace:
    """Ask the gateway while somebody waits: at its pace, and not while it is left in peace."""

    breaker: Breaker
    quota: Quota
    clock: Clock

    def __call__(self, ask: Callable[[], _T]) -> _T:
        """Ask, and let all who send there know whether it answered.

        Raises:
            GatewayResting: It is not asked for now.
            GatewayError: As asking does.
        """
        now = self.clock.now()
        permit = self.breaker.permit(1, now)
        if not permit.number:
            raise GatewayResting(permit.cause, until=permit.until, now=now)
        again_at = self.quota.cut_in(now)
        if again_at is not None:
            self.breaker.give_back(permit, now)
            raise GatewayResting(QUOTA, until=again_at, now=now)
        try:
            answer = ask()
        except GatewayError as error:
            self.breaker.note(error, self.clock.now())
            raise
        self.breaker.note(None, self.clock.now())
        return answer


@dataclass(frozen=True, slots=True)
class PassOn:
    """Answer a question of hospital software."""

    gateway: AskedGateway
    kept: KeptAnswers
    in_peace: AskInPeace

    def __call__(self, facility: str, question: Question) -> Reply:
        """Return what the gateway says, or said if that is final or it does not say it now.

        Raises:
            GatewayError: It cannot be asked now, and nothing is kept.
        """
        key = self.gateway.key_of(facility, question)
        kept = None if key is None else self.kept.find(key)
        earlier = None if kept is None else Reply(kept.body, as_of=kept.asked_at)
        if kept is not None and earlier is not None and kept.is_final:
            return earlier
        try:
            reply = self.in_peace(lambda: self.gateway.ask(facility, question))
        except GatewayError:
            if earlier is None:
                raise
            return earlier
        return reply if reply.is_accepted or earlier is None else earlier
