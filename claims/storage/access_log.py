"""The log of access as rows in a chain: the digest of each is over it and the one before it.

`note` writes in the transaction of what it is about, so that neither is there without the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from claims.exchange.access.access_log import AccessEvent, AccessFilter, AccessKind
from claims.exchange.access.acting import acting
from claims.storage.chains import Chain, ChainHead, Link, said_by
from claims.storage.faults import Fault
from claims.storage.pool import Pool, borrow

_INSERT: LiteralString = (
    "INSERT INTO access_event (kind, actor, about, places, detail) "
    "VALUES (%(kind)s, %(by)s, %(about)s, ARRAY[%(place)s]::text[], %(detail)s)"
)
# Where a person has roles, and where he had or gets the one that it is about.
_INSERT_OF_PERSON: LiteralString = (
    "INSERT INTO access_event (kind, actor, about, places, detail) SELECT %(kind)s, %(by)s, %(about)s, "
    "coalesce(nullif(array(SELECT place FROM person_grant WHERE person_id = %(about)s "
    " UNION SELECT %(place)s::text WHERE %(place)s::text IS NOT NULL), '{}'), '{\"\"}'), %(detail)s"
)


def note(
    connection: Connection[TupleRow],
    kind: AccessKind,
    *,
    about: str,
    place: str | None,
    detail: Mapping[str, str] | None = None,
) -> None:
    """Add what happened to something of a facility, or with None of the nation."""
    values = {"kind": kind, "by": acting(), "about": about, "place": place or ""}
    connection.execute(_INSERT, {**values, "detail": Jsonb(dict(detail or {}))})


def note_of_person(
    connection: Connection[TupleRow],
    kind: AccessKind,
    person_id: str,
    *,
    by: str | None = None,
    detail: Mapping[str, str] | None = None,
) -> None:
    """Add what happened to a person; it counts where he has roles, and for the place that it says."""
    told = dict(detail or {})
    place = "" if told.get("place") == "nation" else told.get("place")
    values = {"kind": kind, "by": acting() if by is None else by, "about": person_id, "place": place}
    connection.execute(_INSERT_OF_PERSON, {**values, "detail": Jsonb(told)})


@dataclass(frozen=True, slots=True)
class PostgresAccessLog:
    """`claims.exchange.access.access_log.AccessLog`, and whether it is whole."""

    pool: Pool

    def note(self, kind: AccessKind, *, about: str, detail: Mapping[str, str], by: str | None = None) -> None:
        """Add what happened to a person, or to somebody who is not known."""
        with borrow(self.pool) as connection:
            note_of_person(connection, kind, about, by=by, detail=detail)

    def list_page(self, which: AccessFilter, *, limit: int, before: int | None) -> Sequence[AccessEvent]:
        """Return events, newest first (access_event_pkey; there are few)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT position, at, kind, actor, about, places, detail FROM access_event "
                "WHERE EXISTS (SELECT FROM unnest(places) AS p WHERE p ^@ ANY(%(codes)s)) "
                "AND (%(kinds)s::text[] = '{}' OR kind = ANY(%(kinds)s)) "
                "AND (%(who)s::text IS NULL OR actor = %(who)s OR about = %(who)s) "
                "AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) "
                "AND (%(until)s::timestamptz IS NULL OR at < %(until)s) "
                "AND (%(before)s::bigint IS NULL OR position < %(before)s) "
                "ORDER BY position DESC LIMIT %(limit)s",
                {
                    "codes": which.within.codes,
                    "kinds": list(which.kinds),
                    "who": which.who,
                    "since": which.since,
                    "until": which.until,
                    "before": before,
                    "limit": limit,
                },
            ).fetchall()
        return [
            AccessEvent(position, at, AccessKind(kind), by, about, tuple(places), detail)
            for position, at, kind, by, about, places, detail in rows
        ]

    def head(self) -> ChainHead | None:
        """Return how far the log has come; None while it is empty."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT position, encode(digest, 'hex') FROM access_event ORDER BY position DESC LIMIT 1"
            ).fetchone()
        return None if row is None else ChainHead(*row)

    def faults(self, kept: ChainHead | None = None) -> Iterator[Fault]:
        """Return what is wrong; ``kept`` is a head that somebody kept."""
        with borrow(self.pool) as connection, connection.transaction():
            walk = ACCESS_CHAIN.walk(connection)
            if kept is not None:
                yield from walk.meet(kept)
            yield from walk.rest()


def _link(row: TupleRow) -> Link:
    return Link(row[0], bytes(row[-1]), said_by(*row[:-1]), row[1])


ACCESS_CHAIN: Final = Chain(
    "access",
    "access_event",
    "SELECT position, at, kind, actor, about, array_to_string(places, ','), detail::text, digest "
    "FROM access_event ORDER BY position",
    _link,
)
