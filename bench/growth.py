"""The same figures with millions of claims already stored: what grows, and what must not.

Claims go through an installation that is empty, then through one whose tables hold a million (``--stored``
says otherwise) that were made in bulk: rows of every table that a claim leaves, but small bodies, as nothing
reads a settled body on the way of a new claim.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

import psycopg

from bench.end_to_end import WARM_UP, measure_size
from bench.figures import Figure
from bench.load import SETTINGS, make_bundles, send, wait_until_accepted
from claims.cli.demo.installation import FACILITY_NAMES, Installation

STORED: Final = 1_000_000
_AT_ONCE: Final = 100_000
_MOST: Final = 1.3

# A year back, in the order of their receipt, over all facilities; the ids sort before new ones.
_FILL: Final = """
WITH made AS MATERIALIZED (
    SELECT 'sub_00' || lpad(i::text, 24, '0') AS id,
        (%(facilities)s::text[])[1 + i %% %(number)s] AS facility,
        now() - interval '1 year' + i * interval '20 seconds' AS at, i::text AS number
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS i
), stored AS (
    INSERT INTO submission (id, facility, sha256, size, state, received_at, updated_at, checked_at, attempts,
        maybe_taken, ma_giao_dich)
    SELECT id, facility, sha256(number::bytea), 60000, 'acknowledged', at, at, at, 1, true, 'old-' || number
    FROM made
), bodies AS (
    INSERT INTO submission_body (submission_id, body) SELECT id, number::bytea FROM made
), claims AS (
    INSERT INTO claim (submission_id, ordinal, facility, ma_lk, summary)
    SELECT id, 1, facility, 'old-' || number, jsonb_build_object('ma_lk', 'old-' || number) FROM made
), reports AS (
    INSERT INTO report (submission_id, checked_at, stages, findings) SELECT id, at, '[]', '[]' FROM made
), attempts AS (
    INSERT INTO attempt (submission_id, attempt, started_at, ended_at, outcome, answer)
    SELECT id, 1, at, at, 'acknowledged', sha256(number::bytea) FROM made
), receipts AS (
    INSERT INTO receipt (submission_id, ma_giao_dich, received_at, noted_at, answer)
    SELECT id, 'old-' || number, at, at, sha256(number::bytea) FROM made
)
INSERT INTO event (submission_id, facility, at, kind, state, actor)
SELECT id, facility, at, kind, kind, 'bench'
FROM made, unnest(ARRAY['received', 'checked', 'acknowledged']) AS kind
"""


def measure(claims: int, stored: int = STORED) -> Sequence[Figure]:
    """Push claims through an empty installation and a full one; return both and their ratio."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ehoso-growth-")))
        installation = stack.enter_context(Installation(folder, FACILITY_NAMES, settings=SETTINGS))
        made = make_bundles(installation, kib=(10, 80))
        # Whoever comes first pays for what every process does once; that is nobody who is measured.
        send(installation, islice(made, WARM_UP))
        wait_until_accepted(installation, WARM_UP)
        bundles = list(islice(made, 2 * claims))
        empty = measure_size(installation, folder, "empty", bundles[:claims], accepted=WARM_UP)
        _fill(installation.variables["CLAIMS_DATABASE_URL"], stored)
        name = f"{stored:,} stored"
        full = measure_size(installation, folder, name, bundles[claims:], accepted=WARM_UP + claims)
    was = {figure.name.partition(": ")[2]: figure.value for figure in empty}
    kernel = "kernel under the load"
    slower = {figure.name.partition(": ")[2]: figure.value for figure in full}[kernel] / was[kernel]
    parts = ("CPU of PostgreSQL", "CPU of web", "CPU of check workers", "CPU of delivery workers")
    return [
        *empty,
        *full,
        *(
            Figure(
                f"{part}: {name} ÷ empty, in kernels",
                figure.value / was[part] / slower,
                "",
                _MOST,
                at_least=False,
            )
            for figure in full
            if (part := figure.name.partition(": ")[2]) in parts
        ),
    ]


def _fill(database_url: str, stored: int) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for first in range(0, stored, _AT_ONCE):
            last = min(first + _AT_ONCE, stored) - 1
            connection.execute(
                _FILL,
                {
                    "first": first,
                    "last": last,
                    "facilities": list(FACILITY_NAMES),
                    "number": len(FACILITY_NAMES),
                },
            )
        # The bulk is history, not work: signing records of it would take hours.
        connection.execute(
            "UPDATE log_cursor SET tx = pg_current_xact_id(), seq = (SELECT max(seq) FROM event)"
        )
        connection.execute("VACUUM ANALYZE")
