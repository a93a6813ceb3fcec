"""Editions: the tables as they stand from one day on, read from ``catalog.toml`` files.

A catalogue names one Decision, or an amendment to one, its days, and the schema files of the tables
that it changed. The others are those of the edition it is based on::

    decision = "3176"
    based_on = "4750"
    valid_from = 2025-01-01
    label_vi = "Quyết định 3176/QĐ-BYT ngày 29/10/2024"
    label_en = "Decision 3176/QD-BYT of 29 October 2024"

    [tables]
    XML1 = "xml1.xsd"

``amendment`` is the number of a Decision that changes ``decision`` without taking its place,
``valid_to`` the last day (without it, until a later edition begins), ``drops`` the tables that end with
the edition. Dates are those on which an episode ends (NGAY_RA).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from xsd.schema import SchemaFile, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_FILE: Final = "catalog.toml"
_KEYS: Final = frozenset({
    "decision", "amendment", "based_on", "valid_from", "valid_to", "label_vi", "label_en", "tables", "drops",
})  # fmt: skip
_TABLE: Final = re.compile(r"XML[0-9]{1,2}|ENVELOPE")


class UnreadableCatalog(Exception):
    """A ``catalog.toml`` makes no sense."""

    def __init__(self, path: Path, detail: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


@dataclass(frozen=True, slots=True, eq=False)
class Edition:
    """The tables as they stand from one day on, under a Decision or an amendment to it.

    Attributes:
        decision: The Decision's number.
        amendment: The number of the Decision that amended it, if this edition is an amendment's.
        valid_from: The first day on which an episode may end under it.
        valid_to: The last such day; None when it is still in force.
        label_vi: The Decision's title, in Vietnamese.
        label_en: The same in English.
        tables: Its schemas by table, those of the edition it is based on included.
    """

    decision: str
    amendment: str | None
    valid_from: date
    valid_to: date | None
    label_vi: str
    label_en: str
    tables: Mapping[str, TableSchema]

    @property
    def name(self) -> str:
        """The number it goes by: the amendment's, else the Decision's."""
        return self.amendment or self.decision

    def is_named(self, number: str) -> bool:
        """Whether it is an edition of the Decision or amendment of this number."""
        return number in {self.decision, self.amendment}

    def is_in_force(self, on: date) -> bool:
        """Whether an episode that ends on this day falls under it."""
        return self.days_from(on) == 0

    def days_from(self, on: date) -> int:
        """Count the days between a day and the edition's time; 0 inside it."""
        if on < self.valid_from:
            return (self.valid_from - on).days
        return 0 if self.valid_to is None else max(0, (on - self.valid_to).days)


def read_editions(folders: Iterable[Path]) -> tuple[Edition, ...]:
    """Read the catalogues of folders and of the folders inside them, by their first day.

    Raises:
        UnreadableCatalog: One makes no sense.
    """
    paths = ((*folder.glob(_FILE), *sorted(folder.glob(f"*/{_FILE}"))) for folder in folders)
    listings = sorted(map(_read, chain.from_iterable(paths)), key=lambda listing: listing.valid_from)
    editions: list[Edition] = []
    for number, listing in enumerate(listings):
        later = next((one for one in listings[number + 1 :] if one.valid_to is None), None)
        editions.append(_edition(listing, editions, later))
    return tuple(editions)


@dataclass(frozen=True, slots=True)
class _Listing:
    """One ``catalog.toml``, as written."""

    path: Path
    decision: str
    amendment: str | None
    based_on: str | None
    valid_from: date
    valid_to: date | None
    label_vi: str
    label_en: str
    files: Mapping[str, Path]
    drops: tuple[str, ...]


def _edition(listing: _Listing, earlier: Sequence[Edition], later: _Listing | None) -> Edition:
    """Make an edition, which ends at the latest where a later one that stays in force begins."""
    valid_to = listing.valid_to
    if later is not None:
        last = later.valid_from - timedelta(days=1)
        valid_to = last if valid_to is None else min(valid_to, last)
    tables = dict(_base(listing, earlier))
    for table in listing.drops:
        tables.pop(table, None)
    shared = {
        table: replace(
            schema,
            decision=listing.decision,
            amendment=listing.amendment,
            valid_from=listing.valid_from,
            valid_to=valid_to,
        )
        for table, schema in tables.items()
    }
    own = {
        table: TableSchema(
            table, listing.decision, listing.amendment, listing.valid_from, valid_to, SchemaFile(path)
        )
        for table, path in listing.files.items()
    }
    return Edition(
        listing.decision,
        listing.amendment,
        listing.valid_from,
        valid_to,
        listing.label_vi,
        listing.label_en,
        MappingProxyType(shared | own),
    )


def _base(listing: _Listing, earlier: Sequence[Edition]) -> Mapping[str, TableSchema]:
    if listing.based_on is None:
        return {}
    for edition in reversed(earlier):
        if edition.is_named(listing.based_on):
            return edition.tables
    raise UnreadableCatalog(listing.path, f"there is no earlier Decision {listing.based_on} to base it on")


def _read(path: Path) -> _Listing:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableCatalog(path, str(error)) from error
    reader = _Reader(path, values)
    if unknown := sorted(values.keys() - _KEYS):
        raise UnreadableCatalog(path, f"unknown entry {unknown[0]}")
    valid_from = reader.day("valid_from")
    if valid_from is None:
        raise UnreadableCatalog(path, "valid_from is missing")
    valid_to = reader.day("valid_to")
    if valid_to is not None and valid_to < valid_from:
        raise UnreadableCatalog(path, "valid_to lies before valid_from")
    decision = reader.text("decision")
    if not decision:
        raise UnreadableCatalog(path, "decision is missing")
    return _Listing(
        path=path,
        decision=decision,
        amendment=reader.text("amendment"),
        based_on=reader.text("based_on"),
        valid_from=valid_from,
        valid_to=valid_to,
        label_vi=reader.text("label_vi") or f"Quyết định {decision}",
        label_en=reader.text("label_en") or f"Decision {decision}",
        files=reader.files(),
        drops=reader.drops(),
    )


class _Reader:
    """Takes typed values out of one catalogue."""

    def __init__(self, path: Path, values: Mapping[str, object]) -> None:
        self._path = path
        self._values = values

    def text(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is not None and not isinstance(value, str):
            raise UnreadableCatalog(self._path, f"{key} must be text in quotes")
        return value

    def day(self, key: str) -> date | None:
        value = self._values.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise UnreadableCatalog(self._path, f"{key} must be a date such as 2025-01-01")
        return value

    def files(self) -> Mapping[str, Path]:
        tables = self._values.get("tables", {})
        if not isinstance(tables, dict):
            raise UnreadableCatalog(self._path, "tables must be a table of names and files")
        return {table: self._file(table, name) for table, name in tables.items()}

    def drops(self) -> tuple[str, ...]:
        names = self._values.get("drops", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UnreadableCatalog(self._path, "drops must be a list of tables")
        return tuple(names)

    def _file(self, table: str, name: object) -> Path:
        if not _TABLE.fullmatch(table):
            raise UnreadableCatalog(self._path, f"{table} is not a table")
        path = (self._path.parent / str(name)).resolve()
        if not path.is_file():
            raise UnreadableCatalog(self._path, f"{table}: there is no file {path}")
        return path
