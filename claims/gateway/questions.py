"""Reads that hospital software asks for, put to the gateway in the facility's name and answered as they come.

What answers say of assessment and settlement is kept here, for whoever asked: the follow-up does, too.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from claims.exchange.errors import GatewayUnavailable
from claims.exchange.passing_on import About, AnswerKey, KeptAnswers, Question, Reply
from claims.gateway.answers import Answer, unreadable
from claims.gateway.calling import Call, Caller
from claims.gateway.protocol import (
    ACCEPTED,
    ASSESSMENT_PATH,
    READS,
    ROUNDS_PATH,
    SETTLEMENT_PATH,
    Carries,
    describe_code,
    is_closed,
)

#: A large hospital's month, line by line.
LONGEST_ANSWER: Final = 64 * 2**20
_PERIOD: Final = re.compile(r"0?([1-9]|1[0-2])/([0-9]{4})", re.ASCII)
_QUARTER: Final = re.compile(r"Q[1-4]/[0-9]{4}", re.ASCII)
_LONGEST_ROUND: Final = 100


@dataclass(frozen=True, slots=True)
class GatewayQuestions:
    """Implements the exchange's `AskedGateway` over HTTP."""

    caller: Caller
    memory: KeptAnswers | None = None

    def key_of(self, facility: str, question: Question) -> AnswerKey | None:
        """Return under what the answer is kept, if it is."""
        return key_of(facility, question.path, {**question.fields, **question.query})

    def ask(self, facility: str, question: Question) -> Reply:
        """Ask in the facility's name, with what was asked where it was asked."""
        account, carries = self.caller.account_of(facility), READS[question.path]
        fields = dict(question.fields)
        if carries is Carries.HEADERS:
            fields["username"] = account.username
        body = self.caller.write(fields)
        call = Call(question.path, body, carries, question.query, max_answer_bytes=LONGEST_ANSWER)
        asked_at = self.caller.clock.now()
        answer = self.caller.post(facility, account, call)
        if answer.code is None:
            raise unreadable(answer)
        if answer.wants_sign_in:  # with a fresh session: whoever asked has none there that he could renew
            raise GatewayUnavailable(f"gateway.{answer.code}", describe_code(answer.code))
        keep_answer(self.memory, self.key_of(facility, question), answer, asked_at=asked_at)
        return Reply(answer.raw.body, answer.raw.status, is_accepted=_is_accepted(answer))


def key_of(facility: str, path: str, asked: Mapping[str, str]) -> AnswerKey | None:
    """Return under what an answer is kept; None: it is not, or the question makes no sense."""
    if path not in _KEPT:
        return None
    about, which_of = _KEPT[path]
    which = which_of(asked)
    return AnswerKey(facility, about, which) if which else None


def _month(asked: Mapping[str, str]) -> str:
    month, year = (asked.get(name, "").strip() for name in ("thang", "nam"))
    period = _PERIOD.fullmatch(f"{month}/{year}")
    return f"{period[2]}{period[1]:0>2}" if period else ""


def _round(asked: Mapping[str, str]) -> str:
    code = asked.get("maDot", "").strip()
    return code if len(code) <= _LONGEST_ROUND and code.isprintable() else ""


def _period(asked: Mapping[str, str]) -> str:
    period = asked.get("kyQuyetToan", "").strip().upper()
    if month := _PERIOD.fullmatch(period):
        return f"{month[1]:0>2}/{month[2]}"
    return period if _QUARTER.fullmatch(period) else ""


_KEPT: Final[Mapping[str, tuple[About, Callable[[Mapping[str, str]], str]]]] = {
    ROUNDS_PATH: (About.ROUNDS, _month),
    ASSESSMENT_PATH: (About.ASSESSMENT, _round),
    SETTLEMENT_PATH: (About.SETTLEMENT, _period),
}


def keep_answer(
    memory: KeptAnswers | None, key: AnswerKey | None, answer: Answer, *, asked_at: datetime
) -> None:
    """Keep an answer that says something, where there is a memory."""
    if memory is None or key is None or not _is_accepted(answer):
        return
    is_final = key.about is About.SETTLEMENT and is_closed(answer.fields.get("trangThai"))
    memory.keep(key, answer.raw.body, asked_at=asked_at, is_final=is_final)


def _is_accepted(answer: Answer) -> bool:
    return answer.code == ACCEPTED and answer.is_success_status
