"""The card look-up with a memory: an episode's good answer is asked for once."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from claims.checking.cards import CardQuestion, CardReply, Standing
from claims.exchange.errors import GatewayError, GatewayRefused
from claims.exchange.ports import Clock
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

#: Whoever does not answer is not asked again for so long, so that checks do not wait for it one by one.
_SILENT_FOR: Final = timedelta(seconds=30)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class RememberedCards:
    """`claims.checking.cards.Cards` that remembers good answers, sealed, and who did not answer lately.

    Attributes:
        ask: Asks the register.
        key: Names questions in the database; it lies outside.
    """

    pool: Pool
    seal: Seal
    ask: Callable[[CardQuestion], CardReply | None]
    clock: Clock
    key: bytes = field(repr=False)
    _silent_until: datetime = _LONG_AGO

    def look_up(self, question: CardQuestion) -> CardReply | None:
        """Return what the register says, or said of the same card in the same episode when it was right."""
        name = self._name(question)
        known = self._recall(name)
        if known is not None or self.clock.now() < self._silent_until:
            return known
        try:
            reply = self.ask(question)
        except GatewayRefused:
            return None  # this facility's account, and no other's
        except GatewayError:
            self._silent_until = self.clock.now() + _SILENT_FOR
            return None
        if reply is not None and reply.result.standing is Standing.GOOD:
            self._keep(name, reply)
        return reply

    def _name(self, question: CardQuestion) -> bytes:
        return hashlib.blake2b(json.dumps(asdict(question)).encode(), key=self.key, digest_size=32).digest()

    def _recall(self, name: bytes) -> CardReply | None:
        with borrow(self.pool) as connection:
            row = connection.execute(
                "SELECT reply_sealed FROM card_reply WHERE question = %s", [name]
            ).fetchone()
        return None if row is None else CardReply(**json.loads(self._open(name, bytes(row[0]))))

    def _keep(self, name: bytes, reply: CardReply) -> None:
        sealed = self.seal.close(json.dumps(asdict(reply)).encode(), belongs_to=name.hex())
        with borrow(self.pool) as connection:
            connection.execute(
                "INSERT INTO card_reply (question, answered_at, reply_sealed) VALUES (%s, %s, %s) "
                "ON CONFLICT DO NOTHING",
                [name, self.clock.now(), sealed],
            )

    def _open(self, name: bytes, sealed: bytes) -> bytes:
        return self.seal.open(sealed, belongs_to=name.hex())
