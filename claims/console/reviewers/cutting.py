"""The form in which a reviewer cuts a claim: the rows that were picked, their amounts and reasons."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from starlette.datastructures import FormData

from claims.bundle.contents import ReadClaim
from claims.console.formats import dong
from claims.console.reviewers.asking import amount_of
from claims.console.reviewers.showing import find_row, name_of_row, paid_of_row
from claims.exchange.errors import UnsoundDecision
from claims.exchange.review.review import Cut

#: The mark of a cut that is about the claim as a whole.
WHOLE: Final = "all"
_MARK: Final = re.compile(r"(XML[23])-([0-9]{1,5})", re.ASCII)
_MOST_CUTS: Final = 50
_LONGEST_NOTE: Final = 2_000


@dataclass(frozen=True, slots=True)
class AskedCut:
    """A line of the form: which row, what it costs, what was typed so far."""

    mark: str
    table: str
    row: int | None
    name: str
    paid: Decimal | None
    amount: str
    reason: str
    note: str


def asked_cuts(claim: ReadClaim, marks: Sequence[str], typed: Mapping[str, str]) -> Sequence[AskedCut]:
    """Return the lines of the form for the rows that were picked; a mark that names no row is left out."""
    lines = []
    for mark in dict.fromkeys(marks[:_MOST_CUTS]):
        table, row = _place(mark)
        if mark == WHOLE:
            name, paid = "", None
        else:
            found = find_row(claim, table, row or 0)
            if found is None:
                continue
            name, paid = name_of_row(table, found), paid_of_row(found)
        amount = typed.get(
            f"amount-{mark}", "" if paid is None else dong(paid).removesuffix("\N{NO-BREAK SPACE}đ")
        )
        lines.append(
            AskedCut(
                mark,
                table,
                row,
                name,
                paid,
                amount,
                typed.get(f"reason-{mark}", ""),
                typed.get(f"note-{mark}", ""),
            )
        )
    return lines


def read_cuts(form: FormData) -> tuple[Cut, ...]:
    """Return the cuts that a form asks for.

    Raises:
        UnsoundDecision: An amount is none, or a row is none that can be cut.
    """
    cuts = []
    for mark in dict.fromkeys(str(one) for one in form.getlist("cut")[:_MOST_CUTS]):
        table, row = _place(mark)
        if not table and mark != WHOLE:
            raise UnsoundDecision("unreadable")
        amount = amount_of(str(form.get(f"amount-{mark}", "")).partition(",")[0])
        if amount is None:
            raise UnsoundDecision("no-amount")
        cuts.append(
            Cut(
                amount=amount,
                reason=str(form.get(f"reason-{mark}", ""))[:40],
                table=table or None,
                row=row,
                note=str(form.get(f"note-{mark}", "")).strip()[:_LONGEST_NOTE],
            )
        )
    return tuple(cuts)


def _place(mark: str) -> tuple[str, int | None]:
    match = _MARK.fullmatch(mark)
    return (match[1], int(match[2])) if match else ("", None)
