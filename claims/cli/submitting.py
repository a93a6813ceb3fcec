"""`claims submit`: files, folders and ZIP files handed in one by one, several at once.

What was handed in is written down file by file (``--outcomes``); a run with the same file leaves those out.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from claims.cli.inputs import MAX_BYTES, Inputs, find_files, read_input
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say
from claims.cli.submission_words import sentence, speaking
from claims.cli.submissions import KeyFile, Url, open_api, pace_asked, submit_body

if TYPE_CHECKING:
    from claims.client import ApiClient, Document
    from claims.exchange.parcels import Parcel

T = TypeVar("T")
R = TypeVar("R")

_ZIP: Final = b"PK"
_MOST_PIECES: Final = 1_000_000
#: Names of files may be in another character set than the system's.
_ANY_NAME: Final = "surrogateescape"


def submit(
    inputs: Inputs,
    url: Url = None,
    key_file: KeyFile = None,
    parallel: Annotated[int, typer.Option(help="Requests at once.", min=1, max=64)] = 4,
    outcomes: Annotated[
        Path | None,
        typer.Option(
            help="File that notes what was submitted; a run with it submits the rest.", dir_okay=False
        ),
    ] = None,
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Submit signed bundles (XML) or encounter documents (JSON): files, folders, ZIP files of them.

    Submitting the same file again is harmless: it gives the same submission.
    Exit code 1 if one was refused, 3 if the API key may not submit, 4 if the service cannot be reached.
    """
    refused = 0
    paths = find_files(inputs)
    with (
        speaking(language),
        ExitStack() as stack,
        open_api(url, key_file, language) as api,
        ThreadPoolExecutor(parallel) as pool,
        progress_bar(sentence("submitting", language), len(paths)) as bar,
    ):
        parcels = {path: _open(path, stack, language) for path in paths if _is_zip(path)}
        bar.expect(sum(len(one) - 1 for one in parcels.values() if not isinstance(one, str)))
        notes = stack.enter_context(_open_notes(outcomes))

        def submit_one(found: Found) -> Document:
            return notes.known(found) or _submit(api, found)

        for entry in in_order(pool, submit_one, _found(paths, parcels, language), at_once=2 * parallel):
            notes.add(entry)
            refused += "error" in entry
            say(f"{entry['file']}: {entry.get('id') or entry['error']}")
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


@dataclass(frozen=True, slots=True)
class Found:
    """Something to submit: its bytes, or why it has none."""

    name: str
    body: bytes = b""
    error: str = ""


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], *, at_once: int
) -> Iterator[R]:
    """Yield what came of each item, in their order, with no more than some of them read ahead."""
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class Notes:
    """What was submitted, a line for each file, written at once."""

    def __init__(self, file: IO[str] | None, before: Mapping[tuple[object, object], Document]) -> None:
        self._file = file
        self._before = before

    def known(self, found: Found) -> Document | None:
        """Return what was noted of a file with these bytes."""
        return self._before.get((found.name, hashlib.sha256(found.body).hexdigest()))

    def add(self, entry: Document) -> None:
        """Note what was submitted; what was refused is tried again."""
        if self._file is None or "error" in entry:
            return
        if self._before.get((entry["file"], entry["sha256"])) is not entry:
            self._file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
            self._file.flush()


@contextmanager
def _open_notes(path: Path | None) -> Iterator[Notes]:
    if path is None:
        yield Notes(None, {})
        return
    before = list(_read_notes(path)) if path.exists() else []
    with path.open("a", encoding="utf-8", errors=_ANY_NAME) as file:
        if file.tell():
            file.write("\n")  # the last line may be half a line
        yield Notes(file, {(one["file"], one["sha256"]): one for one in before})


def _read_notes(path: Path) -> Iterator[Document]:
    for line in path.read_text("utf-8", errors=_ANY_NAME).split("\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"file", "sha256", "id"} <= entry.keys():
            yield entry


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP or path.suffix.lower() == ".zip"
    except OSError:
        return False


def _open(path: Path, stack: ExitStack, language: str) -> Parcel | str:
    """Return a ZIP file for as long as the stack stands, or why it is none."""
    from claims.exchange.batches import describe_fault
    from claims.exchange.errors import UnusableBatch
    from claims.exchange.parcels import ParcelLimits, open_parcel

    # One's own file: only what one piece may take of the memory is bounded.
    limits = ParcelLimits(_MOST_PIECES, MAX_BYTES, _MOST_PIECES * MAX_BYTES)
    try:
        return stack.enter_context(open_parcel(path, limits))
    except UnusableBatch as error:
        return describe_fault(error, language)


def _found(paths: Sequence[Path], parcels: Mapping[Path, Parcel | str], language: str) -> Iterator[Found]:
    from claims.exchange.batches import REFUSALS

    for path in paths:
        parcel = parcels.get(path)
        if isinstance(parcel, str):
            yield Found(str(path), error=parcel)
        elif parcel is not None:
            for piece in parcel.pieces():
                error = REFUSALS[piece.refusal][language] if piece.refusal else ""
                yield Found(f"{path}!{piece.name}", piece.content, error)
        else:
            try:
                yield Found(str(path), read_input(path))
            except OSError as error:
                yield Found(str(path), error=sentence("file", language, error=error))


def _submit(api: ApiClient, found: Found) -> Document:
    from claims.client import ApiRefused

    if found.error:
        return {"file": found.name, "error": found.error}
    try:
        submission = _submit_at_pace(api, found.body)
    except ApiRefused as refusal:
        if refusal.code in {"unauthenticated", "forbidden"}:
            raise  # as it would be for all the others
        return {"file": found.name, "error": str(refusal), "problem": refusal.problem}
    return {"file": found.name, **submission, "sha256": hashlib.sha256(found.body).hexdigest()}


def _submit_at_pace(api: ApiClient, body: bytes) -> Document:
    """Submit a body as fast as the service lets its facility: a long list takes its time and goes on."""
    from claims.client import NotNow

    while True:
        try:
            return submit_body(api, body)
        except NotNow as limited:
            asked_s = pace_asked(limited)
            if asked_s is None:
                raise
            time.sleep(asked_s)
