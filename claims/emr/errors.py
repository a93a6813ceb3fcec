"""Errors of reading what a hospital hands over.

* ClaimsError
  - MalformedEncounter
  - MalformedOptions
"""

from dataclasses import dataclass
from typing import Final

from claims.errors import ClaimsError

MOST_PROBLEMS: Final = 1_000  # nobody reads more


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an encounter document.

    ``pointer`` is a JSON pointer (RFC 6901); ``detail`` never repeats what the document holds,
    because that may be a name or a card number.
    """

    pointer: str
    code: str
    detail: str


class MalformedEncounter(ClaimsError):
    """An encounter document does not follow its schema; its problems are listed, up to a thousand."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        listed = "; ".join(f"{problem.pointer or '/'}: {problem.detail}" for problem in problems)
        super().__init__(f"the encounter document has {len(problems)} problem(s): {listed}")
        self.problems = problems


class MalformedOptions(ClaimsError):
    """What says how a hospital's messages are read cannot be used; the message names the place."""
