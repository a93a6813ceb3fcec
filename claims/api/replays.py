"""Replays: failed submissions go again, unchanged."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError

from claims.api.access import Operator, TheService
from claims.api.intake import IdempotencyKey
from claims.api.models import (
    PlainText,
    ReplayItemsView,
    ReplayItemView,
    ReplayKey,
    ReplayPage,
    ReplayPlanView,
    ReplayRequest,
    ReplayView,
    Selection,
)
from claims.exchange.access import Principal
from claims.exchange.ports import NewReplay
from claims.exchange.submission import FacilityCode, SubmissionFilter, SubmissionId

router = APIRouter(prefix="/v1/replays", tags=["replays"])


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
            [{"loc": ("body", "reason"), "type": "missing", "msg": "say why these are replayed"}]
        )
    replay = service.start_replay(
        NewReplay(
            which,
            actor=caller.key_id,
            reason=wanted.reason,
            facility=caller.facility,
            per_minute=wanted.per_minute,
            request_key=idempotency_key,
        )
    )
    response.headers["Location"] = f"/v1/replays/{replay.id}"
    return ReplayView.of(replay)


@router.get("", operation_id="listReplays", summary="Replays, newest first")
def list_replays(
    service: TheService,
    caller: Operator,
    before: PlainText | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReplayPage:
    """Return a page; a facility sees only its own."""
    found = service.replays.list_recent(facility=caller.facility, before=before, limit=limit)
    return ReplayPage(
        data=[ReplayView.of(one) for one in found],
        next_before=found[-1].id if len(found) == limit else None,
    )


@router.post("/{replay_id}/pause", operation_id="pauseReplay", summary="Pause a replay")
def pause_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """Let no more submissions have their turn; after the answer nothing moves."""
    return ReplayView.of(service.steer_replay.pause(replay_id, facility=caller.facility))


@router.post("/{replay_id}/resume", operation_id="resumeReplay", summary="Let a paused replay go on")
def resume_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """Go on where it stopped."""
    return ReplayView.of(service.steer_replay.resume(replay_id, facility=caller.facility))


@router.post("/{replay_id}/cancel", operation_id="cancelReplay", summary="End a replay")
def cancel_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """End it for good; what had its turn stays replayed."""
    return ReplayView.of(service.steer_replay.cancel(replay_id, facility=caller.facility))


@router.get("/{replay_id}", operation_id="getReplay", summary="How far a replay has come")
def get_replay(replay_id: ReplayKey, service: TheService, caller: Operator) -> ReplayView:
    """Return the replay."""
    return ReplayView.of(service.replays.get(replay_id, facility=caller.facility))


@router.get("/{replay_id}/items", operation_id="getReplayItems", summary="What became of each submission")
def get_replay_items(
    replay_id: ReplayKey,
    service: TheService,
    caller: Operator,
    after: PlainText | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> ReplayItemsView:
    """Return items in order of their submission's id."""
    replay = service.replays.get(replay_id, facility=caller.facility)
    items = service.replays.items(replay.id, after=SubmissionId(after) if after else None, limit=limit)
    return ReplayItemsView(
        data=[ReplayItemView.of(item) for item in items],
        next_after=items[-1].submission_id if len(items) == limit else None,
    )


def _filter(where: Selection, caller: Principal) -> SubmissionFilter:
    return SubmissionFilter(
        ids=tuple(SubmissionId(one) for one in where.ids),
        states=tuple(where.state),
        facility=caller.facility or (FacilityCode(where.facility) if where.facility else None),
        ma_lk=where.ma_lk,
        sha256=where.sha256,
        cause=where.cause,
        received_from=where.received_from,
        received_until=where.received_until,
    )
