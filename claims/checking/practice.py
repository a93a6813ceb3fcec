"""The dated answers about how services are ordered, done and repeated: the files called ``practice.toml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final

from claims.bundle.answers import read_answers
from claims.bundle.format import depends_on_format
from claims.bundle.money import Dated

_FILE: Final = "practice.toml"


# Compared as the objects that they are, of which there is one for each day: they are keys of what is kept.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Practice:
    """What ``practice.toml`` says on one day; what each answer means and rests on is written there."""

    practitioner_codes: frozenset[str]
    oxygen_words: frozenset[str]
    minute_units: frozenset[str]
    hour_units: frozenset[str]
    transport_card_groups: frozenset[str]
    once_a_day_groups: frozenset[str]
    once_a_day_groups_of_stays: frozenset[str]
    shortest_result_minutes: int
    longest_result_days: int
    left_words: frozenset[str]
    right_words: frozenset[str]
    sided_parts: frozenset[str]


@depends_on_format
@lru_cache(maxsize=1024)
def practice_on(day: date) -> Practice:
    """Return the answers for a visit that ends on a day.

    Raises:
        UnusableFormatFolder: An added file names an unknown setting, or a value that it does not take.
    """
    return Practice(**{name: setting.on(day) for name, setting in _settings().items()})


@depends_on_format
@cache
def _settings() -> Mapping[str, Dated[Any]]:
    return read_answers(_FILE, Practice)
