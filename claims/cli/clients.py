"""Administration on the server itself: OAuth clients, and who opened protected records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims.cli.admin_words import last_use, sentence, speaking
from claims.cli.inputs import read_text
from claims.cli.output import AsJson, Language, emit, say
from claims.exchange.access.keys import Scope
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.submission import FacilityCode

if TYPE_CHECKING:
    from claims.exchange.access.clients import Client

clients = typer.Typer(
    help="Register OAuth clients by their public keys, list, suspend and end them.", no_args_is_help=True
)
openings = typer.Typer(help="See who opened specially protected records.", no_args_is_help=True)

Facility = Annotated[str | None, typer.Option(help="Whose; none for the service's own.")]
ClientId = Annotated[str, typer.Argument(help="The client's id, cli_….", show_default=False)]
KeyFile = Annotated[
    Path, typer.Option("--public-key", help="A public key, PEM or JWK.", exists=True, dir_okay=False)
]


@clients.command("register")
def register(
    public_key: KeyFile,
    label: Annotated[str, typer.Option(help="What the client is for.")],
    scope: Annotated[list[Scope], typer.Option(help="May be given several times.")],
    facility: Facility = None,
    bound: Annotated[bool, typer.Option(help="Give it tokens over mutual TLS only.")] = False,
    language: Language = "vi",
    as_json: AsJson = False,
) -> None:
    """Register a client; its id is issuer and subject of the statements that it signs."""
    from claims.runtime.start import open_service

    with speaking(language):
        client = open_service().manage_clients.register(
            read_text(public_key),
            facility=None if facility is None else FacilityCode(facility),
            scopes=frozenset(scope),
            label=label,
            is_bound=bound,
        )
    if as_json:
        emit({"id": client.id, "thumbprint": client.keys[0].id})
    else:
        typer.echo(client.id)


@clients.command("list")
def show(facility: Facility = None, language: Language = "vi", as_json: AsJson = False) -> None:
    """List clients, their live keys and last use."""
    from claims.runtime.start import open_service

    service = open_service()
    now = service.clock.now()
    for client in service.clients.of_facility(None if facility is None else FacilityCode(facility)):
        live = [key.id for key in client.live_keys(now)]
        keys = sentence("client.keys" if live else "client.no_keys", language, keys=", ".join(live))
        standing, scopes = sentence(_standing(client), language), ", ".join(sorted(client.scopes))
        say("  ".join((client.id, standing, scopes, client.label, keys, last_use(client, language))))
        if as_json:
            emit(
                {
                    "id": client.id,
                    "live": client.is_live,
                    "suspended_at": client.suspended_at,
                    "scopes": sorted(client.scopes),
                    "label": client.label,
                    "keys": live,
                    "last_used_at": client.last_used_at,
                }
            )


@clients.command("add-key")
def add_key(client_id: ClientId, public_key: KeyFile, language: Language = "vi") -> None:
    """Let a client sign with another key too; two are live at most."""
    from claims.runtime.start import open_service

    with speaking(language):
        key = open_service().manage_clients.add_key(client_id, read_text(public_key))
    say(sentence("client.key_added", language, client=client_id, key=key.id))


@clients.command("end-key")
def end_key(
    client_id: ClientId,
    thumbprint: Annotated[str, typer.Argument(help="The key's thumbprint.")],
    language: Language = "vi",
) -> None:
    """End one key of a client."""
    from claims.runtime.start import open_service

    found = open_service().manage_clients.end_key(client_id, thumbprint)
    say(sentence("client.key_ended" if found else "key.not_revoked", language, key=thumbprint))


@clients.command("suspend")
def suspend(client_id: ClientId, language: Language = "vi") -> None:
    """Give a client no token, and let none that it has open anything, until it is resumed."""
    from claims.runtime.start import open_service

    found = open_service().manage_clients.suspend(client_id)
    say(sentence("client.suspended" if found else "client.not_suspended", language, client=client_id))


@clients.command("resume")
def resume(client_id: ClientId, language: Language = "vi") -> None:
    """Let a suspended client call again."""
    from claims.runtime.start import open_service

    found = open_service().manage_clients.resume(client_id)
    say(sentence("client.resumed" if found else "client.not_resumed", language, client=client_id))


@clients.command("revoke")
def revoke(client_id: ClientId, language: Language = "vi") -> None:
    """End a client and every token it has."""
    from claims.runtime.start import open_service

    found = open_service().manage_clients.revoke(client_id)
    say(sentence("client.revoked" if found else "client.not_revoked", language, client=client_id))


def _standing(client: "Client") -> str:
    if client.revoked_at is not None:
        return "ended"
    return "suspended" if client.suspended_at is not None else "live"


@openings.command("list")
def list_openings(
    facility: Annotated[str | None, typer.Option(help="Whose records; all without it.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=1000)] = 50,
    as_json: AsJson = False,
) -> None:
    """List who broke the glass in front of which record, why, and until when."""
    from claims.runtime.start import open_service

    found = open_service().openings.list_page(within=EVERYWHERE, facility=facility, before=None, limit=limit)
    for one in found:
        say(f"{one.opened_at:%Y-%m-%d %H:%M}Z  {one.by}  {one.submission_id}  {one.reason}")
        if as_json:
            emit(
                {
                    "id": one.id,
                    "submission_id": one.submission_id,
                    "facility": one.facility,
                    "by": one.by,
                    "reason": one.reason,
                    "opened_at": one.opened_at,
                    "until": one.until,
                }
            )
