"""Which submissions an address means: read from a query, and written back with one thing changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claims.console.addresses import Query, changed, page_url
from claims.console.days import begin_of
from claims.exchange.access.places import Reach
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionFilter, SubmissionId

LIST: Final = "/submissions"
#: What an address may say, in the order in which it is written.
NAMES: Final = ("state", "cause", "facility", "ma_lk", "from", "until", "id")
_LONGEST: Final = 200
_SUBMISSION: Final = re.compile(r"sub_[0-9A-Z]{26}", re.ASCII)
_FACILITY: Final = re.compile(r"[0-9A-Z]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for. What makes no sense in an address is as if it were not there."""

    query: Query

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> "Wanted":
        """Read the parameters of an address or of a form."""
        texts = {name: parameters.get(name, "") for name in NAMES}
        known = ((name, text.strip()[:_LONGEST]) for name, text in texts.items() if isinstance(text, str))
        return cls(tuple((name, text) for name, text in known if text and _makes_sense(name, text)))

    def __getitem__(self, name: str) -> str:
        return next((value for known, value in self.query if known == name), "")

    @property
    def narrows(self) -> bool:
        """Whether anything was asked for."""
        return bool(self.query)

    def filter(self, within: Reach) -> SubmissionFilter:
        """Return which submissions are meant, among those that somebody may see."""
        state, one = self["state"], self["id"]
        return SubmissionFilter(
            within=within,
            ids=(SubmissionId(one),) if one else (),
            states=(State(state),) if state else (),
            facility=FacilityCode(self["facility"]) if self["facility"] else None,
            ma_lk=self["ma_lk"] or None,
            cause=self["cause"] or None,
            received_from=begin_of(self["from"]),
            received_until=begin_of(self["until"], days_later=1),
        )

    def url(self, path: str = LIST, **changes: str | None) -> str:
        """Return the address with some things changed, from its first page on."""
        return page_url(path, changed(self.query, changes))

    def without(self, *names: str) -> Sequence[tuple[str, str]]:
        """Return the query without some of its parameters, for the hidden fields of a form."""
        return [(name, value) for name, value in self.query if name not in names]


def _makes_sense(name: str, text: str) -> bool:
    match name:
        case "state":
            return text in set(State)
        case "id":
            return _SUBMISSION.fullmatch(text) is not None
        case "facility":
            return _FACILITY.fullmatch(text) is not None
        case "from" | "until":
            return begin_of(text) is not None
        case _:
            return "\0" not in text
