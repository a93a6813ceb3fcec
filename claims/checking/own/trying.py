"""Trying a hospital's own rules on their examples: one that does not keep them is not used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claims.bundle.messages import describe
from claims.checking.own.rules import UnusableOwnRules, load_own_rules
from claims.checking.samples import UnreadableChange, load_sample
from claims.checking.samples.checked import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from claims.bundle.findings import Finding
    from claims.checking.own.rules import OwnRules
    from claims.checking.rules.rule import Example, Rule


def open_own_rules(folder: Path) -> OwnRules:
    """Read a folder of own rules and try their examples.

    Raises:
        UnusableOwnRules: A rule makes no sense or does not keep its examples, or the folder holds none.
    """
    own = load_own_rules(folder)
    for code, problem in try_examples(own):
        raise UnusableOwnRules(folder, code, problem)
    return own


def try_examples(own: OwnRules) -> Iterator[tuple[str, str]]:
    """Yield the code and the fault of each example that a rule does not keep."""
    for rule in own.rules.values():
        for number, example in enumerate(rule.examples, 1):
            for problem in _problems(rule, example, own):
                yield rule.code, f"example {number}: {problem}"


def _problems(rule: Rule, example: Example, own: OwnRules) -> Iterator[str]:
    try:
        broken, kept = (_found(rule, example.sample, way, own) for way in (example.breaks, example.keeps))
    except UnreadableChange as error:
        yield str(error)
        return
    for way, found in (("breaks", broken), ("keeps", kept)):
        unanswered = next((one for one in found if one.code != rule.code), None)
        if unanswered is not None:
            yield f"{way}: {describe(unanswered, 'en')}"
    if rule.code not in {one.code for one in broken}:
        yield "breaks: the rule finds nothing"
    if rule.code in {one.code for one in kept}:
        yield "keeps: the rule finds a fault"


def _found(rule: Rule, sample: str, changes: tuple[str, ...], own: OwnRules) -> list[Finding]:
    findings = findings_of(load_sample(sample, changes), own=own, only=frozenset({rule.code}))
    return [one for one in findings if one.code.startswith(rule.code)]
