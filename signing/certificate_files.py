"""The certificates in a file: in PEM or DER, alone or with those of the authorities above, or as PKCS#7."""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from signing.ber import as_der
from signing.extensions import UNREADABLE, find_extension
from signing.key_files import read_marked

_PEM: Final = b"-----BEGIN"
_PEM_OF_PKCS7: Final = b"-----BEGIN PKCS7"


def find_certificates(data: bytes) -> list[x509.Certificate]:
    """Return all certificates of a file in their order, which says nothing; none where there is none."""
    data = read_marked(data)
    try:
        if _PEM_OF_PKCS7 in data:
            return pkcs7.load_pem_pkcs7_certificates(data)
        if _PEM in data:
            return x509.load_pem_x509_certificates(data)
        return _load_der(data)
    except UNREADABLE:
        return []


def find_own_certificate(data: bytes) -> x509.Certificate | None:
    """Return the certificate of a file that is no authority's, or the only one; None: there is not one."""
    found = list(dict.fromkeys(find_certificates(data)))
    own = found if len(found) == 1 else [each for each in found if not _is_authority(each)]
    return own[0] if len(own) == 1 else None


def _load_der(data: bytes) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(data)]
    except UNREADABLE:
        return pkcs7.load_der_pkcs7_certificates(as_der(data))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = find_extension(certificate.extensions, x509.BasicConstraints)
    except UNREADABLE:
        return False  # whatever it is, what is wrong is asked of it in its turn
    return constraints is not None and constraints.ca
