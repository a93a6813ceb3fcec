"""Deciding on one claim: accept, cut, decline, ask; and the second pair of eyes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.answers import CONFLICT, UNPROCESSABLE, go_to
from claims.console.forms import prose_of
from claims.console.naming import Names, TheNames
from claims.console.pages import render
from claims.console.readings import note_reading
from claims.console.reviewers.alike import verdict_of
from claims.console.reviewers.asking import Asked
from claims.console.reviewers.claim import (
    CLAIM,
    Opened,
    TheId,
    TheInbox,
    TheOrdinal,
    claim_page,
    find_review,
    open_claim,
)
from claims.console.reviewers.cutting import read_cuts
from claims.console.reviewers.inbox import Cursor, Reviewer
from claims.console.reviewers.listing import list_values
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.errors import ReviewChanged, ReviewLocked, UnsoundDecision
from claims.exchange.review.deciding import CONFIRM, DECIDE
from claims.exchange.review.review import Decision, Order, Review, ReviewState, Verdict
from claims.runtime.wiring import Service

router = APIRouter()

CONFIRMATIONS: Final = "/confirmations"
PAGE_SIZE: Final = 50
#: A claim that needs a right of its own is passed by; so many are looked at for one that does not.
_LOOKED_AHEAD: Final = 20

Confirmer = Annotated[Viewer, sees(CONFIRM)]


@dataclass(frozen=True, slots=True)
class ClaimForm:
    """A form that was sent from a claim's page."""

    request: Request
    service: Service
    names: Names
    submission_id: str
    ordinal: int
    form: FormData

    def text(self, name: str) -> str:
        """Return what was typed into a field."""
        return prose_of(self.form, name)

    def carry_out(
        self, viewer: Viewer, do: Callable[[Opened], object], then: Callable[[Opened], str]
    ) -> Response:
        """Do what it asks for and go on; or show the page again with what is wrong and what was typed."""
        opened = open_claim(self.service, viewer, self.submission_id, self.ordinal)
        try:
            do(opened)
        except (UnsoundDecision, ReviewChanged, ReviewLocked) as error:
            return self._again(viewer, opened, error)
        return go_to(then(opened))

    def show(self, viewer: Viewer, *, tab: str, page: int, without: str) -> Response:
        """Return the page of the claim with what was typed, less one row that is not to be cut."""
        opened = open_claim(self.service, viewer, self.submission_id, self.ordinal)
        return claim_page(
            self.request,
            self.service,
            viewer,
            self.names,
            opened,
            tab=tab,
            page=page,
            cuts=[mark for mark in self._marks() if mark != without],
            inbox=self.text("from"),
            typed=self._typed(),
        )

    def _marks(self) -> list[str]:
        return list(dict.fromkeys(map(str, self.form.getlist("cut"))))

    def _typed(self) -> dict[str, str]:
        return {
            name: value for name, value in self.form.items() if isinstance(value, str) and name != "token"
        }

    def _again(self, viewer: Viewer, opened: Opened, error: Exception) -> Response:
        return claim_page(
            self.request,
            self.service,
            viewer,
            self.names,
            opened,
            cuts=self._marks(),
            inbox=self.text("from"),
            problem=error.problem if isinstance(error, UnsoundDecision) else _CONFLICTS[type(error)],
            status=UNPROCESSABLE if isinstance(error, UnsoundDecision) else CONFLICT,
            typed=self._typed(),
        )


async def claim_form_of(
    request: Request,
    service: TheService,
    names: TheNames,
    form: TheForm,
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> ClaimForm:
    """Return the form that was sent, with the claim that it is about."""
    return ClaimForm(request, service, names, submission_id, ordinal, form)


TheClaimForm = Annotated[ClaimForm, Depends(claim_form_of)]


@router.post(f"{CLAIM}/decision")
def decide(sent: TheClaimForm, viewer: Reviewer) -> Response:
    """Decide, and go on to the next claim of the inbox that this one was opened from."""

    def do(opened: Opened) -> None:
        """Decide as the form says."""
        sent.service.decide_reviews.decide(
            opened.review,
            version=_version(sent.form),
            decision=_decision(sent.form),
            who=viewer.principal,
        )

    return sent.carry_out(
        viewer,
        do,
        lambda opened: _next_claim(sent.service, viewer, opened.review, Asked.of_query(sent.text("from"))),
    )


@router.post(f"{CLAIM}/cuts")
def pick(
    sent: TheClaimForm,
    viewer: Reviewer,
    tab: Annotated[str, Query(max_length=12)] = "",
    page: Annotated[int, Query(ge=1, le=1_000)] = 1,
) -> Response:
    """Show the claim with the rows that were picked, and what was typed about others; decide nothing."""
    return sent.show(viewer, tab=tab, page=page, without=str(sent.form.get("keep", "")))


@router.get(f"{CLAIM}/cuts")
@router.get(f"{CLAIM}/decision")
@router.get(f"{CLAIM}/question")
@router.get(f"{CLAIM}/confirmation")
def go_to_claim(
    request: Request, service: TheService, viewer: Reviewer, submission_id: TheId, ordinal: TheOrdinal
) -> Response:
    """Go to the claim from the address of a form, which the page has that answered it."""
    find_review(service, viewer, submission_id, ordinal)
    return go_to(page_url(f"/claims/{submission_id}/{ordinal}", request.query_params.multi_items()))


def leave(service: TheService, viewer: Reviewer, submission_id: TheId, ordinal: TheOrdinal) -> Review:
    """Leave a claim as it is to whoever opens it, and return it."""
    review = find_review(service, viewer, submission_id, ordinal)
    service.decide_reviews.give_back(review, who=viewer.principal)
    return review


ClaimLeft = Annotated[Review, Depends(leave)]


@router.get(f"{CLAIM}/next")
def go_on(service: TheService, viewer: Reviewer, review: ClaimLeft, inbox: TheInbox = "") -> Response:
    """Go on to the claim that follows in the inbox."""
    return go_to(_next_claim(service, viewer, review, Asked.of_query(inbox)))


@router.get(f"{CLAIM}/back")
def go_back(_viewer: Reviewer, _left: ClaimLeft, inbox: TheInbox = "") -> Response:
    """Go back to the inbox that it was opened from."""
    return go_to(Asked.of_query(inbox).url())


@router.post(f"{CLAIM}/question")
def ask(sent: TheClaimForm, viewer: Reviewer) -> Response:
    """Ask the hospital."""

    def do(opened: Opened) -> None:
        """Ask what was typed."""
        sent.service.talk_about_review.ask(opened.review, text=sent.text("question"), who=viewer.principal)

    return sent.carry_out(
        viewer,
        do,
        lambda opened: page_url(_path(opened), (("tab", "thread"), ("from", sent.text("from")))),
    )


@router.get(CONFIRMATIONS)
def confirmations(
    request: Request, service: TheService, viewer: Confirmer, names: TheNames, cursor: Cursor = None
) -> Response:
    """Show a page of what others proposed and nobody has confirmed."""
    asked = Asked((("state", ReviewState.PROPOSED.value),))
    which = asked.filter(viewer.principal.reach(CONFIRM))
    page = service.reviews.list_page(which, order=Order.OLDEST, limit=PAGE_SIZE, cursor=cursor)
    note_reading(service, viewer, "confirmations", page.items)
    return render(
        request,
        "reviewers/confirmations.html",
        asked=asked,
        page=page,
        next=page_url(CONFIRMATIONS, (("cursor", page.next_cursor),)) if page.next_cursor else "",
        first=page_url(CONFIRMATIONS) if cursor else "",
        four_eyes=service.review_policy.four_eyes_from,
        **list_values(request, service, viewer, names),
    )


@router.post(f"{CLAIM}/confirmation")
def confirm(sent: TheClaimForm, viewer: Confirmer) -> Response:
    """Confirm a proposal, or send it back with what speaks against it."""

    def do(opened: Opened) -> None:
        """Answer as the form says."""
        version, confirming = _version(sent.form), sent.service.confirm_reviews
        if sent.form.get("answer") == "confirm":
            confirming.confirm(opened.review, version=version, who=viewer.principal)
        else:
            confirming.send_back(opened.review, version=version, note=sent.text("note"), who=viewer.principal)

    return sent.carry_out(viewer, do, lambda _: page_url(CONFIRMATIONS))


def _decision(form: FormData) -> Decision:
    verdict = verdict_of(form)
    cuts = read_cuts(form) if verdict is Verdict.REDUCED else ()
    return Decision(verdict, cuts, prose_of(form, "reason"), prose_of(form, "note"))


_CONFLICTS: Final[dict[type[Exception], str]] = {ReviewChanged: "changed", ReviewLocked: "locked"}


def _next_claim(service: Service, viewer: Viewer, review: Review, asked: Asked) -> str:
    """Return the address of the claim that follows in the inbox, or of the inbox when none does."""
    which = asked.filter(viewer.principal.reach(DECIDE))
    behind = service.reviews.cursor_behind(review)
    page = service.reviews.list_page(which, order=asked.order, limit=_LOOKED_AHEAD, cursor=behind)
    for one in page.items:
        if not viewer.principal.hidden_classes(one.classes, one.facility):
            return page_url(f"/claims/{one.submission_id}/{one.ordinal}", (("from", asked.text),))
    return asked.url()


def _path(opened: Opened) -> str:
    return f"/claims/{opened.review.submission_id}/{opened.review.ordinal}"


def _version(form: FormData) -> int:
    text = str(form.get("version", ""))
    return int(text) if text.isdecimal() and len(text) < len("9" * 9) else 0
