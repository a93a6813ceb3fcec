"""Which schema belongs to which table, Decision and date: the editions of every ``catalog.toml``.

The Decision in force on the day an episode ends decides which schema its tables follow. Folders with
later Decisions can be added to those of this package (`add_folder`).
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xsd.editions import Edition, UnreadableCatalog, read_editions
from xsd.faults import Fault, FaultKind
from xsd.model import Field, UnreadableSchema
from xsd.schema import SchemaFile, TableSchema
from xsd.usual import UsualRows

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "ENVELOPE",
    "Catalog",
    "Edition",
    "Fault",
    "FaultKind",
    "Field",
    "SchemaFile",
    "SchemaNotFound",
    "TableSchema",
    "UnreadableCatalog",
    "UnreadableSchema",
    "UsualRows",
    "add_folder",
    "default_catalog",
    "find_schema",
    "forget_added_folders",
]

ENVELOPE: Final = "ENVELOPE"  # the envelope's name where a table's name is asked for
_OWN: Final = Path(__file__).parent
_added: list[Path] = []


class SchemaNotFound(LookupError):
    """No schema describes this table on this day."""

    def __init__(self, table: str, on: date, decision: str | None) -> None:
        """Keep what was asked for."""
        under = "" if decision is None else f" under Decision {decision}"
        super().__init__(f"no schema describes {table} on {on:%Y-%m-%d}{under}")
        self.table = table
        self.on = on
        self.decision = decision


class Catalog:
    """The editions of some folders."""

    def __init__(self, editions: tuple[Edition, ...]) -> None:
        """Take the editions by their first day."""
        self.editions = editions

    @classmethod
    def load(cls, *folders: Path) -> Catalog:
        """Read each folder's ``catalog.toml`` and those of the folders inside it.

        Raises:
            UnreadableCatalog: A catalogue makes no sense or names a file that is not there.
        """
        return cls(read_editions(folders))

    @property
    def schemas(self) -> tuple[TableSchema, ...]:
        """Every schema of every edition, the oldest edition first."""
        return tuple(schema for edition in self.editions for schema in edition.tables.values())

    def find_edition(self, on: date) -> Edition | None:
        """Find the edition in force on a day; the latest where there are several."""
        return next((edition for edition in reversed(self.editions) if edition.is_in_force(on)), None)

    def find_schema(self, table: str, *, on: date, decision: str | None = None) -> TableSchema:
        """Find the schema of a table for an episode that ends on this day.

        With a ``decision`` it is that Decision's (or amendment's) schema in force on the day, or the
        nearest one when the day lies outside its time.

        Raises:
            SchemaNotFound: There is none.
        """
        if decision is None:
            edition = self.find_edition(on)
            found = None if edition is None else edition.tables.get(table)
        else:
            named = [one for one in self.editions if one.is_named(decision) and table in one.tables]
            # The last of equals, as a later edition takes the place of an earlier one.
            nearest = min(reversed(named), key=lambda one: one.days_from(on), default=None)
            found = None if nearest is None else nearest.tables[table]
        if found is None:
            raise SchemaNotFound(table, on, decision)
        return found


@cache
def default_catalog() -> Catalog:
    """Load the catalogue of this package and of the folders that were added, once.

    Raises:
        UnreadableCatalog: An added folder was changed since and makes no sense any more.
    """
    return Catalog.load(_OWN, *_added)


@lru_cache(maxsize=4096)
def find_schema(table: str, *, on: date, decision: str | None = None) -> TableSchema:
    """Find the schema of a table for an episode that ends on this day, as `Catalog.find_schema` does.

    Raises:
        SchemaNotFound: There is none.
    """
    return default_catalog().find_schema(table, on=on, decision=decision)


def add_folder(folder: Path) -> tuple[TableSchema, ...]:
    """Add the Decisions of a folder to those that this process knows; return their schemas.

    Every schema file in it is read and compiled at once, so that what is wrong with it shows now.

    Raises:
        UnreadableCatalog: The catalogue makes no sense.
        UnreadableSchema: A schema uses a construct that the reader does not know, or does not compile.
    """
    catalog = Catalog.load(_OWN, *_added, folder)
    own = tuple(one for one in catalog.schemas if one.path.is_relative_to(folder.resolve()))
    for schema in own:
        schema.validators.compile()
    _added.append(folder)
    _forget()
    return own


def forget_added_folders() -> None:
    """Return to the Decisions that come with this package."""
    _added.clear()
    _forget()


def _forget() -> None:
    default_catalog.cache_clear()
    find_schema.cache_clear()
