"""The histories of submissions: append-only."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.exchange.submission import Event, SubmissionId

_NOTE: LiteralString = """
INSERT INTO event (submission_id, facility, at, kind, state, actor, cause, detail, digests)
SELECT s.id, s.facility, r.at, r.kind, r.state, r.actor, r.cause, r.detail, r.digests
FROM ROWS FROM (json_to_recordset(%(rows)s) AS (
    id text, at timestamptz, kind text, state text, actor text, cause text, detail jsonb,
    digests jsonb
)) WITH ORDINALITY AS r (id, at, kind, state, actor, cause, detail, digests, n)
JOIN submission s ON s.id = r.id ORDER BY r.n
"""


_NO_DIGESTS: Mapping[str, str] = {}


def note_events(
    connection: Connection[TupleRow],
    events: Sequence[tuple[SubmissionId, Event]],
    digests: Mapping[SubmissionId, Mapping[str, str]] | None = None,
) -> None:
    """Append to the histories of submissions, in the caller's transaction.

    ``digests`` are of the documents that the same transaction writes about a submission: what becomes
    evidence is fixed here, whenever the log gets to it.
    """
    digests = digests or {}
    rows = [
        {
            "id": submission_id,
            "at": event.at.isoformat(),
            "kind": event.kind,
            "state": event.state,
            "actor": event.actor,
            "cause": event.cause,
            "detail": dict(event.detail),
            "digests": dict(digests.get(submission_id, _NO_DIGESTS)),
        }
        for submission_id, event in events
    ]
    connection.execute(_NOTE, {"rows": Json(rows)})
