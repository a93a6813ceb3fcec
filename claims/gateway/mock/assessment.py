"""The stand-in's assessment: each line accepted or cut, rounds of a month, and the settlement.

What is cut is drawn from the claim itself, so the same claim is judged alike after a restart, and on every
machine. Rounds are weeks (scaled) of reception within a month of settlement.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeVar

from cachetools import LRUCache

from claims.gateway.mock.afterthoughts import ASSESSED, LATE, find_afterthoughts
from claims.gateway.mock.contents import ClaimContents, Row, amount_of, read_contents
from claims.gateway.mock.journal import Entry
from claims.gateway.mock.reception import Reception, received_at
from claims.localtime import VIETNAM

_T = TypeVar("_T")

PASSED: Final = "Đạt"
FAILED: Final = "Không đạt"
NEEDS_MORE: Final = "Cần bổ sung"
OPEN: Final = "Đang giám định"
CLOSED: Final = "Đã kết thúc"

#: Refusal references of the payment control center, and their sense.
_REASONS: Final = (
    ("S.005.434", "Dịch vụ đã nằm trong dịch vụ khác được thanh toán"),
    ("S.004.369", "Thuốc ngoài điều kiện thanh toán"),
    ("S.004.604", "Thuốc không đúng chỉ định"),
    ("S.005.649", "Dịch vụ chưa đủ điều kiện thanh toán"),
    ("S.015.478", "Số ngày giường chưa đúng quy định"),
)
_ASKED: Final = ("T_BHTT", "THANH_TIEN_BH", "THANH_TIEN")
_CODES: Final = {"XML2": ("MA_THUOC",), "XML3": ("MA_DICH_VU", "MA_VAT_TU")}
_NEEDS_MORE_RATE: Final = 0.01
_KEPT_SHARES: Final = (Decimal(0), Decimal("0.5"), Decimal("0.8"))
_DONG: Final = Decimal("0.01")


@dataclass(slots=True)
class Assessor:
    """Judges what was taken.

    Attributes:
        scale: How long a second of the law is here.
        cut_rate: The share of lines that is cut.
    """

    reception: Reception
    scale: float
    cut_rate: float
    _contents: LRUCache[str, list[ClaimContents]] = field(default_factory=lambda: LRUCache(4096))

    def errors_of(self, entry: Entry, now: datetime) -> list[dict[str, str]]:
        """Return ``dsLoi`` of a transaction: what reception has found until now."""
        age = (now - received_at(entry)) / self.scale
        if age < LATE:  # nothing is said before, so nothing need be read
            return []
        found = find_afterthoughts(self._read(entry), received_at=received_at(entry))
        return [{"maLoi": one.code, "moTaLoi": one.text} for one in found if one.after <= age]

    def rounds(self, facility: str, month: str, now: datetime) -> list[dict[str, str]]:
        """Return ``dsDotGiamDinh`` of a month of settlement, ``yyyyMM``."""
        found: dict[int, list[Entry]] = {}
        for entry in self._of_month(facility, month):
            found.setdefault(self._week_of(entry), []).append(entry)
        return [
            {
                "maDot": f"{facility}.{month}.{week}",
                "tenDot": f"Đợt {number} tháng {month[4:]}/{month[:4]}",
                "tuNgay": _written(min(map(received_at, entries))),
                "denNgay": _written(max(map(received_at, entries))),
                "trangThai": CLOSED if self._is_over(week, now) else OPEN,
            }
            for number, (week, entries) in enumerate(sorted(found.items()), start=1)
        ]

    def results(self, facility: str, round_code: str, now: datetime) -> list[dict[str, object]] | None:
        """Return ``dsKetQuaGiamDinh`` of a round; None when the facility has no such round."""
        parts = round_code.split(".")
        if len(parts) != len(("facility", "month", "week")) or parts[0] != facility:
            return None
        entries = [e for e in self._of_month(facility, parts[1]) if str(self._week_of(e)) == parts[2]]
        return [row for entry in entries if self._is_assessed(entry, now) for row in self._judge(entry)]

    def settlement(self, facility: str, months: Iterable[str], now: datetime) -> dict[str, object] | None:
        """Return the fields of a settlement over months; None while nothing is assessed in them."""
        entries = [entry for month in months for entry in self._of_month(facility, month)]
        assessed = [entry for entry in entries if self._is_assessed(entry, now)]
        rows = [row for entry in assessed for row in self._judge(entry)]
        if not rows:
            return None
        asked = sum((Decimal(str(row["soTienDeNghi"])) for row in rows), Decimal())
        granted = sum((Decimal(str(row["soTienDuyet"])) for row in rows), Decimal())
        reasons = Counter(str(row["maLyDo"]) for row in rows if row["maLyDo"])
        return {
            "tongChiPhiDeNghi": money(asked),
            "tongChiPhiDuyet": money(granted),
            "tongChiPhiKhongDuyet": money(asked - granted),
            "lyDoKhongDuyet": ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common(5)),
            "trangThai": "Đã quyết toán" if len(assessed) == len(entries) else "Chưa quyết toán",
        }

    def _of_month(self, facility: str, month: str) -> Iterator[Entry]:
        ledger = self.reception.ledger
        for entry in ledger.of_facility(facility):
            own = entry.month or f"{received_at(entry).astimezone(VIETNAM):%Y%m}"
            if own == month and ledger.is_latest(entry) and not entry.is_withdrawn:
                yield entry

    def _week_of(self, entry: Entry) -> int:
        week_s = max(ASSESSED.total_seconds() * self.scale, 1.0)
        return int(received_at(entry).timestamp() // week_s)

    def _is_over(self, week: int, now: datetime) -> bool:
        week_s = max(ASSESSED.total_seconds() * self.scale, 1.0)
        return now >= datetime.fromtimestamp((week + 2) * week_s, UTC)

    def _is_assessed(self, entry: Entry, now: datetime) -> bool:
        return now >= received_at(entry) + ASSESSED * self.scale

    def _read(self, entry: Entry) -> list[ClaimContents]:
        contents = self._contents.get(entry.ma_giao_dich)
        if contents is None:
            contents = read_contents(self.reception.read_bundle(entry))
            self._contents[entry.ma_giao_dich] = contents
        return contents

    def _judge(self, entry: Entry) -> Iterator[dict[str, object]]:
        for ordinal, claim in enumerate(self._read(entry), start=1):
            yield self._judge_claim(f"{entry.ma_giao_dich}{ordinal:02d}", claim)

    def _judge_claim(self, claim_id: str, claim: ClaimContents) -> dict[str, object]:
        ma_lk = claim.summary.get("MA_LK", "").strip()
        lines = [
            self._judge_line(claim_id, ma_lk, table, row)
            for table in _CODES
            for row in claim.tables.get(table, ())
        ]
        asked = amount_of(claim.summary, *_ASKED)
        if asked is None:
            asked = sum((Decimal(str(line["soTienDeNghi"])) for line in lines), Decimal())
        cut = sum(
            (Decimal(str(line["soTienDeNghi"])) - Decimal(str(line["soTienDuyet"])) for line in lines),
            Decimal(),
        )
        reasons = [line for line in lines if line["maLyDo"]]
        state, granted = PASSED, max(asked - cut, Decimal())
        if _chance(ma_lk, "claim") < _NEEDS_MORE_RATE:
            state, granted = NEEDS_MORE, Decimal()
        elif asked and not granted:
            state = FAILED
        return {
            "maLK": ma_lk,
            "xml1Id": claim_id,
            "trangThai": state,
            "soTienDeNghi": money(asked),
            "soTienDuyet": money(granted),
            "maLyDo": reasons[0]["maLyDo"] if reasons else "",
            "lyDo": reasons[0]["lyDo"] if reasons else "",
            "dsChiTiet": lines,
        }

    def _judge_line(self, claim_id: str, ma_lk: str, table: str, row: Row) -> dict[str, object]:
        stt = row.get("STT", "").strip()
        asked = amount_of(row, *_ASKED) or Decimal()
        granted, reason, state = asked, ("", ""), PASSED
        if asked and _chance(ma_lk, table, stt) < self.cut_rate:
            kept = _pick(_KEPT_SHARES, ma_lk, table, stt, "kept")
            granted = (asked * kept).quantize(_DONG)
            reason = _pick(_REASONS, ma_lk, table, stt, "reason")
            state = PASSED if granted else FAILED
        return {
            "id": f"{claim_id}{table[3:]}{stt:0>4}",
            "bang": table,
            "stt": stt,
            "ma": next((row[name] for name in _CODES[table] if row.get(name)), ""),
            "trangThai": state,
            "soTienDeNghi": money(asked),
            "soTienDuyet": money(granted),
            "maLyDo": reason[0],
            "lyDo": reason[1],
        }


def months_of(period: str) -> Sequence[str]:
    """Return the months, ``yyyyMM``, of a period ``MM/yyyy`` or ``QX/yyyy``; none if it is neither."""
    first, _, year = period.partition("/")
    if not (len(year) == len("2026") and year.isascii() and year.isdecimal() and first.isascii()):
        return ()
    if first[:1] == "Q" and first[1:] in {"1", "2", "3", "4"}:
        begins = int(first[1:]) * 3 - 2
        return [f"{year}{month:02d}" for month in range(begins, begins + 3)]
    if first.isdecimal() and 1 <= int(first) <= 12:  # noqa: PLR2004 (months)
        return [f"{year}{int(first):02d}"]
    return ()


def _chance(*parts: str) -> float:
    return int.from_bytes(_digest(*parts)[:6], "big") / 2**48


def _pick(values: Sequence[_T], *parts: str) -> _T:
    return values[_digest(*parts)[-1] % len(values)]


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def money(amount: Decimal) -> str:
    """Return an amount as the stand-in writes it."""
    return str(amount.quantize(_DONG))


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y}"
