"""The rule book: all rules, read from the tables beside this module and tied to their functions.

A table ``NAME.toml`` holds the rules of one concern; functions they need are in ``NAME.py``. A rule::

    ["XMLn.CODE"]
    tables = ["XML1"]
    fields = ["NGAY_RA", "NGAY_VAO"]
    severity = "critical"
    category = "timing"            # see Category
    group = "k"                    # see Group
    confidence = "law"             # see Confidence
    clause = "Decision 3176/QD-BYT, XML1, NGAY_RA"
    valid_from = 2025-07-01        # optional; valid_to likewise: days of discharge
    needs = ["staff"]              # optional; see Need
    found_as = "XML1.MA_BN.required"   # only if an earlier stage finds it
    examples = [{ sample = "outpatient", breaks = ["XML1.NGAY_RA = 202609010700"], keeps = [] }]

and, unless a function is tied to the code or an earlier stage finds it, one of the forms of ``forms.py``.
Its sentences are in ``claims/bundle/sentences``.
"""

from __future__ import annotations

import hashlib
import importlib
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, cast

from claims.bundle.findings import Severity
from claims.bundle.kinds import TableKind
from claims.checking.needs import Need
from claims.checking.rules.forms import FORMS, WHEN, make_check
from claims.checking.rules.rule import Category, Confidence, Example, Group, Rule, find_check
from claims.errors import ClaimsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claims.checking.rules.rule import Check, Screen

_KNOWN: Final = FORMS | {
    WHEN,
    "tables",
    "fields",
    "severity",
    "category",
    "group",
    "confidence",
    "clause",
    "valid_from",
    "valid_to",
    "needs",
    "found_as",
    "examples",
}


class UnreadableRules(ClaimsError, ValueError):
    """A table of rules makes no sense.

    Attributes:
        code: The rule at fault.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, by code.

    Attributes:
        rules: The rules in the order of their tables.
        sha256: The digest of the tables: what tells one book from another.
    """

    rules: Mapping[str, Rule]
    sha256: str


@cache
def load_rules() -> RuleBook:
    """Load the rules of this package, once.

    Raises:
        UnreadableRules: A table makes no sense: an error of ours.
    """
    digest = hashlib.sha256()
    rules: dict[str, Rule] = {}
    folder = resources.files(__package__ or "")
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        concern = file.name.removesuffix(".toml")
        if folder.joinpath(f"{concern}.py").is_file():
            importlib.import_module(f"{__package__}.{concern}")
        data = file.read_bytes()
        digest.update(data)
        for code, facts in tomllib.loads(data.decode("utf-8")).items():
            if code in rules:
                raise UnreadableRules(code, "is there twice")
            rules[code] = read_rule(code, facts)
    return RuleBook(rules, digest.hexdigest())


def read_rule(code: str, facts: Mapping[str, object]) -> Rule:
    """Read one rule.

    Raises:
        UnreadableRules: Something is missing, unknown or of the wrong kind.
    """
    unknown = facts.keys() - _KNOWN
    if unknown:
        raise UnreadableRules(code, f"{min(unknown)} is not known here")
    try:
        tables = tuple(TableKind(kind) for kind in _texts(facts["tables"]) if kind != "ENVELOPE")
        fields = _texts(facts["fields"])
        check, screens = _check_of(code, facts, tables, fields)
        return Rule(
            code=code,
            tables=tables,
            fields=fields,
            severity=Severity(cast("str", facts["severity"])),
            category=Category(cast("str", facts["category"])),
            group=Group(cast("str", facts["group"])),
            confidence=Confidence(cast("str", facts["confidence"])),
            clause=str(facts["clause"]),
            valid_from=_day(facts.get("valid_from")),
            valid_to=_day(facts.get("valid_to")),
            needs=frozenset(Need(need) for need in _texts(facts.get("needs", []))),
            screens=screens,
            check=check,
            found_as=str(facts.get("found_as", "")),
            examples=tuple(_example(each) for each in cast("Sequence[object]", facts.get("examples", []))),
        )
    except KeyError as error:
        raise UnreadableRules(code, f"{error.args[0]} is missing") from error
    except (TypeError, ValueError) as error:
        raise UnreadableRules(code, str(error)) from error


def _check_of(
    code: str, facts: Mapping[str, object], tables: Sequence[TableKind], fields: Sequence[str]
) -> tuple[Check | None, tuple[Screen, ...]]:
    forms = sorted(FORMS & facts.keys())
    own = find_check(code)
    ways = len(forms) + (own[0] is not None) + ("found_as" in facts)
    if ways != 1:
        raise ValueError(f"must be checked in one way, not in {ways}")
    if not forms:
        return own
    when = cast("Mapping[str, Sequence[str]]", facts.get(WHEN, {}))
    return make_check(forms[0], facts[forms[0]], tables[0], fields, when)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r} is not a list of texts")
    return tuple(value)


def _day(value: object) -> date | None:
    if value is None or type(value) is date:
        return value
    raise TypeError(f"{value!r} is not a day")


def _example(value: object) -> Example:
    facts = cast("Mapping[str, object]", value)
    if not isinstance(value, dict) or value.keys() != {"sample", "breaks", "keeps"}:
        raise TypeError("an example has sample, breaks and keeps")
    return Example(sample=str(facts["sample"]), breaks=_texts(facts["breaks"]), keeps=_texts(facts["keeps"]))
