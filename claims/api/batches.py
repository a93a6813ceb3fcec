"""Batches: many bundles at once, each with an outcome of its own."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from claims.api.access import TheService, may
from claims.api.models import Sha256
from claims.api.pacing import AT_PACE, Submitter
from claims.api.paging import cut
from claims.api.uploads import MULTIPART, Declared, take_upload
from claims.exchange.access.principal import Principal
from claims.exchange.batches import REFUSALS, Batch, BatchItem, Outcome, new_batch_id
from claims.exchange.lifecycle import State
from claims.exchange.parcels import open_parcel
from claims.exchange.submission import FacilityCode
from claims.runtime.wiring import Service
from claims.spreadsheets import MEDIA_TYPE, csv_line

router = APIRouter(prefix="/v1/batches", tags=["batches"])

Reader = Annotated[Principal, may("submission.read")]
Exporter = Annotated[Principal, may("submission.export")]
_BATCH_KEY: Final = "^bat_[0-9A-HJKMNP-TV-Z]{26}$"
BatchKey = Annotated[str, Path(pattern=_BATCH_KEY)]

_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final = {
    "required": True,
    "content": {
        "application/zip": _FILE,
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
    },
}
_PAGE: Final = 1000


class BatchView(BaseModel):
    """A batch and how far it has come."""

    id: str = Field(examples=["bat_01KASWY1C4R4T9QZ3R5J8M2X6B"])
    facility: str
    state: Literal["working", "finished"]
    sha256: str = Field(description="Digest of the parcel as it is kept: of the ZIP file, if it came as one.")
    size: int
    created_at: datetime
    finished_at: datetime | None
    total: int = Field(description="Files in it.")
    done: int = Field(description="Files that had their turn.")
    accepted: int = Field(description="Files that became submissions.")
    duplicate: int = Field(description="Files that were submissions already.")
    refused: int = Field(description="Files that were not taken in.")

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """Make the view of a batch."""
        return cls(
            id=batch.id,
            facility=batch.facility,
            state="working" if batch.finished_at is None else "finished",
            sha256=batch.sha256,
            size=batch.size,
            created_at=batch.created_at,
            finished_at=batch.finished_at,
            total=batch.total,
            done=batch.done,
            accepted=batch.counts.get(Outcome.ACCEPTED, 0),
            duplicate=batch.counts.get(Outcome.DUPLICATE, 0),
            refused=batch.counts.get(Outcome.REFUSED, 0),
        )


class BatchPage(BaseModel):
    """Some batches, newest first."""

    data: list[BatchView]
    next_cursor: str | None
    has_more: bool


class BatchItemView(BaseModel):
    """One file of a batch and what became of it."""

    position: int = Field(description="Its place in the parcel, from 1.")
    name: str = Field(description="Empty once the content of its submission was erased.")
    outcome: Outcome
    submission_id: str | None = Field(description="Its submission; of a duplicate, the first one.")
    state: State | None = Field(description="Where that stands.")
    cause: str | None = Field(description="Why it was refused.")
    message: dict[str, str] | None = Field(description="The same as a sentence: vi and en.")

    @classmethod
    def of(cls, item: BatchItem) -> Self:
        """Make the view of an item."""
        return cls(
            position=item.position,
            name=item.name,
            outcome=item.outcome,
            submission_id=item.submission_id,
            state=item.state,
            cause=item.cause,
            message=None if item.cause is None else dict(REFUSALS[item.cause]),
        )


class BatchItemPage(BaseModel):
    """Some items, in the order of the parcel."""

    data: list[BatchItemView]
    next_cursor: str | None
    has_more: bool


@router.post(
    "",
    status_code=202,
    operation_id="submitBatch",
    summary="Submit many bundles at once",
    openapi_extra={"requestBody": _BODY},
    dependencies=[AT_PACE],
)
async def submit_batch(
    request: Request,
    response: Response,
    service: TheService,
    caller: Submitter,
    sha256: Annotated[Sha256 | None, Query(description="SHA-256 of the body, to be found the same.")] = None,
    size: Annotated[int | None, Query(ge=0, description="Length of the body, to be found the same.")] = None,
) -> BatchView:
    """Take a ZIP file, or a multipart body, of signed bundles; every file gets an outcome of its own.

    The same parcel again is the same batch: one that was broken off goes on where it stopped.
    """
    facility = caller.own_facility()
    limits = service.parcel_limits
    upload = await take_upload(
        request,
        service.batch_runner.folder,
        Declared(sha256, size),
        most_parts=limits.pieces,
        most_part_bytes=limits.piece_bytes,
    )
    try:
        batch, is_new = await run_in_threadpool(
            _add, service, facility, caller.id, upload.path, upload.sha256, upload.size
        )
        if batch.finished_at is None:
            await run_in_threadpool(service.batch_runner.start, batch.id, upload.path)
    finally:
        upload.path.unlink(missing_ok=True)
    response.headers["Location"] = f"/v1/batches/{batch.id}"
    if not is_new:
        response.headers["Idempotent-Replayed"] = "true"
    return BatchView.of(batch)


@router.get("", operation_id="listBatches", summary="Batches, newest first")
def list_batches(
    service: TheService,
    caller: Reader,
    cursor: Annotated[str | None, Query(pattern=_BATCH_KEY)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> BatchPage:
    """Return a page; a facility sees only its own."""
    found = service.batches.list_recent(within=caller.within, before=cursor, limit=limit + 1)
    page = cut(found, limit, cursor=lambda one: one.id)
    return BatchPage(
        data=[BatchView.of(one) for one in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


@router.get("/{batch_id}", operation_id="getBatch", summary="How far a batch has come")
def get_batch(batch_id: BatchKey, service: TheService, caller: Reader) -> BatchView:
    """Return the batch."""
    return BatchView.of(service.batches.get(batch_id, within=caller.within))


@router.get("/{batch_id}/items", operation_id="getBatchItems", summary="What became of each file")
def get_batch_items(
    batch_id: BatchKey,
    service: TheService,
    caller: Reader,
    outcome: Outcome | None = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9]{1,9}$")] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE)] = 500,
) -> BatchItemPage:
    """Return items in the order of the parcel; those that had no turn yet are not among them."""
    batch = service.batches.get(batch_id, within=caller.within)
    found = service.batches.items(batch.id, outcome=outcome, after=int(cursor or 0), limit=limit + 1)
    page = cut(found, limit, cursor=lambda one: one.position)
    return BatchItemPage(
        data=[BatchItemView.of(one) for one in page.shown],
        next_cursor=page.next_cursor,
        has_more=page.has_more,
    )


@router.get(
    "/{batch_id}/items.csv",
    operation_id="exportBatchItems",
    summary="The same as a CSV file",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
def export_batch_items(batch_id: BatchKey, service: TheService, caller: Exporter) -> StreamingResponse:
    """Return every item; spreadsheets take no cell for a formula."""
    batch = service.batches.get(batch_id, within=caller.within)
    name = f'attachment; filename="{batch.id}.csv"'
    return StreamingResponse(
        _lines(service, batch.id), media_type=MEDIA_TYPE, headers={"Content-Disposition": name}
    )


def _add(
    service: Service, facility: FacilityCode, actor: str, path: FilePath, sha256: str, size: int
) -> tuple[Batch, bool]:
    with open_parcel(path, service.parcel_limits) as parcel:
        total = len(parcel)
    now = service.clock.now()
    return service.batches.add(Batch(new_batch_id(now), facility, sha256, size, actor, now, total))


def _lines(service: Service, batch_id: str) -> Iterator[str]:
    fields = list(BatchItemView.model_fields)
    names = [name for name in fields if name != "message"]
    yield "\N{BYTE ORDER MARK}" + csv_line([*names, "message_vi", "message_en"])
    after = 0
    while items := service.batches.items(batch_id, outcome=None, after=after, limit=_PAGE):
        for item in items:
            message = REFUSALS[item.cause] if item.cause else {}
            row = [item.position, item.name, item.outcome, item.submission_id, item.state, item.cause]
            yield csv_line([*row, message.get("vi"), message.get("en")])
        after = items[-1].position
