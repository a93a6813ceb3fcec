"""Misbehavior on demand: which faults there are, and which request meets one.

A fault comes from a request's ``X-Mock-Fault`` header or from a rule. Rules draw from a
generator of their own, so a seed and the same requests in the same order give the same faults.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

FAULT_HEADER: Final = "x-mock-fault"
EVERY_FACILITY: Final = "*"


class Endpoint(StrEnum):
    """What a rule applies to."""

    TOKEN = "token"  # noqa: S105 (the name of an endpoint)
    SEND = "send"
    LOOKUP = "lookup"
    CARD = "card"
    CHECK_IN = "check_in"
    RESULTS = "results"
    OTHER = "other"


class FaultKind(StrEnum):
    """What goes wrong. Everything from TIMEOUT_AFTER on happens after the bundle was stored."""

    TIMEOUT_BEFORE = "timeout_before"
    RESET = "reset"
    EXPIRE_TOKEN = "expire_token"  # noqa: S105 (the name of a fault)
    ERROR_500 = "error_500"
    ERROR_503_HTML = "error_503_html"
    REFUSE = "refuse"
    SLOW = "slow"
    TIMEOUT_AFTER = "timeout_after"
    RESET_AFTER = "reset_after"
    ERROR_500_AFTER = "error_500_after"
    DRIP = "drip"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    NUMBER_CODES = "number_codes"
    NO_RECEIPT = "no_receipt"
    LATE_ERROR = "late_error"
    WRONG_JSON = "wrong_json"
    CLOCK_SKEW = "clock_skew"
    OTHER_CLAIM = "other_claim"
    WRONG_NUMBER = "wrong_number"


# With these the bundle is not stored. SLOW waits and then goes on as usual.
BEFORE_STORING: Final = frozenset(
    {
        FaultKind.TIMEOUT_BEFORE,
        FaultKind.RESET,
        FaultKind.EXPIRE_TOKEN,
        FaultKind.ERROR_500,
        FaultKind.ERROR_503_HTML,
        FaultKind.REFUSE,
    }
)
_DEFAULT_ARGUMENTS: Final = {
    FaultKind.REFUSE: "205",
    FaultKind.LATE_ERROR: "202",
    FaultKind.CLOCK_SKEW: "7200",
}
_IN_SECONDS: Final = frozenset(
    {FaultKind.SLOW, FaultKind.DRIP, FaultKind.CLOCK_SKEW, FaultKind.ERROR_503_HTML}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for one request; the argument is the code of ``refuse:205`` or the seconds of ``slow:3``."""

    kind: FaultKind
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``kind`` or ``kind:argument``.

        Raises:
            ValueError: There is no such fault, or the argument does not fit it.
        """
        name, _, argument = text.strip().partition(":")
        kind = FaultKind(name)
        if kind in _IN_SECONDS and argument and not math.isfinite(float(argument)):
            raise ValueError(f"{argument} is no number of seconds")
        return cls(kind, argument or _DEFAULT_ARGUMENTS.get(kind, ""))

    @property
    def is_before_storing(self) -> bool:
        """Whether the bundle is not stored."""
        return self.kind in BEFORE_STORING

    def seconds(self, default: float) -> float:
        """Return the argument as seconds."""
        return float(self.argument) if self.argument else default

    def __str__(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind.value


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Makes requests meet a fault.

    Attributes:
        fault: The fault.
        facility: The facility whose requests meet it, or ``*``.
        endpoint: Where.
        rate: The share of requests, 0 to 1.
        count: After how many faults the rule ends; None for never.
        until: When the rule ends; None for never.
        seed: Of the rule's own generator.
        burst: How many requests in a row meet the fault once it has hit.
    """

    fault: Fault
    facility: str = EVERY_FACILITY
    endpoint: Endpoint = Endpoint.SEND
    rate: float = 1.0
    count: int | None = None
    until: datetime | None = None
    seed: int = 0
    burst: int = 1


class _ActiveRule:
    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.left = rule.count
        self.burst_left = 0
        self.random = random.Random(rule.seed)  # noqa: S311 (has to be repeatable, not secret)

    def draw(self, endpoint: Endpoint, facility: str, now: datetime) -> bool:
        rule = self.rule
        if endpoint is not rule.endpoint or rule.facility not in {EVERY_FACILITY, facility}:
            return False
        if self.left == 0 or (rule.until is not None and now >= rule.until):
            return False
        if self.burst_left:
            self.burst_left -= 1
        elif self.random.random() < rule.rate:
            self.burst_left = rule.burst - 1
        else:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The rules in force; the first that hits decides."""

    def __init__(self, rules: Sequence[FaultRule] = ()) -> None:
        self._next_id = 1
        self._active: dict[int, _ActiveRule] = {}
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> int:
        """Put a rule in force and return its number."""
        number = self._next_id
        self._next_id += 1
        self._active[number] = _ActiveRule(rule)
        return number

    def remove(self, number: int) -> bool:
        """End a rule; False when there is none of that number."""
        return self._active.pop(number, None) is not None

    def clear(self) -> None:
        """End all rules."""
        self._active.clear()

    def rules(self) -> dict[int, tuple[FaultRule, int | None]]:
        """Return each rule with how many faults it has left."""
        return {number: (active.rule, active.left) for number, active in self._active.items()}

    def draw(self, endpoint: Endpoint, facility: str, *, now: datetime) -> Fault | None:
        """Return the fault that a request meets, if any."""
        for active in self._active.values():
            if active.draw(endpoint, facility, now):
                return active.rule.fault
        return None


#: What does not pass by itself, or takes a person to put right.
_LASTING: Final = frozenset({FaultKind.REFUSE, FaultKind.LATE_ERROR})
#: A gateway in trouble answers so to many requests in a row.
_IN_BURSTS: Final = frozenset({FaultKind.ERROR_500, FaultKind.ERROR_503_HTML})
_BURST: Final = 8


def make_chaos(
    seed: int,
    *,
    rate: float = 0.02,
    until: datetime | None = None,
    endpoints: Sequence[Endpoint] = (Endpoint.SEND,),
) -> tuple[FaultRule, ...]:
    """Return a profile in which every kind of passing trouble happens at the given rate each.

    A kind that comes in bursts begins seldomer, so that it meets as many requests as the others.
    """
    passing = [kind for kind in FaultKind if kind not in _LASTING]
    return tuple(
        FaultRule(
            Fault.parse(kind),
            endpoint=endpoint,
            rate=rate / _BURST if kind in _IN_BURSTS else rate,
            until=until,
            seed=seed * 1000 + place * 100 + number,
            burst=_BURST if kind in _IN_BURSTS else 1,
        )
        for place, endpoint in enumerate(endpoints)
        for number, kind in enumerate(passing)
    )
