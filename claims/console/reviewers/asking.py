"""An inbox's address: which reviews it means, read from a query and written back with one thing changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl, urlencode

from claims.console.addresses import Query, changed, page_url
from claims.exchange.access.places import Reach
from claims.exchange.review.review import Lane, Order, Review, ReviewFilter, ReviewId, ReviewState
from claims.exchange.review.searching import wanted_words

INBOX: Final = "/claims"
#: Where is told what changes of a list.
LIVE: Final = f"{INBOX}/live"
#: What an address may say, in the order in which it is written.
_NAMES: Final = ("state", "lane", "facility", "code", "q", "least", "most", "sample", "order")
_LONGEST: Final = 200
_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked the inbox for. What makes no sense in an address is as if it were not there."""

    query: Query

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Asked":
        """Read an address's parameters."""
        texts = {name: parameters.get(name, "").strip()[:_LONGEST] for name in _NAMES}
        return cls(tuple((name, text) for name, text in texts.items() if text))

    @classmethod
    def of_query(cls, text: str) -> "Asked":
        """Read a query as `text` writes it."""
        return cls.of(dict(parse_qsl(text)))

    @property
    def text(self) -> str:
        """The query as one text, to be carried along."""
        return urlencode(self.query)

    def __getitem__(self, name: str) -> str:
        return next((value for known, value in self.query if known == name), "")

    @property
    def state(self) -> ReviewState:
        """Which state is shown."""
        text = self["state"]
        return ReviewState(text) if text in set(ReviewState) else ReviewState.OPEN

    @property
    def lane(self) -> Lane | None:
        """Which lane is shown; None: all."""
        text = self["lane"]
        return Lane(text) if text in set(Lane) else None

    @property
    def order(self) -> Order:
        """In what order."""
        text = self["order"]
        return Order(text) if text in set(Order) else Order.OLDEST

    @property
    def narrows(self) -> bool:
        """Whether anything but state, lane and order was asked for."""
        return any(name not in {"state", "lane", "order"} for name, _ in self.query)

    def filter(self, reach: Reach) -> ReviewFilter:
        """Return which reviews are meant, among those that somebody may see."""
        sample = self["sample"]
        return ReviewFilter(
            reach=tuple(reach.codes),
            state=self.state,
            lane=self.lane,
            facility=self["facility"] or None,
            code=self["code"] or None,
            words=wanted_words(self["q"]),
            least=amount_of(self["least"]),
            most=amount_of(self["most"]),
            sample=int(sample) if _NUMBER.fullmatch(sample) else None,
        )

    def url(self, path: str = INBOX, **changes: str | None) -> str:
        """Return the address with some things changed, from its first page on."""
        return page_url(path, changed(self.query, changes))

    def live(self, reviews: Sequence[Review], *, after: ReviewId) -> str:
        """Return where is told what changes: of the claims that are shown, and what begins after one."""
        rows = ".".join(str(review.id) for review in reviews)
        return page_url(LIVE, (*self.query, ("after", str(after)), ("rows", rows)))

    def without(self, *names: str) -> Sequence[tuple[str, str]]:
        """Return the query without some of its parameters, for the hidden fields of a form."""
        return [(name, value) for name, value in self.query if name not in names]


def amount_of(text: str) -> Decimal | None:
    """Read an amount as people write it (20.000.000 or 20000000); None when it is none."""
    digits = re.sub(r"[.\s\u00a0đ]", "", text)
    return Decimal(digits) if _NUMBER.fullmatch(digits) else None
