"""What a client and a time-stamping authority say to each other (RFC 3161, 2.4).

Builds and reads requests, responses and what a token states. Whether a token is rightly signed, and by whom,
is asked in ``signing/timestamps/check.py``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from signing import der
from signing.ber import as_der
from signing.der import NotDer, Reader, context
from signing.errors import TimestampRejected, TimestampUnusable

#: Whoever answers requests: a server behind HTTP, or one in this process. Takes and returns DER.
TimestampAuthority = Callable[[bytes], bytes]

# The hashlib names of the algorithms that an imprint may have.
_DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "2.16.840.1.101.3.4.2.1": "sha256",
        "2.16.840.1.101.3.4.2.2": "sha384",
        "2.16.840.1.101.3.4.2.3": "sha512",
    },
)
_DIGEST_SIZES: Final = {"sha256": 32, "sha384": 48, "sha512": 64}
_SHA256: Final = "2.16.840.1.101.3.4.2.1"

_GRANTED: Final = frozenset({0, 1})
_MAX_NONCE_BITS: Final = 160
_MAX_RESPONSE: Final = 256 * 1024


class AlgorithmForbidden(NotDer):
    """What was read asks for an algorithm that is not accepted."""


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """What is asked: a stamp on a digest.

    Attributes:
        digest_name: The hash algorithm as :mod:`hashlib` calls it.
        digest: The digest of what is stamped.
        nonce: A number that the answer must repeat.
        policy: The policy under which to stamp, as a dotted identifier.
        wants_certificates: Whether the token must hold the authority's certificate.
    """

    digest_name: str
    digest: bytes
    nonce: int | None = None
    policy: str | None = None
    wants_certificates: bool = True

    def encode(self) -> bytes:
        """Return the TimeStampReq in DER."""
        return der.sequence(
            der.integer(1),
            encode_imprint(self.digest_name, self.digest),
            b"" if self.policy is None else der.object_identifier(self.policy),
            b"" if self.nonce is None else der.integer(self.nonce),
            der.boolean(True) if self.wants_certificates else b"",  # noqa: FBT003 - the value that is written
        )


@dataclass(frozen=True, slots=True)
class StampInfo:
    """What a token states (TSTInfo).

    Attributes:
        policy: The policy under which it was made.
        digest_name: The hash algorithm of the imprint as :mod:`hashlib` calls it.
        digest: The imprint.
        serial: The token's number.
        time: When the authority says that it made the token.
        accuracy: By how much that may be wrong; None if it does not say.
        nonce: The number that the request held.
    """

    policy: str
    digest_name: str
    digest: bytes
    serial: int
    time: datetime
    accuracy: timedelta | None
    nonce: int | None


def read_request(data: bytes) -> TimestampRequest:
    """Read a TimeStampReq.

    Raises:
        NotDer: It is none, or has extensions, of which none is known here.
    """
    reader = Reader.of(data)
    if reader.integer() != 1:
        raise NotDer("a version other than 1")
    digest_name, digest = read_imprint(reader)
    policy = reader.object_identifier() if reader.tag == der.OBJECT_IDENTIFIER else None
    nonce = reader.integer() if reader.tag == der.INTEGER else None
    wants_certificates = reader.boolean() if reader.tag == der.BOOLEAN else False
    reader.end()
    return TimestampRequest(digest_name, digest, nonce, policy, wants_certificates)


def read_response(data: bytes) -> bytes:
    """Return the token, in DER, that a TimeStampResp holds.

    Raises:
        TimestampRejected: The authority says that it does not stamp.
        TimestampUnusable: It is no TimeStampResp, or has no token although it was granted.
    """
    if len(data) > _MAX_RESPONSE:
        raise TimestampUnusable(f"an answer of {len(data)} bytes")
    try:
        # RFC 5652 lets a token be BER; where it is kept, DER is expected.
        reader = Reader.of(as_der(data))
        _check_status(reader.inside())
        token = reader.take_whole(der.SEQUENCE)
        reader.end()
    except NotDer as error:
        raise TimestampUnusable(f"the answer is no time-stamp response: {error}") from error
    return token


def _check_status(reader: Reader) -> None:
    status = reader.integer()
    texts = reader.optional(der.SEQUENCE)
    words = []
    while texts is not None and texts.tag is not None:
        words.append(texts.take(der.UTF8_STRING).decode("utf-8", "replace"))
    failures = reader.take(der.BIT_STRING) if reader.tag == der.BIT_STRING else b"\0"
    reader.end()
    if status not in _GRANTED:
        bits = frozenset(
            8 * octet + bit
            for octet, value in enumerate(failures[1:])
            for bit in range(8)
            if value & 0x80 >> bit
        )
        raise TimestampRejected(status, bits, " ".join(words)[:200])


def read_stamp_info(data: bytes) -> StampInfo:
    """Read a TSTInfo.

    Raises:
        NotDer: It is none, or has an extension that must not be passed over.
    """
    reader = Reader.of(data)
    if reader.integer() != 1:
        raise NotDer("a version other than 1")
    policy = reader.object_identifier()
    digest_name, digest = read_imprint(reader)
    serial = reader.integer()
    time = reader.generalized_time()
    accuracy = reader.optional(der.SEQUENCE)
    if reader.tag == der.BOOLEAN and not reader.boolean():
        # X.690, 11.5: a default is left out.
        raise NotDer("a default is written")
    nonce = reader.integer() if reader.tag == der.INTEGER else None
    # The name of the authority, [0]. RFC 3161, 2.4.2: who it is, says its certificate.
    reader.optional(context(0))
    _check_extensions(reader.optional(context(1)))
    reader.end()
    return StampInfo(
        policy,
        digest_name,
        digest,
        serial,
        time,
        None if accuracy is None else _read_accuracy(accuracy),
        nonce,
    )


def encode_stamp_info(info: StampInfo) -> bytes:
    """Return a TSTInfo in DER, its accuracy in whole milliseconds."""
    accuracy = b""
    if info.accuracy is not None:
        seconds, rest = divmod(info.accuracy, timedelta(seconds=1))
        milliseconds = rest // timedelta(milliseconds=1)
        accuracy = der.sequence(
            der.integer(seconds) if seconds else b"",
            _retag(context(0, constructed=False), der.integer(milliseconds)) if milliseconds else b"",
        )
    return der.sequence(
        der.integer(1),
        der.object_identifier(info.policy),
        encode_imprint(info.digest_name, info.digest),
        der.integer(info.serial),
        der.generalized_time(info.time),
        accuracy,
        b"" if info.nonce is None else der.integer(info.nonce),
    )


def read_digest_identifier(reader: Reader) -> str:
    """Return the hashlib name of the next AlgorithmIdentifier.

    Raises:
        AlgorithmForbidden: It is none of SHA-256, SHA-384 and SHA-512.
        NotDer: It is something else, or has parameters.
    """
    inside = reader.inside()
    identifier = inside.object_identifier()
    # RFC 5754, 2: left out, or NULL.
    if inside.tag is not None and inside.take(der.NULL):
        raise NotDer("a NULL with content")
    inside.end()
    if identifier not in _DIGESTS:
        raise AlgorithmForbidden(f"hash algorithm {identifier}")
    return _DIGESTS[identifier]


def encode_digest_identifier(digest_name: str) -> bytes:
    """Return the AlgorithmIdentifier of a hash algorithm."""
    identifier = next(oid for oid, name in _DIGESTS.items() if name == digest_name)
    return der.sequence(der.object_identifier(identifier), der.encode(der.NULL))


def read_imprint(reader: Reader) -> tuple[str, bytes]:
    """Return the hashlib name and the digest of the next MessageImprint.

    Raises:
        NotDer: It is none, or its digest has another length than its algorithm makes.
    """
    inside = reader.inside()
    digest_name = read_digest_identifier(inside)
    digest = inside.take(der.OCTET_STRING)
    inside.end()
    if len(digest) != _DIGEST_SIZES[digest_name]:
        raise NotDer("a digest of another length than its algorithm makes")
    return digest_name, digest


def encode_imprint(digest_name: str, digest: bytes) -> bytes:
    """Return a MessageImprint in DER."""
    return der.sequence(encode_digest_identifier(digest_name), der.octet_string(digest))


def _read_accuracy(reader: Reader) -> timedelta:
    seconds = reader.integer() if reader.tag == der.INTEGER else 0
    milliseconds, microseconds = (_read_thousandths(reader, number) for number in (0, 1))
    reader.end()
    # A day is beyond what anybody would call accurate, and keeps the sum within what a timedelta holds.
    if not 0 <= seconds <= 86_400:  # noqa: PLR2004 - seconds of a day
        raise NotDer("an accuracy that is none")
    return timedelta(seconds=seconds, milliseconds=milliseconds, microseconds=microseconds)


def _read_thousandths(reader: Reader, number: int) -> int:
    tag = context(number, constructed=False)
    if reader.tag != tag:
        return 0
    value = reader.integer(tag)
    if not 1 <= value <= 999:  # noqa: PLR2004 - as the specification has it
        raise NotDer("an accuracy out of range")
    return value


def _check_extensions(extensions: Reader | None) -> None:
    while extensions is not None and extensions.tag is not None:
        extension = extensions.inside()
        extension.object_identifier()
        if extension.tag == der.BOOLEAN and extension.boolean():
            raise NotDer("a critical extension")
        extension.take(der.OCTET_STRING)
        extension.end()


def _retag(tag: int, value: bytes) -> bytes:
    return bytes((tag,)) + value[1:]
