"""Reading results back: reception, assessment, settlement. What the gateway writes, as values.

An answer that names something else than was asked for (another day, another transaction) is not taken for
this one's; what cannot be read is left out rather than guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from claims.exchange.errors import GatewayUnavailable
from claims.exchange.passing_on import KeptAnswers
from claims.exchange.results import (
    AssessedLine,
    Assessment,
    DayOfReception,
    ReceptionError,
    Round,
    Settlement,
    Standing,
    TransactionVerdict,
)
from claims.gateway.answers import Answer, unreadable
from claims.gateway.calling import Call, Caller
from claims.gateway.connection import GARBLED
from claims.gateway.protocol import (
    ACCEPTED,
    ASSESSMENT_PATH,
    ERROR_DETAIL_PATH,
    RECEPTION_OF_DAY_PATH,
    RECEPTION_PATH,
    ROUNDS_PATH,
    SETTLEMENT_PATH,
    Carries,
    describe_code,
    is_closed,
    read_day,
    write_day,
)
from claims.gateway.questions import LONGEST_ANSWER, keep_answer, key_of

_Value = TypeVar("_Value")

#: ``loaiHoSo`` of what is asked about; the earlier interface's number of a claim.
_CLAIMS: Final = "3"
#: No guide that is public lists the words of ``trangThai``; these are taken in any case and spelling.
_STANDINGS: Final[Mapping[str, Standing]] = {
    "1": Standing.ACCEPTED,
    "đạt": Standing.ACCEPTED,
    "dat": Standing.ACCEPTED,
    "pass": Standing.ACCEPTED,
    "2": Standing.REFUSED,
    "không đạt": Standing.REFUSED,
    "khong dat": Standing.REFUSED,
    "fail": Standing.REFUSED,
    "3": Standing.NEEDS_MORE,
    "cần bổ sung": Standing.NEEDS_MORE,
    "can bo sung": Standing.NEEDS_MORE,
    "supplement": Standing.NEEDS_MORE,
    "4": Standing.CUT,
    "giảm trừ": Standing.CUT,
    "giam tru": Standing.CUT,
}
_LONGEST_TEXT: Final = 2_000


@dataclass(frozen=True, slots=True)
class GatewayResults:
    """Implements the exchange's `Results` port over HTTP.

    Attributes:
        memory: Keeps what is said of assessment and settlement, for hospital software that asks for it too.
    """

    caller: Caller
    memory: KeptAnswers | None = None

    def days(self, facility: str, first: date, last: date) -> tuple[DayOfReception, ...]:
        """Return what reception says of each day from the first to the last."""
        asked = {"loaiHoSo": _CLAIMS, "tuNgay": write_day(first), "denNgay": write_day(last)}
        answer = self._ask_by_query(facility, RECEPTION_PATH, asked)
        return tuple(_each(answer, "dsKQGuiHoSoNgay", _read_day_of_reception))

    def of_day(self, facility: str, day: date) -> tuple[TransactionVerdict, ...]:
        """Return what reception says of each transaction of a day."""
        asked = {"loaiHoSo": _CLAIMS, "ngayGui": write_day(day)}
        answer = self._ask_by_query(facility, RECEPTION_OF_DAY_PATH, asked)
        return tuple(_each(answer, "dsHoSo", _read_verdict))

    def errors_of(self, facility: str, ma_giao_dich: str) -> tuple[ReceptionError, ...]:
        """Return the faults that the gateway found in a file after it took it."""
        answer = self._ask_by_query(facility, ERROR_DETAIL_PATH, {"maGiaoDich": ma_giao_dich})
        said = answer.fields.get("maGiaoDich")
        if said is not None and str(said).strip() != ma_giao_dich:
            raise GatewayUnavailable("gateway.other-claim", "the answer is about another transaction")
        return tuple(_each(answer, "dsLoi", _read_error))

    def rounds(self, facility: str, month: date) -> tuple[Round, ...]:
        """Return the rounds of assessment of a month."""
        asked = {"thang": f"{month:%m}", "nam": f"{month:%Y}"}
        return tuple(_each(self._ask(facility, ROUNDS_PATH, asked), "dsDotGiamDinh", _read_round))

    def assessments(self, facility: str, round_code: str) -> tuple[Assessment, ...]:
        """Return the assessed claims of a round."""
        answer = self._ask(facility, ASSESSMENT_PATH, {"maDot": round_code})
        return tuple(
            _each(answer, "dsKetQuaGiamDinh", lambda row: _read_assessment(row, round_code=round_code))
        )

    def settlement(self, facility: str, month: date) -> Settlement | None:
        """Return the settlement of a month, once there is one."""
        period = f"{month:%m/%Y}"
        fields = self._ask(facility, SETTLEMENT_PATH, {"kyQuyetToan": period}).fields
        asked = _amount(fields.get("tongChiPhiDeNghi"))
        if asked is None:
            return None
        return Settlement(
            period=period,
            asked_vnd=asked,
            granted_vnd=_amount(fields.get("tongChiPhiDuyet")),
            refused_vnd=_amount(fields.get("tongChiPhiKhongDuyet")),
            said=_text(fields.get("lyDoKhongDuyet")),
            is_closed=is_closed(fields.get("trangThai")),
        )

    def _ask_by_query(self, facility: str, path: str, asked: Mapping[str, str]) -> Answer:
        query = {"maCSKCB": facility, **asked}
        account = self.caller.account_of(facility)
        call = Call(path, self.caller.write({}), Carries.QUERY, query, max_answer_bytes=LONGEST_ANSWER)
        return _require_accepted(self.caller.post(facility, account, call))

    def _ask(self, facility: str, path: str, asked: Mapping[str, str]) -> Answer:
        account = self.caller.account_of(facility)
        body = self.caller.write({"username": account.username, "maCSKCB": facility, **asked})
        call = Call(path, body, max_answer_bytes=LONGEST_ANSWER)
        asked_at = self.caller.clock.now()
        answer = _require_accepted(self.caller.post(facility, account, call))
        keep_answer(self.memory, key_of(facility, path, asked), answer, asked_at=asked_at)
        return answer


def _require_accepted(answer: Answer) -> Answer:
    if answer.code is None:
        raise unreadable(answer)
    if answer.code != ACCEPTED:
        raise GatewayUnavailable(f"gateway.results.{answer.code}", describe_code(answer.code))
    return answer


def _each(
    answer: Answer, name: str, read: Callable[[Mapping[str, object]], _Value | None]
) -> Iterator[_Value]:
    rows = answer.fields.get(name)
    if rows is None:
        return
    if not isinstance(rows, list):
        raise GatewayUnavailable(GARBLED, f"{name} is not a list")
    for row in rows:
        value = read(row) if isinstance(row, dict) else None
        if value is not None:
            yield value


def _read_day_of_reception(row: Mapping[str, object]) -> DayOfReception | None:
    day = read_day(row.get("ngayGui"))
    if day is None:
        return None
    claims, right, wrong = (_count(row.get(name)) for name in ("tongSo", "soHSThanhCong", "soHSLoi"))
    return DayOfReception(day, claims, right, wrong, _amount(row.get("tongTien")))


def _read_verdict(row: Mapping[str, object]) -> TransactionVerdict | None:
    number = _text(row.get("maGiaoDich"))
    if not number:
        return None
    claims, right, wrong = (_count(row.get(name)) for name in ("soLuongHoSo", "slHoSoDung", "slHoSoLoi"))
    return TransactionVerdict(number, claims, right, wrong, _amount(row.get("tongTien")))


def _read_error(row: Mapping[str, object]) -> ReceptionError | None:
    code = _text(row.get("maLoi"))
    return ReceptionError(code, _text(row.get("moTaLoi"))) if code else None


def _read_round(row: Mapping[str, object]) -> Round | None:
    code = _text(row.get("maDot"))
    if not code:
        return None
    return Round(
        code=code,
        name=_text(row.get("tenDot")),
        begins=read_day(row.get("tuNgay")),
        ends=read_day(row.get("denNgay")),
        is_closed=is_closed(row.get("trangThai")),
    )


def _read_assessment(row: Mapping[str, object], *, round_code: str) -> Assessment | None:
    ma_lk = _text(row.get("maLK"))
    if not ma_lk:
        return None
    asked, granted = _amount(row.get("soTienDeNghi")), _amount(row.get("soTienDuyet"))
    lines = row.get("dsChiTiet")
    return Assessment(
        ma_lk=ma_lk,
        standing=_standing(row.get("trangThai"), asked, granted),
        granted_vnd=granted,
        round=round_code,
        claim_id=_text(row.get("xml1Id")),
        asked_vnd=asked,
        reason=_text(row.get("maLyDo")),
        said=_text(row.get("lyDo")),
        lines=tuple(_read_line(line) for line in lines if isinstance(line, dict))
        if isinstance(lines, list)
        else (),
    )


def _read_line(row: Mapping[str, object]) -> AssessedLine:
    asked, granted = _amount(row.get("soTienDeNghi")), _amount(row.get("soTienDuyet"))
    return AssessedLine(
        line_id=_text(row.get("id")),
        table=_text(row.get("bang")),
        row=_text(row.get("stt")),
        code=_text(row.get("ma")),
        standing=_standing(row.get("trangThai"), asked, granted),
        asked_vnd=asked,
        granted_vnd=granted,
        reason=_text(row.get("maLyDo")),
        said=_text(row.get("lyDo")),
    )


def _standing(value: object, asked: Decimal | None, granted: Decimal | None) -> Standing:
    standing = _STANDINGS.get(_text(value).lower(), Standing.UNKNOWN)
    if standing is Standing.ACCEPTED and asked is not None and granted is not None and granted < asked:
        return Standing.CUT
    return standing


def _text(value: object) -> str:
    """Return text, or a number as text; anything else, and what a database cannot hold, as nothing."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return ""
    return str(value).replace("\0", "").strip()[:_LONGEST_TEXT]


def _count(value: object) -> int:
    text = _text(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len("1000000000") else 0


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(_text(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < Decimal(10) ** 18 else None
