"""The stand-in's journal keeps what it said it would, whatever happens to the process or the disk."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claims.gateway.mock.journal import Entry, Event, Journal

ENTRY = Entry(Event.ACCEPTED, "2026-01-02T03:04:05+00:00", "01001", "ab" * 32, ("K",), "1000000001")


@contextmanager
def journal_in(folder: Path) -> Iterator[Journal]:
    journal = Journal(folder)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """Make the disk look full beyond this file size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_entries_and_bodies_come_back_as_they_were_written(tmp_path: Path) -> None:
    async def write(journal: Journal) -> list[Entry]:
        return await asyncio.gather(*(journal.append(ENTRY, b"body %d" % n) for n in range(50)))

    with journal_in(tmp_path) as journal:
        written = asyncio.run(write(journal))

    with journal_in(tmp_path) as journal:
        assert list(journal) == written
        assert [journal.read_body(entry) for entry in written] == [b"body %d" % n for n in range(50)]


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(b'{"event":"acc', id="half-a-line"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(b'{"event":"accepted","at":"2026"}', id="no-line-end"),
    ],
)
def test_a_torn_end_is_cut_off_and_writing_goes_on_behind_the_last_whole_line(
    tmp_path: Path, torn: bytes
) -> None:
    with journal_in(tmp_path) as journal:
        asyncio.run(journal.append(ENTRY))
    with (tmp_path / "journal.jsonl").open("ab") as lines:
        lines.write(torn)

    with journal_in(tmp_path) as journal:
        assert list(journal) == [ENTRY]
        asyncio.run(journal.append(ENTRY))

    with journal_in(tmp_path) as journal:
        assert list(journal) == [ENTRY, ENTRY]


def test_a_full_disk_is_reported_and_leaves_no_trace(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        first = asyncio.run(journal.append(ENTRY, b"x" * 1000))
        with files_limited_to(1500), pytest.raises(OSError, match="File too large"):
            asyncio.run(journal.append(ENTRY, b"y" * 1000))

        third = asyncio.run(journal.append(ENTRY, b"z" * 1000))

        assert list(journal) == [first, third]
        assert journal.read_body(third) == b"z" * 1000
