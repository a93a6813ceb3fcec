"""Claims with an identical finding: how many there are of each, and deciding on many of them in one go."""

from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.addresses import is_own, page_url
from claims.console.answers import UNPROCESSABLE, go_to
from claims.console.forms import prose_of
from claims.console.naming import Names, TheNames
from claims.console.pages import language_of, render
from claims.console.readings import note_reading
from claims.console.reviewers.asking import Asked
from claims.console.reviewers.flashes import fresh_reviews
from claims.console.reviewers.inbox import Reviewer
from claims.console.reviewers.listing import list_values
from claims.console.viewer import TheForm, TheService, Viewer
from claims.exchange.errors import UnsoundDecision
from claims.exchange.review.deciding import DECIDE, MOST_ALIKE, AlikeOutcome
from claims.exchange.review.review import Decision, Order, ReviewId, Verdict
from claims.runtime.wiring import Service

router = APIRouter()

#: How many claims are decided on at once on the page; the whole list comes page by page.
PAGE_SIZE: Final = 100

Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/same")
def same(
    request: Request,
    service: TheService,
    viewer: Reviewer,
    names: TheNames,
    cursor: Cursor = None,
) -> Response:
    """Show which findings there are, or the claims that have one."""
    return _same(request, service, viewer, names, Asked.of(request.query_params), cursor)


@router.post("/decisions")
def decide_alike(
    request: Request, service: TheService, viewer: Reviewer, names: TheNames, form: TheForm
) -> Response:
    """Decide on the claims that were marked, each as it was seen; say what could not be decided."""
    back = _back(form)
    try:
        decision = Decision(verdict_of(form), reason=prose_of(form, "reason"), note=prose_of(form, "note"))
        chosen = _chosen(form)
        outcomes = service.decide_reviews.decide_alike(chosen, decision=decision, who=viewer.principal)
    except UnsoundDecision as error:
        asked = Asked.of(dict(_parameters(back)))
        return _same(
            request, service, viewer, names, asked, None, problem=error.problem, status=UNPROCESSABLE
        )
    left = sum(one in (AlikeOutcome.CHANGED, AlikeOutcome.FORBIDDEN) for one in outcomes.values())
    locked = sum(one is AlikeOutcome.LOCKED for one in outcomes.values())
    return go_to(_with(back, left=left, locked=locked))


@router.post("/undo")
def undo(service: TheService, viewer: Reviewer, form: TheForm) -> Response:
    """Take back what this person decided in the last seconds."""
    fresh = [review.id for review in fresh_reviews(service, viewer)]
    service.decide_reviews.undo(fresh, who=viewer.principal)
    return go_to(_back(form))


def _same(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    asked: Asked,
    cursor: str | None,
    problem: str = "",
    status: int = 200,
) -> Response:
    which = asked.filter(viewer.principal.reach(DECIDE))
    facets = service.reviews.count(which)
    newest, page = service.reviews.newest(), None
    if which.code is not None:
        page = service.reviews.list_page(which, order=Order.OLDEST, limit=PAGE_SIZE, cursor=cursor)
        note_reading(service, viewer, "same", page.items)
    return render(
        request,
        "reviewers/same.html",
        status=status,
        asked=asked,
        which=which,
        facets=facets,
        page=page,
        reasons=[(one.code, one.text(language_of(request))) for one in service.review_policy.reasons],
        four_eyes=service.review_policy.four_eyes_from,
        problem=problem,
        left=_count(request, "left"),
        locked=_count(request, "locked"),
        live=asked.live(page.items, after=newest) if page else "",
        next=asked.url("/same", cursor=page.next_cursor) if page and page.next_cursor else "",
        first=asked.url("/same") if cursor else "",
        **list_values(request, service, viewer, names),
    )


def verdict_of(form: FormData) -> Verdict:
    """Return what a form decides.

    Raises:
        UnsoundDecision: It does not say.
    """
    text = form.get("verdict")
    if text not in set(Verdict):
        raise UnsoundDecision("no-verdict")
    return Verdict(str(text))


def _chosen(form: FormData) -> list[tuple[ReviewId, int]]:
    """Read which reviews were marked, each with the version that was seen."""
    chosen = []
    for text in form.getlist("chosen")[: MOST_ALIKE + 1]:
        number, _, version = str(text).partition(".")
        if not (number.isdecimal() and version.isdecimal() and len(number) + len(version) < len("9" * 20)):
            raise UnsoundDecision("unreadable")
        chosen.append((ReviewId(int(number)), int(version)))
    if not chosen:
        raise UnsoundDecision("nothing-marked")
    return chosen


def _back(form: FormData) -> str:
    back = prose_of(form, "back")
    return back if is_own(back) else page_url("/claims")


def _parameters(address: str) -> list[tuple[str, str]]:
    return parse_qsl(address.partition("?")[2])


def _with(address: str, **counts: int) -> str:
    """Add to an address what could not be decided."""
    path = address.partition("?")[0].removeprefix(page_url(""))
    kept = [(name, value) for name, value in _parameters(address) if name not in counts]
    return page_url(path, (*kept, *((name, str(number)) for name, number in counts.items() if number)))


def _count(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) < len("9999") else 0
