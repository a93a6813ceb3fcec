"""The `claims demo` command."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from claims.cli.output import Exit, emit, say


def demo(
    encounters: Annotated[int, typer.Option(min=24, help="How many made-up encounters.")] = 240,
    seed: Annotated[int, typer.Option(help="Another seed makes other patients.")] = 2026,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where everything lies. Default: a temporary folder.", file_okay=False)
    ] = None,
) -> int:
    """Show the whole service: build, sign, submit, check, deliver to a gateway that misbehaves, replay.

    Ends with a table by outcome and one line of JSON; exit code 0 only if every outcome is the expected one.
    """
    from claims.cli.demo.installation import FACILITY_NAMES, Installation
    from claims.cli.demo.play import keep_running, play

    started = time.monotonic()
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-demo-")))
        say("starting PostgreSQL, Valkey, API, workers and a stand-in gateway …")
        installation = stack.enter_context(
            Installation(place, FACILITY_NAMES, with_expired_key=list(FACILITY_NAMES))
        )
        result = play(installation, encounters=encounters, seed=seed, started=started)
        emit(result.summary)
        if keep:
            keep_running(installation)
    return Exit.FINE if result.is_as_expected else Exit.BLOCKED
