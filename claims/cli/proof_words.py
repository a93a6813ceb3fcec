"""What the commands of proof say beside findings and faults, in Vietnamese and English."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final

from claims.cli import submission_words
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
        "export.left": (
            "Còn {count} hồ sơ lưu trữ chưa ghi được (nêu ở trên): hãy chạy lại lệnh này để ghi tiếp",
            "{count} archives are left that could not be written (see above): run this again to go on",
        ),
        "export.not_logged": (
            "{count} lần gửi chưa vào sổ đủ nên chưa được ghi: hãy chạy lại sau",
            "{count} submissions are not wholly in the log yet and were left: run this again later",
        ),
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
#: What an error says in Vietnamese, by its code or its kind's name.
_ERRORS: Final[Mapping[str, str]] = {
    "UnknownFacility": "cơ sở {facility} chưa được đăng ký",
    "SubmissionNotFound": "không có lần gửi {submission_id}",
    "erase.under_way": "chưa xóa được {submission_id}: đang được xử lý",
    "erase.held": "chưa xóa được {submission_id}: đang được giữ lại",
    "erase.too_early": "chưa xóa được {submission_id}: phải lưu đến {until:%d/%m/%Y}",
    "AlreadyErased": "nội dung của {submission_id} đã bị xóa: không còn gì để giữ",
    "HeldAgain": "{submission_id} lại được giữ lúc {newest_hold_at:%d/%m/%Y %H:%M:%S %z}; hãy xem lần giữ đó "
    "trước",
    "ArchiveStoreFailed": "{address}: kho lưu trữ không ghi hoặc không đọc được ({why})",
    "ArchiveStoreTaken": "{address}: một lần xuất khác đang ghi vào đó; hãy thử lại khi nó xong",
    "UnusableStoreAddress": "không dùng được địa chỉ kho này ({error})",
    "ContentsUnavailable": "kho nội dung của dịch vụ tạm thời không dùng được ({error})",
    "StoreUnavailable": "không kết nối được cơ sở dữ liệu ({error})",
    "OSError": "không đọc hoặc không ghi được tệp ({error})",
}
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


def describe_error(error: Exception, language: str) -> str:
    """Return what an error says: in Vietnamese where there are words for its kind."""
    return submission_words.describe_error(error, language, _ERRORS)


def speaking(language: str) -> AbstractContextManager[None]:
    """Say in this language what ends the block, and end the command with its exit code."""
    return submission_words.speaking(language, _ERRORS)


def describe_obstacle(error: CannotExtend, language: str) -> str:
    """Return why an archive is not renewed, with what its verdict says and which certificates lack what."""
    reasons = [f"{describe_fault(each, language)} ({each})" for each in error.reasons]
    issued = _in(language, ("{0} (do {1} cấp)", "{0} (issued by {1})"))
    lacking = [issued.format(*each) for each in error.lacking]
    return "; ".join([_in(language, _OBSTACLES[error.obstacle]), *reasons, *lacking])


def _in(language: str, pair: tuple[str, str]) -> str:
    return pair[0 if language == "vi" else 1]
