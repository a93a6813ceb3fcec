"""What is asked of an archive, and what became of each question."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Question(StrEnum):
    """What is asked of an archive."""

    CONTAINER = "container"
    SIGNATURE = "signature"
    KEYS = "keys"
    RECEIPT = "receipt"
    RECORDS = "records"
    DOCUMENTS = "documents"
    HEAD = "head"
    INCLUSION = "inclusion"
    TIMESTAMP = "timestamp"
    BUNDLE = "bundle"


class Answer(StrEnum):
    """How it was answered."""

    HOLDS = "holds"
    BROKEN = "broken"
    ABSENT = "absent"  # the archive has nothing of the kind, and need not have it
    NOT_ASKED = "not-asked"  # pointless after what came before


@dataclass(frozen=True, slots=True)
class Statement:
    """One question and its answer.

    Attributes:
        code: What is broken, stable; empty if nothing is.
        place: Where: an entry's name, and what else finds it.
    """

    question: Question
    answer: Answer
    code: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class ArchiveVerdict:
    """What holds of an archive.

    Attributes:
        facts: What it says of itself, for people; believed only if everything holds.
    """

    statements: tuple[Statement, ...]
    facts: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing is broken and everything that must be there is."""
        return all(each.answer in {Answer.HOLDS, Answer.ABSENT} for each in self.statements)


def no_archive(code: str, place: str = "") -> ArchiveVerdict:
    """Return the verdict on what is no archive, or cannot be read as one: nothing further is asked."""
    rest = tuple(Statement(each, Answer.NOT_ASKED) for each in Question if each is not Question.CONTAINER)
    return ArchiveVerdict((Statement(Question.CONTAINER, Answer.BROKEN, code, place), *rest), {})


class Broken(Exception):
    """An answer to a question."""

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.place = place


class Absent(Exception):
    """There is nothing of the kind."""
