"""Headers that come once: of two, one would count, and the caller could not know which."""

from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers

from claims.validation import unfit

_SINGLE: Final = frozenset({b"authorization", b"content-type", b"idempotency-key", b"correction-reason"})
_REPEATED: Final = ("it comes more than once, and counts once", "header này chỉ được ghi một lần")


def repeated_headers(headers: Headers) -> list[str]:
    """Return the names of those that come more than once."""
    names = [name for name, _ in headers.raw if name in _SINGLE]
    return sorted(name.decode() for name in {*names} if names.count(name) > 1)


def refuse_repeated_headers(request: Request) -> None:
    """Pass if none comes more than once.

    Raises:
        RequestValidationError: Some do; each is named.
    """
    if names := repeated_headers(request.headers):
        raise RequestValidationError(
            [unfit(("header", name), "repeated_header", *_REPEATED) for name in names]
        )
