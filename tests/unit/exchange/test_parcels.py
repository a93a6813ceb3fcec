"""Parcels from anybody: good files are read, bad ones are refused one by one."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from claims.exchange.batches import FAULTS, REFUSALS
from claims.exchange.errors import BatchFault, UnusableBatch
from claims.exchange.parcels import ParcelLimits, Piece, Refusal, open_parcel

LIMITS = ParcelLimits(pieces=10, piece_bytes=1000, unpacked_bytes=5000)
GOOD = b"<x/>"


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files:
            archive.NameToInfo.pop(name if isinstance(name, str) else name.filename, None)
            archive.writestr(name, content)
    return out.getvalue()


def read(data: bytes, tmp_path: Path, limits: ParcelLimits = LIMITS, after: int = 0) -> list[Piece]:
    path = tmp_path / "parcel.zip"
    path.write_bytes(data)
    with open_parcel(path, limits) as parcel:
        return list(parcel.pieces(after=after))


def refusals(data: bytes, tmp_path: Path, limits: ParcelLimits = LIMITS) -> list[Refusal | None]:
    return [piece.refusal for piece in read(data, tmp_path, limits)]


def with_mode(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def test_files_are_read_in_their_order_and_folders_are_none(tmp_path: Path) -> None:
    data = zipped(("a/", b""), ("a/1.xml", GOOD), ("2.xml", b"\xef\xbb\xbf<y/>"))

    pieces = read(data, tmp_path)

    assert [(one.position, one.name, one.content) for one in pieces] == [
        (1, "a/1.xml", GOOD),
        (2, "2.xml", b"\xef\xbb\xbf<y/>"),
    ]
    assert read(data, tmp_path, after=1) == pieces[1:]


@pytest.mark.attack
@pytest.mark.parametrize(
    ("file", "refusal"),
    [
        pytest.param(("../a.xml", GOOD), Refusal.UNSAFE_NAME, id="leads-out"),
        pytest.param(("/etc/a.xml", GOOD), Refusal.UNSAFE_NAME, id="absolute"),
        pytest.param(("a\\..\\b.xml", GOOD), Refusal.UNSAFE_NAME, id="backslash"),
        pytest.param(("C:a.xml", GOOD), Refusal.UNSAFE_NAME, id="drive"),
        pytest.param(("a\n.xml", GOOD), Refusal.UNSAFE_NAME, id="control-character"),
        pytest.param(("a" * 256, GOOD), Refusal.UNSAFE_NAME, id="long"),
        pytest.param((with_mode("a.xml", stat.S_IFLNK | 0o777), GOOD), Refusal.NOT_A_FILE, id="link"),
        pytest.param(("a.xml", b"<" * 1001), Refusal.TOO_LARGE, id="too-large"),
        pytest.param(("a.xml", b"<" + bytes(10_000_000)), Refusal.TOO_LARGE, id="bomb"),
        pytest.param(("a.xml", zipped(("b.xml", GOOD))), Refusal.ARCHIVE, id="nested"),
        pytest.param(("a.xml.gz", b"\x1f\x8b\x08"), Refusal.ARCHIVE, id="gzip"),
        pytest.param(("a.xml", b" \n"), Refusal.EMPTY, id="empty"),
        pytest.param(("Thumbs.db", b"\xd0\xcf\x11\xe0"), Refusal.NOT_XML, id="not-xml"),
    ],
)
def test_what_is_no_bundle_is_refused_and_the_next_is_read(
    tmp_path: Path, file: tuple[str | zipfile.ZipInfo, bytes], refusal: Refusal
) -> None:
    assert refusals(zipped(file, ("good.xml", GOOD)), tmp_path) == [refusal, None]


def test_folders_may_be_written_with_a_backslash(tmp_path: Path) -> None:
    assert refusals(zipped(("thang 11\\", b""), ("thang 11\\a.xml", GOOD)), tmp_path) == [None]


@pytest.mark.attack
def test_a_name_that_comes_twice_counts_once(tmp_path: Path) -> None:
    pieces = read(zipped(("a.xml", GOOD), ("a.xml", b"<y/>")), tmp_path)

    assert [one.refusal for one in pieces] == [None, Refusal.DUPLICATE_NAME]
    assert pieces[0].content == GOOD


def unflagged(raw: bytes, extra: bytes = b"") -> bytes:
    """A ZIP file that does not say how its one name is written."""
    info = zipfile.ZipInfo("a" * len(raw))
    info.extra = extra
    return zipped((info, GOOD)).replace(b"a" * len(raw), raw)


def unicode_path(name: str, beside: bytes) -> bytes:
    path = name.encode()
    return struct.pack("<2HBL", 0x7075, 5 + len(path), 1, zlib.crc32(beside)) + path


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(unflagged("hồ sơ/bệnh án.xml".encode()), "hồ sơ/bệnh án.xml", id="utf-8"),
        pytest.param(unflagged(b"h\xf4\xcc s\xf5.xml"), "hồ sơ.xml", id="windows-1258"),
        pytest.param(
            unflagged(b"h? s?.xm\xff", unicode_path("hồ sơ.xml", b"h? s?.xm\xff")), "hồ sơ.xml", id="beside"
        ),
        pytest.param(
            unflagged(b"h\xf4.xml", unicode_path("x.xml", b"other")), "hô.xml", id="of-another-name"
        ),
    ],
)
def test_names_are_read_as_who_packed_them_wrote_them(tmp_path: Path, data: bytes, name: str) -> None:
    assert [(one.name, one.refusal) for one in read(data, tmp_path)] == [(name, None)]


@pytest.mark.attack
def test_tricks_in_such_a_name_are_refused_too(tmp_path: Path) -> None:
    disguised = unflagged(b"\xff.xml", unicode_path("../a.xml", b"\xff.xml"))

    assert refusals(disguised, tmp_path) == [Refusal.UNSAFE_NAME]


def encrypted(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02")
    return data[: at + 8] + b"\x01" + data[at + 9 :]


def claiming_little(data: bytes) -> bytes:
    """Declare one byte for a file that unpacks to many."""
    at = data.index(b"PK\x01\x02")
    return data[: at + 24] + struct.pack("<L", 1) + data[at + 28 :]


@pytest.mark.attack
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param(encrypted, Refusal.ENCRYPTED, id="encrypted"),
        pytest.param(lambda data: data.replace(GOOD, b"<z/>", 1), Refusal.DAMAGED, id="checksum"),
        pytest.param(claiming_little, Refusal.DAMAGED, id="declares-less"),
        pytest.param(lambda data: data[5:], Refusal.DAMAGED, id="beginning-lost"),
    ],
)
def test_a_file_that_is_not_as_the_directory_says_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], refusal: Refusal
) -> None:
    data = change(zipped(("a.xml", GOOD), compression=zipfile.ZIP_STORED))

    assert refusals(data, tmp_path) == [refusal]


@pytest.mark.attack
def test_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    assert refusals(zipped(("a.xml", GOOD), compression=zipfile.ZIP_LZMA), tmp_path) == [Refusal.UNSUPPORTED]


@pytest.mark.attack
def test_all_together_may_not_unpack_to_too_much(tmp_path: Path) -> None:
    data = zipped(*((f"{n}.xml", b"<" * 1000) for n in range(7)))

    assert refusals(data, tmp_path) == [None] * 5 + [Refusal.TOO_MUCH] * 2


@pytest.mark.attack
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "not-a-zip", id="nothing"),
        pytest.param(b"<x/>", "not-a-zip", id="xml"),
        pytest.param(zipped(("a", GOOD))[:-5], "not-a-zip", id="cut-off"),
        pytest.param(zipped(*((str(n), b"") for n in range(11))), "too-many-items", id="too-many"),
        pytest.param(
            b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, 2**31, 0, 0),
            "too-many-items",
            id="long-directory",
        ),
    ],
)
def test_what_is_no_parcel_is_refused_whole(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(UnusableBatch) as refused:
        read(data, tmp_path)

    assert refused.value.reason == reason


def test_every_refusal_has_a_sentence_in_both_languages() -> None:
    assert all(set(REFUSALS[refusal]) == {"vi", "en"} for refusal in Refusal)
    assert all(set(FAULTS[fault]) == {"vi", "en"} for fault in BatchFault)
