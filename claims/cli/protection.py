"""Protected classes of claims on the command line."""

import typer

from claims.cli.output import AsJson, emit, progress_bar, say

protection = typer.Typer(help="Specially protected classes of claims.", no_args_is_help=True)


@protection.command("backfill")
def backfill(as_json: AsJson = False) -> None:
    """Find the classes of claims from before classes were kept, while the service runs.

    Until then such a claim counts as of every class. May be interrupted and run again.
    """
    from claims.runtime.start import open_service

    classifying = open_service().classifying
    with progress_bar("reading claims", classifying.count()) as bar:
        done = classifying(advance=bar.advance)
    say(
        f"{done.found} claims classified; {done.unreadable} stay of every class: their content cannot be read"
    )
    if as_json:
        emit({"classified": done.found, "unreadable": done.unreadable})
