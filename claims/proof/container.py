"""The container of an archive: ASiC-E (EN 319 162-1), a zip file in one spelling alone.

Nothing is compressed, no header says anything that is not needed, every byte has its one right value: a
container is read only if writing what was read gives the same bytes again. So there is nothing to unpack that
grows, no second name, no hidden byte, and not one bit that could be changed unseen.
"""

import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from claims.proof.errors import BrokenContainer

MIMETYPE: Final = "application/vnd.etsi.asic-e+zip"
SIGNATURES: Final = "META-INF/signatures.xml"
MANIFEST: Final = "META-INF/manifest.xml"
#: The gateway takes bundles of 20 MB; what belongs to one of that size is some 70. Whoever reads an archive
#: holds it twice.
MOST_BYTES: Final = 80 * 2**20
MOST_ENTRIES: Final = 256

_MIMETYPE_ENTRY: Final = "mimetype"
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_VERSION: Final = 20
_DAY: Final = 0x21  # 1980-01-01, the first one there is: times are in what is signed
# Plain in every file system and in a URI; no part begins with a dot.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_MOST_NAME: Final = 100
_MEDIA_TYPES: Final = {
    "xml": "text/xml",
    "json": "application/json",
    "jws": "application/jose",
    "txt": "text/plain",
    "pdf": "application/pdf",
    "der": "application/octet-stream",
}


@dataclass(frozen=True, slots=True)
class _Member:
    """What headers say of a file, spelled the one way that there is."""

    name: bytes
    crc: int
    size: int

    @classmethod
    def of(cls, name: str, content: bytes) -> Self:
        return cls(name.encode(), zlib.crc32(content), len(content))

    @property
    def header(self) -> bytes:
        sizes = (self.crc, self.size, self.size, len(self.name))
        return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _DAY, *sizes, 0) + self.name

    def entry(self, offset: int) -> bytes:
        sizes = (self.crc, self.size, self.size, len(self.name))
        head = (_CENTRAL_MARK, _VERSION, _VERSION, 0, 0, 0, _DAY)
        return _CENTRAL.pack(*head, *sizes, 0, 0, 0, 0, 0, offset) + self.name


def write_container(entries: Mapping[str, bytes]) -> bytes:
    """Return the container of these entries, in their order; the mimetype is put before them.

    Raises:
        BrokenContainer: A name is not plain, or there is too much.
    """
    files = {_MIMETYPE_ENTRY: MIMETYPE.encode(), **entries}
    _check_names(files)
    members = [_Member.of(name, content) for name, content in files.items()]
    parts = [
        part
        for member, content in zip(members, files.values(), strict=True)
        for part in (member.header, content)
    ]
    directory = _directory(members)
    if sum(map(len, parts)) + len(directory) > MOST_BYTES:
        raise BrokenContainer("container.too_large")
    return b"".join([*parts, directory])


def read_container(data: bytes) -> dict[str, bytes]:
    """Return the entries of a container, in their order, without the mimetype.

    Raises:
        BrokenContainer: It is not one as `write_container` makes it.
    """
    if len(data) > MOST_BYTES:
        raise BrokenContainer("container.too_large")
    entries: dict[str, bytes] = {}
    members: list[_Member] = []
    at = 0
    for name, content, member in _members(data):
        if name in entries:
            raise BrokenContainer("container.duplicate_name", name)
        entries[name] = content
        members.append(member)
        at += len(member.header) + member.size
    if not members:
        raise BrokenContainer("container.not_zip")
    directory = _directory(members)
    if not data.endswith(directory) or len(data) != at + len(directory):
        is_cut_off = directory.startswith(data[at : at + len(directory)])
        is_cut_off = is_cut_off and len(data) < at + len(directory)
        raise BrokenContainer("container.truncated" if is_cut_off else "container.header", "directory")
    if next(iter(entries)) != _MIMETYPE_ENTRY or entries.pop(_MIMETYPE_ENTRY) != MIMETYPE.encode():
        raise BrokenContainer("container.mimetype", _MIMETYPE_ENTRY)
    _check_names({_MIMETYPE_ENTRY: b"", **entries})
    return entries


def manifest_of(entries: Mapping[str, bytes]) -> bytes:
    """Return META-INF/manifest.xml for these entries (ODF 1.2, part 3), which EN 319 162-1 allows."""
    lines = [f'  <manifest:file-entry manifest:full-path="/" manifest:media-type="{MIMETYPE}"/>']
    for name in entries:
        media_type = _MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        lines.append(
            f'  <manifest:file-entry manifest:full-path="{name}" manifest:media-type="{media_type}"/>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        'manifest:version="1.2">\n' + "\n".join(lines) + "\n</manifest:manifest>\n"
    ).encode()


def _members(data: bytes) -> Iterator[tuple[str, bytes, _Member]]:
    """Read members from the front, as one who streams does."""
    at = count = 0
    while data.startswith(_LOCAL_MARK, at):
        if len(data) - at < _LOCAL.size:
            raise BrokenContainer("container.truncated")
        _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _LOCAL.unpack_from(data, at)
        start = at + _LOCAL.size + name_size
        name = data[at + _LOCAL.size : start].decode("ascii", "replace")
        # Other programs give folders entries of their own.
        if not _is_plain(name.removesuffix("/")):
            raise BrokenContainer("container.name", repr(name[:_MOST_NAME])[1:-1])
        if method or flags or packed != size or extra_size or name.endswith("/"):
            raise BrokenContainer("container.header", name)
        content = data[start : start + size]
        if len(content) != size:
            raise BrokenContainer("container.truncated", name)
        member = _Member.of(name, content)
        if member.crc != crc:
            raise BrokenContainer("container.checksum", name)
        if member.header != data[at:start]:
            raise BrokenContainer("container.header", name)
        at = start + size
        count += 1
        if count > MOST_ENTRIES:
            raise BrokenContainer("container.too_many")
        yield name, content, member


def _directory(members: Sequence[_Member]) -> bytes:
    """Return what stands behind the files: where each is, and the end."""
    entries, offset = [], 0
    for member in members:
        entries.append(member.entry(offset))
        offset += len(member.header) + member.size
    size = sum(map(len, entries))
    end = _END.pack(_END_MARK, 0, 0, len(members), len(members), size, offset, 0)
    return b"".join([*entries, end])


def _check_names(members: Mapping[str, bytes]) -> None:
    if len(members) > MOST_ENTRIES:
        raise BrokenContainer("container.too_many")
    lowered: set[str] = set()
    for name in members:
        if not _is_plain(name):
            raise BrokenContainer("container.name", name[:_MOST_NAME])
        # Two names that one file system in two takes for one; a file where another needs a folder.
        if name.lower() in lowered:
            raise BrokenContainer("container.duplicate_name", name)
        lowered.add(name.lower())
    for name in lowered:
        parts = name.split("/")
        if any("/".join(parts[:depth]) in lowered for depth in range(1, len(parts))):
            raise BrokenContainer("container.name", name)


def _is_plain(name: str) -> bool:
    return len(name) <= _MOST_NAME and _NAME.fullmatch(name) is not None
