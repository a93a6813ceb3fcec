"""What a code means: `claims explain`."""

from collections import defaultdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from claims.cli.output import AsJson, Exit, emit, say

if TYPE_CHECKING:
    from claims.checking.explaining import Explanation
    from claims.checking.rules.rule import Rule

_FEW: Final = 4


def explain(
    code: Annotated[str, typer.Argument(help="A finding's or a rule's code.", show_default=False)],
    language: Annotated[
        str, typer.Option("--language", "--lang", help="Language of sentences: vi or en.")
    ] = "vi",
    as_json: AsJson = False,
) -> int:
    """Explain a code: what it says, why, since when, examples, and what to do next.

    Knows every rule, every family of codes (XML2.SO_LUONG.format), the codes of the envelope and of building,
    and the reasons of the signature's verifier. Exit code 2 and the nearest codes when there is none of that
    name.
    """
    from claims.checking.explaining import explain as explain_code
    from claims.checking.explaining import nearest_codes

    if language not in {"vi", "en"}:
        raise typer.BadParameter("vi or en", param_hint="--language")
    found = explain_code(code) or explain_code(code.upper())
    if found is None:
        near = ", ".join(nearest_codes(code))
        say(f"there is no code {code}" + (f"; nearest: {near}" if near else ""))
        return Exit.USAGE
    if as_json:
        emit(explanation_to_json(found))
    else:
        for line in _lines(found, language):
            typer.echo(line)
    return Exit.FINE


def explanation_to_json(found: "Explanation") -> dict[str, Any]:
    """Return an explanation as a JSON object."""
    from claims.checking.clauses import in_languages

    governing, rule = found.governing, found.governing.rule
    return {
        "code": found.code,
        "rule": governing.code,
        "category": governing.category.value,
        "group": governing.group.value,
        "confidence": governing.confidence.value,
        "clause": dict(in_languages(governing.clause)),
        "message": dict(found.sentences),
        "next": dict(governing.next),
        "found_as": list(found.also),
        **({} if rule is None else rule_to_json(rule)),
    }


def rule_to_json(rule: "Rule") -> dict[str, Any]:
    """Return the facts of a rule as a JSON object."""
    return {
        "tables": [str(kind) for kind in rule.tables],
        "fields": list(rule.fields),
        "severity": rule.severity.value,
        "default_severity": rule.default_severity.value,
        "valid_from": rule.valid_from and rule.valid_from.isoformat(),
        "valid_to": rule.valid_to and rule.valid_to.isoformat(),
        "needs": sorted(need.value for need in rule.needs),
        "stage": rule.stage.value,
        "examples": [
            {"sample": one.sample, "breaks": list(one.breaks), "keeps": list(one.keeps)}
            for one in rule.examples
        ],
    }


def _lines(found: "Explanation", language: str) -> list[str]:
    from claims.checking.clauses import in_languages

    governing, rule = found.governing, found.governing.rule
    lines = [
        found.code,
        f"  {_said(found, language)}",
        f"  → {governing.next[language]}",
        "",
        f"  rule        {governing.code}",
        f"  clause      {in_languages(governing.clause)[language]}",
        f"  category    {governing.category}  (group {governing.group} of Circular 12/2026, article 10)",
        f"  confidence  {governing.confidence}",
    ]
    return lines if rule is None else [*lines, *_rule_lines(rule)]


def _said(found: "Explanation", language: str) -> str:
    """Return the sentence with what every finding has in common; the rest stays open."""
    from claims.bundle.messages import describe_code

    rule = found.governing.rule
    if rule is None or rule.code != found.code:
        return describe_code(found.code, language)
    fields = ", ".join(rule.fields) if len(rule.fields) <= _FEW else "…"
    return found.sentences[language].format_map(defaultdict(lambda: "…", field=fields))


def _rule_lines(rule: "Rule") -> list[str]:
    severity = rule.default_severity.value
    if rule.severity is not rule.default_severity:
        severity += f" (by its source: {rule.severity}; it is not well enough known to block)"
    lines = [
        f"  severity    {severity}",
        f"  tables      {', '.join(map(str, rule.tables)) or 'envelope'}",
        f"  fields      {', '.join(rule.fields) or '–'}",
        f"  in force    {rule.valid_from or '…'} to {rule.valid_to or '…'} (day of discharge)",
        f"  stage       {rule.stage}",
    ]
    if rule.needs:
        lines.append(f"  needs       {', '.join(sorted(need.value for need in rule.needs))}")
    if rule.found_as:
        lines.append(f"  found as    {rule.found_as}")
    for example in rule.examples:
        lines.append(f"  example     sample {example.sample}")
        lines += (f"      breaks  {change}" for change in example.breaks)
        lines += (f"      keeps   {change}" for change in example.keeps)
    return lines
