"""`claims replay`: what a plan is told as."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims.cli import replays
from claims.client import Document
from claims.exchange.replay import ItemOutcome


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
    def open_api(_url: str | None, _key_file: Path | None) -> Iterator[Planning]:
        yield Planning(**counts)

    monkeypatch.setattr(replays, "open_api", open_api)

    replays.plan(["state=failed"])

    assert capsys.readouterr().err.strip() == told
