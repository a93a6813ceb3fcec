"""What is broken in an archive and what to do about it, in Vietnamese and English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from signing.report.words import question
from signing.verdict import Reason

SENTENCES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "bundle.other_report": (
            "báo cáo chữ ký là của một hồ sơ khác",
            "the report on the signature is on another bundle",
        ),
        "bundle.other_trust": (
            "báo cáo chữ ký dựa trên chứng thư hoặc danh sách thu hồi mà lúc kiểm tra chưa có",
            "the report on the signature rests on a certificate or a list that the check did not have",
        ),
        "bundle.report": (
            "báo cáo chữ ký không tính lại được hoặc cho kết luận khác",
            "the report cannot be computed again, or comes to something else",
        ),
        "bundle.unreadable": ("không đọc được tệp hồ sơ", "the bundle cannot be read"),
        "container.checksum": ("nội dung tệp bị hỏng", "what this file contains was changed or damaged"),
        "container.duplicate_name": ("có hai tệp cùng tên", "two files have one name"),
        "container.extra": ("có tệp thừa", "there is a file that no archive has"),
        "container.header": (
            "phần đầu tệp zip không đúng như hệ thống ghi; hãy lấy lại tệp gốc",
            "the zip is not written as the service writes it (packed anew?): fetch the original again",
        ),
        "container.json": ("không đọc được tệp JSON", "this is no JSON that can be read"),
        "container.line": ("tệp phải có đúng một dòng", "this is not the one line that it should be"),
        "container.manifest": ("danh mục khác với các tệp có trong đó", "the manifest lists other files"),
        "container.mimetype": (
            "đây là tệp zip nhưng không phải hồ sơ lưu trữ của hệ thống",
            "this is a zip, but none of the service's archives",
        ),
        "container.missing": ("thiếu tệp", "this file is missing"),
        "container.name": ("tên tệp nguy hiểm hoặc không hợp lệ", "a name that a file here may not have"),
        "container.not_zip": (
            "đây không phải hồ sơ lưu trữ (tệp .asice)",
            "this is no archive (an .asice file) at all",
        ),
        "container.too_large": ("tệp quá lớn", "it is larger than any archive"),
        "container.too_many": ("có quá nhiều tệp", "it has more files than any archive"),
        "container.unread": (
            "quá dài để đọc khi chữ ký của hệ thống không đúng",
            "too long to be read where the service's signature does not hold",
        ),
        "container.unreadable": ("không đọc được tệp này", "this file cannot be read"),
        "container.truncated": (
            "tệp bị cắt cụt; hãy tải lại",
            "the end is cut off: fetch it again",
        ),
        "documents.digest": (
            "nội dung khác với những gì bằng chứng đã ghi",
            "this is not what the records name",
        ),
        "documents.history": ("lịch sử khác với bằng chứng", "the history is not what the records name"),
        "documents.missing": (
            "thiếu tài liệu mà bằng chứng đã ghi",
            "a document that the records name is missing",
        ),
        "documents.no_records": (
            "chưa đọc được bằng chứng nên không so sánh được",
            "without records that hold there is nothing to compare with",
        ),
        "head.broken": ("đỉnh sổ nhật ký không do hệ thống ký", "no known key of the service signed this"),
        "inclusion.broken": ("đường dẫn Merkle sai", "the path does not lead to the head"),
        "inclusion.missing": ("thiếu vị trí của một bằng chứng", "the place of a record is missing"),
        "inclusion.no_head": (
            "chưa đọc được đỉnh sổ nên không kiểm tra được",
            "without a head that holds there is nothing to prove",
        ),
        "inclusion.other_head": ("vị trí thuộc về đỉnh sổ khác", "the places are in another head"),
        "inclusion.path": (
            "bằng chứng không nằm trong sổ nhật ký này",
            "the path does not lead from the record to the head",
        ),
        "keys.broken": ("không đọc được bộ khóa", "this is no set of keys"),
        "keys.list": (
            "danh sách thu hồi không do bên cấp khóa ký",
            "the list of revoked keys is not signed by who vouches for the keys",
        ),
        "keys.material": ("tên tệp không khớp nội dung", "the name is not what the content gives it"),
        "keys.revoked": ("một khóa của hệ thống đã bị thu hồi", "a key of the service is revoked"),
        "receipt.broken": (
            "giấy nhận không do hệ thống ký",
            "no known key of the service signed this receipt",
        ),
        "receipt.other_bundle": (
            "giấy nhận là của hồ sơ khác",
            "the receipt is for other bytes than the bundle's",
        ),
        "records.broken": (
            "bằng chứng không do hệ thống ký",
            "no known key of the service signed this record",
        ),
        "records.chain": (
            "bằng chứng không nối với bước trước: có bước bị bỏ đi",
            "it does not follow the one before: a step was left out",
        ),
        "records.missing": ("không có bằng chứng nào", "there is no record at all"),
        "records.other_submission": ("bằng chứng là của lần gửi khác", "the record is of another submission"),
        "signature.order": (
            "các tệp nằm theo thứ tự khác với khi ký",
            "the files stand in another order than they were signed in",
        ),
        "signature.other_files": (
            "các tệp này bị bỏ ra hoặc thêm vào sau khi ký",
            "these files were taken out, or put in, after it was signed",
        ),
        "signature.not_canonical": (
            "tệp chữ ký không đúng như hệ thống ghi",
            "the signature is not written as the service writes it",
        ),
        "signature.unreadable": ("không đọc được tệp chữ ký", "the signature cannot be read"),
        "timestamp.unreadable": ("không đọc được dấu thời gian", "the timestamp cannot be read"),
    }
)
#: What a person can do about it, where that is not the signer's to mend.
_UNTRUSTED: Final = (
    "chứng thư không được tin cậy: đặt chứng thư của hệ thống vào service/, của bên cấp dấu vào tsa/",
    "its certificate leads to none that is trusted: put the service's into service/, a stamper's into tsa/",
)
_EXPIRED: Final = (
    "sự bảo vệ đã hết hạn mà chưa được gia hạn (claims archive renew)",
    "what protected it has ended and was not renewed in time (claims archive renew)",
)
_OF_REASONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "certificate.untrusted": _UNTRUSTED,
        "timestamp.untrusted": _UNTRUSTED,
        "certificate.expired": _EXPIRED,
        "timestamp.expired": _EXPIRED,
        "timestamp.algorithm": _EXPIRED,
        "timestamp.imprint": (
            "dấu thời gian được cấp cho nội dung khác",
            "the timestamp was given for something else",
        ),
        "signature.algorithm_ended": _EXPIRED,
        "signature.digest_mismatch": (
            "các tệp này đã bị thay đổi sau khi ký",
            "these files were changed after they were signed",
        ),
    }
)


def describe_fault(code: str, language: str) -> str:
    """Return the sentence of what is broken; of what else a verifier of signatures finds, its question."""
    found = SENTENCES.get(code) or _OF_REASONS.get(code)
    if found is None:
        no = "câu trả lời là không" if language == "vi" else "the answer is no"
        return f"{question(Reason(code), language)} – {no}"
    return found[0 if language == "vi" else 1]
