"""Reads a facility's catalogue: one folder of lists, concept maps and ``catalogue.toml``.

A row that cannot be used is reported and left out; the rest is kept, whatever is wrong beside it.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from claims.catalogues.catalogue import Catalogue, Table
from claims.catalogues.columns import MAPS_FOLDER, FileSpec, list_specs, map_spec
from claims.catalogues.items import Entry, Kind
from claims.catalogues.problems import CatalogueProblem, Weight
from claims.catalogues.reading import read_file
from claims.catalogues.sheets import ENDINGS, OTHER_SPREADSHEETS
from claims.catalogues.systems import name_system

_MANIFEST: Final = "catalogue.toml"
_MANIFEST_KEYS: Final[Mapping[str, type]] = {
    "facility": str,
    "version": str,
    "approved": bool,
    "local_systems": dict,
    "national_systems": dict,
}
_TEMPORARY: Final = (".", "~$")
_DIGITS_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class LoadedCatalogue:
    """A catalogue and what was wrong with its files."""

    catalogue: Catalogue
    problems: tuple[CatalogueProblem, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something was left out."""
        return any(problem.weight is Weight.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _Manifest:
    facility: str = ""
    version: str = ""
    approved: bool = True
    local_systems: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    national_systems: Mapping[Kind, frozenset[str]] = field(default_factory=dict)


def load_catalogue(folder: Path) -> LoadedCatalogue:
    """Read every list and map of a folder.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(str(folder))
    problems: list[CatalogueProblem] = []
    manifest = _read_manifest(folder, problems)
    tables: dict[Kind, Table] = {}
    maps: dict[Kind, Table] = {}
    for spec, paths in _files(folder, problems):
        read = [read_file(path, _name(folder, path), spec, approved=manifest.approved) for path in paths]
        problems += (problem for one in read for problem in one.problems)
        entries = [entry for one in read for entry in one.entries]
        kept = Table(_without_doubles(entries, spec, problems))
        (maps if spec.is_map else tables)[spec.kind] = kept
    digest = _digest(folder)
    catalogue = Catalogue(
        facility=manifest.facility,
        version=f"{manifest.version or folder.name}+{digest[:_DIGITS_SHOWN]}",
        sha256=digest,
        tables=tables,
        maps=maps,
        local_systems=manifest.local_systems,
        national_systems=manifest.national_systems,
    )
    return LoadedCatalogue(catalogue, tuple(problems))


def catalogue_files(folder: Path) -> tuple[Path, ...]:
    """Return the files that a catalogue is made of, in a fixed order."""
    return tuple(path for path in _files_in(folder) if path.name == _MANIFEST or _ends_in(path, ENDINGS))


def _files_in(folder: Path) -> Sequence[Path]:
    found = [*folder.iterdir(), *(folder / MAPS_FOLDER).glob("*")]
    return sorted(path for path in found if path.is_file() and not path.name.startswith(_TEMPORARY))


def _ends_in(path: Path, endings: Sequence[str]) -> bool:
    return path.suffix.lower() in endings


def _files(folder: Path, problems: list[CatalogueProblem]) -> Iterable[tuple[FileSpec, list[Path]]]:
    """Return the files to read, with what they hold; a list may be spread over a text file and a workbook."""
    files: dict[str, tuple[FileSpec, list[Path]]] = {}
    known = ", ".join(sorted(_specs()))
    for path in _files_in(folder):
        stem, name = path.stem.lower(), _name(folder, path)
        key = f"{MAPS_FOLDER}/{stem}" if path.parent.name == MAPS_FOLDER and path.parent != folder else stem
        spec = _specs().get(key)
        if spec is not None and _ends_in(path, ENDINGS):
            files.setdefault(spec.file, (spec, []))[1].append(path)
        elif spec is not None and _ends_in(path, OTHER_SPREADSHEETS):
            problems.append(_of_file("other-form", Weight.ERROR, name, ending=path.suffix.lower()))
        elif _ends_in(path, (*ENDINGS, *OTHER_SPREADSHEETS)):
            problems.append(_of_file("unknown-file", Weight.WARNING, name, known=known))
    if not files and not (folder / _MANIFEST).is_file():
        problems.append(_of_file("no-list", Weight.ERROR, folder.name, known=known))
    return files.values()


@cache
def _specs() -> Mapping[str, FileSpec]:
    maps = {f"{MAPS_FOLDER}/{kind}": map_spec(kind) for kind in Kind}
    # A map may also be called after the list of its kind.
    namesakes = {f"{MAPS_FOLDER}/{stem}": map_spec(spec.kind) for stem, spec in list_specs().items()}
    return {**list_specs(), **namesakes, **maps}


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in catalogue_files(folder):
        data = path.read_bytes()
        digest.update(f"{_name(folder, path)}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _read_manifest(folder: Path, problems: list[CatalogueProblem]) -> _Manifest:
    path = folder / _MANIFEST
    if not path.is_file():
        return _Manifest()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(_manifest_problem("manifest-unreadable", what=str(error)))
        return _Manifest()
    for key in sorted(data):
        if key not in _MANIFEST_KEYS:
            problems.append(_manifest_problem("manifest-key", key=key, known=", ".join(_MANIFEST_KEYS)))
        elif not isinstance(data[key], _MANIFEST_KEYS[key]):
            problems.append(_manifest_problem("manifest-value", key=key))
            del data[key]
    return _Manifest(
        facility=data.get("facility", ""),
        version=data.get("version", ""),
        approved=data.get("approved", True),
        local_systems=dict(_systems("local_systems", data, problems)),
        national_systems=dict(_systems("national_systems", data, problems)),
    )


def _systems(
    key: str, data: Mapping[str, Mapping[str, object]], problems: list[CatalogueProblem]
) -> Iterator[tuple[Kind, frozenset[str]]]:
    for kind, systems in data.get(key, {}).items():
        if (
            kind not in set(Kind)
            or not isinstance(systems, list)
            or not all(isinstance(s, str) for s in systems)
        ):
            problems.append(_manifest_problem("manifest-value", key=f"{key}.{kind}"))
        else:
            yield Kind(kind), frozenset(name_system(system) for system in systems)


def _manifest_problem(code: str, **params: str) -> CatalogueProblem:
    return _of_file(code, Weight.ERROR, _MANIFEST, **params)


def _of_file(code: str, weight: Weight, file: str, **params: str) -> CatalogueProblem:
    return CatalogueProblem(code=code, weight=weight, file=file, params=tuple(sorted(params.items())))


def _without_doubles(
    entries: Sequence[Entry], spec: FileSpec, problems: list[CatalogueProblem]
) -> Iterator[Entry]:
    """Leave out rows that say the same as an earlier one; report rows that contradict one another in time."""
    alike: dict[tuple[object, ...], list[Entry]] = {}
    named_alike: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in entries:
        same = alike.setdefault(tuple(getattr(entry, name) for name in spec.identity), [])
        named = entry.local_system, entry.local_code, getattr(entry, "service", "")
        namesakes = named_alike.setdefault(named, []) if entry.local_code else []
        if (rival := _first_overlap(entry, same)) is not None:
            if _says_the_same(rival, entry):
                problems.append(_clash("row-twice", entry, rival))
                continue
            problems.append(_clash("overlapping", entry, rival))
        elif (
            rival := _first_overlap(entry, (one for one in namesakes if one.code != entry.code))
        ) is not None:
            problems.append(_clash("local-code-twice", entry, rival))
        same.append(entry)
        namesakes.append(entry)
        yield entry


def _first_overlap(entry: Entry, others: Iterable[Entry]) -> Entry | None:
    return next((other for other in others if _overlap(other, entry)), None)


def _clash(code: str, entry: Entry, other: Entry) -> CatalogueProblem:
    file, _, sheet = entry.file.partition("#")
    return CatalogueProblem(
        code=code,
        weight=Weight.WARNING,
        file=file,
        sheet=sheet or None,
        row=entry.row,
        params=(("other", f"{other.file}:{other.row}"),),
    )


def _overlap(one: Entry, other: Entry) -> bool:
    return _begin(one) <= _end(other) and _begin(other) <= _end(one)


def _says_the_same(one: Entry, other: Entry) -> bool:
    return replace(one, file="", row=0) == replace(other, file="", row=0)


def _begin(entry: Entry) -> date:
    return entry.valid_from or date.min


def _end(entry: Entry) -> date:
    return entry.valid_to or date.max
