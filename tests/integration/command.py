"""The `claims` command in a process of its own, with what it said."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def claims(*arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> "Outcome":
    command = [sys.executable, "-m", "claims", *map(str, arguments)]
    done = subprocess.run(
        command, check=False, capture_output=True, input=stdin, timeout=60, env=_environment(env)
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode())


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "CLAIMS_DATA_DIR": "/nonexistent", "COLUMNS": "200", **(extra or {})}


class Outcome:
    def __init__(self, code: int, stdout: bytes, stderr: str) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.splitlines()]
