"""Replays: failed submissions go again, unchanged."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError

from claims.api.access import Operator, TheService
from claims.api.models import (
    PlainText,
    ReplayItemsView,
    ReplayItemView,
    ReplayKey,
    ReplayPlanView,
    ReplayRequest,
    ReplayView,
    Selection,
)
from claims.exchange.access import Principal
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
    wanted: ReplayRequest, response: Response, service: TheService, caller: Operator
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
    replay = service.start_replay(which, actor=caller.key_id, reason=wanted.reason, facility=caller.facility)
    response.headers["Location"] = f"/v1/replays/{replay.id}"
    return ReplayView.of(replay)


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
