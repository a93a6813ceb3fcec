"""Claims on paper: the form as PDF, and what the code printed on it leads to."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from claims.api.access import TheService, may
from claims.api.models import SubmissionKey
from claims.api.readings import note_reading
from claims.exchange.access.bounds import bind
from claims.exchange.access.places import EVERYWHERE
from claims.exchange.access.principal import Principal
from claims.exchange.errors import NothingToShow, SubmissionNotFound
from claims.exchange.lifecycle import State
from claims.exchange.submission import SUBMISSION_KEY, Submission, SubmissionId
from claims.localtime import local_date, local_time

#: Where the code on a form leads: without signing in, and with nothing about people.
CODE_PATH: Final = "/v/{submission_id}"

router = APIRouter(tags=["paper"])

ClaimReader = Annotated[Principal, may("claim.read")]


class Language(StrEnum):
    """In which language a form is."""

    VI = "vi"
    EN = "en"


class Standing(StrEnum):
    """What may be said of a claim to whoever holds its paper."""

    VALID = "valid"
    UNDER_WAY = "under-way"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    NOT_ACCEPTED = "not-accepted"
    UNKNOWN = "unknown"


_STANDING: Final = {
    State.ACKNOWLEDGED: Standing.VALID,
    State.SUPERSEDED: Standing.SUPERSEDED,
    State.WITHDRAWN: Standing.WITHDRAWN,
    State.REJECTED: Standing.NOT_ACCEPTED,
    State.REFUSED: Standing.NOT_ACCEPTED,
    # Not what failed: nobody has refused it, the gateway may even have it, and it is sent again.
}
_SENTENCES: Final = {
    Standing.VALID: (
        "Hồ sơ có giá trị: cổng tiếp nhận đã nhận đúng tệp này.",
        "The claim is valid: the insurer's gateway has taken this very file.",
    ),
    Standing.UNDER_WAY: (
        "Hồ sơ đang được xử lý, cổng tiếp nhận chưa xác nhận.",
        "The claim is under way; the insurer's gateway has not confirmed it yet.",
    ),
    Standing.SUPERSEDED: (
        "Hồ sơ đã được thay bằng bản mới hơn: bản giấy này không còn giá trị.",
        "The claim was superseded by a later version: this paper no longer counts.",
    ),
    Standing.WITHDRAWN: (
        "Cơ sở đã rút lại hồ sơ: bản giấy này không còn giá trị.",
        "The facility took the claim back: this paper no longer counts.",
    ),
    Standing.NOT_ACCEPTED: ("Hồ sơ không được tiếp nhận.", "The claim was not accepted."),
    Standing.UNKNOWN: (
        "Không có hồ sơ nào như vậy, hoặc bản giấy không khớp với tệp đã ký.",
        "There is no such claim, or the paper does not fit the signed file.",
    ),
}
#: A fact beside where the claim stands, not instead of it: the proof is as good as before.
_ERASED: Final = (
    "Nội dung điện tử đã được xóa ngày {on} khi hết thời hạn lưu trữ; mã băm và bằng chứng vẫn được giữ.",
    "Its electronic content was erased on {on}, having been kept long enough; digest and proof are kept.",
)
#: So is this: a bundle of several claims is superseded by nothing that has only some of them.
_LATER: Final = (
    "Một số hồ sơ trong đó đã có bản mới hơn mà cổng đã nhận: với chúng, bản giấy này không còn giá trị.",
    "The gateway has later versions of some claims in it: for these this paper no longer counts.",
)
_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}dt{color:#555}dd{margin:0 0 .6rem}@media(prefers-color-scheme:dark){body{"
    "background:#111;color:#eee}dt{color:#aaa}}"
)
#: What the page's policy allows: this style and nothing else.
_STYLE_HASH: Final = f"sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}"


@router.get(
    "/v1/submissions/{submission_id}/paper",
    operation_id="getPaper",
    summary="The claim as the paper form that people know",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {}}, "description": "PDF/A-3a; the signed XML is inside."}
    },
)
def get_paper(
    submission_id: SubmissionKey,
    service: TheService,
    caller: ClaimReader,
    language: Annotated[Language, Query(description="The language of the form.")] = Language.VI,
) -> Response:
    """Return the cost statement with its papers, the signature's verdict and the code that leads back."""
    submission = service.submissions.get(SubmissionId(submission_id), within=caller.within)
    service.protection.require_whole(caller, submission)
    note_reading(service, caller, "paper", submission)
    try:
        bundle = service.bundle(submission.id)
    except SubmissionNotFound as error:  # its content was erased
        raise NothingToShow(submission.id) from error
    pdf = service.paper_forms(bundle, submission=submission, language=language.value)
    if pdf is None:
        raise NothingToShow(submission.id)
    headers = {"Content-Disposition": f'inline; filename="{submission.id}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.get(CODE_PATH, include_in_schema=False)
def show_standing(
    submission_id: str,
    service: TheService,
    d: Annotated[str, Query(description="The beginning of the file's SHA-256.")] = "",
) -> HTMLResponse:
    """Say what the claim on a paper is worth now; whoever does not hold the paper learns nothing.

    Whatever was scanned, whoever scanned it gets a page to read: a torn code is of no claim.
    """
    found: Submission | None = None
    if re.fullmatch("[0-9a-f]{16}", d) and re.fullmatch(SUBMISSION_KEY, submission_id):
        bind(EVERYWHERE)  # nobody has signed in, and the paper may be of any facility
        with suppress(SubmissionNotFound):
            found = service.submissions.get(SubmissionId(submission_id), within=EVERYWHERE)
    if found is None or not found.sha256.startswith(d):
        return _page(Standing.UNKNOWN, {})
    facility = " ".join(filter(None, (found.facility, service.facilities.name_of(found.facility))))
    month = f"{local_time(found.received_at):%m/%Y}"
    standing, beside = _standing(found), []
    if standing is Standing.VALID and service.submissions.has_later_claims(found.id):
        beside.append(_LATER)
    if (erasure := service.kept_records.erasure_of(found.id)) is not None:
        day = f"{local_date(erasure.erased_at):%d/%m/%Y}"
        beside.append((_ERASED[0].format(on=day), _ERASED[1].format(on=day)))
    facts = {("Cơ sở", "Facility"): facility, ("Tháng nhận", "Received in"): month}
    return _page(standing, facts, beside)


def _standing(submission: Submission) -> Standing:
    if submission.superseded_by is not None:
        return Standing.SUPERSEDED
    return _STANDING.get(submission.state, Standing.UNDER_WAY)


def _page(
    standing: Standing, facts: Mapping[tuple[str, str], str], beside: Iterable[tuple[str, str]] = ()
) -> HTMLResponse:
    vietnamese, english = _SENTENCES[standing]
    more = "".join(f"<p>{vi}<p lang=en>{en}" for vi, en in beside)
    rows = "".join(
        f"<dt>{vi} <span lang=en>/ {en}</span><dd>{escape(value)}" for (vi, en), value in facts.items()
    )
    return HTMLResponse(
        "<!doctype html><html lang=vi><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>eHoSo</title><style>{_STYLE}</style><main data-standing={standing.value}>"
        f"<h1>{vietnamese}</h1><p lang=en>{english}{more}<dl>{rows}</dl></main></html>",
        headers={
            "Content-Security-Policy": f"default-src 'none'; style-src '{_STYLE_HASH}'",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
