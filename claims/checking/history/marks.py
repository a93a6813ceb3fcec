"""Marks: who or what a claim says was somewhere, from when to when."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Bytes of a blinded name: among 100 million of them two are the same with a chance of 1 in 10¹³.
NAME_BYTES: Final = 12
#: The period of marks that count for ever.
_EVER: Final = range(1)


class Subject(StrEnum):
    """Who or what a mark is about."""

    PERSON = "person"  # by social insurance number, wherever the person is treated
    DEATH = "death"  # of a person
    CITIZEN = "citizen"  # by citizen number, at a facility
    PATIENT = "patient"  # by the facility's own number
    EPISODE = "episode"  # MA_LK at a facility
    PERFORMER = "performer"  # a practitioner of a facility, busy with one patient
    EXAMINER = "examiner"  # a practitioner of a facility, at an examination
    BED = "bed"  # of a department of a facility
    SERVICE = "service"  # done for a person, wherever
    COURSE = "course"  # of a medicine that a person took home
    REFERRAL = "referral"  # a slip that a facility gave out
    APPOINTMENT = "appointment"  # a re-visit slip that a facility gave out, on the day that it is for
    REVISIT = "revisit"  # a re-visit slip that was used


class Mark(NamedTuple):
    """Something that a claim says was somewhere.

    Attributes:
        subject: Who or what, blinded.
        starts: From when, ``yyyyMMddHHmm``.
        ends: Until when, not before ``starts``.
        patient: Whose claim says so, blinded; comparable within one facility.
        episode: Which episode of which facility, blinded: of two marks with one, neither is another claim's.
        facility: Which facility says so.
        source: Where the claim is: a submission, or a file.
        is_ever: Whether it counts for ever; otherwise it is found by its months.
    """

    subject: bytes
    starts: str
    ends: str
    patient: bytes
    episode: bytes
    facility: str
    source: str = ""
    is_ever: bool = False

    @property
    def periods(self) -> range:
        """The periods in which it is kept: each month that it touches, so that nobody looks further back."""
        return _EVER if self.is_ever else _months(self.starts, self.ends)


class Window(NamedTuple):
    """A question: which marks about a subject are there between two times, both included?"""

    subject: bytes
    since: str
    until: str
    is_ever: bool = False

    @property
    def periods(self) -> range:
        """The periods in which the marks that overlap with it are kept."""
        return _EVER if self.is_ever else _months(self.since, self.until)


class History(Protocol):
    """Marks of the claims that were accepted before."""

    @property
    def key(self) -> bytes:
        """Return the key under which names are blinded, 16 to 64 bytes."""
        ...

    def find(self, windows: Sequence[Window]) -> Sequence[Mark]:
        """Return the marks that overlap with any of the windows of their subject, in no order."""
        ...


def blind(key: bytes, subject: Subject, *names: str) -> bytes:
    """Return the name of somebody or something as a digest that only the key's holder can compare."""
    text = "\x1f".join((subject.value, *names)).encode()
    return hashlib.blake2b(text, digest_size=NAME_BYTES, key=key).digest()


def _months(since: str, until: str) -> range:
    """Return the months from one time to another, counted from the year 0."""
    return range(_period(since), _period(until) + 1)


def _period(moment: str) -> int:
    return int(moment[:4]) * 12 + int(moment[4:6])
