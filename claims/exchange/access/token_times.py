"""Moments as signed tokens write them: seconds since 1970 (RFC 7519, 2)."""

from datetime import UTC, datetime


def moment(value: object) -> datetime:
    """Return the moment that a token names.

    Raises:
        ValueError: It is none.
        OverflowError, OSError: It is further away than a clock goes.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no moment")  # noqa: TRY004 - whoever signs it is at fault, not a type of ours
    return datetime.fromtimestamp(value, UTC)
