"""Exports: any list as a file for a spreadsheet, streamed as it is read; who took what is noted."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from claims.console.exporting import file_of, note_export
from claims.console.operators.asking import LIST, Wanted
from claims.console.operators.replays import REPLAYS, TheId
from claims.console.operators.telling import cause_of
from claims.console.pages import language_of
from claims.console.viewer import TheService, Viewer, sees
from claims.console.wording import Words, words
from claims.exchange.access.readings import Reading, Seen
from claims.exchange.submission import Submission, SubmissionFilter, SubmissionId
from claims.localtime import local_time
from claims.runtime.wiring import Service

router = APIRouter()

_PAGE: Final = 1_000
_COLUMNS: Final = (
    "op_received", "op_submission", "facility", "op_claims", "op_state", "op_cause", "op_cause_text",
    "op_attempts", "op_receipt", "op_updated",
)  # fmt: skip
_ITEM_COLUMNS: Final = ("op_submission", "op_outcome", "op_state_before", "op_state_now", "op_receipt")

Exporter = Annotated[Viewer, sees("submission.export")]
TheEnding = Annotated[str, Path(pattern="^(csv|xlsx)$")]


@router.get(f"{LIST}.{{ending}}")
def export_submissions(
    request: Request, service: TheService, viewer: Exporter, ending: TheEnding
) -> Response:
    """Return the submissions that the list's filter means, all of them."""
    wanted, language = Wanted.of(request.query_params), language_of(request)
    note_export(viewer, "submissions", ending, [name for name, _ in wanted.query])
    word = words(language)
    rows = _submission_rows(service, viewer, wanted.filter(viewer.principal.within), word, language)
    return file_of([word[name] for name in _COLUMNS], rows, ending, "submissions")


@router.get(f"{REPLAYS}/{{replay_id}}/items.{{ending}}")
def export_items(
    request: Request,
    service: TheService,
    viewer: Annotated[Viewer, sees("replay.read")],
    replay_id: TheId,
    ending: TheEnding,
) -> Response:
    """Return what a replay did with each submission."""
    replay = service.replays.get(replay_id, within=viewer.principal.within)
    note_export(viewer, "replay", ending, [])
    word = words(language_of(request))
    rows = _item_rows(service, replay.id, word)
    return file_of([word[name] for name in _ITEM_COLUMNS], rows, ending, replay.id)


def _submission_rows(
    service: Service, viewer: Viewer, which: SubmissionFilter, word: Words, language: str
) -> Iterator[Sequence[object]]:
    cursor: str | None = None
    while True:
        page = service.submissions.list_page(which, limit=_PAGE, cursor=cursor)
        # In the log of readings before it is handed out, as every page that somebody sees.
        seen = tuple(Seen(one.id, 0, one.facility, None) for one in page.items)
        service.readings.note(Reading(service.clock.now(), viewer.id, "export", seen))
        for one in page.items:
            yield _submission_row(one, word, language)
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _submission_row(one: Submission, word: Words, language: str) -> Sequence[object]:
    return (
        f"{local_time(one.received_at):%d/%m/%Y %H:%M:%S}",
        one.id,
        one.facility,
        " ".join(one.ma_lk),
        word[f"sub_{one.state}"],
        one.cause or "",
        cause_of(one.cause, language) if one.cause else "",
        one.attempts,
        one.receipt or "",
        f"{local_time(one.updated_at):%d/%m/%Y %H:%M:%S}",
    )


def _item_rows(service: Service, replay_id: str, word: Words) -> Iterator[Sequence[object]]:
    after: SubmissionId | None = None
    while items := service.replays.items(replay_id, after=after, limit=_PAGE):
        for item in items:
            yield (
                item.submission_id,
                word[f"outcome_{item.outcome or 'waiting'}"],
                "" if item.state_before is None else word[f"sub_{item.state_before}"],
                "" if item.state_now is None else word[f"sub_{item.state_now}"],
                item.receipt or "",
            )
        after = items[-1].submission_id
