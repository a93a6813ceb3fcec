"""Replays: a plan that is frozen and looked at, a reason, a run that can be paused, each item's outcome."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from claims.console.answers import CONFLICT, UNPROCESSABLE, see_other
from claims.console.live import Look, tell
from claims.console.naming import Names, TheNames
from claims.console.operators.asking import Wanted
from claims.console.operators.telling import telling
from claims.console.pages import language_of, render, render_part
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.places import Place
from claims.exchange.errors import ReplayEnded, ReplayNotFound
from claims.exchange.replay import START, ItemOutcome, NewReplay, Replay, ReplayState
from claims.exchange.submission import SubmissionId
from claims.runtime.wiring import Service

router = APIRouter()

REPLAYS: Final = "/replays"
ONE: Final = f"{REPLAYS}/{{replay_id}}"
PLAN: Final = f"{REPLAYS}/plans/{{replay_id}}"
_PAGE_SIZE: Final = 50
_SAMPLE: Final = 20
_LONGEST_REASON: Final = 1_000
_FASTEST: Final = 1_000_000
_GOING: Final = frozenset({ReplayState.RUNNING, ReplayState.PAUSED})
_LOOK_EVERY_S: Final = 1.0

Reader = Annotated[Viewer, sees("replay.read")]
Operator = Annotated[Viewer, sees(START)]
TheId = Annotated[str, Path(pattern="^rpl_[0-9A-Z]{26}$")]


@router.get(REPLAYS)
def replays(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    before: Annotated[str | None, Query(pattern="^rpl_[0-9A-Z]{26}$")] = None,
) -> Response:
    """Show replays, newest first."""
    found = service.replays.list_recent(within=viewer.principal.within, before=before, limit=_PAGE_SIZE + 1)
    more = found[:_PAGE_SIZE][-1].id if len(found) > _PAGE_SIZE else ""
    return render(
        request,
        "operators/replays.html",
        replays=found[:_PAGE_SIZE],
        next=Wanted(()).url(REPLAYS, before=more) if more else "",
        first=Wanted(()).url(REPLAYS) if before else "",
        **telling(request, names, service.clock.now()),
    )


@router.post(f"{REPLAYS}/plans")
def draft(
    request: Request, service: TheService, viewer: Operator, names: TheNames, form: TheForm
) -> Response:
    """Freeze which submissions are meant, and show what a replay would do with them."""
    wanted = Wanted.of(dict(form))
    which = wanted.filter(viewer.principal.within)
    place = _place(wanted, viewer)
    if which.is_empty or place is None:
        problem = "op_empty_selection" if which.is_empty else "op_several_places"
        return render(
            request,
            "operators/no_plan.html",
            status=UNPROCESSABLE,
            problem=problem,
            wanted=wanted,
            **telling(request, names, service.clock.now()),
        )
    plan = service.draft_replay(NewReplay(which, actor=viewer.id, reason="", place=place))
    return see_other(f"{REPLAYS}/plans/{plan}", tuple(wanted.query))


@router.get(PLAN)
def show_plan(
    request: Request, service: TheService, viewer: Operator, names: TheNames, replay_id: TheId
) -> Response:
    """Show a plan: how many would go, who would not and why, a sample, and what it takes to start."""
    return _plan(request, service, viewer, names, replay_id)


@router.post(PLAN)
def start(
    request: Request, service: TheService, viewer: Operator, names: TheNames, form: TheForm, replay_id: TheId
) -> Response:
    """Set a plan going, once, however often the button is pressed."""
    reason = str(form.get("reason", "")).strip()[:_LONGEST_REASON]
    pace = str(form.get("per_minute", "")).strip()
    is_pace = not pace or (pace.isascii() and pace.isdecimal() and 0 < int(pace[:9]) <= _FASTEST)
    if not reason or not is_pace:
        problem = "op_bad_pace" if reason else "op_no_reason"
        return _plan(
            request,
            service,
            viewer,
            names,
            replay_id,
            problem=problem,
            typed=(reason, pace),
            status=UNPROCESSABLE,
        )
    replay = service.draft_replay.start(
        replay_id,
        within=viewer.principal.within,
        reason=reason,
        per_minute=int(pace) if pace else None,
    )
    return see_other(f"{REPLAYS}/{replay.id}")


@router.get(ONE)
def show(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    replay_id: TheId,
    after: Annotated[str | None, Query(pattern="^sub_[0-9A-Z]{26}$")] = None,
) -> Response:
    """Show how far a replay has come, and what became of each submission."""
    return _page(request, service, viewer, names, replay_id, after=after)


@router.post(f"{ONE}/{{step}}")
def steer(
    request: Request,
    service: TheService,
    viewer: Operator,
    names: TheNames,
    replay_id: TheId,
    step: Annotated[str, Path(pattern="^(pause|resume|cancel)$")],
) -> Response:
    """Pause a replay, let it go on, or end it."""
    steering, within = service.steer_replay, viewer.principal.within
    act = {"pause": steering.pause, "resume": steering.resume, "cancel": steering.cancel}[step]
    try:
        act(replay_id, within=within)
    except ReplayEnded:
        return _page(request, service, viewer, names, replay_id, problem="op_replay_ended", status=CONFLICT)
    return see_other(f"{REPLAYS}/{replay_id}")


@router.get(f"{ONE}/progress")
async def progress(request: Request, service: TheService, viewer: Reader, replay_id: TheId) -> Response:
    """Tell how far it has come, as long as it goes and somebody looks."""

    def look() -> Look:
        """Say how far it is."""
        replay = service.replays.get(replay_id, within=viewer.principal.within)
        part = render_part(request, "operators/progress.html", replay=replay, outcomes=_outcomes(replay))
        return Look({"progress": part}, is_over=replay.state not in _GOING)

    return await tell(request, look, every_s=_LOOK_EVERY_S)


def _plan(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    replay_id: str,
    *,
    problem: str = "",
    typed: tuple[str, str] = ("", ""),
    status: int = 200,
) -> Response:
    within = viewer.principal.reach(START)
    try:
        plan = service.replays.look_at(replay_id, within=within, sample=_SAMPLE)
    except ReplayNotFound:
        # It was started: with the button pressed twice, or the page gone back to.
        return see_other(f"{REPLAYS}/{service.replays.get(replay_id, within=within).id}")
    sample = [(item, service.submissions.get(item.submission_id, within=within)) for item in plan.sample]
    return render(
        request,
        "operators/plan.html",
        status=status,
        replay_id=replay_id,
        wanted=Wanted.of(request.query_params),
        going=plan.counts[ItemOutcome.REPLAYED],
        total=sum(plan.counts.values()),
        outcomes=[(outcome, number) for outcome, number in plan.counts.items() if number],
        sample=sample,
        problem=problem,
        reason=typed[0],
        pace=typed[1],
        **telling(request, names, service.clock.now()),
    )


def _page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    replay_id: str,
    *,
    after: str | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    replay = service.replays.get(replay_id, within=viewer.principal.within)
    start_at = None if after is None else SubmissionId(after)
    items = service.replays.items(replay.id, after=start_at, limit=_PAGE_SIZE + 1)
    more = items[:_PAGE_SIZE][-1].submission_id if len(items) > _PAGE_SIZE else ""
    path = f"{REPLAYS}/{replay.id}"
    return render(
        request,
        "operators/replay.html",
        status=status,
        replay=replay,
        is_going=replay.state in _GOING,
        outcomes=_outcomes(replay),
        items=items[:_PAGE_SIZE],
        next=Wanted(()).url(path, after=more) if more else "",
        first=Wanted(()).url(path) if after else "",
        may_steer=viewer.may(START),
        problem=problem,
        language=language_of(request),
        **telling(request, names, service.clock.now()),
    )


def _outcomes(replay: Replay) -> Sequence[tuple[ItemOutcome, int]]:
    return [(outcome, number) for outcome, number in replay.counts.items() if number]


def _place(wanted: Wanted, viewer: Viewer) -> Place | None:
    """Return whose replay it will be: the facility's that is named, or the one place where the viewer may."""
    named, within = wanted["facility"], viewer.principal.within
    if named:
        if not within.covers(named):
            raise AccessDenied(
                f"the right {START} for facility {named}", f"quyền {START} đối với cơ sở {named}"
            )
        return Place(named)
    return within.places[0] if len(within.places) == 1 else None
