"""Looking at the rules of a check: `claims rules list`, `claims rules show`, `claims rules test`."""

from pathlib import Path
from typing import Annotated

import typer

from claims.cli.output import AsJson, Exit, emit, say

rules = typer.Typer(help="The rules of a check: what there is, and a hospital's own.", no_args_is_help=True)

_Policy = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Severities changed by this installation (TOML).",
        envvar="CLAIMS_CHECK_POLICY",
        exists=True,
        dir_okay=False,
    ),
]
_OwnRules = Annotated[
    Path | None,
    typer.Option(
        "--own-rules",
        help="Folder of the hospital's own rules (TOML).",
        envvar="CLAIMS_RULES_FOLDER",
        exists=True,
        file_okay=False,
    ),
]


@rules.command("list")
def list_rules(
    policy: _Policy = None,
    own_rules: _OwnRules = None,
    facility: Annotated[
        str | None, typer.Option("--facility", help="Severities as they are for this facility.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", "--as-of", help="Severities as of this day.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List every rule with the severity it has here, and the rule set they make."""
    from claims.checking.clauses import in_languages
    from claims.checking.rules.book import load_rules
    from claims.cli.checks import CheckOptions, make_terms
    from claims.cli.explain import rule_to_json
    from claims.cli.trust import moment
    from claims.localtime import local_date

    now = moment(at)
    terms = make_terms(CheckOptions(at=now, policy=policy, own_rules=own_rules))
    weights = terms.policy.weights(facility, local_date(now))
    if as_json:
        emit({"rule_set": terms.rule_set.to_json()})
    for code, rule in {**load_rules().rules, **terms.own_rules.rules}.items():
        change = weights.change_of(rule.found_as or code)
        weight = rule.default_severity if change is None else change.severity
        severity = "off" if weight is None else weight.value
        if as_json:
            facts = {"code": code, "clause": dict(in_languages(rule.clause)), "category": rule.category.value}
            emit({**facts, **rule_to_json(rule), "effective_severity": severity})
        else:
            why = "" if change is None else f"  (since {change.on}, {change.by}: {change.why})"
            typer.echo(f"{code:40} {severity:8} {rule.confidence:8} {rule.group}  {rule.category}{why}")
    if not as_json:
        rule_set = terms.rule_set
        typer.echo(f"rule set {rule_set.name} {rule_set.version} (sha256 {rule_set.sha256})")
    return Exit.FINE


@rules.command("show")
def show_rule(
    code: Annotated[str, typer.Argument(help="A rule's code.", show_default=False)],
    language: Annotated[
        str, typer.Option("--language", "--lang", help="Language of sentences: vi or en.")
    ] = "vi",
    as_json: AsJson = False,
) -> int:
    """Show one rule: the same as `claims explain`."""
    from claims.cli.explain import explain

    return explain(code, language, as_json)


@rules.command("test")
def try_rules(
    folder: Annotated[Path, typer.Argument(help="Folder of the hospital's own rules.", show_default=False)],
    as_json: AsJson = False,
) -> int:
    """Read a hospital's own rules and try each on its examples.

    Exit code 1 if a rule makes no sense or does not keep an example.
    """
    from claims.checking.own.rules import load_own_rules
    from claims.checking.own.trying import try_examples

    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is no folder", param_hint="FOLDER")
    own = load_own_rules(folder)
    problems = list(try_examples(own))
    for code, problem in problems:
        say(f"{code}: {problem}")
        if as_json:
            emit({"code": code, "problem": problem})
    examples = sum(len(rule.examples) for rule in own.rules.values())
    say(f"{len(own.rules)} rule(s), {examples} example(s), {len(problems)} problem(s)")
    return Exit.BLOCKED if problems else Exit.FINE
