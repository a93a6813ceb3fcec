"""What errors say in Vietnamese, by kind. In English they say it themselves."""

from collections.abc import Mapping
from typing import Final

from claims.bundle.messages import describe
from claims.exchange import errors
from claims.exchange.access import errors as access_errors
from claims.exchange.batches import describe_fault
from claims.exchange.breaker import MAINTENANCE, RESTING
from claims.exchange.quota import QUOTA
from claims.exchange.results import finding_of
from claims.exchange.submit_encounter import WrongFacility
from claims.exchange.webhooks import DISABLED_BY_FACILITY, GONE
from claims.outbound.errors import TargetUnreachable, UnusableAddress

#: With the facts of the error by name; ``{error}`` is what it says of itself, in words of others.
_SENTENCES: Final[Mapping[type[Exception], str]] = {
    access_errors.UnknownKey: "thiếu khóa API, hoặc khóa không tồn tại, đã bị thu hồi hay hết hạn "
    "(Authorization: Bearer ehs_…)",
    access_errors.NotSignedIn: "hãy đăng nhập trước",
    access_errors.AccessDenied: "không đủ quyền: cần {needs}",
    access_errors.KeyNotFound: "không có khóa hay phần mềm nào mang mã {key_id}",
    access_errors.TooManyKeys: "đang có {most} khóa còn hiệu lực: hãy kết thúc khóa cũ trước",
    access_errors.UnusableKey: "khóa không dùng được ({said}); hãy gửi khóa công khai RSA (từ 2048 bit), "
    "P-256, P-384 hoặc Ed25519",
    access_errors.ProtectedRecord: "xem {submission_id} cần quyền riêng, hoặc mở hồ sơ với lý do",
    access_errors.TooManyRequests: "gửi quá nhanh (tối đa {limit} yêu cầu); hãy thử lại sau "
    "{retry_after_s} giây",
    errors.UnknownFacility: "cơ sở {facility} chưa được đăng ký",
    errors.SubmissionNotFound: "không có lần gửi {submission_id}",
    errors.GatewayError: "{said} ({cause}); hãy gửi lại sau",
    errors.GatewayRefused: "{said} ({cause}); gửi lại y nguyên cũng không được nhận",
    errors.NothingToShow: "nội dung của {submission_id} không có hồ sơ nào hiển thị được",
    errors.DataRequestNotFound: "không có yêu cầu {request_id}",
    errors.DataRequestClosed: "yêu cầu {request_id} đã được trả lời, hoặc đã gia hạn một lần",
    errors.NoCorrection: "{submission_id}: bản chỉnh sửa phải là lần gửi sau đó của cùng cơ sở và cùng đợt "
    "điều trị; chỉ kết quả `corrected` mới ghi lần gửi",
    errors.NothingHeld: "cơ sở không có hồ sơ nào mang một trong các số này",
    errors.TooMuchHeld: "có hơn {most} hồ sơ mang tên người này; hãy hỏi riêng từng cơ sở",
    errors.ReplayNotFound: "không có đợt gửi lại {replay_id}",
    errors.ReplayEnded: "đợt gửi lại {replay_id} đã kết thúc",
    errors.BatchNotFound: "không có lô {batch_id}",
    errors.ReviewNotFound: "không có lần giám định nào của hồ sơ này",
    errors.ReviewChanged: "hồ sơ đã thay đổi sau khi được mở; hãy đọc lại rồi trả lời",
    errors.UnsoundDecision: "chưa quyết định được như vậy ({problem})",
    errors.CannotErase: "chưa xóa được {submission_id}: {said}",
    errors.AlreadyErased: "nội dung của {submission_id} đã bị xóa: không còn gì để giữ",
    errors.HeldAgain: "{submission_id} lại được giữ lúc {newest_hold_at:%d/%m/%Y %H:%M:%S %z}; hãy xem "
    "lần giữ đó trước",
    errors.CannotWithdraw: "lần gửi đang ở trạng thái {state} nên không rút lại được: hồ sơ mà cổng đã có, "
    "hoặc có thể đã có, được thu hồi bằng phiên bản sau có MA_DOITUONG_KCB 8",
    errors.NotYetLogged: "bằng chứng của {submission_id} chưa có trong nhật ký; hãy hỏi lại sau vài giây",
    errors.NotInLog: "đầu nhật ký mới nhất được ký có {size} bản ghi; câu hỏi nằm ngoài số đó",
    errors.InvalidCursor: "con trỏ này không phải do một trang trước trả về; hãy bắt đầu lại, không "
    "ghi cursor",
    errors.WebhookNotFound: "không có {webhook_id}",
    errors.TooManyWebhooks: "mỗi cơ sở có tối đa {most} webhook; hãy xóa bớt trước",
    errors.TwoSecretsLive: "{webhook_id} đang có hai khóa bí mật đến {until:%d/%m/%Y %H:%M:%S %z}: hãy thay "
    "sau lúc đó, hoặc thay với overlap_h 0, khi đó cả hai hết hiệu lực ngay",
    errors.WebhookDisabled: "{webhook_id} đang tắt ({said}); hãy bật lại trước",
    UnusableAddress: "không gửi gì đến {url}: {why}",
    TargetUnreachable: "không gửi được đến {url}: {why}",
    errors.IdempotencyMismatch: "Idempotency-Key này đã dùng cho {made} với nội dung khác",
    errors.EmptyBundle: "không nhận được gì: hãy gửi nguyên các byte của hồ sơ (curl: --data-binary @TỆP)",
    errors.EmptySelection: "ngoài cơ sở, phải nêu ít nhất một điều kiện, nếu không sẽ chọn tất cả",
    errors.NothingToAdjust: "không có quyết định cuối cùng nào giảm trừ khoản nào của hồ sơ này",
    errors.NoSigningKey: "dịch vụ không giữ khóa ký của cơ sở {facility}",
    errors.NoRoom: "ổ đĩa của dịch vụ tạm thời không đủ chỗ cho lô này; hãy gửi lại sau",
    errors.ContentsUnavailable: "kho nội dung của dịch vụ tạm thời không dùng được; hãy gửi lại sau",
    errors.KeysUnavailable: "khóa chủ của dịch vụ tạm thời không dùng được; hãy gửi lại sau",
    errors.StoreUnavailable: "cơ sở dữ liệu của dịch vụ tạm thời không dùng được; hãy gửi lại sau",
    WrongFacility: "lượt khám là của cơ sở {named}, nhưng cơ sở {caller} gửi",
}

#: Why there is no receipt, by cause; the others are codes that the gateway answered.
_OF_THE_GATEWAY: Final[Mapping[str, str]] = {
    errors.UNREACHABLE: "không kết nối được với cổng",
    errors.TIMED_OUT: "cổng không trả lời kịp",
    errors.DISCONNECTED: "cổng ngắt kết nối giữa chừng",
    "gateway.garbled": "không đọc được trả lời của cổng",
    "gateway.other-claim": "trả lời của cổng là về hồ sơ khác",
    RESTING: "cổng không trả lời nên dịch vụ tạm nghỉ ít phút rồi mới hỏi lại",
    MAINTENANCE: "cổng đã báo bảo trì",
    QUOTA: "dịch vụ đã hỏi cổng hết mức cho phép lúc này",
    errors.NO_ACCOUNT: "cơ sở chưa có tài khoản trên cổng",
    errors.NOT_CONFIGURED: "dịch vụ chưa được khai báo địa chỉ cổng",
    errors.NO_CHECK_IN: "giao diện này của cổng không nhận trạng thái KCB",
    errors.SIGN_IN_ELSEWHERE: "dịch vụ đang đăng nhập vào cổng",
}
_NOT_ERASED: Final[Mapping[str, str]] = {
    "erase.under_way": "đang được xử lý",
    "erase.held": "đang được giữ lại",
    "erase.too_early": "phải lưu đến {until:%d/%m/%Y}",
}
_REASONS: Final[Mapping[str, str]] = {
    "unreadable": "không đọc được",
    "weak": "quá yếu",
    "private": "là khóa bí mật",
    GONE: "nơi nhận trả lời 410",
    DISABLED_BY_FACILITY: "cơ sở đã tắt",
}


def _said(error: Exception) -> str:
    """Say what a code stands for, which the error has as its cause or reason."""
    if isinstance(error, errors.GatewayError):
        step = "không đăng nhập được vào cổng: " if error.cause.startswith("gateway.login.") else ""
        return step + _said_by_the_gateway(error.cause)
    if isinstance(error, errors.CannotErase):
        return _NOT_ERASED[error.code].format(until=error.until)
    why = str(getattr(error, "why", ""))
    return _REASONS.get(why, why)


def _said_by_the_gateway(cause: str) -> str:
    name = cause.rpartition(".")[2]
    known = _OF_THE_GATEWAY.get(cause) or _OF_THE_GATEWAY.get(f"gateway.{name}")
    if known is not None:
        return known
    if name.startswith("http-"):
        return f"cổng trả lời HTTP {name.removeprefix('http-')}"
    if not name.isdigit():
        return "cổng trả lời không đúng giao thức"
    return describe(finding_of(name), "vi").rstrip(".").replace("Cổng", "cổng", 1)


def in_vietnamese(error: Exception) -> str:
    """Say in Vietnamese what an error says of itself in English."""
    match error:
        case errors.UnusableBatch():
            return describe_fault(error, "vi")
        case errors.CheckInRefused():
            return "là của cơ sở khác" if error.is_others else "kiểm tra thấy lỗi nên chưa gửi (xem findings)"
        case _:
            sentence = next(
                (_SENTENCES[kind] for kind in type(error).__mro__ if kind in _SENTENCES), "{error}"
            )
            return sentence.format_map({**vars(error), "error": error, "said": _said(error)})
