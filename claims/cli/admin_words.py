"""What administrators and operators are told on the server itself, in Vietnamese and English.

Facilities, keys, clients, certificates, people, the master keys and stores of contents, the database.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Protocol

from claims.cli import submission_words


class Used(Protocol):
    """What opens something: a key, a client."""

    @property
    def last_used_at(self) -> datetime | None:
        """When it last did."""
        ...


_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "facility.added": ("đã đăng ký cơ sở {code}", "facility {code} is registered"),
    "facility.read": (
        "đã đọc {read} cơ sở, chưa đăng ký cơ sở nào",
        "{read} facilities read, none registered",
    ),
    "facility.imported": (
        "{added} cơ sở được đăng ký, {renamed} được đổi tên, {unchanged} đã có",
        "{added} registered, {renamed} renamed, {unchanged} known already",
    ),
    "facility.gateway_account": (
        "cơ sở {code} đăng nhập cổng bằng tài khoản {username}",
        "facility {code} signs in at the gateway as {username}",
    ),
    "facility.card_staff": (
        "cơ sở {code} tra cứu thẻ dưới tên nhân viên đã đăng ký",
        "facility {code} looks up cards in the name of a registered member of its staff",
    ),
    "facility.dropin": (
        "cơ sở {code} được đăng nhập vào đây bằng tài khoản {username}",
        "facility {code} may sign in here as {username}",
    ),
    "facility.dropin_ended": (
        "cơ sở {code} không còn đăng nhập vào đây được",
        "facility {code} can no longer sign in here",
    ),
    "facility.no_dropin": (
        "cơ sở {code} không có tài khoản tại đây",
        "facility {code} has no drop-in account",
    ),
    "facility.month": (
        "{month:%m/%Y}: {settled}, đã hỏi cổng {looks} lần, {next}",
        "{month:%m/%Y}: {settled}, asked for {looks} times at the gateway, {next}",
    ),
    "facility.month_settled": ("đã quyết toán", "settled"),
    "facility.month_open": ("chưa quyết toán", "not settled"),
    "facility.month_next": ("hỏi tiếp lúc {at:%Y-%m-%dT%H:%M:%SZ}", "next at {at:%Y-%m-%dT%H:%M:%SZ}"),
    "facility.month_over": ("không hỏi nữa", "not any more"),
    "facility.no_code": (
        "mã cơ sở gồm năm chữ số hoặc chữ in hoa",
        "a facility code is five digits or capital letters",
    ),
    "ask.password": ("mật khẩu", "password"),
    "ask.citizen_number": ("số căn cước", "citizen number"),
    "key.overlaps": ("khóa {key} còn mở được {hours} giờ nữa", "key {key} opens for {hours} more hours"),
    "key.revoked": ("đã thu hồi khóa {key}", "key {key} is revoked"),
    "key.not_revoked": (
        "khóa {key} không có, hoặc đã hết hiệu lực từ trước",
        "key {key} is unknown or ended before",
    ),
    "live": ("còn hiệu lực", "live"),
    "ended": ("đã hết hiệu lực", "ended"),
    "suspended": ("tạm ngừng", "suspended"),
    "last_used": ("dùng lần cuối {at}", "last used {at}"),
    "never": ("chưa dùng lần nào", "last used never"),
    "client.keys": ("khóa {keys}", "keys {keys}"),
    "client.no_keys": ("không còn khóa", "keys none"),
    "client.key_added": ("máy khách {client} ký thêm bằng {key}", "client {client} signs with {key} too"),
    "client.key_ended": ("đã kết thúc khóa {key}", "key {key} has ended"),
    "client.suspended": ("đã tạm ngừng máy khách {client}", "client {client} is suspended"),
    "client.not_suspended": (
        "máy khách {client} không có, đã kết thúc hoặc đang tạm ngừng",
        "client {client} is unknown, ended or suspended before",
    ),
    "client.resumed": ("máy khách {client} lại được gọi", "client {client} may call again"),
    "client.not_resumed": (
        "máy khách {client} không có, đã kết thúc hoặc không tạm ngừng",
        "client {client} is unknown, ended or not suspended",
    ),
    "client.revoked": ("đã kết thúc máy khách {client}", "client {client} is ended"),
    "client.not_revoked": (
        "máy khách {client} không có, hoặc đã kết thúc từ trước",
        "client {client} is unknown or ended before",
    ),
    "certificate.registered": (
        "chứng thư số {sha256} được ký cho cơ sở {code}",
        "certificate {sha256} may sign for {code}",
    ),
    "certificate.may_sign": ("được ký", "may sign"),
    "certificate.may_not_sign": ("không được ký", "may not sign"),
    "certificate.days_left": ("còn {days} ngày", "{days} days left"),
    "certificate.days_over": ("hết hạn {days} ngày trước", "ended {days} days ago"),
    "certificate.by": ("người thực hiện: {by}", "by {by}"),
    "certificate.changed": (
        "chứng thư số {sha256} của cơ sở {code}: {change}",
        "certificate {sha256} of {code} is {change}",
    ),
    "certificate.unclear": (
        "{which} ứng với {found} trong số {known} chứng thư số của cơ sở",
        "{which} names {found} of the facility's {known} certificates",
    ),
    "certificate.no_file": (
        "{file} không chứa chứng thư số nào, hoặc chứa nhiều",
        "{file} holds no certificate, or several",
    ),
    "change.registered": ("đã đăng ký", "registered"),
    "change.suspended": ("tạm ngừng", "suspended"),
    "change.reinstated": ("dùng lại", "reinstated"),
    "change.withdrawn": ("đã thôi", "withdrawn"),
    "user.disabled": ("{login} không còn đăng nhập được", "{login} cannot sign in any more"),
    "user.enabled": ("{login} lại đăng nhập được", "{login} can sign in again"),
    "user.has_role": ("{login} có vai trò {role} cho {place}", "{login} is {role} for {place}"),
    "user.lost_role": (
        "{login} không còn vai trò {role} cho {place}",
        "{login} is no longer {role} for {place}",
    ),
    "user.never_had_role": (
        "{login} chưa từng có vai trò {role} cho {place}",
        "{login} never was {role} for {place}",
    ),
    "user.hand_over": (
        "hãy trao mật khẩu này cho {login}: dùng được trong {hours} giờ và phải đổi ngay khi đăng nhập",
        "hand this to {login}: it counts for {hours} hours and must be changed",
    ),
    "user.through": ("đăng nhập qua {issuer}", "through {issuer}"),
    "user.is_disabled": ("đã khóa", "disabled"),
    "user.one_time": ("mật khẩu dùng một lần", "one-time password"),
    "user.no_second_factor": ("chưa có yếu tố thứ hai", "no second factor"),
    "content_key.made": (
        "đã tạo {where}; hãy sao lưu: mất khóa này thì không đọc được nội dung mà nó bảo vệ",
        "made {where}; back it up: what it wraps cannot be read without it",
    ),
    "content_key.encrypting": ("đang mã hóa", "encrypting"),
    "content_key.rotated": (
        "{encrypted} nội dung được mã hóa, {rewrapped} khóa được bọc lại, {names} tên được niêm phong",
        "{encrypted} contents encrypted, {rewrapped} keys wrapped anew, {names} names sealed",
    ),
    "content_key.status": (
        "khóa chủ {key}: {encrypted} nội dung và {names} tên chưa mã hóa, {rewrapped} còn dưới khóa cũ",
        "master key {key}: {encrypted} contents and {names} names in the clear, {rewrapped} under older keys",
    ),
    "content_store.moving": ("đang chuyển", "moving"),
    "content_store.moved": (
        "đã chuyển nội dung của {number} lần gửi, {size:.1f} MiB; xóa {removed}",
        "contents of {number} submissions moved, {size:.1f} MiB; {removed} removed",
    ),
    "content_store.status": (
        "còn phải chuyển {number} lần gửi, {size:.1f} MiB; đã chuyển {moved}",
        "{number} submissions to move, {size:.1f} MiB; {moved} have moved",
    ),
    "content_store.none": (
        "chưa có kho nội dung: hãy đặt CLAIMS_CONTENT_STORE",
        "there is no store: set CLAIMS_CONTENT_STORE",
    ),
    "evidence_key.until": ("đến {until}", "until {until}"),
    "evidence_key.signs_now": ("đang ký", "signs now"),
    "evidence_key.trusted": ("được tin cậy: {subject}", "trusted: {subject}"),
    "evidence_key.rotated": ("từ nay ký bằng {key}, đến {until}", "{key} signs from now on, until {until}"),
    "database.roles": (
        "các vai trò {roles} đã đúng như phiên bản này cần",
        "the roles {roles} are as this version needs them",
    ),
    "database.revision": ("cơ sở dữ liệu ở phiên bản {revision}", "the database is at revision {revision}"),
    "database.start_workers": ("bây giờ hãy khởi động các worker", "now start the workers"),
    "database.restored": (
        "{doubtful} lần gửi, và mọi lần gửi đến trong {days} ngày tới, được tra trên cổng trước khi gửi",
        "{doubtful} submissions, and what comes in within {days} days, are looked for at the gateway first",
    ),
}
#: What an error says in Vietnamese, by its kind's name.
_ERRORS: Final[Mapping[str, str]] = {
    "UnknownFacility": "cơ sở {facility} chưa được đăng ký",
    "KeyNotFound": "không có khóa hay máy khách {key_id}",
    "TooManyKeys": "đã có {most} khóa còn hiệu lực: hãy kết thúc khóa cũ trước",
    "UnusableKey": "không dùng được khóa này; cần khóa công khai RSA từ 2048 bit, P-256, P-384, Ed25519",
    "PersonNotFound": "không có ai tên {who}",
    "LoginTaken": "đã có người đăng nhập bằng tên {login}",
    "IllegalGrant": "không giao được vai trò này ({error})",
    "UsernameTaken": "tài khoản {username} là của cơ sở khác",
    "UnfitCertificate": "không đăng ký được chứng thư số này ({reason})",
    "IllegalRegistration": "chứng thư số đang ở tình trạng khác nên không làm được việc này ({error})",
    "TooManyCertificates": "cơ sở đã có đủ số chứng thư số được ký: hãy thôi một chứng thư trước",
    "OSError": "không đọc hoặc không ghi được tệp ({error})",
}


def sentence(code: str, language: str, /, **facts: object) -> str:
    """Return a sentence with its facts."""
    return _SENTENCES[code][0 if language == "vi" else 1].format_map(facts)


def last_use(key: Used, language: str) -> str:
    """Say when a key or client was last used."""
    if key.last_used_at is None:
        return sentence("never", language)
    return sentence("last_used", language, at=key.last_used_at)


def speaking(language: str) -> AbstractContextManager[None]:
    """Say in this language what ends the block, and end the command with its exit code."""
    return submission_words.speaking(language, _ERRORS)
