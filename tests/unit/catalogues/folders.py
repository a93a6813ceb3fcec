"""Catalogue folders for tests, written from text."""

from collections.abc import Mapping
from pathlib import Path

from claims.catalogues.catalogue import Catalogue
from claims.catalogues.loading import LoadedCatalogue, load_catalogue


def a_folder(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files of a catalogue."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def loaded(folder: Path, files: Mapping[str, str | bytes]) -> LoadedCatalogue:
    """Write and load a catalogue."""
    return load_catalogue(a_folder(folder, files))


def a_catalogue(folder: Path, files: Mapping[str, str | bytes]) -> Catalogue:
    """Write and load a catalogue in which nothing is wrong."""
    found = loaded(folder, files)
    assert found.problems == ()
    return found.catalogue


def problems(found: LoadedCatalogue) -> list[tuple[str, int | None, str | None]]:
    """Return code, row and column of what is wrong."""
    return [(problem.code, problem.row, problem.column) for problem in found.problems]
