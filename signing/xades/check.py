"""What the signed properties say, compared with what is there: the signer's certificate."""

import hashlib
from collections.abc import Sequence

from signing.certificates import CertificateFacts
from signing.der import INTEGER, SEQUENCE, NotDer, Reader, context
from signing.verdict import Remark
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


def remark_on(properties: QualifyingProperties, signer: CertificateFacts) -> tuple[Remark, ...]:
    """Return what is odd about the properties of a signature by this certificate."""
    # EN 319 102-1, 5.2.3.4: the digest decides; a differing issuer or serial number is worth a warning.
    if not _agrees(properties.certificate, signer):
        return (*properties.remarks, Remark.XADES_ISSUER_SERIAL_DIFFERS)
    return properties.remarks


def _agrees(reference: CertificateReference, signer: CertificateFacts) -> bool:
    if reference.serial is not None and reference.serial != signer.info.serial:
        return False
    if reference.issuer_serial is None:
        return True
    try:
        return is_issuer_serial_of(Reader.of(reference.issuer_serial), signer)
    except NotDer:
        return False


def is_issuer_serial_of(issuer_serial: Reader, certificate: CertificateFacts) -> bool:
    """Whether an IssuerSerial (RFC 5035, section 4) is that of a certificate.

    Raises:
        NotDer: It is something else.
    """
    # GeneralNames with one directoryName, [4], which is EXPLICIT because a Name is a CHOICE.
    names = issuer_serial.inside(SEQUENCE)
    issuer = names.take(context(4))
    names.end()
    serial = issuer_serial.integer(INTEGER)
    issuer_serial.end()
    return serial == certificate.info.serial and issuer == certificate.issuer_der
