"""Every rule's examples: what breaks it is found under its code and no other, what keeps it is not found."""

import pytest

from claims.bundle.findings import Finding
from claims.checking.rules.book import load_rules
from claims.checking.rules.rule import Example, Rule
from claims.checking.samples import load_sample, sample_names
from claims.checking.samples.checked import findings_of

RULES = load_rules().rules
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.code}-{number}")
    for rule in RULES.values()
    for number, example in enumerate(rule.examples, 1)
]


def _check(sample: str, changes: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    return findings_of(load_sample(sample, changes))


@pytest.mark.parametrize("sample", [*sample_names(), "check_in"])
def test_a_sample_breaks_no_rule(sample: str) -> None:
    assert [(one.code, one.location) for one in _check(sample) if one.code in RULES] == []


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_breaks_a_rule_is_found_under_its_code_and_nothing_else_blocks(
    rule: Rule, example: Example
) -> None:
    findings = _check(example.sample, example.breaks)
    code = rule.found_as or rule.code

    assert code in {one.code for one in findings}
    assert {one.code for one in findings if one.is_blocking} <= {code}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_keeps_a_rule_is_not_found(rule: Rule, example: Example) -> None:
    findings = _check(example.sample, example.keeps)

    assert {one.code for one in findings} & {rule.code, rule.found_as} == set()
    assert [one.code for one in findings if one.is_blocking] == []
