"""By which rules a report was made: a name, and a digest over all that a finding depends on.

Two reports with one digest were made by the same rules, severities, lists, Decisions and software, so that
for the same bytes and the same moment they say the same. A later version of this software may find more, or
less: its digest differs, and :attr:`RuleSet.parts` says in which part.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import claims
import claims.bundle
import claims.catalogues
import claims.checking
import signing
import xsd
from claims.bundle.format import depends_on_format, format_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType

_PACKAGES: Final[tuple[ModuleType, ...]] = (
    claims.bundle,
    claims.catalogues,
    claims.checking,
    signing,
    xsd,
)
_CODE_AND_DATA: Final = frozenset({".py", ".toml", ".csv", ".xsd"})
_DIGITS_SHOWN: Final = 12


@dataclass(frozen=True)
class RuleSet:
    """The rules, severities and lists of a check.

    Attributes:
        name: What the installation calls its policy.
        parts: What it is made of, each with its version or digest: ``software``, ``rules``, ``policy``,
            ``own_rules``, ``catalogue``, ``format``. A part that is not there is empty.
    """

    name: str
    parts: tuple[tuple[str, str], ...]

    @cached_property
    def sha256(self) -> str:
        """The digest over name and parts."""
        text = "".join(f"{key}\0{value}\0" for key, value in (("name", self.name), *self.parts))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def version(self) -> str:
        """The beginning of the digest, for people."""
        return self.sha256[:_DIGITS_SHOWN]

    def to_json(self) -> Mapping[str, object]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "version": self.version,
            "sha256": self.sha256,
            "program": claims.__version__,
            "parts": dict(self.parts),
        }


@depends_on_format
@lru_cache(maxsize=256)
def identify(name: str, *, rules: str, policy: str, own_rules: str, catalogue: str) -> RuleSet:
    """Return the identity of a rule set, made of the digests of its parts."""
    return RuleSet(
        name,
        (
            ("software", _software()),
            ("rules", rules),
            ("policy", policy),
            ("own_rules", own_rules),
            ("catalogue", catalogue),
            ("format", _format()),
        ),
    )


@cache
def _software() -> str:
    """Return a digest over the code and data that findings depend on."""
    files: list[tuple[str, Path]] = []
    for package in _PACKAGES:
        folder = Path(package.__path__[0])
        files += (
            (f"{package.__name__}/{path.relative_to(folder).as_posix()}", path) for path in _files(folder)
        )
    return _digest(files)


@depends_on_format
@cache
def _format() -> str:
    """Return a digest over the folders with later Decisions; empty when there are none."""
    folders = format_folders()
    files = ((path.relative_to(folder).as_posix(), path) for folder in folders for path in _files(folder))
    return _digest(files) if folders else ""


def _files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _CODE_AND_DATA and path.is_file())


def _digest(files: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in files:
        data = path.read_bytes()
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()
