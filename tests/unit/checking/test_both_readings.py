"""What a check finds does not depend on whether a table was read by its usual form or off its tree."""

import random
import re
from datetime import UTC, datetime, time
from typing import Final

import pybase64
import pytest

from claims.bundle import envelope
from claims.bundle.envelope import UsualTable, read_bundle
from claims.checking.check import CheckTerms, Report, check_bundle
from claims.checking.rules.book import load_rules
from claims.checking.samples import load_sample, sample_names
from claims.checking.samples.checked import findings_of
from claims.checking.samples.surroundings import sample_catalogue, sample_more
from signing.canonical import parse

_CONTENT: Final = re.compile(rb"(?<=<NOIDUNGFILE>)[^<]+")
_EDITS: Final = (
    b"<", b">", b"/", b"&", b"&amp;", b"\n", b"\n  ", b"\r", b" ", b"\t", b"0", b"9", b".", b";", b"\xc2\xa0",
    b"\xcc\x81", b"\xe2\x80\x8b", b"Nguye\xc3\xa3n", b"\xc3", b"\x00", b"<STT>1</STT>", b"<A/>", b"<!-- -->",
)  # fmt: skip


@pytest.fixture
def no_usual_form(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have every table read off its tree, until this is undone."""
    monkeypatch.setattr(envelope, "_read_as_usual", lambda *_: None)
    return monkeypatch


def _check(data: bytes) -> Report:
    terms = CheckTerms(catalogue=sample_catalogue(), more=sample_more())
    return check_bundle(data, at=datetime.combine(load_sample("outpatient").on, time(3), UTC), terms=terms)


def _said(report: Report) -> object:
    stages = [(stage.name, stage.outcome, stage.ran, stage.left_out) for stage in report.stages]
    return report.findings, report.claims, report.marks, stages


@pytest.mark.slow
def test_every_example_of_every_rule(no_usual_form: pytest.MonkeyPatch) -> None:
    examples = [
        load_sample(example.sample, changes)
        for rule in load_rules().rules.values()
        for example in rule.examples
        for changes in (example.breaks, example.keeps)
    ]
    off_trees = list(map(findings_of, examples))
    no_usual_form.undo()

    assert list(map(findings_of, examples)) == off_trees


@pytest.mark.parametrize("sample", [name for name in sample_names() if name != "check_in"])
def test_tables_with_an_edit(sample: str, no_usual_form: pytest.MonkeyPatch) -> None:
    choice = random.Random(sample)
    written = load_sample(sample).write()
    contents = list(_CONTENT.finditer(written))
    edited = []
    for _ in range(12):
        place = choice.choice(contents)
        table = pybase64.b64decode(place[0])
        values = [found.end() for found in re.finditer(rb"<[A-Z_]+>", table)]
        at = choice.choice([choice.choice(values), choice.randrange(len(table))])
        table = table[:at] + choice.choice(_EDITS) + table[at + choice.choice([0, 0, 1, 5]) :]
        edited.append(written[: place.start()] + pybase64.b64encode(table) + written[place.end() :])
    off_trees = [_said(_check(data)) for data in edited]
    no_usual_form.undo()

    assert [_said(_check(data)) for data in edited] == off_trees


@pytest.mark.parametrize("sample", [name for name in sample_names() if name != "check_in"])
def test_what_a_builder_writes_has_the_usual_form(sample: str) -> None:
    (claim,) = read_bundle(parse(load_sample(sample).write()), as_usual=True).claims

    assert [str(table.kind) for table in claim.tables if not isinstance(table.source, UsualTable)] == []
