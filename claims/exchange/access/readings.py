"""The log of readings: who saw what of which patients, and when. Only added to; it holds no names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from claims.exchange.access.places import Reach
from claims.exchange.ports import Clock

#: What was looked at, when somebody looked for one person in the log itself.
LOG: Final = "log"


@dataclass(frozen=True, slots=True)
class Seen:
    """A claim that was shown, and about which insured person it is (a keyed digest)."""

    submission_id: str
    ordinal: int
    facility: str
    person: bytes | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One view of patients' data.

    Attributes:
        reader: The id of the person or key.
        page: What was looked at, such as ``claim`` or ``inbox``.
    """

    at: datetime
    reader: str
    page: str
    seen: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class ReadingFilter:
    """Which readings are meant; every condition narrows, also which claims are told of a page of several.

    Attributes:
        within: Where whoever asks may see.
        persons: Digests of one person's numbers: readings of any claim of that person are meant.
    """

    within: Reach
    reader: str | None = None
    submission_id: str | None = None
    persons: tuple[bytes, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReadingPage:
    """Some readings, newest first, and where the next page starts."""

    items: tuple[Reading, ...]
    next_cursor: int | None


class Readings(Protocol):
    """Keeps the log."""

    def note(self, reading: Reading) -> None:
        """Add a reading, before what it is about is shown."""
        ...

    def note_submission(self, submission_id: str, *, reader: str, page: str, at: datetime) -> None:
        """Add a reading of all claims of a submission, before they are shown."""
        ...

    def list_page(self, which: ReadingFilter, *, limit: int, before: int | None) -> ReadingPage:
        """Return a page of the log, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class ConsultReadings:
    """Look into the log. Whoever looks for a person there learns which claims are that person's."""

    readings: Readings
    clock: Clock

    def __call__(
        self, which: ReadingFilter, *, reader: str, limit: int, before: int | None = None
    ) -> ReadingPage:
        """Return a page of the log, newest first; looking for a person is noted as a reading."""
        page = self.readings.list_page(which, limit=limit, before=before)
        if which.persons is not None:
            seen = tuple(dict.fromkeys(one for reading in page.items for one in reading.seen))
            self.readings.note(Reading(self.clock.now(), reader, LOG, seen))
        return page
