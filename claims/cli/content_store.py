"""The store of contents on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.admin_words import sentence
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say

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
    language: Language = "vi",
    as_json: AsJson = False,
) -> int:
    """Move all there is to move, while the service runs. May be interrupted and run again.

    Workers do the same by themselves, some at a time.
    """
    moving = _open(language, after_days=after_days, per_s=per_s)
    if moving is None:
        return Exit.CONFIGURATION
    with progress_bar(sentence("content_store.moving", language), moving.count().number) as bar:
        forgotten = moving.forget_unwanted()
        moved = moving(advance=bar.advance)
    size = moved.size / 2**20
    say(sentence("content_store.moved", language, number=moved.number, size=size, removed=forgotten))
    if as_json:
        emit({"moved": moved.number, "bytes": moved.size, "removed": forgotten})
    return Exit.FINE


@content_store.command("status")
def status(language: Language = "vi", as_json: AsJson = False) -> int:
    """Say how much is to move, and how much has moved."""
    moving = _open(language, after_days=None, per_s=None)
    if moving is None:
        return Exit.CONFIGURATION
    left, moved = moving.count(), moving.moved()
    size = left.size / 2**20
    say(sentence("content_store.status", language, number=left.number, size=size, moved=moved))
    if as_json:
        emit({"to_move": left.number, "bytes": left.size, "moved": moved})
    return Exit.FINE


def _open(language: str, *, after_days: int | None, per_s: float | None) -> MoveContents | None:
    from dataclasses import replace
    from datetime import timedelta

    from claims.runtime.start import open_service

    moving = open_service().move_contents
    if moving is None:
        say(sentence("content_store.none", language))
        return None
    if after_days is not None:
        moving = replace(moving, after=timedelta(days=after_days))
    return moving if per_s is None else replace(moving, per_s=per_s)
