"""The `claims` command in a process of its own, with what it said.

Most of a command's time would go into loading libraries and reading tables. So one process of each worker
has done both and does nothing but fork: a command gets a process of its own, with its own environment,
streams and end, in which its imports are done. `claims_from_scratch` starts Python anew.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from claims import cli
from claims.checking import rules

#: Seconds after which a command hangs, on however busy a machine.
_PATIENCE_S: Final = 100
_FORKING: Final = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "alembic.command",
        "claims.runtime.doctor",
        "claims.runtime.start",
        "claims.web",
        "rich.progress",
        "rich.traceback",
        "uvicorn.protocols.http.httptools_impl",
        *(
            one.name
            for package in (cli, rules)
            for one in iter_modules(package.__path__, f"{package.__name__}.")
        ),
        "tests.integration.loaded",
    ]
)


def claims(*arguments: str | Path, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> "Outcome":
    """Run a command, forked off where its libraries are loaded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = _start(folder, arguments, env, stdin)
        process.join(_PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(arguments)
        return Outcome(process.exitcode, (folder / "1").read_bytes(), (folder / "2").read_text("utf-8"))


def claims_from_scratch(*arguments: str | Path, env: Mapping[str, str] | None = None) -> "Outcome":
    """Run a command as a shell does."""
    command = [sys.executable, "-m", "claims", *map(str, arguments)]
    done = subprocess.run(
        command, check=False, capture_output=True, timeout=_PATIENCE_S, env=_environment(env)
    )
    return Outcome(done.returncode, done.stdout, done.stderr.decode())


def _start(
    folder: Path, arguments: Sequence[str | Path], env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> ForkServerProcess:
    (folder / "0").write_bytes(stdin)
    process = _FORKING.Process(target=_run, args=(folder, list(map(str, arguments)), _environment(env)))
    process.start()
    return process


def _run(folder: Path, arguments: list[str], environment: dict[str, str]) -> None:
    """Be the command, with files as its streams."""
    for stream, flags in enumerate((os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT)):
        file = os.open(folder / str(stream), flags)
        os.dup2(file, stream)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the process ends with it
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv = ["claims", *arguments]
    cli.main()


@contextmanager
def serving(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a command that serves on a port of the system's choice, and give the address that it tells."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = _start(folder, (*arguments, "--port", "0", "--json"), env)
        try:
            yield _told_url(folder, process)
        finally:
            process.terminate()
            process.join()


def _told_url(folder: Path, process: ForkServerProcess) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.is_alive():
        told = (folder / "1").read_bytes() if (folder / "1").exists() else b""
        if told.endswith(b"\n"):
            return str(json.loads(told)["url"])
        time.sleep(0.05)
    raise TimeoutError((folder / "2").read_text("utf-8"))


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
