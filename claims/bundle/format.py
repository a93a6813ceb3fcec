"""Where the dated data of the format lie: in this package, and in folders that are added at start.

Such a folder holds what a later Decision changes, and no code::

    catalog.toml     the Decision's days and the schema files of its tables (see `xsd.editions`)
    *.xsd            those schema files
    codes/NAME.csv   rows that are added to a code list, or a list of its own (see `claims.bundle.coderows`)
    NAME.toml        further steps of dated settings, such as money.toml

It counts for the whole process. What is computed from these data and kept is forgotten when a folder
comes (`depends_on_format`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from claims.bundle.coderows import UnreadableCodes, read_code_rows
from claims.errors import ClaimsError
from xsd.catalog import UnreadableCatalog, UnreadableSchema, add_folder, forget_added_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xsd.catalog import TableSchema

_OWN: Final = Path(__file__).parent
_HELD: Final = ("catalog.toml", "*/catalog.toml", "codes/*.csv", "*.toml")
_folders: list[Path] = []


class _Cache(Protocol):
    def cache_clear(self) -> None: ...


_Cached = TypeVar("_Cached", bound=_Cache)
_caches: list[_Cache] = []


class UnusableFormatFolder(ClaimsError):
    """A folder of format data cannot be used.

    Attributes:
        path: The file that is at fault, or the folder.
        detail: What is wrong, with the line where it is known.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")
        self.path = path
        self.detail = detail


def use_format_folder(folder: Path) -> None:
    """Add a folder's data to those that this process knows.

    Nothing is added when anything in it makes no sense, or when it was added before.

    Raises:
        UnusableFormatFolder: The folder is not there, holds nothing, or holds a file that makes no sense.
    """
    folder = folder.resolve()
    if folder in _folders:
        return
    if not folder.is_dir():
        raise UnusableFormatFolder(folder, "there is no such folder")
    if not any(path for held in _HELD for path in folder.glob(held)):
        raise UnusableFormatFolder(folder, f"holds none of {', '.join(_HELD)}")
    for path in sorted(folder.glob("*.toml")):
        _parse_settings(path)
    for path in sorted(folder.glob("codes/*.csv")):
        _read_codes(path)
    for field, code_list in _named_lists(_add_schemas(folder)):
        if not (format_files(f"codes/{code_list}.csv") or (folder / "codes" / f"{code_list}.csv").is_file()):
            _take_back()
            raise UnusableFormatFolder(folder, f"{field} names the code list {code_list}, which is not there")
    _folders.append(folder)
    _clear()


def forget_format_folders() -> None:
    """Return to the data that come with this package."""
    _folders.clear()
    forget_added_folders()
    _clear()


def format_files(name: str) -> tuple[Path, ...]:
    """List the files of a name such as ``money.toml``: this package's, then those of the added folders."""
    return tuple(path for folder in (_OWN, *_folders) if (path := folder / name).is_file())


def format_folders() -> tuple[Path, ...]:
    """List the folders that were added."""
    return tuple(_folders)


def depends_on_format(cached: _Cached) -> _Cached:
    """Have a cache cleared when a folder is added: a decorator on top of ``functools.cache``."""
    _caches.append(cached)
    return cached


def _clear() -> None:
    for cached in _caches:
        cached.cache_clear()


def _parse_settings(path: Path) -> None:
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableFormatFolder(path, str(error)) from error


def _read_codes(path: Path) -> None:
    try:
        read_code_rows((*format_files(f"codes/{path.name}"), path))
    except UnreadableCodes as error:
        raise UnusableFormatFolder(error.path, f"line {error.line}: {error.detail}") from error


def _add_schemas(folder: Path) -> tuple[TableSchema, ...]:
    try:
        return add_folder(folder)
    except (UnreadableCatalog, UnreadableSchema) as error:
        raise UnusableFormatFolder(error.path, error.detail) from error


def _take_back() -> None:
    """Forget the schemas of a folder that turned out to be unusable; keep those of the others."""
    forget_added_folders()
    for folder in _folders:
        add_folder(folder)


def _named_lists(schemas: tuple[TableSchema, ...]) -> Iterator[tuple[str, str]]:
    for schema in schemas:
        for field in schema.fields:
            if field.code_list is not None:
                yield f"{schema.table}.{field.name}", field.code_list
