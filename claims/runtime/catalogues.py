"""The facilities' catalogues that the service uses: one folder a facility, in a folder."""

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from claims.catalogues.catalogue import Catalogue
from claims.catalogues.loading import catalogue_files, load_catalogue
from claims.catalogues.problems import Weight
from claims.exchange.submission import FacilityCode

log = structlog.get_logger()

_FACILITY = re.compile(r"[0-9A-Z]{5}")

_Stamp = tuple[tuple[str, int, int], ...]
"""Name, time of change and size of every file: another stamp means other content."""


@dataclass(frozen=True, slots=True)
class FolderOfCatalogues:
    """`claims.exchange.ports.Catalogues` over folders named by facility, read again when files change."""

    folder: Path | None
    _known: dict[str, tuple[_Stamp, Catalogue]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find(self, facility: FacilityCode) -> Catalogue | None:
        """Return the facility's catalogue as its files are now, or None when it has no folder."""
        if self.folder is None or not _FACILITY.fullmatch(facility):
            return None
        folder = self.folder / facility
        if not folder.is_dir():
            return None
        # One thread reads a changed catalogue; the others wait for it rather than build by the old one.
        with self._lock:
            stamp = _stamp(folder)
            known = self._known.get(facility)
            if known is None or known[0] != stamp:
                known = self._known[facility] = (stamp, _load(folder, facility))
            return known[1]


def _load(folder: Path, facility: str) -> Catalogue:
    loaded = load_catalogue(folder)
    log.info(
        "catalogue.loaded",
        facility=facility,
        version=loaded.catalogue.version,
        errors=sum(problem.weight is Weight.ERROR for problem in loaded.problems),
        warnings=sum(problem.weight is Weight.WARNING for problem in loaded.problems),
    )
    return loaded.catalogue


def _stamp(folder: Path) -> _Stamp:
    found = ((path, path.stat()) for path in catalogue_files(folder))
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in found)
