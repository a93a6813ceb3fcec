"""Where results go: a file is replaced as a whole, what is no file keeps its place; words go as they are."""

import os
import stat
from pathlib import Path

import pytest

from claims.cli.inputs import write_whole
from claims.cli.output import say


def test_a_file_gets_a_result_and_no_draft_is_left(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "report.html", b"whole")

    assert [(one.name, one.read_bytes()) for one in (tmp_path / "new").iterdir()] == [
        ("report.html", b"whole")
    ]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    link, target = tmp_path / "latest.html", tmp_path / "2026" / "report.html"
    link.symlink_to(target)

    write_whole(link, b"whole")

    assert link.is_symlink()
    assert target.read_bytes() == b"whole"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_whole(pipe, b"whole")

    assert os.read(reader, 100) == b"whole"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


def test_what_is_said_is_said_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("no file :x:.xml [bold]")

    assert capsys.readouterr().err == "no file :x:.xml [bold]\n"
