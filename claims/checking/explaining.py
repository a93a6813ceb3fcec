"""What a code means: the rule that governs it, why it is asked, and what to do next.

Looked up when somebody reads a finding, never when it is found.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.format import depends_on_format
from claims.bundle.messages import LANGUAGES, find_message, load_messages, unfilled
from claims.checking.rules.book import load_rules
from claims.checking.rules.rule import Category, Confidence, Group
from claims.checking.signatures import find_code
from signing.verdict import Reason
from xsd.catalog import default_catalog
from xsd.faults import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claims.checking.rules.rule import Rule

_NEAREST: Final = 5
#: What the schema says of a field, and what families of rules do.
_OF_A_FIELD: Final = (
    FaultKind.REQUIRED.value,
    FaultKind.LENGTH.value,
    FaultKind.FORMAT.value,
    FaultKind.DUPLICATE.value,
    "absent",
    "code",
    "leading_zero",
    "unseen",
    "null",
)
_OF_A_TABLE: Final = ("ORDER", "STRUCTURE", "NO_ROWS", "FIELD.unknown")
_BUILT: Final = "BUILD."  # what was noted while a bundle was built; no check finds it


@dataclass(frozen=True, slots=True)
class Governing:
    """What governs findings of a code.

    Attributes:
        code: The rule's code, or the pattern of a family.
        rule: The rule itself; None for a family.
        category: What kind of fault it is.
        group: Which point of Circular 12/2026, article 10.1, it falls under.
        confidence: How well it is known.
        clause: Where it is written.
        next: What the facility does next, by language.
    """

    code: str
    rule: Rule | None
    category: Category
    group: Group
    confidence: Confidence
    clause: str
    next: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about a code.

    Attributes:
        sentences: What a finding of it says, by language, with the names of its facts in braces.
        also: Other codes under which a breach of the same rule is found.
    """

    code: str
    governing: Governing
    sentences: Mapping[str, str]
    also: tuple[str, ...]


@lru_cache(maxsize=1024)
def find_governing(code: str) -> Governing:
    """Find what governs a code: the rule of that name, the one found by it, its field's rule, its family."""
    rules = load_rules().rules
    named = rules.get(code) or _found_as().get(code) or rules.get(code.rpartition(".")[0])
    family = _family(code)
    if named is None:
        return family
    return Governing(
        code=named.code,
        rule=named,
        category=named.category,
        group=named.group,
        confidence=named.confidence,
        clause=named.clause,
        next=_next_of(code) or _next_of(named.code) or family.next,
    )


_REASONS: Final = {reason.value.upper(): find_code(reason) for reason in Reason}


def explain(code: str) -> Explanation | None:
    """Explain a code, or a reason of the verifier's in capitals; None when there is none of that name."""
    code = _REASONS.get(code, code)
    rule = load_rules().rules.get(code)
    is_of_a_build = code.startswith(_BUILT) and code in load_messages()
    if rule is None and code not in known_codes() and not is_of_a_build:
        return None
    governing = find_governing(code)
    also = (governing.rule.found_as,) if governing.rule is not None and governing.rule.found_as else ()
    return Explanation(code, governing, _sentences(also[0] if also and rule else code), also)


def nearest_codes(code: str) -> Sequence[str]:
    """Return the codes most like one that is not there."""
    return difflib.get_close_matches(code.upper(), known_codes(), n=_NEAREST, cutoff=0.5)


@depends_on_format
@cache
def known_codes() -> Mapping[str, None]:
    """Return every code that a finding of a check can have, and every rule's, in order."""
    codes = {code for code in load_messages() if not code.startswith(("*", _BUILT, "OWN."))}
    codes.update(load_rules().rules)
    codes.update(rule.found_as for rule in load_rules().rules.values() if rule.found_as)
    for schema in default_catalog().schemas:
        table = "ENV" if schema.table == "ENVELOPE" else schema.table
        codes.update(f"{table}.{kind}" for kind in _OF_A_TABLE if table != "ENV")
        for field in schema.fields:
            codes.update(f"{table}.{field.name}.{kind}" for kind in _OF_A_FIELD)
    return dict.fromkeys(sorted(codes))


def _family(code: str) -> Governing:
    pattern, facts = next(each for each in _families().items() if fnmatchcase(code, each[0]))
    return Governing(
        code=pattern,
        rule=None,
        category=Category(facts["category"]),
        group=Group(facts["group"]),
        confidence=Confidence(facts["confidence"]),
        clause=facts["clause"],
        next=_next_of(code) or {language: facts[f"next_{language}"] for language in LANGUAGES},
    )


def _next_of(code: str) -> Mapping[str, str] | None:
    """Return what the sentences of exactly this code say to do next."""
    sentences = load_messages().get(code, {})
    found = {language: sentences.get(f"next_{language}") for language in LANGUAGES}
    return cast("Mapping[str, str]", found) if all(found.values()) else None


def _sentences(code: str) -> Mapping[str, str]:
    message = find_message(code)
    return {language: unfilled(message[language]) for language in LANGUAGES}


@cache
def _found_as() -> Mapping[str, Rule]:
    return {rule.found_as: rule for rule in reversed([*load_rules().rules.values()]) if rule.found_as}


@cache
def _families() -> Mapping[str, Mapping[str, str]]:
    text = (resources.files(__package__ or "") / "families.toml").read_text("utf-8")
    return cast("Mapping[str, Mapping[str, str]]", tomllib.loads(text))
