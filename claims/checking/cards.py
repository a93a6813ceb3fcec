"""The card look-up: what is asked of the insurer's register of cards, and what it answers. Values only.

The result codes, what they mean and what follows from each are data (``card_results.toml``).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Standing(StrEnum):
    """What follows from a result code."""

    GOOD = "good"  # the card is right
    WRONG = "wrong"  # the claim would be refused
    UNANSWERED = "unanswered"  # the register, the account or the request failed; nothing follows


@dataclass(frozen=True, slots=True)
class CardResult:
    """A result code of the look-up.

    Attributes:
        meaning: What it says, by language.
    """

    code: str
    standing: Standing
    meaning: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardQuestion:
    """A card as a claim has it.

    Attributes:
        facility: Who asks.
        episode: The claim's MA_LK; an episode's good answer is asked for once.
        card: The card number.
        name: The person's name.
        born: The date of birth as the claim writes it: ``yyyyMMdd``, unknown parts as zeros.
    """

    facility: str
    episode: str
    card: str = field(repr=False)
    name: str = field(repr=False)
    born: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReply:
    """What the register says of a card; what it leaves out is empty.

    Attributes:
        code: The result code, three digits.
        sex: As GIOI_TINH has it: 1, 2 or 3.
        valid_from: The first day of the card, ``yyyyMMdd``; the other days likewise.
        registered_at: The facility where the person is registered (MA_DKBD).
        five_years_on: The day on which five years of insurance without a break are full.
        new_card: The card that takes its place, if one was issued.
    """

    code: str
    sex: str = ""
    valid_from: str = ""
    valid_to: str = ""
    registered_at: str = ""
    five_years_on: str = ""
    new_card: str = field(default="", repr=False)
    new_valid_from: str = ""

    @property
    def result(self) -> CardResult:
        """What the code means; one that is not documented answers nothing."""
        return load_results().get(self.code) or CardResult(self.code, Standing.UNANSWERED, _UNDOCUMENTED)


class Cards(Protocol):
    """The register of cards."""

    def look_up(self, question: CardQuestion) -> CardReply | None:
        """Return what it says of a card; None: it could not be asked, and later may help."""
        ...


_UNDOCUMENTED = MappingProxyType({"vi": "mã chưa được công bố", "en": "a code that is not documented"})


@cache
def load_results() -> Mapping[str, CardResult]:
    """Load every documented result code."""
    text = (resources.files(__package__ or "") / "card_results.toml").read_text(encoding="utf-8")
    return {
        code: CardResult(code, Standing(entry["standing"]), {"vi": entry["vi"], "en": entry["en"]})
        for code, entry in tomllib.loads(text).items()
    }
