"""Finding the protected classes of claims that were stored before classes were known, while the service runs.

Until then such a claim counts as of every class, and shows to hardly anybody. Each round is a short
transaction over a few bundles; whoever is killed in between goes on where he was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.bundle.contents import DocumentKind, read_contents
from claims.exchange.access.protection import classes_of_content
from claims.localtime import local_date
from claims.storage.pool import Pool, borrow
from claims.storage.row_chain import note_claims
from claims.storage.vault import Part, UnreadableContent, Vault, lock_of

_AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Classified:
    """What was done: claims whose classes are known now, and those whose content cannot be read any more."""

    found: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Classifying:
    """Reads bundles of claims without classes, and stores what they are."""

    pool: Pool
    vault: Vault

    def count(self) -> int:
        """Return how many claims have no classes yet."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT count(*) FROM claim WHERE classes IS NULL").fetchone()
        return 0 if row is None else int(row[0])

    def __call__(self, *, advance: Callable[[int], None] = lambda _: None) -> Classified:
        """Do it until nothing is left that can be read."""
        done, after = Classified(), ""
        while True:
            with borrow(self.pool) as connection, connection.transaction():
                after, some = self._some(connection, after)
            if not after:
                return done
            done = Classified(done.found + some.found, done.unreadable + some.unreadable)
            advance(some.found + some.unreadable)

    def _some(self, connection: Connection[TupleRow], after: str) -> tuple[str, Classified]:
        # Locked, so that an erasure waits or has been first (claim_pkey, submission_body_pkey). Each table is
        # told where to begin: a merge join would go through all of it that lies before.
        rows = connection.execute(
            "SELECT s.id, s.received_at, b.body, m.body, k.wrapped, k.master, coalesce(r.findings, '[]'), "
            " ARRAY(SELECT c.ordinal FROM claim c WHERE c.submission_id = s.id AND c.classes IS NULL) "
            "FROM submission s "
            "LEFT JOIN submission_body b ON b.submission_id = s.id AND b.submission_id > %(after)s "
            "LEFT JOIN moved_content m ON m.submission_id = s.id AND m.submission_id > %(after)s "
            "LEFT JOIN data_key k ON k.submission_id = s.id AND k.submission_id > %(after)s "
            "LEFT JOIN report r ON r.submission_id = s.id AND r.submission_id > %(after)s "
            "WHERE s.id > %(after)s AND EXISTS (SELECT FROM claim c "
            " WHERE c.submission_id = s.id AND c.submission_id > %(after)s AND c.classes IS NULL) "
            "ORDER BY s.id LIMIT %(at_once)s FOR UPDATE OF s",
            {"after": after, "at_once": _AT_ONCE},
        ).fetchall()
        found, missing = 0, 0
        for row in rows:
            known = self._classes(row)
            missing += len(row[-1]) - len(known)
            found += _store(connection, row[0], known)
        return (rows[-1][0], Classified(found, missing)) if rows else ("", Classified())

    def _classes(self, row: TupleRow) -> dict[int, frozenset[str]]:
        submission, received_at, body, moved, wrapped, master, findings, ordinals = row
        if body is None and moved is None:
            return {}
        try:
            content = self.vault.read(submission, Part.BODY, body, lock_of(wrapped, master), moved)
        except UnreadableContent:
            return {}
        contents = read_contents(content, today=local_date(received_at))
        # What cannot be read as it was handed in stays of every class.
        if contents.document is not DocumentKind.BUNDLE:
            return {}
        return {
            claim.number: classes_of_content(claim, _named(findings, claim.number))
            for claim in contents.claims
            if claim.number in ordinals
        }


def _named(findings: Sequence[dict[str, dict[str, object]]], ordinal: int) -> set[str]:
    places = [one["at"] for one in findings]
    return {
        str(each["table"]) for each in places if "table" in each and each.get("claim", ordinal) == ordinal
    }


def _store(connection: Connection[TupleRow], submission: str, known: dict[int, frozenset[str]]) -> int:
    for ordinal, classes in known.items():
        values = [sorted(classes), submission, ordinal]
        connection.execute("UPDATE claim SET classes = %s WHERE submission_id = %s AND ordinal = %s", values)
        connection.execute("UPDATE review SET classes = %s WHERE submission_id = %s AND ordinal = %s", values)
    note_claims(connection, submission, list(known))
    return len(known)
