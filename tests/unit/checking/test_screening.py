"""Rules that their screens leave out would have found nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from claims.bundle.findings import Severity
from claims.bundle.kinds import TableKind
from claims.checking.check import begin_check
from claims.checking.known import Known
from claims.checking.rules.book import load_rules
from claims.checking.rules.rule import Category, Confidence, Group, Rule, Screen
from claims.checking.samples import load_sample
from claims.checking.screening import Screening, screening_of

if TYPE_CHECKING:
    from claims.checking.tables import CheckedClaim

_RULES = [rule for rule in load_rules().rules.values() if rule.check is not None and not rule.needs]
_EXAMPLES = {
    (example.sample, example.breaks) for rule in load_rules().rules.values() for example in rule.examples
}


def _claim_of(name: str, changes: tuple[str, ...]) -> tuple[CheckedClaim, Known]:
    sample = load_sample(name, changes)
    at = datetime.combine(sample.on + timedelta(days=1), time(3), UTC)
    return begin_check(sample.write(), at=at).claims[0], Known(received_at=at, facility="79024")


def _rule(code: str, *screens: Screen) -> Rule:
    return Rule(
        code=code,
        tables=(),
        fields=(),
        severity=Severity.ERROR,
        category=Category.FORMAT,
        group=Group.SCOPE,
        confidence=Confidence.LAW,
        clause="",
        screens=screens,
    )


@pytest.mark.parametrize("table", sorted(TableKind))
def test_what_is_left_out_finds_nothing_in_any_example(table: TableKind) -> None:
    missed = []
    for name, changes in sorted(_EXAMPLES):
        if name == "check_in" or not any(change.startswith(f"{table}") for change in changes[:1]):
            continue
        claim, known = _claim_of(name, changes)
        rules = [rule for rule in _RULES if rule.is_in_force(claim.on)]
        asked = set(screening_of(tuple(rules)).rules_for(claim))
        left_out = ((rule.code, rule.check) for rule in rules if rule not in asked)
        missed += [
            (code, changes) for code, check in left_out if check is not None and any(check(claim, known))
        ]

    assert missed == []


def test_most_rules_are_not_asked_of_a_plain_claim() -> None:
    claim, _ = _claim_of("outpatient", ())

    assert len(screening_of(tuple(_RULES)).rules_for(claim)) < len(_RULES) / 2


def test_a_rule_is_asked_if_each_of_its_screens_sees_something_in_one_of_its_fields() -> None:
    claim, _ = _claim_of("outpatient", ("XML1.MA_NOI_DI = 79025", "XML1.GIAY_CHUYEN_TUYEN = "))
    slip = Screen((TableKind.XML13, TableKind.XML1), ("MA_NOI_DI", "GIAY_CHUYEN_TUYEN"))
    birth = Screen((TableKind.XML9,))
    rules = [_rule("both", slip, birth), _rule("always"), _rule("slip", slip), _rule("birth", birth)]

    asked = Screening(rules).rules_for(claim)

    assert [rule.code for rule in asked] == ["always", "slip"]


def test_values_that_were_seen_before_are_seen_again() -> None:
    claims = [
        _claim_of("outpatient", (f"XML1.MA_NOI_DI = {code}",))[0] for code in ("79025", "", "79025", "")
    ]
    screening = Screening([_rule("sender", Screen((TableKind.XML1,), ("MA_NOI_DI",)))])

    assert [len(screening.rules_for(claim)) for claim in claims] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("length", "looks"), [pytest.param(90, 1, id="codes"), pytest.param(900, 2, id="prose")]
)
def test_short_values_are_remembered_and_prose_is_not(length: int, looks: int) -> None:
    seen: list[str] = []
    screening = Screening([_rule("note", Screen((TableKind.XML1,), ("GHI_CHU",), seen.append))])

    for _ in range(2):
        screening.rules_for(_claim_of("outpatient", (f"XML1.GHI_CHU = {'a' * length}",))[0])

    assert seen == ["a" * length] * looks
