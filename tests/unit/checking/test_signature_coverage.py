"""A claim is signed as a whole, at its place, whatever else a policy accepts of other documents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from claims.bundle.findings import Severity
from claims.checking.check import SignatureTerms
from signing.demo_pki import DemoPki, FacilityKey
from signing.policy import DEFAULT_POLICY, Policy
from signing.sign import Profile, sign_bundle
from tests.unit.checking.bundles import AT, FACILITY, a_bundle, check
from tests.unit.signing.documents import Recipe, sign_like

#: A policy that somebody wrote who thought of other documents, or meant no good.
GENEROUS = replace(
    DEFAULT_POLICY,
    signed_elements=frozenset({"GIAMDINHHS/THONGTINHOSO"}),
    containers=frozenset({"CHUKYDONVI", "CKS_BENH_VIEN", "THONGTINDONVI/CHUKYDONVI"}),
)


@pytest.fixture(scope="module")
def pki() -> DemoPki:
    return DemoPki.create(at=AT)


@pytest.fixture(scope="module")
def key(pki: DemoPki) -> FacilityKey:
    return pki.leaf(FACILITY, valid_from=AT - timedelta(days=1), valid_to=AT + timedelta(days=365))


@pytest.mark.attack
@pytest.mark.parametrize("policy", [DEFAULT_POLICY, GENEROUS], ids=["default", "generous"])
def test_a_signature_over_the_list_of_claims_alone_is_refused(
    policy: Policy, pki: DemoPki, key: FacilityKey
) -> None:
    signed = sign_bundle(a_bundle(), key.signer, profile=Profile.ELEMENT, at=AT, policy=GENEROUS)
    terms = SignatureTerms(pki.trust_store(), policy, lambda *_: True)

    report = check(signed, signature=terms, expected_facility=FACILITY)

    assert "SIGNATURE.REFERENCE_SCOPE" in {each.code for each in report.findings if each.is_blocking}
    assert report.signature is not None
    assert not report.signature.has_passed


@pytest.mark.attack
def test_a_claim_signed_at_another_place_is_refused(pki: DemoPki, key: FacilityKey) -> None:
    elsewhere = (
        a_bundle().replace(b"<CHUKYDONVI", b"<CKS_BENH_VIEN").replace(b"CHUKYDONVI>", b"CKS_BENH_VIEN>")
    )
    terms = SignatureTerms(pki.trust_store(), GENEROUS, lambda *_: True)

    report = check(sign_bundle(elsewhere, key.signer), signature=terms, expected_facility=FACILITY)

    assert "SIGNATURE.MISPLACED" in {each.code for each in report.findings if each.is_blocking}


def test_a_whole_claim_passes_under_the_generous_policy_too(pki: DemoPki, key: FacilityKey) -> None:
    terms = SignatureTerms(pki.trust_store(), GENEROUS, lambda *_: True)

    report = check(sign_bundle(a_bundle(), key.signer), signature=terms, expected_facility=FACILITY)

    assert report.signature is not None
    assert report.signature.scope == "whole-document"


def _signed_by_id(key: FacilityKey, attributes: str, uri: str) -> bytes:
    document = a_bundle().replace(b"<GIAMDINHHS", f"<GIAMDINHHS {attributes}".encode())
    return sign_like(
        Recipe(uri=f'URI="{uri}"'), key, document.replace(b"<CHUKYDONVI></CHUKYDONVI>", b"<CHUKYDONVI/>")
    )


@pytest.mark.parametrize("name", ["Id", "ID", "id", "xml:id"])
def test_the_id_that_a_signature_refers_to_is_told_and_blocks_nothing(
    name: str, pki: DemoPki, key: FacilityKey
) -> None:
    terms = SignatureTerms(pki.trust_store(), DEFAULT_POLICY, lambda *_: True)

    report = check(_signed_by_id(key, f'{name}="HS-1"', "#HS-1"), signature=terms, expected_facility=FACILITY)

    assert [(each.code, each.location.field, each.severity) for each in report.findings] == [
        ("ENV.ROOT_ID", name.removeprefix("xml:"), Severity.WARNING)
    ]


@pytest.mark.parametrize(
    ("attributes", "uri"),
    [
        pytest.param('Id="HS-1"', "", id="not-referred-to"),
        pytest.param('Id="HS-1" version="2"', "#HS-1", id="another-attribute"),
        pytest.param('Id="HS-1" xmlns:x="urn:x" x:Id="HS-2"', "#HS-1", id="another-Id"),
        pytest.param('Id="HS-1" ID="HS-2"', "#HS-1", id="another-spelling"),
    ],
)
def test_other_attributes_of_the_root_are_refused(
    attributes: str, uri: str, pki: DemoPki, key: FacilityKey
) -> None:
    terms = SignatureTerms(pki.trust_store(), DEFAULT_POLICY, lambda *_: True)

    report = check(_signed_by_id(key, attributes, uri), signature=terms, expected_facility=FACILITY)

    assert {each.code for each in report.findings if each.is_blocking} == {"ENV.ROOT"}
