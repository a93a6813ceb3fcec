"""Bringing stored content under the current master key, while the service runs.

Each round is a short transaction over a few rows; whoever is killed in between goes on where he was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.review.searching import folded_words
from claims.storage.pool import Pool, borrow
from claims.storage.review_names import ReviewNames, is_blind
from claims.storage.vault import Lock, Part, Vault

_LOCKS_AT_ONCE: Final = 500
_NAMES_AT_ONCE: Final = 500
_BODIES_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Relocked:
    """What was done: contents and names encrypted that lay in the clear, and keys wrapped anew."""

    encrypted: int = 0
    rewrapped: int = 0
    names: int = 0

    @property
    def total(self) -> int:
        """How many in all."""
        return self.encrypted + self.rewrapped + self.names


@dataclass(frozen=True, slots=True)
class Relocking:
    """Encrypts what lies in the clear and wraps anew what is under an earlier master key."""

    pool: Pool
    vault: Vault
    names: ReviewNames

    def count(self) -> Relocked:
        """Return how many of each there are."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM submission_body b WHERE NOT EXISTS "
                " (SELECT FROM data_key k WHERE k.submission_id = b.submission_id)), "
                "(SELECT count(*) FROM data_key WHERE master <> %s), "
                "(SELECT count(*) FROM review WHERE patient_sealed IS NULL)",
                [self._current()],
            ).fetchone()
        return Relocked() if row is None else Relocked(*row)

    def __call__(self, *, advance: Callable[[int], None] = lambda _: None) -> Relocked:
        """Do all until nothing is left.

        Raises:
            UnreadableContent: A key cannot be unwrapped.
        """
        return Relocked(
            self._in_rounds(self._encrypt_some, advance),
            self._in_rounds(self._rewrap_some, advance),
            self._in_rounds(self._seal_some_names, advance),
        )

    def _current(self) -> str:
        return "" if self.vault.keys is None else self.vault.keys.current()

    def _in_rounds(
        self, do_some: Callable[[Connection[TupleRow], str], tuple[str, int]], advance: Callable[[int], None]
    ) -> int:
        done, after = 0, ""
        while True:
            with borrow(self.pool) as connection, connection.transaction():
                after, some = do_some(connection, after)
            if not after:
                return done
            done += some
            advance(some)

    def _encrypt_some(self, connection: Connection[TupleRow], after: str) -> tuple[str, int]:
        # Locked, so that an erasure waits or has been first (submission_body_pkey). Each table is told where
        # to begin: a merge join would go through all of it that lies before.
        rows = (
            connection.cursor(binary=True)
            .execute(
                "SELECT b.submission_id, b.body, o.document, o.trace FROM submission_body b "
                "LEFT JOIN origin o ON o.submission_id = b.submission_id AND o.submission_id > %(after)s "
                "WHERE b.submission_id > %(after)s AND NOT EXISTS (SELECT FROM data_key k "
                " WHERE k.submission_id = b.submission_id AND k.submission_id > %(after)s) "
                "ORDER BY b.submission_id LIMIT %(at_once)s FOR UPDATE OF b",
                {"after": after, "at_once": _BODIES_AT_ONCE},
            )
            .fetchall()
        )
        for submission_id, body, document, trace in rows:
            key = self.vault.new_key(submission_id)
            if key is None:
                return "", 0
            connection.execute(
                "UPDATE submission_body SET body = %b WHERE submission_id = %s",
                [key.close(Part.BODY, body), submission_id],
            )
            if document is not None:
                connection.execute(
                    "UPDATE origin SET document = %b, trace = %b WHERE submission_id = %s",
                    [key.close(Part.DOCUMENT, document), key.close(Part.TRACE, trace), submission_id],
                )
            connection.execute(
                "INSERT INTO data_key (submission_id, wrapped, master) VALUES (%s, %b, %s)",
                [submission_id, key.lock.wrapped, key.lock.master],
            )
        return (rows[-1][0], len(rows)) if rows else ("", 0)

    def _rewrap_some(self, connection: Connection[TupleRow], after: str) -> tuple[str, int]:
        rows = connection.execute(
            "SELECT submission_id, wrapped, master FROM data_key WHERE submission_id > %s AND master <> %s "
            "ORDER BY submission_id LIMIT %s FOR UPDATE",
            [after, self._current(), _LOCKS_AT_ONCE],
        ).fetchall()
        anew = [(row[0], self.vault.rewrap(row[0], Lock(bytes(row[1]), row[2]))) for row in rows]
        connection.execute(
            "UPDATE data_key k SET wrapped = r.wrapped, master = r.master "
            "FROM unnest(%s::text[], %s::bytea[], %s::text[]) AS r (id, wrapped, master) "
            "WHERE k.submission_id = r.id",
            [
                [submission_id for submission_id, _ in anew],
                [lock.wrapped for _, lock in anew],
                [lock.master for _, lock in anew],
            ],
        )
        return (rows[-1][0], len(rows)) if rows else ("", 0)

    def _seal_some_names(self, connection: Connection[TupleRow], after: str) -> tuple[str, int]:
        rows = connection.execute(
            "SELECT id, submission_id, ordinal, patient, ma_lk, diagnosis, tsvector_to_array(words) "
            "FROM review WHERE id > %s AND patient_sealed IS NULL ORDER BY id LIMIT %s FOR UPDATE",
            [int(after or 0), _NAMES_AT_ONCE],
        ).fetchall()
        for review_id, submission_id, ordinal, patient, ma_lk, diagnosis, words in rows:
            # What stands in other columns as well stays readable; all else may name the patient.
            clear = {word for word in words if is_blind(word)} | set(folded_words(ma_lk, diagnosis))
            kept = [word for word in words if word in clear]
            blind = self.names.blind([word for word in words if word not in clear])
            connection.execute(
                "UPDATE review SET patient = '', patient_sealed = %s, words = array_to_tsvector(%s) "
                "WHERE id = %s",
                [self.names.close(patient, submission_id, ordinal), [*kept, *blind], review_id],
            )
        return (str(rows[-1][0]), len(rows)) if rows else ("", 0)
