"""The log of access: sign-ins, lock-outs, broken glass, and every change of who may do what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.auditors.asking import Sought
from claims.console.auditors.readings import READINGS, Auditor, TheEnding
from claims.console.exporting import file_of, note_export
from claims.console.formats import moment
from claims.console.naming import Names, TheNames
from claims.console.pages import language_of, render
from claims.console.viewer import TheService
from claims.console.wording import Words, words
from claims.exchange.access.access_log import AccessEvent, AccessFilter, AccessKind
from claims.exchange.access.policy import load_policy
from claims.localtime import local_time
from claims.runtime.wiring import Service

router = APIRouter()

EVENTS: Final = f"{READINGS}/access"
_PAGE_SIZE: Final = 100
_EXPORTED_AT_ONCE: Final = 1_000
_COLUMNS: Final = ("when", "what_happened", "done_by", "done_to", "counts_in", "event_facts")
_NATION: Final = "nation"


@dataclass(frozen=True, slots=True)
class Told:
    """One event in words."""

    at: datetime
    kind: AccessKind
    what: str
    by: str
    about: str
    places: Sequence[str]
    facts: Sequence[tuple[str, str]]


@router.get(EVENTS)
def show_events(request: Request, service: TheService, viewer: Auditor, names: TheNames) -> Response:
    """Show what happened, newest first."""
    sought, language = Sought.of(request.query_params), language_of(request)
    which = sought.events(service, viewer.principal.within)
    found = service.access_log.list_page(which, limit=_PAGE_SIZE + 1, before=sought.before)
    last = found[_PAGE_SIZE - 1] if len(found) > _PAGE_SIZE else None
    following = () if last is None else (("before", str(last.position)),)
    return render(
        request,
        "auditors/events.html",
        events=[tell(one, names, language) for one in found[:_PAGE_SIZE]],
        sought=sought,
        kinds=[(str(kind), words(language)[f"access_{kind}"]) for kind in AccessKind],
        next=page_url(EVENTS, (*sought.query, *following)) if following else "",
        first=page_url(EVENTS, sought.query) if sought.before else "",
        export=page_url(f"{EVENTS}.csv", sought.query),
    )


@router.get(f"{EVENTS}.{{ending}}")
def export_events(
    request: Request, service: TheService, viewer: Auditor, names: TheNames, ending: TheEnding
) -> Response:
    """Return the events that the filter means, all of them."""
    sought, language = Sought.of(request.query_params), language_of(request)
    note_export(viewer, "access events", ending, sought.names)
    rows = _rows(service, sought.events(service, viewer.principal.within), names, language)
    return file_of([words(language)[name] for name in _COLUMNS], rows, ending, "access-events")


def tell(one: AccessEvent, names: Names, language: str) -> Told:
    """Put an event into words."""
    word = words(language)
    return Told(
        at=one.at,
        kind=one.kind,
        what=word[f"access_{one.kind}"],
        by=names.person(one.by),
        about=names.person(one.about) if one.about != one.by else "",
        places=[place or word.nation for place in one.places],
        facts=[
            (word.get(f"fact_{name}", name), _value(name, value, word, language))
            for name, value in sorted(one.detail.items())
        ],
    )


def _value(name: str, value: str, word: Words, language: str) -> str:
    role = load_policy().role(value) if name == "role" else None
    if role is not None:
        return role.sentence[language]
    if name == "place" and value == _NATION:
        return word.nation
    if name == "scopes":
        return ", ".join(word.get(f"scope_{one}", one) for one in value.split())
    if name == "until":
        return moment(datetime.fromisoformat(value))
    return word.get(f"fact_{name}_{value}", value)


def _rows(service: Service, which: AccessFilter, names: Names, language: str) -> Iterator[Sequence[object]]:
    before: int | None = None
    while found := service.access_log.list_page(which, limit=_EXPORTED_AT_ONCE, before=before):
        for one in found:
            told = tell(one, names, language)
            yield (
                f"{local_time(one.at):%d/%m/%Y %H:%M:%S}",
                told.what,
                told.by,
                told.about,
                ", ".join(told.places),
                "; ".join(f"{name}: {value}" for name, value in told.facts),
            )
        before = found[-1].position
