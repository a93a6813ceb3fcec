"""Child processes: start, restart when one dies, stop all, leave none behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog

log = structlog.get_logger()

#: A child that ended by itself with an error is started again only after a pause; a killed one at once.
_PAUSE_AFTER_ERROR_S = 5.0
_STOP_TIMEOUT_S = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """A child process: its name, its command after the Python interpreter, its own variables."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None


class Supervisor:
    """Keeps programs running until it is told to stop."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, program: Program) -> None:
        """Start a program and start it again whenever it ends."""
        self._spawn(program)
        thread = threading.Thread(target=self._keep, args=[program], name=program.name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def pid(self, name: str) -> int | None:
        """Return the process id of a running program, or None between two lives."""
        child = self._children.get(name)
        return child.pid if child is not None and child.poll() is None else None

    def stop(self) -> None:
        """End all programs: ask first, then insist."""
        self._stopping.set()
        for child in self._children.values():
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in self._children.values():
            _kill_group(child)

    def _spawn(self, program: Program) -> None:
        # Each in a group of its own, so that a worker's children can be ended with it.
        with contextlib.ExitStack() as stack:
            output = None if program.output is None else stack.enter_context(program.output.open("ab"))
            self._children[program.name] = subprocess.Popen(
                [sys.executable, *program.arguments],
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr if output is None else output,
                stderr=None if output is None else subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one prctl call
            )

    def _keep(self, program: Program) -> None:
        while True:
            child = self._children[program.name]
            code = child.wait()
            if self._stopping.is_set():
                return
            log.warning("process.ended", program=program.name, code=code)
            _kill_group(child)
            if code > 0 and self._stopping.wait(_PAUSE_AFTER_ERROR_S):
                return
            self._spawn(program)


def _die_with_parent() -> None:
    # Linux tells a child when its parent is gone, even by SIGKILL: no orphans. The thread that
    # spawns must live as long as the supervisor, which the main and the keeper threads do.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
