"""The inbox: a page of reviews, counts beside it, samples, saved filters. Nothing counts a whole inbox."""

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.errors import InvalidCursor
from claims.exchange.review.review import (
    Facets,
    Lane,
    Order,
    Review,
    ReviewFilter,
    ReviewId,
    ReviewPage,
    ReviewState,
    Sample,
    Verdict,
)
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.review_names import ReviewNames
from claims.storage.review_tally import PROVINCE_LENGTH

#: How many reviews are looked at for counts that are not kept.
MOST_COUNTED: Final = 1_000

#: Up to how many claims are sorted for a page rather than found in its order.
_FEW: Final = 2_000

COLUMNS: LiteralString = """
    r.id, r.submission_id, r.ordinal, r.facility, r.received_at, r.ma_lk, r.patient, r.person, r.diagnosis,
    r.discharged_on, r.claimed, r.classes, r.lane, r.lane_reasons, r.codes, r.state, r.version, r.lock_owner,
    r.lock_until, r.verdict, r.approved, r.reason, r.note, r.decided_by, r.decided_at, r.confirmed_by,
    r.final_at, r.patient_sealed
"""

#: By order: how it sorts, and what comes after a cursor of an amount and an id.
_ORDERS: Final[Mapping[Order, tuple[LiteralString, LiteralString]]] = {
    Order.OLDEST: ("r.id", "r.id > %(after_id)s"),
    Order.NEWEST: ("r.id DESC", "r.id < %(after_id)s"),
    Order.AMOUNT: (
        "r.claimed DESC, r.id DESC",
        "(r.claimed, r.id) < (%(after_amount)s::numeric, %(after_id)s)",
    ),
}

# From the seed on, and then from the beginning: the dice lie in a circle.
_DRAW: LiteralString = """
INSERT INTO review_sample_item (sample_id, review_id)
SELECT %(sample_id)s, id FROM (
    (SELECT r.id, 0 AS lap, r.dice FROM review r WHERE {where} AND r.dice >= %(seed)s
     ORDER BY r.dice LIMIT %(size)s)
    UNION ALL
    (SELECT r.id, 1, r.dice FROM review r WHERE {where} AND r.dice < %(seed)s
     ORDER BY r.dice LIMIT %(size)s)
) AS circle ORDER BY lap, dice LIMIT %(size)s
"""


@dataclass(frozen=True, slots=True)
class ReviewInbox:
    """The listing half of `claims.exchange.review.ports.Reviews`.

    Attributes:
        names: Opens patients' names, and finds them.
    """

    pool: Pool
    names: ReviewNames

    def list_page(self, which: ReviewFilter, *, order: Order, limit: int, cursor: str | None) -> ReviewPage:
        """Return a page of an inbox (review_by_age, review_of_lane, review_of_facility, review_by_amount)."""
        where, params = _conditions(which, self.names)
        sort, after = _ORDERS[order]
        if cursor is None:
            after = "true"
        else:
            params["after_amount"], params["after_id"] = _decode(cursor)
        with borrow(self.pool) as connection:
            source = _source(connection, which, where, params)
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM {source} AND {after} ORDER BY {sort} LIMIT %(limit)s",
                {**params, "limit": limit + 1},
            ).fetchall()
        items = tuple(self._review(row) for row in rows[:limit])
        return ReviewPage(items, _encode(items[-1]) if len(rows) > limit else None)

    def cursor_behind(self, review: Review) -> str:
        """Return where the page begins that follows a review, whatever order an inbox is in."""
        return _encode(review)

    def count(self, which: ReviewFilter) -> Facets:
        """Return how many there are of what: kept counts where they tell, else the first ones counted."""
        return self._kept(which) if which.is_broad else self._counted(which)

    def newest(self) -> ReviewId:
        """Return the number that the last review began with; 0 before the first (review_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute("SELECT id FROM review ORDER BY id DESC LIMIT 1").fetchone()
        return ReviewId(0 if row is None else row[0])

    def arrivals(self, which: ReviewFilter, *, after: ReviewId, most: int) -> int:
        """Return how many reviews of a filter began after another one, at most so many (review_pkey).

        Only the next ones are looked at, however little the filter leaves of them: this is asked again and
        again, and what it misses a page shows.
        """
        where, params = _conditions(which, self.names)
        with borrow(self.pool) as connection:
            row = connection.execute(
                "WITH late AS MATERIALIZED ("
                "SELECT * FROM review WHERE id > %(after)s ORDER BY id LIMIT %(few)s) "
                f"SELECT count(*) FROM (SELECT FROM late r WHERE {where} LIMIT %(most)s) AS late_ones",
                {**params, "after": after, "few": _FEW, "most": most},
            ).fetchone()
        return 0 if row is None else int(row[0])

    def draw_sample(self, which: ReviewFilter, *, sample: Sample) -> int:
        """Draw and keep a sample (review_by_dice); return its number."""
        where, params = _conditions(which, self.names)
        with borrow(self.pool) as connection, connection.transaction():
            row = connection.execute(
                "INSERT INTO review_sample (made_by, made_at, seed, asked, query, size) "
                "VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
                [sample.made_by, sample.made_at, sample.seed, sample.asked, sample.query, sample.size],
            ).fetchone()
            if row is None:
                raise AssertionError("an insert returns its row")
            draw: LiteralString = _DRAW.replace("{where}", where)
            connection.execute(
                draw, {**params, "sample_id": row[0], "seed": sample.seed, "size": sample.size}
            )
        return int(row[0])

    def find_sample(self, sample_id: int) -> Sample | None:
        """Return a sample that was drawn."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT id, made_by, made_at, seed, asked, query, size FROM review_sample WHERE id = %s",
                [sample_id],
            ).fetchone()
        return None if row is None else Sample(*row)

    def saved_filters(self, who: str) -> Sequence[tuple[str, str]]:
        """Return somebody's saved filters, name and query."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT name, query FROM review_filter WHERE person = %s ORDER BY name", [who]
            ).fetchall()
        return [(name, query) for name, query in rows]

    def save_filter(self, who: str, name: str, query: str) -> None:
        """Keep a filter under a name, in the place of one that has it."""
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO review_filter (person, name, query) VALUES (%s, %s, %s) "
                "ON CONFLICT (person, name) DO UPDATE SET query = EXCLUDED.query",
                [who, name, query],
            )

    def forget_filter(self, who: str, name: str) -> None:
        """Forget a saved filter."""
        with borrow(self.pool) as connection:
            connection.execute("DELETE FROM review_filter WHERE person = %s AND name = %s", [who, name])

    def _kept(self, which: ReviewFilter) -> Facets:
        provinces = sorted({code[:PROVINCE_LENGTH] for code in which.reach})
        everywhere = "" in which.reach
        # Claims are counted by province as well; only who sees less than one is told from facilities' counts.
        is_wide = all(len(code) <= PROVINCE_LENGTH for code in which.reach)
        params = {
            "state": which.state,
            "lane": which.lane,
            "areas": _patterns(which.reach),
            "provinces": provinces,
            "claims": "*" if is_wide else "",
        }
        within: LiteralString = "true" if everywhere else "area LIKE ANY(%(areas)s)"
        wide: LiteralString = "true" if everywhere else "area = ANY(%(provinces)s)"
        of_lane: LiteralString = "(%(lane)s::text IS NULL OR lane = %(lane)s)"
        with borrow(self.pool) as connection:
            lanes = connection.execute(
                "SELECT lane, sum(n)::bigint FROM review_tally "
                f"WHERE state = %(state)s AND code = %(claims)s AND {within} GROUP BY lane",
                params,
            ).fetchall()
            codes = connection.execute(
                "SELECT code, sum(n)::bigint AS n FROM review_tally WHERE state = %(state)s AND code > '*' "
                f"AND {wide} AND {of_lane} GROUP BY code HAVING sum(n) > 0 ORDER BY n DESC LIMIT 40",
                params,
            ).fetchall()
            # The largest sums, and what was added since, are candidates; then those are told exactly.
            facilities = connection.execute(
                "WITH candidate AS ("
                "(SELECT area FROM review_tally WHERE is_sum AND state = %(state)s AND code = '' "
                f"AND {within} AND {of_lane} ORDER BY n DESC LIMIT 40) UNION "
                "(SELECT DISTINCT area FROM review_tally WHERE NOT is_sum "
                f"AND state = %(state)s AND code = '' AND {within} AND {of_lane} LIMIT 40)) "
                "SELECT area, sum(n)::bigint AS n FROM review_tally JOIN candidate USING (area) "
                f"WHERE state = %(state)s AND code = '' AND {of_lane} "
                "GROUP BY area HAVING sum(n) > 0 ORDER BY n DESC LIMIT 12",
                params,
            ).fetchall()
        counted = {lane: number for lane, number in lanes if number}
        seen = sum(number for lane, number in counted.items() if which.lane in (None, lane))
        return Facets(counted, dict(codes), dict(facilities), seen, is_bounded=False)

    def _counted(self, which: ReviewFilter) -> Facets:
        where, params = _conditions(which, self.names)
        with borrow(self.pool) as connection:
            source = _source(connection, which, where, params)
            rows = connection.execute(
                # In no order: one that is asked for is walked through, past a hundred for each that counts.
                f"SELECT r.lane, r.facility, r.codes FROM {source} LIMIT %(limit)s",
                {**params, "limit": MOST_COUNTED + 1},
            ).fetchall()
        counted = rows[:MOST_COUNTED]
        return Facets(
            lanes=dict(Counter(lane for lane, _, _ in counted)),
            codes=dict(Counter(code for _, _, codes in counted for code in codes).most_common(40)),
            facilities=dict(Counter(facility for _, facility, _ in counted).most_common(12)),
            seen=len(counted),
            is_bounded=len(rows) > MOST_COUNTED,
        )

    def _review(self, row: TupleRow) -> Review:
        """Return the review of a row of `COLUMNS`."""
        (review_id, submission_id, ordinal, facility, received_at, ma_lk, patient, person, diagnosis) = row[
            :9
        ]
        (discharged_on, claimed, classes, lane, lane_reasons, codes, state, version) = row[9:17]
        (lock_owner, lock_until, verdict, approved, reason, note) = row[17:23]
        (decided_by, decided_at, confirmed_by, final_at, sealed) = row[23:]
        return Review(
            id=ReviewId(review_id),
            submission_id=SubmissionId(submission_id),
            ordinal=ordinal,
            facility=FacilityCode(facility),
            received_at=received_at,
            ma_lk=ma_lk,
            patient=patient if sealed is None else self.names.open(bytes(sealed), submission_id, ordinal),
            person=None if person is None else bytes(person),
            diagnosis=diagnosis,
            discharged_on=discharged_on,
            claimed=claimed,
            classes=frozenset(classes),
            lane=Lane(lane),
            lane_reasons=tuple(lane_reasons),
            codes=tuple(codes),
            state=ReviewState(state),
            version=version,
            lock_owner=lock_owner,
            lock_until=lock_until,
            verdict=None if verdict is None else Verdict(verdict),
            approved=approved,
            reason=reason,
            note=note,
            decided_by=decided_by,
            decided_at=decided_at,
            confirmed_by=confirmed_by,
            final_at=final_at,
        )


def _conditions(which: ReviewFilter, names: ReviewNames) -> tuple[LiteralString, dict[str, object]]:
    parts: list[LiteralString] = ["r.state = %(state)s"]
    params: dict[str, object] = {"state": which.state}

    def narrow(part: LiteralString, name: str, value: object) -> None:
        parts.append(part)
        params[name] = value

    if "" not in which.reach:
        narrow("r.facility LIKE ANY(%(reach)s)", "reach", _patterns(which.reach))
    if which.lane is not None:
        narrow("r.lane = %(lane)s", "lane", which.lane)
    if which.facility is not None:
        narrow("r.facility = %(facility)s", "facility", which.facility)
    if which.code is not None:
        narrow("r.codes @> ARRAY[%(code)s]::text[]", "code", which.code)
    if which.words:  # review_words
        narrow("r.words @@ %(words)s::tsquery", "words", names.query(which.words))
    if which.least is not None:
        narrow("r.claimed >= %(least)s", "least", which.least)
    if which.most is not None:
        narrow("r.claimed <= %(most)s", "most", which.most)
    if which.sample is not None:
        narrow(
            "r.id IN (SELECT review_id FROM review_sample_item WHERE sample_id = %(sample)s)",
            "sample",
            which.sample,
        )
    return " AND ".join(parts), params


def _source(
    connection: Connection[TupleRow],
    which: ReviewFilter,
    where: LiteralString,
    params: dict[str, object],
) -> LiteralString:
    """Return the rows of a filter as a FROM and a WHERE, to which conditions may be added.

    Left alone, the planner walks the inbox in its order until it has a page, which takes for ever where few
    claims bear a name, and how many do it cannot know of beginnings of words. So the index of words is asked
    first for some: were these all, they are sorted; otherwise a walk finds a page soon.
    """
    if not which.words:
        return f"review r WHERE {where}"
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        found = connection.execute(
            f"SELECT r.id FROM review r WHERE {where} LIMIT %(few)s", {**params, "few": _FEW + 1}
        ).fetchall()
    if len(found) > _FEW:
        return f"review r WHERE {where}"
    params["found"] = [row[0] for row in found]
    return "review r WHERE r.id = ANY(%(found)s)"


def _patterns(reach: Sequence[str]) -> list[str]:
    return [f"{code}%" for code in reach]


def _encode(last: Review) -> str:
    return base64.urlsafe_b64encode(f"{last.claimed:f}/{last.id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[Decimal, int]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        amount, _, review_id = text.partition("/")
        position = Decimal(amount), int(review_id)
    except (binascii.Error, ValueError, InvalidOperation) as error:
        raise InvalidCursor from error
    if not position[0].is_finite() or not 0 <= position[1] < 2**63:
        raise InvalidCursor
    return position
