"""Who gets in now, beside the log of access: roles, people who were closed, live API keys and clients.

Secrets are in no log: another password, another digest of a key or another public key in a row is not seen.
"""

from collections.abc import Iterator, Mapping
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.storage.faults import Fault

_ROLES: LiteralString = """
WITH told AS (
    SELECT DISTINCT ON (about, role, place) about AS person_id, role, place, kind
    FROM access_event CROSS JOIN LATERAL (SELECT detail->>'role' COLLATE "C" AS role,
        (CASE detail->>'place' WHEN 'nation' THEN '' ELSE detail->>'place' END) COLLATE "C" AS place) AS said
    WHERE kind IN ('role_given', 'role_taken') ORDER BY about, role, place, position DESC
)
SELECT concat_ws(' ', person_id, role, nullif(place, '')),
    CASE WHEN t.kind IS NULL THEN 'row.unnoted' ELSE 'row.missing' END
FROM person_grant g FULL JOIN (SELECT * FROM told WHERE kind = 'role_given') AS t
    USING (person_id, role, place)
WHERE g.given_at IS NULL OR t.kind IS NULL ORDER BY 1
"""
_PEOPLE: LiteralString = """
SELECT p.id, 'row.changed' FROM person p LEFT JOIN LATERAL (
    SELECT kind FROM access_event WHERE about = p.id AND kind IN ('person_closed', 'person_reopened')
    ORDER BY position DESC LIMIT 1
) AS last ON true
WHERE (p.disabled_at IS NOT NULL) <> (coalesce(last.kind, '') = 'person_closed') ORDER BY 1
"""
# What one key opens, the next one of its line does.
_KEYS: LiteralString = """
SELECT k.id, CASE WHEN m.about IS NULL OR (k.line IS NOT NULL AND r.by_key IS NULL)
    THEN 'row.unnoted' ELSE 'row.changed' END
FROM api_key k
LEFT JOIN access_event m ON m.kind = 'key_made' AND m.about = coalesce(k.line, k.id)
LEFT JOIN (SELECT DISTINCT detail->>'by_key' AS by_key FROM access_event WHERE kind = 'key_replaced') AS r
    ON r.by_key = k.id
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND (
    m.about IS NULL OR (k.line IS NOT NULL AND r.by_key IS NULL)
    OR m.places <> ARRAY[coalesce(k.facility, '')]
    OR ARRAY(SELECT unnest(k.scopes) ORDER BY 1) <> string_to_array(m.detail->>'scopes', ' ')
    OR EXISTS (SELECT FROM access_event e WHERE e.about = k.id AND (e.kind = 'key_ended'
        OR (e.kind = 'key_replaced' AND (e.detail->>'until')::timestamptz < now())))
) ORDER BY 1
"""
_CLIENTS: LiteralString = """
SELECT c.id, CASE WHEN m.about IS NULL THEN 'row.unnoted' ELSE 'row.changed' END
FROM oauth_client c
LEFT JOIN access_event m ON m.kind = 'client_added' AND m.about = c.id
LEFT JOIN LATERAL (
    SELECT kind FROM access_event WHERE about = c.id AND kind IN ('client_suspended', 'client_resumed')
    ORDER BY position DESC LIMIT 1
) AS last ON true
WHERE c.revoked_at IS NULL AND (
    m.about IS NULL OR m.places <> ARRAY[coalesce(c.facility, '')]
    OR ARRAY(SELECT unnest(c.scopes) ORDER BY 1) <> string_to_array(m.detail->>'scopes', ' ')
    OR (c.suspended_at IS NOT NULL) <> (coalesce(last.kind, '') = 'client_suspended')
    OR EXISTS (SELECT FROM access_event e WHERE e.about = c.id AND e.kind = 'client_ended')
) ORDER BY 1
"""
_BY_TABLE: Final[Mapping[str, LiteralString]] = {
    "person_grant": _ROLES,
    "person": _PEOPLE,
    "api_key": _KEYS,
    "oauth_client": _CLIENTS,
}


def access_faults(connection: Connection[TupleRow]) -> Iterator[Fault]:
    """Return what lets somebody in, or keeps him out, otherwise than the log says."""
    for table, statement in _BY_TABLE.items():
        for key, code in connection.execute(statement).fetchall():
            yield Fault(code, table, key)
