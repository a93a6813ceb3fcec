"""What one zip program reads and another does not: no archive is anything but the one spelling of itself."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from claims.proof.container import MANIFEST, SIGNATURES, manifest_of, read_container, write_container
from claims.proof.errors import BrokenContainer
from claims.proof.verdict import Answer, Question
from claims.proof.verification import verify_archive
from tests.archives import Made, an_archive, later

pytestmark = pytest.mark.attack

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
BUNDLE = b"bundle.xml"


@pytest.fixture
def made() -> Made:
    return an_archive()


def _local(data: bytes, name: bytes = BUNDLE) -> int:
    """Return where the header before a file's content is."""
    return data.index(name, data.index(LOCAL)) - 30


def _central(data: bytes, name: bytes = BUNDLE) -> int:
    """Return where the directory speaks of a file."""
    return data.index(name, data.index(CENTRAL)) - 46


def _patched(data: bytes, at: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def _with_extra(data: bytes, extra: bytes) -> bytes:
    at = _local(data)
    return _patched(data[: at + 40] + extra + data[at + 40 :], at + 28, "<H", len(extra))


def _between(data: bytes) -> bytes:
    at = _local(data)
    return data[:at] + b"hidden" + data[at:]


def _before_directory(data: bytes) -> bytes:
    at, end = data.index(CENTRAL), data.index(END)
    moved = _patched(data, end + 16, "<L", at + 6)
    return moved[:at] + b"hidden" + moved[at:]


def _commented(data: bytes) -> bytes:
    return _patched(data, len(data) - 2, "<H", 6) + b"hidden"


def _descriptor(data: bytes) -> bytes:
    """Say that sizes come behind the content, and put them there."""
    at = _local(data)
    crc, size = struct.unpack_from("<L", data, at + 14)[0], struct.unpack_from("<L", data, at + 22)[0]
    end = at + 40 + size
    described = data[:end] + b"PK\7\x08" + struct.pack("<3L", crc, size, size) + data[end:]
    return _patched(_patched(described, at + 6, "<H", 8), at + 14, "<3L", 0, 0, 0)


def _zip64(data: bytes) -> bytes:
    """Say in a field of zip64 how large a file is, and in the header that it is told there."""
    at = _local(data)
    size = struct.unpack_from("<L", data, at + 22)[0]
    told = _with_extra(data, struct.pack("<2H2Q", 1, 16, size, size))
    return _patched(told, at + 18, "<2L", 0xFFFFFFFF, 0xFFFFFFFF)


def _zip64_end(data: bytes) -> bytes:
    """Lead to the directory by way of zip64, whose numbers win where somebody reads them."""
    end = data.index(END)
    count, size, offset = struct.unpack_from("<H2L", data, end + 10)
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    return data[:end] + record + locator + data[end:]


def _appended(data: bytes) -> bytes:
    """Put a whole archive of something else behind it, as one reads who begins at the end."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as container:
        container.writestr("bundle.xml", b"<other/>")
    return data + other.getvalue()


TRICKS = [
    pytest.param(lambda data: _patched(data, _central(data) + 16, "<L", 0), id="other-checksum-in-directory"),
    pytest.param(lambda data: _patched(data, _central(data) + 24, "<L", 1), id="other-size-in-directory"),
    pytest.param(lambda data: _patched(data, _central(data) + 42, "<L", 0), id="directory-points-elsewhere"),
    pytest.param(lambda data: data[: _central(data)] + data[_central(data) :].replace(BUNDLE, b"Bundle.xml"),
                 id="other-name-in-directory"),
    pytest.param(lambda data: _patched(data, _local(data) + 6, "<H", 1 << 11), id="name-said-to-be-utf-8"),
    pytest.param(lambda data: _patched(data, _local(data) + 6, "<H", 1), id="said-to-be-encrypted"),
    pytest.param(lambda data: _patched(data, _local(data) + 10, "<2H", 1, 1), id="a-time"),
    pytest.param(lambda data: _patched(data, _local(data) + 22, "<L", 1), id="two-sizes"),
    pytest.param(lambda data: _patched(data, _central(data) + 38, "<L", 0xA1FF0000), id="said-to-be-a-link"),
    pytest.param(lambda data: _patched(data, data.index(END) + 8, "<2H", 1, 1), id="said-to-hold-less"),
    pytest.param(lambda data: _patched(data, data.index(END) + 4, "<2H", 1, 1), id="said-to-be-a-part"),
    pytest.param(lambda data: _with_extra(data, b"up\6\0" + bytes(6)), id="extra-field"),
    pytest.param(_between, id="bytes-between-files"),
    pytest.param(_before_directory, id="bytes-before-the-directory"),
    pytest.param(_commented, id="comment"),
    pytest.param(_descriptor, id="sizes-behind-the-content"),
    pytest.param(_zip64, id="zip64-sizes"),
    pytest.param(_zip64_end, id="zip64-directory"),
    pytest.param(_appended, id="another-archive-behind"),
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_it_is_read_one_way_or_not_at_all(made: Made, trick: Callable[[bytes], bytes]) -> None:
    data = trick(made.data)
    assert data != made.data

    with pytest.raises(BrokenContainer):
        read_container(data)

    verdict = verify_archive(data, trust=made.trust, at=later())
    assert not verdict.holds
    assert verdict.statements[0].answer is Answer.BROKEN


@pytest.mark.parametrize(
    "name",
    ["bundle.xml\0", "bundle.xml ", "bundle.xml.", "ｂundle.xml", "bundle.xml\u200b", "bündle.xml"],
)
def test_no_name_is_like_another_one(made: Made, name: str) -> None:
    """Trailing dots and blanks go in one file system, others normalise, or end a name at NUL."""
    written = name.encode()
    at = _local(made.data)
    forged = made.data.replace(BUNDLE, written)
    forged = _patched(forged, at + 26, "<H", len(written))
    forged = _patched(forged, _central(forged, written) + 28, "<H", len(written))

    verdict = verify_archive(forged, trust=made.trust, at=later())

    assert not verdict.holds


def test_no_file_of_another_archive_passes(made: Made) -> None:
    """Each file in turn is that of an archive of the same service, which holds as well."""
    other = made.another().data
    mine, theirs = read_container(made.data), read_container(other)
    assert verify_archive(other, trust=made.trust, at=later()).holds
    different = [name for name in mine if name in theirs and mine[name] != theirs[name]]
    assert len(different) > 5

    for name in different:
        files = {**mine, name: theirs[name]}
        signatures, _ = files.pop(SIGNATURES), files.pop(MANIFEST)
        swapped = write_container({**files, MANIFEST: manifest_of(files), SIGNATURES: signatures})
        if name != MANIFEST:  # which says nothing but what is there
            assert not verify_archive(swapped, trust=made.trust, at=later()).holds, name


@pytest.mark.parametrize(
    ("part", "question"),
    [
        ("receipt", Question.DOCUMENTS),
        ("records", Question.DOCUMENTS),
        ("inclusions", Question.INCLUSION),
        ("head_timestamp", Question.TIMESTAMP),
        ("signature_report", Question.BUNDLE),
    ],
)
def test_what_belongs_to_another_submission_is_seen_though_the_service_signed_it(
    made: Made, part: str, question: Question
) -> None:
    other = made.another().contents

    mixed = made.with_contents(**{part: getattr(other, part)})

    broken = {
        each.question
        for each in verify_archive(mixed, trust=made.trust, at=later()).statements
        if each.answer is Answer.BROKEN
    }
    assert question in broken
