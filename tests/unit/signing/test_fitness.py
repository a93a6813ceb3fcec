"""Before anything is signed, a certificate that no verifier would accept is refused, with what to do."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.demo_pki import DemoPki
from signing.errors import CannotSignFor
from signing.fitness import Fitness
from signing.keys import LocalSigner
from signing.verdict import Reason
from tests.unit.signing.documents import DAY, NOW, certificate_for

AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@pytest.mark.parametrize(
    ("extension", "bits", "days", "reason", "advice"),
    [
        (None, 2048, 40, Reason.CERTIFICATE_EXPIRED, "use the one that replaces it"),
        (None, 2048, -40, Reason.CERTIFICATE_NOT_YET_VALID, "use the present one"),
        (AUTHORITY, 2048, 0, Reason.CERTIFICATE_IS_CA, "sign with the facility's own"),
        (SERVERS, 2048, 0, Reason.CERTIFICATE_USAGE, "ask its authority for one"),
        (None, 1024, 0, Reason.CERTIFICATE_RSA_TOO_SHORT, "2048 bits or more"),
    ],
)
def test_an_unfit_certificate_signs_nothing_and_says_what_would(
    extension: x509.ExtensionType | None, bits: int, days: int, reason: Reason, advice: str, pki: DemoPki
) -> None:
    key = rsa.generate_private_key(65537, bits)
    extensions = [] if extension is None else [(extension, True)]
    certificate = certificate_for(key.public_key(), issued_by=pki, extensions=extensions)

    with pytest.raises(CannotSignFor, match=advice) as refused:
        Fitness().require(LocalSigner(certificate, key), facilities=(), at=NOW + days * DAY)

    assert refused.value.reason is reason
