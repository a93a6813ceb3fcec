"""A filter as SQL: the conditions that lists and replays share, the cursor that pages them, ids by day."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final, LiteralString

from ulid import ULID

from claims.exchange.errors import InvalidCursor
from claims.exchange.submission import SubmissionFilter
from claims.localtime import VIETNAM

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Sorts behind every letter of an id.
_BEHIND: Final = "~"


def conditions(  # noqa: C901 - one line for each condition
    which: SubmissionFilter,
) -> tuple[LiteralString, Mapping[str, object]]:
    """Return a WHERE clause over ``submission s`` and its parameters; ``true`` when nothing narrows."""
    parts: list[LiteralString] = []
    params: dict[str, object] = {}

    def narrow(part: LiteralString, name: str, value: object) -> None:
        parts.append(part)
        params[name] = value

    if which.within.only_facility is not None:  # submission_of_facility
        narrow("s.facility = %(within)s", "within", which.within.only_facility)
    elif not which.within.is_everywhere:
        narrow("s.facility ^@ ANY(%(within)s)", "within", which.within.codes)
    if which.ids:
        narrow("s.id = ANY(%(ids)s)", "ids", list(which.ids))
    if which.states:
        narrow("s.state = ANY(%(states)s)", "states", [str(state) for state in which.states])
    if which.facility is not None:
        narrow("s.facility = %(facility)s", "facility", which.facility)
    if which.ma_lk is not None:  # claim_of_episode
        narrow(
            "EXISTS (SELECT 1 FROM claim c WHERE c.submission_id = s.id AND c.ma_lk = %(ma_lk)s)",
            "ma_lk",
            which.ma_lk,
        )
    if which.sha256 is not None:
        narrow("s.sha256 = decode(%(sha256)s, 'hex')", "sha256", which.sha256)
    if which.cause is not None:
        narrow("s.cause = %(cause)s", "cause", which.cause)
    if which.received_from is not None:  # submission_pkey, submission_of_facility
        narrow("s.received_at >= %(received_from)s", "received_from", which.received_from)
        narrow("s.id > %(first_id)s", "first_id", first_id_at(which.received_from))
    if which.received_until is not None:
        narrow("s.received_at < %(received_until)s", "received_until", which.received_until)
        narrow("s.id < %(behind_id)s", "behind_id", first_id_at(which.received_until) + _BEHIND)
    return " AND ".join(parts) or "true", params


def encode_cursor(last_id: str) -> str:
    """Return an opaque cursor for the page after this id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Return the id that a cursor stands for.

    Raises:
        InvalidCursor: No page gave this cursor.
    """
    try:
        last_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not last_id.startswith("sub_"):
        raise InvalidCursor
    return last_id


def first_id(day: date) -> str:
    """Return what sorts before every id of that day and after every earlier one."""
    return first_id_at(datetime(day.year, day.month, day.day, tzinfo=VIETNAM))


def first_id_at(at: datetime) -> str:
    """Return what sorts before every id of that millisecond and after every earlier one."""
    time_of_ulid = str(ULID.from_datetime(max(at, _EPOCH)))[:10]
    return f"sub_{time_of_ulid}"
