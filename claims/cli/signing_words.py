"""What keeps a signature from being made, extended or judged, in Vietnamese and English.

Errors speak English by themselves; what is said in Vietnamese stands here, by kind. What a token, a service
or an authority said is kept as it is.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import typer

from claims.authorities.errors import AuthorityUnreachable, UnusableCredentials
from claims.bundle.envelope import parse_finding, parse_findings
from claims.bundle.messages import describe
from claims.cli.output import say
from claims.cli.proof_words import describe_obstacle
from claims.errors import ClaimsError
from claims.outbound.errors import UnusableAddress
from signing import errors
from signing.errors import (
    CannotExtend,
    CannotSignFor,
    FileKind,
    OtherKeyFile,
    RecordUnreadable,
    SigningError,
    Unparsable,
)
from signing.verdict import Reason

# The most special kind of an error that is listed says it; ``{error}`` is what it says of itself.
_VIETNAMESE: Final[Mapping[type[Exception], str]] = MappingProxyType(
    {
        errors.RecordUnreadable: "không dùng được báo cáo này ({error})",
        errors.AlreadySigned: "hồ sơ đã có chữ ký; hãy ký từ bản chưa ký",
        errors.MissingContainer: "ngay dưới thẻ gốc phải có đúng một thẻ để đặt chữ ký ({container}), "
        "ở đây có {count}",
        errors.ContainerNotEmpty: "thẻ {container} phải để trống trước khi ký",
        errors.NothingToSign: "hồ sơ không có phần tử mà chữ ký kiểu này được phép ký ({error})",
        errors.UnsupportedKey: "loại khóa này không ký được: chỉ dùng khóa RSA, P-256 hoặc P-384",
        errors.TimestampRejected: "tổ chức cấp dấu thời gian từ chối ({error})",
        errors.TimestampUnusable: "câu trả lời của tổ chức cấp dấu thời gian không dùng được ({error})",
        errors.TrustStoreUnreadable: "không đọc được kho tin cậy ({error})",
        errors.PolicyUnreadable: "không đọc được chính sách chữ ký ({error})",
        errors.WrongPassphrase: "mật khẩu không mở được tệp khóa, hoặc tệp bị hỏng",
        errors.NoPrivateKey: "không có khóa bí mật, hoặc có nhiều mà chưa nói rõ khóa nào ({error})",
        errors.NoCertificate: "không có chứng thư số của khóa này ({error})",
        errors.KeyMismatch: "chứng thư số thuộc về một khóa khác; không có gì được ký",
        errors.OtherKeyFile: "tệp này không phải là tệp khóa cần dùng: {found}",
        errors.UnusableKeyFile: "không đọc được tệp khóa ({error})",
        errors.TokenSupportMissing: "không nạp được thư viện PKCS#11 của thiết bị ký ({error})",
        errors.TokenNotFound: "không xác định được thiết bị ký ({error})",
        errors.WrongPin: "mã PIN sai; nhập sai nhiều lần thì thiết bị ký bị khóa",
        errors.TokenLocked: "thiết bị ký đã bị khóa hoặc PIN chưa đặt, đã hết hạn: hãy nhờ nơi cấp mở khóa",
        errors.TokenFailed: "thiết bị ký báo lỗi ({error})",
        errors.RemoteUnavailable: "chưa gọi được dịch vụ ký từ xa, hãy thử lại sau ({error})",
        errors.RemoteAnswerUnusable: "dịch vụ ký từ xa trả lời sai nên không có gì được ký ({error})",
        errors.RemoteAccountRefused: "dịch vụ ký từ xa không nhận tài khoản này ({error})",
        errors.RemoteCertificateNotFound: "tài khoản ký từ xa không có chứng thư số dùng được, "
        "hoặc có nhiều mà chưa chọn ({error})",
        errors.RemoteSigningDeclined: "người giữ khóa đã từ chối ký ({error})",
        errors.RemoteSigningExpired: "người giữ khóa chưa xác nhận kịp thời hạn ({error})",
        errors.RemoteSigningFailed: "dịch vụ ký từ xa không ký được ({error})",
        AuthorityUnreachable: "không có câu trả lời dùng được từ {url} ({detail})",
        UnusableAddress: "không gửi gì đến địa chỉ {url}: {why}",
        UnusableCredentials: "tệp tài khoản không dùng được ({error})",
        OSError: "không đọc hoặc không ghi được tệp ({error})",
    }
)


#: What a reason means before anything is signed, where that is not what it means to who receives it.
_CANNOT_SIGN_FOR: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.CERTIFICATE_EXPIRED: "chứng thư số đã hết hạn, hãy ký bằng chứng thư số thay thế nó",
        Reason.CERTIFICATE_NOT_YET_VALID: "chứng thư số chưa có hiệu lực, hãy ký bằng chứng thư số đang dùng",
    }
)
_OTHER_FILES: Final[Mapping[FileKind, str]] = MappingProxyType(
    {
        FileKind.EMPTY: "tệp trống",
        FileKind.KEY: "đây là khóa bí mật dạng PEM, hãy dùng --key-file cùng với --cert-file",
        FileKind.CERTIFICATE: "đây chỉ là chứng thư số, hãy xuất lại (export) kèm khóa bí mật ra tệp .p12",
        FileKind.CERTIFICATES: "đây là tệp PKCS#7 chỉ có chứng thư số, hãy xuất lại (export) kèm khóa bí mật",
        FileKind.REQUEST: "đây là yêu cầu cấp chứng thư số (CSR), hãy chờ có chứng thư số rồi ký",
        FileKind.PUBLIC_KEY: "đây là khóa công khai, phải ký bằng khóa bí mật",
        FileKind.SSH_KEY: "đây là khóa OpenSSH, phải dùng khóa có chứng thư số của tổ chức cấp phát",
        FileKind.PKCS12: "đây là tệp PKCS#12 có cả khóa và chứng thư số, hãy dùng --pkcs12",
        FileKind.JAVA: "đây là kho khóa của Java, hãy đổi sang PKCS#12 "
        "(keytool -importkeystore … -deststoretype PKCS12)",
        FileKind.BASE64: "tệp được ghi dạng Base64, hãy giải mã trước (openssl base64 -d, certutil -decode)",
    }
)


def describe_failure(error: Exception, language: str) -> str:
    """Return why nothing was signed or extended."""
    from claims.cli.pages import describe_reason

    if language != "vi":
        return str(error)
    if isinstance(error, CannotSignFor):
        said = _CANNOT_SIGN_FOR.get(error.reason) or describe_reason(error.reason, language)
        return f"{said} ({error})"
    if isinstance(error, CannotExtend):
        return describe_obstacle(error, language)
    if isinstance(error, Unparsable):
        return _describe_unparsable(error)
    if isinstance(error, OtherKeyFile):
        return _VIETNAMESE[OtherKeyFile].format(found=_OTHER_FILES[error.found])
    sentence = next((_VIETNAMESE[kind] for kind in type(error).__mro__ if kind in _VIETNAMESE), "{error}")
    return sentence.format_map({**vars(error), "error": error})


def describe_unreadable(
    error: Unparsable | RecordUnreadable | OSError, language: str, data: bytes = b""
) -> str:
    """Return why a document, or a report, is not judged at all, and what its data seem to be instead."""
    said = describe_failure(error, language)
    if language != "vi":
        said = f"cannot be read: {said}"
    if not isinstance(error, Unparsable):
        return said
    _, *instead = parse_findings(error, data)
    return " ".join([said, *(describe(each, language) for each in instead)])


def _describe_unparsable(error: Unparsable) -> str:
    place = "" if error.line is None else f", dòng {error.line}, cột {error.column}"
    # How large it is, and how large it may be, stands in what the error says alone.
    too_large = f"không đọc được: tài liệu quá lớn, {error.detail}"
    said = too_large if error.code == "too-large" else describe(parse_finding(error), "vi")
    return f"{said.removesuffix('.')} ({error.code}{place})."


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say in this language what ends the block, and end the command with its exit code."""
    try:
        yield
    except (ClaimsError, SigningError, OSError) as error:
        from claims.cli.failures import exit_code_of

        say(f"{'lỗi' if language == 'vi' else 'error'}: {describe_failure(error, language)}")
        raise typer.Exit(exit_code_of(error)) from error
