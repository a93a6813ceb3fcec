"""Passwords: which may be chosen, and their argon2id hashes."""

import secrets
import unicodedata
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from claims.exchange.access.errors import WeakPassword

SHORTEST: Final = 12
#: Longer ones would let anybody make us hash megabytes.
LONGEST: Final = 200
_FEWEST_CHARACTERS: Final = 5
#: Each hash takes 64 MiB for some 0.1 s (RFC 9106, second recommended choice); this many at once.
_AT_ONCE: Final = 4
# No 0, O, 1, I or l: people copy one-time passwords from paper.
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"


class Passwords:
    """Makes and compares hashes."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = BoundedSemaphore(_AT_ONCE)
        # What is compared for a name that nobody has, so that the time of an answer tells nothing.
        self._nobody = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """Return the password's hash with its parameters and salt."""
        with self._turns:
            return self._hasher.hash(_normal(password))

    def matches(self, password: str, known: str | None) -> bool:
        """Return whether a password is the hashed one; takes as long where there is none."""
        if len(password) > LONGEST:
            return False
        with self._turns:
            try:
                self._hasher.verify(known or self._nobody, _normal(password))
            except (VerificationError, InvalidHashError):
                return False
        return known is not None

    def is_outdated(self, known: str) -> bool:
        """Return whether a hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(known)


def require_strong(password: str, *, login: str) -> None:
    """Pass if somebody may choose this password: long, not made of a few characters, not the own name.

    Raises:
        WeakPassword: He may not.
    """
    text = _normal(password)
    if len(text) < SHORTEST:
        raise WeakPassword("short")
    if len(password) > LONGEST:
        raise WeakPassword("long")
    if login.partition("@")[0].casefold() in text.casefold():
        raise WeakPassword("login")
    if len(set(text)) < _FEWEST_CHARACTERS or text in "0123456789" * 20:
        raise WeakPassword("simple")


def one_time_password() -> str:
    """Return a random password of 99 bits, in groups that can be read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def _normal(password: str) -> str:
    # Two keyboards write one Vietnamese letter in two ways (NIST SP 800-63B, 3.1.1.2: normalize).
    return unicodedata.normalize("NFKC", password)
