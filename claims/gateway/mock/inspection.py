"""The stand-in's own judgement of a bundle: form, signature, sender, claims.

It shares the parser and the verifier with the rest and reads the envelope by itself, so that a
mistake in how the service reads one does not hide here.
"""

from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import pybase64
from lxml.etree import _Element as Element

from claims.localtime import parse_day
from signing.canonical import parse
from signing.errors import Unparsable
from signing.trust import TrustStore
from signing.verify import verify

#: Who the claim is for says that its request for payment is withdrawn.
_WITHDRAWN: Final = "8"


class NotAcceptable(Exception):
    """The bundle is refused with a result code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the stand-in reads of a bundle.

    Attributes:
        ma_lk: The episode keys of its claims.
        month: The month of settlement of the first claim, ``yyyyMM``; empty where it does not say.
        amount: What the claims ask for, in đồng; empty where they do not say.
        ended_on: The earliest day on which one of its claims ended.
        is_withdrawn: Whether it takes its claims back (``MA_DOITUONG_KCB`` 8).
    """

    ma_lk: tuple[str, ...]
    month: str = ""
    amount: str = ""
    ended_on: date | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Inspector:
    """Judges bundles by the certificates that facilities registered and the authorities it trusts."""

    trust: TrustStore
    certificates: Mapping[str, frozenset[str]]
    claims_per_file: int

    def inspect(self, bundle: bytes, *, facility: str, at: datetime) -> Inspected:
        """Return what the bundle says of its claims.

        Raises:
            NotAcceptable: The gateway would refuse it.
        """
        return self._read_claims(self._verify(bundle, facility=facility, at=at), facility)

    def inspect_check_in(self, document: bytes, *, facility: str, at: datetime) -> Inspected:
        """Return the episode keys of a check-in (XML0); raises as `inspect`."""
        root = self._verify(document, facility=facility, at=at)
        if root.tag != "CHI_TIEU_TRANG_THAI_KCB":
            raise NotAcceptable("202", "Phần tử gốc không phải CHI_TIEU_TRANG_THAI_KCB")
        rows = root.findall("DSACH_TRANG_THAI_KCB/TRANG_THAI_KCB")
        if not rows:
            raise NotAcceptable("202", "Không có TRANG_THAI_KCB")
        if any(row.findtext("MA_CSKCB", "").strip() not in {"", facility} for row in rows):
            raise NotAcceptable("202", "MA_CSKCB khác maCSKCB")
        return Inspected(tuple(row.findtext("MA_LK", "").strip() for row in rows))

    def _verify(self, bundle: bytes, *, facility: str, at: datetime) -> Element:
        if not bundle.strip():
            raise NotAcceptable("204", "XML rỗng")
        try:
            root = parse(bundle)
        except Unparsable as error:
            raise NotAcceptable("201", f"XML sai định dạng: {error.code}") from error
        verdict = verify(root, trust=self.trust, at=at, source=bundle)
        if verdict.content is None or verdict.signer is None:
            reasons = ", ".join(reason.value for reason in verdict.reasons)
            raise NotAcceptable("202", f"Chữ ký số không hợp lệ: {reasons}")
        if verdict.signer.sha256.lower() not in self.certificates.get(facility, frozenset()):
            raise NotAcceptable("403", "Chứng thư số chưa được cơ sở KBCB đăng ký")
        return verdict.content

    def _read_claims(self, root: Element, facility: str) -> Inspected:
        if root.tag != "GIAMDINHHS":
            raise NotAcceptable("202", "Phần tử gốc không phải GIAMDINHHS")
        if root.findtext("THONGTINDONVI/MACSKCB") != facility:
            raise NotAcceptable("202", "MACSKCB khác maCSKCB")
        claims = root.findall("THONGTINHOSO/DANHSACHHOSO/HOSO")
        if root.findtext("THONGTINHOSO/SOLUONGHOSO", "").strip() != str(len(claims)):
            raise NotAcceptable("202", "SOLUONGHOSO khác số HOSO")
        if not 1 <= len(claims) <= self.claims_per_file:
            raise NotAcceptable("202", f"Mỗi tệp chỉ gồm {self.claims_per_file} hồ sơ")
        summaries = [_read_summary(claim) for claim in claims]
        ended = [day for one in summaries if (day := parse_day(one.findtext("NGAY_RA", "").strip()))]
        return Inspected(
            ma_lk=tuple(one.findtext("MA_LK", "").strip() for one in summaries),
            month=_month_of(summaries[0]),
            amount=_sum(one.findtext("T_BHTT", "").strip() for one in summaries),
            ended_on=min(ended, default=None),
            is_withdrawn=all(one.findtext("MA_DOITUONG_KCB", "").strip() == _WITHDRAWN for one in summaries),
        )


def _sum(amounts: Iterable[str]) -> str:
    try:
        return str(sum((Decimal(amount) for amount in amounts), Decimal()))
    except InvalidOperation:
        return ""


def _month_of(summary: Element) -> str:
    year, month = summary.findtext("NAM_QT", "").strip(), summary.findtext("THANG_QT", "").strip()
    written = f"{year}{month:0>2}"
    return written if parse_day(f"{written}01") else summary.findtext("NGAY_RA", "").strip()[:6]


def _read_summary(claim: Element) -> Element:
    summaries = [file for file in claim.findall("FILEHOSO") if file.findtext("LOAIHOSO") == "XML1"]
    if len(summaries) != 1:
        raise NotAcceptable("202", "Hồ sơ phải có đúng một XML1")
    content = "".join(summaries[0].findtext("NOIDUNGFILE", "").split())
    try:
        table = parse(pybase64.b64decode(content, validate=True))
    except (Base64Error, ValueError) as error:
        raise NotAcceptable("202", "NOIDUNGFILE không phải Base64") from error
    except Unparsable as error:
        raise NotAcceptable("201", f"XML1 sai định dạng: {error.code}") from error
    if not table.findtext("MA_LK", "").strip():
        raise NotAcceptable("202", "Thiếu MA_LK")
    return table
