"""`claims.exchange.access.people.People` on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from claims.exchange.access.access_log import AccessKind
from claims.exchange.access.errors import LoginTaken
from claims.exchange.access.people import Person
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Grant
from claims.exchange.review.searching import fold
from claims.storage.access_log import note_of_person
from claims.storage.folding import FOLDED_NAME
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

_SELECT: LiteralString = """
SELECT p.id, p.login, p.name, p.created_at, p.password_hash, p.password_until, p.totp_sealed,
       p.totp_confirmed, p.disabled_at,
       ARRAY(SELECT ARRAY[g.role, g.place] FROM person_grant g WHERE g.person_id = p.id),
       EXISTS (SELECT FROM passkey k WHERE k.person_id = p.id), v.issuer, v.subject
FROM person p LEFT JOIN person_provider v ON v.person_id = p.id
"""

_GRANT: LiteralString = (
    "INSERT INTO person_grant (person_id, role, place, given_at, given_by) "
    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class PostgresPeople:
    """People and their roles; secrets of code generators are sealed."""

    pool: Pool
    seal: Seal

    def add(self, person: Person, *, by: str) -> None:
        """Store somebody new, with his roles."""
        try:
            with borrow(self.pool) as connection, connection.transaction():
                connection.execute(
                    "INSERT INTO person "
                    "(id, login, name, created_at, created_by, password_hash, password_until) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                    [
                        person.id,
                        person.login,
                        person.name,
                        person.created_at,
                        by,
                        person.password_hash,
                        person.password_until,
                    ],
                )
                if person.issuer is not None:
                    connection.execute(
                        "INSERT INTO person_provider (person_id, issuer, subject) VALUES (%s, %s, %s)",
                        [person.id, person.issuer, person.subject],
                    )
                for grant in sorted(person.grants):
                    connection.execute(
                        _GRANT, [person.id, grant.role, grant.place.code, person.created_at, by]
                    )
                note_of_person(connection, AccessKind.PERSON_ADDED, person.id, by=by)
                for grant in sorted(person.grants):
                    note_of_person(connection, AccessKind.ROLE_GIVEN, person.id, by=by, detail=_told(grant))
        except UniqueViolation as error:
            raise LoginTaken(person.login) from error

    def find(self, person_id: str) -> Person | None:
        """Return the person with this id (person_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"{_SELECT} WHERE p.id = %s", [person_id]).fetchone()
        return None if row is None else self._person(row)

    def find_by_login(self, login: str) -> Person | None:
        """Return the person who signs in by this name (person_login_key)."""
        with borrow(self.pool) as connection:
            row = connection.execute(f"{_SELECT} WHERE p.login = %s", [login]).fetchone()
        return None if row is None else self._person(row)

    def find_by_subject(self, issuer: str, subject: str) -> Person | None:
        """Return the person for whom a provider vouches by this name (person_provider_pkey)."""
        with borrow(self.pool) as connection:
            row = connection.execute(
                f"{_SELECT} WHERE v.issuer = %s AND v.subject = %s", [issuer, subject]
            ).fetchone()
        return None if row is None else self._person(row)

    def set_provided(
        self, person_id: str, *, name: str, grants: frozenset[Grant], by: str, at: datetime
    ) -> None:
        """Replace name and roles; what he keeps stays given when it was."""
        roles, places = [one.role for one in sorted(grants)], [one.place.code for one in sorted(grants)]
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute("UPDATE person SET name = %s WHERE id = %s", [name, person_id])
            taken = connection.execute(
                "DELETE FROM person_grant WHERE person_id = %s AND (role, place) NOT IN "
                "(SELECT * FROM unnest(%s::text[], %s::text[])) RETURNING role, place",
                [person_id, roles, places],
            ).fetchall()
            for role, place in taken:
                _note_taken(connection, person_id, Grant(role, Place(place)), by=by)
            for grant in sorted(grants):
                _give(connection, person_id, grant, by=by, at=at)

    def all(self) -> Sequence[Person]:
        """Return everybody, by login."""
        with borrow(self.pool) as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY p.login").fetchall()
        return [self._person(row) for row in rows]

    def find_some(self, text: str, *, after: str, limit: int) -> Sequence[Person]:
        """Return people by login, behind one (person_login_key); a name is looked for in every row."""
        folded = fold(text)
        with borrow(self.pool) as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE p.login > %(after)s AND (%(text)s = '' OR p.login ^@ %(text)s "
                f"OR strpos({FOLDED_NAME}, %(text)s) > 0) ORDER BY p.login LIMIT %(limit)s",
                {"after": after, "text": folded, "limit": limit},
            ).fetchall()
        return [self._person(row) for row in rows]

    def set_password(self, person_id: str, password_hash: str, *, until: datetime | None) -> None:
        """Replace a password."""
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE person SET password_hash = %s, password_until = %s WHERE id = %s",
                [password_hash, until, person_id],
            )

    def set_totp(self, person_id: str, secret: str | None) -> None:
        """Replace the secret of the code generator, or forget it."""
        sealed = None if secret is None else self.seal.close(secret.encode(), belongs_to=_totp_of(person_id))
        with borrow(self.pool) as connection:
            connection.execute(
                "UPDATE person SET totp_sealed = %s, totp_confirmed = false, totp_step = 0 WHERE id = %s",
                [sealed, person_id],
            )

    def use_totp_step(self, person_id: str, step: int) -> bool:
        """Note that a code was used; of two at once, one is."""
        with borrow(self.pool) as connection:
            done = connection.execute(
                "UPDATE person SET totp_step = %(step)s, totp_confirmed = true "
                "WHERE id = %(id)s AND totp_step < %(step)s AND totp_sealed IS NOT NULL",
                {"id": person_id, "step": step},
            )
        return done.rowcount == 1

    def forget_passkeys(self, person_id: str) -> None:
        """Remove every passkey."""
        with borrow(self.pool) as connection:
            connection.execute("DELETE FROM passkey WHERE person_id = %s", [person_id])

    def set_disabled(self, person_id: str, at: datetime | None) -> None:
        """Close or open an account."""
        kind = AccessKind.PERSON_REOPENED if at is None else AccessKind.PERSON_CLOSED
        with borrow(self.pool) as connection, connection.transaction():
            connection.execute("UPDATE person SET disabled_at = %s WHERE id = %s", [at, person_id])
            note_of_person(connection, kind, person_id)

    def grant(self, person_id: str, grant: Grant, *, by: str, at: datetime) -> None:
        """Give a role; one that he has stays."""
        with borrow(self.pool) as connection, connection.transaction():
            _give(connection, person_id, grant, by=by, at=at)

    def revoke(self, person_id: str, grant: Grant) -> bool:
        """Take a role; return whether he had it."""
        with borrow(self.pool) as connection, connection.transaction():
            done = connection.execute(
                "DELETE FROM person_grant WHERE person_id = %s AND role = %s AND place = %s",
                [person_id, grant.role, grant.place.code],
            )
            if done.rowcount:
                _note_taken(connection, person_id, grant)
        return done.rowcount == 1

    def _person(self, row: TupleRow) -> Person:
        (
            person_id,
            login,
            name,
            created_at,
            password,
            until,
            totp,
            confirmed,
            disabled_at,
            grants,
            has_passkey,
            issuer,
            subject,
        ) = row
        return Person(
            id=person_id,
            login=login,
            name=name,
            created_at=created_at,
            password_hash=password,
            password_until=until,
            totp_secret=None
            if totp is None
            else self.seal.open(bytes(totp), belongs_to=_totp_of(person_id)).decode(),
            totp_confirmed=confirmed,
            has_passkey=has_passkey,
            disabled_at=disabled_at,
            grants=frozenset(Grant(role, Place(place)) for role, place in grants),
            issuer=issuer,
            subject=subject,
        )


def _give(connection: Connection[TupleRow], person_id: str, grant: Grant, *, by: str, at: datetime) -> None:
    done = connection.execute(_GRANT, [person_id, grant.role, grant.place.code, at, by])
    if done.rowcount:
        note_of_person(connection, AccessKind.ROLE_GIVEN, person_id, by=by, detail=_told(grant))


def _note_taken(
    connection: Connection[TupleRow], person_id: str, grant: Grant, *, by: str | None = None
) -> None:
    note_of_person(connection, AccessKind.ROLE_TAKEN, person_id, by=by, detail=_told(grant))


def _told(grant: Grant) -> dict[str, str]:
    return {"role": grant.role, "place": grant.place.code or "nation"}


def _totp_of(person_id: str) -> str:
    return f"totp/{person_id}"
