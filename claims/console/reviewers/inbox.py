"""The inbox: which claims wait, in which lane, with counts beside them; saved filters and random samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from claims.console.answers import UNPROCESSABLE, go_to
from claims.console.formats import count
from claims.console.naming import Names, TheNames, sentence_of
from claims.console.pages import language_of, render
from claims.console.readings import note_reading
from claims.console.reviewers.asking import INBOX, Asked
from claims.console.reviewers.listing import list_values
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import Words, words
from claims.exchange.errors import UnsoundDecision
from claims.exchange.review.deciding import DECIDE
from claims.exchange.review.review import Facets, Lane, ReviewState

router = APIRouter()

PAGE_SIZE: Final = 50
_LONGEST_NAME: Final = 60

Reviewer = Annotated[Viewer, sees(DECIDE)]
Cursor = Annotated[str | None, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that narrows the inbox: its text, how many there are (None: not told), whether it is chosen.

    Attributes:
        key: Names it among all of a page, so that it is found again on the next one.
    """

    key: str
    text: str
    count: str | None
    href: str
    is_chosen: bool


@router.get(INBOX)
def inbox(
    request: Request, service: TheService, viewer: Reviewer, names: TheNames, cursor: Cursor = None
) -> Response:
    """Show a page of the inbox."""
    asked = Asked.of(request.query_params)
    return _inbox(request, service, viewer, names, asked, cursor)


@router.post(f"{INBOX}/filters")
def save_filter(service: TheService, viewer: Reviewer, form: TheForm) -> Response:
    """Keep the present filter under a name, or forget one."""
    asked = Asked.of(_texts(form))
    name = str(form.get("name", "")).strip()[:_LONGEST_NAME]
    forget = str(form.get("forget", ""))[:_LONGEST_NAME]
    if forget:
        service.reviews.forget_filter(viewer.id, forget)
    elif name:
        service.reviews.save_filter(viewer.id, name, asked.url().partition("?")[2])
    return go_to(asked.url())


@router.post(f"{INBOX}/samples")
def draw(request: Request, service: TheService, viewer: Reviewer, names: TheNames, form: TheForm) -> Response:
    """Draw a random sample of what the present filter means, and show it."""
    asked = Asked.of({**_texts(form), "sample": ""})
    which = asked.filter(viewer.principal.reach(DECIDE))
    query = asked.url().partition("?")[2]
    try:
        sample = service.draw_sample(
            which, asked=str(form.get("size", ""))[:10], query=query, who=viewer.principal
        )
    except UnsoundDecision:
        return _inbox(request, service, viewer, names, asked, None, problem="no_sample")
    return go_to(asked.url(sample=str(sample)))


def _inbox(
    request: Request,
    service: TheService,
    viewer: Viewer,
    names: Names,
    asked: Asked,
    cursor: str | None,
    problem: str = "",
) -> Response:
    language = language_of(request)
    word = words(language)
    which = asked.filter(viewer.principal.reach(DECIDE))
    newest = service.reviews.newest()  # first: what begins meanwhile is told rather than lost
    page = service.reviews.list_page(which, order=asked.order, limit=PAGE_SIZE, cursor=cursor)
    facets = service.reviews.count(which)
    note_reading(service, viewer, "inbox", page.items)
    return render(
        request,
        "reviewers/inbox.html",
        status=UNPROCESSABLE if problem else 200,
        asked=asked,
        which=which,
        page=page,
        facets=facets,
        states=_states(asked, word),
        lanes=_lanes(asked, facets, word),
        codes=_codes(asked, facets, language),
        facilities=_facilities(asked, facets, names),
        saved=service.reviews.saved_filters(viewer.id),
        sample=None if which.sample is None else service.reviews.find_sample(which.sample),
        problem=problem,
        live=asked.live(page.items, after=newest),
        next=asked.url(cursor=page.next_cursor) if page.next_cursor else "",
        first=asked.url() if cursor else "",
        **list_values(request, service, viewer, names),
    )


def _states(asked: Asked, word: Words) -> Sequence[Choice]:
    return [
        Choice(
            f"state-{state}",
            word["state_" + state],
            None,
            asked.url(state=state, sample=None),
            asked.state is state,
        )
        for state in ReviewState
    ]


def _lanes(asked: Asked, facets: Facets, word: Words) -> Sequence[Choice]:
    known = [
        Choice(
            f"lane-{lane}",
            word["lane_" + lane],
            _number(facets.lanes.get(lane, 0), facets),
            asked.url(lane=lane),
            asked.lane is lane,
        )
        for lane in Lane
    ]
    everything = _number(sum(facets.lanes.values()), facets)
    return [Choice("lane-all", word.all_lanes, everything, asked.url(lane=None), asked.lane is None), *known]


def _codes(asked: Asked, facets: Facets, language: str) -> Sequence[Choice]:
    chosen = asked["code"]
    return [
        Choice(
            f"code-{code}",
            sentence_of(code, language),
            _number(number, facets),
            asked.url(code=None if code == chosen else code),
            code == chosen,
        )
        for code, number in list(facets.codes.items())[:12]
    ]


def _facilities(asked: Asked, facets: Facets, names: Names) -> Sequence[Choice]:
    chosen = asked["facility"]
    return [
        Choice(
            f"facility-{code}",
            f"{code} {names.facility(code)}",
            _number(number, facets),
            asked.url(facility=None if code == chosen else code),
            code == chosen,
        )
        for code, number in facets.facilities.items()
    ]


def _number(number: int, facets: Facets) -> str:
    return f"{count(number)}+" if facets.is_bounded else count(number)


def _texts(form: TheForm) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}
