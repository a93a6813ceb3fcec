"""The log of readings: who saw what of which patients, for auditors and for the facility concerned."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from claims.console.addresses import page_url
from claims.console.answers import UNPROCESSABLE, see_other
from claims.console.auditors.asking import Sought
from claims.console.exporting import file_of, note_export
from claims.console.naming import Names, TheNames
from claims.console.pages import language_of, render
from claims.console.viewer import TheForm, TheService, Viewer, sees
from claims.console.wording import Words, words
from claims.exchange.access.readings import Reading, ReadingFilter, ReadingPage
from claims.localtime import local_time
from claims.runtime.wiring import Service

router = APIRouter()

READINGS: Final = "/readings"
_READ: Final = "audit.read"
_PAGE_SIZE: Final = 100
_EXPORTED_AT_ONCE: Final = 1_000
_NOTHING: Final = ReadingPage((), None)
_COLUMNS: Final = ("when", "reader", "reader_id", "looked_at", "submission_id", "claim_number", "facility")

Auditor = Annotated[Viewer, sees(_READ)]
TheEnding = Annotated[str, Path(pattern="^(csv|xlsx)$")]


@router.get(READINGS)
def show_readings(request: Request, service: TheService, viewer: Auditor, names: TheNames) -> Response:
    """Show who saw which claims, newest first; patients are not named."""
    return _page(request, service, viewer, names, Sought.of({**request.query_params, "number": ""}))


@router.post(READINGS)
def search_readings(
    request: Request, service: TheService, viewer: Auditor, names: TheNames, form: TheForm
) -> Response:
    """Show who saw the claims of one person; what names nobody has an address of its own."""
    sought = Sought.of(form)
    if not sought.number:
        return see_other(READINGS, sought.query)
    return _page(request, service, viewer, names, sought)


@router.post(f"{READINGS}.{{ending}}")
def export_readings(
    request: Request, service: TheService, viewer: Auditor, names: TheNames, form: TheForm, ending: TheEnding
) -> Response:
    """Return the readings that the form means, all of them, a line for each claim that was shown."""
    sought = Sought.of(form)
    if sought.number and not sought.is_number:
        return _page(request, service, viewer, names, sought)
    note_export(viewer, "readings", ending, sought.names)
    word = words(language_of(request))
    rows = _rows(service, viewer, sought.readings(service, viewer.principal.within), names, word)
    return file_of([word[name] for name in _COLUMNS], rows, ending, "readings")


def _page(request: Request, service: Service, viewer: Viewer, names: Names, sought: Sought) -> Response:
    is_refused = bool(sought.number) and not sought.is_number
    page = _NOTHING
    if not is_refused:
        which = sought.readings(service, viewer.principal.within)
        page = service.consult_readings(which, reader=viewer.id, limit=_PAGE_SIZE, before=sought.before)
    following = (("before", str(page.next_cursor)),) if page.next_cursor else ()
    return render(
        request,
        "auditors/readings.html",
        status=UNPROCESSABLE if is_refused else 200,
        page=page,
        sought=sought,
        names=names,
        is_refused=is_refused,
        next=page_url(READINGS, (*sought.query, *following)) if following else "",
        first=page_url(READINGS, sought.query) if sought.before else "",
    )


def _rows(
    service: Service, viewer: Viewer, which: ReadingFilter, names: Names, word: Words
) -> Iterator[Sequence[object]]:
    before: int | None = None
    while True:
        page = service.consult_readings(which, reader=viewer.id, limit=_EXPORTED_AT_ONCE, before=before)
        for one in page.items:
            yield from _rows_of(one, names, word)
        if page.next_cursor is None:
            return
        before = page.next_cursor


def _rows_of(one: Reading, names: Names, word: Words) -> Iterator[Sequence[object]]:
    for claim in one.seen:
        yield (
            f"{local_time(one.at):%d/%m/%Y %H:%M:%S}",
            names.person(one.reader),
            one.reader,
            word.get(f"page_{one.page}", one.page),
            claim.submission_id,
            claim.ordinal or "",
            claim.facility,
        )
