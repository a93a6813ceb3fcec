"""The logs of readings and of access on the command line: whether they are whole, and heads to keep."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.output import AsJson, Exit, Language, emit, progress_bar, say

if TYPE_CHECKING:
    from claims.storage.chains import ChainHead
    from claims.storage.faults import Fault

KeptHead = Annotated[str | None, typer.Option("--head", help="A head that was kept, POSITION:DIGEST.")]

readings = typer.Typer(help="The log of who saw what of which patients.", no_args_is_help=True)


@readings.command("head")
def head(language: Language = "vi") -> None:
    """Print how far the log has come, as POSITION:DIGEST: keep it elsewhere."""
    from claims.runtime.start import open_service

    _print_head(open_service().reading_chain.head(), language)


@readings.command("verify")
def verify(kept: KeptHead = None, language: Language = "vi", as_json: AsJson = False) -> int:
    """Say whether a reading was changed, removed or left out."""
    from claims.runtime.start import open_service

    kept_head = _kept_head(kept)
    chain = open_service().reading_chain
    last = chain.head()
    with progress_bar("verifying", 0 if last is None else last.position) as bar:
        found = list(chain.faults(kept_head, advance=bar.advance))
    return _tell("readings", last, found, language, as_json=as_json)


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
def access_head(language: Language = "vi") -> None:
    """Print how far the log has come, as POSITION:DIGEST: keep it elsewhere."""
    from claims.runtime.start import open_service

    _print_head(open_service().access_log.head(), language)


@access_log.command("verify")
def verify_access(kept: KeptHead = None, language: Language = "vi", as_json: AsJson = False) -> int:
    """Say whether an event was changed, removed or left out."""
    from claims.runtime.start import open_service

    log = open_service().access_log
    last, found = log.head(), list(log.faults(_kept_head(kept)))
    return _tell("events", last, found, language, as_json=as_json)


def _print_head(found: "ChainHead | None", language: str) -> None:
    from claims.cli.proof_words import sentence

    if found is None:
        say(sentence("chain.empty", language))
    else:
        typer.echo(str(found))


def _tell(
    what: str, last: "ChainHead | None", faults: "Sequence[Fault]", language: str, *, as_json: bool
) -> int:
    from claims.cli.proof_words import sentence
    from claims.proof.audit_words import describe

    for fault in faults:
        say(f"✗ {fault.table} {fault.key}: {describe(fault.code, language)}")
    count = 0 if last is None else last.position
    say(sentence(f"chain.{what}", language, count=count, faults=len(faults)))
    if as_json:
        emit({what: count, "faults": [asdict(fault) for fault in faults]})
    return Exit.BLOCKED if faults else Exit.FINE


def _kept_head(text: str | None) -> "ChainHead | None":
    from claims.storage.chains import ChainHead

    try:
        return None if text is None else ChainHead.parse(text)
    except ValueError as error:
        raise typer.BadParameter("a head is POSITION:DIGEST, as the command `head` prints it") from error
