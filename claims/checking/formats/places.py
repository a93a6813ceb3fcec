"""Where a finding sits, in words, of a finding as a JSON object."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def words(language: str) -> Mapping[str, str]:
    """Return the words around a report's own, in ``vi`` or ``en``."""
    text = (resources.files(__package__ or "") / "words.toml").read_text("utf-8")
    return {str(key): str(word) for key, word in tomllib.loads(text)[language].items()}


def place_of(finding: Mapping[str, Any], language: str) -> str:
    """Say where a finding sits: claim, table, row as its STT has it, field, line and column."""
    word = words(language)
    row = finding["stt"] if finding["row"] and finding.get("stt") else finding["row"]
    line, column = finding["line"], finding["column"]
    if line is None:
        line, column = finding["envelope_line"], finding.get("envelope_column")
    parts = (
        f"#{finding['claim']}" if (finding["claim"] or 0) > 1 else "",
        finding["table"] or "",
        word["row"].format(row=row) if row else "",
        finding["field"] or "",
        word["line"].format(line=f"{line}:{column}" if column else line) if line else "",
    )
    return " ".join(part for part in parts if part)
