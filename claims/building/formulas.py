"""The formulas of computed fields, in words: ``formulas.toml``, read once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Formula:
    """How a field is worked out.

    Attributes:
        expression: The formula, over the Decision's own names.
        vi: What it means, in Vietnamese.
        en: The same in English.
        clause: Where it is laid down.
    """

    expression: str
    vi: str
    en: str
    clause: str


@cache
def load_formulas() -> Mapping[str, Formula]:
    """Load every formula by its id."""
    text = (resources.files(__package__ or "") / "formulas.toml").read_text(encoding="utf-8")
    return {name: Formula(**words) for name, words in tomllib.loads(text).items()}
