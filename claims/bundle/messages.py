"""Sentences for findings, by code and language: the files in ``sentences/``, read once.

A code without an entry of its own takes that of its family, which is its last part:
``XML2.SO_LUONG.format`` reads as ``*.format``. A hospital's own rule (``OWN.…``) has its sentences among its
findings' parameters.
"""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from claims.bundle.format import depends_on_format
from xsd.catalog import default_catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claims.bundle.findings import Finding

LANGUAGES: Final = ("vi", "en")
_OWN: Final = "OWN.*"


def describe(finding: Finding, language: str) -> str:
    """Say in one language (``vi`` or ``en``) what a finding means.

    A fact that reads otherwise in each language comes as several: ``{meaning}`` from ``meaning_vi`` and
    ``meaning_en``.

    Raises:
        KeyError: The language is not one of the two, or the code has no sentence: an error of ours.
    """
    facts, ending = _Facts(finding.params), f"_{language}"
    facts.update({name.removesuffix(ending): fact for name, fact in finding.params if name.endswith(ending)})
    facts["field"] = _label(finding, language)
    facts["table"] = finding.location.table or ""
    return find_message(finding.code)[language].format_map(facts)


def finding_to_json(finding: Finding) -> dict[str, object]:
    """Return a finding as a JSON object, with its sentence in every language.

    ``source`` says where in the input it lies, for a finding about something that was built.
    """
    where, facts = finding.location, dict(finding.params)
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "claim": where.claim,
        "table": where.table,
        "row": where.row,
        "field": where.field,
        "line": where.line,
        "column": where.column,
        "envelope_line": where.envelope_line,
        **({"source": facts["source"]} if "source" in facts else {}),
        "message": {language: describe(finding, language) for language in LANGUAGES},
    }


def find_message(code: str) -> Mapping[str, str]:
    """Find the sentences of a code, or of its family.

    Raises:
        KeyError: There are none.
    """
    messages = load_messages()
    if code.startswith(_OWN.rstrip("*")) and code.count(".") == 1:
        return messages[_OWN]
    return messages.get(code) or messages["*." + code.rpartition(".")[2]]


@cache
def load_messages() -> Mapping[str, Mapping[str, str]]:
    """Load every sentence."""
    files = (resources.files(__package__ or "") / "sentences").iterdir()
    texts = [file.read_text(encoding="utf-8") for file in files if file.name.endswith(".toml")]
    return {code: sentences for text in texts for code, sentences in tomllib.loads(text).items()}


class _Facts(dict[str, str]):
    """A finding's parameters; one that a sentence asks for and the finding lacks reads as a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


def _label(finding: Finding, language: str) -> str:
    """Return a field's name with what people call it."""
    name = finding.location.field or ""
    label = _labels(finding.location.table or "ENVELOPE", name).get(language)
    return f"{name} ({label})" if label else name


@depends_on_format
@lru_cache(maxsize=4096)
def _labels(table: str, name: str) -> Mapping[str, str]:
    """Return what people call a field, by the latest edition that has it."""
    for schema in reversed(default_catalog().schemas):
        if schema.table == table and (field := schema.field_by_name.get(name)) is not None:
            return {"vi": field.label_vi, "en": field.label_en}
    return {}
