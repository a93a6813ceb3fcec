"""The operators' pages at a million submissions: failures by cause, and what waits.

A million are laid in SQL over 12,300 facilities: 55,000 of them failed in 30 ways, 20,000 wait.
"""

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from bench.figures import Figure
from bench.inbox import slowest
from claims.exchange.access.places import EVERYWHERE, Place, Reach
from claims.runtime.embedded import embedded_services
from claims.storage.migrations import upgrade
from claims.storage.operating import PostgresOperating
from claims.storage.pool import borrow, open_pool

_ROWS: Final = 1_000_000
_TARGET_MS: Final = 150.0
_FILL: Final = """
INSERT INTO submission (id, facility, sha256, size, state, cause, received_at, updated_at, attempts,
    next_attempt_at)
SELECT 'sub_' || lpad(i::text, 26, '0'), facility, sha256(i::text::bytea), 60000, state,
    CASE WHEN state IN ('rejected', 'refused', 'failed') THEN 'cause.' || (i %% 30) END, at, at, 1,
    CASE WHEN state = 'checked' THEN at END
FROM (
    SELECT i, lpad((1 + i %% 63)::text, 2, '0') || lpad((i %% 12300 %% 1000)::text, 3, '0') AS facility,
        timestamptz '2026-01-01' + i * interval '20 seconds' AS at,
        CASE WHEN i %% 1000 < 55 THEN (ARRAY['rejected', 'refused', 'failed'])[1 + i %% 3]
            WHEN i %% 1000 < 75 THEN 'checked' ELSE 'acknowledged' END AS state
    FROM generate_series(1, %(rows)s) AS i
) AS made
"""


def measure(_claims: int) -> Sequence[Figure]:
    """Lay the submissions, ask what the pages ask, return the slowest answers."""
    with tempfile.TemporaryDirectory() as folder, embedded_services(Path(folder)) as addresses:
        upgrade(addresses.database_url)
        with open_pool(addresses.database_url, max_size=2) as pool:
            with borrow(pool) as connection:
                _lay(connection)
            operating = PostgresOperating(pool)
            questions: dict[str, Callable[[], object]] = {
                "failures by cause, of the nation": partial(operating.failures, EVERYWHERE),
                "failures by cause, of a province": partial(operating.failures, Reach.of(Place("48"))),
                "failures by cause, of a facility": partial(operating.failures, Reach.of(Place("48123"))),
                "what waits": partial(operating.backlog, EVERYWHERE),
            }
            return [
                Figure(name, slowest(ask), "ms", _TARGET_MS, at_least=False)
                for name, ask in questions.items()
            ]


def _lay(connection: Connection[TupleRow]) -> None:
    connection.execute("SET session_replication_role = replica")  # no facility is registered
    connection.execute(_FILL, {"rows": _ROWS})
    connection.execute("VACUUM ANALYZE submission")
