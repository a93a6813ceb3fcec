"""A time-stamping authority for demonstrations and tests, in this process: requests in, responses out.

Its certificate says that it is a demo. It stamps whatever it is sent, with the time of the clock it is given.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing import der
from signing.demo_pki import DemoPki
from signing.der import NotDer, context
from signing.keys import PrivateKey
from signing.timestamps.messages import (
    StampInfo,
    TimestampRequest,
    encode_digest_identifier,
    encode_stamp_info,
    read_request,
)
from signing.timestamps.tokens import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
)

#: An arc under which anybody may name things without asking, by a random number (ITU-T X.667).
DEMO_POLICY: Final = "2.25.85407251930484771"

_RSA_SHA256: Final = "1.2.840.113549.1.1.11"
_ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
_BAD_REQUEST: Final = 2
_UNACCEPTED_POLICY: Final = 15
_REJECTION: Final = 2


@dataclass(frozen=True, slots=True)
class DemoTsa:
    """An authority: a key, its certificate, and a clock.

    Attributes:
        certificate: The certificate that its tokens name.
        key: Its private key: RSA or elliptic curve.
        clock: What it takes for now.
        chain: Certificates that go along with its own, when they are asked for.
        policy: The policy under which it stamps.
        accuracy: What it says of its clock.
    """

    certificate: x509.Certificate
    key: PrivateKey
    clock: Callable[[], datetime]
    chain: tuple[x509.Certificate, ...] = ()
    policy: str = DEMO_POLICY
    accuracy: timedelta | None = timedelta(seconds=1)

    @classmethod
    def create(
        cls,
        pki: DemoPki,
        *,
        clock: Callable[[], datetime],
        valid_from: datetime,
        valid_to: datetime,
        key: PrivateKey | None = None,
    ) -> Self:
        """Make an authority whose certificate the demo PKI issues; an RSA key is made if none is given."""
        key = key or rsa.generate_private_key(65537, 2048)
        certificate = _issue(pki, key.public_key(), valid_from=valid_from, valid_to=valid_to)
        return cls(certificate, key, clock, chain=(pki.issuing,))

    def answer(self, request: bytes) -> bytes:
        """Return a TimeStampResp to a TimeStampReq, both in DER; what cannot be read is rejected in words."""
        try:
            asked = read_request(request)
        except NotDer as error:
            return _reject(_BAD_REQUEST, str(error))
        if asked.policy not in {None, self.policy}:
            return _reject(_UNACCEPTED_POLICY, "another policy")
        return der.sequence(der.sequence(der.integer(0)), self._stamp(asked))

    def _stamp(self, asked: TimestampRequest) -> bytes:
        now = self.clock()
        serial = int.from_bytes(hashlib.sha256(asked.digest + now.isoformat().encode()).digest()[:8], "big")
        info = StampInfo(
            self.policy, asked.digest_name, asked.digest, serial, now, self.accuracy, asked.nonce
        )
        return self.sign(encode_stamp_info(info), with_certificates=asked.wants_certificates)

    def sign(self, content: bytes, *, with_certificates: bool = True) -> bytes:
        """Return a token, in DER, with this content."""
        sent = (self.certificate, *self.chain) if with_certificates else ()
        certificates = sorted(each.public_bytes(serialization.Encoding.DER) for each in sent)
        attributes = self._attributes(content)
        is_rsa = isinstance(self.key, rsa.RSAPrivateKey)
        algorithm = der.sequence(
            der.object_identifier(_RSA_SHA256 if is_rsa else _ECDSA_SHA256),
            der.encode(der.NULL) if is_rsa else b"",
        )
        signer = der.sequence(
            der.integer(1),
            der.sequence(self.certificate.issuer.public_bytes(), der.integer(self.certificate.serial_number)),
            encode_digest_identifier("sha256"),
            bytes((context(0),)) + attributes[1:],
            algorithm,
            der.octet_string(self._value(attributes)),
        )
        signed_data = der.sequence(
            der.integer(3),
            der.set_of(encode_digest_identifier("sha256")),
            der.sequence(der.object_identifier(TST_INFO), der.encode(context(0), der.octet_string(content))),
            der.encode(context(0), *certificates) if certificates else b"",
            der.set_of(signer),
        )
        return der.sequence(der.object_identifier(SIGNED_DATA), der.encode(context(0), signed_data))

    def _attributes(self, content: bytes) -> bytes:
        own = self.certificate.public_bytes(serialization.Encoding.DER)
        identifier = der.sequence(der.octet_string(hashlib.sha256(own).digest()))
        return der.set_of(
            _attribute(CONTENT_TYPE, der.object_identifier(TST_INFO)),
            _attribute(MESSAGE_DIGEST, der.octet_string(hashlib.sha256(content).digest())),
            _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(identifier))),
        )

    def _value(self, data: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))


def _issue(
    pki: DemoPki,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    *,
    valid_from: datetime,
    valid_to: datetime,
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "eHoSo DEMO - not for production"),
            x509.NameAttribute(NameOID.COMMON_NAME, "eHoSo Demo TSA"),
        ]
    )
    issuer_key = pki.issuing_key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(pki.issuing.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid_from)
        .not_valid_after(valid_to)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        # RFC 3161, 2.3: this purpose alone, and critical.
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(pki.issuing_key, hashes.SHA256())
    )


def _attribute(identifier: str, value: bytes) -> bytes:
    return der.sequence(der.object_identifier(identifier), der.set_of(value))


def _reject(failure: int, text: str) -> bytes:
    octets = bytearray(failure // 8 + 1)
    octets[failure // 8] |= 0x80 >> failure % 8
    unused = 7 - failure % 8
    return der.sequence(
        der.sequence(
            der.integer(_REJECTION),
            der.sequence(der.encode(der.UTF8_STRING, text.encode())),
            der.encode(der.BIT_STRING, bytes((unused,)), bytes(octets)),
        )
    )
