"""Which schema belongs to which table, Decision and date: ``catalog.toml``, read once.

The Decision in force on the day an episode ends decides which schema its tables follow.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from xsd.faults import Fault, FaultKind
from xsd.model import Field, read_model
from xsd.schema import TableSchema
from xsd.validators import Validators

__all__ = [
    "ENVELOPE",
    "Catalog",
    "Fault",
    "FaultKind",
    "Field",
    "SchemaNotFound",
    "TableSchema",
    "default_catalog",
    "find_schema",
]

ENVELOPE: Final = "ENVELOPE"  # the envelope's name where a table's name is asked for


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
    """The schemas of one folder with a ``catalog.toml``."""

    def __init__(self, schemas: tuple[TableSchema, ...]) -> None:
        """Take the schemas in the catalogue's order."""
        self.schemas = schemas

    @classmethod
    def load(cls, folder: Path) -> Catalog:
        """Read the catalogue of a folder and the schemas it names.

        Raises:
            UnreadableSchema: A schema uses a construct that the reader does not know.
        """
        entries = tomllib.loads((folder / "catalog.toml").read_text(encoding="utf-8"))["schema"]
        return cls(tuple(_read_entry(folder, entry) for entry in entries))

    def find_schema(self, table: str, *, on: date, decision: str | None = None) -> TableSchema:
        """Find the schema of a table for an episode that ends on this day.

        With a ``decision`` only that Decision's schema will do.

        Raises:
            SchemaNotFound: There is none.
        """
        for schema in reversed(self.schemas):  # the latest entry wins where two are in force
            if schema.table == table and schema.is_in_force(on) and decision in {None, schema.decision}:
                return schema
        raise SchemaNotFound(table, on, decision)


@cache
def default_catalog() -> Catalog:
    """Load the catalogue that comes with this package, once."""
    return Catalog.load(Path(__file__).parent)


@lru_cache(maxsize=4096)
def find_schema(table: str, *, on: date, decision: str | None = None) -> TableSchema:
    """Find the schema of a table for an episode that ends on this day.

    Raises:
        SchemaNotFound: There is none.
    """
    return default_catalog().find_schema(table, on=on, decision=decision)


def _read_entry(folder: Path, entry: dict[str, object]) -> TableSchema:
    path = (folder / str(entry["file"])).resolve()
    model = read_model(path)
    record = None if model.record is None else model.record.name
    return TableSchema(
        table=str(entry["table"]),
        decision=str(entry["decision"]),
        valid_from=_day(entry["valid_from"]),
        valid_to=_day(entry["valid_to"]) if "valid_to" in entry else None,
        path=path,
        model=model,
        validators=Validators(path, record),
    )


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} in catalog.toml is not a date")
    return value
