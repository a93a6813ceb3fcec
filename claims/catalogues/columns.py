"""Which files a catalogue has and which columns they have: ``columns.toml``, read once."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from claims.catalogues.items import (
    CardAnswer,
    ContractItem,
    DepartmentItem,
    DiagnosisItem,
    DrugItem,
    Entry,
    FacilityItem,
    Kind,
    LabIndexItem,
    LimitItem,
    MapEntry,
    PairItem,
    ServiceItem,
    StaffItem,
    SupplyItem,
    TraditionalItem,
)

MAPS_FOLDER: Final = "maps"
_BETWEEN_WORDS: Final = re.compile(r"[\s\-_]+")
_END_OF_NAME: Final = re.compile("[;:,(]")


class CellType(StrEnum):
    """How a cell is read."""

    CODE = "code"
    MAPPED = "mapped"
    LOCAL = "local"
    IDENTIFIER = "identifier"
    TEXT = "text"
    RATE = "rate"
    PERCENT = "percent"
    DAY = "day"
    FLAG = "flag"
    ROUTE = "route"
    CODES = "codes"
    HOURS = "hours"
    RELATION = "relation"
    PERIODS = "periods"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the value it fills, how its cells are read, and its headers, the preferred one first.

    ``keys`` are its headers as `header_key` has them, and what it is called in Vietnamese.
    """

    name: str
    type: CellType
    headers: tuple[str, ...]
    keys: tuple[str, ...]
    is_required: bool
    example: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file of a catalogue.

    Attributes:
        stem: Its name without folder and ending: ``drugs``, ``lab_index``.
        kind: What its codes stand for.
        item: The value a row becomes.
        columns: Its columns, in the order in which a new file has them.
        ignored: Headers of known lists that say nothing a claim needs.
        identity: The columns that tell rows apart; rows alike in them may follow one another in time only.
        is_private: Whether its cells speak of people, so that no message repeats them.
        labels: What people call it.
    """

    stem: str
    kind: Kind
    item: type[Entry]
    columns: tuple[Column, ...]
    ignored: frozenset[str]
    identity: tuple[str, ...]
    is_private: bool
    labels: Mapping[str, str]

    @property
    def is_map(self) -> bool:
        """Whether it is a concept map."""
        return self.item is MapEntry

    @property
    def file(self) -> str:
        """Its usual name in the catalogue's folder."""
        return f"{MAPS_FOLDER}/{self.stem}.csv" if self.is_map else f"{self.stem}.csv"

    def knows(self, header: str) -> bool:
        """Whether a header, after `header_key`, is one of this file's."""
        return header in self.ignored or self.has_column(header)

    def has_column(self, header: str) -> bool:
        """Whether a header, after `header_key`, is that of a column."""
        return any(header in column.keys for column in self.columns)


_LISTS: Final[Mapping[str, tuple[Kind, type[Entry]]]] = {
    "drugs": (Kind.DRUG, DrugItem),
    "services": (Kind.SERVICE, ServiceItem),
    "supplies": (Kind.SUPPLY, SupplyItem),
    "lab_indexes": (Kind.LAB_INDEX, LabIndexItem),
    "staff": (Kind.STAFF, StaffItem),
    "departments": (Kind.DEPARTMENT, DepartmentItem),
    "beds": (Kind.BED, Entry),
    "machines": (Kind.MACHINE, Entry),
    "diagnoses": (Kind.DIAGNOSIS, DiagnosisItem),
    "traditional": (Kind.TRADITIONAL, TraditionalItem),
    "facilities": (Kind.FACILITY, FacilityItem),
    "contract": (Kind.CONTRACT, ContractItem),
    "provinces": (Kind.PROVINCE, Entry),
    "communes": (Kind.COMMUNE, Entry),
    "countries": (Kind.COUNTRY, Entry),
    "peoples": (Kind.PEOPLE, Entry),
    "limits": (Kind.LIMIT, LimitItem),
    "pairs": (Kind.PAIR, PairItem),
    "cards": (Kind.CARD, CardAnswer),
}


#: Kinds whose codes no concept map stands for: other lists' codes, a person's, or national from the start.
WITHOUT_MAP: Final = frozenset(
    {
        Kind.CARD,
        Kind.LIMIT,
        Kind.PAIR,
        Kind.CONTRACT,
        Kind.PROVINCE,
        Kind.COMMUNE,
        Kind.COUNTRY,
        Kind.PEOPLE,
    }
)


#: The unit that every amount has; thousands of it are another one, and such a header is not known.
_IN_DONG: Final = re.compile(r"\s*\((?:VN[ĐD]|đồng|đ)\)$", re.IGNORECASE)


def header_key(header: str) -> str:
    """Return a header as it is compared.

    Case, accents, what stands between words, a star for "required" and đồng as the unit do not count.
    """
    text = _BETWEEN_WORDS.sub("", _IN_DONG.sub("", header.strip().strip("*"))).casefold()
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@cache
def list_specs() -> Mapping[str, FileSpec]:
    """Return the lists of a catalogue by the name of their file."""
    data = _data()
    return {
        stem: _spec(stem, kind, item, data["lists"][stem], [data["own"], data["shared"]])
        for stem, (kind, item) in _LISTS.items()
    }


@cache
def map_spec(kind: Kind) -> FileSpec:
    """Return what the concept map of a kind looks like."""
    data = _data()
    return _spec(kind.value, kind, MapEntry, data["maps"], [data["shared"]])


@cache
def list_of(kind: Kind) -> FileSpec | None:
    """Return the list that holds codes of a kind, if there is one."""
    return next((spec for spec in list_specs().values() if spec.kind is kind), None)


@cache
def _data() -> Mapping[str, Any]:
    text = (resources.files(__package__ or "") / "columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _spec(
    stem: str, kind: Kind, item: type[Entry], entry: Mapping[str, Any], more: Sequence[Mapping[str, Any]]
) -> FileSpec:
    columns = [entry["columns"], *(more if stem != "cards" else more[1:])]
    return FileSpec(
        stem=stem,
        kind=kind,
        item=item,
        columns=tuple(_column(name, one) for group in columns for name, one in group.items()),
        ignored=frozenset(header_key(header) for header in entry["ignored"]),
        identity=tuple(entry["identity"]),
        is_private=entry.get("private", False),
        labels={"vi": entry["vi"], "en": entry["en"]},
    )


def _column(name: str, entry: Mapping[str, Any]) -> Column:
    headers = (name, *(header.casefold() for header in entry["aliases"]))
    label, *_ = _END_OF_NAME.split(entry["vi"])
    return Column(
        name=name,
        type=CellType(entry["type"]),
        headers=headers,
        keys=tuple(dict.fromkeys(map(header_key, (*headers, label)))),
        is_required=entry.get("required", False),
        example=entry.get("example", ""),
        labels={"vi": entry["vi"], "en": entry["en"]},
    )
