"""The log of readings as rows: a row for each page that somebody saw."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from claims.exchange.access.readings import Reading, ReadingFilter, ReadingPage, Seen
from claims.storage.pool import Pool, borrow

#: Readings that may be of a person (reading_of_person, reading_of_submission, claim_person_pkey) …
_ROWS_OF_PERSON: Final[LiteralString] = (
    "(r.persons && %(persons)s::bytea[] OR r.submissions && ARRAY("
    "SELECT submission_id FROM claim_person WHERE person = ANY(%(persons)s::bytea[])))"
)
#: … and of what they showed, that person's claims; 0: before it was known which claims there are.
_SEEN_OF_PERSON: Final[LiteralString] = (
    "(u.person = ANY(%(persons)s::bytea[]) OR EXISTS (SELECT FROM claim_person c "
    "WHERE c.submission_id = u.submission AND u.ordinal IN (0, c.ordinal) "
    "AND c.person = ANY(%(persons)s::bytea[])))"
)


@dataclass(frozen=True, slots=True)
class PostgresReadings:
    """`claims.exchange.access.readings.Readings` on PostgreSQL."""

    pool: Pool

    def note(self, reading: Reading) -> None:
        """Add a reading; nothing is written where nobody was shown."""
        if not reading.seen:
            return
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO reading (at, reader, page, submissions, ordinals, facilities, persons) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    reading.at,
                    reading.reader,
                    reading.page,
                    [one.submission_id for one in reading.seen],
                    [one.ordinal for one in reading.seen],
                    [one.facility for one in reading.seen],
                    [one.person for one in reading.seen],
                ],
            )

    def note_submission(self, submission_id: str, *, reader: str, page: str, at: datetime) -> None:
        """Add a reading of all claims of a submission (claim_pkey, claim_person_of_submission)."""
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO reading (at, reader, page, submissions, ordinals, facilities, persons) "
                "SELECT %(at)s, %(reader)s, %(page)s, array_agg(s.id), "
                " array_agg(coalesce(c.ordinal, 0) ORDER BY c.ordinal), array_agg(s.facility), "
                " array_agg(p.person ORDER BY c.ordinal) "
                "FROM submission s LEFT JOIN claim c ON c.submission_id = s.id "
                "LEFT JOIN claim_person p ON p.submission_id = s.id AND p.ordinal = c.ordinal AND p.rank = 0 "
                "WHERE s.id = %(id)s HAVING count(*) > 0",
                {"at": at, "reader": reader, "page": page, "id": submission_id},
            )

    def list_page(self, which: ReadingFilter, *, limit: int, before: int | None) -> ReadingPage:
        """Return a page of the log (reading_pkey, and an index for each condition).

        Of a page that showed several claims only those are told that are meant: in reach of the asker,
        of the submission, of the person.
        """
        rows_meant: list[LiteralString] = ["true"]
        seen_meant: list[LiteralString] = ["true"]
        params: dict[str, object] = {"limit": limit + 1, "before": before}
        if before is not None:
            rows_meant.append("r.id < %(before)s")
        if which.reader is not None:
            rows_meant.append("r.reader = %(reader)s")
            params["reader"] = which.reader
        if which.since is not None:
            rows_meant.append("r.at >= %(since)s")
            params["since"] = which.since
        if which.until is not None:
            rows_meant.append("r.at < %(until)s")
            params["until"] = which.until
        if which.submission_id is not None:
            rows_meant.append("r.submissions @> ARRAY[%(submission_id)s]::text[]")
            seen_meant.append("u.submission = %(submission_id)s")
            params["submission_id"] = which.submission_id
        if which.persons is not None:
            rows_meant.append(_ROWS_OF_PERSON)
            seen_meant.append(_SEEN_OF_PERSON)
            params["persons"] = list(which.persons)
        if which.within.only_facility is not None:
            rows_meant.append("r.facilities @> ARRAY[%(facility)s]::text[]")
            params["facility"] = which.within.only_facility
        if not which.within.is_everywhere:
            seen_meant.append("u.facility LIKE ANY(%(places)s)")
            params["places"] = [f"{code}%" for code in which.within.codes]
        meant: LiteralString = " AND ".join(rows_meant)
        told: LiteralString = " AND ".join(seen_meant)
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT r.id, r.at, r.reader, r.page, t.submissions, t.ordinals, t.facilities, t.persons "
                "FROM reading r, LATERAL (SELECT array_agg(u.submission ORDER BY u.place) AS submissions, "
                " array_agg(u.ordinal ORDER BY u.place) AS ordinals, "
                " array_agg(u.facility ORDER BY u.place) AS facilities, "
                " array_agg(u.person ORDER BY u.place) AS persons "
                " FROM unnest(r.submissions, r.ordinals, r.facilities, r.persons) WITH ORDINALITY "
                f" AS u(submission, ordinal, facility, person, place) WHERE {told}) AS t "
                f"WHERE {meant} AND t.submissions IS NOT NULL ORDER BY r.id DESC LIMIT %(limit)s",
                params,
            ).fetchall()
        items = tuple(
            Reading(
                at,
                reader,
                page,
                tuple(
                    Seen(submission_id, ordinal, facility, None if person is None else bytes(person))
                    for submission_id, ordinal, facility, person in zip(*columns, strict=True)
                ),
            )
            for _, at, reader, page, *columns in rows[:limit]
        )
        return ReadingPage(items, rows[limit - 1][0] if len(rows) > limit else None)
