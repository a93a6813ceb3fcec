"""One HL7 v2 message: delimiters, character set, segments, fields, escapes (HL7 v2.5.1, chapter 2).

What a segment means is left to others. A field is split
when somebody asks for it: most of a message is never read.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from claims.emr.hl7.errors import UnreadableMessage

NULL: Final = '""'
"""What a sender writes to say that a value is gone; an empty field says nothing (chapter 2.5.3)."""

_HEADER: Final = "MSH"
_CHARSET_FIELD: Final = 18
_CONTINUATION: Final = "ADD"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
# Numbers and times need three of the marks, and the null value the fourth.
_PRINTABLE_MARKS = re.compile(r"""[!#-*,/:-@\[-`{-~]+""")
_DEFAULT_ENCODING: Final = "^~\\&"
_TRUNCATION: Final = "#"
_PAIRS: Final = "(?:[0-9A-Fa-f]{2})"
_SWITCH = re.compile(rf"[CM]{_PAIRS}{{2,3}}")
# Sets that an escape switches to (chapter 2.7.2), by the codec in which such a switch changes nothing.
_SWITCHES: Final = {
    "iso8859-1": "C2D41", "iso8859-2": "C2D42", "iso8859-3": "C2D43", "iso8859-4": "C2D44",
    "iso8859-5": "C2D4C", "iso8859-6": "C2D47", "iso8859-7": "C2D46", "iso8859-8": "C2D48",
    "iso8859-9": "C2D4D",
}  # fmt: skip
_TO_ASCII: Final = "C2842"
_LINE_BREAKS: Final = frozenset({".br", ".sp", ".ce"})
_SILENT: Final = frozenset({"H", "N", ".in", ".ti", ".fi", ".nf", ".sk"})


class Delimiters(NamedTuple):
    """The marks that a message declares in MSH-1 and MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Segment:
    """One segment of a message; the fields are counted from 1, as in the standard."""

    __slots__ = ("fields", "message", "name", "ordinal")

    def __init__(self, message: "Message", name: str, ordinal: int, fields: list[str]) -> None:
        self.message = message
        self.name = name
        self.ordinal = ordinal
        self.fields = fields

    @property
    def place(self) -> str:
        """Return where it stands: message and segment."""
        return f"{self.message.label}/{self.name}[{self.ordinal}]"

    def raw(self, number: int) -> str:
        """Return a field as it came; empty when the segment ends before it."""
        return self.fields[number] if number < len(self.fields) else ""

    def values(self, number: int) -> list["Value"]:
        """Return the repetitions of a field that say something."""
        raw = self.raw(number)
        if not raw or raw == NULL:
            return []
        marks = self.message.delimiters
        parts = raw.split(marks.repetition) if marks.repetition else [raw]
        return [Value(part, self.message) for part in parts if part and part != NULL]

    def value(self, number: int) -> "Value":
        """Return the first repetition of a field that says something, else an empty value."""
        raw, mark = self.raw(number), self.message.delimiters.repetition
        if not mark or mark not in raw:
            return Value("" if raw == NULL else raw, self.message)
        return next(iter(self.values(number)), Value("", self.message))

    def text(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """Return one component of the first repetition of a field, without escapes and outer blanks."""
        raw = self.fields[number] if number < len(self.fields) else ""
        if not raw or raw.isalnum():
            # No mark is a letter or a digit, so this is all there is; most fields are like that.
            return raw if component == subcomponent == 1 else ""
        return self.value(number).part(component, subcomponent) if raw != NULL else ""


class Value:
    """One repetition of a field."""

    __slots__ = ("message", "raw")

    def __init__(self, raw: str, message: "Message") -> None:
        self.raw = raw
        self.message = message

    def part(self, component: int, subcomponent: int = 1) -> str:
        """Return a component, or the first subcomponent of it, without escapes and outer blanks."""
        text, marks = self.raw, self.message.delimiters
        if text.isalnum():
            return text if component == subcomponent == 1 else ""
        text = _nth(text, marks.component, component)
        text = _nth(text, marks.subcomponent, subcomponent)
        if not text or text.isalnum():
            return text
        return "" if text == NULL else self.message.unescaped(text).strip()

    def whole(self) -> str:
        """Return everything as one text: a text field may hold delimiters unescaped."""
        return "" if self.raw == NULL else self.message.unescaped(self.raw).strip()


class Message:
    """A message that could be decoded and split.

    Attributes:
        number: Which message of the input it is, counted from 1.
        charset: The codec that its text was read with.
        delimiters: The marks that it declares.
        segments: All of them, MSH first.
        stray_lines: How many lines stood in it that begin no segment, read as text of the one before.
        odd_escapes: The fields that hold an escape sequence without a meaning, which stays in their text.
        kind: Type and event as ``ADT^A01`` (MSH-9; the event from EVN-1 where MSH-9 has none).
        label: What it is called in a finding: type, event and control id (MSH-10).
    """

    __slots__ = (
        "_escape",
        "_named",
        "charset",
        "delimiters",
        "kind",
        "label",
        "number",
        "odd_escapes",
        "segments",
        "stray_lines",
    )

    def __init__(
        self, number: int, charset: str, delimiters: Delimiters, lines: Sequence[str], stray: int
    ) -> None:
        self.number = number
        self.charset = charset
        self.delimiters = delimiters
        mark = re.escape(delimiters.escape) if delimiters.escape else "(?!)"
        # A sender may escape each byte of a character on its own, so such a run is one.
        self._escape = re.compile(f"((?:{mark}X{_PAIRS}*{mark})+)|{mark}([A-Z.][A-Za-z0-9+.-]*){mark}")
        self.stray_lines = stray
        self.segments = _segments(self, lines)
        self._named: dict[str, list[Segment]] = {}
        for segment in self.segments:
            self._named.setdefault(segment.name, []).append(segment)
        header = self.segments[0]
        event = header.text(9, 2) or next((segment.text(1) for segment in self.named("EVN")), "")
        self.kind = f"{header.text(9, 1)}^{event}"
        self.label = f"{self.kind} {header.text(10) or f'#{number}'}"
        self.odd_escapes: tuple[tuple[Segment, int], ...] = ()

    @property
    def header(self) -> Segment:
        """Return MSH."""
        return self.segments[0]

    @property
    def is_admission(self) -> bool:
        """Say whether it is about admission, discharge or transfer."""
        return self.kind.startswith("ADT")

    @property
    def event(self) -> str:
        """Return the trigger event alone, as ``A01``."""
        return self.kind.partition("^")[2]

    def named(self, name: str) -> list[Segment]:
        """Return the segments of one name."""
        return self._named.get(name, [])

    def unescaped(self, text: str) -> str:
        """Replace the escape sequences of a text (chapter 2.7)."""
        marks = self.delimiters
        if not marks.escape or marks.escape not in text:
            return text
        return self._escape.sub(self._meaning, text)

    def find_escapes(self) -> Iterator[tuple[Segment, int, str, str]]:
        """Yield the escape sequences of all fields, each with what it means."""
        for segment in self.segments:
            for number, raw in enumerate(segment.fields):
                if self.delimiters.escape in raw:
                    for match in self._escape.finditer(raw):
                        yield segment, number, match[0], self._meaning(match)

    def _meaning(self, match: re.Match[str]) -> str:
        marks = self.delimiters
        if match[1]:
            return _hex_text(match[1].replace(marks.escape, "").replace("X", ""), self.charset)
        code = match[2]
        literal = {"F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition,
                   "E": marks.escape, "P": _TRUNCATION}.get(code)  # fmt: skip
        if literal is not None:
            return literal
        if code in {_TO_ASCII, _SWITCHES.get(self.charset)}:
            return ""
        command = code[:3]
        if command in _LINE_BREAKS:
            return "\n"
        return "" if command in _SILENT else match[0]


class Reading(Protocol):
    """What must be known to read a message; the options say it."""

    @property
    def charset(self) -> str:
        """Return the codec for a message whose MSH-18 is empty."""

    @property
    def charsets(self) -> Mapping[str, str]:
        """Return the codec by what MSH-18 says."""

    @property
    def max_message_bytes(self) -> int:
        """Return how large a message may be."""

    @property
    def max_segments(self) -> int:
        """Return how many segments it may have."""


def parse_message(data: bytes, *, number: int, reading: Reading) -> Message:
    """Read one message from ``MSH`` on.

    Raises:
        UnreadableMessage: Its size, delimiters, character set or characters keep it from being read.
    """
    if len(data) > reading.max_message_bytes:
        detail = f"it has more than {reading.max_message_bytes} bytes"
        raise UnreadableMessage(f"message {number}", "too-large", detail)
    marks = _delimiters(data, number)
    codec = _codec(data, marks, reading, number)
    text = _decoded(data, codec, marks, number)
    lines, stray = _lines(text, marks.field)
    if len(lines) > reading.max_segments:
        detail = f"it has more than {reading.max_segments} segments"
        raise UnreadableMessage(f"message {number}", "too-large", detail)
    message = Message(number, codec, marks, lines, stray)
    # MSH-2 declares the mark, so one of them is no escape.
    if marks.escape and text.count(marks.escape) > 1:
        _look_at_escapes(message)
    return message


def _delimiters(data: bytes, number: int) -> Delimiters:
    head = data[:12].decode("latin-1")
    separator = head[3:4]
    encoding = head[4:].partition(separator)[0] if separator else ""
    encoding = re.split(r"[\r\n]", encoding)[0][:4] or _DEFAULT_ENCODING
    marks = separator + encoding
    if not separator or not _PRINTABLE_MARKS.fullmatch(marks) or len(set(marks)) < len(marks):
        raise UnreadableMessage(
            f"message {number}",
            "bad-delimiters",
            "MSH-1 and MSH-2 must name different marks that are no letters",
        )
    component, repetition, escape, subcomponent = (*encoding, "", "", "", "")[:4]
    return Delimiters(separator, component, repetition, escape, subcomponent)


def _codec(data: bytes, marks: Delimiters, reading: Reading, number: int) -> str:
    header = re.split(rb"[\r\n]", data, maxsplit=1)[0].decode("latin-1").split(marks.field)
    # MSH-1 is the separator itself, so MSH-18 is the seventeenth part.
    said = header[_CHARSET_FIELD - 1] if len(header) >= _CHARSET_FIELD else ""
    name = (said.split(marks.repetition)[0] if marks.repetition else said).strip().upper()
    if not name or name == NULL:
        return reading.charset
    if name not in reading.charsets:
        raise UnreadableMessage(
            f"message {number}/MSH[1]-18",
            "unknown-charset",
            "the options name no codec for this character set",
        )
    return reading.charsets[name]


def _decoded(data: bytes, codec: str, marks: Delimiters, number: int) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        place = f"message {number}/{_place(data, error.start, marks)}"
        raise UnreadableMessage(place, "not-in-charset", f"the bytes are not {codec}") from None
    if not data.isascii() and len(text) == len(data) and _is_utf8(data):
        # Every byte is a character of such a set, so a wrong name makes other letters of the right ones.
        detail = (
            f"the bytes are UTF-8, not {codec} as it says: have it corrected, or name utf-8 in the mapping"
        )
        raise UnreadableMessage(f"message {number}/MSH[1]-18", "not-in-charset", detail)
    if match := _FORBIDDEN.search(text):
        start = len(text[: match.start()].encode(codec))
        place = f"message {number}/{_place(data, start, marks)}"
        raise UnreadableMessage(place, "control-character", "a control character cannot stand in a claim")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _place(data: bytes, offset: int, marks: Delimiters) -> str:
    """Say in which segment and field a byte stands."""
    before = [line for line in re.split(rb"[\r\n]+", data[:offset]) if line]
    if not before:
        return "MSH[1]"
    name = before[-1][:3].decode("latin-1")
    ordinal = sum(line.startswith(before[-1][:3]) for line in before)
    fields = before[-1].decode("latin-1").count(marks.field) + (name == _HEADER)
    return f"{name if _SEGMENT_NAME.fullmatch(name) else '???'}[{ordinal}]-{fields}"


def _lines(text: str, separator: str) -> tuple[list[str], int]:
    """Return one line for each segment, and how many lines began none and were joined to the one before."""
    joined: list[list[str]] = []
    stray = 0
    for line in text.replace("\r\n", "\r").replace("\n", "\r").split("\r"):
        if not line or line.isspace():
            continue
        if line[3:4] not in {separator, ""} or not _SEGMENT_NAME.fullmatch(line[:3]):
            stray += 1
            joined[-1].append("\n" + line)
        elif line[:3] == _CONTINUATION:
            # ADD goes on where the segment before it was cut off (chapter 2.10.2).
            joined[-1].append(line[4:])
        else:
            joined.append([line])
    return [parts[0] if len(parts) == 1 else "".join(parts) for parts in joined], stray


def _segments(message: Message, lines: Sequence[str]) -> list[Segment]:
    separator = message.delimiters.field
    counts: dict[str, int] = {}
    segments = []
    for line in lines:
        fields = line.split(separator)
        name = fields[0]
        if name == _HEADER:
            fields.insert(1, separator)
        counts[name] = ordinal = counts.get(name, 0) + 1
        segments.append(Segment(message, name, ordinal, fields))
    return segments


def _look_at_escapes(message: Message) -> None:
    """Refuse what an escape must not do, and note those that stay: such a message is looked through once."""
    odd: dict[tuple[str, int], tuple[Segment, int]] = {}
    mark = message.delimiters.escape
    for segment, number, written, meant in message.find_escapes():
        if _FORBIDDEN.search(meant):
            detail = "an escape hides a character that cannot stand"
            raise UnreadableMessage(f"{segment.place}-{number}", "control-character", detail)
        if meant == written and _SWITCH.fullmatch(written.strip(mark)):
            detail = "an escape changes to another character set, which is not read: send UTF-8"
            raise UnreadableMessage(f"{segment.place}-{number}", "not-in-charset", detail)
        if meant == written:
            odd.setdefault((segment.place, number), (segment, number))
    message.odd_escapes = tuple(odd.values())


def _hex_text(digits: str, codec: str) -> str:
    """Return the text of a hexadecimal escape; what cannot be decoded becomes a character that is refused."""
    try:
        return bytes.fromhex(digits).decode(codec).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        return "\uffff"


def _nth(text: str, mark: str, number: int) -> str:
    if not mark or mark not in text:
        return text if number == 1 else ""
    parts = text.split(mark, number)
    return parts[number - 1] if number <= len(parts) else ""
