"""The keys of stored content on the command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from claims.cli.admin_words import sentence
from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say

content_keys = typer.Typer(
    help="The master keys under which stored claims lie encrypted.", no_args_is_help=True
)


@content_keys.command("make")
def make(language: Language = "vi") -> None:
    """Make a new master key. With several hosts: copy it to all of them at once, then `rotate`."""
    from claims.runtime.start import open_service

    keys = open_service().master_keys
    name = keys.make(at=datetime.now(UTC))
    where = f"{keys.files.folder / name}.key" if keys.first is keys.files else name
    say(sentence("content_key.made", language, where=where))


@content_keys.command("rotate")
def rotate(
    with_new: Annotated[bool, typer.Option("--new/--no-new", help="Make a new master key first.")] = False,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Bring all stored content under the newest master key, while the service runs.

    What lies in the clear from before is encrypted, what is under an earlier key is wrapped anew. May be
    interrupted and run again. When it is through, earlier key files are needed for backups only.
    """
    from claims.runtime.start import open_service

    service = open_service()
    if with_new:
        service.master_keys.make(at=datetime.now(UTC))
    left = service.relocking.count()
    with progress_bar(sentence("content_key.encrypting", language), left.total) as bar:
        done = service.relocking(advance=bar.advance)
    counts = {"encrypted": done.encrypted, "rewrapped": done.rewrapped, "names": done.names}
    say(sentence("content_key.rotated", language, **counts))
    if as_json:
        emit(counts)


@content_keys.command("status")
def status(language: Language = "vi", as_json: AsJson = False) -> int:
    """Say under which master key content is encrypted, and what is not under it yet."""
    from claims.runtime.start import open_service

    service = open_service()
    name, left = service.master_keys.current(), service.relocking.count()
    counts = {"encrypted": left.encrypted, "rewrapped": left.rewrapped, "names": left.names}
    say(sentence("content_key.status", language, key=name, **counts))
    if as_json:
        emit(
            {
                "master": name,
                "in_the_clear": left.encrypted,
                "names_in_the_clear": left.names,
                "under_earlier_keys": left.rewrapped,
            }
        )
    return Exit.FINE
