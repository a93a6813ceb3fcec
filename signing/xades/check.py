"""What the signed properties say, compared with what is there: the signer's certificate."""

import hashlib
from collections.abc import Sequence

from signing.certificates import CertificateFacts, is_issuer_serial_of
from signing.der import NotDer, Reader
from signing.verdict import Reason
from signing.xades.form import CertificateReference, QualifyingProperties


def find_named(
    properties: QualifyingProperties, certificates: Sequence[CertificateFacts]
) -> list[CertificateFacts]:
    """Return those certificates that the signer says are his: one, or none."""
    named = properties.certificate
    return [
        certificate
        for certificate in certificates
        if hashlib.new(named.digest_name, certificate.info.certificate_der).digest() == named.digest
    ]


def find_oddities(properties: QualifyingProperties, signer: CertificateFacts) -> tuple[Reason, ...]:
    """Return what is odd about the properties of a signature by this certificate."""
    # EN 319 102-1, 5.2.3.4: the digest decides; a differing issuer or serial number is worth a warning.
    if not _agrees(properties.certificate, signer):
        return (*properties.oddities, Reason.XADES_ISSUER_SERIAL_DIFFERS)
    return properties.oddities


def _agrees(reference: CertificateReference, signer: CertificateFacts) -> bool:
    if reference.serial is not None and reference.serial != signer.info.serial:
        return False
    if reference.issuer_serial is None:
        return True
    try:
        return is_issuer_serial_of(Reader.of(reference.issuer_serial), signer)
    except NotDer:
        return False
