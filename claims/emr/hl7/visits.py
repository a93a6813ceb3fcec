"""Which messages belong to one visit, in order of time, each once, whatever the order they arrived in.

1. A message sent twice counts once (MSH-10).
2. The visit number (PV1-19) names the visit; failing that another key, when it leads to one visit.
3. A message without any key, such as a laboratory's result, goes where its order numbers are known.
4. A visit that got another number (MRG of A42 or A50) is one visit, under the number that it has now.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from claims.emr.hl7.message import Message
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.places import read_place
from claims.emr.hl7.values import Notes, instant
from claims.emr.inputs import Refusal

_ADMISSION: Final = "ADT"
_READ: Final = frozenset(
    {_ADMISSION, "ORM", "OMP", "OMG", "OMI", "OML", "RDE", "RDS", "RAS", "ORU", "OUL", "DFT", "BAR"}
)
_OF_A_PERSON: Final = frozenset(
    {"A18", "A24", "A28", "A29", "A30", "A31", "A34", "A37", "A39", "A40", "A46", "A47"}
)
# Where a merge names the former number, by where the number stands.
_FORMER: Final = {"PV1-19": 5, "PV1-50": 6, "PID-18": 3}
_FIVE_DIGITS = re.compile(r"\d{5}", re.ASCII)


@dataclass(slots=True)
class VisitMessages:
    """The messages of one visit, in order of time.

    Attributes:
        number: The number of the visit.
        facility: The facility's code, or empty when neither messages nor options say it.
        messages: All of them.
    """

    number: str
    facility: str
    messages: list[Message] = field(default_factory=list)

    @property
    def admissions(self) -> list[Message]:
        """Return those of admission, discharge and transfer."""
        return [message for message in self.messages if message.is_admission]


def sort_into_visits(
    messages: Iterable[Message], options: Hl7Options, notes: Notes
) -> tuple[list[VisitMessages], list[Refusal]]:
    """Put each message to its visit; those that belong to none are refused."""
    timed = sorted(_once(messages, notes), key=lambda message: (_sent(message, notes), message.number))
    sorter = _Sorter(options)
    kept = [message for message in timed if _concerns_visits(message, options, notes)]
    for message in kept:
        sorter.rename(message)
    for message in kept:
        sorter.learn(message)
    return sorter.assign(kept), sorter.refused


def facility_code(text: str, options: Hl7Options) -> str:
    """Return the facility that a text names: by the options, or as it is if it has five digits."""
    return options.facilities.get(text) or (text if _FIVE_DIGITS.fullmatch(text) else "")


def order_numbers(message: Message) -> Iterator[tuple[str, str]]:
    """Yield the placer and filler numbers that a message names, each with ``P`` or ``F``."""
    for segment in message.segments:
        if segment.name in {"ORC", "OBR"}:
            for field_number, role in ((2, "P"), (3, "F")):
                if number := segment.text(field_number):
                    yield role, number
        elif segment.name == "FT1" and (number := segment.text(23)):
            yield "F", number
            yield "P", number


def _once(messages: Iterable[Message], notes: Notes) -> Iterator[Message]:
    seen: dict[tuple[str, ...], set[int]] = {}
    for message in messages:
        header = message.header
        sender = (header.raw(3), header.raw(4), header.raw(10) or header.raw(7))
        # The time of sending, and of recording the event, differ when the same thing is sent again.
        body = hash(tuple("\r".join(s.fields) for s in message.segments if s.name not in {"MSH", "EVN"}))
        bodies = seen.setdefault(sender, set())
        if body in bodies:
            continue
        if bodies and header.raw(10):
            detail = "another message has the same control id and says something else; both are read"
            notes.add(header, 10, "control-id-reused", detail)
        bodies.add(body)
        yield message


def _sent(message: Message, notes: Notes) -> str:
    """Return when it was sent (MSH-7), else when the event was recorded (EVN-2)."""
    events = message.named("EVN")
    sent = instant(message.header, 7) or (instant(events[0], 2) if events else "")
    if not sent:
        notes.add(
            message.header, 7, "no-message-time", "without a time every other message overrides this one"
        )
    return sent


def _concerns_visits(message: Message, options: Hl7Options, notes: Notes) -> bool:
    kind = message.kind.partition("^")[0]
    if kind not in _READ:
        notes.add(message.header, 9, "message-not-read", "no claim is made from messages of this type")
        return False
    if message.stray_lines:
        detail = f"{message.stray_lines} lines begin no segment and were read as text of the one before"
        notes.add(message.header, 0, "line-inside-a-field", detail)
    for merged in message.named("MRG"):
        if any(_former(message, options)):
            detail = "a visit has another number now; what came under the former one is counted with it"
            notes.add(merged, 5, "visit-renumbered", detail)
        else:
            detail = "two records became one; visits stay with their own numbers"
            notes.add(merged, 1, "records-merged", detail)
    is_of_a_person = kind == _ADMISSION and message.event in _OF_A_PERSON
    return not (is_of_a_person and not any(_keys(message, options)))


def _keys(message: Message, options: Hl7Options) -> list[str]:
    """Return what stands at each of the configured keys of a visit."""
    found = []
    for written in options.visit_keys:
        place = read_place(written)
        texts = (
            segment.text(place.field, place.component, place.subcomponent)
            for segment in message.segments
            if segment.name == place.segment
        )
        found.append(next(filter(None, texts), ""))
    return found


def _former(message: Message, options: Hl7Options) -> Iterator[str]:
    """Yield the numbers that the visit of a message had before."""
    field, number = _FORMER.get(options.visit_keys[0]), _keys(message, options)[0]
    if field and number and message.is_admission:
        former = (segment.text(field) for segment in message.named("MRG"))
        yield from (text for text in former if text and text != number)


class _Sorter:
    """Learns which keys and order numbers lead to which visit, then puts each message to its own."""

    def __init__(self, options: Hl7Options) -> None:
        self._options = options
        self._by_key: dict[tuple[int, str], set[str]] = {}
        self._by_order: dict[tuple[str, str], set[str]] = {}
        self._facilities: dict[str, dict[str, None]] = {}
        self._now: dict[str, str] = {}
        self.refused: list[Refusal] = []

    def learn(self, message: Message) -> None:
        """Note what leads to the visit that a message names by its number."""
        number, *others = self._keys(message)
        if not number:
            return
        for position, key in enumerate(others, 1):
            if key:
                self._by_key.setdefault((position, key), set()).add(number)
        if message.is_admission:
            self._facilities.setdefault(number, {})[self._facility(message)] = None

    def rename(self, message: Message) -> None:
        """Note which number a visit has now, in order of time; the last word counts."""
        for former in _former(message, self._options):
            number = _keys(message, self._options)[0]
            self._now.pop(number, None)
            self._now[former] = number

    def _keys(self, message: Message) -> list[str]:
        """Return the keys of a message, the number being that which the visit has now."""
        number, *others = _keys(message, self._options)
        while number in self._now:
            number = self._now[number]
        return [number, *others]

    def assign(self, messages: list[Message]) -> list[VisitMessages]:
        """Return the visits with their messages."""
        visits: dict[tuple[str, str], VisitMessages] = {}
        waiting = []
        numbered: dict[int, str] = {}
        for message in messages:
            number = self._number(message)
            if number is None:
                waiting.append(message)
                continue
            numbered[message.number] = number
            for order in order_numbers(message):
                self._by_order.setdefault(order, set()).add(number)
        for message in waiting:
            if number := self._by_orders(message):
                numbered[message.number] = number
        for message in messages:
            if (number := numbered.get(message.number)) is not None:
                self._put(message, number, visits)
        return list(visits.values())

    def _number(self, message: Message) -> str | None:
        """Return the number of the visit; empty when it was refused, None when only its orders can tell."""
        number, *others = self._keys(message)
        if number:
            return number
        for position, key in enumerate(others, 1):
            if not key:
                continue
            known = self._by_key.get((position, key), set())
            if len(known) > 1:
                continue  # an account of several visits: its orders may tell
            return next(iter(known), key)
        return None

    def _by_orders(self, message: Message) -> str:
        found: set[str] = set()
        for order in order_numbers(message):
            found |= self._by_order.get(order, set())
        if len(found) == 1:
            return found.pop()
        code, detail = (
            ("ambiguous-visit", "its order numbers belong to several visits")
            if found
            else ("no-visit", "it names no visit (PV1-19), and none of its orders is known")
        )
        self.refused.append(Refusal(message.label, code, detail, message.label))
        return ""

    def _put(self, message: Message, number: str, visits: dict[tuple[str, str], VisitMessages]) -> None:
        own = self._facility(message)
        admitting = [facility for facility in self._facilities.get(number, {}) if facility]
        facility = admitting[0] if len(admitting) == 1 else own
        if len(admitting) > 1 and own not in admitting:
            detail = "several facilities have a visit of this number, and the message names none of them"
            self.refused.append(Refusal(message.label, "ambiguous-visit", detail, message.label))
            return
        key = (number, facility if len(admitting) > 1 else "")
        visit = visits.setdefault(key, VisitMessages(number, facility or self._options.facility))
        visit.messages.append(message)

    def _facility(self, message: Message) -> str:
        """Return the facility that a message names in PV1-39 or MSH-4."""
        texts = [segment.text(39) for segment in message.named("PV1")]
        texts += [message.header.text(4, 1), message.header.text(4, 2)]
        return next((code for text in texts if (code := facility_code(text, self._options))), "")
