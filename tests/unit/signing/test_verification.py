"""Right signatures pass in every form that signing tools make, and the verdict says what was verified."""

import base64
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.policy import ENVELOPED_SIGNATURE, SHA256, XMLDSIG_MORE, XMLDSIG_MORE_2007, XMLENC
from signing.pss import RSA_PSS
from signing.sign import sign_bundle
from signing.trust import TrustStore
from signing.verdict import MEANING, Indication, Reason, SubIndication, failed
from signing.verify import WHOLE_DOCUMENT, verify
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import (
    BUNDLE,
    DAY,
    ENVELOPED,
    NOW,
    Recipe,
    ecdsa_signing,
    pss_parameters,
    rsa_signing,
    sign_like,
    transform,
    x509_data,
)

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
SHA384, SHA512 = f"{XMLDSIG_MORE}sha384", f"{XMLENC}sha512"
PREFIX_LIST = f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="xsi xsd"/>'
ALL_C14N = [
    pytest.param(C14N_1_0, id="inclusive-1.0"),
    pytest.param(C14N_1_1, id="inclusive-1.1"),
    pytest.param(C14N_EXCLUSIVE, id="exclusive"),
]


@pytest.mark.parametrize("prefix", [pytest.param("", id="unprefixed"), pytest.param("ds", id="prefixed")])
@pytest.mark.parametrize("signed_info", ALL_C14N)
@pytest.mark.parametrize("document", ALL_C14N)
def test_every_canonicalisation_passes(
    prefix: str, signed_info: str, document: str, facility: FacilityKey, judge: Judge
) -> None:
    recipe = Recipe(
        prefix=prefix,
        signed_info_c14n=signed_info,
        document_c14n=document,
        transforms=ENVELOPED + transform(document),
    )

    assert judge(sign_like(recipe, facility)).has_passed


@pytest.mark.parametrize("attribute", ["Id", "ID", "id", "xml:id"])
def test_the_document_may_be_covered_by_the_id_of_its_root(
    attribute: str, facility: FacilityKey, judge: Judge
) -> None:
    document = BUNDLE.replace(b"<GIAMDINHHS ", f'<GIAMDINHHS {attribute}="root" '.encode())
    signed = sign_like(Recipe(uri='URI="#root"'), facility, document)

    assert judge(signed).scope == WHOLE_DOCUMENT
    assert judge(signed.replace(b"01001", b"01002")).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_an_id_covers_nothing_beside_the_root(facility: FacilityKey, judge: Judge) -> None:
    document = BUNDLE.replace(b"<GIAMDINHHS ", b'<?x?><GIAMDINHHS Id="root" ')
    signed = sign_like(Recipe(uri='URI="#root"'), facility, document)

    assert judge(signed).reasons == (Reason.SIGNATURE_REFERENCE_SCOPE,)


def test_a_prefix_list_passes(facility: FacilityKey, judge: Judge) -> None:
    # With both of the root's prefixes listed, the exclusive form of the document is the inclusive one.
    recipe = Recipe(document_c14n=C14N_1_0, transforms=ENVELOPED + transform(C14N_EXCLUSIVE, PREFIX_LIST))

    assert judge(sign_like(recipe, facility)).has_passed


def test_the_prefix_list_that_xml_crypto_writes_twice_passes(facility: FacilityKey, judge: Judge) -> None:
    bare = PREFIX_LIST.replace(C14N_EXCLUSIVE, ENVELOPED_SIGNATURE)
    recipe = Recipe(transforms=transform(ENVELOPED_SIGNATURE, bare) + transform(C14N_1_0))

    assert judge(sign_like(recipe, facility)).has_passed


def test_a_document_covered_as_eu_dss_does_passes(facility: FacilityKey, judge: Judge) -> None:
    without = transform(XPATH, "<P:XPath>not(ancestor-or-self::P:Signature)</P:XPath>")
    recipe = Recipe(
        prefix="ds",
        uri='Id="r" Type="" URI=""',
        document_c14n=C14N_EXCLUSIVE,
        transforms=without + transform(C14N_EXCLUSIVE),
    )
    signed = sign_like(recipe, facility)

    assert judge(signed).has_passed
    assert judge(signed.replace(b"01001", b"01002")).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


@pytest.mark.parametrize(
    ("algorithm", "hash_algorithm", "pss"),
    [
        pytest.param(f"{XMLDSIG_MORE}rsa-sha384", hashes.SHA384(), False, id="rsa-sha384"),
        pytest.param(f"{XMLDSIG_MORE}rsa-sha512", hashes.SHA512(), False, id="rsa-sha512"),
        pytest.param(f"{XMLDSIG_MORE_2007}sha256-rsa-MGF1", hashes.SHA256(), True, id="pss-sha256"),
        pytest.param(f"{XMLDSIG_MORE_2007}sha384-rsa-MGF1", hashes.SHA384(), True, id="pss-sha384"),
        pytest.param(f"{XMLDSIG_MORE_2007}sha512-rsa-MGF1", hashes.SHA512(), True, id="pss-sha512"),
    ],
)
def test_rsa_passes(
    algorithm: str,
    hash_algorithm: hashes.HashAlgorithm,
    pss: bool,
    facility: FacilityKey,
    judge: Judge,
) -> None:
    recipe = Recipe(algorithm=algorithm, sign=rsa_signing(facility, hash_algorithm, pss=pss))

    assert judge(sign_like(recipe, facility)).has_passed


@pytest.mark.parametrize(
    ("parameters", "hash_algorithm"),
    [
        pytest.param("", hashes.SHA256(), id="as-java-writes-sha256"),
        pytest.param(pss_parameters(SHA512, None, None), hashes.SHA512(), id="as-java-writes-sha512"),
        pytest.param(pss_parameters(SHA256, None, 32), hashes.SHA256(), id="as-browsers-write-sha256"),
        pytest.param(pss_parameters(SHA512, None, 64), hashes.SHA512(), id="as-browsers-write-sha512"),
        pytest.param(pss_parameters(SHA384, SHA384, 48), hashes.SHA384(), id="all-that-differs"),
        pytest.param(pss_parameters(SHA256, SHA256, 32, trailer=1), hashes.SHA256(), id="all-there-is"),
    ],
)
def test_pss_with_parameters_passes(
    parameters: str, hash_algorithm: hashes.HashAlgorithm, facility: FacilityKey, judge: Judge
) -> None:
    sign = rsa_signing(facility, hash_algorithm, pss=True)
    recipe = Recipe(algorithm=RSA_PSS, method_inside=parameters, sign=sign)

    assert judge(sign_like(recipe, facility)).has_passed


@pytest.mark.parametrize(
    ("curve", "octets"),
    [pytest.param(ec.SECP256R1(), 32, id="P-256"), pytest.param(ec.SECP384R1(), 48, id="P-384")],
)
@pytest.mark.parametrize(
    "hash_algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()], ids=lambda h: h.name
)
def test_ecdsa_passes(
    curve: ec.EllipticCurve, octets: int, hash_algorithm: hashes.HashAlgorithm, pki: DemoPki, judge: Judge
) -> None:
    key = pki.leaf("01009", valid_from=NOW - DAY, valid_to=NOW + DAY, key=ec.generate_private_key(curve))
    recipe = Recipe(
        algorithm=f"{XMLDSIG_MORE}ecdsa-{hash_algorithm.name}",
        sign=ecdsa_signing(key, hash_algorithm, octets=octets),
    )

    assert judge(sign_like(recipe, key)).has_passed


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        pytest.param(f"{XMLDSIG_MORE}sha384", "sha384", id="sha384"),
        pytest.param(f"{XMLENC}sha512", "sha512", id="sha512"),
    ],
)
def test_longer_digests_pass(uri: str, name: str, facility: FacilityKey, judge: Judge) -> None:
    assert judge(sign_like(Recipe(digest_method=uri, digest_name=name), facility)).has_passed


SUBJECT = "<P:X509SubjectName>CN=somebody</P:X509SubjectName>"
SERIAL = (
    "<P:X509IssuerSerial><P:X509IssuerName>CN=a CA</P:X509IssuerName>"
    "<P:X509SerialNumber>1</P:X509SerialNumber></P:X509IssuerSerial>"
)
KEY_VALUE = (
    "<P:KeyValue><P:RSAKeyValue><P:Modulus>AQAB</P:Modulus>"
    "<P:Exponent>AQAB</P:Exponent></P:RSAKeyValue></P:KeyValue>"
)


REVOKED_LIST = "<P:X509CRL>AAAA</P:X509CRL>"
DIGEST = '<X509Digest xmlns="http://www.w3.org/2009/xmldsig11#" Algorithm="x">AAAA</X509Digest>'


@pytest.mark.parametrize(
    "hints",
    [SUBJECT, SERIAL, SUBJECT + SERIAL, REVOKED_LIST, DIGEST],
    ids=["subject", "serial", "both", "list", "digest"],
)
def test_hints_beside_the_certificate_pass(hints: str, facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(key_info=x509_data(facility.certificate, before=hints))

    assert judge(sign_like(recipe, facility)).has_passed


def test_a_key_value_beside_the_certificate_is_ignored(facility: FacilityKey, judge: Judge) -> None:
    key_info = x509_data(facility.certificate).replace("<P:KeyInfo>", f"<P:KeyInfo>{KEY_VALUE}")

    assert judge(sign_like(Recipe(key_info=key_info), facility)).has_passed


def test_the_chain_may_come_along_in_any_order(pki: DemoPki, facility: FacilityKey) -> None:
    recipe = Recipe(certificates=(pki.root, pki.issuing, facility.certificate))

    verdict = verify(parse(sign_like(recipe, facility)), trust=TrustStore(anchors=[pki.root]), at=NOW)

    assert verdict.has_passed
    assert verdict.signer is not None
    assert verdict.signer.serial == facility.certificate.serial_number


def test_base64_may_be_broken_into_lines(facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(encode=lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"))

    assert judge(sign_like(recipe, facility)).has_passed


def test_escaped_carriage_returns_in_base64_pass(facility: FacilityKey, judge: Judge) -> None:
    # The JDK writes its line ends like this.
    recipe = Recipe(encode=lambda data: base64.encodebytes(data).decode().replace("\n", "&#13;\n"))

    assert judge(sign_like(recipe, facility)).has_passed


def test_space_after_the_signature_is_signed_and_kept(facility: FacilityKey, judge: Judge) -> None:
    document = BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI>\n <!-- c -->\n</CHUKYDONVI>")
    signed = sign_bundle(document, facility.signer)

    moved = signed.replace(b"<!-- c -->\n", b"").replace(b"</CHUKYDONVI>", b"\n</CHUKYDONVI>")

    assert judge(moved).has_passed


def test_comments_do_not_matter_and_are_not_handed_out(facility: FacilityKey, judge: Judge) -> None:
    signed = sign_bundle(BUNDLE, facility.signer).replace(b"<LOAIHOSO>XML1", b"<LOAIHOSO>XM<!-- x -->L1")

    verdict = judge(signed)

    assert verdict.content is not None
    # With the comment in the tree, this text would read "XM".
    assert verdict.content.findtext(".//LOAIHOSO") == "XML1"


def test_the_verdict_says_who_signed_what(facility: FacilityKey, judge: Judge) -> None:
    verdict = judge(sign_bundle(BUNDLE, facility.signer))

    certificate = facility.certificate
    assert (verdict.indication, verdict.sub_indication, verdict.reasons) == (
        Indication.TOTAL_PASSED,
        None,
        (),
    )
    assert verdict.scope == "whole-document"
    assert verdict.signer is not None
    assert "CN=Demo facility 01001" in verdict.signer.subject
    assert "CN=eHoSo Demo Issuing CA" in verdict.signer.issuer
    assert verdict.signer.sha256 == certificate.fingerprint(hashes.SHA256()).hex()
    assert verdict.signer.not_before == certificate.not_valid_before_utc
    assert verdict.signer.not_after == certificate.not_valid_after_utc


def test_the_content_has_no_signature(facility: FacilityKey, judge: Judge) -> None:
    content = judge(sign_bundle(BUNDLE, facility.signer)).content

    assert content is not None
    assert content.find("CHUKYDONVI") is not None
    assert len(content.findall(".//{*}Signature")) == 0


def test_a_failed_verdict_hands_out_nothing_and_names_every_fault(facility: FacilityKey) -> None:
    tampered = sign_bundle(BUNDLE, facility.signer).replace(b"01001", b"01002")
    stranger = DemoPki.create(at=NOW).trust_store()

    verdict = verify(parse(tampered), trust=stranger, at=NOW)

    assert verdict.content is None
    assert verdict.scope is None
    assert verdict.signer is not None
    assert verdict.reasons == ("signature.digest_mismatch", "certificate.untrusted")
    assert (verdict.indication, verdict.sub_indication) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_a_failure_outweighs_an_open_question() -> None:
    verdict = failed((Reason.CERTIFICATE_UNTRUSTED, Reason.SIGNATURE_VALUE_WRONG))

    assert verdict.indication is Indication.TOTAL_FAILED
    assert verdict.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANING) == set(Reason)


def test_a_naive_time_is_a_programming_error(facility: FacilityKey, trust: TrustStore) -> None:
    root = parse(sign_bundle(BUNDLE, facility.signer))

    with pytest.raises(ValueError, match="aware"):
        verify(root, trust=trust, at=datetime(2026, 6, 1))  # noqa: DTZ001 - what must be refused


def test_any_zone_will_do(facility: FacilityKey, trust: TrustStore) -> None:
    root = parse(sign_bundle(BUNDLE, facility.signer))

    assert verify(root, trust=trust, at=NOW.astimezone(timezone(timedelta(hours=7)))).has_passed
