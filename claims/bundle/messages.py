"""Sentences for findings, by code and language: the files in ``sentences/``, read once.

A code without an entry of its own takes that of its family, which is its last part:
``XML2.SO_LUONG.format`` reads as ``*.format``. A hospital's own rule (``OWN.…``) has its sentences among its
findings' parameters. Where English counts, ``{rows:row|rows}`` reads ``1 row`` or ``3 rows``.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from claims.bundle.format import depends_on_format
from xsd.catalog import default_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from claims.bundle.findings import Finding

LANGUAGES: Final = ("vi", "en")
_OWN: Final = "OWN."
_COUNTED: Final = re.compile(r"(\{\w+):[^|{}]*\|([^|{}]*)\}")


def describe(finding: Finding, language: str) -> str:
    """Say in one language (``vi`` or ``en``) what a finding means.

    A fact that reads otherwise in each language comes as several: ``{meaning}`` from ``meaning_vi`` and
    ``meaning_en``; or it is a code that ``words_of_facts.toml`` knows.

    Raises:
        KeyError: The language is not one of the two, or the code has no sentence: an error of ours.
    """
    facts, ending = _Facts(_in_words(finding.params, language)), f"_{language}"
    facts.update({name.removesuffix(ending): fact for name, fact in finding.params if name.endswith(ending)})
    facts["table"] = finding.location.table or ""
    facts["field"] = _label(finding, language) or facts["table"]
    sentence = find_message(finding.code)[language].format_map(facts)
    return sentence if facts["field"] else sentence.removeprefix(": ")


def describe_code(code: str, language: str) -> str:
    """Say what every finding of a code means; what differs from one to the next stays open.

    Raises:
        KeyError: As from :func:`describe`.
    """
    table, _, rest = code.partition(".")
    field = rest.partition(".")[0] if "." in rest else ""
    label = _labelled("ENVELOPE" if table == "ENV" else table, field, language)
    facts = _OpenFacts({"table": table, **({"field": label} if label else {})})
    return find_message(code)[language].format_map(facts)


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


def unfilled(sentence: str) -> str:
    """Return a sentence as people read it whose facts are not known: ``{rows} rows``."""
    return _COUNTED.sub(r"\1} \2", sentence)


def find_message(code: str) -> Mapping[str, str]:
    """Find the sentences of a code, or of its family.

    Raises:
        KeyError: There are none.
    """
    messages, last = load_messages(), code.rpartition(".")[2]
    if code.startswith(_OWN):
        return messages[f"{_OWN}*" if code.count(".") == 1 else f"{_OWN}*.{last}"]
    return messages.get(code) or messages[f"*.{last}"]


@cache
def load_messages() -> Mapping[str, Mapping[str, str]]:
    """Load every sentence."""
    files = (resources.files(__package__ or "") / "sentences").iterdir()
    texts = [file.read_text(encoding="utf-8") for file in files if file.name.endswith(".toml")]
    return {code: sentences for text in texts for code, sentences in tomllib.loads(text).items()}


def _in_words(params: Iterable[tuple[str, str]], language: str) -> Iterator[tuple[str, str]]:
    """Put facts that are codes into words; a later Decision may have codes of its own."""
    words = _words()
    for name, fact in params:
        yield name, words.get(name, {}).get(fact, {}).get(language, fact)


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Load the words of facts, by name and value."""
    file = resources.files(__package__ or "") / "words_of_facts.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


class _Fact(str):
    """A fact as a sentence shows it: ``{rows:row|rows}`` counts by it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, counts, many = spec.partition("|")
        return f"{self!s} {one if self == '1' else many}" if counts else super().__format__(spec)


class _Facts(dict[str, str]):
    """A finding's parameters; one that a sentence asks for and the finding lacks reads as a dash."""

    def __getitem__(self, key: str) -> str:
        return _Fact(self.get(key, "–"))


class _OpenFacts(_Facts):
    """What every finding of a code says alike; what differs stays open."""

    def __getitem__(self, key: str) -> str:
        return _Fact(self.get(key, "…"))


def _label(finding: Finding, language: str) -> str:
    """Return a field's name with what people call it."""
    return _labelled(finding.location.table or "ENVELOPE", finding.location.field or "", language)


def _labelled(table: str, name: str, language: str) -> str:
    label = _labels(table, name).get(language)
    return f"{name} ({label})" if label else name


@depends_on_format
@lru_cache(maxsize=4096)
def _labels(table: str, name: str) -> Mapping[str, str]:
    """Return what people call a field, by the latest edition that has it."""
    for schema in reversed(default_catalog().schemas):
        if schema.table == table and (field := schema.field_by_name.get(name)) is not None:
            return {"vi": field.label_vi, "en": field.label_en}
    return {}
