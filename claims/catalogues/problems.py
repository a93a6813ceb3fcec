"""What is wrong with a catalogue's files: a fact with its place, worded in both languages."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources


class Weight(StrEnum):
    """How much a problem weighs."""

    WARNING = "warning"  # the row is used
    ERROR = "error"  # the row, or the file, is not used


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueProblem:
    """One thing that is wrong in a catalogue.

    Attributes:
        code: A stable code with a sentence in ``sentences.toml``.
        weight: An error when the row or file is left out, a warning when it is used.
        file: The file, relative to the catalogue's folder.
        sheet: The sheet of a workbook.
        row: The row, from 1, the header counted; None when it is about the whole file.
        column: The column's header.
        params: Facts of the sentence; never a value from a list of people.
    """

    code: str
    weight: Weight
    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    params: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Where it is, such as ``drugs.xlsx#Thuốc:17 DON_GIA``."""
        file = f"{self.file}#{self.sheet}" if self.sheet else self.file
        row = "" if self.row is None else f":{self.row}"
        return f"{file}{row}" + (f" {self.column}" if self.column else "")


def gravest_first(problems: Iterable[CatalogueProblem]) -> Sequence[CatalogueProblem]:
    """Put what is left out before what is only doubtful: a list of many rows may have very many doubts."""
    return sorted(problems, key=lambda problem: problem.weight is not Weight.ERROR)


def describe_problem(problem: CatalogueProblem, language: str) -> str:
    """Say in one language (``vi`` or ``en``) what is wrong and what to do.

    Raises:
        KeyError: The language is not one of the two, or the code has no sentence: an error of ours.
    """
    facts = {"column": problem.column or "", "file": problem.file, **dict(problem.params)}
    return load_sentences()[problem.code][language].format_map(facts)


def problem_to_json(problem: CatalogueProblem) -> dict[str, object]:
    """Return a problem as a JSON object, with its sentence in both languages."""
    return {
        "code": problem.code,
        "severity": problem.weight.value,
        "file": problem.file,
        "sheet": problem.sheet,
        "row": problem.row,
        "column": problem.column,
        "message": {language: describe_problem(problem, language) for language in ("vi", "en")},
    }


@cache
def load_sentences() -> Mapping[str, Mapping[str, str]]:
    """Load every sentence, by code and language."""
    text = (resources.files(__package__ or "") / "sentences.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
