"""A command loads what it works with, and not what all the others do: somebody waits for it."""

import subprocess
import sys
from collections.abc import Sequence

import pytest

HEAVY = (
    "celery",
    "cryptography",
    "fastapi",
    "openpyxl",
    "psycopg",
    "pydantic",
    "sqlalchemy",
    "structlog",
    "typst",
)
_ALL = """
from typer import Context
from typer.main import get_group
from claims.cli.app import app
commands = get_group(app)
for name in commands.list_commands(Context(commands)):
    assert commands.get_command(Context(commands), name), name
"""
_ONE = """
import sys
from claims.cli import main
try:
    main()
except SystemExit:
    pass
"""


def loaded_by(program: str, *arguments: str) -> Sequence[str]:
    """Return the modules that Python has loaded at the end of a program."""
    program += "\nimport sys; print(*sys.modules, sep='\\n', file=sys.__stderr__)"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True
    )
    return done.stderr.splitlines()


def test_no_command_loads_what_another_works_with() -> None:
    assert {*HEAVY} & {*loaded_by(_ALL)} == set()


@pytest.mark.parametrize("arguments", [["--version"], ["inspect", "/nowhere.xml"]], ids=" ".join)
def test_a_command_is_loaded_and_no_other_though_it_fails(arguments: list[str]) -> None:
    loaded = {*loaded_by(_ONE, *arguments)}

    assert {
        "claims.cli.admin",
        "claims.cli.demo",
        "claims.exchange.errors",
        "claims.runtime",
    } & loaded == set()
    assert ("claims.cli.inspection" in loaded) == ("inspect" in arguments)
