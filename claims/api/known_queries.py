"""Query parameters: what a route does not know is refused, and so is what comes twice and counts once.

A parameter that is misspelled and ignored is a filter that does not filter. The gateway's own protocol
(`claims.api.dropin`) and OAuth's are no less lenient than their originals.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError

from claims.validation import unfit

_LONGEST_NAME: Final = 100
_MOST_TOLD: Final = 20
_REPEATED: Final = ("it comes more than once, and counts once", "tham số này chỉ được ghi một lần")


async def refuse_unknown_query(request: Request) -> None:
    """Pass if a request asks for nothing but what its route declares.

    Raises:
        RequestValidationError: It does not; each parameter is named.
    """
    if not request.scope["query_string"]:
        return
    faults = _faults(request, dict(_parameters(request.scope["route"].dependant)))
    if errors := list(islice(faults, _MOST_TOLD)):
        raise RequestValidationError(errors)


def _faults(request: Request, may_repeat: dict[str, bool]) -> Iterator[dict[str, Any]]:
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        place = ("query", name[:_LONGEST_NAME])
        if name not in may_repeat:
            yield unfit(place, "unknown_parameter", *_unknown(place[1], may_repeat))
        elif times > 1 and not may_repeat[name]:
            yield unfit(place, "repeated_parameter", *_REPEATED)


def _unknown(name: str, known: Collection[str]) -> tuple[str, str]:
    if near := get_close_matches(name.lower(), known, n=1):
        return (
            f"there is no such parameter; did you mean {near[0]}?",
            f"không có tham số này; có phải là {near[0]}?",
        )
    if not known:
        return ("no parameter is taken here", "ở đây không nhận tham số nào")
    every = ", ".join(sorted(known))
    return (f"there is no such parameter; there are {every}", f"không có tham số này; chỉ có {every}")


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Return the parameters' names, and whether each may come more than once."""
    for field in dependant.query_params:
        kinds = (field.field_info.annotation, *get_args(field.field_info.annotation))
        yield field.alias, any(get_origin(one) is list for one in kinds)
    for one in dependant.dependencies:
        yield from _parameters(one)
