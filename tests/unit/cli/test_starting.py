"""A command loads what it works with, and not what all the others do: somebody waits for its help."""

import subprocess
import sys

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


def test_no_command_loads_what_another_works_with() -> None:
    program = f"import claims.cli.app, sys; print(*sorted({{*{HEAVY}}} & {{*sys.modules}}))"

    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert loaded.stdout.split() == []
