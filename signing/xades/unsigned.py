"""The unsigned properties that a verification uses: timestamps, certificates, lists and responses.

Anybody can add these. What is there must be well formed; what it proves is asked elsewhere, since each of
them is signed by somebody. Properties that are not known here are left alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0
from signing.certificates import CertificateFacts, read_der_certificate
from signing.der import NotDer
from signing.elements import (
    ID,
    Canonicalization,
    Refused,
    decode_base64,
    read_canonicalization,
    read_parts,
    read_text,
)
from signing.extensions import UNREADABLE
from signing.policy import XMLDSIG, Policy
from signing.revocation import RevocationSource, load_response
from signing.revocation_list import load_list
from signing.timestamps.messages import AlgorithmForbidden
from signing.timestamps.tokens import TimestampToken, read_token
from signing.verdict import Reason
from signing.xades import names

_CANONICALIZATION_METHOD: Final = f"{{{XMLDSIG}}}CanonicalizationMethod"
_ENCAPSULATED: Final = frozenset({"Id", "Encoding"})
_VALIDATION_DATA: Final = frozenset({"Id", "URI"})
_DER: Final = frozenset({names.DER_ENCODING})
_OF_TOKEN: Final = frozenset({names.DER_ENCODING, names.BER_ENCODING})
_MAX_TOKEN_CHARACTERS: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class TimestampPlace:
    """Where a timestamp stands, which says what it covers.

    Attributes:
        position: Which of the unsigned properties it is.
        is_archive: Whether it covers everything before it, and not just the signature value.
        canonicalization: How the elements that it covers become octets.
    """

    position: int
    is_archive: bool
    canonicalization: Canonicalization


@dataclass(frozen=True, slots=True)
class TimestampForm:
    """One timestamp of a signature: its place, which it may share, and its token."""

    place: TimestampPlace
    token: TimestampToken


@dataclass(frozen=True, slots=True)
class UnsignedForm:
    """What came along with a signature, in the order in which it was added."""

    timestamps: tuple[TimestampForm, ...] = ()
    certificates: tuple[CertificateFacts, ...] = ()
    sources: tuple[RevocationSource, ...] = ()


def read_unsigned(elements: Iterable[Element], policy: Policy) -> UnsignedForm:
    """Read the unsigned properties of a signature.

    Raises:
        Refused: One that is known here is malformed, is there too often, or is too large.
    """
    reader = _Reader(policy)
    for position, element in enumerate(elements):
        reader.read(position, element)
    return UnsignedForm(tuple(reader.timestamps), tuple(reader.certificates), tuple(reader.sources))


_Loaded = TypeVar("_Loaded")


class _Reader:
    """Reads property by property, and keeps count."""

    def __init__(self, policy: Policy) -> None:
        self.timestamps: list[TimestampForm] = []
        self.certificates: list[CertificateFacts] = []
        self.sources: list[RevocationSource] = []
        self._policy = policy
        self._bytes = 0
        self._seen: set[object] = set()

    def read(self, position: int, element: Element) -> None:
        match element.tag:
            case names.SIGNATURE_TIMESTAMP | names.ARCHIVE_TIMESTAMP:
                self._read_timestamp(position, element)
            case names.CERTIFICATE_VALUES | names.REVOCATION_VALUES:
                if element.tag in self._seen:
                    raise Refused(Reason.XADES_PROPERTY_SEVERAL)
                self._seen.add(element.tag)
                self._read_values(element)
            case names.TIMESTAMP_VALIDATION_DATA:
                for part in _read_parts(element, _VALIDATION_DATA):
                    self._read_values(part)

    def _read_timestamp(self, position: int, element: Element) -> None:
        try:
            tokens = read_parts(element, ID)
            has_method = bool(tokens) and tokens[0].tag == _CANONICALIZATION_METHOD
            canonicalization = self._read_method(tokens.pop(0) if has_method else None)
        except Refused:
            raise Refused(Reason.TIMESTAMP_MALFORMED) from None
        place = TimestampPlace(position, element.tag == names.ARCHIVE_TIMESTAMP, canonicalization)
        # EN 319 132-1, 5.1.4.3: one or more, each of them on the same octets.
        if not 1 <= len(tokens) <= self._policy.max_timestamps - len(self.timestamps):
            raise Refused(Reason.TIMESTAMP_MALFORMED)
        for each in tokens:
            self._read_token(place, each)

    def _read_token(self, place: TimestampPlace, element: Element) -> None:
        try:
            _check_tag(element, names.ENCAPSULATED_TIMESTAMP)
            token = read_token(_decode(element, _MAX_TOKEN_CHARACTERS, encodings=_OF_TOKEN))
        except AlgorithmForbidden:
            # SHA-1, mostly: whoever asked for the timestamp can ask for another one.
            raise Refused(Reason.TIMESTAMP_ALGORITHM) from None
        except (Refused, NotDer):
            raise Refused(Reason.TIMESTAMP_MALFORMED) from None
        self.timestamps.append(TimestampForm(place, token))
        for der in token.crls:
            self._add_source(load_list, der)

    def _read_method(self, element: Element | None) -> Canonicalization:
        if element is None:
            return Canonicalization(C14N_1_0)
        method = read_canonicalization(element, self._policy, otherwise=Reason.TIMESTAMP_MALFORMED)
        # Nobody lists prefixes here, and each list would ask for another form of all that is covered.
        if method.inclusive_prefixes:
            raise Refused(Reason.TIMESTAMP_MALFORMED)
        return method

    def _read_values(self, element: Element) -> None:
        allowed = _VALUES.get(element.tag)
        if allowed is None:
            raise Refused(Reason.XADES_MALFORMED)
        for part in _read_parts(element, ID):
            if part.tag not in allowed:
                raise Refused(Reason.XADES_MALFORMED)
            self._read_value(part)

    def _read_value(self, element: Element) -> None:
        match element.tag:
            case names.CRL_VALUES | names.OCSP_VALUES:
                self._read_values(element)
            case names.ENCAPSULATED_CERTIFICATE:
                self.certificates.append(self._load(read_der_certificate, self._octets(element)))
            case names.ENCAPSULATED_CRL:
                self._add_source(load_list, self._octets(element))
            case names.ENCAPSULATED_OCSP:
                self._add_source(load_response, self._octets(element))

    def _add_source(self, load: Callable[[bytes], RevocationSource], der: bytes) -> None:
        self.sources.append(self._load(load, der))

    def _load(self, load: Callable[[bytes], _Loaded], der: bytes) -> _Loaded:
        self._bytes += len(der)
        is_too_much = len(self.certificates) + len(self.sources) >= self._policy.max_evidence
        if is_too_much or self._bytes > self._policy.max_evidence_bytes:
            raise Refused(Reason.XADES_MALFORMED)
        try:
            return load(der)
        except (Refused, *UNREADABLE):
            raise Refused(Reason.XADES_MALFORMED) from None

    def _octets(self, element: Element) -> bytes:
        try:
            return _decode(element, 2 * self._policy.max_evidence_bytes)
        except Refused:
            raise Refused(Reason.XADES_MALFORMED) from None


_VALUES: Final[dict[object, frozenset[str]]] = {
    names.CERTIFICATE_VALUES: frozenset({names.ENCAPSULATED_CERTIFICATE, names.OTHER_CERTIFICATE}),
    names.REVOCATION_VALUES: frozenset({names.CRL_VALUES, names.OCSP_VALUES, names.OTHER_VALUES}),
    names.CRL_VALUES: frozenset({names.ENCAPSULATED_CRL}),
    names.OCSP_VALUES: frozenset({names.ENCAPSULATED_OCSP}),
}


def _check_tag(element: Element, tag: str) -> None:
    if element.tag != tag:
        raise Refused(Reason.XADES_MALFORMED)


def _decode(element: Element, max_length: int, *, encodings: frozenset[str] = _DER) -> bytes:
    # EN 319 132-1, 5.1.3: DER unless it says otherwise.
    if element.get("Encoding", names.DER_ENCODING) not in encodings:
        raise Refused(Reason.XADES_MALFORMED)
    return decode_base64(read_text(element, _ENCAPSULATED), max_length=max_length)


def _read_parts(element: Element, attributes: frozenset[str]) -> list[Element]:
    try:
        return read_parts(element, attributes)
    except Refused:
        raise Refused(Reason.XADES_MALFORMED) from None
