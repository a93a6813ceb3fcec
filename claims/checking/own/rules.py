"""A folder of a hospital's own rules: TOML files, each rule with its facts, sentences and examples.

::

    ["OWN.DEAR_DRUG"]
    each = "XML2"                       # a row of this table; or "claim": the claim as a whole
    when = "row.DON_GIA > 5000000.0"    # what is a fault, in CEL (see `claims.checking.own.conditions`)
    fields = ["DON_GIA"]                # where it is found: the first of them
    severity = "warning"
    vi = "Thuốc có đơn giá trên 5 triệu đồng: cần hội chẩn."
    en = "A drug of more than 5 million dong: needs a consultation."
    next_vi = "Đính kèm biên bản hội chẩn."
    next_en = "Attach the minutes of the consultation."
    examples = [{ sample = "outpatient", breaks = ["XML2.DON_GIA = 6000000"], keeps = [] }]

``clause``, ``category``, ``group``, ``valid_from`` and ``valid_to`` may be added, as in a rule of the rule
book. The examples are run when the folder is read: a rule that does not keep them is refused.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.own.conditions import UnansweredCondition, UnusableCondition, compile_condition, kind_of
from claims.checking.rules.book import UnreadableRules, read_rule
from claims.checking.rules.rule import Hit
from claims.errors import ClaimsError
from xsd.catalog import default_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from claims.checking.known import Known
    from claims.checking.own.conditions import Condition
    from claims.checking.rules.rule import Rule
    from claims.checking.tables import CheckedClaim

MOST_RULES: Final = 200
_CODE: Final = re.compile(r"OWN\.[A-Z][A-Z0-9_]{0,59}", re.ASCII)
_SENTENCES: Final = ("vi", "en", "next_vi", "next_en")
_LONGEST: Final = 500
_OF_CLAIM: Final = "claim"
_DEFAULTS: Final = {
    "category": "consistency",
    "group": "i",
    "clause": "A rule of the facility's own",
    "fields": [],
    "examples": [],
}
_FAILED: Final = "failed"


class UnusableOwnRules(ClaimsError):
    """A folder of own rules cannot be used.

    Attributes:
        path: The file, or the folder.
        code: The rule at fault; empty when it is none.
        detail: What is wrong.
    """

    def __init__(self, path: Path, code: str, detail: str) -> None:
        super().__init__(f"{path}: {code}: {detail}" if code else f"{path}: {detail}")
        self.path = path
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True, eq=False)
class OwnRules:
    """A hospital's own rules.

    Attributes:
        rules: The rules, by code.
        sha256: The digest over the files they were read from; empty when there are none.
    """

    rules: Mapping[str, Rule]
    sha256: str


NO_OWN_RULES: Final = OwnRules({}, "")


def load_own_rules(folder: Path) -> OwnRules:
    """Read the rules of a folder's ``*.toml`` files, without running their examples.

    Raises:
        UnusableOwnRules: A rule makes no sense, or the folder holds none.
    """
    rules: dict[str, Rule] = {}
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        data = _read(path)
        digest.update(f"{path.name}\0{len(data)}\0".encode())
        digest.update(data)
        for code, facts in _tables(path, data).items():
            if code in rules:
                raise UnusableOwnRules(path, code, "is there twice")
            rules[code] = _read_rule(path, code, facts)
    if not rules:
        raise UnusableOwnRules(folder, "", "holds no rules (*.toml)")
    if len(rules) > MOST_RULES:
        raise UnusableOwnRules(folder, "", f"holds {len(rules)} rules; at most {MOST_RULES} are taken")
    return OwnRules(rules, digest.hexdigest())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnusableOwnRules(path, "", error.strerror or str(error)) from error


def _tables(path: Path, data: bytes) -> Mapping[str, Mapping[str, object]]:
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise UnusableOwnRules(path, "", str(error)) from error
    for code, facts in tables.items():
        if not _CODE.fullmatch(code):
            raise UnusableOwnRules(
                path, code, 'a code is "OWN." and capital letters, digits and _, in quotes'
            )
        if not isinstance(facts, dict):
            raise UnusableOwnRules(path, code, "is not a table of facts")
    return tables


def _read_rule(path: Path, code: str, facts: Mapping[str, object]) -> Rule:
    about, condition = _condition(path, code, facts)
    sentences = _read_sentences(path, code, facts)
    if not facts.get("examples"):
        raise UnusableOwnRules(path, code, "examples are missing: at least one, with breaks and keeps")
    plain = {key: value for key, value in facts.items() if key not in {"each", "when", *_SENTENCES}}
    plain = {**_DEFAULTS, **plain, "confidence": "own", "found_as": code}
    plain["tables"] = [str(about)] if about is not None else list(map(str, condition.tables))
    try:
        read = read_rule(code, plain)
    except UnreadableRules as error:
        raise UnusableOwnRules(path, code, str(error).removeprefix(f"{code}: ")) from error
    _refuse_unknown_fields(path, read, about)
    return replace(read, found_as="", check=_OwnCheck(condition, read.fields[:1], sentences))


def _condition(path: Path, code: str, facts: Mapping[str, object]) -> tuple[TableKind | None, Condition]:
    each, when = facts.get("each"), facts.get("when")
    if not isinstance(when, str) or not when.strip():
        raise UnusableOwnRules(path, code, "when is missing: the condition that is a fault")
    if not isinstance(each, str) or (each != _OF_CLAIM and each not in TableKind.__members__):
        raise UnusableOwnRules(path, code, 'each is missing: "claim", or a table such as "XML3"')
    about = None if each == _OF_CLAIM else TableKind(each)
    try:
        return about, compile_condition(when.strip(), about=about, fields=_known_fields())
    except UnusableCondition as error:
        raise UnusableOwnRules(path, code, f"when: {error}") from error


def _known_fields() -> Mapping[str, None]:
    schemas = default_catalog().schemas
    tables = (schema for schema in schemas if schema.table in TableKind.__members__)
    return {field.name: None for schema in tables for field in schema.fields}


def _read_sentences(path: Path, code: str, facts: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    for key in _SENTENCES:
        text = facts.get(key)
        if not isinstance(text, str) or not text.strip():
            raise UnusableOwnRules(path, code, f"{key} is missing")
        if len(text) > _LONGEST:
            raise UnusableOwnRules(path, code, f"{key} is longer than {_LONGEST} characters")
    return tuple((key, str(facts[key]).strip()) for key in _SENTENCES)


def _refuse_unknown_fields(path: Path, rule: Rule, about: TableKind | None) -> None:
    table = about or TableKind.XML1
    schemas = [schema for schema in default_catalog().schemas if schema.table == table]
    for name in rule.fields:
        if not any(name in schema.field_by_name for schema in schemas):
            raise UnusableOwnRules(path, rule.code, f"{table} has no field {name}")


@dataclass(frozen=True, slots=True)
class _OwnCheck:
    """How a hospital's own rule is checked: what it cannot answer is said, and never raised."""

    condition: Condition
    fields: tuple[str, ...]
    sentences: tuple[tuple[str, str], ...]

    def __call__(self, claim: CheckedClaim, _: Known) -> Iterator[Hit]:
        field = self.fields[0] if self.fields else None
        try:
            for row in self.condition.faults(claim):
                place = row or (claim.summary_row if field else None)
                yield Hit(place, field if place else None, self.sentences)
        except UnansweredCondition as error:
            yield Hit(params=tuple(self._facts(error, claim)), instead=_FAILED)

    def _facts(self, error: UnansweredCondition, claim: CheckedClaim) -> Iterator[tuple[str, str]]:
        """Say what was asked, and as what each field of it came: to mix these up is the usual fault."""
        yield "unanswered", error.code
        yield "when", self.condition.text
        kinds: dict[str, set[str]] = {}
        for table in claim.tables.values():
            for name in self.condition.fields & table.schema.field_by_name.keys():
                kinds.setdefault(kind_of(table.schema.field_by_name[name]), set()).add(name)
        for kind, names in sorted(kinds.items()):
            yield kind, ", ".join(sorted(names))
