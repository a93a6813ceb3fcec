"""DER (X.690): a strict reader, and the few writers that timestamps need.

One value has one encoding here: definite lengths in their shortest form, integers without padding, booleans
of 0 and 255, tags of one octet. Whatever is written otherwise is refused, so that nobody reads the octets
in two ways. What the values mean is left to others.
"""

from datetime import UTC, datetime
from typing import Final, Self

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
UTF8_STRING: Final = 0x0C
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_TRUE, _FALSE = b"\xff", b"\x00"
# The seconds' place, after which a fraction may stand.
_WHOLE_SECONDS: Final = len("20260101000000")
_MICROSECOND_DIGITS: Final = 6
# Arcs below 2.25 are random numbers of 128 bits.
_MAX_ARC: Final = 2**128


class NotDer(ValueError):
    """The octets are not the DER that was expected."""


def context(number: int, *, constructed: bool = True) -> int:
    """Return the tag ``[number]`` of a specification."""
    return (0xA0 if constructed else 0x80) | number


class Reader:
    """Reads the values of one constructed value, in order.

    Every method that reads raises :class:`NotDer` if something else stands there.
    """

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        """Read these octets, which hold any number of values."""
        self._data = data
        self._at = 0

    @classmethod
    def of(cls, data: bytes, tag: int = SEQUENCE) -> Self:
        """Return a reader of what is inside the single value that these octets are."""
        outer = cls(data)
        inside = cls(outer.take(tag))
        outer.end()
        return inside

    @property
    def tag(self) -> int | None:
        """The tag of the next value; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def end(self) -> None:
        """Refuse anything that is left."""
        if self._at != len(self._data):
            raise NotDer("something follows the last value")

    def take(self, tag: int) -> bytes:
        """Return the content of the next value, which has this tag."""
        if self.tag != tag:
            raise NotDer(f"expected tag {tag:#04x}")
        start, end = self._bounds()
        self._at = end
        return self._data[start:end]

    def take_whole(self, tag: int | None = None) -> bytes:
        """Return the next value with its tag and length."""
        if self.tag is None or (tag is not None and self.tag != tag):
            raise NotDer(f"expected {'a value' if tag is None else f'tag {tag:#04x}'}")
        first = self._at
        self._at = self._bounds()[1]
        return self._data[first : self._at]

    def inside(self, tag: int = SEQUENCE) -> "Reader":
        """Return a reader of what is inside the next value."""
        return Reader(self.take(tag))

    def optional(self, tag: int) -> "Reader | None":
        """Return a reader of what is inside the next value if it has this tag."""
        return self.inside(tag) if self.tag == tag else None

    def integer(self, tag: int = INTEGER) -> int:
        """Return an INTEGER."""
        content = self.take(tag)
        is_padded = len(content) > 1 and (content[0], content[1] >> 7) in {(0x00, 0), (0xFF, 1)}
        if not content or is_padded:
            raise NotDer("an integer is not in its shortest form")
        return int.from_bytes(content, "big", signed=True)

    def boolean(self) -> bool:
        """Return a BOOLEAN."""
        content = self.take(BOOLEAN)
        if content not in {_TRUE, _FALSE}:
            raise NotDer("a boolean is neither 0 nor 255")
        return content == _TRUE

    def object_identifier(self) -> str:
        """Return an OBJECT IDENTIFIER in its dotted form."""
        return _dotted(self.take(OBJECT_IDENTIFIER))

    def generalized_time(self) -> datetime:
        """Return a GeneralizedTime, which DER has in UTC, to the microsecond."""
        return _time(self.take(GENERALIZED_TIME))

    def _bounds(self) -> tuple[int, int]:
        """Return where the content of the next value begins and ends."""
        data, at = self._data, self._at
        if data[at] & _LONG_TAG == _LONG_TAG:
            raise NotDer("a tag of several octets")
        if at + 1 >= len(data):
            raise NotDer("a value without a length")
        length, start = data[at + 1], at + 2
        if length == _LONG_LENGTH or length > _LONG_LENGTH + 4:
            raise NotDer("a length that is indefinite or too great")
        if length > _LONG_LENGTH:
            octets = data[start : start + length - _LONG_LENGTH]
            start += len(octets)
            length = int.from_bytes(octets, "big")
            if octets[:1] in {b"", b"\0"} or length < _LONG_LENGTH:
                raise NotDer("a length is not in its shortest form")
        if start + length > len(data):
            raise NotDer("a value is longer than what holds it")
        return start, start + length


def _dotted(content: bytes) -> str:
    arcs: list[int] = []
    value, is_first_octet = 0, True
    for octet in content:
        if is_first_octet and octet == _LONG_LENGTH:
            raise NotDer("an object identifier is padded")
        value = value << 7 | octet & 0x7F
        if value >= _MAX_ARC:
            raise NotDer("an object identifier is too great")
        is_first_octet = octet < _LONG_LENGTH
        if is_first_octet:
            arcs.append(value)
            value = 0
    if not arcs or not is_first_octet:
        raise NotDer("an object identifier is cut off")
    top = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (top, arcs[0] - 40 * top, *arcs[1:]))


def _time(content: bytes) -> datetime:
    # X.690, 11.7: always with seconds and Z, a fraction after a point and without trailing zeros.
    text = content.decode("ascii", "replace")
    moment, zone = text[:-1], text[-1:]
    whole, point, fraction = moment.partition(".")
    is_whole = len(whole) == _WHOLE_SECONDS and whole.isascii() and whole.isdigit()
    is_fraction = not point or (fraction.isascii() and fraction.isdigit() and not fraction.endswith("0"))
    if zone != "Z" or not is_whole or not is_fraction:
        raise NotDer("a time is not in the form of DER")
    try:
        time = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise NotDer("a time that does not exist") from None
    digits = fraction[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    return time.replace(microsecond=int(digits))


def encode(tag: int, *contents: bytes) -> bytes:
    """Return a value with this tag around these octets."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG_LENGTH:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_LENGTH | len(length))) + length + content


def sequence(*values: bytes) -> bytes:
    """Return a SEQUENCE of these values."""
    return encode(SEQUENCE, *values)


def set_of(*values: bytes) -> bytes:
    """Return a SET OF these values, in the order that DER wants."""
    return encode(SET, *sorted(values))


def integer(value: int) -> bytes:
    """Return an INTEGER."""
    magnitude = value if value >= 0 else ~value
    return encode(INTEGER, value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True))


def octet_string(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return encode(OCTET_STRING, value)


def object_identifier(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form."""
    top, second, *others = (int(arc) for arc in dotted.split("."))
    return encode(OBJECT_IDENTIFIER, *(_arc(arc) for arc in (40 * top + second, *others)))


def _arc(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(_LONG_LENGTH | value & 0x7F)
    return bytes(reversed(octets))


def generalized_time(time: datetime) -> bytes:
    """Return a GeneralizedTime of an aware time."""
    utc = time.astimezone(UTC)
    fraction = f".{utc.microsecond:06}".rstrip("0") if utc.microsecond else ""
    return encode(GENERALIZED_TIME, f"{utc:%Y%m%d%H%M%S}{fraction}Z".encode())


def boolean(value: bool) -> bytes:  # noqa: FBT001 - a boolean is what it writes
    """Return a BOOLEAN."""
    return encode(BOOLEAN, _TRUE if value else _FALSE)
