"""Code systems under their one name: a message may say ``LN`` where a map says ``http://loinc.org``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


def name_system(system: str | None) -> str:
    """Return the one name of a code system; one that nobody knows keeps its own, none is empty."""
    given = (system or "").strip()
    return _names().get(given.casefold().rstrip("/"), given)


def is_public(system: str) -> bool:
    """Whether a system, under its one name, is a public one rather than a facility's own."""
    return system in _systems()


@cache
def _systems() -> Mapping[str, tuple[str, ...]]:
    text = (resources.files(__package__ or "") / "systems.toml").read_text(encoding="utf-8")
    return {system: tuple(aliases) for system, aliases in tomllib.loads(text).items()}


@cache
def _names() -> Mapping[str, str]:
    return {
        alias.casefold().rstrip("/"): system
        for system, aliases in _systems().items()
        for alias in (system, *aliases)
    }
