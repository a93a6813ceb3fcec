"""What the stand-in is told: who may sign in, whom it trusts, and how it behaves."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from claims.exchange.breaker import Window
from claims.exchange.ports import Clock
from claims.gateway.mock.faults import FaultRule


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MockAccount:
    """An account that may sign in and sends for one facility."""

    facility: str
    username: str
    password_md5: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MockOptions:
    """How the stand-in behaves.

    Attributes:
        token_lifetime_s: How long a token is good; no public source says how long a real one is.
        hold_s: How long a timeout fault keeps a connection before hanging up.
        slow_s: The delay of the ``slow`` fault.
        drip_s: The pause between two bytes of the ``drip`` fault.
        claims_per_file: How many claims one file may hold; the real interface takes one.
        max_body_bytes: A longer request is answered with 413.
        errors_as_http_status: Whether an error's HTTP status says so too; the body is the same.
        offers_lookup: Whether the look-up by digest (an extension) is offered.
        late_error_after_s: When the error detail of a ``late_error`` fault appears.
        time_scale: How long an hour of the law is here: 1 as it is, 0.001 for 3.6 s. Reception speaks 6, 24
            and 48 hours after a file was taken, the assessment after 7 days.
        cut_rate: The share of a claim's lines that the assessment cuts.
        rate_per_s: How many requests an account may make in a second; None for any number.
        peak_hours: First and last hour of the day (the last not included) in which `peak_bytes` holds.
        peak_bytes: The largest file in peak hours; a larger one is answered with 1001.
        lock_before: Claims that ended before that day may not be sent or replaced any more.
        lock_code: What is answered then.
        maintenance: Times in which it is closed.
        faults: Faults from the start on.
        clock: Tells the time; another one makes skew.
    """

    token_lifetime_s: float = 1800.0
    hold_s: float = 30.0
    slow_s: float = 2.0
    drip_s: float = 0.2
    claims_per_file: int = 1
    max_body_bytes: int = 64 * 2**20
    errors_as_http_status: bool = False
    offers_lookup: bool = True
    late_error_after_s: float = 0.0
    time_scale: float = 1.0
    cut_rate: float = 0.05
    rate_per_s: float | None = None
    peak_hours: tuple[int, int] = (7, 17)
    peak_bytes: int = 20_000_000
    lock_before: date | None = None
    lock_code: str = "701"
    maintenance: tuple[Window, ...] = ()
    faults: tuple[FaultRule, ...] = ()
    clock: Clock = field(default_factory=SystemClock)


DEFAULT_OPTIONS = MockOptions()


@dataclass(frozen=True, slots=True)
class MockSettings:
    """How to run the stand-in as a server.

    Attributes:
        folder: Holds ``accounts.csv`` (facility, username, password_md5), ``facilities.csv``
            (facility, certificate_sha256; a facility may have several rows) and ``trust/``; it may hold
            ``cards.csv`` and ``card_staff.csv``, the register of cards and who may ask it.
        journal: Where it keeps what it receives.
        port: 0 lets the system choose.
    """

    folder: Path
    journal: Path
    host: str = "127.0.0.1"
    port: int = 8180
    options: MockOptions = DEFAULT_OPTIONS


def load_accounts(path: Path) -> tuple[MockAccount, ...]:
    """Read ``accounts.csv``."""
    return tuple(
        MockAccount(row["facility"], row["username"], row["password_md5"]) for row in read_rows(path)
    )


def load_certificates(path: Path) -> Mapping[str, frozenset[str]]:
    """Read ``facilities.csv``: the registered certificates' digests by facility, lower case."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in read_rows(path):
        found[row["facility"]].add(row["certificate_sha256"].lower())
    return {facility: frozenset(digests) for facility, digests in found.items()}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table with a header, without blanks around values."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [{name: value.strip() for name, value in row.items()} for row in csv.DictReader(lines)]
