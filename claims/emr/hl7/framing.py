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
_BATCH_END: Final = b"BTS"
_FILE_END: Final = b"FTS"
_BATCH: Final = b"BHS"
_OF_BATCHES: Final = frozenset({_BATCH, _BATCH_END})
_DIGITS_OF_A_COUNT: Final = 12
# What follows BTS or FTS: the separator that is declared, and the number of messages or of batches.
_COUNT = re.compile(rb"(.)[ ]*([0-9]+)[ ]*(?:\1|[\r\n]|$)")


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
    in_batch = batches = 0
    for header, end in zip(headers, ends, strict=False):
        if header[1] != _MESSAGE:
            # A message that is missing is money, too.
            trailer = data[header.end() : end]
            if header[1] == _BATCH_END and not _is_count(trailer, in_batch):
                yield b"", "batch-incomplete"
            # A file that has no batches counts who knows what.
            if header[1] == _FILE_END and batches and not _is_count(trailer, batches):
                yield b"", "file-incomplete"
            batches = batches + (header[1] == _BATCH) if header[1] in _OF_BATCHES else 0
            in_batch = 0
            continue
        in_batch += 1
        is_framed = header.start() > 0 and data[header.start() - 1] == _FRAME_START
        frame_end = data.find(_FRAME_END, header.start(), end)
        body = data[header.start(1) : end if frame_end < 0 else frame_end]
        # A frame without an end may have lost lines, and a line that is missing is money.
        yield body.strip(_BLANKS), "frame-without-end" if is_framed and frame_end < 0 else ""
        if frame_end >= 0 and data[frame_end:end].removesuffix(_BOM).strip(_BLANKS):
            yield b"", "not-a-message"


def _is_count(trailer: bytes, counted: int) -> bool:
    """Whether an end says that there were so many messages or batches, or does not say it."""
    said = _COUNT.match(trailer)
    return said is None or int(said[2][:_DIGITS_OF_A_COUNT]) == counted
