"""Files are read whole, packed or not, and never into more memory than they are worth."""

import gzip
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from claims.cli.inputs import MAX_BYTES, TooLargeInput, expand, read_input

MB = 2**20
TEXT = random.Random(1).randbytes(50_000).hex().encode()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "input"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(TEXT, id="not-at-all"),
        pytest.param(gzip.compress(TEXT), id="whole"),
        pytest.param(gzip.compress(TEXT[:70_000]) + gzip.compress(TEXT[70_000:]), id="two-parts"),
        pytest.param(
            gzip.compress(TEXT[:5]) + gzip.compress(b"") + gzip.compress(TEXT[5:]), id="an-empty-part"
        ),
        pytest.param(gzip.compress(TEXT) + b"\0" * 50_000, id="filled-up"),
        pytest.param(
            gzip.compress(TEXT[:9]) + b"\0" * 50_000 + gzip.compress(TEXT[9:]), id="filled-up-between"
        ),
    ],
)
def test_a_packed_file_is_what_was_packed(packed: bytes, file: Callable[[bytes], Path]) -> None:
    assert read_input(file(packed)) == TEXT


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(gzip.compress(TEXT)[:-1], id="cut-off"),
        pytest.param(gzip.compress(TEXT) + b"junk", id="junk-behind"),
        pytest.param(gzip.compress(TEXT) + gzip.compress(TEXT)[:10], id="a-second-part-cut-off"),
        pytest.param(gzip.compress(TEXT)[:-5] + b"\0" * 5, id="another-checksum"),
    ],
)
def test_damaged_packing_is_said(damaged: bytes, file: Callable[[bytes], Path]) -> None:
    with pytest.raises(gzip.BadGzipFile):
        read_input(file(damaged))


def test_a_file_may_have_no_more_than_is_asked_for(file: Callable[[bytes], Path]) -> None:
    for content in (TEXT, gzip.compress(TEXT)):
        assert read_input(file(content), most=len(TEXT)) == TEXT
        with pytest.raises(TooLargeInput, match=f"more than {len(TEXT) - 1} bytes"):
            read_input(file(content), most=len(TEXT) - 1)


def test_no_small_file_fills_the_memory(file: Callable[[bytes], Path]) -> None:
    bomb = file(gzip.compress(bytes(MAX_BYTES + MB), compresslevel=1))

    tracemalloc.start()
    try:
        with pytest.raises(TooLargeInput):
            read_input(bomb)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 128 * MB


def test_a_folder_stands_for_its_files_and_for_what_cannot_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.xml", "a/c.xml", "a/shut/d.xml", ".hidden/e.xml", "a/.f.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-nothing").symlink_to(tmp_path / "nowhere")
    (tmp_path / "to-itself").symlink_to("to-itself")
    (tmp_path / "to-file").symlink_to("b.xml")
    (tmp_path / "to-folder").symlink_to("a")
    look = os.scandir

    def scandir(path: str) -> object:
        if path == str(tmp_path / "a" / "shut"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)

    found = [str(path.relative_to(tmp_path)) for path in expand([tmp_path])]

    assert found == ["a/c.xml", "a/shut", "b.xml", "to-file", "to-itself", "to-nothing"]
