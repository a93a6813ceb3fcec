"""What an operator's instruments ask: what waits and for how long, and until when facilities can sign."""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from cryptography import x509

from claims.storage.pool import Pool, borrow

# Both from submission_due, which holds nothing but what waits.
_WAITING: LiteralString = """
SELECT CASE state WHEN 'received' THEN 'check' ELSE 'deliver' END AS step,
    count(*), min(next_attempt_at) FILTER (WHERE state <> 'sending')
FROM submission WHERE state IN ('received', 'checked', 'sending', 'outcome_unknown') GROUP BY step
"""
_TO_TELL: LiteralString = """
SELECT min(d.next_attempt_at) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
WHERE d.state = 'waiting' AND w.disabled_why IS NULL
"""
# event_in_order
_TO_LOG: LiteralString = """
SELECT e.at FROM event e WHERE (e.tx, e.seq) > (
    coalesce((SELECT tx FROM log_cursor), '0'::xid8), coalesce((SELECT seq FROM log_cursor), 0)
) ORDER BY e.tx, e.seq LIMIT 1
"""
# The last change of each registration says whether it may sign (registration_event_by_certificate).
_MAY_SIGN: LiteralString = """
SELECT c.facility, c.certificate FROM facility_certificate c, LATERAL (
    SELECT change FROM registration_event e
    WHERE e.facility = c.facility AND e.sha256 = c.sha256 AND since <= now()
    ORDER BY since DESC, id DESC LIMIT 1
) last WHERE last.change IN ('registered', 'reinstated')
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one step.

    Attributes:
        due_since: Since when the one is due that is due longest; in the future if none is.
    """

    step: str
    number: int
    due_since: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Answers over the whole installation; no facility is named."""

    pool: Pool

    def waiting(self) -> tuple[Waiting, ...]:
        """Return what waits, by step."""
        with borrow(self.pool) as connection:
            rows = connection.execute(_WAITING).fetchall()
        found = {step: Waiting(step, number, due_since) for step, number, due_since in rows}
        return tuple(found.get(step, Waiting(step, 0, None)) for step in ("check", "deliver"))

    def telling_since(self) -> datetime | None:
        """Return since when the delivery to a webhook is due that is due longest."""
        with borrow(self.pool) as connection:
            row = connection.execute(_TO_TELL).fetchone()
        return None if row is None else row[0]

    def logging_since(self) -> datetime | None:
        """Return since when the event happened that waits longest for its place in the log."""
        with borrow(self.pool) as connection:
            row = connection.execute(_TO_LOG).fetchone()
        return None if row is None else row[0]

    def signing_ends(self) -> tuple[datetime, ...]:
        """Return until when each facility that may sign can do so: the end of its last certificate."""
        return tuple(ends for _, ends in self.signing_spans())

    def signing_spans(self) -> tuple[tuple[datetime, datetime], ...]:
        """Return of each facility that may sign when its first certificate begins and its last one ends."""
        with borrow(self.pool) as connection:
            rows = connection.execute(_MAY_SIGN).fetchall()
        spans: dict[str, tuple[datetime, datetime]] = {}
        for facility, der in rows:
            one = x509.load_der_x509_certificate(bytes(der))
            begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
            first, last = spans.get(facility, (begins, ends))
            spans[facility] = min(first, begins), max(last, ends)
        return tuple(spans.values())
