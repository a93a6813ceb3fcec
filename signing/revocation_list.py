"""A list of who is revoked, beside the octets it was read from.

Authorities have lists of 35 MB. The library keeps no octets: it writes a list anew, entry by entry, whenever
it is asked for them, or whether a key signed them. That takes a second; to find an entry, a tenth of one.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.der import SEQUENCE, Reader
from signing.extensions import UNREADABLE

# A name or an extension costs the library a hundred times its size, an entry no more than its own.
_MOST_BESIDE_ENTRIES: Final = 16 * 1024
# The sequences of a list, in order: the algorithm, the issuer's name, the entries.
_ENTRIES: Final = 3
_BEGIN: Final = b"-----BEGIN X509 CRL-----"
_PEM: Final = re.compile(_BEGIN + rb"([^-]*)-----END X509 CRL-----")


@dataclass(frozen=True, slots=True, eq=False)
class RevocationList:
    """A list of who is revoked.

    Attributes:
        crl: What it says.
        der: Its octets.
    """

    crl: x509.CertificateRevocationList
    der: bytes

    @classmethod
    def of(cls, crl: x509.CertificateRevocationList) -> Self:
        """Return a list of which the octets are not at hand."""
        return cls(crl, crl.public_bytes(serialization.Encoding.DER))

    def is_signed_by(self, key: object) -> bool:
        """Whether a key signed it."""
        signed = Reader.of(self.der).take_whole(SEQUENCE)
        try:
            algorithm = self.crl.signature_hash_algorithm
            match key, self.crl.signature_algorithm_parameters:
                case rsa.RSAPublicKey(), padding.PKCS1v15() | padding.PSS() as scheme if algorithm:
                    key.verify(self.crl.signature, signed, scheme, algorithm)
                case ec.EllipticCurvePublicKey(), ec.ECDSA() as scheme:
                    key.verify(self.crl.signature, signed, scheme)
                case _:
                    return False
        except (InvalidSignature, *UNREADABLE):
            return False
        return True


def load_list(data: bytes) -> RevocationList:
    """Load a list of who is revoked, in DER or PEM; of several in PEM the first.

    Raises:
        ValueError: It is none, or says more beside its entries than any that is in use.
    """
    found = _PEM.search(data)
    return _load_der(data) if found is None else _load_pem(found)


def load_lists(data: bytes) -> list[RevocationList]:
    """Load the lists of who is revoked that a file holds: one in DER, or any number in PEM.

    Raises:
        ValueError: One is none, or says more beside its entries than any that is in use.
    """
    found = list(_PEM.finditer(data))
    if found and data.count(_BEGIN) != len(found):
        raise ValueError("a list is cut off")
    return [_load_pem(each) for each in found] or [_load_der(data)]


def _load_pem(found: re.Match[bytes]) -> RevocationList:
    return _load_der(base64.b64decode(found[1]))


def _load_der(der: bytes) -> RevocationList:
    try:
        crl = x509.load_der_x509_crl(der)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    reader, sequences, beside = Reader.of(der).inside(), 0, 0
    while (tag := reader.tag) is not None:
        sequences += tag == SEQUENCE
        size = len(reader.take_whole())
        if tag != SEQUENCE or sequences != _ENTRIES:
            beside += size
    if beside > _MOST_BESIDE_ENTRIES:
        raise ValueError("the list says too much beside its entries")
    return RevocationList(crl, der)
