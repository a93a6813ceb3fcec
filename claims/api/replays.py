"""Replays: failed submissions go again, unchanged."""

import hashlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from claims.api.access import TheService, may
from claims.api.intake import IdempotencyKey
from claims.api.models import (
    REPLAY_KEY,
    ReplayItemsView,
    ReplayItemView,
    ReplayKey,
    ReplayPage,
    ReplayPlanView,
    ReplayRequest,
    ReplayView,
    Selection,
)
from claims.api.paging import cut
from claims.exchange.access.places import Place
from claims.exchange.access.principal import Principal
from claims.exchange.replay import NewReplay
from claims.exchange.submission import SUBMISSION_KEY, SubmissionFilter, SubmissionId
from claims.runtime.wiring import Service
from claims.spreadsheets import csv_line
from claims.validation import unfit

router = APIRouter(prefix="/v1/replays", tags=["replays"])

#: Items read from the database at once.
_PAGE = 5_000


class ResultFormat(StrEnum):
    """What the file of results is."""

    CSV = "csv"
    NDJSON = "ndjson"


Operator = Annotated[Principal, may("replay.start")]
ReplayReader = Annotated[Principal, may("replay.read")]


@router.post(
    "",
    status_code=202,
    operation_id="createReplay",
    summary="Replay failed submissions, or say what a replay would do",
    responses={200: {"model": ReplayPlanView, "description": "Dry run: what would happen."}},
)
def create_replay(
    wanted: ReplayRequest,
    response: Response,
    service: TheService,
    caller: Operator,
    idempotency_key: IdempotencyKey = None,
) -> ReplayView | ReplayPlanView:
    """Freeze the selection and set it going; what the gateway acknowledged is never sent again."""
    which = _filter(wanted.where, caller)
    if wanted.dry_run:
        response.status_code = 200
        return ReplayPlanView.of(service.plan_replay(which))
    if not wanted.reason.strip():
        raise RequestValidationError(
            [
                unfit(
                    ("body", "reason"),
                    "missing",
                    "say why these are replayed",
                    "hãy ghi lý do gửi lại",
                )
            ]
        )
    replay = service.start_replay(
        NewReplay(
            which,
            actor=caller.id,
            reason=wanted.reason,
            place=_place(wanted.where, caller),
            per_minute=wanted.per_minute,
            request_key=idempotency_key,
            request_sha256=hashlib.sha256(wanted.model_dump_json().encode()).hexdigest(),
        )
    )
    response.headers["Location"] = f"/v1/replays/{replay.id}"
    return ReplayView.of(replay)


@router.get("", operation_id="listReplays", summary="Replays, newest first")
def list_replays(
    service: TheService,
    caller: ReplayReader,
    cursor: Annotated[str | None, Query(pattern=REPLAY_KEY)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReplayPage:
    """Return a page; a facility sees only its own."""
    found = service.replays.list_recent(within=caller.within, before=cursor, limit=limit + 1)
    page = cut(found, limit, cursor=lambda one: one.id)
    return ReplayPage(
        data=[ReplayView.of(one) for one in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


@router.post("/{replay_id}/pause", operation_id="pauseReplay", summary="Pause a replay")
def pause_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """Let no more submissions have their turn; after the answer nothing moves."""
    return ReplayView.of(service.steer_replay.pause(replay_id, within=caller.within))


@router.post("/{replay_id}/resume", operation_id="resumeReplay", summary="Let a paused replay go on")
def resume_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """Go on where it stopped."""
    return ReplayView.of(service.steer_replay.resume(replay_id, within=caller.within))


@router.post("/{replay_id}/cancel", operation_id="cancelReplay", summary="End a replay")
def cancel_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """End it for good; what had its turn stays replayed."""
    return ReplayView.of(service.steer_replay.cancel(replay_id, within=caller.within))


@router.get("/{replay_id}", operation_id="getReplay", summary="How far a replay has come")
def get_replay(replay_id: ReplayKey, service: TheService, caller: ReplayReader) -> ReplayView:
    """Return the replay."""
    return ReplayView.of(service.replays.get(replay_id, within=caller.within))


@router.get("/{replay_id}/items", operation_id="getReplayItems", summary="What became of each submission")
def get_replay_items(
    replay_id: ReplayKey,
    service: TheService,
    caller: ReplayReader,
    cursor: Annotated[str | None, Query(pattern=SUBMISSION_KEY)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> ReplayItemsView:
    """Return items in order of their submission's id."""
    replay = service.replays.get(replay_id, within=caller.within)
    after = SubmissionId(cursor) if cursor else None
    found = service.replays.items(replay.id, after=after, limit=limit + 1)
    page = cut(found, limit, cursor=lambda item: item.submission_id)
    return ReplayItemsView(
        data=[ReplayItemView.of(item) for item in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


def _place(where: Selection, caller: Principal) -> Place:
    """Return whose replay it will be: the facility's that is named, or the one place where the caller may."""
    if where.facility is not None:
        return Place(where.facility)
    if len(caller.within.places) != 1:
        raise RequestValidationError(
            [
                unfit(
                    ("body", "where", "facility"),
                    "missing",
                    "say whose submissions",
                    "hãy ghi cơ sở nào",
                )
            ]
        )
    return caller.within.places[0]


@router.get(
    "/{replay_id}/results",
    operation_id="getReplayResults",
    summary="What became of each submission, as a file",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A line for each submission, in order of their ids.",
            "content": {"text/csv": {}, "application/x-ndjson": {}},
        }
    },
)
def get_replay_results(
    replay_id: ReplayKey,
    service: TheService,
    caller: ReplayReader,
    wanted: Annotated[ResultFormat, Query(alias="format")] = ResultFormat.CSV,
) -> StreamingResponse:
    """Stream every item, however many there are; nothing is gathered first."""
    replay = service.replays.get(replay_id, within=caller.within)
    pages = _pages(service, replay.id)
    lines = _as_csv(pages) if wanted is ResultFormat.CSV else _as_ndjson(pages)
    return StreamingResponse(
        lines,
        media_type="text/csv; charset=utf-8" if wanted is ResultFormat.CSV else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{replay.id}.{wanted}"'},
    )


def _pages(service: Service, replay_id: str) -> Iterator[Sequence[ReplayItemView]]:
    after: SubmissionId | None = None
    while items := service.replays.items(replay_id, after=after, limit=_PAGE):
        yield [ReplayItemView.of(item) for item in items]
        after = items[-1].submission_id


def _as_csv(pages: Iterator[Sequence[ReplayItemView]]) -> Iterator[str]:
    yield csv_line(ReplayItemView.model_fields)
    for page in pages:
        yield "".join(csv_line(item.model_dump(mode="json").values()) for item in page)


def _as_ndjson(pages: Iterator[Sequence[ReplayItemView]]) -> Iterator[str]:
    for page in pages:
        yield "".join(f"{item.model_dump_json()}\n" for item in page)


def _filter(where: Selection, caller: Principal) -> SubmissionFilter:
    return SubmissionFilter(
        ids=tuple(SubmissionId(one) for one in where.ids),
        states=tuple(where.state),
        within=caller.within,
        facility=caller.facility_within(where.facility),
        ma_lk=where.ma_lk,
        sha256=where.sha256,
        cause=where.cause,
        received_from=where.received_from,
        received_until=where.received_until,
    )
