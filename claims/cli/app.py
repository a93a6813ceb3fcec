"""The command line's commands, in the order of a claim's life."""

from collections.abc import Callable, Mapping, Sequence

import typer

from claims.cli import (
    admin,
    authorities,
    building,
    catalogues,
    check,
    demo,
    explain,
    inspection,
    keys,
    operations,
    registrations,
    replays,
    rules,
    schemas,
    signatures,
    submissions,
    verification,
    watching,
)

app = typer.Typer(
    name="claims",
    help="Build, sign, check, submit and deliver Vietnamese health insurance claims (GIAMDINHHS).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
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
    ),
    "Submissions": (submissions.submit, watching.watch, submissions.status, submissions.withdraw),
    "Running the service": (
        operations.serve,
        operations.worker,
        operations.migrate,
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
app.add_typer(schemas.schemas, name="schema", rich_help_panel="Bundles")
app.add_typer(rules.rules, name="rules", rich_help_panel="Bundles")
app.add_typer(keys.keys, name="keys", rich_help_panel="Bundles")
app.add_typer(catalogues.catalogues, name="catalogue", rich_help_panel="Bundles")
app.add_typer(admin.facilities, name="facility", rich_help_panel="Administration")
app.add_typer(registrations.certificates, name="certificate", rich_help_panel="Administration")
app.add_typer(admin.keys, name="api-key", rich_help_panel="Administration")
