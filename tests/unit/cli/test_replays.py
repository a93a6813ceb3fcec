"""`claims replay`: what a plan is told as."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import typer

from claims.cli import replays
from claims.cli.submission_words import sentence, state_of
from claims.client import ApiUnreachable, Document
from claims.exchange.replay import ItemOutcome, ReplayState


class Planning:
    """A service whose plans have these counts."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.sample: list[Document] = []

    def plan_replay(self, _where: Document) -> Document:
        counts = {one.value: self.counts.get(one.value, 0) for one in ItemOutcome}
        return {"counts": counts, "sample": self.sample}


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "nothing matches the conditions"),
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


def test_a_sample_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Planning(replayed=1, refused_acknowledged=1)
    service.sample = [
        {"submission_id": "sub_1", "state_before": "failed", "outcome": "replayed"},
        {"submission_id": "sub_2", "state_before": "acknowledged", "outcome": "refused_acknowledged"},
        {"submission_id": "sub_3", "state_before": "later", "outcome": "skipped_later"},
    ]
    monkeypatch.setattr(replays, "open_api", lambda *_: nullcontext(service))

    replays.plan(["cause=gateway.timeout"])

    assert capsys.readouterr().err.splitlines()[1:] == [
        f"  sub_1: {state_of('failed', 'vi')} → sẽ gửi lại",
        f"  sub_2: {state_of('acknowledged', 'vi')} → cổng đã nhận",
        "  sub_3: later → skipped_later",
    ]


def test_results_that_cannot_be_had_take_no_other_files_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class CutOff:
        """A service that is gone after its first item."""

        def replay(self, _replay_id: str) -> Document:
            return {}

        def replay_items(self, _replay_id: str) -> Iterator[Document]:
            yield {"submission_id": "sub_1", "outcome": "replayed"}
            raise ApiUnreachable("https://claims.example.vn", "cut off")

    monkeypatch.setattr(replays, "open_api", lambda *_: nullcontext(CutOff()))
    file = tmp_path / "results.csv"
    file.write_text("of yesterday", "utf-8")

    with pytest.raises(typer.Exit):
        replays.results("rpl_1", output=file)

    assert file.read_text("utf-8") == "of yesterday"


def test_all_that_a_replay_comes_to_has_words_in_both_languages() -> None:
    for code in [*ItemOutcome, *ReplayState]:
        known = "canceled_replay" if code is ReplayState.CANCELED else code.value
        vietnamese, english = (sentence(known, language, number=7) for language in ("vi", "en"))
        assert vietnamese != english
