"""What reviewers call things: findings by code, facilities, people."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final

from cachetools.func import ttl_cache
from fastapi import Depends, Request

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.messages import describe
from claims.runtime.wiring import Service

_TABLE: Final = re.compile(r"XML[0-9]{1,2}", re.ASCII)
_TABLE_FIELD_KIND: Final = 3
_REMEMBER_S: Final = 60


@lru_cache(maxsize=4_096)
def sentence_of(code: str, language: str) -> str:
    """Say what a finding of this code means, with … for the facts of any one of them."""
    parts = code.split(".")
    table = parts[0] if _TABLE.fullmatch(parts[0]) else None
    field = parts[1] if len(parts) == _TABLE_FIELD_KIND else None
    try:
        text = describe(Finding(code, Severity.WARNING, Location(table=table, field=field)), language)
    except KeyError:
        return code
    return text.replace("–", "…").replace("….", "…")


class Names:
    """Names of facilities and people, as of a minute ago at most."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._facilities = ttl_cache(maxsize=1, ttl=_REMEMBER_S)(self._load_facilities)
        self._people = ttl_cache(maxsize=10_000, ttl=_REMEMBER_S)(self._load_person)

    def facility(self, code: str) -> str:
        """Return a facility's name; empty when nobody registered it."""
        return self._facilities().get(code, "")

    def person(self, person_id: str | None) -> str:
        """Return a person's name, or the id of whoever is no person."""
        return "" if person_id is None else self._people(person_id)

    def _load_facilities(self) -> Mapping[str, str]:
        return dict(self._service.facilities.all())

    def _load_person(self, person_id: str) -> str:
        person = self._service.people.find(person_id)
        return person_id if person is None else person.name


async def names_of(request: Request) -> Names:
    """Return the names that the app keeps."""
    names = request.app.state.names
    if not isinstance(names, Names):
        raise TypeError(type(names))
    return names


TheNames = Annotated[Names, Depends(names_of)]
