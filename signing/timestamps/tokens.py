"""The form of a time-stamp token: CMS SignedData (RFC 5652) with one signer, as RFC 3161, 2.4.2 has it.

Reads a token once, strictly, into a value; trusts nothing.
"""

from dataclasses import dataclass
from typing import Final

from signing import der
from signing.ber import as_definite
from signing.der import NotDer, Reader, context
from signing.policy import Scheme
from signing.timestamps.messages import (
    AlgorithmForbidden,
    StampInfo,
    read_digest_identifier,
    read_stamp_info,
)

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"

_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"
_MGF1: Final = "1.2.840.113549.1.1.8"
# The scheme, and the hash algorithm that the name says.
_SIGNATURES: Final = {
    "1.2.840.113549.1.1.11": (Scheme.RSA_PKCS1, "sha256"),
    "1.2.840.113549.1.1.12": (Scheme.RSA_PKCS1, "sha384"),
    "1.2.840.113549.1.1.13": (Scheme.RSA_PKCS1, "sha512"),
    "1.2.840.10045.4.3.2": (Scheme.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (Scheme.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (Scheme.ECDSA, "sha512"),
}
_PSS_SALTS: Final = {"sha256": 32, "sha384": 48, "sha512": 64}

_SIGNED_DATA_VERSION: Final = 3
_MAX_CERTIFICATES: Final = 16
_MAX_ATTRIBUTES: Final = 32
# Usual ones have 2 to 10 KB with their certificates, and more with lists.
_MAX_BYTES: Final = 192 * 1024


@dataclass(frozen=True, slots=True)
class CertificateId:
    """How a token names its signer's certificate (RFC 5035, ESSCertID and ESSCertIDv2).

    Attributes:
        digest_name: The hash algorithm; the first form has SHA-1 alone.
        digest: The digest of the certificate.
        issuer_serial: The issuer and serial number in DER, if it says so.
    """

    digest_name: str
    digest: bytes
    issuer_serial: bytes | None


@dataclass(frozen=True, slots=True)
class TimestampToken:
    """A token whose form is right.

    Attributes:
        info: What it states.
        content: The octets of that statement.
        certificates: The certificates that came along, in DER.
        crls: The revocation lists that came along, in DER.
        issuer: The name in DER and the serial number of the signer's certificate, if it is named so.
        key_identifier: Its subject key identifier, if it is named so.
        certificate_ids: How the signed attributes name it.
        message_digest: The digest of the content that was signed.
        digest_name: The hash algorithm of that digest.
        scheme: How the signature was computed.
        signature_digest_name: The hash algorithm in it.
        signed: The octets that were signed.
        signature: The signature value.
    """

    info: StampInfo
    content: bytes
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    issuer: tuple[bytes, int] | None
    key_identifier: bytes | None
    certificate_ids: tuple[CertificateId, ...]
    message_digest: bytes
    digest_name: str
    scheme: Scheme
    signature_digest_name: str
    signed: bytes
    signature: bytes


def read_token(data: bytes) -> TimestampToken:
    """Read a TimeStampToken.

    Raises:
        AlgorithmForbidden: It was made with an algorithm that is not accepted.
        NotDer: It is none, or not as RFC 3161 wants it.
    """
    if len(data) > _MAX_BYTES:
        raise NotDer("a token larger than any that is in use")
    # RFC 5652 asks for DER of what is digested alone; older programs write the rest as BER.
    content_info = Reader.of(as_definite(data))
    _expect(content_info.object_identifier(), SIGNED_DATA)
    explicit = content_info.inside(context(0))
    content_info.end()
    signed_data = explicit.inside()
    explicit.end()
    if signed_data.integer() != _SIGNED_DATA_VERSION:
        raise NotDer("another version of SignedData")
    signed_data.inside(der.SET)  # the digest algorithms: what is used, says the signer
    content = _read_content(signed_data.inside())
    certificates = _read_all(signed_data.optional(context(0)))
    crls = _read_all(signed_data.optional(context(1)))
    signers = signed_data.inside(der.SET)
    signed_data.end()
    signer = signers.inside()
    # RFC 3161, 2.4.2: no signature but that of the authority.
    signers.end()
    return _read_signer(signer, content, certificates, crls)


def _read_content(reader: Reader) -> bytes:
    _expect(reader.object_identifier(), TST_INFO)
    explicit = reader.inside(context(0))
    content = explicit.take(der.OCTET_STRING)
    explicit.end()
    reader.end()
    return content


def _read_all(reader: Reader | None) -> tuple[bytes, ...]:
    values: list[bytes] = []
    while reader is not None and reader.tag is not None:
        # Authorities write these in any order, though DER would have them sorted; nothing depends on it.
        values.append(reader.take_whole(der.SEQUENCE))
        if len(values) > _MAX_CERTIFICATES:
            raise NotDer("too many certificates")
    return tuple(values)


def _read_signer(
    reader: Reader, content: bytes, certificates: tuple[bytes, ...], crls: tuple[bytes, ...]
) -> TimestampToken:
    version = reader.integer()
    issuer, key_identifier = _read_signer_identifier(reader, version)
    digest_name = read_digest_identifier(reader)
    attributes = reader.take_whole(context(0))
    scheme, signature_digest_name = _read_signature_algorithm(reader.inside(), digest_name)
    signature = reader.take(der.OCTET_STRING)
    reader.optional(context(1))  # unsigned attributes: anybody could have added them
    reader.end()
    # RFC 5652, 5.4: what is signed is the set with its own tag.
    signed = bytes((der.SET,)) + attributes[1:]
    values = _read_attributes(Reader.of(signed, der.SET))
    _expect(Reader(values[CONTENT_TYPE]).object_identifier(), TST_INFO)
    return TimestampToken(
        info=read_stamp_info(content),
        content=content,
        certificates=certificates,
        crls=crls,
        issuer=issuer,
        key_identifier=key_identifier,
        certificate_ids=_read_certificate_ids(values),
        message_digest=Reader(values[MESSAGE_DIGEST]).take(der.OCTET_STRING),
        digest_name=digest_name,
        scheme=scheme,
        signature_digest_name=signature_digest_name,
        signed=signed,
        signature=signature,
    )


def _read_signer_identifier(reader: Reader, version: int) -> tuple[tuple[bytes, int] | None, bytes | None]:
    # RFC 5652, 5.3: the version says which of the two it is.
    if version == 3:  # noqa: PLR2004 - a version
        return None, reader.take(context(0, constructed=False))
    if version != 1:
        raise NotDer("another version of SignerInfo")
    inside = reader.inside()
    issuer = inside.take_whole(der.SEQUENCE), inside.integer()
    inside.end()
    return issuer, None


def _read_signature_algorithm(reader: Reader, digest_name: str) -> tuple[Scheme, str]:
    identifier = reader.object_identifier()
    if identifier == _RSA_PSS:
        return Scheme.RSA_PSS, _read_pss_parameters(reader)
    if reader.tag is not None and reader.take(der.NULL):
        raise NotDer("a NULL with content")
    reader.end()
    # RFC 3370, 3.2: the bare name of RSA goes with whatever digest the signer names.
    algorithm = (Scheme.RSA_PKCS1, digest_name) if identifier == _RSA else _SIGNATURES.get(identifier)
    if algorithm is None:
        raise AlgorithmForbidden(f"signature algorithm {identifier}")
    return algorithm


def _read_pss_parameters(reader: Reader) -> str:
    """Read RSASSA-PSS-params (RFC 4055, 3.1): one hash throughout, and a salt of its length."""
    parameters = reader.inside()
    reader.end()
    digest_name = read_digest_identifier(parameters.inside(context(0)))
    mask = parameters.inside(context(1)).inside()
    _expect(mask.object_identifier(), _MGF1)
    mask_digest_name = read_digest_identifier(mask)
    salt = parameters.inside(context(2)).integer()
    parameters.end()
    if mask_digest_name != digest_name or salt != _PSS_SALTS[digest_name]:
        raise NotDer("parameters of RSASSA-PSS that are not accepted")
    return digest_name


def _read_attributes(reader: Reader) -> dict[str, bytes]:
    """Return the only value of each signed attribute, by its type."""
    values: dict[str, bytes] = {}
    while reader.tag is not None:
        attribute = reader.inside()
        identifier = attribute.object_identifier()
        inside = attribute.inside(der.SET)
        attribute.end()
        # RFC 5652, 5.3 and 11: no type twice, and those that matter have one value.
        if identifier in values or len(values) >= _MAX_ATTRIBUTES:
            raise NotDer("an attribute twice, or too many")
        values[identifier] = inside.take_whole()
        if identifier in _ATTRIBUTES:
            inside.end()
    if CONTENT_TYPE not in values or MESSAGE_DIGEST not in values:
        raise NotDer("a mandatory attribute is missing")
    return values


_ATTRIBUTES: Final = frozenset({CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2})


def _read_certificate_ids(values: dict[str, bytes]) -> tuple[CertificateId, ...]:
    """Read the first identifier of each form: that of the signer (RFC 5035, 3 and 5)."""
    found = []
    if SIGNING_CERTIFICATE in values:
        inside = Reader.of(values[SIGNING_CERTIFICATE]).inside().inside()
        found.append(_read_certificate_id(inside, "sha1"))
    if SIGNING_CERTIFICATE_V2 in values:
        inside = Reader.of(values[SIGNING_CERTIFICATE_V2]).inside().inside()
        digest_name = read_digest_identifier(inside) if inside.tag == der.SEQUENCE else "sha256"
        found.append(_read_certificate_id(inside, digest_name))
    return tuple(found)


def _read_certificate_id(reader: Reader, digest_name: str) -> CertificateId:
    digest = reader.take(der.OCTET_STRING)
    issuer_serial = reader.take_whole(der.SEQUENCE) if reader.tag == der.SEQUENCE else None
    reader.end()
    return CertificateId(digest_name, digest, issuer_serial)


def _expect(identifier: str, wanted: str) -> None:
    if identifier != wanted:
        raise NotDer(f"expected {wanted}, not {identifier}")
