"""From the bytes of an input to the bytes of single messages.

Takes MLLP frames (0x0B … 0x1C 0x0D), batch files (FHS, BHS, BTS, FTS), files of messages with any line
end, and a list of messages. What a message says is left to `claims.emr.hl7.message`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_BOM: Final = b"\xef\xbb\xbf"
_FRAME_START: Final = 0x0B
_FRAME_END: Final = 0x1C
_BLANKS: Final = b" \t\r\n\x0b\x1c\x1a\x00"
# A header stands where a line or a frame begins, and a letter cannot separate fields.
_HEADER = re.compile(rb"(?:^|(?<=[\r\n\x0b\x1c]))[ \t]*(MSH|FHS|BHS|BTS|FTS)(?=[^A-Za-z0-9\s]|[\r\n]|$)")
_MESSAGE: Final = b"MSH"


@dataclass(frozen=True, slots=True)
class Piece:
    """One message as it came, or what stands where a message should.

    Attributes:
        number: Which message of the input it is, counted from 1.
        data: From ``MSH`` to the last segment; empty for what is no message.
        fault: A stable code of what is wrong with the frame, or empty.
    """

    number: int
    data: bytes
    fault: str = ""


def split_messages(data: bytes | Iterable[bytes]) -> Iterator[Piece]:
    """Split an input into its messages, in order of arrival; what belongs to none is a piece with a fault."""
    number = 0
    for part in (data,) if isinstance(data, bytes) else data:
        for body, fault in _messages(part.removeprefix(_BOM)):
            number += 1
            yield Piece(number, body, fault)


def _messages(data: bytes) -> Iterator[tuple[bytes, str]]:
    headers = list(_HEADER.finditer(data))
    before = data[: headers[0].start()] if headers else data
    if before.removeprefix(_BOM).strip(_BLANKS):
        yield b"", "not-a-message"
    ends = [header.start() for header in headers[1:]] + [len(data)]
    for header, end in zip(headers, ends, strict=False):
        if header[1] != _MESSAGE:
            continue
        is_framed = header.start() > 0 and data[header.start() - 1] == _FRAME_START
        frame_end = data.find(_FRAME_END, header.start(), end)
        body = data[header.start(1) : end if frame_end < 0 else frame_end]
        # A frame without an end may have lost lines, and a line that is missing is money.
        yield body.strip(_BLANKS), "frame-without-end" if is_framed and frame_end < 0 else ""
        if frame_end >= 0 and data[frame_end:end].removesuffix(_BOM).strip(_BLANKS):
            yield b"", "not-a-message"
