"""A watched folder: every file gets an outcome, whatever moment it is stopped at."""

import contextlib
import errno
import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import typer

from claims.cli import watching
from claims.cli.inputs import write_whole
from claims.cli.watching import DONE, PROBLEMS, SUBMITTED, WatchedFolder
from claims.client import (
    ApiClient,
    ApiRefused,
    ApiUnreachable,
    Document,
    NotFound,
    NotNow,
    NotTheService,
)


@dataclass
class FakeApi:
    """A service that takes everything, once for the same bytes."""

    state: str = "acknowledged"
    refuses: Mapping[str, object] | None = None
    is_down: bool = False
    forgotten: set[str] = field(default_factory=set)
    under_way: set[str] = field(default_factory=set)
    keys: list[str | None] = field(default_factory=list)
    most: int = 10_000
    pause_s: float = 3600
    submitted: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    in_between: set[bytes] = field(default_factory=set)  # a firewall lets these pass not
    elsewhere: type[NotTheService | NotFound] | None = None

    def submit_bundle(self, body: bytes, *, attempts: int, idempotency_key: str | None = None) -> Document:
        assert attempts == 1  # between two attempts outcomes would wait
        self.keys.append(idempotency_key)
        if len(self.submitted) >= self.most:
            raise NotNow("http://x", {"code": "too-many-requests"}, retry_after_s=self.pause_s)
        if self.is_down:
            raise ApiUnreachable("http://x", "down")
        if self.elsewhere or body in self.in_between:
            raise NotTheService("http://x", {"code": "not-the-service", "title": "HTTP 403"})
        if self.refuses is not None:
            raise ApiRefused(self.refuses)
        self.submitted.append(hashlib.sha256(body).hexdigest())
        self.before_answer()
        return {"id": self.submitted[-1], "state": "received"}

    submit_encounter = submit_bundle

    def limits(self) -> Document:
        if self.elsewhere is NotFound:
            raise NotFound({"title": "No such resource", "code": "not-found"})
        if self.elsewhere:
            raise NotTheService("http://x", {"code": "not-the-service", "title": "HTTP 403"})
        return {}

    def submission(self, submission_id: str) -> Document:
        if submission_id in self.forgotten:
            raise NotFound({"title": "No such submission", "code": "not-found"})
        return {"id": submission_id, "state": "sending" if submission_id in self.under_way else self.state}

    def receipt(self, _submission_id: str) -> Document | None:
        return {"ma_giao_dich": "GD1"} if self.state == "acknowledged" else None

    def findings(self, _submission_id: str) -> Document:
        return {"findings": [{"code": "XML1.X.wrong"}] if self.state == "rejected" else []}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def watched(tmp_path: Path, api: FakeApi) -> WatchedFolder:
    return WatchedFolder(tmp_path, cast("ApiClient", api))


def put(watched: WatchedFolder, name: str, content: str = "<x/>", *, age: int = 0) -> Path:
    path = watched.folder / name
    path.write_text(content)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def look(watched: WatchedFolder, times: int = 2) -> list[Document]:
    return [outcome for _ in range(times) for outcome in watched.look()]


@contextlib.contextmanager
def patched_reading(path: Path, error: OSError) -> Iterator[None]:
    real: Callable[..., object] = Path.open

    def open_(self: Path, *how: object, **more: object) -> object:
        if self == path:
            raise error
        return real(self, *how, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", open_)
        yield


def opening(api: FakeApi) -> Callable[..., contextlib.AbstractContextManager[FakeApi]]:
    return lambda *_: contextlib.nullcontext(api)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_moves_to_done_with_its_receipt(watched: WatchedFolder) -> None:
    put(watched, "a.xml")

    (outcome,) = look(watched)

    assert outcome["fine"]
    assert names(watched.folder / DONE) == {"a.xml", "a.xml.outcome.json"}
    written = json.loads((watched.folder / DONE / "a.xml.outcome.json").read_bytes())
    assert written["receipt"] == {"ma_giao_dich": "GD1"}
    assert watched.is_settled


def test_what_was_rejected_moves_to_problems_with_its_findings(watched: WatchedFolder, api: FakeApi) -> None:
    api.state = "rejected"
    put(watched, "a.xml")

    (outcome,) = look(watched)

    assert not outcome["fine"]
    written = json.loads((watched.folder / PROBLEMS / "a.xml.outcome.json").read_bytes())
    assert written["findings"] == [{"code": "XML1.X.wrong"}]


def test_what_is_under_way_waits(watched: WatchedFolder, api: FakeApi) -> None:
    api.state = "sending"
    put(watched, "a.xml")

    assert look(watched) == []
    assert names(watched.folder / SUBMITTED) == {"a.xml", "a.xml.outcome.json"}
    assert not watched.is_settled


def test_outcomes_do_not_wait_until_everything_is_handed_in(watched: WatchedFolder, api: FakeApi) -> None:
    for number in range(150):
        put(watched, f"{number}.xml", f"<x>{number}</x>")
    look(watched, 1)

    first = next(watched.look())

    assert (first["state"], len(api.submitted)) == ("acknowledged", 100)


def test_a_service_that_takes_no_more_for_now_keeps_no_outcome_back(
    watched: WatchedFolder, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.most = 2
    for number in range(5):
        put(watched, f"{number}.xml", f"<x>{number}</x>")

    outcomes = look(watched, 4)

    assert [outcome["state"] for outcome in outcomes] == ["acknowledged"] * 2
    assert len(api.keys) == 3  # it is left alone as long as it asked
    assert capsys.readouterr().err.count("goes on in 3600 s") == 1
    assert not watched.is_settled


def test_what_was_refused_for_its_pace_is_handed_in_when_the_service_said(
    watched: WatchedFolder, api: FakeApi
) -> None:
    api.most, api.pause_s = 2, 0
    for number in range(5):
        put(watched, f"{number}.xml", f"<x>{number}</x>")
    look(watched)

    api.most = 10_000
    look(watched)

    assert len(set(api.submitted)) == len(api.submitted) == 5
    assert watched.is_settled


def test_an_encounter_whose_answer_was_lost_comes_again_under_its_key(
    watched: WatchedFolder, api: FakeApi
) -> None:
    put(watched, "a.json", "{}")
    look(watched, 1)
    api.is_down = True
    for _ in range(2):
        with pytest.raises(ApiUnreachable):
            look(watched, 1)
    api.is_down = False
    look(watched, 1)
    put(watched, "a.json", "{}")
    look(watched)

    assert api.keys[0] == api.keys[1] == api.keys[2] != api.keys[3]
    assert None not in api.keys


def test_what_is_under_way_for_long_keeps_no_outcome_of_others_back(
    watched: WatchedFolder, api: FakeApi
) -> None:
    for number in range(501):
        put(watched, f"{number:03}.xml", f"<x>{number}</x>", age=1000 - number)
    api.under_way = {hashlib.sha256(f"<x>{number}</x>".encode()).hexdigest() for number in range(500)}

    outcomes = look(watched, 4)

    assert [outcome["state"] for outcome in outcomes] == ["acknowledged"]


def test_a_file_that_is_still_being_written_is_left(watched: WatchedFolder, api: FakeApi) -> None:
    put(watched, "a.xml", "<x>")
    look(watched, 1)
    put(watched, "a.xml", "<x></x>")

    look(watched, 1)
    assert api.submitted == []
    look(watched, 1)
    assert api.submitted == [hashlib.sha256(b"<x></x>").hexdigest()]


@pytest.mark.parametrize(
    ("name", "half"),
    [
        pytest.param("a.xml", b"<x><y>PHg+", id="xml"),
        pytest.param("a.xml", b'<?xml version="1.0"?>\n<x a="1">\n  <y></y>\n', id="xml-behind-a-tag"),
        pytest.param("a.xml", b"<x><y/>", id="xml-behind-an-empty-element"),
        pytest.param("a.json", b'{"a": 1', id="json"),
        pytest.param("a.json", b'{"a": {"b": 1}', id="json-behind-a-bracket"),
        pytest.param("a.xml.gz", gzip.compress(b"<x/>", mtime=0)[:-3], id="gzip"),
    ],
)
def test_a_writer_who_pauses_in_the_middle_is_waited_for_a_minute(
    watched: WatchedFolder, api: FakeApi, name: str, half: bytes
) -> None:
    path = watched.folder / name
    path.write_bytes(half)

    assert look(watched, 3) == []
    assert (path.exists(), api.submitted) == (True, [])
    os.utime(path, (time.time() - 61,) * 2)
    assert len(look(watched, 2)) == 1


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        (
            "a.xml",
            b'\xef\xbb\xbf<?xml version="1.0"?>\r\n<!-- of today -->\r\n<x:y xmlns:x="u"><z/></x:y>\r\n',
        ),
        ("a.xml", b'<x a="1" />'),
        ("a.json", b' {"a": {"b": 1}}\n'),
    ],
    ids=["xml", "empty", "json"],
)
def test_what_ends_as_it_begins_is_not_waited_for(
    watched: WatchedFolder, api: FakeApi, name: str, whole: bytes
) -> None:
    (watched.folder / name).write_bytes(whole)

    look(watched, 2)

    assert len(api.submitted) == 1


@pytest.mark.parametrize("name", ["a.xml.part", ".a.xml", "a.tmp", "readme.txt"])
def test_other_files_are_left(watched: WatchedFolder, api: FakeApi, name: str) -> None:
    put(watched, name)

    look(watched)

    assert api.submitted == []
    assert (watched.folder / name).exists()


def test_a_link_is_not_followed(
    watched: WatchedFolder, api: FakeApi, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.xml"
    elsewhere.write_text("<x/>")
    (watched.folder / "a.xml").symlink_to(elsewhere)

    look(watched)

    assert api.submitted == []
    assert (watched.folder / "a.xml").is_symlink()


def test_no_link_is_followed_that_lies_where_an_outcome_goes(
    watched: WatchedFolder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.txt"
    elsewhere.write_text("of somebody else")
    (watched.folder / DONE).mkdir(exist_ok=True)
    (watched.folder / DONE / "a.xml.outcome.json").symlink_to(elsewhere)
    put(watched, "a.xml")

    look(watched)

    assert elsewhere.read_text() == "of somebody else"
    assert json.loads((watched.folder / DONE / "a.xml.outcome.json").read_bytes())["receipt"]


def test_no_link_is_followed_that_lies_where_the_lock_goes(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "a.txt"
    elsewhere.write_text("of somebody else")
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / ".watched").symlink_to(elsewhere)
    monkeypatch.setattr(watching, "open_api", opening(api))

    with pytest.raises(typer.Exit):
        watching.watch(folder, once=True)

    assert elsewhere.read_text() == "of somebody else"


def test_files_are_submitted_in_the_order_in_which_they_were_written(
    watched: WatchedFolder, api: FakeApi
) -> None:
    put(watched, "a.xml", "<later/>", age=1)
    put(watched, "b.xml", "<earlier/>", age=2)

    look(watched)

    assert api.submitted == [hashlib.sha256(one).hexdigest() for one in (b"<earlier/>", b"<later/>")]


def test_a_name_that_comes_again_takes_nobodys_place(watched: WatchedFolder) -> None:
    put(watched, "a.xml", "<one/>")
    look(watched)
    put(watched, "a.xml", "<two/>")
    look(watched)

    assert (watched.folder / DONE / "a.xml").read_text() == "<one/>"
    assert (watched.folder / DONE / "a-2.xml").read_text() == "<two/>"
    assert (watched.folder / DONE / "a-2.xml.outcome.json").exists()


@pytest.mark.parametrize("name", ["n" * 251 + ".xml", "ồ" * 82 + ".XML.GZ", "a." + "b" * 249 + ".xml"])
def test_a_name_as_long_as_can_be_has_its_outcome_beside_it(watched: WatchedFolder, name: str) -> None:
    for number in range(2):
        put(watched, name, f"<x>{number}</x>")
        assert len(look(watched)) == 1

    found = names(watched.folder / DONE)
    assert len(found) == 4
    assert {f"{one}.outcome.json" for one in found if not one.endswith(".outcome.json")} < found


def test_a_file_that_is_taken_away_before_it_is_read_is_nothing(watched: WatchedFolder, api: FakeApi) -> None:
    path = put(watched, "a.xml")
    put(watched, "b.xml", "<y/>")
    look(watched, 1)
    with patched_reading(path, FileNotFoundError(2, "gone")):
        (outcome,) = look(watched, 1)

    assert str(outcome["file"]).endswith("b.xml")
    assert api.submitted == [hashlib.sha256(b"<y/>").hexdigest()]


def test_a_file_that_is_taken_away_while_it_is_submitted_stops_nothing(
    watched: WatchedFolder, api: FakeApi
) -> None:
    path = put(watched, "a.xml")
    api.before_answer = path.unlink
    look(watched, 3)

    assert watched.is_settled
    assert len(api.submitted) == 1


def test_a_file_that_is_locked_waits_for_its_key(watched: WatchedFolder, api: FakeApi) -> None:
    path = put(watched, "a.xml")
    with patched_reading(path, PermissionError(13, "locked")):
        assert look(watched, 3) == []

    assert len(look(watched, 1)) == 1
    assert len(api.submitted) == 1


def test_a_file_that_stays_locked_is_a_problem(watched: WatchedFolder) -> None:
    path = put(watched, "a.xml")
    with patched_reading(path, PermissionError(13, "locked")):
        (outcome,) = look(watched, 40)

    assert outcome["state"] == "unreadable"
    assert (watched.folder / PROBLEMS / "a.xml").exists()


def test_what_the_service_refuses_has_its_problem_beside_it(watched: WatchedFolder, api: FakeApi) -> None:
    api.refuses = {"code": "malformed-encounter", "title": "t"}
    put(watched, "a.xml")

    (outcome,) = look(watched)

    assert outcome["state"] == "not taken"
    assert (watched.folder / PROBLEMS / "a.xml").exists()


def test_a_key_that_does_not_open_stops_it_and_moves_nothing(watched: WatchedFolder, api: FakeApi) -> None:
    api.refuses = {"code": "unauthenticated", "title": "t"}
    path = put(watched, "a.xml")

    with pytest.raises(ApiRefused):
        look(watched)
    assert path.exists()


def test_while_the_service_is_down_files_stay(watched: WatchedFolder, api: FakeApi) -> None:
    path = put(watched, "a.xml")
    api.is_down = True
    look(watched, 1)
    with pytest.raises(ApiUnreachable):
        look(watched, 1)

    assert path.exists()
    api.is_down = False
    assert len(look(watched, 1)) == 1


@pytest.mark.parametrize("stop_after", range(8))
def test_stopped_at_any_step_it_goes_on(
    watched: WatchedFolder, api: FakeApi, monkeypatch: pytest.MonkeyPatch, stop_after: int
) -> None:
    """Every step is a rename or a removal; the n-th is the last one before the process dies."""
    put(watched, "a.xml")
    steps = 0

    def dying(original: str) -> None:
        real = getattr(Path, original)

        def step(self: Path, *arguments: object, **named: object) -> object:
            nonlocal steps
            steps += 1
            if steps > stop_after:
                raise KeyboardInterrupt
            return real(self, *arguments, **named)

        monkeypatch.setattr(Path, original, step)

    dying("replace")
    dying("unlink")
    with contextlib.suppress(KeyboardInterrupt):
        look(watched)
    monkeypatch.undo()
    restarted = WatchedFolder(watched.folder, cast("ApiClient", api))
    look(restarted, 3)

    assert restarted.is_settled
    assert len(set(api.submitted)) == 1
    assert (watched.folder / DONE / "a.xml").exists()
    assert (watched.folder / DONE / "a.xml.outcome.json").exists()
    assert not (watched.folder / DONE / "a-2.xml").exists()


def test_what_the_service_does_not_know_any_more_is_submitted_again(
    watched: WatchedFolder, api: FakeApi
) -> None:
    api.state = "received"
    put(watched, "a.xml")
    look(watched)
    api.forgotten = set(api.submitted)
    look(watched, 1)
    assert [path.name for path in watched.folder.glob("*.xml")] == ["a.xml"]
    assert names(watched.folder / SUBMITTED) == set()

    api.forgotten, api.state = set(), "acknowledged"
    (outcome,) = look(watched)

    assert outcome["fine"]
    assert api.submitted[0] == api.submitted[1]


def test_a_file_that_is_written_anew_while_it_is_submitted_comes_again(
    watched: WatchedFolder, api: FakeApi
) -> None:
    path = put(watched, "a.xml", "<one/>")
    look(watched, 1)

    def write_anew() -> None:
        if len(api.submitted) == 1:
            path.write_text("<two/>")

    api.before_answer = write_anew
    outcomes = look(watched, 5)

    assert api.submitted == [hashlib.sha256(one).hexdigest() for one in (b"<one/>", b"<two/>")]
    assert [outcome["id"] for outcome in outcomes] == api.submitted[1:]
    assert (watched.folder / DONE / "a.xml").read_text() == "<two/>"
    assert watched.is_settled


@pytest.mark.parametrize("damage", [b"", b'{"id": "su', b"[]", b"{}"], ids=["empty", "half", "list", "no-id"])
def test_a_note_that_came_to_harm_lets_its_file_come_again(
    watched: WatchedFolder, api: FakeApi, damage: bytes
) -> None:
    api.state = "received"
    put(watched, "a.xml")
    look(watched)
    (watched.folder / SUBMITTED / "a.xml.outcome.json").write_bytes(damage)

    api.state = "acknowledged"
    (outcome,) = look(watched, 3)

    assert outcome["fine"]
    assert len(set(api.submitted)) == 1
    assert names(watched.folder / DONE) == {"a.xml", "a.xml.outcome.json"}


def test_what_became_of_a_file_is_no_file_to_submit(watched: WatchedFolder, api: FakeApi) -> None:
    api.state = "rejected"
    put(watched, "a.xml")
    look(watched)
    for path in list((watched.folder / PROBLEMS).iterdir()):
        path.rename(watched.folder / path.name)
    put(watched, "b.outcome.json", "{}")

    api.state = "acknowledged"
    (outcome,) = look(watched)

    assert outcome["fine"]
    assert len(api.submitted) == 2
    assert (watched.folder / "a.xml.outcome.json").exists()
    assert (watched.folder / "b.outcome.json").exists()
    assert watched.is_settled


@pytest.mark.parametrize("elsewhere", [NotTheService, NotFound], ids=["proxy", "path-too-many"])
def test_where_the_service_is_not_files_stay(
    watched: WatchedFolder, api: FakeApi, elsewhere: type[NotTheService | NotFound]
) -> None:
    path = put(watched, "a.xml")
    api.elsewhere = elsewhere
    look(watched, 1)
    with pytest.raises(NotTheService):
        look(watched, 1)

    assert path.exists()
    assert not (watched.folder / PROBLEMS).exists()


def test_a_file_that_a_firewall_lets_not_pass_keeps_no_other_back(
    watched: WatchedFolder, api: FakeApi
) -> None:
    put(watched, "a.xml", "<blocked/>", age=1)
    put(watched, "b.xml")
    api.in_between = {b"<blocked/>"}

    outcomes = look(watched)

    assert [(Path(str(one["file"])).name, one["state"]) for one in outcomes] == [
        ("a.xml", "not taken"),
        ("b.xml", "acknowledged"),
    ]


def test_a_disk_that_is_full_is_waited_for(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")
    writes = iter([OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])

    def write(path: Path, data: bytes) -> None:
        for error in writes:
            raise error
        write_whole(path, data)

    class Settled(Exception):
        pass

    def sleep(_seconds: float) -> None:
        if (tmp_path / DONE / "a.xml").exists():
            raise Settled

    monkeypatch.setattr(watching, "open_api", opening(api))
    monkeypatch.setattr("claims.cli.watching.write_whole", write)
    monkeypatch.setattr("claims.cli.watching.time.sleep", sleep)

    with pytest.raises(Settled):
        watching.watch(tmp_path)

    assert "No space left on device); đang thử lại" in capsys.readouterr().err
    assert len(set(api.submitted)) == 1


def test_when_nobody_reads_what_it_says_it_ends(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.xml").write_text("<a/>")

    def emit(_document: object) -> None:
        raise BrokenPipeError

    looks = iter(range(9))
    monkeypatch.setattr(watching, "open_api", opening(api))
    monkeypatch.setattr("claims.cli.watching.emit", emit)
    monkeypatch.setattr("claims.cli.watching.time.sleep", lambda _: next(looks))

    with pytest.raises(typer.Exit):
        watching.watch(tmp_path, as_json=True)


def test_a_folder_that_goes_away_is_waited_for(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, away = tmp_path / "share", tmp_path / "away"
    folder.mkdir()
    (folder / "a.xml").write_text("<a/>")
    moves = [(folder, away), (away, folder)]

    class Settled(Exception):
        pass

    def sleep(_seconds: float) -> None:
        if (folder / DONE / "a.xml").exists():
            raise Settled
        if moves:
            before, after = moves.pop(0)
            before.rename(after)

    monkeypatch.setattr(watching, "open_api", opening(api))
    monkeypatch.setattr("claims.cli.watching.time.sleep", sleep)

    with pytest.raises(Settled):
        watching.watch(folder)

    assert f"không thấy {folder}; đang thử lại" in capsys.readouterr().err
    assert len(api.submitted) == 1


def test_a_folder_that_goes_away_ends_a_single_run(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "open_api", opening(api))
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.xml").write_text("<a/>")
    monkeypatch.setattr(
        "claims.cli.watching.time.sleep", lambda _: (tmp_path / "share").rename(tmp_path / "away")
    )

    with pytest.raises(typer.Exit) as ended:
        watching.watch(tmp_path / "share", once=True)

    assert isinstance(ended.value.__cause__, FileNotFoundError)


def test_of_files_that_went_away_nothing_is_kept(watched: WatchedFolder, api: FakeApi) -> None:
    api.is_down = True
    path = put(watched, "a.json", "{}")
    with contextlib.suppress(ApiUnreachable):
        look(watched)
    path.unlink()
    look(watched)
    put(watched, "a.json", "{}")

    with contextlib.suppress(ApiUnreachable):
        look(watched)

    assert len(set(api.keys)) == 2  # whoever put it there again meant another request


def test_a_share_that_knows_no_locks_is_not_said_to_be_watched(
    tmp_path: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def flock(_file: object, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(watching, "open_api", opening(api))
    monkeypatch.setattr("claims.cli.watching.fcntl.flock", flock)

    with pytest.raises(typer.Exit):
        watching.watch(tmp_path, once=True)

    assert "No locks available" in capsys.readouterr().err
