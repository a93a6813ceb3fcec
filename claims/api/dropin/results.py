"""Submissions as the gateway's protocol shows them: errors, days, and what state a transaction is in."""

from collections.abc import Mapping, Sequence
from typing import Final

from claims.api.dropin.speaking import FAILED_INSIDE, MALFORMED, WRONG_CONTENT, Refusal
from claims.bundle.findings import Finding, Severity
from claims.bundle.messages import describe, finding_to_json
from claims.checking.formats.places import place_of
from claims.exchange.daybook import DayEntry, DayTotals
from claims.exchange.errors import CheckInRefused
from claims.exchange.lifecycle import State
from claims.exchange.results import ReceptionError
from claims.exchange.submission import Submission
from claims.gateway.protocol import write_day

_FAILED: Final = frozenset({State.REJECTED, State.REFUSED, State.FAILED})
_BLOCKING: Final = frozenset({Severity.ERROR, Severity.CRITICAL})
#: Findings that say what a document seems to be that is no bundle; they weigh nothing by themselves.
_EXPLAINING: Final = frozenset({"ENV.OTHER_CONTENT", "ENV.OTHER_FORM"})
#: Findings that say that the XML itself cannot be read, and why.
_UNREADABLE: Final = frozenset(
    {
        "ENV.EMPTY",
        "ENV.SIZE",
        "ENV.ENCODING",
        "ENV.WELLFORMED",
        "ENV.DOCTYPE",
        "ENV.TOO_COMPLEX",
        "ENV.OTHER_CONTENT",
    }
)
_FAULTS: Final = "Cổng đã tiếp nhận và phát hiện lỗi"
_STATES: Final[Mapping[State, str]] = {
    State.RECEIVED: "Đã tiếp nhận, đang kiểm tra",
    State.CHECKED: "Đạt kiểm tra, chờ gửi lên cổng",
    State.REJECTED: "Không đạt kiểm tra, chưa gửi lên cổng",
    State.SENDING: "Đang gửi lên cổng",
    State.OUTCOME_UNKNOWN: "Đang đối chiếu với cổng",
    State.ACKNOWLEDGED: "Cổng đã tiếp nhận",
    State.REFUSED: "Cổng từ chối",
    State.FAILED: "Chưa gửi được lên cổng, người vận hành sẽ xử lý",
    State.SUPERSEDED: "Đã được thay thế bằng lần gửi sau",
    State.WITHDRAWN: "Cơ sở đã rút lại",
}


def number_of(submission: Submission) -> str:
    """Return a transaction's number: the gateway's, or the submission's own while there is none."""
    return submission.receipt or submission.id


def state_of(state: State) -> str:
    """Return what a person reads of a transaction in this state."""
    return _STATES[state]


def errors_of(submission: Submission, findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return ``dsLoi``: what stands in the way, with the gateway's code, our own, and a sentence."""
    if submission.state not in _FAILED:
        return []
    blocking = _errors_of(findings)
    if submission.state is State.REJECTED and blocking:
        return blocking
    cause = submission.cause or ""
    family, _, code = cause.partition(".")
    is_gateways = submission.state is State.REFUSED and family == "gateway" and code.isdecimal()
    return [
        {
            "maLoi": code if is_gateways else FAILED_INSIDE,
            "maLoiChiTiet": cause,
            "moTaLoi": f"{_STATES[submission.state]} ({cause})",
        }
    ]


def refusal_of(error: CheckInRefused) -> Refusal:
    """Return what blocks a check-in as one answer, which has room for no list."""
    if error.is_others:
        return Refusal(WRONG_CONTENT, "MA_CSKCB trong tệp là của cơ sở KBCB khác")
    errors = _errors_of(error.findings)
    is_unreadable = any(one["maLoi"] == MALFORMED for one in errors)
    text = "; ".join(one["moTaLoi"] for one in errors) or "Trạng thái KCB không đọc được"
    return Refusal(MALFORMED if is_unreadable else WRONG_CONTENT, text)


def fault_of(error: ReceptionError) -> dict[str, str]:
    """Return what the gateway found after it took a transaction as an item of ``dsLoi``, in its words."""
    return {"maLoi": error.code, "moTaLoi": error.said}


def day_of(totals: DayTotals) -> dict[str, object]:
    """Return an item of ``dsKQGuiHoSoNgay``."""
    return {
        "ngayGui": write_day(totals.day),
        "tongSo": totals.received,
        "soHSThanhCong": totals.acknowledged,
        "soHSLoi": totals.failed,
        "tongTien": totals.amount_vnd,
    }


def entry_of(entry: DayEntry, day: str) -> dict[str, object]:
    """Return an item of ``dsHoSo``."""
    claims = max(1, entry.claims)  # what nobody could read is one too
    is_failed = entry.state in _FAILED or entry.has_faults
    is_right = entry.number != entry.id and not entry.has_faults
    return {
        "ngayGui": day,
        "maGiaoDich": entry.number,
        "soLuongHoSo": claims,
        "slHoSoDung": claims if is_right else 0,
        "slHoSoLoi": claims if is_failed else 0,
        "tongTien": entry.amount_vnd,
        "mieuTa": _FAULTS if entry.has_faults else _STATES[entry.state],
    }


def _errors_of(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return what blocks, with what explains it; empty where nothing blocks."""
    if not any(one.severity in _BLOCKING for one in findings):
        return []
    return [_error_of(one) for one in findings if one.severity in _BLOCKING or one.code in _EXPLAINING]


def _error_of(finding: Finding) -> dict[str, str]:
    place = place_of(finding_to_json(finding), "vi")
    sentence = describe(finding, "vi")
    return {
        "maLoi": MALFORMED if finding.code in _UNREADABLE else WRONG_CONTENT,
        "maLoiChiTiet": finding.code,
        "moTaLoi": f"{finding.code}: {sentence}" + (f" ({place})" if place else ""),
    }
