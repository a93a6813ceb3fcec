"""A facility's lists and maps as one value, asked by code and day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final

from claims.catalogues.columns import list_of, map_spec
from claims.catalogues.items import Entry, Kind, SourceCode, StaffItem
from claims.catalogues.systems import is_public, name_system

#: Of a list: the claims of a facility's day name the same codes on the same few days.
_MOST_ANSWERS: Final = 1024
_UNSAID: Final = (None, "", ())
_NOTHING: Final[tuple[Entry, ...]] = ()


class Why(StrEnum):
    """Why a source code has, or has not, one national code."""

    FOUND = "found"
    UNKNOWN = "unknown"
    NOT_IN_FORCE = "not-in-force"
    AMBIGUOUS = "ambiguous"
    WITHOUT_CODE = "without-code"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a catalogue says of a source code on a day.

    Attributes:
        why: Whether and why.
        code: The national code; None unless it was found.
        by: The row that decided; None when the system itself is a national one, or nothing was found.
        rows: The rows that were found but do not decide, for a message.
    """

    why: Why
    code: str | None = None
    by: Entry | None = None
    rows: tuple[Entry, ...] = ()


class Table:
    """The rows of one list or map, found by either code."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index the rows."""
        self.entries = tuple(entries)
        self._said: dict[str, bool] = {}
        self._in_force: dict[tuple[str, date], tuple[Entry, ...]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def with_code(self, code: str) -> tuple[Entry, ...]:
        """Return the rows with a national code, in the order of the file."""
        return self._by_code.get(code, _NOTHING)

    def in_force(self, code: str, on: date) -> tuple[Entry, ...]:
        """Return the rows with a national code that hold on a day: the approved ones if there are any."""
        ever = self.with_code(code)
        if not ever:
            return _NOTHING
        rows = self._in_force.get((code, on))
        if rows is None:
            rows = _approved_first(row for row in ever if row.is_in_force(on))
            if len(self._in_force) >= _MOST_ANSWERS:
                self._in_force.clear()
            self._in_force[code, on] = rows
        return rows

    def says(self, name: str) -> bool:
        """Whether some row says something in a field that rows may leave empty."""
        said = self._said.get(name)
        if said is None:
            said = self._said[name] = any(getattr(entry, name, None) not in _UNSAID for entry in self.entries)
        return said

    def with_source_code(self, code: str) -> tuple[Entry, ...]:
        """Return the rows that are found by a source code, of any system."""
        return self._by_source_code.get(code, _NOTHING)

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[Entry, ...]]:
        return _grouped((entry.code, entry) for entry in self.entries if entry.code)

    @cached_property
    def _by_source_code(self) -> Mapping[str, tuple[Entry, ...]]:
        return _grouped((key, entry) for entry in self.entries for key in _source_codes(entry))


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One facility's lists and maps, in one version; two are equal when they are one.

    Attributes:
        facility: The facility's code; empty when the catalogue does not say.
        version: What the facility calls this version, with the beginning of ``sha256`` after a plus sign.
        sha256: The digest over the names and bytes of all its files.
        tables: The lists by what their codes stand for.
        maps: The concept maps by what their codes stand for.
        national_systems: Systems whose codes are national codes, by kind.
    """

    facility: str = ""
    version: str = ""
    sha256: str = ""
    tables: Mapping[Kind, Table] = field(default_factory=lambda: MappingProxyType({}))
    maps: Mapping[Kind, Table] = field(default_factory=lambda: MappingProxyType({}))
    local_systems: Mapping[Kind, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    national_systems: Mapping[Kind, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def has_list(self, kind: Kind) -> bool:
        """Whether the facility has given a list for a kind of code."""
        return bool(self.tables.get(kind))

    def says(self, kind: Kind, name: str) -> bool:
        """Whether a list says something in a field that its rows may leave empty."""
        table = self.tables.get(kind)
        return table is not None and table.says(name)

    def find_items(self, kind: Kind, code: str, on: date) -> tuple[Entry, ...]:
        """Return the rows with a national code that hold on a day: the approved ones if there are any."""
        table = self.tables.get(kind)
        return _NOTHING if table is None else table.in_force(code, on)

    def items_ever(self, kind: Kind, code: str) -> tuple[Entry, ...]:
        """Return the rows of a list with a national code, whenever they hold."""
        table = self.tables.get(kind)
        return _NOTHING if table is None else table.with_code(code)

    def find_code(self, kind: Kind, codes: Sequence[SourceCode], on: date, *, service: str = "") -> Answer:
        """Find the national code that one of several source codes of the same thing stands for on a day.

        The facility's own list decides before a concept map does. ``service`` is the national code of the
        service that a laboratory index belongs to: rows for another service do not count.
        """
        for found in (
            self._listed(kind, codes, service),
            self._national(kind, codes),
            self._mapped(kind, codes, service),
        ):
            answer = _decide(tuple(found), on)
            if answer.why is not Why.UNKNOWN:
                return answer
        return Answer(Why.UNKNOWN)

    def _listed(self, kind: Kind, codes: Sequence[SourceCode], service: str) -> Iterator[Entry]:
        table = self.tables.get(kind)
        if table is None:
            return
        for source in codes:
            system = name_system(source.system)
            for entry in table.with_source_code(source.code):
                if self._names(entry, source.code, system, kind) and _is_for(entry, service):
                    yield entry
            if not system:
                # A code without a system, which the facility lists as national, is that.
                yield from (entry for entry in table.with_code(source.code) if _is_for(entry, service))

    def _national(self, kind: Kind, codes: Sequence[SourceCode]) -> Iterator[Entry]:
        systems = self.national_systems.get(kind, frozenset())
        yield from (Entry(code=source.code) for source in codes if name_system(source.system) in systems)

    def _mapped(self, kind: Kind, codes: Sequence[SourceCode], service: str) -> Iterator[Entry]:
        table = self.maps.get(kind)
        if table is None:
            return
        for source in codes:
            system = name_system(source.system)
            for entry in table.with_source_code(source.code):
                if self._is_of_system(entry, system, kind) and _is_for(entry, service):
                    yield entry

    def _names(self, entry: Entry, code: str, system: str, kind: Kind) -> bool:
        # A practitioner's own numbers find the row whatever the message calls their system.
        return entry.local_code != code or self._is_of_system(entry, system, kind)

    def _is_of_system(self, entry: Entry, system: str, kind: Kind) -> bool:
        if entry.local_system:
            return entry.local_system == system
        declared = self.local_systems.get(kind)
        return not system or (system in declared if declared else not is_public(system))


def file_of(kind: Kind) -> str:
    """Return the file that a national code of a kind should come from: the list, else the concept map."""
    spec = list_of(kind)
    return map_spec(kind).file if spec is None else spec.file


def files_of(kind: Kind) -> tuple[str, ...]:
    """Return every file that can give a national code of a kind."""
    spec = list_of(kind)
    return (map_spec(kind).file,) if spec is None else (spec.file, map_spec(kind).file)


def _decide(found: Sequence[Entry], on: date) -> Answer:
    if not found:
        return Answer(Why.UNKNOWN)
    rows = _approved_first(entry for entry in found if entry.is_in_force(on))
    if not rows:
        return Answer(Why.NOT_IN_FORCE, rows=tuple(found))
    # A row made for the service says more than one for all of them.
    rows = tuple(row for row in rows if getattr(row, "service", "")) or rows
    codes = {row.code for row in rows}
    if codes == {""}:
        return Answer(Why.WITHOUT_CODE, rows=rows)
    if len(codes) > 1:
        return Answer(Why.AMBIGUOUS, rows=rows)
    return Answer(Why.FOUND, rows[0].code, rows[0] if rows[0].file else None, rows)


def _approved_first(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    rows = tuple(entries)
    return tuple(row for row in rows if row.approved) or rows


def _is_for(entry: Entry, service: str) -> bool:
    meant_for = getattr(entry, "service", "")
    return not meant_for or meant_for == service


def _source_codes(entry: Entry) -> Iterator[str]:
    seen = {entry.local_code}
    if isinstance(entry, StaffItem):
        seen |= {entry.code, entry.social_insurance_no, entry.national_id}
    yield from (code for code in seen if code)


def _grouped(pairs: Iterable[tuple[str, Entry]]) -> Mapping[str, tuple[Entry, ...]]:
    groups: dict[str, list[Entry]] = {}
    for key, entry in pairs:
        groups.setdefault(key, []).append(entry)
    return {key: tuple(entries) for key, entries in groups.items()}
