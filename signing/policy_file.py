"""Reads a TOML file strictly: every key there once, of the right kind, and none that is unknown.

What the keys mean is said in ``signing/policy.py``; faults name the key as the file spells it.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Final, TypeVar

from signing.errors import PolicyUnreadable

_Value = TypeVar("_Value")

_A_DAY: Final = "a date such as 2030-12-31"
_YEARS: Final = (2000, 9000)
_MOST_BYTES: Final = 64 * 1024
_LONGEST_LINE: Final = 512


class Table:
    """One table of the file; what was not taken out of it by the end is unknown."""

    __slots__ = ("_left", "_name")

    def __init__(self, name: str, content: Mapping[str, object]) -> None:
        """Begin to read a table; the file itself has an empty name."""
        self._name = name
        self._left = dict(content)

    @classmethod
    def of(cls, data: bytes) -> "Table":
        """Read a whole file.

        Raises:
            PolicyUnreadable: It is not TOML in UTF-8.
        """
        # A key of many parts costs the parser the square of their number: 40 GB, for one of 200 KB.
        if len(data) > _MOST_BYTES or max(map(len, data.splitlines()), default=0) > _LONGEST_LINE:
            raise PolicyUnreadable(
                "", f"the file is over {_MOST_BYTES} bytes, or a line over {_LONGEST_LINE}"
            )
        try:
            # Editors on Windows begin a file with a byte order mark, which says nothing.
            return cls("", tomllib.loads(data.decode("utf-8-sig")))
        except RecursionError as error:
            raise PolicyUnreadable("", "the file is not TOML: nested too deep") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PolicyUnreadable("", f"the file is not TOML: {error}") from error

    def table(self, key: str) -> "Table":
        """Take a table inside this one."""
        return Table(self._path(key), self._take(key, dict, "a table"))

    def text(self, key: str) -> str:
        """Take a text that is not empty."""
        value = self._take(key, str, "a text")
        if not value.strip():
            raise self.fault(key, "must not be empty")
        return value

    def flag(self, key: str) -> bool:
        """Take true or false."""
        return self._take(key, bool, "true or false")

    def number(self, key: str, *, least: int = 0, most: int = 2**31) -> int:
        """Take a whole number within bounds."""
        value = self._take(key, int, "a whole number")
        if not least <= value <= most:
            raise self.fault(key, f"must be from {least} to {most}, not {value}")
        return value

    def day(self, key: str) -> date:
        """Take a date without a time."""
        return self._check_day(key, self._take(key, date, _A_DAY))

    def texts(self, key: str, form: re.Pattern[str], wanted: str) -> tuple[str, ...]:
        """Take a list of texts of a form, each there once."""
        values = self._take(key, list, "a list of texts")
        found = tuple(value for value in values if isinstance(value, str))
        if len(found) != len(values):
            raise self.fault(key, "must be a list of texts")
        for text in found:
            if not form.fullmatch(text):
                raise self.fault(key, f"{text!r} is not {wanted}")
        if len(set(found)) != len(found):
            raise self.fault(key, "names something twice")
        return found

    def tables(self, key: str) -> tuple["Table", ...]:
        """Take a list of tables."""
        values = self._take(key, list, "a list of tables")
        if not all(isinstance(value, dict) for value in values):
            raise self.fault(key, "must be a list of tables")
        return tuple(Table(f"{self._path(key)}[{at}]", value) for at, value in enumerate(values))

    def accepted(self, known: Iterable[str]) -> dict[str, date | None]:
        """Take each of the known names: those accepted, with the last day on which they are."""
        accepted: dict[str, date | None] = {}
        for name in known:
            until: bool | date = self._take(name, (bool, date), f"true, false or {_A_DAY}")
            if until is not False:
                accepted[name] = self._check_day(name, until) if isinstance(until, date) else None
        self.end()
        return accepted

    def choice(self, key: str, choose: Callable[[str], _Value], choices: Iterable[str]) -> _Value:
        """Take one of some words."""
        word = self.text(key)
        try:
            return choose(word)
        except ValueError:
            raise self.fault(key, f"must be one of {', '.join(choices)}, not {word}") from None

    def end(self) -> None:
        """Say that everything known has been taken.

        Raises:
            PolicyUnreadable: There is something else.
        """
        if self._left:
            raise self.fault(next(iter(self._left)), "is not known here")

    def fault(self, key: str, detail: str) -> PolicyUnreadable:
        """Return an error that names a key of this table."""
        return PolicyUnreadable(self._path(key), detail)

    def _check_day(self, key: str, day: date) -> date:
        # A day that has a next one, and a beginning in every zone.
        if not _YEARS[0] <= day.year <= _YEARS[1]:
            raise self.fault(key, f"must be of the years {_YEARS[0]} to {_YEARS[1]}, not {day}")
        return day

    def _path(self, key: str) -> str:
        shown = f'"{key}"' if "." in key else key
        return f"{self._name}.{shown}" if self._name else shown

    def _take(self, key: str, kind: type[_Value] | tuple[type, ...], wanted: str) -> _Value:
        if key not in self._left:
            raise self.fault(key, "is missing")
        value = self._left.pop(key)
        # A flag is a number and a moment is a date to Python, and neither is meant.
        is_other = (isinstance(value, bool) and kind is int) or isinstance(value, datetime)
        if is_other or not isinstance(value, kind):
            raise self.fault(key, f"must be {wanted}")
        return value  # type: ignore[return-value]  # a tuple of kinds is only given where any of them will do
