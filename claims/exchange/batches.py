"""Batches: many bundles handed over at once, each with an outcome of its own; never all or nothing.

A batch is known by the digest of its bytes: the same parcel again is the same batch, and goes on where it
stopped. A chunk of pieces, their submissions and their outcomes are one transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from ulid import ULID

from claims.exchange.access.places import EVERYWHERE, Reach
from claims.exchange.errors import BatchFault, UnusableBatch
from claims.exchange.lifecycle import State
from claims.exchange.parcels import ParcelLimits, Piece, Refusal, open_parcel
from claims.exchange.ports import Clock, NewSubmission
from claims.exchange.receive import ReceiveBundle
from claims.exchange.submission import FacilityCode, SubmissionId

#: What is in memory at once: so many pieces, or those that reach so many bytes.
_CHUNK_PIECES: Final = 50
_CHUNK_BYTES: Final = 8 * 2**20


#: What a refusal means, by language.
REFUSALS: Final[Mapping[str, Mapping[str, str]]] = {
    Refusal.UNSAFE_NAME: {
        "vi": "Tên tệp không hợp lệ (đường dẫn lạ, ký tự điều khiển hoặc quá dài)",
        "en": "The file's name is not safe (path tricks, control characters, or too long)",
    },
    Refusal.DUPLICATE_NAME: {
        "vi": "Tên tệp xuất hiện hai lần; chỉ tệp đầu tiên được nhận",
        "en": "The file's name comes twice; only the first file is taken in",
    },
    Refusal.NOT_A_FILE: {"vi": "Không phải tệp thường", "en": "It is no ordinary file"},
    Refusal.ENCRYPTED: {"vi": "Tệp bị mã hóa", "en": "The file is encrypted"},
    Refusal.UNSUPPORTED: {
        "vi": "Kiểu nén không được hỗ trợ; hãy dùng Deflate hoặc không nén",
        "en": "The compression is not supported; use Deflate or none",
    },
    Refusal.TOO_LARGE: {"vi": "Tệp quá lớn", "en": "The file is too large"},
    Refusal.TOO_MUCH: {
        "vi": "Cả lô giải nén ra quá lớn; hãy chia nhỏ",
        "en": "The batch unpacks to too much; split it",
    },
    Refusal.DAMAGED: {"vi": "Tệp bị hỏng trong lô", "en": "The file is damaged within the batch"},
    Refusal.EMPTY: {"vi": "Tệp trống", "en": "The file is empty"},
    Refusal.ARCHIVE: {
        "vi": "Tệp nén nằm trong lô; hãy để hồ sơ trực tiếp trong lô",
        "en": "It is an archive inside the batch; put the bundles there themselves",
    },
    Refusal.NOT_XML: {"vi": "Không phải XML", "en": "It is no XML"},
}


#: What it means that something is no batch, by language.
FAULTS: Final[Mapping[BatchFault, Mapping[str, str]]] = {
    BatchFault.NOT_A_ZIP: {
        "vi": "Không phải tệp ZIP nguyên vẹn (đã tải lên trọn vẹn chưa?); một hồ sơ đơn lẻ thì gửi tới "
        "/v1/submissions",
        "en": "It is no whole ZIP file (was the upload cut off?); a single bundle goes to /v1/submissions",
    },
    BatchFault.NOT_MULTIPART: {
        "vi": "Nội dung multipart không đọc được, bị đứt giữa chừng, hoặc thiếu boundary",
        "en": "The multipart body cannot be read, ends in the middle, or has no boundary",
    },
    BatchFault.UNSUPPORTED_MULTIPART: {
        "vi": "Chỉ nhận multipart/form-data hoặc tệp ZIP, không nhận {kind}",
        "en": "Only multipart/form-data or a ZIP file is taken, no {kind}",
    },
    BatchFault.EMPTY: {"vi": "Lô không có tệp nào", "en": "There is no file in it"},
    BatchFault.TOO_MANY_ITEMS: {
        "vi": "Lô có hơn {most} tệp (xem /v1/limits); hãy chia nhỏ",
        "en": "There are more than {most} files in it (see /v1/limits); split it",
    },
    BatchFault.SIZE_MISMATCH: {
        "vi": "Nhận được {bytes} byte, khác với size đã khai",
        "en": "{bytes} bytes came, which is not what size says",
    },
    BatchFault.DIGEST_MISMATCH: {
        "vi": "Nội dung nhận được có SHA-256 {sha256}, khác với sha256 đã khai",
        "en": "What came has the SHA-256 {sha256}, which is not what sha256 says",
    },
}


def describe_fault(error: UnusableBatch, language: str) -> str:
    """Say why something is no batch."""
    return FAULTS[error.reason][language].format_map(error.facts)


class Outcome(StrEnum):
    """What became of a piece."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how far it has come.

    Attributes:
        total: Files in it.
        counts: How many of them had which outcome.
        finished_at: None while there are some without.
    """

    id: str
    facility: FacilityCode
    sha256: str
    size: int
    actor: str
    created_at: datetime
    total: int
    counts: dict[Outcome, int] = field(default_factory=dict)
    finished_at: datetime | None = None

    @property
    def done(self) -> int:
        """How many files had their turn."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One file of a batch and what became of it.

    Attributes:
        cause: Why it was refused.
        submission_id: Its submission, or the one that its bytes had before.
        state: Where that stands.
    """

    position: int
    name: str
    outcome: Outcome
    cause: str | None
    submission_id: SubmissionId | None
    state: State | None


class Batches(Protocol):
    """Batches and their items."""

    def add(self, batch: Batch) -> tuple[Batch, bool]:
        """Store a batch, or return the one with the same bytes; the flag says whether it is new."""
        ...

    def get(self, batch_id: str, *, within: Reach) -> Batch:
        """Return a batch.

        Raises:
            BatchNotFound: There is none within the reach.
        """
        ...

    def list_recent(self, *, within: Reach, before: str | None, limit: int) -> Sequence[Batch]:
        """Return batches within a reach, newest first."""
        ...

    def items(self, batch_id: str, *, outcome: Outcome | None, after: int, limit: int) -> Sequence[BatchItem]:
        """Return items by their position."""
        ...

    def hold(self, batch_id: str) -> AbstractContextManager[bool]:
        """Keep everybody else from working at a batch; False: somebody else does."""
        ...

    def record(
        self, batch_id: str, pieces: Sequence[tuple[Piece, NewSubmission | None]]
    ) -> Sequence[SubmissionId]:
        """Take pieces in and note what became of each, in one transaction; return the new submissions.

        A piece that is refused comes without a submission.
        """
        ...

    def finish(self, batch_id: str, *, at: datetime) -> None:
        """Note that every piece had its turn."""
        ...

    def unfinished(self) -> Sequence[str]:
        """Return the batches that are not finished."""
        ...


def new_batch_id(at: datetime) -> str:
    """Return a fresh id that sorts by time."""
    return f"bat_{ULID.from_datetime(at)}"


@dataclass(frozen=True, slots=True)
class WorkOffBatch:
    """Take a batch's pieces in, from where it stopped. Any number may try; one works."""

    batches: Batches
    receive: ReceiveBundle
    clock: Clock
    limits: ParcelLimits

    def __call__(self, batch_id: str, path: Path, *, may_go_on: Callable[[], bool] = lambda: True) -> bool:
        """Work until the end; return whether it was reached.

        Args:
            batch_id: Which batch.
            path: Where its parcel lies.
            may_go_on: Asked between chunks; what is not reached waits for the next call.
        """
        with self.batches.hold(batch_id) as is_ours:
            if not is_ours:
                return False
            batch = self.batches.get(batch_id, within=EVERYWHERE)
            if batch.finished_at is not None:
                return True
            with open_parcel(path, self.limits) as parcel:
                for chunk in _chunks(parcel.pieces(after=batch.done)):
                    taken = self.batches.record(batch_id, [(one, self._prepare(batch, one)) for one in chunk])
                    self.receive.jobs.wake_check(taken)
                    if not may_go_on():
                        return False
            self.batches.finish(batch_id, at=self.clock.now())
        return True

    def _prepare(self, batch: Batch, piece: Piece) -> NewSubmission | None:
        if piece.refusal is not None:
            return None
        return self.receive.prepare(piece.content, facility=batch.facility, actor=batch.actor)


def _chunks(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    chunk: list[Piece] = []
    size = 0
    for piece in pieces:
        chunk.append(piece)
        size += len(piece.content)
        if len(chunk) >= _CHUNK_PIECES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
