"""The store of contents on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.output import AsJson, Exit, emit, progress_bar, say

if TYPE_CHECKING:
    from claims.storage.moving import MoveContents

content_store = typer.Typer(
    help="The store to which contents move when nothing will be done with them any more.",
    no_args_is_help=True,
)


@content_store.command("move")
def move(
    after_days: Annotated[
        int | None,
        typer.Option(min=0, help="Days since the last change; unset: CLAIMS_CONTENT_STORE_AFTER_DAYS."),
    ] = None,
    per_s: Annotated[
        float | None, typer.Option(min=0.01, help="In a second; unset: CLAIMS_CONTENT_STORE_PER_S.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Move all there is to move, while the service runs. May be interrupted and run again.

    Workers do the same by themselves, some at a time.
    """
    moving = _open(after_days=after_days, per_s=per_s)
    if moving is None:
        return Exit.CONFIGURATION
    with progress_bar("moving", moving.count().number) as bar:
        forgotten = moving.forget_unwanted()
        moved = moving(advance=bar.advance)
    say(f"contents of {moved.number} submissions moved, {moved.size / 2**20:.1f} MiB; {forgotten} removed")
    if as_json:
        emit({"moved": moved.number, "bytes": moved.size, "removed": forgotten})
    return Exit.FINE


@content_store.command("status")
def status(as_json: AsJson = False) -> int:
    """Say how much is to move, and how much has moved."""
    moving = _open(after_days=None, per_s=None)
    if moving is None:
        return Exit.CONFIGURATION
    left, moved = moving.count(), moving.moved()
    say(f"{left.number} submissions to move, {left.size / 2**20:.1f} MiB; {moved} have moved")
    if as_json:
        emit({"to_move": left.number, "bytes": left.size, "moved": moved})
    return Exit.FINE


def _open(*, after_days: int | None, per_s: float | None) -> MoveContents | None:
    from dataclasses import replace
    from datetime import timedelta

    from claims.runtime.start import open_service

    moving = open_service().move_contents
    if moving is None:
        say("there is no store: set CLAIMS_CONTENT_STORE")
        return None
    if after_days is not None:
        moving = replace(moving, after=timedelta(days=after_days))
    return moving if per_s is None else replace(moving, per_s=per_s)
