"""Pace: how often somebody may do something, counted by all processes together where they share a Redis.

A broker that is down, slow or no Redis blocks nobody: each process then counts for itself.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import limits
import redis
import structlog
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger()

#: What counting together may cost a request, at most.
PATIENCE_S: Final = 0.1
#: How long a Redis that did not answer is left alone.
_LEFT_ALONE_S: Final = 5.0
_REDIS: Final = ("redis:", "rediss:", "redis+socket:", "valkey:", "valkeys:")


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of asking for a turn.

    Attributes:
        limit: Turns in a window.
        remaining: Those that are left.
        reset_s: Seconds until there are more.
    """

    is_given: bool
    limit: int
    remaining: int
    reset_s: int


def read_rate(text: str) -> limits.RateLimitItem:
    """Return a rate such as ``600/minute``.

    Raises:
        ValueError: It is none.
    """
    return limits.parse(text)


class Pace:
    """One rate, kept for each of those who ask. Safe to share between threads."""

    def __init__(self, rate: str, *, broker_url: str, name: str, patience_s: float = PATIENCE_S) -> None:
        self._rate = read_rate(rate)
        self._name = name
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._together = _shared(broker_url, patience_s)
        self._alone_until = -math.inf
        self._lock = threading.Lock()

    def take(self, who: str) -> Turn:
        """Ask for a turn."""
        return self._ask(who, lambda limiter: limiter.hit(self._rate, self._name, who))

    def look(self, who: str) -> Turn:
        """Say whether there is a turn, and take none."""
        return self._ask(who, lambda limiter: limiter.test(self._rate, self._name, who))

    def _ask(self, who: str, is_given: Callable[[SlidingWindowCounterRateLimiter], bool]) -> Turn:
        if self._together is not None and time.monotonic() >= self._alone_until:
            try:
                return self._turn(self._together, who, is_given)
            except (redis.RedisError, OSError) as error:
                with self._lock:
                    self._alone_until = time.monotonic() + _LEFT_ALONE_S
                log.warning("pace.counted_alone", pace=self._name, reason=type(error).__name__)
        return self._turn(self._alone, who, is_given)

    def _turn(
        self,
        limiter: SlidingWindowCounterRateLimiter,
        who: str,
        is_given: Callable[[SlidingWindowCounterRateLimiter], bool],
    ) -> Turn:
        given = is_given(limiter)
        stats = limiter.get_window_stats(self._rate, self._name, who)
        return Turn(
            given, self._rate.amount, stats.remaining, max(1, math.ceil(stats.reset_time - time.time()))
        )


def _shared(broker_url: str, patience_s: float) -> SlidingWindowCounterRateLimiter | None:
    if not broker_url.startswith(_REDIS):
        return None
    # Celery's way of writing a socket's address is not the library's.
    url = broker_url.replace("redis+socket:", "unix:", 1).replace("virtual_host=", "db=", 1)
    if url.startswith("valkey"):
        url = "redis" + url.removeprefix("valkey")
    pool = redis.ConnectionPool.from_url(
        url,
        socket_timeout=patience_s,
        socket_connect_timeout=patience_s,
        retry=Retry(NoBackoff(), 0),
    )
    return SlidingWindowCounterRateLimiter(
        RedisStorage("redis://", connection_pool=pool, key_prefix="ehoso-pace")
    )
