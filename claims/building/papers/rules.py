"""The dated answers about papers: the files called ``papers.toml``, which say what each rests on."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, get_origin

from claims.bundle.format import UnusableFormatFolder, depends_on_format, format_files
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


_TYPES: Final[Mapping[str, Any]] = {field.name: field.type for field in fields(PaperRules)}


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
    """Collect the steps of every file; a later file wins on the same day."""
    found: dict[str, dict[date, object]] = {name: {} for name in _TYPES}
    for path in format_files(_FILE):
        for name, steps in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found.setdefault(name, {}).update(_steps(path, name, steps))
    return {name: Dated(tuple(sorted(steps.items(), key=_first_day))) for name, steps in found.items()}


def _steps(path: Path, name: str, steps: object) -> Iterator[tuple[date, object]]:
    if name not in _TYPES:
        raise UnusableFormatFolder(path, f"{name}: there is no such setting")
    wanted = get_origin(_TYPES[name]) or _TYPES[name]
    for step in steps if isinstance(steps, list) else [steps]:
        begins, value = (step.get("from"), step.get("value")) if isinstance(step, dict) else (None, None)
        if isinstance(value, list) and all(isinstance(code, str) for code in value):
            value = frozenset(value)
        if type(begins) is not date or type(value) is not wanted:
            raise UnusableFormatFolder(path, f"{name}: each step needs a day (from) and a fitting value")
        yield begins, value


def _first_day(step: tuple[date, object]) -> date:
    return step[0]
