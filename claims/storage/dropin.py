"""The drop-in intake's accounts and its reads by day, on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import LiteralString

from psycopg.errors import ForeignKeyViolation, UniqueViolation

from claims.exchange.access.errors import UsernameTaken
from claims.exchange.daybook import DayEntry, DayTotals
from claims.exchange.dropin import DropInAccount
from claims.exchange.errors import UnknownFacility
from claims.exchange.lifecycle import State
from claims.exchange.submission import FacilityCode, SubmissionId
from claims.storage.pool import Pool, borrow
from claims.storage.selection import first_id

# Ids begin with their time, so a range of days is a range of the index submission_of_facility.
_ENTRIES: LiteralString = """
SELECT s.id, coalesce(s.ma_giao_dich, s.id) AS number, s.state, s.received_at,
    coalesce(c.claims, 0) AS claims, coalesce(c.amount, 0) AS amount,
    EXISTS (SELECT FROM reception_fault f WHERE f.submission_id = s.id) AS has_faults
FROM submission s LEFT JOIN LATERAL (
    SELECT count(*) AS claims, sum((summary ->> 't_tongchi_bv')::numeric) AS amount
    FROM claim WHERE submission_id = s.id) AS c ON true
WHERE s.facility = %(facility)s AND s.id >= %(first)s AND s.id < %(behind)s
"""


@dataclass(frozen=True, slots=True)
class PostgresDropInAccounts:
    """`claims.exchange.dropin.DropInAccounts` on PostgreSQL."""

    pool: Pool

    def find(self, username: str) -> DropInAccount | None:
        """Return the account of that name, or None."""
        if "\0" in username:  # which PostgreSQL cannot even compare
            return None
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT facility, username, verifier, networks, changed_at FROM dropin_account "
                "WHERE username = %s",
                [username],
            ).fetchone()
        if row is None:
            return None
        facility, name, verifier, networks, changed_at = row
        return DropInAccount(FacilityCode(facility), name, verifier, tuple(networks), changed_at)

    def put(self, account: DropInAccount) -> None:
        """Store or replace a facility's account."""
        try:
            with borrow(self.pool) as connection:
                connection.execute(
                    "INSERT INTO dropin_account (facility, username, verifier, networks, changed_at) "
                    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (facility) DO UPDATE SET "
                    "username = EXCLUDED.username, verifier = EXCLUDED.verifier, "
                    "networks = EXCLUDED.networks, changed_at = EXCLUDED.changed_at",
                    [
                        account.facility,
                        account.username,
                        account.verifier,
                        list(account.networks),
                        account.changed_at,
                    ],
                )
        except ForeignKeyViolation as error:
            raise UnknownFacility(account.facility) from error
        except UniqueViolation as error:
            raise UsernameTaken(account.username) from error

    def remove(self, facility: FacilityCode) -> bool:
        """Remove a facility's account; return whether it had one."""
        with borrow(self.pool) as connection:
            done = connection.execute("DELETE FROM dropin_account WHERE facility = %s", [facility])
        return done.rowcount == 1


@dataclass(frozen=True, slots=True)
class PostgresDayBook:
    """`claims.exchange.dropin.DayBook` on PostgreSQL."""

    pool: Pool

    def days(self, facility: FacilityCode, *, first: date, last: date) -> Sequence[DayTotals]:
        """Return the totals of each day with a submission, in order."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                "SELECT (received_at AT TIME ZONE INTERVAL '7 hours')::date AS day, count(*), "
                "count(*) FILTER (WHERE number <> id AND NOT has_faults), "
                "count(*) FILTER (WHERE has_faults OR state IN ('rejected', 'refused', 'failed')), "
                "coalesce(round(sum(amount) FILTER (WHERE number <> id AND NOT has_faults)), 0) "
                f"FROM ({_ENTRIES}) AS entry GROUP BY day ORDER BY day",
                _range(facility, first, last),
            ).fetchall()
        return [DayTotals(day, all_, taken, failed, int(amount)) for day, all_, taken, failed, amount in rows]

    def of_day(self, facility: FacilityCode, day: date) -> Sequence[DayEntry]:
        """Return a day's submissions, in order."""
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"SELECT id, number, state, claims, round(amount), has_faults "
                f"FROM ({_ENTRIES}) AS entry ORDER BY id",
                _range(facility, day, day),
            ).fetchall()
        return [
            DayEntry(SubmissionId(i), number, State(state), claims, int(amount), has_faults)
            for i, number, state, claims, amount, has_faults in rows
        ]

    def find(self, facility: FacilityCode, number: str) -> SubmissionId | None:
        """Return the facility's submission with this number, the gateway's or our own; or None."""
        if "\0" in number:
            return None
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT id FROM submission WHERE facility = %(facility)s AND id = %(number)s "
                "UNION ALL "  # submission_of_receipt
                "SELECT id FROM submission WHERE facility = %(facility)s AND ma_giao_dich = %(number)s "
                "LIMIT 1",
                {"facility": facility, "number": number},
            ).fetchone()
        return None if row is None else SubmissionId(row[0])


def _range(facility: FacilityCode, first: date, last: date) -> dict[str, object]:
    return {"facility": facility, "first": first_id(first), "behind": first_id(last + timedelta(days=1))}
