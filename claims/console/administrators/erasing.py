"""Erasing what need not be kept: what is due by when, a plan that changes nothing, and what was erased."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.administrators.holds import (
    ERASE,
    PAGE_SIZE,
    RETENTION,
    UNSENT,
    Cursor,
    Reader,
    Refused,
    reason_of,
)
from claims.console.naming import Names, TheNames
from claims.console.pages import render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.access.readings import Reading, Seen
from claims.exchange.errors import CannotErase, SubmissionNotFound
from claims.exchange.keeping import Due
from claims.exchange.retention import RecordClass, Retention
from claims.exchange.submission import SUBMISSION_KEY, Submission, SubmissionId
from claims.localtime import local_date
from claims.runtime.wiring import Service

router = APIRouter()

DUE: Final = f"{RETENTION}/due"
ERASED: Final = f"{RETENTION}/erased"
#: So many are erased at a time: somebody looks at the list before.
_MOST_AT_ONCE: Final = 100
#: So many are counted by class; of more it is said that there are more.
_COUNTED: Final = 1_000
_FARTHEST: Final = timedelta(days=50 * 366)

Eraser = Annotated[Viewer, sees(ERASE)]


@dataclass(frozen=True, slots=True)
class Planned:
    """A submission of a plan, and why it would not be erased; empty: it would."""

    submission: Submission
    retention: Retention
    why_not: str


@router.get(DUE)
def list_due(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    by: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[str | None, Query(pattern=SUBMISSION_KEY)] = None,
) -> Response:
    """Show what may be erased today, or could be by some later day, by class: the oldest first."""
    today = local_date(service.clock.now())
    day = _day(by, today)
    start = None if after is None else SubmissionId(after)
    found = service.find_due(within=viewer.principal.within, by=day, limit=_COUNTED, after=start)
    shown = found.items[:_MOST_AT_ONCE]
    _note_reading(service, viewer, shown)
    counts = Counter(one.record_class for one in found.items)
    behind = shown[-1].id if len(found.items) > len(shown) else found.next_cursor
    asked = (("by", "" if day == today else day.isoformat()),)
    return render(
        request,
        "administrators/due.html",
        by=day,
        today=today,
        due=shown,
        classes=[(each, _years(service, each, today), counts[each]) for each in RecordClass],
        held=sum(one.is_held for one in found.items),
        total=len(found.items),
        has_more=found.next_cursor is not None,
        next=page_url(DUE, (*asked, ("after", behind))) if behind else "",
        first=page_url(DUE, asked) if after else "",
        may_erase=viewer.may(ERASE) and any(_may_go(one, today) for one in shown),
        may_go=lambda one: _may_go(one, today),
        names=names,
    )


@router.post(f"{ERASED}/plan")
def plan(request: Request, service: TheService, viewer: Eraser, names: TheNames, form: TheForm) -> Response:
    """Show what erasing would do, and what it takes; nothing is erased yet."""
    return _plan_page(request, service, viewer, names, form)


@router.post(ERASED)
def erase(request: Request, service: TheService, viewer: Eraser, names: TheNames, form: TheForm) -> Response:
    """Erase what a plan names, each asked once more whether it may; what was erased is as good as erased."""
    said = reason_of(form)
    if said.word:
        return _plan_page(request, service, viewer, names, form, said)
    done: list[tuple[SubmissionId, str]] = []
    for one in _chosen(form):
        try:
            service.retain.erase(one, within=viewer.principal.within, actor=viewer.id, reason=said.reason)
            done.append((one, ""))
        except CannotErase as error:
            done.append((one, error.code))
        except SubmissionNotFound:
            done.append((one, "erase.not_found"))
    return render(
        request,
        "administrators/erasing_done.html",
        erased=[one for one, why in done if not why],
        left=[(one, _word(why)) for one, why in done if why],
    )


@router.get(ERASED)
def list_erased(
    request: Request, service: TheService, viewer: Reader, names: TheNames, cursor: Cursor = None
) -> Response:
    """Show what was erased, newest first, each with what proves that it existed."""
    page = service.kept_records.erasures(within=viewer.principal.within, cursor=cursor, limit=PAGE_SIZE)
    return render(
        request,
        "administrators/erased.html",
        erasures=page.items,
        next=page_url(ERASED, (("cursor", page.next_cursor),)) if page.next_cursor else "",
        first=page_url(ERASED) if cursor else "",
        names=names,
    )


def _plan_page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    form: FormData,
    refused: Refused = UNSENT,
) -> Response:
    planned = [_planned(service, viewer, one) for one in _chosen(form)]
    going = [one for one in planned if not one.why_not]
    return render(
        request,
        "administrators/erasing_plan.html",
        status=refused.status,
        planned=planned,
        going=going,
        classes=sorted(Counter(one.retention.record_class for one in going).items()),
        refused=refused,
        names=names,
    )


def _planned(service: Service, viewer: Viewer, submission_id: SubmissionId) -> Planned:
    within = viewer.principal.reach(ERASE)
    submission = service.submissions.get(submission_id, within=within)
    service.readings.note_submission(
        submission.id, reader=viewer.id, page="retention", at=service.clock.now()
    )
    retention = service.retain.look(submission.id, within=within)
    refusal = service.retain.refusal(submission, retention)
    why_not = "erase.done" if retention.is_erased else "" if refusal is None else refusal.code
    return Planned(submission, retention, _word(why_not))


def _word(code: str) -> str:
    return code.replace(".", "_")


def _may_go(one: Due, today: date) -> bool:
    return not one.is_held and one.kept_until <= today


def _chosen(form: FormData) -> list[SubmissionId]:
    texts = dict.fromkeys(text for text in form.getlist("one") if isinstance(text, str))
    return [SubmissionId(text) for text in texts if re.fullmatch(SUBMISSION_KEY, text)][:_MOST_AT_ONCE]


def _day(text: str, today: date) -> date:
    """Return the day that an address asks for; today where it names none, or an earlier one."""
    try:
        return min(max(date.fromisoformat(text), today), today + _FARTHEST)
    except ValueError:
        return today


def _years(service: Service, record_class: RecordClass, today: date) -> int:
    return service.find_due.rules.kept_until(record_class, since=today).year - today.year


def _note_reading(service: Service, viewer: Viewer, shown: tuple[Due, ...]) -> None:
    # A class may tell of a death.
    seen = tuple(Seen(one.id, 0, one.facility, None) for one in shown)
    service.readings.note(Reading(service.clock.now(), viewer.id, "retention", seen))
