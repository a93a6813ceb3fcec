"""Claims on paper: `claims paper`, for files at hand and for submissions of a running service."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.inputs import free_path, read_input, stem_of, write_whole
from claims.cli.output import AsJson, Exit, emit, progress_bar, say
from claims.cli.submissions import KeyFile, Url, open_api
from claims.cli.trust import At, Trust, moment
from claims.exchange.submission import SUBMISSION_KEY

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Literal

    from signing.trust import TrustStore

_Things = Annotated[
    list[str],
    typer.Argument(
        help="Bundles (files or folders), submission ids (sub_…), or '-': a list of either, one a line.",
        show_default=False,
    ),
]


def paper(
    things: _Things,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the PDFs.")] = Path(),
    english: Annotated[bool, typer.Option("--english", help="The form in English.")] = False,
    trust: Trust = None,
    at: At = None,
    parallel: Annotated[int, typer.Option(help="Forms at once.", min=1, max=16)] = 2,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> int:
    """Make the paper forms of claims: cost statement, papers, signature; the signed XML is inside the PDF.

    A file at hand becomes a preview, with the verdict on its signature if --trust says whom to trust. A
    submission's form comes from the service, with its receipt and the code that leads back to it.
    Exit code 1 if one could not be made; the others are.
    """
    from signing.trust import TrustStore

    language: Literal["vi", "en"] = "en" if english else "vi"
    names = _expand(things)
    if not names:
        raise typer.BadParameter(f"there is no bundle in {', '.join(things)}", param_hint="things")
    now, taken, refused = moment(at), set[Path](), 0
    with ExitStack() as stack:
        anchors = None if trust is None else TrustStore.load(trust)
        submissions = [name for name in names if re.fullmatch(SUBMISSION_KEY, name)]
        api = stack.enter_context(open_api(url, key_file)) if submissions else None

        def make(name: str) -> bytes:
            if api is not None and re.fullmatch(SUBMISSION_KEY, name):
                return api.paper(name, language=language)
            return _preview(read_input(Path(name)), anchors, now, language)

        # Entered last, so that what is under way ends before the connection closes.
        pool = stack.enter_context(ThreadPoolExecutor(parallel))
        bar = stack.enter_context(progress_bar("paper forms", len(names)))
        for name, form in in_their_order(make, names, pool, ahead=parallel):
            target = free_path(output, stem_of(Path(name)), ".pdf", taken)
            entry = _write(name, form, target)
            refused += "error" in entry
            say(f"{name}: {entry.get('pdf') or entry['error']}")
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


def in_their_order(
    make: Callable[[str], bytes], names: Sequence[str], pool: Executor, *, ahead: int
) -> Iterator[tuple[str, Future[bytes]]]:
    """Have forms made; yield each with its name, so few ahead of who writes them that no memory fills."""
    waiting: deque[tuple[str, Future[bytes]]] = deque()
    for name in names:
        waiting.append((name, pool.submit(make, name)))
        if len(waiting) > ahead:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


def _expand(things: Sequence[str]) -> list[str]:
    from claims.cli.inputs import expand

    names: list[str] = []
    for thing in things:
        if thing == "-":
            lines = typer.get_text_stream("stdin").read().splitlines()
            names += _expand([line.strip() for line in lines if line.strip() not in {"", "-"}])
        elif re.fullmatch(SUBMISSION_KEY, thing):
            names.append(thing)
        else:
            names += (str(path) for path in expand([Path(thing)]))
    return names


def _write(name: str, form: Future[bytes], target: Path) -> dict[str, object]:
    from claims.errors import ClaimsError

    try:
        pdf = form.result()
        write_whole(target, pdf)
    except (ClaimsError, OSError) as error:
        return {"input": name, "error": str(error)}
    return {"input": name, "pdf": str(target), "bytes": len(pdf)}


def _preview(bundle: bytes, trust: TrustStore | None, at: datetime, language: str) -> bytes:
    from claims.paper.rendering import Copy, render_pdf
    from signing.canonical import parse
    from signing.errors import Unparsable
    from signing.verify import verify

    verdict = None
    if trust is not None:
        try:
            verdict = verify(parse(bundle), trust=trust, at=at)
        except Unparsable:
            verdict = None  # the form says why there is nothing to show
    return render_pdf(bundle, Copy(at=at, verdict=verdict, checked_at=at, language=language))
