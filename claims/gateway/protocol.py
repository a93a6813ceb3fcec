"""The gateway's wire protocol as data: generations, result codes, bodies, headers and times.

Shared by the client and the stand-in; opens no connection. How sure each fact is, and where
it comes from, is written in docs/reference/gateway.md.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

import pybase64

from claims.localtime import VIETNAM, parse_day

TOKEN_PATH: Final = "/api/token/take"  # noqa: S105 (a path)
# Not part of the published protocol: an extension of the stand-in (ADR 0005).
LOOKUP_PATH: Final = "/api/qd130/traCuuHoSo"
ERROR_DETAIL_PATH: Final = "/api/egw/nhanChiTietLoiHS4210"
CARD_PATH: Final = "/api/egw/KQNhanLichSuKCB2024"
OLDER_CARD_PATHS: Final = ("/api/egw/nhanLichSuKCB", "/api/egw/NhanLichSuKCB2018")
CARD_DETAIL_PATH: Final = "/api/egw/nhanHoSoKCBChiTiet"
HAS_HISTORY_PATH: Final = "/api/his/checkLichSuKCB"
FACILITY_PATH: Final = "/api/egw/NhanThongTinCSKCB"

# Reading results back. No public source shows these renamed for the later generations.
RECEPTION_PATH: Final = "/api/egw/nhanKQTiepNhanHS4210"
RECEPTION_OF_DAY_PATH: Final = "/api/egw/nhanChiTietHSNgay4210"
ROUNDS_PATH: Final = "/api/his/KQDanhSachDotGiamDinh"
ASSESSMENT_PATH: Final = "/api/his/KQGiamDinhHoSo"
SETTLEMENT_PATH: Final = "/api/his/KQQuyetToan"


class Carries(StrEnum):
    """Where a request carries its session."""

    HEADERS = "headers"
    QUERY = "query"


#: What only reads, and where it carries its session. The rest of a question stands in the body; beside a
#: session in the query it may stand there as well.
READS: Final[Mapping[str, Carries]] = {
    RECEPTION_PATH: Carries.QUERY,
    RECEPTION_OF_DAY_PATH: Carries.QUERY,
    ERROR_DETAIL_PATH: Carries.QUERY,
    ROUNDS_PATH: Carries.HEADERS,
    ASSESSMENT_PATH: Carries.HEADERS,
    SETTLEMENT_PATH: Carries.HEADERS,
    CARD_PATH: Carries.QUERY,
    **dict.fromkeys(OLDER_CARD_PATHS, Carries.QUERY),
    CARD_DETAIL_PATH: Carries.QUERY,
    HAS_HISTORY_PATH: Carries.HEADERS,
    FACILITY_PATH: Carries.QUERY,
}

# What travels beside claims.
ZIP_PATH: Final = "/api/egw/SendFileHoSoGiamDinh_zip4210"
ZIP_FIELD: Final = "FileHoSoJson"
SEND_REFERRAL_PATH: Final = "/api/his/sendHoSoChuyen"
RECEIVE_REFERRAL_PATH: Final = "/api/his/receiveHoSoChuyen"
DRIVER_PATH: Final = "/api/hssk/gksk"

ACCESS_TOKEN_HEADER: Final = "accessToken"  # noqa: S105 (a header's name)
ID_TOKEN_HEADER: Final = "tokenId"  # noqa: S105 (a header's name)
PASSWORD_HEADER: Final = "passwordHash"  # noqa: S105 (a header's name)
# An extension of the stand-in: it answers with the digest of what it took, so that an answer to another
# request is not taken for this one's (ADR 0005).
DIGEST_HEADER: Final = "X-Bundle-SHA256"

ACCEPTED: Final = "200"
STILL_PROCESSING: Final = "102"  # answered by the look-up extension only
NOT_FOUND: Final = "404"  # answered by the look-up extension only

PROVINCE_LENGTH: Final = 2
_WRITTEN_DAY: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)
# A number up to this many seconds (three years) is a duration; a larger one is a point in time.
_LONGEST_DURATION_S: Final = 100_000_000
_EPOCH_IN_MILLISECONDS: Final = 100_000_000_000
_RECEPTION_TIME_PARTS: Final = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
# No public source states how long a token lives; peers assume an hour at most.
_ASSUMED_LIFETIME: Final = timedelta(minutes=20)
#: What ``trangThai`` of a round or a settlement says once nothing is added to it; the words are not public.
_CLOSED: Final = frozenset({"2", "đã kết thúc", "da ket thuc", "đã quyết toán", "da quyet toan", "closed"})


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of the sending interface.

    Attributes:
        name: The Decision that brought it.
        send_path: Where a claim is posted.
        check_in_path: Where a check-in (XML0) is posted, if the generation has one.
        claim_kind: ``loaiHoSo`` of a claim.
        check_in_kind: ``loaiHoSo`` of a check-in.
        carries: Where the session goes. In the query, the parameters go there too and the file is the body.
    """

    name: str
    send_path: str
    check_in_path: str | None
    claim_kind: str = "130"
    check_in_kind: str = "0"
    carries: Carries = Carries.HEADERS


DECISION_917: Final = Generation(
    "917", "/api/egw/guiHoSoGiamDinh", None, claim_kind="3", carries=Carries.QUERY
)
DECISION_4210: Final = Generation(
    "4210", "/api/egw/guiHoSoGiamDinh4210", None, claim_kind="3", carries=Carries.QUERY
)
#: ``loaiHoSo`` of the earlier interface: claim, 79/80a, the forms 19, 20 and 21, referral letter.
EARLIER_KINDS: Final = frozenset({"3", "5", "6", "7", "8", "9"})
# The prefix stays qd130 and loaiHoSo stays 130 in every generation; only the method's name moves.
DECISION_130: Final = Generation("130", "/api/qd130/guiHoSoXmlQD130", "/api/qd130/checkInKcbQd130")
DECISION_4750: Final = Generation("4750", "/api/qd130/guiHoSoXmlQD4750", "/api/qd130/checkInKcbQd4750")
DECISION_3176: Final = Generation("3176", "/api/qd130/guiHoSoXmlQD3176", "/api/qd130/checkInKcbQd3176")
GENERATIONS: Final[Mapping[str, Generation]] = {
    g.name: g for g in (DECISION_917, DECISION_4210, DECISION_130, DECISION_4750, DECISION_3176)
}


def generation_of(decision: str | None) -> Generation:
    """Return the generation that takes bundles of a Decision: its own, or the current one for any later."""
    return GENERATIONS.get(decision or "", DECISION_3176)


class Verdict(StrEnum):
    """What a result code means for the bundle that was sent."""

    TAKEN = "taken"
    SIGN_IN_AGAIN = "sign-in-again"
    REFUSED = "refused"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class ResultCode:
    """A documented ``maKetQua`` or ``maLoi``."""

    code: str
    verdict: Verdict
    text: str
    confirmed: bool = True


# 500 and 408 are UNCLEAR: they come from behind the point where the bundle may have been stored.
RESULT_CODES: Final[Mapping[str, ResultCode]] = {
    entry.code: entry
    for entry in (
        ResultCode("200", Verdict.TAKEN, "accepted"),
        ResultCode("201", Verdict.REFUSED, "the XML is malformed"),
        ResultCode("202", Verdict.REFUSED, "the XML's content is wrong"),
        ResultCode("204", Verdict.REFUSED, "the XML is empty"),
        ResultCode("205", Verdict.REFUSED, "a parameter has the wrong format"),
        ResultCode("401", Verdict.SIGN_IN_AGAIN, "authentication failed or the token has expired"),
        ResultCode("403", Verdict.REFUSED, "not authorized for this facility"),
        ResultCode("408", Verdict.UNCLEAR, "the gateway timed out inside"),
        ResultCode("500", Verdict.UNCLEAR, "the gateway failed inside"),
        ResultCode("10", Verdict.REFUSED, "the card data could not be read"),
        ResultCode("123", Verdict.REFUSED, "the file has the wrong format", confirmed=False),
        ResultCode("124", Verdict.UNCLEAR, "saving failed; the gateway tries again", confirmed=False),
        ResultCode("701", Verdict.REFUSED, "the period may not be sent now", confirmed=False),
        ResultCode("1001", Verdict.REFUSED, "the file is too large", confirmed=False),
    )
}


def find_verdict(code: str) -> Verdict:
    """Return what a result code means; an unknown one refuses, unless it looks like a server's failure."""
    known = RESULT_CODES.get(code)
    if known is not None:
        return known.verdict
    return Verdict.UNCLEAR if len(code) == len("500") and code.startswith("5") else Verdict.REFUSED


def describe_code(code: str) -> str:
    """Return our own words for a result code: the gateway's text may name a patient, ours cannot."""
    known = RESULT_CODES.get(code)
    return known.text if known is not None else "a result code that is not documented"


class BodyFormat(StrEnum):
    """How a request's body is written; the gateway takes both."""

    FORM = "application/x-www-form-urlencoded"
    JSON = "application/json"


def write_form(fields: Mapping[str, str], file: bytes | None = None) -> bytes:
    """Return the fields, and the file as ``fileHSBase64``, as a form body."""
    body = urlencode(fields).encode("ascii")
    if file is None:
        return body
    # Only these three characters of the Base64 alphabet need escaping; urlencode would look at
    # each of 80,000 characters in Python (5 ms a claim against 0.1 ms).
    encoded = pybase64.b64encode(file)
    escaped = encoded.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
    return b"".join((body, b"&fileHSBase64=", escaped))


def write_json(fields: Mapping[str, str], file: bytes | None = None) -> bytes:
    """Return the fields, and the file as ``fileHSBase64``, as a JSON body."""
    body = json.dumps(dict(fields)).encode("ascii")
    if file is None:
        return body
    return b"".join((body[:-1], b', "fileHSBase64": "', pybase64.b64encode(file), b'"}'))


def write_file(file: bytes) -> bytes:
    """Return a file as the earlier interface takes it: Base64 as a JSON string, as .NET writes bytes."""
    return b"".join((b'"', pybase64.b64encode(file), b'"'))


def write_file_as_numbers(file: bytes) -> bytes:
    """Return a file as a JSON array of byte values, which the earlier interface takes too."""
    return json.dumps(list(file), separators=(",", ":")).encode("ascii")


BODY_WRITERS: Final[Mapping[BodyFormat, Callable[[Mapping[str, str], bytes | None], bytes]]] = {
    BodyFormat.FORM: write_form,
    BodyFormat.JSON: write_json,
}


def hash_password(password: str) -> str:
    """Return a password as the gateway wants it: MD5, hexadecimal, upper case."""
    # The protocol asks for MD5; it is no protection, TLS is.
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()


def session_query(*, access_token: str, id_token: str, username: str, password_md5: str) -> dict[str, str]:
    """Return the session as the query of those requests that carry it there."""
    return {"token": access_token, "id_token": id_token, "username": username, "password": password_md5}


def province_of(facility: str) -> str:
    """Return ``maTinh``: the first two characters of a facility code."""
    return facility[:PROVINCE_LENGTH]


def read_expiry(value: object, *, now: datetime) -> datetime:
    """Return when a token expires.

    The documented form is an absolute UTC date-time; epoch seconds, epoch milliseconds and a
    duration in seconds are understood too, because stacks in front of the gateway send them.
    """
    if isinstance(value, str):
        value = value.strip()
        if value.isdecimal():
            value = int(value)
    try:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return _expiry_from_number(float(value), now=now)
        if isinstance(value, str) and value:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return now + _ASSUMED_LIFETIME


def _expiry_from_number(value: float, *, now: datetime) -> datetime:
    if value <= _LONGEST_DURATION_S:
        return now + timedelta(seconds=value)
    if value >= _EPOCH_IN_MILLISECONDS:
        value /= 1000
    return datetime.fromtimestamp(value, UTC)


def write_reception_time(moment: datetime) -> str:
    """Return a moment as ``thoiGianTiepNhan``: ``yyyyMMddHHmmss``, wall time in Việt Nam."""
    return moment.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")


def write_day(day: date) -> str:
    """Return a day as the result reads want it, ``dd/MM/yyyy``."""
    return f"{day:%d/%m/%Y}"


def read_day(value: object) -> date | None:
    """Return a day written ``dd/MM/yyyy``, ``yyyyMMdd`` or ``yyyy-MM-dd``, a time behind it ignored."""
    text = str(value).strip() if isinstance(value, int | str) else ""
    if written := _WRITTEN_DAY.match(text):
        day, month, year = (int(part) for part in written.groups())
        try:
            return date(year, month, day)
        except ValueError:
            return None
    return parse_day(text.replace("-", ""))


def is_closed(standing: object) -> bool:
    """Whether ``trangThai`` of a round or a settlement says that nothing will be added to it."""
    return str(standing).strip().lower() in _CLOSED


def read_reception_time(value: object) -> datetime | None:
    """Return ``thoiGianTiepNhan`` as an aware moment, or None when it is missing or unreadable."""
    text = str(value) if isinstance(value, int | str) else ""
    if len(text) != len("yyyyMMddHHmmss") or not text.isdecimal():
        return None
    # Sliced by hand: strptime takes a tenth of the time that sending a claim takes.
    year, month, day, hour, minute, second = (int(text[start:end]) for start, end in _RECEPTION_TIME_PARTS)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
    except ValueError:
        return None
