"""The kernel: the check of one bundle, by itself, in CPU time.

Once alone, and once beside a load: a core that shares its units with a busy one is up to twice as slow, and
what a claim costs under load can only be compared with what its check costs under the same load.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from claims.checking.check import CheckTerms, SignatureTerms, check_bundle
from claims.runtime.wiring import prepare_process
from signing.policy import DEFAULT_POLICY
from signing.trust import TrustStore

#: A look costs a twentieth of a core: so many checks, of which the first find cold caches, every so often.
_A_LOOK: Final = 8
_COLD: Final = 2
_EVERY_S: Final = 0.8


def kernel_seconds(folder: Path, bodies: Sequence[bytes]) -> float:
    """Return the CPU seconds of checking one bundle."""
    check = _checker(folder)
    for body in bodies[:20]:
        check(body)
    return _timed(check, bodies) / len(bodies)


class Beside:
    """Measures the kernel in a process of its own while the block runs."""

    def __init__(self, folder: Path, bodies: Sequence[bytes]) -> None:
        self._ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_look_now_and_then, args=(folder, list(bodies), theirs))
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._process.start()
        self._ours.recv()  # it is warm
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ours.send(None)
        self._seconds = self._ours.recv()
        self._process.join()

    def seconds(self) -> float:
        """Return the CPU seconds of checking one bundle, once the block has ended."""
        return self._seconds


def _look_now_and_then(folder: Path, bodies: Sequence[bytes], asked: Connection) -> None:
    prepare_process()
    check, spent, checked, at = _checker(folder), 0.0, 0, 0
    for body in bodies:
        check(body)
    asked.send(None)
    while True:
        look = [bodies[(at + number) % len(bodies)] for number in range(_A_LOOK)]
        at += _A_LOOK
        _timed(check, look[:_COLD])
        spent += _timed(check, look[_COLD:])
        checked += _A_LOOK - _COLD
        if asked.poll(_EVERY_S):
            asked.send(spent / checked)
            return


def _checker(folder: Path) -> Callable[[bytes], object]:
    signature = SignatureTerms(TrustStore.load(folder / "trust"), DEFAULT_POLICY, lambda *_: True)
    terms = CheckTerms(signature=signature)
    now = datetime.now(UTC)
    return lambda body: check_bundle(body, at=now, terms=terms)


def _timed(check: Callable[[bytes], object], bodies: Sequence[bytes]) -> float:
    started = time.process_time()
    for body in bodies:
        check(body)
    return time.process_time() - started
