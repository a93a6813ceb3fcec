"""What a verification says, in Vietnamese and English: each question, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from claims.localtime import local_time
from claims.proof.fault_words import describe_fault
from claims.proof.verdict import Answer, Question, Statement

_QUESTIONS: Final[Mapping[Question, tuple[str, str]]] = {
    Question.CONTAINER: (
        "Tệp lưu trữ nguyên vẹn, đúng khuôn dạng, không thiếu không thừa tệp nào",
        "The container is whole and has neither a file too few nor one too many",
    ),
    Question.SIGNATURE: (
        "Chữ ký của hệ thống bao trùm mọi tệp và đúng",
        "The service's signature covers every file and holds",
    ),
    Question.KEYS: (
        "Các khóa của hệ thống dẫn tới chứng thư được tin cậy",
        "The service's keys lead to a certificate that is trusted",
    ),
    Question.RECEIPT: (
        "Giấy nhận đã ký khớp với tệp hồ sơ",
        "The signed receipt is for this bundle",
    ),
    Question.RECORDS: (
        "Mỗi bước xử lý có bằng chứng đã ký và nối liền với bước trước",
        "Each step has a signed record that names the one before it",
    ),
    Question.DOCUMENTS: (
        "Hồ sơ, báo cáo và biên nhận đúng là những gì bằng chứng đã ghi",
        "Bundle, reports and receipts are those that the records name",
    ),
    Question.HEAD: ("Đỉnh sổ nhật ký do hệ thống ký", "The head of the log is signed by the service"),
    Question.INCLUSION: (
        "Mọi bằng chứng nằm trong sổ nhật ký chỉ ghi thêm",
        "Every record is in the append-only log",
    ),
    Question.TIMESTAMP: (
        "Dấu thời gian trên đỉnh sổ nhật ký đáng tin cậy",
        "The timestamp on the head of the log can be believed",
    ),
    Question.BUNDLE: (
        "Kết luận về chữ ký của cơ sở được tính lại giống hệt",
        "The verdict on the facility's signature is reached again",
    ),
}
_ANSWERS: Final[Mapping[Answer, tuple[str, str]]] = {
    Answer.HOLDS: ("đúng", "holds"),
    Answer.BROKEN: ("SAI", "BROKEN"),
    Answer.ABSENT: ("không có", "absent"),
    Answer.NOT_ASKED: ("không xét", "not asked"),
}
_FACTS: Final[Mapping[str, tuple[str, str]]] = {
    "submission": ("Lần gửi", "Submission"),
    "facility": ("Cơ sở KBCB", "Facility"),
    "state": ("Trạng thái cuối", "Last state"),
    "superseded_at": (
        "ĐÃ THAY BẰNG BẢN MỚI HƠN, lúc",
        "SUPERSEDED by a later version",
    ),
    "erased_at": (
        "Nội dung đã bị xóa hợp lệ, chỉ còn bằng chứng, lúc",
        "Content lawfully erased, proof alone is left",
    ),
    "received_at": ("Nhận lúc", "Received"),
    "sha256": ("SHA-256 của hồ sơ", "SHA-256 of the bundle"),
    "size": ("Số byte", "Bytes"),
    "ma_giao_dich": ("Mã giao dịch của cổng", "Gateway's transaction number"),
    "bundle_signer": ("Người ký hồ sơ", "Signer of the bundle"),
    "bundle_indication": ("Kết luận chữ ký hồ sơ", "Verdict on its signature"),
    "records": ("Số bằng chứng", "Records"),
    "log_size": ("Độ dài sổ nhật ký", "Length of the log"),
    "head_at": ("Đỉnh sổ ký lúc", "Head signed"),
    "timestamped_at": ("Dấu thời gian", "Time-stamped"),
    "signer": ("Hệ thống ký lưu trữ", "Signer of the archive"),
    "signed_at": ("Ký lưu trữ lúc", "Archive signed"),
    "signature_level": ("Mức chữ ký lưu trữ", "Level of its signature"),
}
#: The states that a record may say; in words that a clerk knows.
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "received": ("đã nhận", "received"),
    "checked": ("đã kiểm tra, chưa gửi", "checked, not sent yet"),
    "rejected": ("không đạt kiểm tra, không gửi", "rejected by the check, not sent"),
    "sending": ("đang gửi", "being sent"),
    "outcome_unknown": ("đã gửi, chưa rõ kết quả", "sent, outcome unknown"),
    "acknowledged": ("cổng giám định đã nhận", "taken by the insurer's gateway"),
    "refused": ("cổng giám định từ chối", "refused by the insurer's gateway"),
    "failed": ("không gửi được", "could not be sent"),
    "superseded": ("đã thay bằng bản mới hơn", "superseded by a later version"),
    "withdrawn": ("cơ sở đã rút lại", "taken back by its facility"),
}
_AS_OF: Final = (
    "Mọi điều trên đúng tại {at}. Việc xảy ra sau đó, như bản thay thế, không có trong tệp này.",
    "All this is as of {at}. What has happened since, such as a later version, is not in this file.",
)
_TITLES: Final = {
    True: ("Hồ sơ lưu trữ này đáng tin cậy", "This archive can be relied on"),
    False: ("KHÔNG THỂ DỰA VÀO hồ sơ lưu trữ này", "This archive CANNOT be relied on"),
}


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[0 if language == "vi" else 1]


def title(language: str, *, holds: bool) -> str:
    """Return the whole verdict in one sentence."""
    return _in(language, _TITLES[holds])


def question(statement: Statement, language: str) -> str:
    """Return what was asked."""
    return _in(language, _QUESTIONS[statement.question])


def answer(statement: Statement, language: str) -> str:
    """Return what became of it."""
    return _in(language, _ANSWERS[statement.answer])


def fault(statement: Statement, language: str) -> str:
    """Return what is broken and where, for people, with its code; empty if nothing is."""
    return describe(statement.code, language, statement.place) if statement.code else ""


def describe(code: str, language: str, place: str = "") -> str:
    """Return what a code says, with the code, and where that is."""
    said = f"{describe_fault(code, language)} ({code})"
    return f"{_printable(place)}: {said}" if place else said


def not_asked(count: int, language: str) -> str:
    """Return that so many questions make no sense after what came before."""
    return _in(
        language, (f"{count} câu hỏi khác không xét được", f"{count} further questions cannot be asked")
    )


def facts(found: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """Return what the archive says of itself, with names, in an order for people."""
    return [
        (_in(language, names), _value(name, found[name], language))
        for name, names in _FACTS.items()
        if name in found
    ]


def as_of(found: Mapping[str, str], language: str) -> str:
    """Return until when the archive knows what happened; empty if its log's head says nothing."""
    at = found.get("head_at")
    return "" if at is None else _in(language, _AS_OF).format(at=_moment(at))


def _value(name: str, value: str, language: str) -> str:
    if name.endswith("_at"):
        return _moment(value)
    if name == "state" and value in STATES:
        return f"{_in(language, STATES[value])} ({value})"
    return _printable(value)


def _moment(value: str) -> str:
    return f"{local_time(datetime.fromisoformat(value)):%H:%M:%S %d/%m/%Y} (UTC+7)"


def _printable(text: str) -> str:
    """Return a text of a stranger without what moves a cursor or begins a line."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
