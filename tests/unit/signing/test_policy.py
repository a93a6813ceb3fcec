"""A policy decides what is accepted, until when, and what follows from what is found."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE, parse
from signing.certificates import check_leaf, read_der_certificate
from signing.demo_pki import DemoPki, FacilityKey
from signing.demo_tsa import DemoTsa
from signing.policy import DEFAULT_POLICY, RSA_SHA256, SHA256, Policy, Severity, read_policy
from signing.pss import RSA_PSS
from signing.sign import sign_bundle
from signing.timestamps.ask import ask_timestamp
from signing.timestamps.check import check_token
from signing.timestamps.tokens import read_token
from signing.trust import TrustStore
from signing.verdict import MEANING, Indication, Reason, SubIndication, Verdict
from signing.verify import verify
from tests.unit.signing.documents import (
    BUNDLE,
    DAY,
    ENVELOPED,
    NOW,
    Recipe,
    certificate_for,
    pss_parameters,
    rsa_signing,
    sign_like,
    transform,
)
from tests.unit.signing.xades_documents import XadesRecipe, sign_xades, signing_certificate

VIETNAM = timezone(timedelta(hours=7))
TOMORROW = datetime(2026, 6, 2, tzinfo=VIETNAM)


def changed(old: str, new: str) -> Policy:
    """Return the default policy with one change to its file."""
    text = DEFAULT_POLICY.content.decode()
    assert text.count(old) == 1
    return read_policy(text.replace(old, new).encode())


def judged(
    document: bytes, trust: TrustStore, policy: Policy = DEFAULT_POLICY, at: datetime = NOW
) -> Verdict:
    return verify(parse(document), trust=trust, at=at, policy=policy)


# What the default accepts is what its file says to whoever reads it.


def test_the_default_accepts_what_is_safe_today() -> None:
    assert {uri.rpartition("#")[2] for uri in DEFAULT_POLICY.signature_algorithms} == {
        "rsa-sha256", "rsa-sha384", "rsa-sha512",
        "sha256-rsa-MGF1", "sha384-rsa-MGF1", "sha512-rsa-MGF1",
        "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512",
    }  # fmt: skip
    assert {name for name, _ in DEFAULT_POLICY.digest_algorithms.values()} == {"sha256", "sha384", "sha512"}
    assert DEFAULT_POLICY.curves == {"secp256r1", "secp384r1"}
    assert DEFAULT_POLICY.min_rsa_bits_at(NOW) == 2048
    assert DEFAULT_POLICY.ends == {}


def test_what_is_switched_off_is_refused(facility: FacilityKey, trust: TrustStore) -> None:
    signed = sign_bundle(BUNDLE, facility.signer)

    for line in ("rsa-sha256 = true #", "sha256 = true\nsha384"):
        policy = changed(line, line.replace("true", "false", 1))
        assert judged(signed, trust, policy).reasons == (Reason.SIGNATURE_ALGORITHM_FORBIDDEN,)
    policy = changed("inclusive-1_0 = true", "inclusive-1_0 = false")
    assert judged(signed, trust, policy).reasons == (Reason.SIGNATURE_ALGORITHM_FORBIDDEN,)


# End dates.

Signed = Callable[[FacilityKey, FacilityKey], bytes]


def rsa_signed(facility: FacilityKey, _: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer)


def with_exclusive_transform(facility: FacilityKey, _: FacilityKey) -> bytes:
    recipe = Recipe(document_c14n=C14N_EXCLUSIVE, transforms=ENVELOPED + transform(C14N_EXCLUSIVE))
    return sign_like(recipe, facility)


def ec_signed(_: FacilityKey, ec_facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, ec_facility.signer)


def pss_signed(facility: FacilityKey, _: FacilityKey) -> bytes:
    sign = rsa_signing(facility, hashes.SHA256(), pss=True)
    return sign_like(Recipe(algorithm=RSA_PSS, method_inside=pss_parameters(), sign=sign), facility)


ENDS = pytest.mark.parametrize(
    ("line", "sign"),
    [
        pytest.param("rsa-sha256 = true #", rsa_signed, id="signature"),
        pytest.param("rsa-pss-sha256 = true #", pss_signed, id="signature-in-other-words"),
        pytest.param("sha256 = true\nsha384", rsa_signed, id="digest"),
        pytest.param("inclusive-1_0 = true", rsa_signed, id="canonicalisation-of-signed-info"),
        pytest.param("exclusive = true", with_exclusive_transform, id="canonicalisation-as-a-transform"),
        pytest.param("ecdsa-sha256 = true", ec_signed, id="elliptic-signature"),
        pytest.param("P-256 = true", ec_signed, id="curve"),
    ],
)


@ENDS
def test_an_algorithm_is_accepted_through_its_last_day_in_vietnam(
    line: str, sign: Signed, facility: FacilityKey, ec_facility: FacilityKey, trust: TrustStore
) -> None:
    policy = changed(line, line.replace("true", "2026-06-01", 1))

    verdict = judged(sign(facility, ec_facility), trust, policy, at=TOMORROW - timedelta(microseconds=1))

    assert verdict.has_passed


@ENDS
def test_an_algorithm_is_refused_from_the_day_after(
    line: str, sign: Signed, facility: FacilityKey, ec_facility: FacilityKey, trust: TrustStore
) -> None:
    policy = changed(line, line.replace("true", "2026-06-01", 1))

    verdict = judged(sign(facility, ec_facility), trust, policy, at=TOMORROW)

    assert verdict.reasons == (Reason.SIGNATURE_ALGORITHM_ENDED,)
    assert verdict.indication is Indication.INDETERMINATE
    assert verdict.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_what_ends_for_two_reasons_is_said_once(ec_facility: FacilityKey, trust: TrustStore) -> None:
    text = DEFAULT_POLICY.content.decode().replace("P-256 = true", "P-256 = 2020-01-01")
    policy = read_policy(text.replace("ecdsa-sha256 = true", "ecdsa-sha256 = 2020-01-01").encode())

    verdict = judged(sign_bundle(BUNDLE, ec_facility.signer), trust, policy)

    assert verdict.reasons == (Reason.SIGNATURE_ALGORITHM_ENDED,)


def test_an_ended_curve_is_no_clock_either(pki: DemoPki) -> None:
    tsa = DemoTsa.create(
        pki,
        clock=lambda: NOW,
        valid_from=NOW - DAY,
        valid_to=NOW + DAY,
        key=ec.generate_private_key(ec.SECP256R1()),
    )
    token = read_token(ask_timestamp(tsa.answer, b"data"))
    trust = TrustStore(anchors=[], tsa_anchors=[pki.root], intermediates=[pki.issuing])
    policy = changed("P-256 = true", "P-256 = 2020-01-01")

    reasons = check_token(
        token, lambda name: hashlib.new(name, b"data").digest(), trust=trust, at=NOW, policy=policy
    )

    assert reasons == [Reason.TIMESTAMP_ALGORITHM]


@pytest.mark.parametrize("name", [RSA_SHA256, SHA256, C14N_1_0])
def test_without_an_end_nothing_ends(name: str) -> None:
    assert not DEFAULT_POLICY.has_ended(name, at=datetime(9000, 1, 1, tzinfo=UTC))


# How long an RSA key must be.

LATER = "rsa-min-bits-later = [{ from = 2026-06-02, bits = 3072 }, { from = 2030-01-01, bits = 4096 }]"


@pytest.mark.parametrize(
    ("at", "bits"),
    [
        (datetime(2000, 1, 1, tzinfo=UTC), 2048),
        (TOMORROW - timedelta(seconds=1), 2048),
        (TOMORROW, 3072),
        (datetime(2029, 12, 31, 23, 59, 59, tzinfo=VIETNAM), 3072),
        (datetime(2030, 1, 1, tzinfo=VIETNAM), 4096),
        (datetime(2099, 1, 1, tzinfo=UTC), 4096),
    ],
)
def test_rsa_keys_must_be_longer_from_a_day_on(at: datetime, bits: int) -> None:
    assert changed("rsa-min-bits-later = []", LATER).min_rsa_bits_at(at) == bits


def test_a_key_that_was_long_enough_yesterday_is_refused_today(
    facility: FacilityKey, trust: TrustStore
) -> None:
    policy = changed("rsa-min-bits-later = []", LATER)
    signed = sign_bundle(BUNDLE, facility.signer)

    assert judged(signed, trust, policy, at=TOMORROW - timedelta(seconds=1)).has_passed
    assert judged(signed, trust, policy, at=TOMORROW).reasons == (Reason.CERTIFICATE_RSA_TOO_SHORT,)


@pytest.mark.attack
def test_no_policy_lets_a_key_pass_that_anybody_can_factor(pki: DemoPki) -> None:
    short = rsa.RSAPublicNumbers(65537, 2**511 + 111).public_key()
    facts = read_der_certificate(certificate_for(short, issued_by=pki).public_bytes(Encoding.DER))
    policy = with_severity(Reason.CERTIFICATE_RSA_TOO_SHORT, Severity.INFORM)

    reasons = check_leaf(facts, at=NOW, policy=policy)

    assert policy.of_severity(Severity.FAIL, reasons) == (Reason.CERTIFICATE_KEY_FORBIDDEN,)


# What follows.


def with_severity(reason: Reason, severity: Severity, policy: Policy = DEFAULT_POLICY) -> Policy:
    return replace(policy, severities=MappingProxyType({**policy.severities, reason: severity}))


@dataclass(frozen=True)
class Scene:
    """A signature of which one thing is wrong that a policy may let pass."""

    document: bytes
    trust: TrustStore
    policy: Policy = DEFAULT_POLICY


@pytest.fixture(scope="module")
def scenes(pki: DemoPki, facility: FacilityKey, trust: TrustStore) -> dict[Reason, Scene]:
    short = pki.leaf("01001", valid_from=NOW - DAY, valid_to=NOW + DAY, key_size=1024)
    plain = sign_bundle(BUNDLE, facility.signer)
    without_zone = "<X:SigningTime>2026-06-01T14:59:00</X:SigningTime>"
    other_serial = signing_certificate(facility, "<X:IssuerSerialV2>MAA=</X:IssuerSerialV2>")
    xades = {
        Reason.XADES_FORMAT_MISSING: XadesRecipe(data_object_properties=""),
        Reason.XADES_SIGNED_PROPERTY_UNKNOWN: XadesRecipe(more_signature_properties="<X:Other/>"),
        Reason.XADES_SIGNING_TIME_WITHOUT_ZONE: XadesRecipe(signing_time=without_zone),
        Reason.XADES_ISSUER_SERIAL_DIFFERS: XadesRecipe(certificate=other_serial),
    }
    return {
        Reason.SIGNATURE_ALGORITHM_ENDED: Scene(
            plain, trust, changed("inclusive-1_0 = true", "inclusive-1_0 = 2020-01-01")
        ),
        Reason.CERTIFICATE_USAGE: Scene(
            plain, trust, replace(DEFAULT_POLICY, extended_key_usages=frozenset())
        ),
        Reason.CERTIFICATE_RSA_TOO_SHORT: Scene(sign_bundle(BUNDLE, short.signer), trust),
        Reason.CERTIFICATE_REVOCATION_UNKNOWN: Scene(
            plain, pki.trust_store(crls=[pki.revocation_list([], at=NOW - 30 * DAY)])
        ),
        Reason.CERTIFICATE_REVOCATION_UNCHECKED: Scene(plain, trust),
        **{reason: Scene(sign_xades(recipe, facility), trust) for reason, recipe in xades.items()},
    }


ADJUSTABLE = pytest.mark.parametrize("reason", sorted(DEFAULT_POLICY.severities))


def outcome(scene: Scene, reason: Reason, severity: Severity) -> Verdict:
    return judged(scene.document, scene.trust, with_severity(reason, severity, scene.policy))


@ADJUSTABLE
def test_what_fails_is_a_reason(reason: Reason, scenes: dict[Reason, Scene]) -> None:
    verdict = outcome(scenes[reason], reason, Severity.FAIL)

    assert verdict.reasons == (reason,)
    assert (verdict.indication, verdict.sub_indication) == MEANING[reason]
    assert verdict.content is None
    assert reason not in (*verdict.warnings, *verdict.information)


@ADJUSTABLE
def test_what_is_warned_of_passes_with_a_warning(reason: Reason, scenes: dict[Reason, Scene]) -> None:
    verdict = outcome(scenes[reason], reason, Severity.WARN)

    assert verdict.has_passed
    assert verdict.content is not None
    assert verdict.warnings == (reason,)
    assert reason not in verdict.information


@ADJUSTABLE
def test_what_informs_passes_and_is_no_warning(reason: Reason, scenes: dict[Reason, Scene]) -> None:
    verdict = outcome(scenes[reason], reason, Severity.INFORM)

    assert verdict.has_passed
    assert verdict.warnings == ()
    assert reason in verdict.information


def test_a_failed_verdict_says_its_warnings_too(facility: FacilityKey, trust: TrustStore) -> None:
    signed = sign_xades(XadesRecipe(data_object_properties=""), facility)

    verdict = judged(signed.replace(b"01001", b"01002"), trust)

    assert verdict.reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)
    assert verdict.warnings == (Reason.XADES_FORMAT_MISSING,)


def test_a_list_about_every_certificate_of_the_path_leaves_nothing_unchecked(
    facility: FacilityKey, pki: DemoPki
) -> None:
    issuing = pki.revocation_list([], at=NOW - DAY)
    root = replace(pki, issuing=pki.root, issuing_key=pki.root_key).revocation_list([], at=NOW - DAY)
    signed = sign_bundle(BUNDLE, facility.signer)

    assert judged(signed, pki.trust_store(crls=[issuing, root])).information == ()
    assert judged(signed, pki.trust_store(crls=[issuing])).information == (
        Reason.CERTIFICATE_REVOCATION_UNCHECKED,
    )
