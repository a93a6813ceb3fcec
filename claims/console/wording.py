"""The words of the pages, in the two languages: the files in ``words/``, read once and joined.

Each file holds the words of one part of the console under ``[vi]`` and ``[en]``. A word that a page asks for
and that does not exist is an error of ours and shows as one.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("vi", "en")
#: A number, what is counted, and the ending that it has unless there is one of it.
_PLURAL: Final = re.compile(r"(\d[\d.]*)([^\d\[\]]*)\[(\w+)\]")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language: ``word.inbox``, or ``word["lane_" ~ lane]`` for one of several."""

    language: str
    entries: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.entries[key]

    def __getattr__(self, key: str) -> str:
        try:
            return self.entries[key]
        except KeyError as error:
            raise AttributeError(key) from error

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def get(self, key: str, otherwise: str) -> str:
        """Return a text, or something else where nobody wrote one: for what has names of its own."""
        return self.entries.get(key, otherwise)

    def fill(self, key: str, **facts: object) -> str:
        """Return a sentence with its facts filled in; ``{n} claim[s]`` is ``1 claim`` and ``2 claims``."""
        return _PLURAL.sub(_plural, self.entries[key].format(**facts))


@cache
def words(language: str) -> Words:
    """Return the words of ``vi`` or ``en``.

    Raises:
        KeyError: The language is neither.
    """
    return Words(language, _read()[language])


@cache
def read_parts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return every file's words by file and language."""
    files = (resources.files(__package__ or "") / "words").iterdir()
    return {
        file.name: tomllib.loads(file.read_text("utf-8")) for file in files if file.name.endswith(".toml")
    }


def _read() -> Mapping[str, Mapping[str, str]]:
    joined: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for part in read_parts().values():
        for language in LANGUAGES:
            joined[language].update(part[language])
    return joined


def _plural(match: re.Match[str]) -> str:
    number, counted, ending = match.groups()
    return f"{number}{counted}{'' if number == '1' else ending}"
