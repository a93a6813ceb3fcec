"""Every rule's examples: what breaks it is found under its code and no other, what keeps it is not found."""

from datetime import UTC, datetime, time, timedelta

import pytest

from claims.checking.check import CheckTerms, Report, check_bundle
from claims.checking.rules.book import load_rules
from claims.checking.rules.rule import Example, Rule
from claims.checking.samples import load_sample, sample_names
from claims.checking.samples.surroundings import sample_catalogue, sample_more

RULES = load_rules().rules
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.code}-{number}")
    for rule in RULES.values()
    for number, example in enumerate(rule.examples, 1)
]


def _check(sample: str, changes: tuple[str, ...] = ()) -> Report:
    claim = load_sample(sample, changes)
    received_at = datetime.combine(claim.on + timedelta(days=1), time(3), UTC)
    terms = CheckTerms(catalogue=sample_catalogue(), more=sample_more())
    return check_bundle(claim.write(), at=received_at, terms=terms)


@pytest.mark.parametrize("sample", sample_names())
def test_a_sample_breaks_no_rule(sample: str) -> None:
    assert [(one.code, one.location) for one in _check(sample).findings if one.code in RULES] == []


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_breaks_a_rule_is_found_under_its_code_and_nothing_else_blocks(
    rule: Rule, example: Example
) -> None:
    findings = _check(example.sample, example.breaks).findings
    code = rule.found_as or rule.code

    assert code in {one.code for one in findings}
    assert {one.code for one in findings if one.is_blocking} <= {code}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_keeps_a_rule_is_not_found(rule: Rule, example: Example) -> None:
    findings = _check(example.sample, example.keeps).findings

    assert {one.code for one in findings} & {rule.code, rule.found_as} == set()
    assert [one.code for one in findings if one.is_blocking] == []
