"""The storm: faults one after another, by a seed, each undone when its time has come."""

import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import Fault, Missed, Undo

#: Seconds between two faults, at least and at most.
_GAP_S = (0.5, 3.0)


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that happened."""

    kind: str
    at: float


@dataclass
class Storm:
    """Deals the kinds like cards, so that each comes before any comes again.

    Attributes:
        meanwhile: Is called before each fault.
    """

    faults: Sequence[Fault]
    choose: random.Random
    meanwhile: Callable[[], None]
    strikes: list[Strike] = field(default_factory=list)

    def rage(self, seconds: float) -> None:
        """Go on for so long, then undo everything that still lasts."""
        started = time.monotonic()
        deck: list[Fault] = []
        lasting: dict[str, tuple[float, Undo]] = {}
        while (now := time.monotonic() - started) < seconds:
            time.sleep(self.choose.uniform(*_GAP_S))
            self.meanwhile()
            for kind in [kind for kind, (until, _) in lasting.items() if until <= now]:
                lasting.pop(kind)[1]()
            if not deck:
                deck = self.choose.sample(self.faults, len(self.faults))
            fault = deck.pop()
            length_s = self.choose.uniform(*fault.lasts_s)
            if fault.kind in lasting:
                continue
            try:
                undo = fault.strike(self.choose)
            except Missed:
                continue
            sys.stderr.write(f"{now:7.1f} s  {fault.kind}\n")
            self.strikes.append(Strike(fault.kind, time.time()))
            if undo is not None:
                lasting[fault.kind] = (now + length_s, undo)
        for _, undo in lasting.values():
            undo()
