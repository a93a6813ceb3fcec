"""How many reviews are what, kept as sums and additions to them, so that nobody counts and nobody waits.

A change takes its reviews out of the counts before and puts them in after it, in its own transaction.
"""

from collections.abc import Sequence
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

PROVINCE_LENGTH: Final = 2

_NOTE: LiteralString = """
INSERT INTO review_tally (state, lane, area, code, n)
SELECT state, lane, facility, '', %(sign)s * count(*) FROM review WHERE id = ANY(%(ids)s)
GROUP BY state, lane, facility
UNION ALL
SELECT state, lane, left(facility, 2), '*', %(sign)s * count(*) FROM review WHERE id = ANY(%(ids)s)
GROUP BY state, lane, left(facility, 2)
UNION ALL
SELECT r.state, r.lane, left(r.facility, 2), code, %(sign)s * count(*)
FROM review r, unnest(r.codes) AS code WHERE r.id = ANY(%(ids)s)
GROUP BY r.state, r.lane, left(r.facility, 2), code
"""

# Sums of the counts that something was added to, in place of the additions and the sum before.
_SUM_UP: LiteralString = """
WITH fresh AS (
    DELETE FROM review_tally WHERE NOT is_sum RETURNING state, lane, area, code, n
), added AS (
    SELECT state, lane, area, code, sum(n) AS n FROM fresh GROUP BY state, lane, area, code
), before AS (
    DELETE FROM review_tally t USING added a
    WHERE t.is_sum AND t.state = a.state AND t.code = a.code AND t.area = a.area AND t.lane = a.lane
    RETURNING t.state, t.lane, t.area, t.code, t.n
)
INSERT INTO review_tally (state, lane, area, code, n, is_sum)
SELECT state, lane, area, code, sum(n), true
FROM (SELECT * FROM added UNION ALL SELECT * FROM before) AS parts
GROUP BY state, lane, area, code HAVING sum(n) <> 0
"""


def take_out(connection: Connection[TupleRow], ids: Sequence[int]) -> None:
    """Take reviews out of the counts, as they are now."""
    connection.execute(_NOTE, {"ids": list(ids), "sign": -1})


def put_in(connection: Connection[TupleRow], ids: Sequence[int]) -> None:
    """Put reviews into the counts, as they are now."""
    connection.execute(_NOTE, {"ids": list(ids), "sign": 1})


def sum_up(connection: Connection[TupleRow]) -> None:
    """Make sums of what was added since, unless somebody else is at it."""
    with connection.transaction():
        is_mine = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('review_tally', 0))"
        ).fetchone()
        if is_mine is not None and is_mine[0]:
            connection.execute(_SUM_UP)
