"""`claims submit`: what is read, what is left out in a second run, and in what order answers come."""

import json
import os
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from claims.cli import submitting
from claims.cli.output import Exit
from claims.client import ApiRefused, ApiUnreachable, Document, NotNow


class FakeApi:
    """A service that takes what is no encounter, until it goes away."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.takes = 1000
        self.limits = 0

    def submit_bundle(self, body: bytes) -> Document:
        if self.limits:
            self.limits -= 1
            raise NotNow("http://x", {"code": "too-many-requests", "title": "Too many requests"}, 0)
        if len(self.bodies) >= self.takes:
            raise ApiUnreachable("http://x", "down")
        self.bodies.append(body)
        return {"id": f"sub_{body.decode()}", "state": "received"}

    def submit_encounter(self, _body: bytes, *, idempotency_key: str | None = None) -> Document:
        del idempotency_key
        raise ApiRefused({"title": "No", "detail": "no", "code": "cannot-build"})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()

    @contextmanager
    def open_api(_url: str | None, _key_file: Path | None, _language: str) -> Iterator[FakeApi]:
        yield fake

    monkeypatch.setattr(submitting, "open_api", open_api)
    return fake


def put(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.xml").write_bytes(b"<a/>")
    (folder / "b.json").write_bytes(b"{}")
    with zipfile.ZipFile(folder / "c.zip", "w") as archive:
        archive.writestr("1.xml", b"<c/>")
        archive.writestr("note.txt", b"no")
    return folder


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines() if line]


def test_files_folders_and_zips_are_submitted_one_by_one(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = put(tmp_path / "in")

    code = submitting.submit([folder], parallel=2, as_json=True)

    entries = lines(capsys.readouterr().out)
    assert code is Exit.BLOCKED
    assert sorted(api.bodies) == [b"<a/>", b"<c/>"]
    assert [(str(one["file"]).rpartition("/")[2], "error" in one) for one in entries] == [
        ("a.xml", False),
        ("b.json", True),
        ("c.zip!1.xml", False),
        ("c.zip!note.txt", True),
    ]


def test_a_pace_that_is_kept_ends_nothing(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<a/>")
    api.limits = 9

    assert submitting.submit([tmp_path], parallel=1) is Exit.FINE
    assert api.bodies == [b"<a/>"]


def test_a_second_run_submits_what_is_missing_or_has_changed(api: FakeApi, tmp_path: Path) -> None:
    folder, notes = put(tmp_path / "in"), tmp_path / "notes.ndjson"
    api.takes = 1
    with pytest.raises(typer.Exit):
        submitting.submit([folder], parallel=1, outcomes=notes)
    with notes.open("a") as file:
        file.write('{"file": "half')  # as a killed run leaves it

    api.takes = 1000
    submitting.submit([folder], parallel=1, outcomes=notes)
    submitting.submit([folder], parallel=1, outcomes=notes)
    (folder / "a.xml").write_bytes(b"<a2/>")
    submitting.submit([folder], parallel=1, outcomes=notes)

    assert api.bodies == [b"<a/>", b"<c/>", b"<a2/>"]


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"b\xe9nh.xml"), "b\u2028nh.xml", "b\x85nh.xml"], ids=["not-utf-8", "u2028", "nel"]
)
def test_whatever_a_file_is_called_it_is_noted(api: FakeApi, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<a/>")
    notes = tmp_path / ".notes.ndjson"

    submitting.submit([tmp_path], parallel=1, outcomes=notes)
    submitting.submit([tmp_path], parallel=1, outcomes=notes)

    assert api.bodies == [b"<a/>"]


def test_answers_come_in_order_and_little_is_read_ahead() -> None:
    read: list[int] = []
    release = threading.Event()

    def items() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    def work(number: int) -> int:
        if number == 0:
            release.wait(10)
        return number

    with ThreadPoolExecutor(4) as pool:
        threading.Timer(0.05, release.set).start()
        found = submitting.in_order(pool, work, items(), at_once=4)
        assert next(found) == 0
        assert read == [0, 1, 2, 3]
        assert list(found) == list(range(1, 20))


@pytest.mark.parametrize("content", [b"PK\3\4 cut off", b"no archive", b""])
def test_a_damaged_zip_file_is_named_and_the_others_go_on(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "b.xml").write_bytes(b"<b/>")
    with zipfile.ZipFile(tmp_path / "c.zip", "w"):
        pass

    code = submitting.submit([tmp_path], parallel=1, language="en", as_json=True)

    broken, _, empty = lines(capsys.readouterr().out)
    assert code is Exit.BLOCKED
    assert api.bodies == [b"<b/>"]
    assert str(broken["file"]).endswith("a.zip")
    assert str(broken["error"]).startswith("It is no whole ZIP file")
    assert str(empty["error"]).startswith("There is no file in it")


@pytest.mark.parametrize("code", ["unauthenticated", "forbidden"])
def test_a_key_that_may_not_submit_ends_it_at_once(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str
) -> None:
    def refuse(_body: bytes) -> Document:
        raise ApiRefused({"title": "No", "code": code})

    monkeypatch.setattr(api, "submit_bundle", refuse)
    (tmp_path / "a.xml").write_bytes(b"<a/>")

    with pytest.raises(typer.Exit) as ended:
        submitting.submit([tmp_path], parallel=1)

    assert ended.value.exit_code == Exit.CONFIGURATION


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        pytest.param("vi", "Không phải tệp ZIP nguyên vẹn", "không đọc được tệp", id="vi"),
        pytest.param("en", "It is no whole ZIP file", "No such file", id="en"),
    ],
)
def test_what_keeps_a_file_back_is_said_in_the_readers_language(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, first: str, second: str
) -> None:
    (tmp_path / "cut.zip").write_bytes(b"PK")

    code = submitting.submit([tmp_path / "cut.zip", tmp_path / "gone.xml"], language=language, as_json=True)

    assert code is Exit.BLOCKED
    assert api.bodies == []
    errors = [str(one["error"]) for one in lines(capsys.readouterr().out)]
    assert [said in error for said, error in zip((first, second), errors, strict=True)] == [True, True]


def test_a_service_that_is_away_is_told_in_vietnamese(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.xml").write_bytes(b"<a/>")
    api.takes = 0

    with pytest.raises(typer.Exit) as ended:
        submitting.submit([tmp_path], language="vi")

    assert ended.value.exit_code == Exit.UNREACHABLE
    assert "lỗi: không kết nối được http://x (down)" in capsys.readouterr().err
