"""Every attack of the table is refused, each for its own reason, and none of them raises."""

from collections import Counter

import pytest

from signing.demo_pki import DemoPki, FacilityKey
from signing.sign import sign_bundle
from tests.unit.signing.attacks.all import FAMILIES
from tests.unit.signing.attacks.table import Attack, Family, Workshop, answers_to
from tests.unit.signing.documents import BUNDLE

pytestmark = pytest.mark.attack

ATTACKS = [
    pytest.param(attack, id=f"{family.title}, {number}: {attack.tried[:60]}")
    for family in FAMILIES
    for number, attack in enumerate(family.attacks, 1)
]


@pytest.fixture(scope="session")
def workshop(
    pki: DemoPki, facility: FacilityKey, ec_facility: FacilityKey, other_facility: FacilityKey
) -> Workshop:
    return Workshop(pki, facility, ec_facility, other_facility)


@pytest.mark.parametrize("attack", ATTACKS)
def test_is_refused(attack: Attack, workshop: Workshop) -> None:
    assert answers_to(attack, workshop) == attack.answers


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.title)
def test_every_attack_has_a_name_of_its_own(family: Family) -> None:
    names = Counter(attack.tried for attack in family.attacks)

    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("base", ["signed", "xades", "element"])
def test_what_is_attacked_passes_unchanged(base: str, workshop: Workshop) -> None:
    attack = Attack("nothing", lambda each: getattr(each, base), ())

    assert answers_to(attack, workshop) == ()


def test_different_ids_pass(workshop: Workshop) -> None:
    document = BUNDLE.replace(b"<HOSO>", b'<HOSO Id="x">').replace(b"<LOAIHOSO>", b'<LOAIHOSO Id="y">')
    attack = Attack("nothing", lambda each: sign_bundle(document, each.facility.signer), ())

    assert answers_to(attack, workshop) == ()
