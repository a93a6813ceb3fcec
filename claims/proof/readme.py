"""The page that lies in every archive: what it is, and how anybody checks it, in both languages."""

from datetime import datetime
from typing import Final

from claims.localtime import VIETNAM

_TEXT: Final = """\
HỒ SƠ LƯU TRỮ ĐIỆN TỬ / ELECTRONIC ARCHIVE

Lần gửi / Submission : {submission}
Cơ sở KBCB / Facility: {facility}
Nhận lúc / Received  : {received_at} (UTC+7)
SHA-256 (bundle.xml) : {sha256}
{erased}
TIẾNG VIỆT

Tệp này chứa mọi thứ chứng minh một lần gửi hồ sơ: tệp hồ sơ đã ký số nguyên từng byte (bundle.xml), báo cáo
kiểm tra chữ ký và dữ liệu, biên nhận của cổng tiếp nhận, bằng chứng ký số của từng bước xử lý, vị trí của
chúng trong sổ nhật ký chỉ ghi thêm (cây Merkle, RFC 9162) và dấu thời gian. Hệ thống ký toàn bộ bằng chữ ký
XAdES trong META-INF/signatures.xml (chuẩn ASiC-E, ETSI EN 319 162-1).

Kiểm tra không cần mạng và không cần hệ thống đã tạo ra tệp:
    claims archive verify TEP.asice --trust THU_MUC_CHUNG_THU
hoặc chỉ với công cụ thông dụng (unzip, xmlsec1, openssl, sha256sum, Python): xem hướng dẫn "archive".

ENGLISH

This file holds everything that proves one submission of claims: the signed bundle byte for byte (bundle.xml),
the reports on its signature and its data, the gateway's receipt, a signed record of each step, their places
in an append-only log (a Merkle tree, RFC 9162) and timestamps. The service signed all of it: XAdES, in
META-INF/signatures.xml (ASiC-E, ETSI EN 319 162-1).

To check it without a network, and without the service that made it:
    claims archive verify FILE.asice --trust FOLDER_OF_CERTIFICATES
or with common tools alone (unzip, xmlsec1, openssl, sha256sum, Python): see the guide "archive".
"""
_ERASED: Final = """\
ĐÃ XÓA / ERASED      : nội dung hồ sơ đã được xóa hợp lệ; bằng chứng được giữ lại.
                       The content was lawfully erased; what proves that it existed is kept.
"""


def readme(*, submission: str, facility: str, sha256: str, received_at: datetime, is_erased: bool) -> bytes:
    """Return the page, in UTF-8."""
    return _TEXT.format(
        submission=submission,
        facility=facility,
        sha256=sha256,
        received_at=f"{received_at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}",
        erased=_ERASED if is_erased else "",
    ).encode()
