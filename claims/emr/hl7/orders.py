"""The orders of a visit: what was ordered, whether it still is, and what came of it (HL7 v2.5.1, chapter 4).

All messages about one order number are read in order of time, so the last word counts: a cancelled order is
gone, a stopped or held one was given until then, a replaced one is what replaced it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.values import Coded, Notes, coded

_ORDERING: Final = frozenset({"ORM", "OMP", "OMG", "OMI", "OML", "RDE"})
_ANSWERING: Final = frozenset({"RDS", "RAS", "ORU", "OUL"})
_REQUESTS: Final = frozenset({"RXO", "RXE", "OBR"})
_MEDICINE: Final = frozenset({"RXO", "RXE", "RXD", "RXA"})
# Where a segment names what was ordered or handed over, and of which kind that is.
_NAMED: Final = {
    "OBR": ("service", 4), "RXO": ("drug", 1), "RXE": ("drug", 2), "RXD": ("drug", 2), "RXA": ("drug", 5),
}  # fmt: skip
_CANCELLED_STATUS: Final = "CA"


class _Effect(Enum):
    """What an order control (ORC-1, HL7 table 0119) does to an order."""

    PLACE = auto()
    REPLACE = auto()
    CANCEL = auto()
    KEEP = auto()


_CANCEL: Final = frozenset({"CA", "OC", "CR", "UA"})
_REPLACE: Final = frozenset({"XO", "XX", "XR", "RP", "RU", "RQ"})
_REPLACED_BY_ANOTHER: Final = frozenset({"RP", "RU", "RQ"})
_PLACE: Final = frozenset({"NW", "RO", "CH", "PA", "SN", "UC"})
# Stopped, held, released, acknowledged, reported: the order counts as before.
_KEEP: Final = frozenset(
    {"", "AF", "CN", "DC", "DE", "DF", "DR", "FU", "HD", "HR", "LI", "NA", "NR", "OD", "OE", "OF", "OH",
     "OK", "OP", "OR", "PR", "PY", "RE", "RF", "RL", "RR", "SC", "SR", "SS", "UD", "UF", "UH", "UM", "UN",
     "UR", "UX"}
)  # fmt: skip


@dataclass(slots=True)
class Group:
    """The segments about one order in one message."""

    message: Message
    key: str
    segments: list[Segment]

    def named(self, name: str) -> list[Segment]:
        """Return the segments of one name."""
        return [segment for segment in self.segments if segment.name == name]

    def first(self, name: str) -> Segment | None:
        """Return the first segment of a name."""
        return next((segment for segment in self.segments if segment.name == name), None)


@dataclass(slots=True)
class Order:
    """One order.

    Attributes:
        key: Its number: the placer's, else the filler's.
        requests: What was ordered, as the messages since the last replacement say.
        answers: What dispensing and giving messages say.
        is_cancelled: Whether it was taken back.
        replaced_by: The last message that put something else in its place.
    """

    key: str
    requests: list[Group] = field(default_factory=list)
    answers: list[Group] = field(default_factory=list)
    is_cancelled: bool = False
    replaced_by: Message | None = None

    @property
    def groups(self) -> list[Group]:
        """Return everything said about it."""
        return self.requests + self.answers

    @property
    def is_medicine(self) -> bool:
        """Say whether a medicine was ordered, dispensed or given."""
        return any(segment.name in _MEDICINE for group in self.groups for segment in group.segments)

    @property
    def is_service(self) -> bool:
        """Say whether a service was ordered; a result alone is no order."""
        return not self.is_medicine and any(group.first("OBR") for group in self.requests)

    @property
    def is_answered_service(self) -> bool:
        """Say whether results tell which service was done."""
        return not self.is_medicine and any(group.first("OBR") for group in self.answers)

    def lines(self) -> dict[str, list[Group]]:
        """Return the services ordered under one number by their codes, as the latest message lists them."""
        latest = next((group.message for group in reversed(self.requests) if group.first("OBR")), None)
        codes: dict[str, list[Group]] = {}
        for group in self.requests:
            if (request := group.first("OBR")) and group.message is latest:
                codes.setdefault(request.text(4), [])
        for group in self.requests:
            if (request := group.first("OBR")) and request.text(4) in codes:
                codes[request.text(4)].append(group)
        return codes


def codes_of(order: Order, options: Hl7Options) -> Iterator[Coded]:
    """Yield the codes of what was ordered, handed over or given under an order."""
    for segment in (segment for group in order.groups for segment in group.segments):
        kind, field = _NAMED.get(segment.name, ("", 0))
        if field and (code := coded(segment.value(field), kind, options)).code:
            yield code


class Numbers:
    """Which filler number stands for which placer number, as far as that is one to one."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._placers: dict[str, set[str]] = {}
        self._known: set[str] = set()
        for message in messages:
            for segment in message.segments:
                if segment.name in {"ORC", "OBR"} and (placer := segment.text(2)):
                    self._known.add(placer)
                    if filler := segment.text(3):
                        self._placers.setdefault(filler, set()).add(placer)

    def key(self, placer: str, filler: str) -> str:
        """Return the key of an order; empty if it has no number."""
        if placer:
            return placer
        placers = self._placers.get(filler, set())
        return next(iter(placers)) if len(placers) == 1 else filler

    def key_of_charge(self, number: str) -> str:
        """Return the key of the order that a charge names (FT1-23, the filler's or the placer's)."""
        return number if number in self._known and number not in self._placers else self.key("", number)


def fold_orders(messages: Sequence[Message], numbers: Numbers, notes: Notes) -> Mapping[str, Order]:
    """Return the orders of a visit by key, in order of their first message."""
    orders: dict[str, Order] = {}
    for message in messages:
        kind = message.kind.partition("^")[0]
        if kind not in _ORDERING and kind not in _ANSWERING:
            continue
        groups = list(order_groups(message, numbers))
        is_replaced_by_another = any(_control(group) == "RO" for group in groups)
        for key, same in _by_key(groups).items():
            order = orders.setdefault(key, Order(key))
            for group in same:
                effect = _effect(group, notes, is_replaced_by_another=is_replaced_by_another)
                _apply(order, group, effect)
                (order.requests if kind in _ORDERING and _requests(group) else order.answers).append(group)
    return orders


def order_groups(message: Message, numbers: Numbers) -> Iterator[Group]:
    """Split a message at ORC, and where the next request begins without one."""
    current: list[Segment] = []
    order: Segment | None = None
    count = 0
    for segment in message.segments:
        if segment.name in {"PID", "PV1", "MSH"}:
            continue
        if segment.name == "ORC" or (segment.name in _REQUESTS and _begins(segment, current)):
            if current:
                count += 1
                yield _group(message, numbers, current, count)
            order = segment if segment.name == "ORC" else order
            # Several requests may follow one ORC, which speaks for all of them.
            is_shared = order and order is not segment and segment.text(2) in {"", order.text(2)}
            current = [order, segment] if order and is_shared else [segment]
        elif current:
            current.append(segment)
    if current:
        yield _group(message, numbers, current, count + 1)


def _begins(segment: Segment, current: Sequence[Segment]) -> bool:
    names = {other.name for other in current}
    if segment.name == "RXE":
        return not names or bool(names & {"RXE", "OBR"})
    return not names or bool(names & _REQUESTS)


def _group(message: Message, numbers: Numbers, segments: list[Segment], count: int) -> Group:
    named = [segment for segment in segments if segment.name in {"ORC", "OBR"}]
    placer = next(filter(None, (segment.text(2) for segment in named)), "")
    filler = next(filter(None, (segment.text(3) for segment in named)), "")
    # An order without a number is one of its own, which nothing else can speak of.
    return Group(message, numbers.key(placer, filler) or f"{message.label}#{count}", segments)


def _by_key(groups: Sequence[Group]) -> dict[str, list[Group]]:
    by_key: dict[str, list[Group]] = {}
    for group in groups:
        by_key.setdefault(group.key, []).append(group)
    return by_key


def _requests(group: Group) -> bool:
    return any(segment.name in _REQUESTS for segment in group.segments)


def _control(group: Group) -> str:
    order = group.first("ORC")
    return order.text(1) if order else ""


def _effect(group: Group, notes: Notes, *, is_replaced_by_another: bool) -> _Effect:
    order = group.first("ORC")
    control = _control(group)
    if control in _CANCEL or (control in _REPLACED_BY_ANOTHER and is_replaced_by_another):
        return _Effect.CANCEL
    if control in _REPLACE:
        return _Effect.REPLACE if _requests(group) else _Effect.KEEP
    if control in _PLACE:
        return _Effect.PLACE
    if order and control not in _KEEP:
        notes.add(order, 1, "unknown-order-control", "the order was left as it was")
    if order and order.text(5) == _CANCELLED_STATUS:
        return _Effect.CANCEL
    return _Effect.KEEP


def _apply(order: Order, group: Group, effect: _Effect) -> None:
    match effect:
        case _Effect.CANCEL:
            order.is_cancelled = True
        case _Effect.PLACE:
            order.is_cancelled = False
        case _Effect.REPLACE:
            order.is_cancelled = False
            if order.replaced_by is not group.message:
                order.requests.clear()
                order.replaced_by = group.message
        case _Effect.KEEP:
            pass
