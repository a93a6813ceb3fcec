"""Lists as files for a spreadsheet, streamed as they are read; who took what is noted."""

from collections.abc import Iterable, Sequence
from typing import Final

import structlog
from starlette.responses import Response, StreamingResponse

from claims.console.viewer import Viewer
from claims.spreadsheets import MEDIA_TYPE, WORKBOOK_TYPE, csv_file, workbook_file

log = structlog.get_logger()

_CSV: Final = "csv"


def file_of(head: Sequence[str], rows: Iterable[Sequence[object]], ending: str, name: str) -> Response:
    """Return the rows as a file, ``csv`` or ``xlsx``."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"', "Cache-Control": "no-store"}
    if ending == _CSV:
        return StreamingResponse(csv_file(head, rows), media_type=MEDIA_TYPE, headers=headers)
    return StreamingResponse(workbook_file(head, rows), media_type=WORKBOOK_TYPE, headers=headers)


def note_export(viewer: Viewer, what: str, ending: str, narrowed_by: Sequence[str]) -> None:
    """Note who takes a list. That the list was narrowed is told, not to what: it may be a claim's key."""
    log.info(
        "list.exported",
        actor=viewer.id,
        what=what,
        format=ending,
        within=",".join(viewer.principal.within.codes) or "*",
        narrowed_by=",".join(narrowed_by),
    )
