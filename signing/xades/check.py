"""What the signed properties say, compared with what is there: the signer's certificate."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from signing.certificates import CertificateFacts, read_issuer_serial
from signing.der import NotDer, Reader
from signing.verdict import Reason
from signing.xades.form import QualifyingProperties


def find_named(
    properties: QualifyingProperties, certificates: Sequence[CertificateFacts]
) -> CertificateFacts | None:
    """Return the certificate that the signer says is his, if it is there."""
    named = properties.certificate
    for certificate in certificates:
        if _digest(named.digest_name, certificate.info.certificate_der) == named.digest:
            return certificate
    return None


@lru_cache(maxsize=1024)
def _digest(name: str, der: bytes) -> bytes:
    return hashlib.new(name, der).digest()


def find_oddities(properties: QualifyingProperties, signer: CertificateFacts) -> tuple[Reason, ...]:
    """Return what is odd about the properties of a signature by this certificate."""
    # EN 319 102-1, 5.2.3.4: the digest decides; a differing issuer or serial number is worth a warning.
    reference, names = properties.certificate, (signer.issuer_der, signer.info.serial)
    has_other_serial = reference.serial is not None and reference.serial != signer.info.serial
    if has_other_serial or (reference.issuer_serial is not None and _read(reference.issuer_serial) != names):
        return (*properties.oddities, Reason.XADES_ISSUER_SERIAL_DIFFERS)
    return properties.oddities


# A signer names his certificate in the same octets every time.
@lru_cache(maxsize=1024)
def _read(issuer_serial: bytes) -> tuple[bytes, int] | None:
    try:
        return read_issuer_serial(Reader.of(issuer_serial))
    except NotDer:
        return None
