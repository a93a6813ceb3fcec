"""The logs of readings and of access on the command line: whether they are whole, and heads to keep."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.output import AsJson, Exit, emit, progress_bar, say

if TYPE_CHECKING:
    from claims.storage.chains import ChainHead

readings = typer.Typer(help="The log of who saw what of which patients.", no_args_is_help=True)


@readings.command("head")
def head() -> None:
    """Print how far the log has come, as POSITION:DIGEST: keep it elsewhere."""
    from claims.runtime.start import open_service

    found = open_service().reading_chain.head()
    if found is None:
        say("nothing was read yet")
        return
    typer.echo(f"{found.position}:{found.digest}")


@readings.command("verify")
def verify(
    kept: Annotated[str | None, typer.Option("--head", help="A head that was kept, POSITION:DIGEST.")] = None,
    as_json: AsJson = False,
) -> int:
    """Say whether a reading was changed, removed or left out."""
    from claims.runtime.start import open_service

    kept_head = _kept_head(kept)
    chain = open_service().reading_chain
    last = chain.head()
    with progress_bar("verifying", 0 if last is None else last.position) as bar:
        found = list(chain.faults(kept_head, advance=bar.advance))
    for fault in found:
        say(f"✗ {fault}")
    say(f"{0 if last is None else last.position} readings, {len(found)} faults")
    if as_json:
        emit({"readings": 0 if last is None else last.position, "faults": found})
    return Exit.BLOCKED if found else Exit.FINE


access_log = typer.Typer(
    help="The log of access: failed sign-ins, lock-outs, changes of roles and keys, broken glass.",
    no_args_is_help=True,
)


@access_log.command("list")
def show(
    who: Annotated[str | None, typer.Option(help="Who did it, or whom it was done to: an id.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only these; may be given several times.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: AsJson = False,
) -> None:
    """List what happened, newest first."""
    from claims.exchange.access.access_log import AccessFilter, AccessKind
    from claims.exchange.access.places import EVERYWHERE
    from claims.runtime.start import open_service

    try:
        kinds = tuple(AccessKind(one) for one in kind or ())
    except ValueError as error:
        raise typer.BadParameter(f"kinds are {', '.join(AccessKind)}") from error
    which = AccessFilter(EVERYWHERE, kinds, who)
    for one in open_service().access_log.list_page(which, limit=limit, before=None):
        places = [place or "nation" for place in one.places]
        if as_json:
            emit({**asdict(one), "at": one.at.isoformat(), "places": places})
        else:
            facts = [f"{name}={value}" for name, value in sorted(one.detail.items())]
            say("  ".join((f"{one.at:%Y-%m-%d %H:%M:%S}", one.kind, one.by or "-", one.about or "-", *facts)))


@access_log.command("head")
def access_head() -> None:
    """Print how far the log has come, as POSITION:DIGEST: keep it elsewhere."""
    from claims.runtime.start import open_service

    found = open_service().access_log.head()
    typer.echo("" if found is None else f"{found.position}:{found.digest}")


@access_log.command("verify")
def verify_access(
    kept: Annotated[str | None, typer.Option("--head", help="A head that was kept, POSITION:DIGEST.")] = None,
    as_json: AsJson = False,
) -> int:
    """Say whether an event was changed, removed or left out."""
    from claims.runtime.start import open_service

    log = open_service().access_log
    last, found = log.head(), list(log.faults(_kept_head(kept)))
    for fault in found:
        say(f"✗ {fault}")
    count = 0 if last is None else last.position
    say(f"{count} events, {len(found)} faults")
    if as_json:
        emit({"events": count, "faults": found})
    return Exit.BLOCKED if found else Exit.FINE


def _kept_head(text: str | None) -> "ChainHead | None":
    from claims.storage.chains import ChainHead

    if text is None:
        return None
    position, _, digest = text.partition(":")
    if not (position.isdecimal() and digest):
        raise typer.BadParameter("a head is POSITION:DIGEST, as the command `head` prints it")
    return ChainHead(int(position), digest.lower())
