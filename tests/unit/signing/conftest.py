"""One demo PKI and one key of each kind for all tests of signing: making RSA keys takes time."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.trust import TrustStore
from signing.verdict import Verdict
from signing.verify import verify
from tests.unit.signing.documents import DAY, NOW

Judge = Callable[[bytes], Verdict]


@pytest.fixture(scope="session")
def pki() -> DemoPki:
    return DemoPki.create(at=NOW - 100 * DAY)


@pytest.fixture(scope="session")
def facility(pki: DemoPki) -> FacilityKey:
    return pki.leaf("01001", valid_from=NOW - 30 * DAY, valid_to=NOW + 30 * DAY)


@pytest.fixture(scope="session")
def ec_facility(pki: DemoPki) -> FacilityKey:
    key = ec.generate_private_key(ec.SECP256R1())
    return pki.leaf("01002", valid_from=NOW - 30 * DAY, valid_to=NOW + 30 * DAY, key=key)


@pytest.fixture(scope="session")
def trust(pki: DemoPki) -> TrustStore:
    return pki.trust_store()


@pytest.fixture
def judge(trust: TrustStore) -> Judge:
    """Parse and verify bytes at NOW, trusting the demo PKI."""

    def verify_bytes(data: bytes) -> Verdict:
        root: Element = parse(data)
        return verify(root, trust=trust, at=NOW)

    return verify_bytes


@pytest.fixture(scope="session")
def other_facility(pki: DemoPki) -> FacilityKey:
    """Another facility's key of the same PKI."""
    return pki.leaf("01099", valid_from=NOW - 30 * DAY, valid_to=NOW + 30 * DAY)
