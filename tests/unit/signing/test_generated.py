"""What libxmlsec1 signs is accepted, of whatever shape the document is, and nothing that was changed is."""

from random import Random

import pytest

from signing.canonical import parse
from signing.demo_pki import FacilityKey
from signing.trust import TrustStore
from signing.verify import verify
from tests.differential.generated import Generator
from tests.unit.signing.documents import NOW

DOCUMENTS = 40


@pytest.mark.parametrize("seed", range(5))
def test_what_libxmlsec1_signs_is_accepted(seed: int, facility: FacilityKey, trust: TrustStore) -> None:
    generator = Generator(Random(seed))

    for _ in range(DOCUMENTS):
        data = generator.signed(facility)
        for source in (None, data):
            assert verify(parse(data), trust=trust, at=NOW, source=source).has_passed, data.decode()
