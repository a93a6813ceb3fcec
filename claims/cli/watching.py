"""`claims watch`: a folder where a system that only writes files leaves claims and finds what became of them.

Nothing is remembered but by the files themselves: submitting the same bytes again gives the same submission,
and a file moves only after what it led to is written. So it may be stopped, or killed, at any moment.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from gzip import BadGzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from uuid import uuid4

import typer

from claims.cli.inputs import read_input, write_whole
from claims.cli.output import AsJson, Exit, Language, emit, say
from claims.cli.submission_words import describe_error, sentence, speaking, state_of
from claims.cli.submissions import KeyFile, Url, open_api, pace_asked, submit_body
from claims.errors import ClaimsError

if TYPE_CHECKING:
    from claims.client import ApiClient, Document

SUBMITTED: Final = "submitted"
DONE: Final = "done"
PROBLEMS: Final = "problems"
_OUTCOME: Final = ".outcome.json"
#: Where an outcome says of which bytes it is.
_OF: Final = "file_sha256"
_TAKEN: Final = (".xml", ".json", ".xml.gz", ".json.gz")
#: Submissions followed in one look, those first that were looked at longest ago.
_FOLLOWED: Final = 500
#: Files handed in before some of them are followed: a service that takes few a minute keeps no outcome back.
_AT_A_TIME: Final = 100
#: How often a file that cannot be read is tried: whoever writes it may have locked it.
_TRIES: Final = 30
_FIRST_TAG: Final = re.compile(rb"<([A-Za-z_][^\s/<>]*)[^<>]*>")
#: So long after it was last written a file that does not end as a bundle does is taken as it is.
_STALLED_S: Final = 60.0
#: Bytes of a name that leave room, in the 255 of most file systems, for what is written beside the file.
_LONGEST_STEM: Final = 255 - len(f".-9999.json.gz{_OUTCOME}.part")


class FolderWatched(ClaimsError):
    """Another process watches the folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is being watched by another process")
        self.folder = folder


def watch(
    folder: Annotated[
        Path,
        typer.Argument(help="The folder.", show_default=False, exists=True, file_okay=False, writable=True),
    ],
    once: Annotated[
        bool, typer.Option("--once", help="Stop when everything in the folder has an outcome.")
    ] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=0.1)] = 2.0,
    url: Url = None,
    key_file: KeyFile = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Submit every bundle (XML) or encounter (JSON) that is put into a folder.

    A file is taken when it has not changed between two looks; if it does not end as such a file does, a
    minute after it was last written. It moves to submitted/, then to done/ with its receipt or to problems/
    with its findings, in NAME.outcome.json beside it. Links are left. May be stopped at any moment.
    """
    with speaking(language), open_api(url, key_file, language) as api:
        while True:
            try:
                with _alone_in(folder):
                    watched = WatchedFolder(folder, api, language)
                    return _watch(watched, once=once, every=every, as_json=as_json)
            except OSError:
                # A share that is cut off comes back; a folder that is there cannot be watched.
                if once or _stat(folder) is not None:
                    raise
                say(sentence("folder_gone", language, folder=folder))
                while _stat(folder) is None:
                    time.sleep(every)


def _watch(watched: WatchedFolder, *, once: bool, every: float, as_json: bool) -> int:
    from claims.client import ApiUnreachable

    problems = 0
    say(sentence("watching", watched.language, folder=watched.folder))
    while True:
        try:
            for outcome in watched.look():
                problems += not outcome["fine"]
                say(f"{outcome['file']}: {state_of(outcome['state'], watched.language)}")
                if as_json:
                    emit(outcome)
        except ApiUnreachable as outage:
            say(sentence("outage", watched.language, said=describe_error(outage, watched.language)))
        except BrokenPipeError:
            raise  # nobody reads what is said
        except OSError as trouble:
            # A disk that is full gets room again, and what was handed in does not come twice.
            if once or _stat(watched.folder) is None:
                raise
            say(sentence("outage", watched.language, said=describe_error(trouble, watched.language)))
        if once and watched.is_settled:
            return Exit.BLOCKED if problems else Exit.FINE
        time.sleep(every)


@dataclass(slots=True)
class WatchedFolder:
    """One folder's files on their way from the folder to ``done`` or ``problems``."""

    folder: Path
    api: ApiClient
    language: str = "en"
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _tried: Counter[Path] = field(default_factory=Counter)
    _keys: dict[Path, tuple[bytes, str]] = field(default_factory=dict)
    _rests_until: float = 0.0

    def look(self) -> Iterator[Document]:
        """Submit what is whole, ask how what was submitted stands; return what got its outcome.

        Raises:
            ApiUnreachable: The service does not answer; what was not submitted stays where it is.
        """
        whole = self._whole_files()
        for at in range(0, len(whole), _AT_A_TIME):
            yield from self._hand_in(whole[at : at + _AT_A_TIME])
            yield from self._follow_some(_AT_A_TIME)
        yield from self._follow_some(_FOLLOWED)

    def _hand_in(self, paths: Iterable[Path]) -> Iterator[Document]:
        """Submit files as far as the service takes more of this facility now."""
        from claims.client import NotNow

        for path in paths:
            if time.monotonic() < self._rests_until:
                return
            try:
                outcome = self._submit(path)
            except NotNow as limited:
                asked_s = pace_asked(limited)
                if asked_s is None:
                    raise
                self._rests_until = time.monotonic() + asked_s
                say(sentence("rests", self.language, seconds=asked_s))
                return
            if outcome is not None:
                yield outcome

    def _follow_some(self, most: int) -> Iterator[Document]:
        for path in sorted((self.folder / SUBMITTED).glob(f"*{_OUTCOME}"), key=_age)[:most]:
            outcome = self._follow(path)
            if outcome is not None:
                yield outcome

    @property
    def is_settled(self) -> bool:
        """Whether every file has its outcome."""
        return not any(self._files()) and not any((self.folder / SUBMITTED).glob(f"*{_OUTCOME}"))

    def _files(self) -> Iterator[Path]:
        for path in self.folder.iterdir():
            name = path.name.lower()
            # Who puts a file here again may put what became of it beside it.
            if not name.endswith(_TAKEN) or name.endswith(_OUTCOME) or name.startswith("."):
                continue
            # Whoever may put a link here need not be allowed to read what it leads to.
            if path.is_file() and not path.is_symlink():
                yield path

    def _whole_files(self) -> list[Path]:
        """Return the files that did not change since the last look, oldest first."""
        now = {path: (stat.st_size, stat.st_mtime_ns) for path in self._files() if (stat := _stat(path))}
        whole = [path for path, state in now.items() if self._seen.get(path) == state]
        self._seen = now
        for known in (self._tried, self._keys):
            for gone in known.keys() - now.keys():
                del known[gone]
        return sorted(whole, key=lambda path: (now[path][1], path.name))

    def _submit(self, path: Path) -> Document | None:
        from claims.client import ApiRefused

        try:
            body = _read_whole(path)
            if body is None:
                return None
            submission = submit_body(self.api, body, key=self._key_of(path, body), attempts=1)
        except ApiRefused as refusal:
            if refusal.code in {"unauthenticated", "forbidden"}:
                raise
            return self._end(path, {"state": "not taken", "problem": refusal.problem}, fine=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tried[path] += 1
            if error.errno is not None and self._tried[path] < _TRIES:
                return None
            problem = sentence("file", self.language, error=error)
            return self._end(path, {"state": "unreadable", "problem": problem}, fine=False)
        place = _free(self.folder / SUBMITTED, path.name)
        _write(place, {**submission, _OF: hashlib.sha256(body).hexdigest()})
        _move(path, place)
        self._keys.pop(path, None)
        return None

    def _key_of(self, path: Path, body: bytes) -> str:
        """Return the key of a request that may come again in another look: its answer may be lost."""
        digest = hashlib.sha256(body).digest()
        if path not in self._keys or self._keys[path][0] != digest:
            self._keys[path] = digest, uuid4().hex
        return self._keys[path][1]

    def _follow(self, outcome: Path) -> Document | None:
        from claims.client import SETTLED, NotFound

        path = outcome.with_name(outcome.name.removesuffix(_OUTCOME))
        if not path.exists():
            # Stopped between two steps: the file is one step ahead, or still where it was put.
            outcome.unlink(missing_ok=True)
            return None
        noted = _read_noted(outcome)
        if noted is None:
            self._begin_anew(path, outcome)
            return None
        try:
            submission = self.api.submission(str(noted["id"]))
        except NotFound:  # as after a restore from a backup of before
            self._begin_anew(path, outcome)
            return None
        if submission["state"] not in SETTLED:
            os.utime(outcome)  # others have their turn before it has one again
            return None
        if not _holds(path, noted.get(_OF)):
            # It was written anew while what it held before was handed in.
            self._begin_anew(path, outcome)
            return None
        submission_id = str(submission["id"])
        fine = submission["state"] not in {"rejected", "refused", "failed"}
        found = {
            **submission,
            "receipt": self.api.receipt(submission_id),
            "findings": self.api.findings(submission_id)["findings"],
        }
        ended = self._end(path, found, fine=fine)
        outcome.unlink()
        return ended

    def _begin_anew(self, path: Path, outcome: Path) -> None:
        """Let a file come again as if it were new; the same bytes are the same submission."""
        _move(path, _free(self.folder, path.name))
        outcome.unlink(missing_ok=True)

    def _end(self, path: Path, found: Document, *, fine: bool) -> Document:
        place = _free(self.folder / (DONE if fine else PROBLEMS), path.name)
        _write(place, found)
        _move(path, place)
        self._tried.pop(path, None)
        self._keys.pop(path, None)
        return {"file": str(place), "fine": fine, **found}


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    # A link there would lead to a file of somebody else's.
    with os.fdopen(
        os.open(folder / ".watched", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666), "w"
    ) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderWatched(folder) from error
        yield


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # taken away since it was listed
        return None


def _read_whole(path: Path) -> bytes | None:
    """Return a file's bytes, or None while whoever writes it has probably not come to the end."""
    is_settled = time.time() - path.stat().st_mtime >= _STALLED_S
    try:
        body = read_input(path)
    except BadGzipFile:
        if is_settled:
            raise
        return None
    return body if is_settled or _is_at_its_end(body.rstrip()) else None


def _is_at_its_end(text: bytes) -> bool:
    """Whether a document ends with its first element, or is JSON: some tag ends in the middle, too."""
    if text.endswith(b"}"):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True
    root = _FIRST_TAG.search(text)
    if root is None:
        return False
    return text.endswith(b"</%b>" % root[1]) or (text.endswith(b"/>") and root.end() == len(text))


def _read_noted(outcome: Path) -> Document | None:
    """Return what was noted of a file that was handed in, unless it came to harm as in a power cut."""
    try:
        noted = json.loads(outcome.read_bytes())
    except ValueError:
        return None
    return noted if isinstance(noted, dict) and "id" in noted else None


def _holds(path: Path, sha256: object) -> bool:
    try:
        return sha256 in {None, hashlib.sha256(read_input(path)).hexdigest()}
    except OSError:
        return False


def _age(path: Path) -> float:
    stat = _stat(path)
    return 0.0 if stat is None else stat.st_mtime


def _move(path: Path, place: Path) -> None:
    with suppress(FileNotFoundError):  # taken away meanwhile; what became of it is known all the same
        path.replace(place)


def _free(folder: Path, name: str) -> Path:
    """Return where a file of that name goes without taking another one's place."""
    length = max(len(ending) for ending in _TAKEN if name.lower().endswith(ending))
    stem, ending = name[:-length], name[-length:]
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    place, number = folder / f"{stem}{ending}", 1
    while place.exists():
        number += 1
        place = folder / f"{stem}-{number}{ending}"
    return place


def _write(place: Path, document: Document) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1, default=str)
    outcome = place.with_name(place.name + _OUTCOME)
    # A link was put there by who may write here, and need not be allowed to write where it leads.
    if outcome.is_symlink():
        outcome.unlink()
    write_whole(outcome, text.encode())
