"""What the commands of proof say beside findings and faults, in Vietnamese and English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from claims.proof.fault_words import describe_fault
from signing.errors import CannotExtend, Obstacle

_SENTENCES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "archive.none": ("không có hồ sơ lưu trữ nào ở đó", "there is no archive there"),
        "archive.renewed": ("đã gia hạn", "renewed"),
        "archive.needs_no_renewal": ("chưa cần gia hạn", "need not be renewed yet"),
        "archive.not_stamped": ("bên cấp dấu thời gian không trả lời được", "no authority gives a timestamp"),
        "audit.fine": (
            "Không có gì bị sửa, xóa hay lùi ngày.",
            "Nothing was changed, removed or dated back.",
        ),
        "audit.faults": ("Tìm thấy {count} điểm sai.", "{count} faults were found."),
        "audit.waiting": (
            "{count} diễn biến chưa vào sổ, lần gửi của chúng chưa được đối chiếu: hãy chạy lại sau",
            "the log lacks events, whose submissions were not compared: {count}; run it again later",
        ),
        "chain.empty": ("sổ còn trống", "the log is empty"),
        "chain.events": ("{count} sự kiện, {faults} điểm sai", "{count} events, {faults} faults"),
        "chain.readings": ("{count} lượt xem, {faults} điểm sai", "{count} readings, {faults} faults"),
        "export.done": ("Đã ghi {count} hồ sơ lưu trữ vào {to}", "{count} archives written to {to}"),
        "receipt.changed": (
            "giấy nhận đã bị sửa, hoặc không do hệ thống ký",
            "the receipt was changed, or somebody else signed it",
        ),
        "receipt.none": (
            "đây không phải giấy nhận: cần câu trả lời khi gửi, hoặc signed_receipt trong đó",
            "this is no receipt: give what the service answered, or the signed_receipt in it",
        ),
        "receipt.other_bundle": (
            "đã ký, nhưng cho tệp khác với {bundle}",
            "signed, but for another bundle than {bundle}",
        ),
        "receipt.signed": (
            "Hệ thống đã ký nhận {submission}: cơ sở {facility}, lúc {at}, {size} byte, SHA-256 {sha256}",
            "The service signed for {submission}: of {facility}, at {at}, {size} bytes, SHA-256 {sha256}",
        ),
        "receipt.unknown_key": (
            "không có khóa đã ký giấy nhận này trong --key: hãy tải lại /v1/evidence/keys",
            "the key that signed it is not among those of --key: fetch /v1/evidence/keys again",
        ),
        "retention.erased": ("đã xóa nội dung của {submission}", "the content of {submission} is erased"),
        "retention.held": ("{submission} được giữ lại, không ai xóa được", "{submission} is held"),
        "retention.kept": (
            "{submission}: nhóm {record_class}, giữ đến {until}{marks}",
            "{submission}: {record_class}, kept until {until}{marks}",
        ),
        "retention.mark_erased": (", đã xóa", ", erased"),
        "retention.mark_held": (", đang giữ lại", ", held"),
        "retention.released": ("{submission} không còn bị giữ lại", "{submission} is not held any more"),
    }
)
_OBSTACLES: Final[Mapping[Obstacle, tuple[str, str]]] = MappingProxyType(
    {
        Obstacle.DOES_NOT_HOLD: (
            "chữ ký không còn đúng nên không gia hạn được",
            "its signature does not hold, so it cannot be renewed",
        ),
        Obstacle.PLAIN: (
            "chữ ký không có chỗ cho dấu thời gian",
            "its signature has no place for a timestamp",
        ),
        Obstacle.EVIDENCE_MISSING: (
            "thiếu danh sách thu hồi về một chứng thư: đặt danh sách mới của bên cấp vào crls/",
            "a list about a certificate is missing: put a fresh one of whoever issued it into crls/",
        ),
        Obstacle.STAMP_UNTRUSTED: (
            "dấu thời gian vừa nhận không đáng tin: đặt chứng thư của bên cấp dấu vào tsa/",
            "the timestamp that was given would not be believed: put the authority's certificate into tsa/",
        ),
    }
)


def sentence(code: str, language: str, **values: object) -> str:
    """Return a sentence with its values."""
    return _in(language, _SENTENCES[code]).format(**values)


def describe_obstacle(error: CannotExtend, language: str) -> str:
    """Return why an archive is not renewed, with what its verdict says and which certificates lack what."""
    reasons = [f"{describe_fault(each, language)} ({each})" for each in error.reasons]
    issued = _in(language, ("{0} (do {1} cấp)", "{0} (issued by {1})"))
    lacking = [issued.format(*each) for each in error.lacking]
    return "; ".join([_in(language, _OBSTACLES[error.obstacle]), *reasons, *lacking])


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[0 if language == "vi" else 1]
