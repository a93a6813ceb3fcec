"""Names of patients in reviews: sealed in their rows, and found by words that say nothing without a key.

Each word of a name, and of what else names a patient, is kept as a keyed digest among the words that a
review is found by. Equal words have equal digests, so how often one occurs can be seen; what it is cannot.
Only whole words are found so: digests of beginnings would spell the words out to whoever compares them.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag

from claims.storage.sealing import Seal

_DIGEST_BYTES: Final = 10
#: No folded word begins so: a search for beginnings does not meet digests.
_MARK: Final = "~"


@dataclass(frozen=True, slots=True)
class ReviewNames:
    """Seals names, and makes the words that they are found by.

    Attributes:
        key: Names words in the database; it lies outside.
    """

    seal: Seal
    key: bytes = field(repr=False)

    def close(self, name: str, submission_id: str, ordinal: int) -> bytes:
        """Return a patient's name sealed, bound to its claim."""
        return self.seal.close(name.encode(), belongs_to=_place(submission_id, ordinal))

    def open(self, sealed: bytes, submission_id: str, ordinal: int) -> str | None:
        """Return the name; None if it is damaged, of another key, or of another claim."""
        try:
            return self.seal.open(sealed, belongs_to=_place(submission_id, ordinal)).decode()
        except (InvalidTag, ValueError):
            return None

    def blind(self, words: Sequence[str]) -> list[str]:
        """Return the words as they are kept."""
        return [self._blind(word) for word in words]

    def query(self, words: Sequence[str]) -> str:
        """Return what finds all words: each as a whole word that is kept blind, or the beginning of another.

        The words are letters and digits only.
        """
        return " & ".join(f"('{word}':* | '{self._blind(word)}')" for word in words)

    def _blind(self, word: str) -> str:
        digest = hashlib.blake2b(word.encode(), key=self.key, digest_size=_DIGEST_BYTES).digest()
        return _MARK + base64.b32encode(digest).decode().lower()


def is_blind(word: str) -> bool:
    """Return whether a word that is kept is a digest."""
    return word.startswith(_MARK)


def _place(submission_id: str, ordinal: int) -> str:
    return f"review {submission_id}/{ordinal}"
