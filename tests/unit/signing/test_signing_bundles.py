"""A bundle is signed once, in its place, and nothing else of it changes."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signing.canonical import C14N_1_0, canonicalize, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import AlreadySigned, ContainerNotEmpty, MissingContainer, Unparsable
from signing.policy import DEFAULT_POLICY, ECDSA_SHA256, ECDSA_SHA384, RSA_SHA256
from signing.sign import prepare_bundle, sign_bundle
from signing.usual import read_usual_facts
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import BUNDLE, DAY, DS, NOW


def test_the_signature_is_profile_a(facility: FacilityKey) -> None:
    signature = parse(sign_bundle(BUNDLE, facility.signer)).find(f"CHUKYDONVI/{DS}Signature")

    assert signature is not None
    assert [(str(part.tag).removeprefix(DS), dict(part.attrib)) for part in signature.iter("*")] == [
        ("Signature", {}),
        ("SignedInfo", {}),
        ("CanonicalizationMethod", {"Algorithm": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}),
        ("SignatureMethod", {"Algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}),
        ("Reference", {"URI": ""}),
        ("Transforms", {}),
        ("Transform", {"Algorithm": "http://www.w3.org/2000/09/xmldsig#enveloped-signature"}),
        ("DigestMethod", {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}),
        ("DigestValue", {}),
        ("SignatureValue", {}),
        ("KeyInfo", {}),
        ("X509Data", {}),
        ("X509Certificate", {}),
    ]
    der = facility.certificate.public_bytes(serialization.Encoding.DER)
    assert signature.findtext(f".//{DS}X509Certificate") == base64.b64encode(der).decode()


def test_what_was_signed_is_what_was_given(facility: FacilityKey, judge: Judge) -> None:
    verdict = judge(sign_bundle(BUNDLE, facility.signer))

    assert verdict.content is not None
    assert canonicalize(verdict.content, C14N_1_0) == canonicalize(parse(BUNDLE), C14N_1_0)


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [
        pytest.param(ec.SECP256R1(), ECDSA_SHA256, id="P-256"),
        pytest.param(ec.SECP384R1(), ECDSA_SHA384, id="P-384"),
    ],
)
def test_an_elliptic_curve_key_signs_too(
    pki: DemoPki, judge: Judge, curve: ec.EllipticCurve, algorithm: str
) -> None:
    key = ec.generate_private_key(curve)
    facility = pki.leaf("01003", valid_from=NOW - DAY, valid_to=NOW + DAY, key=key)

    signed = sign_bundle(BUNDLE, facility.signer)

    assert facility.signer.algorithm == algorithm
    assert algorithm.encode() in signed
    assert judge(signed).has_passed


def test_a_document_that_was_signed_is_known_by_all_but_the_signatures_value(pki: DemoPki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    facility = pki.leaf("01003", valid_from=NOW - DAY, valid_to=NOW + DAY, key=key)
    other = pki.leaf("01003", valid_from=NOW - DAY, valid_to=NOW + DAY, key=key)
    prepared = prepare_bundle(BUNDLE, facility.signer)
    once, again = (sign_bundle(BUNDLE, facility.signer) for _ in range(2))

    assert once != again
    assert prepared.is_what_signed(once)
    assert prepared.is_what_signed(again)
    assert not prepared.is_what_signed(once[:-1])
    assert not prepared.is_what_signed(once + again)
    assert not prepared.is_what_signed(sign_bundle(BUNDLE, other.signer))


def test_an_rsa_key_signs_with_sha_256(facility: FacilityKey) -> None:
    assert facility.signer.algorithm == RSA_SHA256


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"\xef\xbb\xbf" + BUNDLE, id="byte-order-mark"),
        pytest.param(BUNDLE.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(
            BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI>\n  </CHUKYDONVI>"), id="spaces-in-container"
        ),
        pytest.param(
            BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><!-- here --></CHUKYDONVI>"), id="comment"
        ),
        pytest.param(BUNDLE.replace(b"XML1", b"<![CDATA[XML1]]>"), id="cdata"),
        pytest.param(BUNDLE.replace(b"XML1", b"&#13;&amp;&#9;"), id="escapes"),
        pytest.param(BUNDLE.replace(b"XML1", "Ngô Thị Hường 𝔸".encode()), id="vietnamese"),
        pytest.param(
            BUNDLE.replace(b"<GIA", b'<?style x="1"?><GIA') + b"<?end?><!-- c -->", id="instructions"
        ),
        pytest.param(BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS xml:lang="vi" '), id="xml-lang"),
    ],
)
def test_every_document_that_parses_can_be_signed(
    document: bytes, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_bundle(document, facility.signer)).has_passed


def test_a_plain_bundle_is_signed_so_that_its_bytes_suffice_to_read_it(facility: FacilityKey) -> None:
    for document in (BUNDLE, BUNDLE.replace(b"<HOSO>", b"<HOSO><A/><B></B>")):
        data = sign_bundle(document, facility.signer)

        assert read_usual_facts(parse(data), data, DEFAULT_POLICY) is not None


@pytest.mark.parametrize(
    "place",
    [
        pytest.param(b"<CHUKYDONVI></CHUKYDONVI>", id="two-tags"),
        pytest.param(b"<CHUKYDONVI />", id="blank"),
        pytest.param(b"<CHUKYDONVI\n></CHUKYDONVI\t>", id="breaks"),
    ],
)
def test_however_an_empty_place_is_written_the_signature_is_the_same(
    place: bytes, facility: FacilityKey
) -> None:
    document = BUNDLE.replace(b"<CHUKYDONVI/>", place)

    assert sign_bundle(document, facility.signer) == sign_bundle(BUNDLE, facility.signer)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(BUNDLE.replace(b"XML1", b"a > b"), id="bare-angle"),
        pytest.param(BUNDLE.replace(b"XML1", b"</LOAIHOSO ><LOAIHOSO\n>"), id="blanks-in-tags"),
        pytest.param(BUNDLE.replace(b"XML1", b"<CHUKYDONVI/>"), id="another-of-its-name"),
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><A><CHUKYDONVI/></A>"), id="one-behind"),
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><CHUKYDONVI2/>"), id="longer-name"),
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/>>"), id="angle-behind"),
    ],
)
def test_what_is_digested_is_the_canonical_form(document: bytes, facility: FacilityKey) -> None:
    signature = parse(sign_bundle(document, facility.signer)).find(f"CHUKYDONVI/{DS}Signature")

    assert signature is not None
    form = canonicalize(parse(document), C14N_1_0)
    digest = base64.b64encode(hashlib.sha256(form).digest()).decode()
    assert signature.findtext(f".//{DS}DigestValue") == digest


def test_the_bytes_are_utf_8_with_a_declaration_and_no_mark(facility: FacilityKey) -> None:
    signed = sign_bundle(b"\xef\xbb\xbf" + BUNDLE.replace(b"XML1", "Hồ sơ".encode()), facility.signer)

    assert signed.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<GIAMDINHHS ')
    assert "Hồ sơ".encode() in signed


def test_all_but_the_container_stays_as_it_was(facility: FacilityKey) -> None:
    document = BUNDLE.replace(b"XML1", b"<![CDATA[XML1]]><!-- kept -->").replace(b"utf-8", b"UTF-8")

    signed = sign_bundle(document, facility.signer)

    before, after = document.split(b"<CHUKYDONVI/>")
    assert signed.startswith(before)
    assert signed.endswith(b"</CHUKYDONVI>" + after.rstrip(b"\n"))


def test_a_signed_bundle_is_not_signed_again(facility: FacilityKey) -> None:
    signed = sign_bundle(BUNDLE, facility.signer)

    with pytest.raises(AlreadySigned):
        sign_bundle(signed, facility.signer)


def test_a_signature_elsewhere_counts_as_signed(facility: FacilityKey) -> None:
    document = BUNDLE.replace(b"XML1", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>')

    with pytest.raises(AlreadySigned):
        sign_bundle(document, facility.signer)


@pytest.mark.parametrize(
    ("document", "count"),
    [
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b""), 0, id="none"),
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><CHUKYDONVI/>"), 2, id="two"),
        pytest.param(BUNDLE.replace(b"<CHUKYDONVI/>", b"<X><CHUKYDONVI/></X>"), 0, id="deeper"),
    ],
)
def test_there_must_be_one_container(document: bytes, count: int, facility: FacilityKey) -> None:
    with pytest.raises(MissingContainer) as refused:
        sign_bundle(document, facility.signer)

    assert refused.value.count == count


def test_the_container_must_be_empty(facility: FacilityKey) -> None:
    with pytest.raises(ContainerNotEmpty):
        sign_bundle(BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><X/></CHUKYDONVI>"), facility.signer)


def test_the_container_may_have_another_name(facility: FacilityKey) -> None:
    document = BUNDLE.replace(b"CHUKYDONVI", b"CKS_BENH_VIEN")

    signed = sign_bundle(document, facility.signer)

    assert parse(signed).find(f"CKS_BENH_VIEN/{DS}Signature") is not None


def test_what_does_not_parse_is_not_signed(facility: FacilityKey) -> None:
    with pytest.raises(Unparsable):
        sign_bundle(b"<!DOCTYPE a><a/>", facility.signer)
