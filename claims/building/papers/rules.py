"""The dated answers about papers: the files called ``papers.toml``, which say what each rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final

from claims.bundle.answers import read_answers
from claims.bundle.format import depends_on_format
from claims.bundle.money import Dated

_FILE: Final = "papers.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRules:
    """What ``papers.toml`` says on one day."""

    record_summary_types: frozenset[str]
    discharge_types: frozenset[str]
    endings_without_discharge: frozenset[str]
    referral_endings: frozenset[str]
    endings_with_referral: frozenset[str]
    most_leave_days: int
    most_tuberculosis_leave_days: int
    tuberculosis_categories: frozenset[str]
    most_pregnancy_loss_leave_days: int
    pregnancy_loss_from_week: int
    most_pregnancy_leave_days: int
    pregnancy_leave_words: str
    note_of_surgery: str
    note_of_early_birth: str
    note_of_both: str

    def birth_note(self, *, by_surgery: bool, before_32_weeks: bool) -> str:
        """Return the remark on a birth certificate; empty for a birth like most."""
        if by_surgery:
            return self.note_of_both if before_32_weeks else self.note_of_surgery
        return self.note_of_early_birth if before_32_weeks else ""


@depends_on_format
@lru_cache(maxsize=1024)
def paper_rules(on: date) -> PaperRules:
    """Return the answers for a visit that ends on a day.

    Raises:
        UnusableFormatFolder: An added file names an unknown setting, or a value that it does not take.
    """
    return PaperRules(**{name: setting.on(on) for name, setting in _settings().items()})


@depends_on_format
@cache
def _settings() -> Mapping[str, Dated[Any]]:
    return read_answers(_FILE, PaperRules)
