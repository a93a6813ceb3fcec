"""Callers in memory: whose key a token is, for some seconds, without asking anybody or changing threads."""

import hashlib
import time
from threading import Lock
from typing import Final

from cachetools import LRUCache

from claims.exchange.access.callers import WhoCalls
from claims.exchange.access.principal import Principal
from claims.exchange.ports import Clock

_KEPT: Final = 20_000


class KnownCallers:
    """`claims.exchange.access.callers.WhoCalls` that remembers API keys; sessions and clients are asked for.

    A key that is revoked opens as long as it is remembered; one that expires does so to the moment.
    """

    def __init__(self, who_calls: WhoCalls, clock: Clock, *, remember_s: float) -> None:
        self._who_calls = who_calls
        self._clock = clock
        self._remember_s = remember_s
        # By digest, so that no token lies in memory longer than its request.
        self._known: LRUCache[bytes, tuple[Principal, float]] = LRUCache(_KEPT)
        self._lock = Lock()

    def recall(self, token: str) -> Principal | None:
        """Return who showed this token a moment ago; None: it has to be asked. Never waits."""
        with self._lock:
            known = self._known.get(_digest(token))
        return known[0] if known is not None and time.monotonic() < known[1] else None

    def __call__(self, token: str, *, certificate: bytes | None = None) -> Principal:
        """Return who calls, over a connection on which a certificate was proved or none.

        Raises:
            UnknownKey, NotSignedIn: The token opens nothing; why is not said.
        """
        if not self._who_calls.is_key(token):
            return self._who_calls(token, certificate=certificate)
        key = self._who_calls.keys.find(token)
        lives_s = self._remember_s
        if key.expires_at is not None:
            lives_s = min(lives_s, (key.expires_at - self._clock.now()).total_seconds())
        with self._lock:
            self._known[_digest(token)] = (key.principal, time.monotonic() + lives_s)
        return key.principal


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
