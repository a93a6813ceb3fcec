"""The form of qualifying properties (EN 319 132-1, 4.3): read once, strictly, into a value.

Signed properties are read as the schema has them, each mandatory one exactly once. Of what is not signed,
only its shape is asked here: anybody could have added it.
"""

import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Final, NamedTuple

from lxml.etree import _Element as Element

from signing.elements import (
    ID,
    NO_ATTRIBUTES,
    Refused,
    decode_base64,
    read_digest_algorithm,
    read_parts,
    read_text,
)
from signing.policy import XMLDSIG, Policy
from signing.verdict import Reason
from signing.xades import names

_DS: Final = f"{{{XMLDSIG}}}"
_QUALIFYING_ATTRIBUTES: Final = frozenset({"Id", "Target"})
_CERT_ATTRIBUTES: Final = frozenset({"URI"})
_FORMAT_ATTRIBUTES: Final = frozenset({"ObjectReference"})
_MAX_CERTIFICATE_REFERENCES: Final = 8
# An archive timestamp covers each of those before it, one by one, and every renewal adds two or three.
_MAX_UNSIGNED_PROPERTIES: Final = 256

#: xs:dateTime without its oddities: no year over 9999 or below 1, no 24:00, no offset beyond a day.
DATE_TIME: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_SPACED_DATE_TIME: Final = re.compile(rf"[ \t\r\n]*({DATE_TIME})[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class CertificateReference:
    """What SigningCertificate or SigningCertificateV2 says of the first certificate: the signer's.

    Attributes:
        digest_name: The hash algorithm as :mod:`hashlib` calls it.
        digest: The digest of the certificate's DER form.
        serial: Its serial number, where the older form says so.
        issuer_serial: DER of the issuer's name and the serial number (RFC 5035), where the newer form has it.
    """

    digest_name: str
    digest: bytes
    serial: int | None
    issuer_serial: bytes | None


class QualifyingProperties(NamedTuple):
    """What the properties of one signature say.

    Attributes:
        signed_properties: The element that the signature must cover.
        id: Its Id.
        signing_time: When the signer claims to have signed; None without a zone, for then nobody knows.
        certificate: The certificate that the signer says is his.
        described_references: Ids of references whose data's format is described.
        unsigned: The unsigned properties of the signature, in order.
        oddities: What is odd; whether it matters is for the policy to say.
    """

    signed_properties: Element
    id: str
    signing_time: datetime | None
    certificate: CertificateReference
    described_references: tuple[str, ...]
    unsigned: tuple[Element, ...]
    oddities: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Signed:
    """The signed properties, sorted: the mandatory ones, the formats, and whether there is one unknown."""

    known: dict[object, Element]
    formats: list[Element]
    has_unknown: bool


def read_qualifying_properties(
    element: Element, signature_id: str | None, policy: Policy
) -> QualifyingProperties:
    """Read QualifyingProperties, which must belong to the signature with this Id.

    Raises:
        Refused: Something in it is not as it must be.
    """
    parts = _read_parts(element, _QUALIFYING_ATTRIBUTES)
    # EN 319 132-1, 4.3.1: the target is the signature that the properties stand in.
    if not signature_id or element.get("Target") != f"#{signature_id}":
        raise Refused(Reason.XADES_TARGET)
    tags = [part.tag for part in parts]
    if tags not in ([names.SIGNED_PROPERTIES], [names.SIGNED_PROPERTIES, names.UNSIGNED_PROPERTIES]):
        raise Refused(Reason.XADES_MALFORMED)
    properties_id = parts[0].get("Id")
    if not properties_id:
        raise Refused(Reason.XADES_NOT_SIGNED)
    signed = _sort_signed_properties(parts[0])
    _check_policy_is_implied(signed)
    signing_time, oddities = _read_signing_time(signed)
    if not signed.formats:
        oddities.append(Reason.XADES_FORMAT_MISSING)
    if signed.has_unknown:
        oddities.append(Reason.XADES_SIGNED_PROPERTY_UNKNOWN)
    return QualifyingProperties(
        signed_properties=parts[0],
        id=properties_id,
        signing_time=signing_time,
        certificate=_read_signing_certificate(signed, policy),
        described_references=_read_formats(signed.formats),
        unsigned=_read_unsigned(parts[1]) if len(parts) > 1 else (),
        oddities=tuple(oddities),
    )


def _read_parts(element: Element, attributes: frozenset[str]) -> list[Element]:
    try:
        return read_parts(element, attributes)
    except Refused:
        raise Refused(Reason.XADES_MALFORMED) from None


def _sort_signed_properties(element: Element) -> _Signed:
    signed = _Signed({}, [], has_unknown=False)
    has_unknown = False
    groups = _read_parts(element, ID)
    allowed = [names.SIGNED_SIGNATURE_PROPERTIES, names.SIGNED_DATA_OBJECT_PROPERTIES]
    if [group.tag for group in groups] not in (allowed, allowed[:1], []):
        raise Refused(Reason.XADES_MALFORMED)
    for group in groups:
        for part in _read_parts(group, ID):
            if part.tag == names.DATA_OBJECT_FORMAT:
                signed.formats.append(part)
            elif part.tag in _ONCE:
                if part.tag in signed.known:
                    raise Refused(Reason.XADES_PROPERTY_SEVERAL)
                signed.known[part.tag] = part
            elif part.tag not in names.STATEMENTS:
                has_unknown = True
    return _Signed(signed.known, signed.formats, has_unknown)


_ONCE: Final = frozenset(
    {
        names.SIGNING_TIME,
        names.SIGNING_CERTIFICATE,
        names.SIGNING_CERTIFICATE_V2,
        names.SIGNATURE_POLICY_IDENTIFIER,
    }
)


def _read_signing_time(signed: _Signed) -> tuple[datetime | None, list[Reason]]:
    element = signed.known.get(names.SIGNING_TIME)
    if element is None:
        raise Refused(Reason.XADES_PROPERTY_MISSING)
    time = read_signing_time(_read_text(element))
    return time, [Reason.XADES_SIGNING_TIME_WITHOUT_ZONE] if time is None else []


def read_signing_time(text: str) -> datetime | None:
    """Return the time that the text of a SigningTime names; None if it names no zone.

    Raises:
        Refused: It is no time.
    """
    match = _SPACED_DATE_TIME.fullmatch(text)
    if match is None:
        raise Refused(Reason.XADES_MALFORMED)
    return read_date_time(match[1])


def read_date_time(text: str) -> datetime | None:
    """Return the time that a text of the form of :data:`DATE_TIME` names; None if it names no zone.

    Raises:
        Refused: There is no such time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(Reason.XADES_MALFORMED) from None
    # The first and the last year have hours that other zones have no name for.
    if not MINYEAR < time.year < MAXYEAR:
        raise Refused(Reason.XADES_MALFORMED)
    return None if time.tzinfo is None else time.astimezone(UTC)


def _read_text(element: Element) -> str:
    try:
        return read_text(element)
    except Refused:
        raise Refused(Reason.XADES_MALFORMED) from None


def _check_policy_is_implied(signed: _Signed) -> None:
    element = signed.known.get(names.SIGNATURE_POLICY_IDENTIFIER)
    if element is None:
        return
    parts = _read_parts(element, NO_ATTRIBUTES)
    # An explicit policy would have to be known and followed; none is.
    if [part.tag for part in parts] != [names.SIGNATURE_POLICY_IMPLIED]:
        raise Refused(Reason.XADES_POLICY_UNKNOWN)


def _read_signing_certificate(signed: _Signed, policy: Policy) -> CertificateReference:
    older = signed.known.get(names.SIGNING_CERTIFICATE)
    newer = signed.known.get(names.SIGNING_CERTIFICATE_V2)
    element = older if newer is None else newer
    if element is None:
        raise Refused(Reason.XADES_PROPERTY_MISSING)
    if older is not None and newer is not None:
        raise Refused(Reason.XADES_PROPERTY_SEVERAL)
    certificates = _read_parts(element, NO_ATTRIBUTES)
    if not 1 <= len(certificates) <= _MAX_CERTIFICATE_REFERENCES:
        raise Refused(Reason.XADES_MALFORMED)
    serial_tag = names.ISSUER_SERIAL if newer is None else names.ISSUER_SERIAL_V2
    # EN 319 132-1, 5.2.2: the first one is the signer's; the rest are read all the same, for their form.
    references = [_read_certificate_reference(part, serial_tag, policy) for part in certificates]
    return references[0]


def _read_certificate_reference(element: Element, serial_tag: str, policy: Policy) -> CertificateReference:
    parts = _read_parts(element, _CERT_ATTRIBUTES)
    tags = [part.tag for part in parts]
    if element.tag != names.CERT or tags not in ([names.CERT_DIGEST], [names.CERT_DIGEST, serial_tag]):
        raise Refused(Reason.XADES_MALFORMED)
    digest_parts = _read_parts(parts[0], NO_ATTRIBUTES)
    if [part.tag for part in digest_parts] != [f"{_DS}DigestMethod", f"{_DS}DigestValue"]:
        raise Refused(Reason.XADES_MALFORMED)
    digest_name, length = read_digest_algorithm(digest_parts[0], policy)
    digest = _read_base64(digest_parts[1])
    if len(digest) != length:
        raise Refused(Reason.XADES_MALFORMED)
    serial = _read_serial(parts[1]) if tags[1:] == [names.ISSUER_SERIAL] else None
    issuer_serial = _read_base64(parts[1]) if tags[1:] == [names.ISSUER_SERIAL_V2] else None
    return CertificateReference(digest_name, digest, serial, issuer_serial)


def _read_base64(element: Element) -> bytes:
    try:
        return decode_base64(_read_text(element))
    except Refused:
        raise Refused(Reason.XADES_MALFORMED) from None


def _read_serial(element: Element) -> int:
    parts = _read_parts(element, NO_ATTRIBUTES)
    if [part.tag for part in parts] != [f"{_DS}X509IssuerName", f"{_DS}X509SerialNumber"]:
        raise Refused(Reason.XADES_MALFORMED)
    # The issuer's name has as many spellings as there are writers; the digest says it better.
    text = _read_text(parts[1]).strip()
    # RFC 5280, 4.1.2.2: at most 20 octets, which are 49 digits.
    if not re.fullmatch(r"-?\d{1,49}", text, re.ASCII):
        raise Refused(Reason.XADES_MALFORMED)
    return int(text)


def _read_formats(elements: list[Element]) -> tuple[str, ...]:
    described: list[str] = []
    for element in elements:
        _read_parts(element, _FORMAT_ATTRIBUTES)
        target = element.get("ObjectReference") or ""
        if not target.startswith("#") or target[1:] in described:
            raise Refused(Reason.XADES_MALFORMED)
        described.append(target[1:])
    return tuple(described)


def _read_unsigned(element: Element) -> tuple[Element, ...]:
    groups = _read_parts(element, ID)
    allowed = [names.UNSIGNED_SIGNATURE_PROPERTIES, names.UNSIGNED_DATA_OBJECT_PROPERTIES]
    # The standard wants something in them; its schema does not, and some tools write nothing.
    if [group.tag for group in groups] not in (allowed, allowed[:1], allowed[1:], []):
        raise Refused(Reason.XADES_MALFORMED)
    if not groups or groups[0].tag != names.UNSIGNED_SIGNATURE_PROPERTIES:
        return ()
    properties = _read_parts(groups[0], ID)
    if len(properties) > _MAX_UNSIGNED_PROPERTIES:
        raise Refused(Reason.XADES_MALFORMED)
    return tuple(properties)
