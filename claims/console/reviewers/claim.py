"""A claim's page: the form, its tables, findings, the signature, the XML, earlier versions, the thread."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from claims.bundle.comparison import Change, compare
from claims.bundle.contents import Contents, ReadClaim, read_contents
from claims.console.addresses import page_url
from claims.console.answers import see_other
from claims.console.formats import holder_of
from claims.console.naming import Names, TheNames, sentence_of
from claims.console.pages import language_of, render
from claims.console.readings import note_reading
from claims.console.reviewers.asking import Asked
from claims.console.reviewers.changes import show_change
from claims.console.reviewers.cutting import asked_cuts
from claims.console.reviewers.flashes import fresh_decisions
from claims.console.reviewers.origins import origins_of
from claims.console.reviewers.showing import (
    DIAGNOSIS_FIELDS,
    HEAD_FIELDS,
    ShownFinding,
    list_findings,
    show_findings,
    show_head,
    show_table,
    totals_of,
)
from claims.console.reviewers.source import Source, show_source
from claims.console.viewer import TheService, Viewer, sees
from claims.exchange.access.errors import ProtectedRecord
from claims.exchange.access.places import Place, Reach
from claims.exchange.access.protection import BREAK
from claims.exchange.errors import ReviewNotFound, SubmissionNotFound
from claims.exchange.review.deciding import CONFIRM, DECIDE
from claims.exchange.review.review import DECIDABLE, Review
from claims.exchange.submission import Submission, SubmissionFilter, SubmissionId
from claims.localtime import local_date
from claims.runtime.wiring import Service
from signing.errors import Unparsable
from signing.report.as_json import report_to_json
from signing.report.report import Report
from signing.report.words import describe_report, name_of, question

router = APIRouter()

CLAIM: Final = "/claims/{submission_id}/{ordinal}"
#: Where the glass in front of a protected one is broken.
GLASS: Final = f"{CLAIM}/glass"
#: Where is told what changes of it.
LIVE_CLAIM: Final = f"{CLAIM}/live"
READ: Final = "claim.read"
_MOST_VERSIONS: Final = 50
_MOST_OF_PERSON: Final = 100

Reader = Annotated[Viewer, sees(READ)]
TheId = Annotated[str, Path(pattern="^sub_[0-9A-Z]{26}$")]
TheOrdinal = Annotated[int, Path(ge=1, le=32_000)]
#: The inbox that a claim was opened from, as the query of its address.
TheInbox = Annotated[str, Query(alias="from", max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Opened:
    """A claim that somebody may read: its review, the submission, its bytes and what they say."""

    review: Review
    submission: Submission
    data: bytes
    contents: Contents
    claim: ReadClaim


def open_claim(
    service: Service, viewer: Viewer, submission_id: str, ordinal: int, *, page: str = "claim"
) -> Opened:
    """Return a claim for reading, and note in the log of accesses that it was read.

    Raises:
        ReviewNotFound: There is none, or it lies outside the places that the viewer may read of.
        ProtectedRecord: It belongs to a class of records that needs a right of its own.
    """
    review = find_review(service, viewer, submission_id, ordinal)
    note_reading(service, viewer, page, [review])
    submission = service.submissions.get(review.submission_id, within=viewer.principal.reach(READ))
    data = service.submissions.body(review.submission_id)
    contents = read_contents(data, today=local_date(submission.received_at))
    claim = next((one for one in contents.claims if one.number == ordinal), None)
    if claim is None:
        raise ReviewNotFound
    return Opened(review, submission, data, contents, claim)


def find_review(service: Service, viewer: Viewer, submission_id: str, ordinal: int) -> Review:
    """Return a review that somebody may read of; raises as `open_claim`."""
    review = service.reviews.get(SubmissionId(submission_id), ordinal)
    if not viewer.may(READ, review.facility):
        raise ReviewNotFound  # that it exists is not told either
    service.protection.require(
        viewer.principal, review.submission_id, facility=review.facility, classes=review.classes
    )
    return review


@router.get(CLAIM)
def show(
    request: Request,
    service: TheService,
    viewer: Reader,
    names: TheNames,
    submission_id: TheId,
    ordinal: TheOrdinal,
    tab: Annotated[str, Query(max_length=12)] = "",
    page: Annotated[int, Query(ge=1, le=1_000)] = 1,
    cut: Annotated[list[str] | None, Query(max_length=20)] = None,
    inbox: TheInbox = "",
) -> Response:
    """Show a claim, and keep it for this person to decide on if he may."""
    try:
        opened = open_claim(service, viewer, submission_id, ordinal)
    except ProtectedRecord:
        if not viewer.may(BREAK):
            raise
        path = GLASS.format(submission_id=submission_id, ordinal=ordinal)
        return see_other(path, (("from", inbox),) if inbox else ())
    return claim_page(
        request, service, viewer, names, opened, tab=tab, page=page, cuts=cut or [], inbox=inbox
    )


def claim_page(
    request: Request,
    service: Service,
    viewer: Viewer,
    names: Names,
    opened: Opened,
    *,
    tab: str = "",
    page: int = 1,
    cuts: Sequence[str] = (),
    inbox: str = "",
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response:
    """Return the page of a claim."""
    language = language_of(request)
    review, claim = opened.review, opened.claim
    may_decide = viewer.may(DECIDE, review.facility) and review.state in DECIDABLE
    holder = service.decide_reviews.open_to_decide(review, who=viewer.principal) if may_decide else None
    findings = show_findings(service.submissions.findings(review.submission_id), review.ordinal, language)
    tables = {str(table.kind): table for table in claim.tables if table.rows}
    shown = tables.get(tab)
    table = None if shown is None else show_table(shown, claim, findings, language, page=page)
    source_table = request.query_params.get("table", "") or next(iter(tables), "")
    report = _signature(service, opened)
    messages = service.reviews.messages(review.id)
    return render(
        request,
        "reviewers/claim.html",
        status=status,
        review=review,
        submission=opened.submission,
        claim=claim,
        tab=tab if tab in {*tables, "xml", "signature", "thread", "versions"} else "",
        tables=[(kind, len(table.rows)) for kind, table in tables.items()],
        table=table,
        origins=()
        if table is None
        else origins_of(service.submissions.trace(review.submission_id), review.ma_lk, tab)[table.part],
        findings=findings,
        beside=list_findings(findings, table=tab or "XML1", page=1 if table is None else table.page),
        head=show_head(claim, HEAD_FIELDS, findings, language),
        diagnoses=show_head(claim, DIAGNOSIS_FIELDS, findings, language),
        totals=totals_of(claim, language),
        report=report,
        source=_source(opened, source_table, findings, request.query_params.get("finding", ""))
        if tab == "xml"
        else None,
        source_table=source_table,
        versions=_versions(service, opened) if tab == "versions" else (),
        messages=messages,
        live=_live(review, len(messages), holder),
        steps=service.reviews.steps(review.id),
        decided_cuts=service.reviews.cuts(review.id),
        cuts=asked_cuts(claim, cuts, typed or {}),
        cut_marks=list(cuts),
        may_decide=may_decide and holder is None,
        may_confirm=review.state == "proposed"
        and viewer.may(CONFIRM, review.facility)
        and review.decided_by != viewer.id,
        may_see_person=review.person is not None and not viewer.principal.reach("person.history").is_nowhere,
        holder=holder,
        reasons=[(one.code, one.text(language)) for one in service.review_policy.reasons],
        reason_text=lambda code: _reason(service, code, language),
        four_eyes=service.review_policy.four_eyes_from,
        inbox=inbox,
        inbox_url=Asked.of_query(inbox).url(),
        problem=problem,
        typed=typed or {},
        names=names,
        fresh=fresh_decisions(service, viewer),
        now=service.clock.now(),
        **_signature_words(report, language),
    )


@router.get(f"{CLAIM}/evidence")
def evidence(
    service: TheService,
    viewer: Annotated[Viewer, sees("evidence.read")],
    submission_id: TheId,
    ordinal: TheOrdinal,
) -> Response:
    """Return the facts that the verdict on the signature rests on: certificates, lists, digests."""
    opened = open_claim(service, viewer, submission_id, ordinal, page="evidence")
    report = _signature(service, opened)
    if report is None:
        raise SubmissionNotFound(submission_id)
    return Response(
        json.dumps(report_to_json(report), ensure_ascii=False, indent=1),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{submission_id}-signature.json"'},
    )


@router.get(f"{CLAIM}/compare")
def compare_versions(
    request: Request,
    service: TheService,
    viewer: Reader,
    submission_id: TheId,
    ordinal: TheOrdinal,
    old: Annotated[str, Query(pattern="^sub_[0-9A-Z]{26}$")],
    inbox: TheInbox = "",
) -> Response:
    """Show what changed since another version of the claim, money first."""
    opened = open_claim(service, viewer, submission_id, ordinal, page="compare")
    earlier = service.submissions.get(SubmissionId(old), within=_reach_of(opened))
    if opened.review.ma_lk not in earlier.ma_lk:
        raise SubmissionNotFound(old)
    service.protection.require_whole(viewer.principal, earlier)
    before = read_contents(service.submissions.body(earlier.id), today=local_date(earlier.received_at))
    language = language_of(request)
    comparison = compare(_only(before, opened.review.ma_lk), _only(opened.contents, opened.review.ma_lk))
    return render(
        request,
        "reviewers/compare.html",
        review=opened.review,
        earlier=earlier,
        later=opened.submission,
        comparison=comparison,
        inbox=inbox,
        Change=Change,
        shown=lambda change, claim: show_change(change, claim, language),
    )


@router.get(f"{CLAIM}/person")
def person_history(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("person.history")],
    names: TheNames,
    submission_id: TheId,
    ordinal: TheOrdinal,
    inbox: TheInbox = "",
) -> Response:
    """Show the other claims of the insured person, whichever facility made them."""
    review = find_review(service, viewer, submission_id, ordinal)
    reach = viewer.principal.reach("person.history")
    found = (
        ()
        if review.person is None
        else service.reviews.of_person(review.person, reach=reach.codes, limit=_MOST_OF_PERSON)
    )
    seen = [one for one in found if not viewer.principal.hidden_classes(one.classes, one.facility)]
    note_reading(service, viewer, "person", seen)
    language = language_of(request)
    return render(
        request,
        "reviewers/person.html",
        review=review,
        reviews=seen,
        left_out=len(found) - len(seen),
        inbox=inbox,
        names=names,
        sentence_of=lambda code: sentence_of(code, language),
    )


def _live(review: Review, messages: int, holder: str | None) -> str:
    """Return where is told what changes of a claim since its page showed it so."""
    path = LIVE_CLAIM.format(submission_id=review.submission_id, ordinal=review.ordinal)
    seen = (("version", review.version), ("messages", messages), ("holder", holder or ""))
    return page_url(path, ((name, str(value)) for name, value in seen))


def _signature(service: Service, opened: Opened) -> Report | None:
    """Verify the signature as the check did; None where there is nothing to verify."""
    try:
        return service.signature_report(opened.data, opened.submission)
    except Unparsable:
        return None


def _signature_words(report: Report | None, language: str) -> dict[str, Any]:
    sentence = "" if report is None else describe_report(report, language)
    if report is not None and report.verdict.signer is not None:
        # Names as certificates write them are for the details.
        sentence = sentence.replace(report.verdict.signer.subject, holder_of(report.verdict.signer.subject))
    return {
        "signature_sentence": sentence,
        "name_of": lambda value: name_of(value, language),
        "question": lambda reason: question(reason, language),
    }


def _source(opened: Opened, table: str, findings: Sequence[ShownFinding], number: str) -> Source | None:
    meant = next((one.location for one in findings if str(one.number) == number), None)
    return show_source(opened.data, claim=opened.claim.number, kind=table, meant=meant)


def _versions(service: Service, opened: Opened) -> Sequence[Submission]:
    """Return the submissions of the same episode, newest first."""
    which = SubmissionFilter(within=_reach_of(opened), ma_lk=opened.review.ma_lk)
    return service.submissions.list_page(which, limit=_MOST_VERSIONS, cursor=None).items


def _reach_of(opened: Opened) -> Reach:
    """Return the claim's facility as a reach: versions are of one facility."""
    return Reach.of(Place(opened.review.facility))


def _only(contents: Contents, ma_lk: str) -> Contents:
    return replace(contents, claims=tuple(one for one in contents.claims if one.ma_lk == ma_lk))


def _reason(service: Service, code: str, language: str) -> str:
    reason = service.review_policy.find_reason(code)
    return code if reason is None else reason.text(language)
