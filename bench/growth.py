"""The same figures with millions of claims already stored: what grows, and what must not.

Two whole installations run beside each other, one of them with claims of a year that were made in bulk. The
same bundles go through one and through the other, some hundred at a time by turns, so that whatever else the
machine does is done to both.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, LiteralString

import psycopg
from psycopg.rows import TupleRow

from bench.end_to_end import WARM_UP
from bench.figures import Figure
from bench.kernel import Beside
from bench.load import SETTINGS, Bundle, cpu_by_part, make_bundles, processes, send, wait_until_accepted
from bench.stored import lay
from claims.cli.demo.installation import FACILITY_NAMES, Installation

STORED: Final = (1_000_000,)
_MOST: Final = 1.3
_A_TURN: Final = 200
#: Whose CPU is compared; the broker and the webhook worker take next to nothing.
_PARTS: Final = ("web", "check workers", "delivery workers", "PostgreSQL")
# The log takes events in some seconds after they happened, in the order of their transactions.
_IS_LOGGED: Final[LiteralString] = (
    "SELECT (SELECT seq FROM event ORDER BY tx DESC, seq DESC LIMIT 1) = (SELECT seq FROM log_cursor)"
)


def measure(claims: int, stored: Sequence[int] = STORED) -> Sequence[Figure]:
    """Push claims through an installation that is empty and one that is full, ever fuller; compare them."""
    figures: list[Figure] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-growth-")))
        empty, full = (_open(stack, folder / name) for name in ("empty", "full"))
        for side in (empty, full):
            side.push(WARM_UP)  # so that the log has begun
        for so_far, count in zip((0, *stored), stored, strict=False):
            took_s = full.lay(range(so_far, count))
            for side in (empty, full):
                # Whoever comes first pays for what every process does once.
                side.push(WARM_UP)
                side.spent.clear()
            sample = [bundle.body for bundle in islice(_bundles(empty.installation), _A_TURN)]
            with Beside(empty.folder, sample) as beside:
                turns = range(-(-claims // _A_TURN))
                for turn in turns:
                    for side in (empty, full) if turn % 2 else (full, empty):
                        side.push(_A_TURN)
            figures += _compare(f"{count:,} stored", empty, full, pushed=len(turns) * _A_TURN)
            figures += [
                Figure(f"{count:,} stored: kernel under the load", beside.seconds() * 1e6, "µs CPU"),
                Figure(f"{count:,} stored: made in", took_s, "s"),
                Figure(f"{count:,} stored: database", full.bytes_stored() / 2**30, "GiB"),
            ]
    return figures


def _compare(name: str, empty: "_Side", full: "_Side", *, pushed: int) -> Iterator[Figure]:
    for part in _PARTS:
        spent = full.spent[part]
        yield Figure(f"{name}: CPU of {part}, empty", empty.spent[part] / pushed * 1e6, "µs/claim")
        yield Figure(f"{name}: CPU of {part}, full", spent / pushed * 1e6, "µs/claim")
        ratio = spent / empty.spent[part]
        yield Figure(f"{name}: CPU of {part}, full ÷ empty", ratio, "", _MOST, at_least=False)


@dataclass
class _Side:
    """One of the two installations.

    Attributes:
        bundles: What is still to be sent.
        accepted: How many the gateway has by now.
        spent: CPU seconds of each part while bundles went through.
    """

    folder: Path
    installation: Installation
    bundles: Iterator[Bundle]
    accepted: int = 0
    spent: Counter[str] = field(default_factory=Counter)

    def push(self, count: int) -> None:
        """Push bundles through until the gateway has them and the log tells it, and add up what that cost."""
        batch = list(islice(self.bundles, count))
        parts = processes(self.installation, self.folder)
        before = cpu_by_part(parts)
        send(self.installation, batch)
        self.accepted += count
        wait_until_accepted(self.installation, self.accepted)
        with self._connect() as connection:
            while connection.execute(_IS_LOGGED).fetchone() != (True,):
                time.sleep(0.2)
        self.spent.update({part: spent - before[part] for part, spent in cpu_by_part(parts).items()})

    def lay(self, numbers: range) -> float:
        """Make claims in bulk."""
        return lay(self.installation.variables["CLAIMS_DATABASE_URL"], list(FACILITY_NAMES), numbers)

    def bytes_stored(self) -> int:
        """Return the size of the database."""
        with self._connect() as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return 0 if row is None else int(row[0])

    def _connect(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(self.installation.variables["CLAIMS_DATABASE_URL"], autocommit=True)


def _open(stack: ExitStack, folder: Path) -> _Side:
    installation = stack.enter_context(Installation(folder, FACILITY_NAMES, settings=SETTINGS))
    return _Side(folder, installation, _bundles(installation))


def _bundles(installation: Installation) -> Iterator[Bundle]:
    return make_bundles(installation, kib=(10, 80))
