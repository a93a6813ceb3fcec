"""What requests in the gateway's protocol say, in the query and in the body."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from fastapi import Request

from claims.api.dropin.speaking import WRONG_PARAMETER, Refusal
from claims.gateway.protocol import read_day
from claims.gateway.receiving import read_fields, spell

#: What a request must be to be read: a wrong type of content looks as if nothing had been sent.
READABLE: Final = (
    "Yêu cầu phải là form (application/x-www-form-urlencoded) hoặc JSON (application/json), đúng Content-Type"
)
#: Of what can have been sent.
_YEARS: Final = range(2000, 3000)


def query_of(request: Request) -> dict[str, str]:
    """Return what the query says, under the protocol's names."""
    return {spell(name): value for name, value in request.query_params.items()}


async def fields_of(request: Request) -> dict[str, str]:
    """Return what the body says, a form or JSON, under the protocol's names."""
    fields = read_fields(await request.body(), content_type=request.headers.get("content-type", ""))
    return {name: value.decode("utf-8", "replace") for name, value in fields.items() if name}


def day_in(asked: Mapping[str, str], name: str) -> date:
    """Return a day that a request names."""
    day = read_day(asked.get(name, ""))
    if day is None or day.year not in _YEARS:
        raise Refusal(WRONG_PARAMETER, f"{name} phải có dạng DD/MM/YYYY")
    return day
