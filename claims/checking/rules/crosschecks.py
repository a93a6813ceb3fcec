"""Rules that compare a claim's tables with each other and with the envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.findings import Finding, Location, Severity
from claims.bundle.kinds import TableKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.tables import CheckedClaim

_NUMBERED: Final = (TableKind.XML2, TableKind.XML3, TableKind.XML4, TableKind.XML5)


def find_wrong_facility(
    facility: str | None, expected: str | None, claims: tuple[CheckedClaim, ...]
) -> Iterator[Finding]:
    """ENV.MACSKCB_MATCH: sender, envelope and every summary row name one facility."""
    if facility is None:
        return  # the envelope's schema says so
    if expected is not None and facility != expected:
        location = Location(field="MACSKCB")
        params = (("found", facility[:20]), ("expected", expected))
        yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)
    for claim in claims:
        row = claim.summary_row
        if row is not None and row["MA_CSKCB"] and row["MA_CSKCB"] != facility:
            location = claim.locate(claim.tables[TableKind.XML1], row, "MA_CSKCB")
            params = (("found", row["MA_CSKCB"][:20]), ("expected", facility))
            yield Finding("ENV.MACSKCB_MATCH", Severity.CRITICAL, location, params)


def find_foreign_rows(claim: CheckedClaim) -> Iterator[Finding]:
    """ALL.MA_LK_MATCH: every row belongs to the episode of XML1. One finding a table, at its first."""
    summary = claim.summary_row
    if summary is None or not summary["MA_LK"]:
        return
    for table in claim.tables.values():
        foreign = [row for row in table.rows if row["MA_LK"] != summary["MA_LK"]]
        if foreign:
            location = claim.locate(table, foreign[0], "MA_LK")
            params = (("rows", str(len(foreign))),)
            yield Finding("ALL.MA_LK_MATCH", Severity.CRITICAL, location, params)


def find_broken_numbering(claim: CheckedClaim) -> Iterator[Finding]:
    """ALL.STT_SEQUENCE: row numbers start at 1 and increase without repeats. One finding a table."""
    for kind in _NUMBERED:
        table = claim.tables.get(kind)
        if table is None:
            continue
        reached = 0
        for row in table.rows:
            text = row["STT"]
            if not (text.isascii() and text.isdigit()) or len(text) > 10:  # noqa: PLR2004 - the field's length
                break  # the schema says so
            number = int(text)
            if number <= reached or (reached == 0 and number != 1):
                location = claim.locate(table, row, "STT")
                yield Finding("ALL.STT_SEQUENCE", Severity.WARNING, location, (("stt", text),))
                break
            reached = number
