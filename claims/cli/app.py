"""The command line's commands, in the order of a claim's life, each loaded when it is asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from claims import __version__
from claims.cli.helping import NAMES, HelpContext

if TYPE_CHECKING:
    from typer._click import Command, Context

#: Where a command, or a group of some, is found: a module here, and a name in it.
_PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "Bundles": {
        "build": "building:build",
        "sign": "signatures:sign",
        "verify": "verification:verify",
        "extend": "signatures:extend",
        "check": "check:check",
        "explain": "explain:explain",
        "inspect": "inspection:inspect",
        "diff": "inspection:diff",
        "paper": "papers:paper",
        "schema": "schemas:schemas",
        "rules": "rules:rules",
        "keys": "keys:keys",
        "catalogue": "catalogues:catalogues",
    },
    "Submissions": {
        "submit": "submitting:submit",
        "watch": "watching:watch",
        "status": "submissions:status",
        "withdraw": "submissions:withdraw",
        "replay": "replays:replays",
        "webhook": "webhooks:webhooks",
    },
    "Running the service": {
        "serve": "operations:serve",
        "worker": "operations:worker",
        "migrate": "operations:migrate",
        "restored": "operations:restored",
        "mock-gateway": "operations:mock_gateway",
        "mock-tsa": "authorities:mock_tsa",
        "mock-signing-service": "authorities:mock_signing_service",
        "doctor": "operations:doctor",
        "demo": "demo:demo",
    },
    "Proof": {
        "export": "retention:export",
        "retention": "retention:retention",
        "archive": "archives:archives",
        "receipt": "proofs:receipts",
        "readings": "readings:readings",
        "protection": "protection:protection",
        "privacy": "privacy:privacy",
        "access-log": "readings:access_log",
        "log": "proofs:log",
        "evidence-key": "proofs:evidence_keys",
    },
    "Administration": {
        "content-key": "content_keys:content_keys",
        "content-store": "content_store:content_store",
        "facility": "admin:facilities",
        "certificate": "registrations:certificates",
        "user": "people:people",
        "api-key": "admin:keys",
        "client": "clients:clients",
        "opening": "clients:openings",
    },
}
_PANELS: Final[Mapping[str, str]] = {name: panel for panel, names in _PLACES.items() for name in names}


class _Commands(TyperGroup):
    """All commands. To load them and to read their signatures takes longer than most of them run."""

    context_class = HelpContext

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002 - all of them, wherever asked
        return list(_PANELS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":
        # For a name that is none, one of all is suggested.
        for name in [cmd_name] if cmd_name in _PANELS else _PANELS:
            if name not in self.commands:
                self.commands[name] = _load(name)
        return super().get_command(ctx, cmd_name)


def _load(name: str) -> "Command":
    panel = _PANELS[name]
    module, _, attribute = _PLACES[panel][name].partition(":")
    found = getattr(import_module(f"claims.cli.{module}"), attribute)
    group = typer.Typer()
    if isinstance(found, typer.Typer):
        group.add_typer(found, name=name, rich_help_panel=panel)
    else:
        group.command(name, rich_help_panel=panel)(found)
    command = get_group(group).commands[name]
    _help_in_its_language(command)
    return command


def _help_in_its_language(command: "Command") -> None:
    command.context_class = HelpContext
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            _help_in_its_language(each)


app = typer.Typer(
    name="claims",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": [*NAMES]},
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
