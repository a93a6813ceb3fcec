"""The histories of submissions: append-only."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.exchange.submission import Event, SubmissionId

_NOTE: LiteralString = """
INSERT INTO event (submission_id, at, kind, state, actor, cause, detail)
SELECT id, at, kind, state, actor, cause, detail FROM json_to_recordset(%(rows)s)
    AS r (id text, at timestamptz, kind text, state text, actor text, cause text, detail jsonb)
"""


def note_events(connection: Connection[TupleRow], events: Sequence[tuple[SubmissionId, Event]]) -> None:
    """Append to the histories of submissions, in the caller's transaction."""
    rows = [
        {
            "id": submission_id,
            "at": event.at.isoformat(),
            "kind": event.kind,
            "state": event.state,
            "actor": event.actor,
            "cause": event.cause,
            "detail": dict(event.detail),
        }
        for submission_id, event in events
    ]
    connection.execute(_NOTE, {"rows": Json(rows)})
