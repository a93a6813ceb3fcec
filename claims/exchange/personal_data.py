"""Everything held about one person, as one file: provision of data, as the law on personal data calls it.

The person is named by numbers (card, citizen, social insurance), which are not kept. Only claims that name
one of them count: numbers are not followed from claim to claim, because a newborn travels on its mother's
card. Of a bundle with several patients only the claims of this one are taken.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Protocol

from claims.bundle.contents import ReadClaim, read_contents
from claims.exchange.access.places import Reach
from claims.exchange.access.principal import Principal
from claims.exchange.access.protection import Protection
from claims.exchange.access.readings import Reading, ReadingFilter, Readings, Seen
from claims.exchange.data_requests import DataRequests, request_to_json
from claims.exchange.errors import TooMuchHeld
from claims.exchange.ports import Clock
from claims.exchange.submission import SubmissionId
from claims.localtime import local_date

#: Claims of one person in one file; nobody has as many.
MOST_CLAIMS: Final = 5_000
PAGE: Final = "personal_data"
_READINGS_AT_ONCE: Final = 500
#: Zip files know no earlier year; content decides about the bytes, not the time.
_MADE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """What is held of one claim.

    Attributes:
        body: The bundle it is in; None when it was erased.
        facts: What the service knows of the submission and the claim, as JSON.
    """

    submission_id: SubmissionId
    ordinal: int
    facility: str
    person: bytes
    classes: frozenset[str]
    body: bytes | None = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)


class HeldData(Protocol):
    """Finds what is held about a person."""

    def claims_of(self, persons: Sequence[bytes], *, within: Reach, limit: int) -> Sequence[HeldClaim]:
        """Return the claims that name one of these numbers, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class ExportPerson:
    """Make the file, and note that whoever asked has read all of it."""

    held: HeldData
    requests: DataRequests
    readings: Readings
    protection: Protection
    clock: Clock

    def __call__(self, caller: Principal, persons: Sequence[bytes]) -> bytes:
        """Return a ZIP file with what the caller's places hold about a person.

        Raises:
            TooMuchHeld: It is more than one file takes.
        """
        found = self.held.claims_of(persons, within=caller.within, limit=MOST_CLAIMS + 1)
        if len(found) > MOST_CLAIMS:
            raise TooMuchHeld(MOST_CLAIMS)
        shown = [one for one in found if not self._is_withheld(caller, one)]
        now = self.clock.now()
        # Who read before this: the file does not tell of itself, and is noted before anybody sees it.
        read = self._readings(caller, persons)
        seen = tuple(Seen(one.submission_id, one.ordinal, one.facility, one.person) for one in shown)
        self.readings.note(Reading(now, caller.id, PAGE, seen))
        requests = self.requests.of_persons(persons, within=caller.within)
        files = {
            "README.vi.txt": _readme(_VI, now, caller, len(shown), len(found) - len(shown)),
            "README.en.txt": _readme(_EN, now, caller, len(shown), len(found) - len(shown)),
            "readings.json": _json(read),
            "requests.json": _json([request_to_json(one) for one in requests]),
        }
        for one in shown:
            files[f"claims/{one.submission_id}-{one.ordinal}.json"] = _json(
                _claim_to_json(one, local_date(now))
            )
        return _zipped(files)

    def _is_withheld(self, caller: Principal, one: HeldClaim) -> bool:
        return self.protection.hides(caller, one.submission_id, facility=one.facility, classes=one.classes)

    def _readings(self, caller: Principal, persons: Sequence[bytes]) -> list[dict[str, object]]:
        which = ReadingFilter(within=caller.within, persons=tuple(persons))
        told: list[dict[str, object]] = []
        before: int | None = None
        while True:
            page = self.readings.list_page(which, limit=_READINGS_AT_ONCE, before=before)
            told += [
                {
                    "at": one.at.astimezone(UTC).isoformat(),
                    "reader": one.reader,
                    "what": one.page,
                    # A page that showed many patients: only what it showed of this one.
                    "claims": [
                        f"{each.submission_id}/{each.ordinal}"
                        for each in one.seen
                        if each.person is None or each.person in persons
                    ],
                }
                for one in page.items
            ]
            before = page.next_cursor
            if before is None:
                return told


def _claim_to_json(one: HeldClaim, today: date) -> dict[str, object]:
    return {
        "submission_id": one.submission_id,
        "claim": one.ordinal,
        "facility": one.facility,
        **one.facts,
        "tables": None if one.body is None else _tables(one.body, one.ordinal, today),
    }


def _tables(body: bytes, ordinal: int, today: date) -> dict[str, list[dict[str, str]]]:
    claim: ReadClaim | None = next(
        (each for each in read_contents(body, today=today).claims if each.number == ordinal), None
    )
    if claim is None:
        return {}
    return {str(table.kind): [dict(row.fields) for row in table.rows] for table in claim.tables}


def _readme(words: str, now: datetime, caller: Principal, shown: int, withheld: int) -> bytes:
    where = ", ".join(caller.within.codes) or "-"
    made = now.astimezone(UTC).isoformat(timespec="seconds")
    return words.format(made=made, shown=shown, withheld=withheld, where=where).encode()


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1, default=str).encode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _MADE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


_VI: Final = """DỮ LIỆU CÁ NHÂN ĐANG ĐƯỢC LƯU VỀ MỘT NGƯỜI

Lập lúc {made}, trong phạm vi: {where} (để trống là toàn quốc).
Số hồ sơ trong tệp này: {shown}. Số hồ sơ được bảo vệ đặc biệt mà người lập không có quyền xem: {withheld}.

claims/*.json    mỗi hồ sơ một tệp: nội dung các bảng, kết quả kiểm tra, diễn biến, biên nhận của cổng,
                 kết quả giám định, trao đổi giữa giám định viên và cơ sở, các lần mở cấp bách
readings.json    ai (mã người dùng hoặc mã khóa) đã xem dữ liệu, lúc nào
requests.json    các yêu cầu của người này về dữ liệu của mình và kết quả

Hồ sơ đã xóa nội dung chỉ còn dấu vết rằng hồ sơ từng tồn tại (tables: null).
Không có trong tệp: dấu băm có khóa dùng để đối chiếu (không đọc ngược được) và bản sao lưu.
Có sai sót: đề nghị chỉnh sửa tại cơ sở khám chữa bệnh đã lập hồ sơ
(khoản 1 Điều 4 Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15).
"""
_EN: Final = """PERSONAL DATA HELD ABOUT ONE PERSON

Made at {made}, within: {where} (empty is the nation).
Claims in this file: {shown}. Specially protected claims that whoever made it may not see: {withheld}.

claims/*.json    a file for each claim: what its tables say, what its check found, its history, the gateway's
                 receipt, the review, what reviewers and the facility wrote, openings for a stated reason
readings.json    who (the id of a user or key) saw the data, and when
requests.json    this person's requests about the data, and what came of them

Of a claim whose content was erased only that it existed is left (tables: null).
Not in this file: keyed digests for comparison, which cannot be read back, and backups.
If something is wrong: ask the facility that made the claim to correct it
(Law 91/2025/QH15 on Personal Data Protection, article 4, clause 1).
"""
