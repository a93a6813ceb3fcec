"""How things stand with gateways, for all processes: one short row each, changed under its lock."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

from claims.exchange.destination import Circuit, Standing
from claims.storage.pool import Pool, borrow

_LOOK: Final[LiteralString] = (
    "SELECT circuit, silences, rest_s, rests_until, free_at FROM gateway_destination WHERE name = %s"
)


@dataclass(frozen=True, slots=True)
class PostgresDestination:
    """`claims.exchange.destination.Destination` on PostgreSQL."""

    pool: Pool
    name: str

    def look(self) -> Standing:
        """Return how things stand."""
        with borrow(self.pool) as connection:
            return _standing(connection.execute(_LOOK, [self.name]).fetchone()) or Standing()

    def change(self, to: Callable[[Standing], Standing]) -> tuple[Standing, Standing]:
        """Change it while nobody else does; return what it was and what it is."""
        with borrow(self.pool) as connection, connection.transaction():
            before = self._locked(connection)
            after = to(before)
            if after != before:
                connection.execute(
                    "UPDATE gateway_destination SET circuit = %s, silences = %s, rest_s = %s, "
                    "rests_until = %s, free_at = %s WHERE name = %s",
                    [
                        after.circuit,
                        after.silences,
                        after.rest_s,
                        after.rests_until,
                        after.free_at,
                        self.name,
                    ],
                )
        return before, after

    def _locked(self, connection: Connection[TupleRow]) -> Standing:
        look: LiteralString = f"{_LOOK} FOR UPDATE"
        standing = _standing(connection.execute(look, [self.name]).fetchone())
        if standing is None:  # the first time ever
            connection.execute(
                "INSERT INTO gateway_destination (name) VALUES (%s) ON CONFLICT DO NOTHING", [self.name]
            )
            standing = _standing(connection.execute(look, [self.name]).fetchone())
        return standing or Standing()


def _standing(row: TupleRow | None) -> Standing | None:
    return None if row is None else Standing(Circuit(row[0]), *row[1:])
