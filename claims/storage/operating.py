"""`claims.exchange.operating` on PostgreSQL. Everything looked at is bounded: nothing counts settled work."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, LiteralString

from psycopg.rows import TupleRow

from claims.exchange.access.places import Reach
from claims.exchange.lifecycle import State
from claims.exchange.operating import (
    PAUSED,
    Attempt,
    Backlog,
    FailureGroup,
    HourOfWork,
    Pause,
    Telling,
    Unsettled,
)
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.selection import first_id_at
from claims.storage.submissions import COLUMNS, submission_of

#: How many rows of a backlog, a cause or an hour are looked at.
MOST_COUNTED: Final = 50_000
#: Of how many submissions of an hour it is told how they went.
MOST_SAMPLED: Final = 1_000
_HOURS: Final = 24
_FACILITIES_SHOWN: Final = 5

# submission_due holds nothing but what waits.
_BACKLOG: LiteralString = """
SELECT state, cause, count(*), min(received_at), min(next_attempt_at) FILTER (WHERE state <> 'sending')
FROM (
    SELECT state, cause, received_at, next_attempt_at FROM submission
    WHERE state IN ('received', 'checked', 'sending', 'outcome_unknown') AND facility ^@ ANY(%(within)s)
    ORDER BY next_attempt_at LIMIT %(most)s
) AS counted GROUP BY state, cause
"""

# From one cause to the next along submission_failure, not through its rows; then as many rows of each as are
# looked at, of which the index tells everything but two moments.
_CAUSES: LiteralString = """
WITH RECURSIVE step AS (
    (SELECT state, cause FROM submission
     WHERE state IN ('rejected', 'refused', 'failed') AND cause IS NOT NULL ORDER BY state, cause LIMIT 1)
    UNION ALL
    SELECT next.state, next.cause FROM step, LATERAL (
        SELECT state, cause FROM submission
        WHERE state IN ('rejected', 'refused', 'failed') AND (state, cause) > (step.state, step.cause)
        ORDER BY state, cause LIMIT 1
    ) AS next
)
SELECT state, cause FROM step
"""
_GROUP: LiteralString = """
WITH found AS (
    SELECT id, facility FROM submission
    WHERE state = %(state)s AND state IN ('rejected', 'refused', 'failed') AND cause = %(cause)s
    ORDER BY id DESC LIMIT %(most)s
), mine AS (
    SELECT id, facility FROM found WHERE facility ^@ ANY(%(within)s)
), by_facility AS (
    SELECT facility, count(*) AS n, min(id) AS first, max(id) AS last FROM mine GROUP BY facility
)
SELECT (SELECT count(*) FROM found), sum(n), min(first), max(last),
    (SELECT updated_at FROM submission WHERE id = (SELECT min(first) FROM by_facility)),
    (SELECT updated_at FROM submission WHERE id = (SELECT max(last) FROM by_facility)),
    ARRAY(SELECT facility || ' ' || n FROM by_facility ORDER BY n DESC, facility LIMIT %(shown)s)
FROM by_facility HAVING sum(n) > 0
"""

# An id begins with its time, so an hour is a range of the primary key.
_HOUR: LiteralString = """
SELECT (SELECT count(*) FROM (
        SELECT FROM submission WHERE id >= %(begin)s AND id < %(end)s LIMIT %(most)s) AS counted),
    count(*), count(r.noted_at), count(*) FILTER (WHERE s.state IN ('rejected', 'refused', 'failed')),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM r.noted_at - s.received_at)),
    percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM r.noted_at - s.received_at))
FROM (SELECT id, state, received_at FROM submission WHERE id >= %(begin)s AND id < %(end)s
      ORDER BY id DESC LIMIT %(sampled)s) AS s
LEFT JOIN receipt r ON r.submission_id = s.id
"""
_UNSETTLED: LiteralString = f"""
SELECT ARRAY(SELECT c.summary ->> 'discharged_on' FROM claim c WHERE c.submission_id = s.id), {COLUMNS}
FROM submission s WHERE s.facility ^@ ANY(%(within)s)
    AND s.state NOT IN ('acknowledged', 'superseded', 'withdrawn')
ORDER BY s.facility, s.id LIMIT %(limit)s
"""
_UNSETTLED_OF_ONE: LiteralString = _UNSETTLED.replace(
    "s.facility ^@ ANY(%(within)s)", "s.facility = %(facility)s"
)
# The last change of each registration says whether it may sign (registration_event_by_certificate).
_MAY_SIGN: LiteralString = """
SELECT c.facility, c.certificate FROM facility_certificate c, LATERAL (
    SELECT change FROM registration_event e
    WHERE e.facility = c.facility AND e.sha256 = c.sha256 AND since <= now()
    ORDER BY since DESC, id DESC LIMIT 1
) last WHERE last.change IN ('registered', 'reinstated') AND c.facility ^@ ANY(%s) ORDER BY c.facility
"""


@dataclass(frozen=True, slots=True)
class PostgresOperating:
    """`claims.exchange.operating.Operating` on PostgreSQL."""

    pool: Pool

    def backlog(self, within: Reach) -> Backlog:
        """Return what waits or is under way."""
        with borrow(self.pool) as connection:
            rows = connection.execute(_BACKLOG, {"within": within.codes, "most": MOST_COUNTED + 1}).fetchall()
        by_state: Counter[State] = Counter()
        by_cause: Counter[str] = Counter()
        for state, cause, number, _, _ in rows:
            by_state[State(state)] += number
            if cause is not None:
                by_cause[cause] += number
        return Backlog(
            by_state,
            by_cause,
            min((row[3] for row in rows), default=None),
            min((row[4] for row in rows if row[4] is not None), default=None),
            by_state.total() > MOST_COUNTED,
        )

    def failures(self, within: Reach) -> Sequence[FailureGroup]:
        """Return what failed, by cause, the most frequent first."""
        groups = []
        with borrow(self.pool) as connection:
            for state, cause in connection.execute(_CAUSES).fetchall():
                params = {
                    "state": state,
                    "cause": cause,
                    "within": within.codes,
                    "most": MOST_COUNTED + 1,
                    "shown": _FACILITIES_SHOWN,
                }
                row = connection.execute(_GROUP, params).fetchone()
                if row is not None:
                    groups.append(_group(state, cause, row))
        return sorted(groups, key=lambda group: (-group.number, group.cause, group.state))

    def hours(self, *, until: datetime) -> Sequence[HourOfWork]:
        """Return the 24 hours up to a moment, the oldest first."""
        last = until.replace(minute=0, second=0, microsecond=0)
        found = []
        with borrow(self.pool) as connection:
            for ago in range(_HOURS - 1, -1, -1):
                begins = last - timedelta(hours=ago)
                params = {
                    "begin": first_id_at(begins),
                    "end": first_id_at(begins + timedelta(hours=1)),
                    "most": MOST_COUNTED + 1,
                    "sampled": MOST_SAMPLED,
                }
                row = connection.execute(_HOUR, params).fetchone()
                if row is not None:
                    received, *rest = row
                    is_bounded = received > MOST_COUNTED
                    found.append(HourOfWork(begins, min(received, MOST_COUNTED), is_bounded, *rest))
        return found

    def attempts(self, submission_id: SubmissionId) -> Sequence[Attempt]:
        """Return the attempts to send a submission, oldest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT attempt, started_at, ended_at, outcome, cause, answer FROM attempt "
                "WHERE submission_id = %s ORDER BY seq",
                [submission_id],
            ).fetchall()
        return [
            Attempt(number, begun, ended, outcome, cause, bytes(answer))
            for number, begun, ended, outcome, cause, answer in rows
        ]

    def tellings(self, submission_id: SubmissionId) -> Sequence[Telling]:
        """Return what webhooks were told of a submission (webhook_delivery_of_submission)."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT type, event_at, state, attempts, (tries -> -1 ->> 'status')::int "
                "FROM webhook_delivery WHERE submission_id = %s ORDER BY event_at, id",
                [submission_id],
            ).fetchall()
        return [Telling(*row) for row in rows]

    def unsettled(self, within: Reach, *, limit: int) -> Sequence[Unsettled]:
        """Return submissions that the gateway does not have (submission_unsettled)."""
        facility = within.only_facility
        with borrow(self.pool) as connection:
            rows = connection.execute(
                _UNSETTLED if facility is None else _UNSETTLED_OF_ONE,
                {"within": within.codes, "facility": facility, "limit": limit},
            ).fetchall()
        return [
            Unsettled(submission_of(tuple(row)), [date.fromisoformat(day) for day in days if day])
            for days, *row in rows
        ]

    def certificates(self, within: Reach) -> Sequence[tuple[FacilityCode, bytes]]:
        """Return the certificates (DER) that may sign now, with whose they are."""
        with borrow(self.pool) as connection:
            rows = connection.execute(_MAY_SIGN, [within.codes]).fetchall()
        return [(FacilityCode(facility), bytes(certificate)) for facility, certificate in rows]


@dataclass(frozen=True, slots=True)
class PostgresSendingSwitch:
    """`claims.exchange.operating.SendingSwitch` on PostgreSQL."""

    pool: Pool

    def pause(self, *, by: str, reason: str, at: datetime) -> None:
        """Let nothing more be sent; one that is paused stays so."""
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO sending_pause (began_at, began_by, reason) VALUES (%s, %s, %s) "
                "ON CONFLICT ((ended_at IS NULL)) WHERE ended_at IS NULL DO NOTHING",
                [at, by, reason],
            )

    def resume(self, *, by: str, at: datetime) -> None:
        """Let it go on; what waited for it is due at once."""
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute(
                "UPDATE sending_pause SET ended_at = %s, ended_by = %s WHERE ended_at IS NULL", [at, by]
            )
            connection.execute(
                "UPDATE submission SET next_attempt_at = %s, woken_at = NULL "
                "WHERE state IN ('checked', 'outcome_unknown') AND cause = %s AND next_attempt_at > %s",
                [at, PAUSED, at],
            )

    def in_force(self) -> Pause | None:
        """Return the pause in force (sending_pause_in_force)."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT began_at, began_by, reason FROM sending_pause WHERE ended_at IS NULL"
            ).fetchone()
        return None if row is None else Pause(*row)


def _group(state: str, cause: str, row: TupleRow) -> FailureGroup:
    looked_at, number, first, last, first_at, last_at, facilities = row
    return FailureGroup(
        State(state),
        cause,
        min(int(number), MOST_COUNTED),
        looked_at > MOST_COUNTED,
        SubmissionId(first),
        SubmissionId(last),
        first_at,
        last_at,
        [(FacilityCode(code), int(n)) for code, _, n in (one.partition(" ") for one in facilities)],
    )
