"""What an audit says of a row, in Vietnamese and English."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SENTENCES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "assessment.changed": ("Kết quả giám định bị sửa hoặc xóa", "an assessment was changed or removed"),
        "attempt.changed": ("Lần thử gửi bị sửa hoặc xóa", "an attempt to send was changed or removed"),
        "attempt.extra": ("Có lần thử gửi không có bằng chứng", "an attempt to send has no record"),
        "chain.back_dated": ("Mắt xích bị lùi ngày", "what stands at this place of the chain is dated back"),
        "chain.changed": ("Mắt xích bị sửa", "what stands at this place of the chain was changed"),
        "chain.other_head": (
            "Chuỗi khác với chỗ đã ký hoặc đã giữ",
            "the chain is another than the head that was signed or kept, or its end was cut off",
        ),
        "chain.place_missing": ("Mắt xích bị xóa", "this place of the chain was removed"),
        "chain.row_missing": (
            "Nội dung của mắt xích bị xóa",
            "what stood at this place of the chain is gone",
        ),
        "claim.changed": ("Tóm tắt hồ sơ bị sửa", "what was read of the claims was changed"),
        "decision.changed": (
            "Quyết định giám định bị sửa hoặc xóa",
            "a reviewer's decision was changed or removed",
        ),
        "erasure.changed": (
            "Việc xóa nội dung bị sửa hoặc không có bằng chứng",
            "an erasure is not as it was noted",
        ),
        "event.back_dated": ("Diễn biến bị lùi ngày", "the event is dated back"),
        "event.changed": ("Diễn biến bị sửa", "the event was changed"),
        "event.missing": ("Diễn biến bị xóa", "the event was removed"),
        "event.not_logged": ("Diễn biến được chèn sau, không có bằng chứng", "the event was put in later"),
        "evidence.chain": (
            "Bằng chứng không nối với bước trước",
            "the record does not follow the last",
        ),
        "evidence.changed": ("Bằng chứng bị sửa", "the record was changed"),
        "evidence.key_missing": (
            "Số bằng chứng trong ngoặc do khóa này ký, mà khóa không có ở đây: hãy khôi phục tệp của nó",
            "so many records were signed by this key, which is not here: restore its file from the backup",
        ),
        "evidence.missing": ("Bằng chứng bị xóa", "a record was removed"),
        "head_timestamp.changed": ("Dấu thời gian bị thay", "the timestamp is on something else"),
        "legal_hold.changed": ("Lệnh giữ hồ sơ bị sửa hoặc xóa", "a legal hold was changed or removed"),
        "log.rewritten": ("Sổ nhật ký khác bản đã giữ", "the log is another than the head that was kept"),
        "log_cursor.changed": (
            "Con trỏ của sổ bị xóa hoặc lùi lại",
            "the log's cursor was removed or set back",
        ),
        "log_tile.changed": ("Nút của cây Merkle bị sửa", "hashes of the tree were changed"),
        "origin.changed": ("Tài liệu gốc bị sửa", "what the bundle was built from was changed"),
        "receipt.changed": ("Biên nhận của cổng bị sửa", "the gateway's receipt was changed"),
        "reception.changed": (
            "Lỗi tiếp nhận của cổng bị sửa hoặc xóa",
            "reception's faults were changed or removed",
        ),
        "report.changed": ("Kết quả kiểm tra bị sửa", "the check's report was changed"),
        "row.changed": ("Dòng bị sửa", "the row was changed"),
        "row.missing": ("Dòng bị xóa", "the row was removed"),
        "row.unnoted": ("Dòng được chèn, không được ghi nhận", "the row was put in without being noted"),
        "signed_receipt.changed": ("Giấy nhận đã ký bị thay", "the signed receipt was changed"),
        "submission.changed": ("Lần gửi bị sửa", "the submission was changed"),
        "submission.extra": (
            "Lần gửi được chèn, không có diễn biến nào",
            "the submission was put in: nothing ever happened to it",
        ),
        "submission.missing": ("Lần gửi bị xóa", "the submission was removed"),
        "submission_body.changed": ("Nội dung hồ sơ bị sửa", "the bundle was changed"),
        "submission_body.extra": (
            "Nội dung hồ sơ đã xóa lại có ở đây",
            "the bundle is there although it was erased",
        ),
        "submission_body.missing": ("Nội dung hồ sơ bị xóa", "the bundle was removed without an erasure"),
        "tree_head.changed": ("Đỉnh sổ nhật ký bị sửa", "the head of the log was changed"),
        "tree_head.key_missing": (
            "Số đỉnh sổ trong ngoặc do khóa này ký, mà khóa không có ở đây: hãy khôi phục tệp của nó",
            "so many heads were signed by this key, which is not here: restore its file from the backup",
        ),
        "tree_head.missing": ("Đỉnh sổ nhật ký bị xóa", "a head of the log was removed"),
        "trust_material.changed": (
            "Chứng thư hoặc danh sách thu hồi của ngày kiểm tra bị sửa",
            "a certificate or a revocation list of the day of a check was changed",
        ),
        "trust_material.missing": (
            "Chứng thư hoặc danh sách thu hồi của ngày kiểm tra bị xóa",
            "a certificate or a revocation list of the day of a check was removed",
        ),
    }
)


def describe(code: str, language: str) -> str:
    """Return the sentence of a fault's code."""
    return SENTENCES[code][0 if language == "vi" else 1]
