"""The stand-in's own judgement of a bundle: form, signature, sender, claims.

It shares the parser and the verifier with the rest and reads the envelope by itself, so that a
mistake in how the service reads one does not hide here.
"""

from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pybase64
from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.certificates import TrustStore
from signing.errors import Unparsable
from signing.verify import verify


class NotAcceptable(Exception):
    """The bundle is refused with a result code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Inspector:
    """Judges bundles by the certificates that facilities registered and the authorities it trusts."""

    trust: TrustStore
    certificates: Mapping[str, frozenset[str]]
    claims_per_file: int

    def inspect(self, bundle: bytes, *, facility: str, at: datetime) -> tuple[str, ...]:
        """Return the episode keys of the bundle's claims.

        Raises:
            NotAcceptable: The gateway would refuse it.
        """
        if not bundle.strip():
            raise NotAcceptable("204", "XML rỗng")
        try:
            root = parse(bundle)
        except Unparsable as error:
            raise NotAcceptable("201", f"XML sai định dạng: {error.code}") from error
        verdict = verify(root, trust=self.trust, at=at)
        if verdict.content is None or verdict.signer is None:
            reasons = ", ".join(reason.value for reason in verdict.reasons)
            raise NotAcceptable("202", f"Chữ ký số không hợp lệ: {reasons}")
        if verdict.signer.sha256.lower() not in self.certificates.get(facility, frozenset()):
            raise NotAcceptable("403", "Chứng thư số chưa được cơ sở KBCB đăng ký")
        return self._read_claims(verdict.content, facility)

    def _read_claims(self, root: Element, facility: str) -> tuple[str, ...]:
        if root.tag != "GIAMDINHHS":
            raise NotAcceptable("202", "Phần tử gốc không phải GIAMDINHHS")
        if root.findtext("THONGTINDONVI/MACSKCB") != facility:
            raise NotAcceptable("202", "MACSKCB khác maCSKCB")
        claims = root.findall("THONGTINHOSO/DANHSACHHOSO/HOSO")
        if root.findtext("THONGTINHOSO/SOLUONGHOSO", "").strip() != str(len(claims)):
            raise NotAcceptable("202", "SOLUONGHOSO khác số HOSO")
        if not 1 <= len(claims) <= self.claims_per_file:
            raise NotAcceptable("202", f"Mỗi tệp chỉ gồm {self.claims_per_file} hồ sơ")
        return tuple(_read_ma_lk(claim) for claim in claims)


def _read_ma_lk(claim: Element) -> str:
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
    ma_lk = table.findtext("MA_LK", "").strip()
    if not ma_lk:
        raise NotAcceptable("202", "Thiếu MA_LK")
    return ma_lk
