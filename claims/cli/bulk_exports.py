"""Bulk exports: files of FHIR resources of one type each, read with those beside them in their folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claims.emr.formats import ReadingOptions
    from claims.emr.inputs import ReadEncounters
    from claims.emr.recognizing import Format


@dataclass(slots=True)
class BulkExports:
    """The inputs that are files of exports, kept until all have been seen.

    Attributes:
        is_alone: Whether there is one input only, beside which nothing can be.
    """

    is_alone: bool
    _folders: dict[Path, dict[Path, bytes]] = field(default_factory=dict)

    def take(self, path: Path, kind: Format | None, data: bytes) -> bool:
        """Keep an input if it is a file of an export; return whether it is."""
        from claims.emr.fhir.contents import has_one_type
        from claims.emr.recognizing import Format

        is_part = not self.is_alone and kind is Format.FHIR and has_one_type(data)
        if is_part:
            self._folders.setdefault(path.parent, {})[path] = data
        return is_part

    def read(self, options: ReadingOptions) -> Iterator[tuple[Path, int, ReadEncounters]]:
        """Read each export: its folder, or its only file, of how many files it is, and what is in it."""
        from claims.emr.fhir.reading import read_fhir_parts
        from claims.emr.formats import read_encounters
        from claims.emr.recognizing import Format

        for folder, parts in self._folders.items():
            if len(parts) == 1:
                ((path, data),) = parts.items()
                yield path, 1, read_encounters(data, Format.FHIR, options)
            else:
                named = {path.name: data for path, data in parts.items()}
                yield folder, len(parts), read_fhir_parts(named, options=options.fhir)
