"""Results of the gateway as rows: when to look, what reception found, assessments, settlements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import TupleRow
from psycopg.types.json import Json

from claims.bundle.findings import Finding
from claims.exchange.errors import UnknownFacility
from claims.exchange.follow_up import clocks_of
from claims.exchange.lifecycle import State
from claims.exchange.results import (
    AssessedLine,
    Assessment,
    KeptAssessment,
    MonthLooked,
    ReceptionError,
    ReceptionView,
    Settlement,
    Standing,
    Subject,
    Watch,
    WatchKey,
    finding_of,
)
from claims.exchange.submission import Event, EventKind, FacilityCode, SubmissionId
from claims.localtime import local_date
from claims.proof.tokens import digest_of
from claims.storage.events import note_events
from claims.storage.later_documents import later_digests
from claims.storage.pool import Pool, borrow

# What is watched already, and for long enough, is left alone: workers that acknowledge claims of one
# facility at the same time must not queue for its row. The day is the gateway's: it is asked for by that.
_WATCH: LiteralString = """
WITH mine AS (
    SELECT s.id, s.facility,
        (coalesce(r.received_at, %(now)s) AT TIME ZONE 'UTC' + interval '7 hours')::date AS day
    FROM submission s JOIN receipt r ON r.submission_id = s.id WHERE s.id = ANY(%(ids)s)
), wanted AS (
    SELECT facility, 'reception' AS subject, day AS period, %(reception)s::timestamptz AS until FROM mine
    UNION
    SELECT facility, 'assessment', date_trunc('month', %(today)s::date)::date, %(assessment)s FROM mine
    UNION
    SELECT mine.facility, 'assessment', date_trunc('month', (c.summary ->> 'discharged_on')::date)::date,
        %(assessment)s
    FROM mine JOIN claim c ON c.submission_id = mine.id WHERE c.summary ->> 'discharged_on' IS NOT NULL
)
INSERT INTO result_watch AS w (facility, subject, period, next_look_at, until)
SELECT facility, subject, period, %(first)s, until FROM wanted
WHERE NOT EXISTS (
    SELECT FROM result_watch known
    WHERE (known.facility, known.subject, known.period) = (wanted.facility, wanted.subject, wanted.period)
    AND known.next_look_at IS NOT NULL AND known.until >= wanted.until - interval '1 hour'
)
ORDER BY facility, subject, period
ON CONFLICT (facility, subject, period) DO UPDATE
SET until = greatest(w.until, EXCLUDED.until), next_look_at = coalesce(w.next_look_at, EXCLUDED.next_look_at),
    looks = CASE WHEN w.next_look_at IS NULL THEN 0 ELSE w.looks END
"""

# Shared out among facilities: each has its oldest look in the first round.
_TAKE_DUE: LiteralString = """
UPDATE result_watch w SET woken_at = %(now)s
FROM (
    SELECT facility, subject, period FROM (
        SELECT facility, subject, period, next_look_at,
            row_number() OVER (PARTITION BY facility ORDER BY next_look_at) AS place
        FROM (
            SELECT * FROM result_watch
            WHERE next_look_at <= %(now)s AND (woken_at IS NULL OR woken_at <= %(before)s)
              AND (lease_until IS NULL OR lease_until <= %(now)s)
            ORDER BY next_look_at LIMIT %(limit)s * 10 FOR UPDATE SKIP LOCKED
        ) AS due
    ) AS placed
    ORDER BY place, next_look_at LIMIT %(limit)s
) AS taken
WHERE (w.facility, w.subject, w.period) = (taken.facility, taken.subject, taken.period)
RETURNING w.facility, w.subject, w.period
"""

_LEASE: LiteralString = """
UPDATE result_watch SET lease_owner = %(owner)s, lease_until = %(until)s, looks = looks + 1
WHERE facility = %(facility)s AND subject = %(subject)s AND period = %(period)s
  AND next_look_at <= %(now)s AND (lease_until IS NULL OR lease_until <= %(now)s)
RETURNING looks - 1, until, finished
"""

_FAULTS: LiteralString = """
INSERT INTO reception_fault AS f (submission_id, noted_at, errors)
SELECT s.id, %(now)s, r.errors FROM json_to_recordset(%(rows)s) AS r (number text, errors jsonb)
JOIN submission s ON s.ma_giao_dich = r.number AND s.facility = %(facility)s
ON CONFLICT (submission_id) DO UPDATE SET noted_at = EXCLUDED.noted_at, errors = EXCLUDED.errors
WHERE f.errors <> EXCLUDED.errors
RETURNING submission_id, errors
"""

# Of the versions that the gateway took, the latest: that is what it assesses (claim_of_episode). It names an
# episode and a round, and no version. So what a round has said of an earlier version, too, is about
# that one, until the round's last word is read.
_ASSESSMENTS: LiteralString = """
WITH latest AS (
    SELECT DISTINCT ON (c.ma_lk) c.ma_lk, c.submission_id, c.ordinal, r.round, r.digest, r.document
    FROM json_to_recordset(%(rows)s) AS r (ma_lk text, round text, digest text, document jsonb)
    JOIN claim c ON c.ma_lk = r.ma_lk AND c.facility = %(facility)s
    JOIN submission s ON s.id = c.submission_id AND s.state = 'acknowledged'
    ORDER BY c.ma_lk, c.submission_id DESC
), news AS (
    SELECT * FROM latest WHERE digest IS DISTINCT FROM (
        SELECT e.digests ->> ('assessment.' || c.ordinal)
        FROM claim c JOIN event e ON e.submission_id = c.submission_id
        WHERE c.ma_lk = latest.ma_lk AND c.facility = %(facility)s
          AND e.kind = 'assessed' AND e.detail ->> 'round' = latest.round
        ORDER BY e.seq DESC LIMIT 1
    ) OR %(is_last_word)s AND NOT EXISTS (
        SELECT FROM assessment a
        WHERE a.submission_id = latest.submission_id AND a.ordinal = latest.ordinal
    )
)
INSERT INTO assessment AS a (submission_id, ordinal, noted_at, document)
SELECT submission_id, ordinal, %(now)s, document FROM news
ON CONFLICT (submission_id, ordinal) DO UPDATE SET noted_at = EXCLUDED.noted_at, document = EXCLUDED.document
WHERE a.document <> EXCLUDED.document
RETURNING submission_id, document
"""

_ASSESSED: LiteralString = """
UPDATE submission s SET assessed_at = %(now)s, updated_at = %(now)s
WHERE s.id = ANY(%(ids)s) AND s.assessed_at IS NULL
  AND NOT EXISTS (SELECT FROM claim c WHERE c.submission_id = s.id AND NOT EXISTS (
      SELECT FROM assessment a WHERE a.submission_id = c.submission_id AND a.ordinal = c.ordinal))
"""


@dataclass(frozen=True, slots=True)
class PostgresResults:
    """`claims.exchange.results.ResultStore` on PostgreSQL."""

    pool: Pool

    def months_of(self, facility: FacilityCode) -> tuple[MonthLooked, ...]:
        """Return the months whose assessment and settlement were looked for, the latest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT w.period, w.looks, w.next_look_at, EXISTS (SELECT FROM settlement s "
                "WHERE s.facility = w.facility AND s.month = w.period AND (s.document -> 'is_closed')::bool) "
                "FROM result_watch w WHERE w.facility = %s AND w.subject = 'assessment' "
                "ORDER BY w.period DESC",
                [facility],
            ).fetchall()
        return tuple(MonthLooked(*row) for row in rows)

    def look_soon(self, facility: FacilityCode, month: date, *, now: datetime) -> None:
        """Have the assessment and settlement of a month looked for now, whatever was planned."""
        try:
            with borrow(self.pool) as connection:
                connection.execute(
                    "INSERT INTO result_watch (facility, subject, period, next_look_at, until) "
                    "VALUES (%(facility)s, 'assessment', %(month)s, %(now)s, %(now)s) "
                    "ON CONFLICT (facility, subject, period) DO UPDATE "
                    "SET next_look_at = EXCLUDED.next_look_at, woken_at = NULL",
                    {"facility": facility, "month": month, "now": now},
                )
        except ForeignKeyViolation as error:
            raise UnknownFacility(facility) from error

    def take_due_looks(self, *, now: datetime, woken_before: datetime, limit: int) -> tuple[WatchKey, ...]:
        """Return the looks that are due and were not woken lately, and note that they are woken."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                _TAKE_DUE, {"now": now, "before": woken_before, "limit": limit}
            ).fetchall()
        return tuple(WatchKey(FacilityCode(f), Subject(subject), period) for f, subject, period in rows)

    def lease_look(self, key: WatchKey, *, owner: str, now: datetime, until: datetime) -> Watch | None:
        """Take a look that is due and that nobody is at; counts it."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                _LEASE, {**asdict(key), "owner": owner, "now": now, "until": until}
            ).fetchone()
        return None if row is None else Watch(key, row[0], row[1], frozenset(row[2]))

    def end_look(
        self, key: WatchKey, *, owner: str, next_look_at: datetime | None, finished: frozenset[str]
    ) -> None:
        """Note when to look next, None for never, and which rounds need no other look."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE result_watch SET next_look_at = %(next)s, finished = %(finished)s, woken_at = NULL, "
                "lease_owner = NULL, lease_until = NULL WHERE facility = %(facility)s "
                "AND subject = %(subject)s AND period = %(period)s AND lease_owner = %(owner)s",
                {**asdict(key), "owner": owner, "next": next_look_at, "finished": sorted(finished)},
            )

    def without_errors_noted(self, facility: FacilityCode, numbers: Sequence[str]) -> tuple[str, ...]:
        """Return those of the transaction numbers that are the facility's and have no faults noted."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT s.ma_giao_dich FROM submission s "
                "LEFT JOIN reception_fault f ON f.submission_id = s.id "
                "WHERE s.ma_giao_dich = ANY(%s) AND s.facility = %s AND f.submission_id IS NULL "
                "ORDER BY s.id",
                [list(numbers), facility],
            ).fetchall()
        return tuple(row[0] for row in rows)

    def note_errors(
        self, facility: FacilityCode, found: Sequence[tuple[str, Sequence[ReceptionError]]], *, now: datetime
    ) -> tuple[SubmissionId, ...]:
        """Keep faults by transaction number, each with its event; return which submissions have new ones."""
        rows = [
            {"number": number, "errors": [asdict(error) for error in errors]}
            for number, errors in found
            if errors
        ]
        with borrow(self.pool) as connection, connection.transaction():
            changed = connection.execute(
                _FAULTS, {"rows": Json(rows), "facility": facility, "now": now}
            ).fetchall()
            digests = later_digests(connection, [one for one, _ in changed])
            note_events(connection, [(one, _faults_event(errors, now)) for one, errors in changed], digests)
        return tuple(SubmissionId(one) for one, _ in changed)

    def note_assessments(
        self,
        facility: FacilityCode,
        found: Sequence[Assessment],
        *,
        now: datetime,
        is_last_word: bool = False,
    ) -> tuple[SubmissionId, ...]:
        """Keep assessments by episode key, each with its event; return the submissions that changed."""
        # Said twice in one answer: the last counts, as it would have if it had come later.
        rows = [
            {"ma_lk": ma_lk, "round": one.round, "digest": digest_of(document), "document": document}
            for ma_lk, one in {one.ma_lk: one for one in found}.items()
            for document in (assessment_to_json(one),)
        ]
        with borrow(self.pool) as connection, connection.transaction():
            changed = connection.execute(
                _ASSESSMENTS,
                {"rows": Json(rows), "facility": facility, "now": now, "is_last_word": is_last_word},
            ).fetchall()
            connection.execute(_ASSESSED, {"ids": [one for one, _ in changed], "now": now})
            digests = later_digests(connection, [one for one, _ in changed])
            note_events(
                connection, [(one, _assessed_event(document, now)) for one, document in changed], digests
            )
        return tuple(SubmissionId(one) for one, _ in changed)

    def note_settlement(
        self, facility: FacilityCode, settlement: Settlement, *, month: date, now: datetime
    ) -> None:
        """Keep the settlement of a month."""
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO settlement (facility, period, month, noted_at, document) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (facility, period) DO UPDATE "
                "SET noted_at = EXCLUDED.noted_at, document = EXCLUDED.document",
                [facility, settlement.period, month, now, Json(_plain(asdict(settlement)))],
            )

    def reception_of(self, submission_id: SubmissionId) -> ReceptionView | None:
        """Return what reception said of a submission, None when it has found nothing."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT noted_at, errors FROM reception_fault WHERE submission_id = %s", [submission_id]
            ).fetchone()
        return None if row is None else ReceptionView(row[0], tuple(ReceptionError(**one) for one in row[1]))

    def assessments_of(self, submission_id: SubmissionId) -> tuple[KeptAssessment, ...]:
        """Return the assessments of a submission's claims."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT noted_at, document FROM assessment WHERE submission_id = %s ORDER BY ordinal",
                [submission_id],
            ).fetchall()
        return tuple(KeptAssessment(noted_at, assessment_from_json(document)) for noted_at, document in rows)

    def settlements_of(self, facility: FacilityCode) -> tuple[Settlement, ...]:
        """Return a facility's settlements, the latest first."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT document FROM settlement WHERE facility = %s ORDER BY month DESC", [facility]
            ).fetchall()
        return tuple(_settlement(document) for (document,) in rows)


def watch_results(
    connection: Connection[TupleRow], ids: Sequence[SubmissionId], now: datetime, *, first_look_s: float
) -> None:
    """Have the results of what was just acknowledged looked for, in the caller's transaction."""
    if not ids:
        return
    clocks = clocks_of(now)
    connection.execute(
        _WATCH,
        {
            "ids": list(ids),
            "now": now,
            "today": local_date(now),
            "first": now + timedelta(seconds=first_look_s),
            "reception": clocks.reception_until,
            "assessment": clocks.assessment_until,
        },
    )


def gateway_findings(connection: Connection[TupleRow], submission_id: SubmissionId) -> tuple[Finding, ...]:
    """Return what reception found, as findings; without the gateway's own words, which may name a patient."""
    row = connection.execute(
        "SELECT errors FROM reception_fault WHERE submission_id = %s", [submission_id]
    ).fetchone()
    return () if row is None else tuple(finding_of(error["code"]) for error in row[0])


def _faults_event(errors: Iterable[Mapping[str, str]], now: datetime) -> Event:
    codes = [error["code"] for error in errors]
    return Event(
        now,
        EventKind.RECEPTION_FAULTS,
        State.ACKNOWLEDGED,
        "gateway",
        cause=finding_of(codes[0]).code,
        detail={"codes": ",".join(dict.fromkeys(codes)), "count": str(len(codes))},
    )


def _assessed_event(document: Mapping[str, Any], now: datetime) -> Event:
    detail = {name: str(document[name] or "") for name in ("standing", "round", "asked_vnd", "granted_vnd")}
    return Event(now, EventKind.ASSESSED, State.ACKNOWLEDGED, "gateway", detail=detail)


def assessment_to_json(one: Assessment) -> dict[str, Any]:
    """Return an assessment as a document; amounts as text, because JSON numbers are not decimals."""
    lines = [_plain(asdict(line)) for line in one.lines]
    return {**_plain({**asdict(one), "lines": None}), "lines": lines}


def assessment_from_json(document: Mapping[str, Any]) -> Assessment:
    """Return the assessment that was stored."""
    lines = tuple(AssessedLine(**_typed(line)) for line in document["lines"])
    return Assessment(**{**_typed(document), "lines": lines})


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in document.items()}


def _typed(document: Mapping[str, Any]) -> dict[str, Any]:
    typed = {name: _amount(value) if name.endswith("_vnd") else value for name, value in document.items()}
    return {**typed, "standing": Standing(document["standing"])}


def _settlement(document: Mapping[str, Any]) -> Settlement:
    typed: dict[str, Any] = {n: _amount(v) if n.endswith("_vnd") else v for n, v in document.items()}
    return Settlement(**typed)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
