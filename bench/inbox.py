"""The reviewers' inbox at a million claims: what the list page asks the database, and how long it takes.

A million reviews are laid in SQL: 12,300 facilities, Vietnamese names as frequent as they are, three lanes, a
dozen findings, four of five still open. Each question is what the page asks: a page of 50 with its counts.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from bench.figures import Figure
from claims.exchange.review.review import Lane, Order, ReviewFilter, ReviewState
from claims.exchange.review.searching import wanted_words
from claims.runtime.embedded import embedded_services
from claims.storage.migrations import upgrade
from claims.storage.pool import borrow, open_pool
from claims.storage.review_names import ReviewNames
from claims.storage.reviews import PostgresReviews
from claims.storage.sealing import Seal

_ROWS = 1_000_000
_TIMES = 15
_TARGET_MS = 150.0

# Who bears which name: the first ones are the most frequent, as in the country.
_FILL = """
INSERT INTO review (submission_id, ordinal, facility, received_at, ma_lk, patient, words, person, diagnosis,
    discharged_on, claimed, classes, lane, lane_reasons, codes, dice, state)
SELECT 'sub_laid', i %% 32000, facility, at, 'LK' || i, upper(name), array_to_tsvector(
        ARRAY[blind ->> family, blind ->> middle, blind ->> given, 'lk' || i]),
    decode(substr(md5((i %% 700000)::text), 1, 32), 'hex'),
    'J' || i %% 100, at::date, 50000 + (power(random(), 6) * 80000000)::int, '{}',
    lane, '{}', CASE lane WHEN 'clean' THEN '{}'::text[]
        ELSE ARRAY['RULE.' || (power(random(), 2) * 12)::int] END,
    (random() * 2147483646)::int, CASE WHEN i %% 5 = 0 THEN 'decided' ELSE 'open' END
FROM (
    SELECT i, lpad((1 + i %% 63)::text, 2, '0') || lpad((i %% 12300 %% 1000)::text, 3, '0') AS facility,
        timestamptz '2026-01-01' + i * interval '20 seconds' AS at,
        (ARRAY['nguyen','tran','le','pham','hoang','phan','vu','dang','bui','do'])
            [1 + (power(random(), 2) * 9)::int] AS family,
        (ARRAY['thi','van','ngoc','minh','quynh'])[1 + (power(random(), 2) * 4)::int] AS middle,
        (ARRAY['nhu','hoa','lan','tam','duc','binh','chi','dung','em','giang','hanh','khanh','linh','mai','nam',
            'oanh','phuc','quang','son','thuy'])[1 + (random() * 19)::int] AS given,
        CASE WHEN i %% 20 = 0 THEN 'must_see' WHEN i %% 5 = 1 THEN 'rule_hit' ELSE 'clean' END AS lane
    FROM generate_series({first}, {last}) AS i
) AS made, LATERAL (SELECT family || ' ' || middle || ' ' || given AS name) AS named,
    (SELECT %(blind)s::jsonb AS blind) AS digests
"""

_NAMES = ReviewNames(Seal(bytes(32)), bytes(32))
_WORDS = tuple(
    {
        *("nguyen", "tran", "le", "pham", "hoang", "phan", "vu", "dang", "bui", "do"),
        *("thi", "van", "ngoc", "minh", "quynh"),
        *("nhu", "hoa", "lan", "tam", "duc", "binh", "chi", "dung", "em", "giang"),
        *("hanh", "khanh", "linh", "mai", "nam", "oanh", "phuc", "quang", "son", "thuy"),
    }
)

_QUESTIONS: Mapping[str, tuple[ReviewFilter, Order]] = {
    "first page": (ReviewFilter(reach=("",)), Order.OLDEST),
    "one lane": (ReviewFilter(reach=("",), lane=Lane.RULE_HIT), Order.OLDEST),
    "largest amounts": (ReviewFilter(reach=("",)), Order.AMOUNT),
    "a province": (ReviewFilter(reach=("48",)), Order.OLDEST),
    "a facility": (ReviewFilter(reach=("",), facility="48123"), Order.OLDEST),
    "a finding": (ReviewFilter(reach=("",), code="RULE.11"), Order.OLDEST),
    "a frequent name": (ReviewFilter(reach=("",), words=wanted_words("nguyen")), Order.OLDEST),
    "a rare name": (ReviewFilter(reach=("",), words=wanted_words("do quynh oanh")), Order.OLDEST),
    "one episode": (ReviewFilter(reach=("",), words=wanted_words("LK777777")), Order.OLDEST),
    "no such name": (ReviewFilter(reach=("",), words=wanted_words("zzyzx")), Order.OLDEST),
    "amounts from 70 million": (ReviewFilter(reach=("",), least=Decimal(70_000_000)), Order.OLDEST),
    "decided ones": (ReviewFilter(reach=("",), state=ReviewState.DECIDED), Order.NEWEST),
}


def measure(_claims: int) -> Sequence[Figure]:
    """Lay the reviews, ask every question, return the slowest answers."""
    with tempfile.TemporaryDirectory() as folder, embedded_services(Path(folder)) as addresses:
        upgrade(addresses.database_url)
        with open_pool(addresses.database_url, max_size=2) as pool:
            with borrow(pool) as connection:
                _lay(connection)
            reviews = PostgresReviews(pool, _NAMES)
            figures = []
            for name, (which, order) in _QUESTIONS.items():
                page = slowest(partial(reviews.list_page, which, order=order, limit=50, cursor=None))
                counts = slowest(partial(reviews.count, which))
                figures += [
                    Figure(f"{name}: a page of 50", page, "ms", _TARGET_MS, at_least=False),
                    Figure(f"{name}: the counts beside it", counts, "ms", _TARGET_MS, at_least=False),
                ]
            everything = ReviewFilter(reach=("",))
            deep = _cursor_at(reviews, everything)
            took = slowest(partial(reviews.list_page, everything, order=Order.OLDEST, limit=50, cursor=deep))
            figures.append(Figure("page 40 of the inbox", took, "ms", _TARGET_MS, at_least=False))
    return figures


def _lay(connection: Connection[TupleRow]) -> None:
    connection.execute("SET session_replication_role = replica")  # one submission stands for all
    connection.execute("SELECT setseed(0.5)")
    for first in range(1, _ROWS, 31_000):
        fill = _FILL.replace("{first}", str(first)).replace("{last}", str(min(first + 30_999, _ROWS)))
        fill = fill.replace("'sub_laid'", f"'sub_laid{first}'")
        connection.execute(
            fill.encode(), {"blind": Json(dict(zip(_WORDS, _NAMES.blind(_WORDS), strict=True)))}
        )
    connection.execute(
        "INSERT INTO review_tally (state, lane, area, code, n, is_sum) "
        "SELECT state, lane, facility, '', count(*), true FROM review GROUP BY state, lane, facility"
    )
    connection.execute(
        "INSERT INTO review_tally (state, lane, area, code, n, is_sum) "
        "SELECT state, lane, left(facility, 2), '*', count(*), true FROM review "
        "GROUP BY state, lane, left(facility, 2)"
    )
    connection.execute(
        "INSERT INTO review_tally (state, lane, area, code, n, is_sum) "
        "SELECT state, lane, left(facility, 2), code, count(*), true FROM review, unnest(codes) AS code "
        "GROUP BY state, lane, left(facility, 2), code"
    )
    connection.execute("VACUUM ANALYZE review")
    connection.execute("VACUUM ANALYZE review_tally")


def slowest(ask: Callable[[], object]) -> float:
    """Return how long all but the slowest twentieth of some askings took at most, in ms."""
    ask()
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        ask()
        took.append((time.perf_counter() - started) * 1_000)
    return statistics.quantiles(took, n=20)[-1]


def _cursor_at(reviews: PostgresReviews, which: ReviewFilter) -> str | None:
    cursor: str | None = None
    for _ in range(10):
        cursor = reviews.list_page(which, order=Order.OLDEST, limit=200, cursor=cursor).next_cursor
    return cursor
