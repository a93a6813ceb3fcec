"""Proof: signed receipts, the evidence of each transition, and the log that holds it all."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from claims.api.access import TheService, may
from claims.api.known_queries import refuse_unknown_query
from claims.api.limits import MOST_LISTED
from claims.api.models import SubmissionKey
from claims.api.paging import cut
from claims.api.readings import note_reading
from claims.exchange.access.principal import Principal
from claims.exchange.proofs import StoredHead
from claims.exchange.submission import SubmissionId
from claims.proof.container import MIMETYPE
from claims.proof.keys import key_set

#: What signed statements are verified with; anybody may.
KEYS = "/v1/evidence/keys"

router = APIRouter(tags=["proof"])

Reader = Annotated[Principal, may("submission.read")]
ArchiveReader = Annotated[Principal, may("archive.read")]
EvidenceReader = Annotated[Principal, may("evidence.read")]
Size = Annotated[int, Query(ge=1, le=2**62, description="A size of the log, such as a head states.")]


class HeadView(BaseModel):
    """A signed head of the log."""

    size: int
    root: str = Field(description="The Merkle tree's hash (RFC 9162), hexadecimal.")
    at: datetime
    token: str = Field(description="The same, signed: a JWS in compact form.")
    is_timestamped: bool = Field(description="Whether a time-stamping authority (RFC 3161) has stamped it.")

    @classmethod
    def of(cls, stored: StoredHead) -> Self:
        """Make the view of a head."""
        head = stored.head
        return cls(
            size=head.size,
            root=head.root.hex(),
            at=head.at,
            token=stored.token,
            is_timestamped=stored.timestamp is not None,
        )


class InclusionView(BaseModel):
    """Where a record stands in the log, and the path from there to the tree's hash."""

    index: int
    size: int
    path: list[str] = Field(description="Hashes, hexadecimal, from the leaf upwards.")


class RecordView(BaseModel):
    """The evidence of one transition."""

    index: int = Field(description="Its place in the log.")
    token: str = Field(description="The record, signed: a JWS in compact form, and the leaf of the tree.")


class RecordsView(BaseModel):
    """The evidence of a submission, whole, oldest first."""

    data: list[RecordView]
    next_cursor: None = None
    has_more: Literal[False] = False


class HeadPage(BaseModel):
    """Some heads of the log, oldest first."""

    data: list[HeadView]
    next_cursor: str | None
    has_more: bool


class ConsistencyView(BaseModel):
    """What leads from the hash of a smaller tree to that of a larger one."""

    first: int
    second: int
    path: list[str]


@router.get(
    KEYS,
    operation_id="getEvidenceKeys",
    summary="The keys that sign receipts, evidence and heads",
    dependencies=[Depends(refuse_unknown_query)],
)
def get_keys(service: TheService) -> dict[str, object]:
    """Return all keys that ever signed, oldest first, as a JWK set with their certificates."""
    keys = service.service_keys
    return key_set(keys.certificates(), keys.chain())


@router.get(
    "/v1/submissions/{submission_id}/signed-receipt",
    operation_id="getSignedReceipt",
    summary="What you can show for having handed it over; null for submissions of long ago",
)
def get_signed_receipt(submission_id: SubmissionKey, service: TheService, caller: Reader) -> str | None:
    """Return the receipt that the first answer carried: a JWS in compact form."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    return service.submissions.signed_receipt(submission.id)


@router.get(
    "/v1/submissions/{submission_id}/evidence",
    operation_id="getEvidence",
    summary="The evidence of each of its transitions, oldest first",
)
def get_evidence(submission_id: SubmissionKey, service: TheService, caller: EvidenceReader) -> RecordsView:
    """Return signed records; the last transition's may come some seconds later."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    records = service.log.records_of(submission.id)
    return RecordsView(data=[RecordView(index=record.index, token=record.token) for record in records])


@router.get(
    "/v1/submissions/{submission_id}/archive",
    operation_id="getArchive",
    summary="Everything that proves it, in one file (ASiC-E)",
    response_class=Response,
    responses={200: {"content": {MIMETYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_archive(submission_id: SubmissionKey, service: TheService, caller: ArchiveReader) -> Response:
    """Return the archive: bundle, reports, receipts, evidence and proofs, signed by the service."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    service.protection.require_whole(caller, submission)
    note_reading(service, caller, "archive", submission)
    data = service.archive(submission.id, within=caller.within)
    headers = {"Content-Disposition": f'attachment; filename="{submission_id}.asice"'}
    return Response(data, media_type=MIMETYPE, headers=headers)


@router.get("/v1/log/head", operation_id="getLogHead", summary="The log as it stands; null while it is empty")
def get_head(service: TheService, _caller: EvidenceReader) -> HeadView | None:
    """Return the newest signed head."""
    head = service.log.latest_head()
    return None if head is None else HeadView.of(head)


@router.get("/v1/log/heads", operation_id="listLogHeads", summary="Signed heads of the log, oldest first")
def list_heads(
    service: TheService,
    _caller: EvidenceReader,
    cursor: Annotated[
        str | None, Query(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> HeadPage:
    """Return a page of heads; keep some of them, and nobody can tell you another history."""
    found = service.log.heads(after_size=int(cursor or 0), limit=limit + 1)
    page = cut([HeadView.of(head) for head in found], limit, cursor=lambda head: head.size)
    return HeadPage(data=list(page.shown), next_cursor=page.next_cursor, has_more=page.has_more)


@router.get("/v1/log/inclusion", operation_id="getInclusion", summary="Proof that a record is in the log")
def get_inclusion(
    service: TheService, _caller: EvidenceReader, index: Annotated[int, Query(ge=0, le=2**62)], size: Size
) -> InclusionView:
    """Return the path (RFC 9162, 2.1.3) from a record to the hash of the log of this size."""
    path = service.prove.inclusion(index, size)
    return InclusionView(index=index, size=size, path=[each.hex() for each in path])


@router.get("/v1/log/consistency", operation_id="getConsistency", summary="Proof that the log has only grown")
def get_consistency(
    service: TheService, _caller: EvidenceReader, first: Size, second: Size
) -> ConsistencyView:
    """Return the path (RFC 9162, 2.1.4) from the hash of a smaller log to that of a larger one."""
    path = service.prove.consistency(first, second)
    return ConsistencyView(first=first, second=second, path=[each.hex() for each in path])
