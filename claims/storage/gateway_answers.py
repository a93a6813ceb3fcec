"""The gateway's last answers about assessment and settlement, sealed: they may name patients."""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from claims.exchange.passing_on import AnswerKey, KeptAnswer
from claims.storage.pool import Pool, borrow
from claims.storage.sealing import Seal

#: Longer than anything is assessed or settled after it was sent.
_KEPT: Final = timedelta(days=400)

_KEEP: Final[LiteralString] = """
INSERT INTO gateway_answer AS a (facility, about, which, asked_at, is_final, answer_sealed)
VALUES (%(facility)s, %(about)s, %(which)s, %(asked_at)s, %(is_final)s, %(sealed)s)
ON CONFLICT (facility, about, which) DO UPDATE SET asked_at = EXCLUDED.asked_at,
    is_final = EXCLUDED.is_final, answer_sealed = EXCLUDED.answer_sealed
WHERE a.asked_at <= EXCLUDED.asked_at
"""

# A round is finished once the follow-up has read it after it was closed.
_FIND: Final[LiteralString] = """
SELECT a.answer_sealed, a.asked_at, a.is_final OR (a.about = 'assessment' AND EXISTS (
    SELECT FROM result_watch w WHERE w.facility = a.facility AND w.subject = 'assessment'
        AND a.which = ANY(w.finished)))
FROM gateway_answer a WHERE (a.facility, a.about, a.which) = (%(facility)s, %(about)s, %(which)s)
"""


@dataclass(frozen=True, slots=True)
class PostgresKeptAnswers:
    """`claims.exchange.passing_on.KeptAnswers` on PostgreSQL."""

    pool: Pool
    seal: Seal

    def keep(self, key: AnswerKey, body: bytes, *, asked_at: datetime, is_final: bool) -> None:
        """Keep an answer, unless one is there that was asked for later; forget old ones."""
        sealed = self.seal.close(zlib.compress(body), belongs_to=_name(key))
        with borrow(self.pool) as connection:
            connection.execute(
                _KEEP, {**_params(key), "asked_at": asked_at, "is_final": is_final, "sealed": sealed}
            )
            # gateway_answer_by_age
            connection.execute("DELETE FROM gateway_answer WHERE asked_at < %s", [asked_at - _KEPT])

    def find(self, key: AnswerKey) -> KeptAnswer | None:
        """Return the answer that is kept."""
        with borrow(self.pool) as connection:
            row = connection.execute(_FIND, _params(key)).fetchone()
        if row is None:
            return None
        sealed, asked_at, is_final = row
        body = zlib.decompress(self.seal.open(bytes(sealed), belongs_to=_name(key)))
        return KeptAnswer(body, asked_at, is_final)


def _params(key: AnswerKey) -> dict[str, str]:
    return {"facility": key.facility, "about": key.about, "which": key.which}


def _name(key: AnswerKey) -> str:
    return f"{key.facility} {key.about} {key.which}"
