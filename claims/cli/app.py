"""The command line's commands, in the order of a claim's life."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from claims import __version__
from claims.cli import (
    admin,
    archives,
    authorities,
    building,
    catalogues,
    check,
    clients,
    content_keys,
    content_store,
    demo,
    explain,
    inspection,
    keys,
    operations,
    papers,
    people,
    privacy,
    proofs,
    protection,
    readings,
    registrations,
    replays,
    retention,
    rules,
    schemas,
    signatures,
    submissions,
    submitting,
    verification,
    watching,
    webhooks,
)

app = typer.Typer(
    name="claims",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"claims {__version__}")
        raise typer.Exit


@app.callback()
def claims(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Show the version of eHoSo and exit."
        ),
    ] = False,
) -> None:
    """Build, sign, check, submit and deliver Vietnamese health insurance claims (GIAMDINHHS)."""


_COMMANDS: Mapping[str, Sequence[Callable[..., object]]] = {
    "Bundles": (
        building.build,
        signatures.sign,
        verification.verify,
        signatures.extend,
        check.check,
        explain.explain,
        inspection.inspect,
        inspection.diff,
        papers.paper,
    ),
    "Submissions": (submitting.submit, watching.watch, submissions.status, submissions.withdraw),
    "Running the service": (
        operations.serve,
        operations.worker,
        operations.migrate,
        operations.restored,
        operations.mock_gateway,
        authorities.mock_tsa,
        authorities.mock_signing_service,
        operations.doctor,
        demo.demo,
    ),
}
for panel, commands in _COMMANDS.items():
    for command in commands:
        app.command(command.__name__.replace("_", "-"), rich_help_panel=panel)(command)
app.add_typer(replays.replays, name="replay", rich_help_panel="Submissions")
app.add_typer(webhooks.webhooks, name="webhook", rich_help_panel="Submissions")
app.command("export", rich_help_panel="Proof")(retention.export)
app.add_typer(retention.retention, name="retention", rich_help_panel="Proof")
app.add_typer(archives.archives, name="archive", rich_help_panel="Proof")
app.add_typer(proofs.receipts, name="receipt", rich_help_panel="Proof")
app.add_typer(readings.readings, name="readings", rich_help_panel="Proof")
app.add_typer(protection.protection, name="protection", rich_help_panel="Proof")
app.add_typer(privacy.privacy, name="privacy", rich_help_panel="Proof")
app.add_typer(readings.access_log, name="access-log", rich_help_panel="Proof")
app.add_typer(proofs.log, name="log", rich_help_panel="Proof")
app.add_typer(proofs.evidence_keys, name="evidence-key", rich_help_panel="Proof")
app.add_typer(schemas.schemas, name="schema", rich_help_panel="Bundles")
app.add_typer(rules.rules, name="rules", rich_help_panel="Bundles")
app.add_typer(keys.keys, name="keys", rich_help_panel="Bundles")
app.add_typer(catalogues.catalogues, name="catalogue", rich_help_panel="Bundles")
app.add_typer(content_keys.content_keys, name="content-key", rich_help_panel="Administration")
app.add_typer(content_store.content_store, name="content-store", rich_help_panel="Administration")
app.add_typer(admin.facilities, name="facility", rich_help_panel="Administration")
app.add_typer(registrations.certificates, name="certificate", rich_help_panel="Administration")
app.add_typer(people.people, name="user", rich_help_panel="Administration")
app.add_typer(admin.keys, name="api-key", rich_help_panel="Administration")
app.add_typer(clients.clients, name="client", rich_help_panel="Administration")
app.add_typer(clients.openings, name="opening", rich_help_panel="Administration")
