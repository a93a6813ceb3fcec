"""A worker that is idle beside waiting work is told from one that is busy, or that waits for work."""

import pytest

from claims.runtime.watchdog import Sight, Watchdog

IDLE = Sight(0, waiting=3, at_hand=0, fetched=7)


def restarts(*sights: Sight) -> int:
    seen = iter(sights)
    called: list[int] = []
    watchdog = Watchdog(lambda: next(seen), lambda: called.append(1), patience_s=40)
    for _ in sights:
        watchdog.look()
    return len(called)


def at(second: float, sight: Sight = IDLE, **changes: int | None) -> Sight:
    return Sight(second, **{"waiting": 3, "at_hand": 0, "fetched": sight.fetched, **changes})  # type: ignore[arg-type]


def test_one_that_fetches_nothing_while_work_waits_is_restarted_once() -> None:
    assert restarts(at(0), at(20), at(39), at(41), at(42)) == 1


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(at(20, fetched=8), id="it-fetched-something"),
        pytest.param(at(20, at_hand=1), id="it-is-busy"),
        pytest.param(at(20, waiting=0), id="nothing-waits"),
        pytest.param(at(20, waiting=None), id="the-broker-does-not-say"),
    ],
)
def test_one_sign_of_life_is_enough(between: Sight) -> None:
    after = at(41, fetched=between.fetched)

    assert restarts(at(0), between, after) == 0
