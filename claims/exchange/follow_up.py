"""Following up: results are read back until their legal clocks have run out and the month is settled.

One look is about everything a facility sent on a day, or has settled in a month, so ten thousand claims cost
no more looks than one. When to look next is a column; the reaper wakes what is due.
"""

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from claims.bundle.deadlines import load_calendar
from claims.exchange.breaker import LONGEST_OUTAGE, Breaker
from claims.exchange.errors import GatewayError, GatewayRefused
from claims.exchange.ports import Clock
from claims.exchange.results import Results, ResultStore, Subject, TransactionVerdict, Watch, WatchKey
from claims.localtime import VIETNAM, local_date

#: Circular 12/2026, article 9.2: the last answer of reception comes within 48 hours; one more for the clocks.
_RECEPTION: Final = timedelta(hours=49)
#: Article 10: assessed within 7 working days, answered within 3 more.
_ASSESSMENT_WORKING_DAYS: Final = 10
#: No text says by when a month is settled. For so long after its first day that is looked for.
_SETTLED: Final = timedelta(days=400)
_SOON: Final = timedelta(seconds=30)
#: So many things that the gateway cannot say end a look: it is in trouble, and not they.
_MOST_UNSAID: Final = 3

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ResultClocks:
    """Until when results of something acknowledged now are looked for."""

    reception_until: datetime
    assessment_until: datetime


def clocks_of(now: datetime) -> ResultClocks:
    """Return the clocks of what is acknowledged now."""
    last = load_calendar().after(local_date(now), _ASSESSMENT_WORKING_DAYS)
    end_of_day = datetime(last.year, last.month, last.day, tzinfo=VIETNAM) + timedelta(days=1)
    return ResultClocks(now + _RECEPTION, end_of_day)


@dataclass(frozen=True, slots=True)
class LookPolicy:
    """When to look again: first after a while, then ever longer, and once more when the clock has run out.

    Attributes:
        first_s: The wait after the first look; each later one is twice as long.
        longest_s: The longest.
        late_s: The wait once the clock has run out, for what is late.
    """

    first_s: float = 1200.0
    longest_s: float = 6 * 3600.0
    late_s: float = 24 * 3600.0

    def next_look_at(self, watch: Watch, now: datetime) -> datetime | None:
        """Return when to look again, or None when this look was the last."""
        return None if now >= watch.until else min(self._after(watch, now), watch.until)

    def again_at(self, watch: Watch, now: datetime) -> datetime | None:
        """Return when to look again after nobody answered: past the clock, too, which an outage extends."""
        return None if now >= watch.until + LONGEST_OUTAGE else self._after(watch, now)

    def late_at(self, watch: Watch, now: datetime) -> datetime | None:
        """Return when to look again for an assessment or settlement that is late."""
        is_late = watch.key.subject is Subject.ASSESSMENT and local_date(now) < watch.key.period + _SETTLED
        return self._in(self.late_s, now) if is_late else None

    def _after(self, watch: Watch, now: datetime) -> datetime:
        return self._in(min(self.first_s * 2.0 ** min(watch.looks, 30), self.longest_s), now)

    @staticmethod
    def _in(wait_s: float, now: datetime) -> datetime:
        jitter = random.uniform(0.75, 1.0)  # noqa: S311 - so that facilities do not come together; no secret
        return now + timedelta(seconds=wait_s * jitter)


@dataclass(frozen=True, slots=True)
class WakeLooks:
    """Wake the looks whose time has come. Any number may run; each look is woken by one of them."""

    store: ResultStore
    wake: Callable[[str], None]
    clock: Clock
    wake_again_s: int
    limit: int = 50

    def __call__(self) -> int:
        """Wake what is due and was not woken for a while; return how many looks that were."""
        now = self.clock.now()
        woken_before = now - timedelta(seconds=self.wake_again_s)
        due = self.store.take_due_looks(now=now, woken_before=woken_before, limit=self.limit)
        for key in due:
            self.wake(str(key))
        return len(due)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Take one look. Safe to run twice: only the holder of a lease looks.

    Attributes:
        lease_s: The longest that a look may take.
        most_details: Faults read in one look; the rest is read in the next, so that no facility holds a
            worker for long.
    """

    store: ResultStore
    results: Results
    clock: Clock
    breaker: Breaker
    policy: LookPolicy
    lease_s: int
    most_details: int = 100

    def __call__(self, key: WatchKey) -> bool:
        """Read what there is and keep it; return whether this look was ours and the gateway answered."""
        owner, now = secrets.token_hex(8), self.clock.now()
        permit = self.breaker.permit(1, now)
        if not permit.number:
            return False  # it stays due, and is woken again
        watch = self.store.lease_look(key, owner=owner, now=now, until=now + timedelta(seconds=self.lease_s))
        if watch is None:
            self.breaker.give_back(permit, now)
            return False
        finished, is_done, is_over, answered = watch.finished, True, True, True
        try:
            if key.subject is Subject.RECEPTION:
                is_done = self._read_reception(watch)
            else:
                finished, is_over = self._read_assessment(watch)
        except GatewayError as error:
            # A facility that is refused, for its password or want of an account, may be let in again.
            answered, is_over = False, False
            self._note(error)
        else:
            self._note(None)
        now = self.clock.now()
        again_at = self.policy.next_look_at if answered else self.policy.again_at
        next_look_at = again_at(watch, now) if is_done else now + _SOON
        if next_look_at is None and not is_over:
            next_look_at = self.policy.late_at(watch, now)
        self.store.end_look(key, owner=owner, next_look_at=next_look_at, finished=finished)
        return answered

    def _read_reception(self, watch: Watch) -> bool:
        """Read the day's verdicts and the faults behind them; False when some are left for the next look."""
        key = watch.key
        verdicts = self.results.of_day(key.facility, key.period)
        numbers = self._in_order(watch, [one for one in verdicts if one.wrong])
        until = self.clock.now() + timedelta(seconds=self.lease_s / 2)
        ask = _AskForEach(self._note)
        for count, number in enumerate(numbers):
            if count >= self.most_details or self.clock.now() > until:
                # Those that are known already are read again in a later look.
                return not self.store.without_errors_noted(key.facility, numbers[count:])
            errors = ask(partial(self.results.errors_of, key.facility, number))
            if errors is not None:
                self.store.note_errors(key.facility, [(number, errors)], now=self.clock.now())
        return True

    def _in_order(self, watch: Watch, wrong: list[TransactionVerdict]) -> list[str]:
        """Return the transactions with faults, first those of which nothing is known yet."""
        numbers = [one.ma_giao_dich for one in wrong]
        unknown = list(self.store.without_errors_noted(watch.key.facility, numbers))
        random.shuffle(unknown)  # what the gateway cannot say must not come before the others each time
        return [*unknown, *(number for number in numbers if number not in set(unknown))]

    def _read_assessment(self, watch: Watch) -> tuple[frozenset[str], bool]:
        """Read the month's rounds that may have changed, and its settlement.

        Returns:
            The closed rounds, and whether nothing is to come any more.
        """
        key, finished, ask = watch.key, set(watch.finished), _AskForEach(self._note)
        rounds = self.results.rounds(key.facility, key.period)
        for one in rounds:
            if one.is_closed and one.code in finished:
                continue
            finished.discard(one.code)  # it was opened again
            found = ask(partial(self.results.assessments, key.facility, one.code))
            if found is None:
                continue
            self.store.note_assessments(key.facility, found, now=self.clock.now(), is_last_word=one.is_closed)
            if one.is_closed:
                finished.add(one.code)
        settlement = ask(partial(self.results.settlement, key.facility, key.period))
        if settlement is not None:
            self.store.note_settlement(key.facility, settlement, month=key.period, now=self.clock.now())
        is_settled = settlement is not None and settlement.is_closed
        return frozenset(finished), is_settled and finished.issuperset(one.code for one in rounds)

    def _note(self, error: GatewayError | None) -> None:
        self.breaker.note(error, self.clock.now())


@dataclass(slots=True)
class _AskForEach:
    """Asks for one thing after the other: what the gateway cannot say keeps nobody from the rest."""

    note: Callable[[GatewayError], None]
    left: int = _MOST_UNSAID

    def __call__(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except GatewayRefused:
            raise
        except GatewayError as error:
            self.left -= 1
            is_about_all = error.is_silence or error.says_nothing or error.patience is not None
            if is_about_all or not self.left:
                raise
            self.note(error)
            return None
