"""How submissions are spoken of: states, causes in words, ages, what kind of badge each gets."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from fastapi import Request

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.messages import describe
from claims.console.formats import dong, moment
from claims.console.naming import Names, sentence_of
from claims.console.pages import language_of
from claims.console.wording import words
from claims.exchange.lifecycle import State
from claims.localtime import local_time

#: How a state looks: the badge's kind.
BADGES: Final[Mapping[State, str]] = {
    State.RECEIVED: "info",
    State.CHECKED: "info",
    State.SENDING: "info",
    State.OUTCOME_UNKNOWN: "warn",
    State.ACKNOWLEDGED: "good",
    State.REJECTED: "bad",
    State.REFUSED: "bad",
    State.FAILED: "bad",
    State.SUPERSEDED: "",
    State.WITHDRAWN: "",
}
#: Which facts of an event are amounts.
_AMOUNTS: Final = frozenset({"approved", "asked_vnd", "granted_vnd"})
_GATEWAY: Final = "gateway."
_HOUR_S: Final = 3600
_DAY_S: Final = 24 * _HOUR_S


def cause_of(code: str, language: str) -> str:
    """Say what stands in the way, by its code; a code without words is its own name."""
    word = words(language)
    key = "cause_" + code.replace(".", "_").replace("-", "_")
    if key in word:
        return word[key]
    if code.startswith(_GATEWAY):
        number = code.removeprefix(_GATEWAY)
        known = Finding(f"GATEWAY.{number}", Severity.ERROR, Location(), (("code", number),))
        try:
            return describe(known, language)
        except KeyError:
            return word.fill("cause_gateway_other", code=number)
    return sentence_of(code, language)


def fact_of(name: str, value: str, language: str) -> str:
    """Write a fact of an event as people do: amounts, moments, values that have words."""
    if name in _AMOUNTS:
        return dong(Decimal(value))
    if name == "until":
        return moment(datetime.fromisoformat(value))
    return words(language).get(f"{name}_{value}", value)


def age_of(span: timedelta, language: str) -> str:
    """Write how long something takes, in the largest unit that says enough."""
    word, seconds = words(language), max(0, int(span.total_seconds()))
    if seconds < 2 * 60:
        return word.fill("op_seconds", n=seconds)
    if seconds < 2 * _HOUR_S:
        return word.fill("op_minutes", n=seconds // 60)
    if seconds < 2 * _DAY_S:
        return word.fill("op_hours", n=seconds // _HOUR_S)
    return word.fill("op_days", n=seconds // _DAY_S)


def telling(request: Request, names: Names, now: datetime) -> dict[str, Any]:
    """Return what templates that speak of submissions ask for."""
    language = language_of(request)
    viewer = getattr(request.state, "viewer", None)
    return {
        "may_list": viewer is not None and viewer.may("submission.read"),
        "names": names,
        "now": now,
        "badge_of": lambda state: BADGES[State(state)],
        "second_of": lambda at: f"{local_time(at):%d/%m/%Y %H:%M:%S}",
        "cause_of": lambda code: cause_of(code, language),
        "fact_of": lambda name, value: fact_of(name, value, language),
        "age_of": lambda span: age_of(span, language),
        "sentence_of": lambda code: sentence_of(code, language),
    }
