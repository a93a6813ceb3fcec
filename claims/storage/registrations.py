"""`claims.exchange.registrations.Registrations` on PostgreSQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.errors import UnknownFacility
from claims.exchange.registrations import (
    Note,
    Registration,
    RegistrationChange,
    RegistrationEvent,
    require_possible,
)
from claims.exchange.submission import FacilityCode
from claims.storage.faults import Fault
from claims.storage.pool import Pool, borrow


@dataclass(frozen=True, slots=True)
class PostgresRegistrations:
    """Certificates of facilities and the events of their registrations."""

    pool: Pool

    def of_facility(self, facility: FacilityCode) -> Sequence[Registration]:
        """Return a facility's registrations with their history, the first registered first."""
        with borrow(self.pool) as connection:
            return _of_facility(connection, facility)

    def add(self, facility: FacilityCode, certificate_der: bytes, event: RegistrationEvent) -> None:
        """Add an event if it can follow what is there; the facility is locked meanwhile.

        Raises:
            UnknownFacility: The facility is not registered.
            IllegalRegistration, TooManyCertificates: It cannot follow what is there.
        """
        with borrow(self.pool) as connection, connection.transaction():
            found = connection.execute(
                "SELECT 1 FROM facility WHERE code = %s FOR UPDATE", [facility]
            ).fetchone()
            if found is None:
                raise UnknownFacility(facility)
            require_possible(_of_facility(connection, facility), certificate_der, event)
            connection.execute(
                "INSERT INTO facility_certificate (facility, sha256, certificate) "
                "VALUES (%s, sha256(%s), %s) ON CONFLICT DO NOTHING",
                [facility, certificate_der, certificate_der],
            )
            connection.execute(
                "INSERT INTO registration_event "
                "(facility, sha256, change, since, noted_at, noted_by, reason) "
                "VALUES (%s, sha256(%s), %s, %s, %s, %s, %s)",
                [
                    facility,
                    certificate_der,
                    event.change.value,
                    event.since,
                    event.noted_at,
                    event.note.by,
                    event.note.reason,
                ],
            )

    def may_sign(self, facility: str, certificate_sha256: str, at: datetime) -> bool:
        """Return whether a certificate was registered for a facility, and not suspended, at a moment."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT change FROM registration_event WHERE facility = %s AND sha256 = decode(%s, 'hex') "
                "AND since <= %s ORDER BY since DESC, id DESC LIMIT 1",
                [facility, certificate_sha256, at],
            ).fetchone()
        return row is not None and RegistrationChange(row[0]).lets_sign


def certificate_faults(connection: Connection[TupleRow]) -> Iterator[Fault]:
    """Return certificates that are not those that were registered, in the caller's transaction."""
    rows = connection.execute(
        "SELECT facility, encode(sha256, 'hex'), sha256(c.certificate) = c.sha256, e.sha256 IS NOT NULL "
        "FROM facility_certificate c FULL JOIN (SELECT DISTINCT facility, sha256 FROM registration_event) e "
        "USING (facility, sha256) ORDER BY 1, 2"
    ).fetchall()
    for facility, sha256, is_itself, is_registered in rows:
        if not (is_itself and is_registered):
            code = "row.missing" if is_itself is None else "row.changed" if is_registered else "row.unnoted"
            yield Fault(code, "facility_certificate", f"{facility} {sha256}")


def _of_facility(connection: Connection[TupleRow], facility: FacilityCode) -> Sequence[Registration]:
    rows = connection.execute(
        "SELECT encode(sha256, 'hex'), certificate, change, since, noted_at, noted_by, reason "
        "FROM facility_certificate JOIN registration_event USING (facility, sha256) "
        "WHERE facility = %s ORDER BY min(id) OVER (PARTITION BY sha256), id",
        [facility],
    ).fetchall()
    return [
        Registration(
            facility,
            sha256,
            bytes(certificate),
            tuple(
                RegistrationEvent(RegistrationChange(row[2]), row[3], row[4], Note(*row[5:]))
                for row in of_one
            ),
        )
        for (sha256, certificate), of_one in groupby(rows, key=lambda row: (row[0], row[1]))
    ]


def _event(row: TupleRow) -> RegistrationEvent:
    *_, change, since, noted_at, by, reason = row
    return RegistrationEvent(RegistrationChange(change), since, noted_at, Note(by, reason))
