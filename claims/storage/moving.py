"""Contents of settled submissions move from the database to a store of objects, and are read from there.

One submission at a time, in steps of which each may be the last one that is done:

1. its parts are copied to the store, encrypted as they lie in the database;
2. each copy is read back and compared;
3. one transaction notes where they lie and deletes them here, if they are still what was copied.

Whoever is killed before (3) leaves a copy that nobody needs, and the next pass makes the same one again. What
is erased is first forgotten here and then removed from the store: without its key it says nothing meanwhile.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, LiteralString

import structlog

from claims.exchange.lifecycle import FINAL, HAND_IN_AGAIN_WITHIN
from claims.exchange.ports import Clock
from claims.storage.objects import Objects
from claims.storage.pool import Pool, borrow
from claims.storage.selection import first_id_at

log = structlog.get_logger()

_AT_ONCE: Final = 50

# Along submission_body_pkey, so that a pass reads each row that stays once. The other tables are told where
# to begin, too: a merge join would go through all of them that lies before. What is in the clear stays until
# it has been encrypted, what a reviewer is about to be shown until he has been.
_SETTLED: Final[LiteralString] = """
FROM submission_body b
JOIN submission s ON s.id = b.submission_id AND s.id > %(after)s
JOIN data_key k ON k.submission_id = b.submission_id AND k.submission_id > %(after)s
WHERE b.submission_id > %(after)s AND b.submission_id < %(until)s
    AND s.state = ANY(%(states)s) AND s.updated_at < %(before)s
    AND (s.state <> 'withdrawn' OR s.updated_at < %(withdrawn_before)s)
    AND NOT EXISTS (SELECT FROM review_due d WHERE d.submission_id = s.id)
"""
_NEXT: Final[LiteralString] = f"SELECT s.id {_SETTLED} ORDER BY b.submission_id LIMIT {_AT_ONCE}"
_COUNT: Final[LiteralString] = f"SELECT count(*), coalesce(sum(s.size), 0) {_SETTLED}"
_READ: Final[LiteralString] = (
    "SELECT b.body, o.document, o.trace FROM submission_body b "
    "LEFT JOIN origin o ON o.submission_id = b.submission_id WHERE b.submission_id = %s"
)
_NOTE: Final[LiteralString] = """
INSERT INTO moved_content (submission_id, body, document, trace, moved_at)
SELECT b.submission_id, %(body)b, %(document)b, %(trace)b, %(now)s
FROM submission_body b LEFT JOIN origin o ON o.submission_id = b.submission_id
WHERE b.submission_id = %(id)s AND sha256(b.body) = %(body)b
    AND sha256(o.document) IS NOT DISTINCT FROM %(document)b
    AND sha256(o.trace) IS NOT DISTINCT FROM %(trace)b
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many submissions' contents there are, or were moved, and how many bytes."""

    number: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class MoveContents:
    """Move what is settled. Any number may run at once: each content is moved by one of them.

    Attributes:
        after: How long after its last change a content moves.
        per_s: Submissions in a second, at most, so that whoever works beside it does not notice.
        wait: Lets some seconds pass.
    """

    pool: Pool
    objects: Objects
    clock: Clock
    after: timedelta
    per_s: float
    wait: Callable[[float], None] = time.sleep

    def count(self) -> Moved:
        """Return how much there is to move now."""
        with borrow(self.pool) as connection:
            row = connection.execute(_COUNT, self._params("")).fetchone()
        return Moved() if row is None else Moved(*row)

    def moved(self) -> int:
        """Return how many submissions' contents lie in the store."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT count(*) FROM moved_content").fetchone()
        return 0 if row is None else int(row[0])

    def __call__(
        self, *, for_s: float | None = None, advance: Callable[[int], None] = lambda _: None
    ) -> Moved:
        """Move what there is to move, for so long at most; return what was moved.

        Raises:
            ContentsUnavailable: The store does not do what it is asked. What was moved stays moved.
        """
        began, number, size = time.monotonic(), 0, 0
        for submission_id in self._settled():
            moved = self._move(submission_id)
            number, size = number + (moved > 0), size + moved
            advance(1)
            spent = time.monotonic() - began
            if for_s is not None and spent >= for_s:
                break
            self.wait(max(0.0, number / self.per_s - spent))
        if number:
            log.info("contents.moved", number=number, bytes=size)
        return Moved(number, size)

    def forget_unwanted(self) -> int:
        """Remove from the store what was erased here; return how many objects that were.

        Raises:
            ContentsUnavailable: The store does not do what it is asked.
        """
        forgotten = 0
        while True:
            with borrow(self.pool) as connection:
                rows = connection.execute(
                    "SELECT sha256 FROM unwanted_object LIMIT %s", [_AT_ONCE]
                ).fetchall()
                for (digest,) in rows:
                    self.objects.forget(bytes(digest))
                connection.execute(
                    "DELETE FROM unwanted_object WHERE sha256 = ANY(%s)", [[row[0] for row in rows]]
                )
            forgotten += len(rows)
            if len(rows) < _AT_ONCE:
                return forgotten

    def _settled(self) -> Iterator[str]:
        after = ""
        while True:
            with borrow(self.pool) as connection:
                ids = [row[0] for row in connection.execute(_NEXT, self._params(after)).fetchall()]
            yield from ids
            if len(ids) < _AT_ONCE:
                return
            after = ids[-1]

    def _move(self, submission_id: str) -> int:
        """Move one submission's contents; return how many bytes, 0 if somebody else had been first."""
        with borrow(self.pool) as connection:
            row = connection.cursor(binary=True).execute(_READ, [submission_id]).fetchone()
        if row is None:
            return 0
        parts = [None if part is None else bytes(part) for part in row]
        # (1), (2) No transaction is open meanwhile.
        digests = [None if part is None else self._copy(part) for part in parts]
        with borrow(self.pool) as connection, connection.transaction():
            # (3) Whoever erases it at this moment waits, or has been first.
            connection.execute("SELECT FROM submission WHERE id = %s FOR UPDATE", [submission_id])
            body, document, trace = digests
            noted = connection.execute(
                _NOTE,
                {
                    "id": submission_id,
                    "body": body,
                    "document": document,
                    "trace": trace,
                    "now": self.clock.now(),
                },
            ).rowcount
            if not noted:
                return 0
            connection.execute("DELETE FROM submission_body WHERE submission_id = %s", [submission_id])
            connection.execute("DELETE FROM origin WHERE submission_id = %s", [submission_id])
        return sum(len(part) for part in parts if part is not None)

    def _copy(self, part: bytes) -> bytes:
        digest = self.objects.keep(part)
        self.objects.read(digest)  # which compares
        return digest

    def _params(self, after: str) -> dict[str, object]:
        before = self.clock.now() - self.after
        return {
            "after": after,
            # Ids begin with the time of receipt, and nothing is settled before it came.
            "until": first_id_at(before),
            "before": before,
            # It may be handed in again, and be checked anew, to the end of a request that has begun by then.
            "withdrawn_before": self.clock.now() - HAND_IN_AGAIN_WITHIN - timedelta(days=1),
            "states": sorted(FINAL),
        }


def latest_moved(pool: Pool) -> bytes | None:
    """Return under which digest the latest of the bundles lies that have moved (moved_content_pkey)."""
    with borrow(pool) as connection:
        row = connection.execute(
            "SELECT body FROM moved_content ORDER BY submission_id DESC LIMIT 1"
        ).fetchone()
    return None if row is None else bytes(row[0])
