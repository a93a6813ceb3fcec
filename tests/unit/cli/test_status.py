"""`claims status`: what is told of a submission."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims.cli import submissions
from claims.client import Document


class Holding:
    """A service that holds one submission."""

    def __init__(self, **facts: str | None) -> None:
        self.facts: dict[str, str | None] = {"receipt": None, "cause": None, "next_attempt_at": None, **facts}

    def submission(self, submission_id: str) -> Document:
        return {"id": submission_id, **self.facts}

    def events(self, _submission_id: str) -> list[Document]:
        return []


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        pytest.param(
            {"state": "checked", "cause": "gateway.maintenance", "next_attempt_at": "2026-12-02T04:00:00Z"},
            ["sub_1: checked", "waits (gateway.maintenance); tried again at 2026-12-02T04:00:00Z"],
            id="put-off",
        ),
        pytest.param(
            {"state": "checked", "next_attempt_at": "2026-12-02T04:00:00Z"},
            ["sub_1: checked"],
            id="on-its-way",
        ),
        pytest.param({"state": "failed", "cause": "gateway.timeout"}, ["sub_1: failed"], id="at-rest"),
        pytest.param(
            {"state": "acknowledged", "receipt": "GD1"}, ["sub_1: acknowledged, receipt GD1"], id="taken"
        ),
    ],
)
def test_why_a_submission_waits_and_until_when_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    facts: dict[str, str | None],
    told: list[str],
) -> None:
    @contextmanager
    def open_api(_url: str | None, _key_file: Path | None, _language: str) -> Iterator[Holding]:
        yield Holding(**facts)

    monkeypatch.setattr(submissions, "open_api", open_api)

    submissions.status(["sub_1"], language="en")

    assert [line.strip() for line in capsys.readouterr().err.splitlines()] == told
