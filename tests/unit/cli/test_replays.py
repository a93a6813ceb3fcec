"""`claims replay`: what a plan is told as."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims.cli import replays
from claims.cli.submission_words import sentence
from claims.client import Document
from claims.exchange.replay import ItemOutcome, ReplayState


class Planning:
    """A service whose plans have these counts."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts

    def plan_replay(self, _where: Document) -> Document:
        return {"counts": {one.value: self.counts.get(one.value, 0) for one in ItemOutcome}, "sample": []}


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "would be replayed: 0"),
        ({"replayed": 7}, "would be replayed: 7"),
        (
            {"replayed": 7, "refused_acknowledged": 3, "skipped_erased": 1},
            "would be replayed: 7; would not: 3 that the gateway has, 1 that were erased",
        ),
        ({"refused_acknowledged": 3}, "would be replayed: 0; would not: 3 that the gateway has"),
    ],
)
def test_a_plan_tells_what_goes_again_from_what_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], counts: dict[str, int], told: str
) -> None:
    @contextmanager
    def open_api(_url: str | None, _key_file: Path | None, _language: str) -> Iterator[Planning]:
        yield Planning(**counts)

    monkeypatch.setattr(replays, "open_api", open_api)

    replays.plan(["state=failed"], language="en")

    assert capsys.readouterr().err.strip() == told


def test_all_that_a_replay_comes_to_has_words_in_both_languages() -> None:
    for code in [*ItemOutcome, *ReplayState]:
        known = "canceled_replay" if code is ReplayState.CANCELED else code.value
        vietnamese, english = (sentence(known, language, number=7) for language in ("vi", "en"))
        assert vietnamese != english
