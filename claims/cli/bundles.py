"""What every command over several files shares."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from claims.cli.inputs import output_paths, write_whole
from claims.cli.output import Exit, emit, progress_bar, say

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File, or a folder when there are several inputs.")
]

_REFUSED: Final = {"vi": "bị từ chối", "en": "refused"}


def each(
    inputs: Sequence[Path],
    output: Path | None,
    suffix: str,
    label: str,
    make: Callable[[Path, Path | None], dict[str, object]],
    *,
    language: str,
    as_json: bool,
) -> int:
    """Make something of every input; one that is refused is said and never stops the rest."""
    from claims.cli.signing_words import describe_failure
    from claims.errors import ClaimsError
    from signing.errors import SigningError

    if output is None and (len(inputs) > 1 or as_json):
        raise typer.BadParameter("say where the results go", param_hint="--output")
    targets = [None] if output is None else list(output_paths(inputs, output, suffix=suffix))
    refused = 0
    with progress_bar(label, len(inputs)) as bar:
        for path, target in zip(inputs, targets, strict=True):
            try:
                entry = make(path, target)
            except (ClaimsError, SigningError, OSError) as error:
                refused += 1
                message = {each: describe_failure(error, each) for each in ("vi", "en")}
                say(f"{path}: {_REFUSED[language]}: {message[language]}")
                entry = {
                    "input": str(path),
                    "claims": [],
                    "refused": [{"encounter": None, "reason": str(error), "message": message}],
                }
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if refused else Exit.FINE


def judge(
    inputs: Sequence[Path],
    label: str,
    judge: Callable[[Path], tuple[bool, dict[str, object]]],
    *,
    as_json: bool,
) -> int:
    """Judge every input and say whether all passed."""
    failed = 0
    with progress_bar(label, len(inputs)) as bar:
        for path in inputs:
            passed, entry = judge(path)
            failed += not passed
            if as_json:
                emit(entry)
            bar.advance()
    return Exit.BLOCKED if failed else Exit.FINE


def deliver(data: bytes, target: Path | None) -> None:
    """Write a result to its file, or to standard output."""
    if target is None:
        typer.get_binary_stream("stdout").write(data)
    else:
        write_whole(target, data)
