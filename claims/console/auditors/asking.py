"""What somebody looks for in the logs: read from an address or a form, and written back.

What makes no sense in an address is as if it were not there. A person's number never stands in an address:
it comes in a form and goes into the next one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claims.console.addresses import Query
from claims.console.days import begin_of
from claims.exchange.access.access_log import AccessFilter, AccessKind
from claims.exchange.access.places import Reach
from claims.exchange.access.readings import ReadingFilter
from claims.runtime.wiring import Service

#: What an address may say, in the order in which it is written.
NAMES: Final = ("kind", "reader", "submission", "from", "until")
_LONGEST: Final = 100
_SUBMISSION: Final = re.compile(r"sub_[0-9A-Z]{26}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9A-Za-z]{8,20}", re.ASCII)
_POSITION: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for.

    Attributes:
        before: Where the page before ended.
        number: A person's card, citizen or social insurance number, as it was typed.
    """

    query: Query
    before: int | None = None
    number: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "Sought":
        """Read the parameters of an address or of a form."""
        texts = {name: _text(parameters, name) for name in (*NAMES, "before", "number")}
        query = tuple((name, texts[name]) for name in NAMES if _makes_sense(name, texts[name]))
        before = texts["before"] if _POSITION.fullmatch(texts["before"]) else ""
        return cls(query, int(before) if before else None, "".join(texts["number"].split()))

    def __getitem__(self, name: str) -> str:
        return next((value for known, value in self.query if known == name), "")

    @property
    def narrows(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.query or self.number)

    @property
    def names(self) -> Sequence[str]:
        """By what it is narrowed, not to what."""
        return [name for name, _ in (*self.query, *((("number", ""),) if self.number else ()))]

    @property
    def is_number(self) -> bool:
        """Whether what was typed could be a person's number."""
        return _NUMBER.fullmatch(self.number) is not None

    def readings(self, service: Service, within: Reach) -> ReadingFilter:
        """Return which readings are meant, among those that somebody may see."""
        return ReadingFilter(
            within=within,
            reader=self._who(service),
            submission_id=self["submission"] or None,
            persons=service.blind_persons(self.number) if self.number else None,
            since=begin_of(self["from"]),
            until=begin_of(self["until"], days_later=1),
        )

    def events(self, service: Service, within: Reach) -> AccessFilter:
        """Return which events are meant, among those that somebody may see."""
        return AccessFilter(
            within=within,
            kinds=(AccessKind(self["kind"]),) if self["kind"] else (),
            who=self._who(service),
            since=begin_of(self["from"]),
            until=begin_of(self["until"], days_later=1),
        )

    def _who(self, service: Service) -> str | None:
        """Return the id of whoever signs in by the name that was typed, or what was typed: an id itself."""
        text = self["reader"]
        person = service.people.find_by_login(text.lower()) if text else None
        return person.id if person is not None else text or None


def _text(parameters: Mapping[str, object], name: str) -> str:
    value = parameters.get(name, "")
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""


def _makes_sense(name: str, text: str) -> bool:
    match name:
        case "kind":
            return text in set(AccessKind)
        case "submission":
            return _SUBMISSION.fullmatch(text) is not None
        case "from" | "until":
            return begin_of(text) is not None
        case _:
            return bool(text) and text.isprintable()
