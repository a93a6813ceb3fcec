"""Inputs that are parts of something: files of a FHIR bulk export, and pages of a search.

Files of an export hold resources of one type each and are read with those beside them in their folder. Pages
name each other, wherever they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from claims.cli.inputs import MAX_EXPORT_BYTES, read_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claims.emr.fhir.pages import Links
    from claims.emr.formats import ReadingOptions
    from claims.emr.inputs import ReadEncounters
    from claims.emr.recognizing import Format


@dataclass(slots=True)
class Parts:
    """The inputs that are parts, kept until all inputs have been seen.

    Attributes:
        is_alone: Whether there is one input only, which is part of nothing.
    """

    is_alone: bool
    _folders: dict[Path, dict[Path, bytes]] = field(default_factory=dict)
    _pages: dict[Path, Links] = field(default_factory=dict)

    def take(self, path: Path, kind: Format | None, data: bytes) -> bool:
        """Keep an input if it is a part, or may be one; return whether it is kept."""
        from claims.emr.fhir.contents import has_one_type
        from claims.emr.fhir.pages import links_of
        from claims.emr.recognizing import Format

        if self.is_alone or kind is not Format.FHIR:
            return False
        if has_one_type(data):
            self._folders.setdefault(path.parent, {})[path] = data
            return True
        links = links_of(data)
        # Any answer to a search may be its last page. What it says of others is kept, and not the page.
        is_page = links.has_any and path.is_file()
        if is_page:
            self._pages[path] = links
        return is_page

    def read(self, options: ReadingOptions) -> Iterator[tuple[Path, int, ReadEncounters]]:
        """Read each export and search: its folder or first file, how many files it has, and what is in it."""
        from claims.emr.fhir.pages import find_searches
        from claims.emr.fhir.reading import read_fhir_pages, read_fhir_parts
        from claims.emr.formats import read_encounters
        from claims.emr.recognizing import Format

        for folder, parts in self._folders.items():
            if len(parts) == 1:
                ((path, data),) = parts.items()
                yield path, 1, read_encounters(data, Format.FHIR, options)
            else:
                named = {path.name: data for path, data in parts.items()}
                yield folder, len(parts), read_fhir_parts(named, options=options.fhir)
        for search in find_searches(self._pages):
            pages = {path: read_input(path, most=MAX_EXPORT_BYTES) for path in search.pages}
            first = search.pages[0]
            if len(pages) == 1:
                yield first, 1, read_encounters(pages[first], Format.FHIR, options)
            else:
                named = {str(path): data for path, data in pages.items()}
                yield first, len(pages), read_fhir_pages(named, options=options.fhir)
