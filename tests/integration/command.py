"""The `claims` command in a process of its own, with what it said."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def claims(*arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> "Outcome":
    command = [sys.executable, "-m", "claims", *map(str, arguments)]
    done = subprocess.run(
        command, check=False, capture_output=True, input=stdin, timeout=100, env=_environment(env)
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode())


@contextmanager
def serving(*arguments: str | Path) -> Iterator[str]:
    """Run a command that serves on a port, and give the address once it answers there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "claims", *map(str, arguments), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(port, process.returncode)


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
