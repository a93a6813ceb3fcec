"""Requests of persons about their data: recorded, acknowledged and answered within the law's times.

Signed bytes are never altered. What is wrong in a claim is put right by the facility, which hands the same
episode in again; the request is answered with that submission. Law 91/2025/QH15, article 4; the times
are those of Decree 356/2025/NĐ-CP (docs/guides/personal-data.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from ulid import ULID

from claims.bundle.deadlines import load_calendar
from claims.exchange.access.places import Reach
from claims.exchange.access.principal import Principal
from claims.exchange.errors import DataRequestClosed, DataRequestNotFound, NoCorrection, NothingHeld
from claims.exchange.ports import Clock
from claims.exchange.submission import SubmissionId
from claims.localtime import local_date

#: Working days until the person hears that the request came and what happens with it.
ACKNOWLEDGE_WITHIN: Final = 2
#: Days until it is done; and by how many it may be put off, once, with a reason.
ANSWER_WITHIN: Final = timedelta(days=10)
EXTENSION: Final = timedelta(days=10)


class RequestKind(StrEnum):
    """What a person asks for."""

    ACCESS = "access"
    CORRECTION = "correction"


class Outcome(StrEnum):
    """What came of it."""

    PROVIDED = "provided"  # the data were handed over
    CORRECTED = "corrected"  # the facility handed the episode in again
    NOT_WRONG = "not_wrong"  # the data are as they were written down
    REFUSED = "refused"  # another law forbids it; the answer says which


@dataclass(frozen=True, slots=True)
class LinkedClaim:
    """A claim that a request is about."""

    submission_id: SubmissionId
    ordinal: int


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One request as it stands.

    Attributes:
        facility: Whose claims it is about.
        text: What the person asks, as it was recorded; sealed in the database, as is the answer.
        acknowledge_by: Until when the person must hear that it came.
        answer_by: Until when it must be done.
        corrected_by: The submission that corrects it.
    """

    id: str
    kind: RequestKind
    facility: str
    text: str = field(repr=False)
    claims: tuple[LinkedClaim, ...]
    recorded_by: str
    recorded_at: datetime
    acknowledge_by: date
    answer_by: date
    acknowledged_at: datetime | None = None
    extended_at: datetime | None = None
    extension_reason: str = ""
    answered_at: datetime | None = None
    answered_by: str | None = None
    outcome: Outcome | None = None
    answer: str = field(default="", repr=False)
    corrected_by: SubmissionId | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for its answer."""
        return self.answered_at is None

    def is_late(self, today: date) -> bool:
        """Return whether one of its times is over."""
        if not self.is_open:
            return False
        return today > self.answer_by or (self.acknowledged_at is None and today > self.acknowledge_by)


class DataRequests(Protocol):
    """Keeps them; each change is noted in the log of access with it."""

    def claims_of(self, persons: Sequence[bytes], *, facility: str) -> Sequence[LinkedClaim]:
        """Return a facility's claims that name one of these numbers."""
        ...

    def add(self, request: DataRequest, persons: Sequence[bytes]) -> None:
        """Store a new one."""
        ...

    def find(self, request_id: str, *, within: Reach) -> DataRequest | None:
        """Return one within a reach."""
        ...

    def change(self, request: DataRequest, what: str) -> bool:
        """Store what has changed; False: it was answered meanwhile."""
        ...

    def is_correction(self, request: DataRequest, submission_id: SubmissionId) -> bool:
        """Return whether a submission hands in one of the request's episodes again, after it was recorded."""
        ...

    def list_page(
        self, *, within: Reach, only_open: bool, before: str | None, limit: int
    ) -> Sequence[DataRequest]:
        """Return them, newest first."""
        ...

    def of_persons(self, persons: Sequence[bytes], *, within: Reach) -> Sequence[DataRequest]:
        """Return those of a person, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class HandleDataRequests:
    """Record requests and carry them to their answer."""

    requests: DataRequests
    clock: Clock

    def record(
        self, caller: Principal, kind: RequestKind, persons: Sequence[bytes], *, facility: str, text: str
    ) -> DataRequest:
        """Record what a person asks of a facility; it is linked to the person's claims there.

        Raises:
            NothingHeld: The facility has no claim of this person.
        """
        claims = self.requests.claims_of(persons, facility=facility)
        if not claims:
            raise NothingHeld
        now = self.clock.now()
        today = local_date(now)
        request = DataRequest(
            id=f"dreq_{ULID.from_datetime(now)}",
            kind=kind,
            facility=facility,
            text=text,
            claims=tuple(claims),
            recorded_by=caller.id,
            recorded_at=now,
            acknowledge_by=load_calendar().after(today, ACKNOWLEDGE_WITHIN),
            answer_by=today + ANSWER_WITHIN,
        )
        self.requests.add(request, persons)
        return request

    def find(self, request_id: str, *, within: Reach) -> DataRequest:
        """Return one.

        Raises:
            DataRequestNotFound: There is none, or it lies elsewhere.
        """
        found = self.requests.find(request_id, within=within)
        if found is None:
            raise DataRequestNotFound(request_id)
        return found

    def acknowledge(self, request_id: str, *, within: Reach) -> DataRequest:
        """Note that the person heard that it came, and how it goes on; once is enough."""
        request = self._open(request_id, within)
        if request.acknowledged_at is not None:
            return request
        return self._changed(replace(request, acknowledged_at=self.clock.now()), "acknowledged")

    def extend(self, request_id: str, reason: str, *, within: Reach) -> DataRequest:
        """Put its end off, once.

        Raises:
            DataRequestClosed: It was answered, or was put off before.
        """
        request = self._open(request_id, within)
        if request.extended_at is not None:
            raise DataRequestClosed(request_id, "it was put off before, and that goes once")
        longer = replace(
            request,
            extended_at=self.clock.now(),
            extension_reason=reason,
            answer_by=request.answer_by + EXTENSION,
        )
        return self._changed(longer, "extended")

    def answer(
        self,
        caller: Principal,
        request_id: str,
        outcome: Outcome,
        text: str,
        *,
        corrected_by: SubmissionId | None = None,
    ) -> DataRequest:
        """Answer it.

        Raises:
            DataRequestNotFound: There is none, or it lies elsewhere.
            DataRequestClosed: It was answered.
            NoCorrection: No submission hands the episode in again, or one is named where none should be.
        """
        request = self._open(request_id, caller.within)
        if (outcome is Outcome.CORRECTED) != (corrected_by is not None):
            raise NoCorrection(str(corrected_by or ""))
        if corrected_by is not None and not self.requests.is_correction(request, corrected_by):
            raise NoCorrection(corrected_by)
        now = self.clock.now()
        answered = replace(
            request,
            acknowledged_at=request.acknowledged_at or now,
            answered_at=now,
            answered_by=caller.id,
            outcome=outcome,
            answer=text,
            corrected_by=corrected_by,
        )
        return self._changed(answered, "answered")

    def _open(self, request_id: str, within: Reach) -> DataRequest:
        request = self.find(request_id, within=within)
        if not request.is_open:
            raise DataRequestClosed(request_id, "it was answered")
        return request

    def _changed(self, request: DataRequest, what: str) -> DataRequest:
        if not self.requests.change(request, what):
            raise DataRequestClosed(request.id, "it was answered")
        return request


def request_to_json(one: DataRequest) -> Mapping[str, object]:
    """Return a request as the person may read it."""

    def told(moment: datetime | None) -> str | None:
        return None if moment is None else moment.astimezone(UTC).isoformat()

    return {
        "id": one.id,
        "kind": one.kind,
        "facility": one.facility,
        "text": one.text,
        "claims": [f"{each.submission_id}/{each.ordinal}" for each in one.claims],
        "recorded_at": told(one.recorded_at),
        "acknowledge_by": one.acknowledge_by.isoformat(),
        "answer_by": one.answer_by.isoformat(),
        "acknowledged_at": told(one.acknowledged_at),
        "extended_at": told(one.extended_at),
        "extension_reason": one.extension_reason,
        "answered_at": told(one.answered_at),
        "outcome": one.outcome,
        "answer": one.answer,
        "corrected_by": one.corrected_by,
    }
