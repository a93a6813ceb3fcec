"""What the stand-in finds after it took a file: late within 6 hours, wrong inside within 24, sums within 48.

The clocks are those of Circular 12/2026, article 9.2; the codes are the published ones where there are any.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from claims.bundle.deadlines import send_by
from claims.gateway.mock.contents import ClaimContents, amount_of
from claims.localtime import local_date, parse_day

LATE: Final = timedelta(hours=6)
STRUCTURE: Final = timedelta(hours=24)
SUMS: Final = timedelta(hours=48)
ASSESSED: Final = timedelta(days=7)

_TOLERANCE: Final = Decimal(1)
_MOMENT_LENGTH: Final = len("yyyyMMddHHmm")
#: The fields of a line that hold its price, by table.
_LINES: Final = {"XML2": ("THANH_TIEN_BV", "THANH_TIEN"), "XML3": ("THANH_TIEN_BV", "THANH_TIEN")}


@dataclass(frozen=True, slots=True)
class Afterthought:
    """A fault found later: how long after the file was taken, and how it is said."""

    after: timedelta
    code: str
    text: str


def find_afterthoughts(claims: list[ClaimContents], *, received_at: datetime) -> tuple[Afterthought, ...]:
    """Return everything that will be found in a file."""
    return tuple(found for claim in claims for found in _of_claim(claim, received_at))


def _of_claim(claim: ClaimContents, received_at: datetime) -> Iterator[Afterthought]:
    ended_on = parse_day(claim.summary.get("NGAY_RA", "").strip())
    last = None if ended_on is None else send_by(ended_on)
    if last is not None and local_date(received_at) > last:
        yield Afterthought(LATE, "701", f"Gửi sau hạn {last:%d/%m/%Y}")
    yield from _structure(claim)
    yield from _sums(claim)


def _structure(claim: ClaimContents) -> Iterator[Afterthought]:
    for kind, reason in claim.unreadable.items():
        yield Afterthought(STRUCTURE, "201", f"{kind}: {reason}")
    ma_lk = claim.summary.get("MA_LK", "").strip()
    for kind, rows in claim.tables.items():
        if not rows:
            yield Afterthought(STRUCTURE, "204", f"{kind}: không có dòng nào")
        for number, row in enumerate(rows, start=1):
            if row.get("MA_LK", "").strip() != ma_lk:
                yield Afterthought(STRUCTURE, "202", f"{kind} dòng {number}: MA_LK khác XML1")
    came, left = (claim.summary.get(name, "").strip() for name in ("NGAY_VAO", "NGAY_RA"))
    for name, value in (("NGAY_VAO", came), ("NGAY_RA", left)):
        if value and (len(value) != _MOMENT_LENGTH or parse_day(value) is None):
            yield Afterthought(STRUCTURE, "202", f"XML1: {name} sai định dạng")
    if parse_day(came) is not None and parse_day(left) is not None and came > left:
        yield Afterthought(STRUCTURE, "202", "XML1: NGAY_VAO sau NGAY_RA")


def _sums(claim: ClaimContents) -> Iterator[Afterthought]:
    total = amount_of(claim.summary, "T_TONGCHI_BV", "T_TONGCHI")
    amounts = [
        amount for kind, names in _LINES.items() for row in claim.tables.get(kind, ())
        if (amount := amount_of(row, *names)) is not None
    ]  # fmt: skip
    if total is not None and amounts and abs(total - sum(amounts)) > _TOLERANCE:
        yield Afterthought(SUMS, "202", "XML1: T_TONGCHI_BV khác tổng chi tiết XML2 và XML3")
