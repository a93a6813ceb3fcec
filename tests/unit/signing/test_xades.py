"""XAdES B-B: signatures that say when, by whom and over what they were made, and hold to it."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from lxml import etree

from signing import der
from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, canonicalize, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import Unparsable
from signing.policy import XMLDSIG, XMLDSIG_MORE, XMLENC
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verdict import Level, Reason
from signing.verify import verify
from signing.xades.names import SIGNED_PROPERTIES_TYPE, XADES
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import BUNDLE, DAY, DS, NOW, certificate_for, transform, x509_data
from tests.unit.signing.xades_documents import (
    XadesRecipe,
    cert,
    der_of,
    digest_of,
    sign_xades,
    signing_certificate,
)


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=NOW)


# Ours.


def test_what_we_sign_passes_as_b_b(signed: bytes, judge: Judge) -> None:
    verdict = judge(signed)

    assert verdict.reasons == ()
    assert verdict.has_passed
    assert verdict.level is Level.B_B
    assert verdict.signing_time == NOW
    assert verdict.warnings == ()


def test_what_we_sign_is_what_the_standard_lists(signed: bytes, facility: FacilityKey) -> None:
    signature = next(parse(signed).iter(f"{DS}Signature"))
    (properties,) = signature.iter(f"{{{XADES}}}SignedProperties")

    document, inner = signature[0][2:]
    assert (document.get("URI"), inner.get("URI")) == ("", f"#{properties.get('Id')}")
    assert inner.get("Type") == SIGNED_PROPERTIES_TYPE
    assert signature[3][0].get("Target") == f"#{signature.get('Id')}"
    assert [str(part.tag).rpartition("}")[2] for part in properties.iter("*")] == [
        "SignedProperties",
        "SignedSignatureProperties",
        "SigningTime",
        "SigningCertificateV2",
        "Cert",
        "CertDigest",
        "DigestMethod",
        "DigestValue",
        "IssuerSerialV2",
        "SignedDataObjectProperties",
        "DataObjectFormat",
        "MimeType",
    ]
    assert properties.findtext(f".//{DS}DigestValue") == digest_of(der_of(facility))
    (described,) = properties.iter(f"{{{XADES}}}DataObjectFormat")
    assert described.get("ObjectReference") == f"#{document.get('Id')}"


def test_an_elliptic_curve_key_signs_too(ec_facility: FacilityKey, judge: Judge) -> None:
    assert judge(sign_bundle(BUNDLE, ec_facility.signer, profile=Profile.XADES, at=NOW)).level is Level.B_B


@pytest.mark.parametrize("at", [None, datetime(2026, 6, 1)], ids=["none", "naive"])  # noqa: DTZ001
def test_the_time_of_signing_must_be_given(at: datetime | None, facility: FacilityKey) -> None:
    with pytest.raises(ValueError, match="time of signing"):
        sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=at)


def test_a_plain_signature_is_plain(facility: FacilityKey, judge: Judge) -> None:
    verdict = judge(sign_bundle(BUNDLE, facility.signer))

    assert (verdict.level, verdict.signing_time) == (Level.PLAIN, None)


# Others'.


def issuer_serial(certificate: x509.Certificate, *, serial: int) -> str:
    name = der.encode(der.context(4), certificate.issuer.public_bytes())
    value = der.sequence(der.sequence(name), der.integer(serial))
    return f"<X:IssuerSerialV2>{base64.b64encode(value).decode()}</X:IssuerSerialV2>"


OLDER = (
    "<X:IssuerSerial><P:X509IssuerName>CN=any spelling</P:X509IssuerName>"
    "<P:X509SerialNumber>{}</P:X509SerialNumber></X:IssuerSerial>"
)


@pytest.mark.parametrize("c14n", [C14N_1_0, C14N_1_1, C14N_EXCLUSIVE])
def test_every_canonicalisation_passes(c14n: str, facility: FacilityKey, judge: Judge) -> None:
    assert judge(sign_xades(XadesRecipe(c14n=c14n), facility)).level is Level.B_B


def test_the_properties_may_be_canonicalised_by_a_transform(facility: FacilityKey, judge: Judge) -> None:
    recipe = XadesRecipe(transforms=f"<P:Transforms>{transform(C14N_1_0)}</P:Transforms>")

    assert judge(sign_xades(recipe, facility)).has_passed


def test_the_older_signing_certificate_passes(facility: FacilityKey, judge: Judge) -> None:
    named = cert(digest_of(der_of(facility)), OLDER.format(facility.certificate.serial_number))
    recipe = XadesRecipe(certificate=f"<X:SigningCertificate>{named}</X:SigningCertificate>")

    verdict = judge(sign_xades(recipe, facility))

    assert verdict.has_passed
    assert verdict.warnings == ()


@pytest.mark.parametrize(
    ("method", "name"), [(f"{XMLDSIG_MORE}sha384", "sha384"), (f"{XMLENC}sha512", "sha512")]
)
def test_longer_digests_pass(method: str, name: str, facility: FacilityKey, judge: Judge) -> None:
    named = cert(digest_of(der_of(facility), name), method=method)
    recipe = XadesRecipe(
        digest_method=method,
        digest_name=name,
        certificate=f"<X:SigningCertificateV2>{named}</X:SigningCertificateV2>",
    )

    assert judge(sign_xades(recipe, facility)).has_passed


def test_a_signature_may_cover_its_key_info(facility: FacilityKey, judge: Judge) -> None:
    key_info = x509_data(facility.certificate).replace("<P:KeyInfo>", '<P:KeyInfo Id="k">')
    # The inclusive canonical form, with the namespaces that are in scope there.
    scope = (
        f' xmlns:P="{XMLDSIG}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" Id="k"'
    )
    form = key_info.replace(' Id="k"', scope).encode()
    reference = (
        '<P:Reference URI="#k"><P:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
        "<P:DigestValue>{}</P:DigestValue></P:Reference>"
    )
    right = XadesRecipe(key_info=key_info, more_references=reference.format(digest_of(form)))
    wrong = XadesRecipe(key_info=key_info, more_references=reference.format(digest_of(b"other")))

    assert judge(sign_xades(right, facility)).has_passed
    assert judge(sign_xades(wrong, facility)).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        pytest.param("2026-06-01T07:59:00Z", datetime(2026, 6, 1, 7, 59, tzinfo=UTC), id="utc"),
        pytest.param("2026-06-01T14:59:00+07:00", datetime(2026, 6, 1, 7, 59, tzinfo=UTC), id="local"),
        pytest.param(
            "2026-06-01T07:59:00.5Z", datetime(2026, 6, 1, 7, 59, 0, 500_000, tzinfo=UTC), id="fraction"
        ),
        pytest.param(
            " 2026-06-01T07:59:00.123456789-00:30 ",
            datetime(2026, 6, 1, 8, 29, 0, 123_456, tzinfo=UTC),
            id="nanoseconds",
        ),
    ],
)
def test_the_time_that_is_claimed(text: str, time: datetime, facility: FacilityKey, judge: Judge) -> None:
    recipe = XadesRecipe(signing_time=f"<X:SigningTime>{text}</X:SigningTime>")

    assert judge(sign_xades(recipe, facility)).signing_time == time


def test_a_time_without_a_zone_is_no_time(facility: FacilityKey, judge: Judge) -> None:
    recipe = XadesRecipe(signing_time="<X:SigningTime>2026-06-01T07:59:00</X:SigningTime>")

    verdict = judge(sign_xades(recipe, facility))

    assert verdict.has_passed
    assert verdict.signing_time is None
    assert verdict.warnings == (Reason.XADES_SIGNING_TIME_WITHOUT_ZONE,)


@pytest.mark.parametrize(
    ("recipe", "warnings"),
    [
        pytest.param(
            XadesRecipe(more_signature_properties="<X:SignaturePolicyIdentifier><X:SignaturePolicyImplied/>"
            "</X:SignaturePolicyIdentifier>"),
            (),
            id="policy-implied",
        ),
        pytest.param(
            XadesRecipe(more_signature_properties="<X:SignerRoleV2><X:ClaimedRoles>"
            "<X:ClaimedRole>director</X:ClaimedRole></X:ClaimedRoles></X:SignerRoleV2>"),
            (),
            id="role",
        ),
        pytest.param(
            XadesRecipe(more_signature_properties='<Y xmlns="urn:y">z</Y>'),
            (Reason.XADES_SIGNED_PROPERTY_UNKNOWN,),
            id="unknown-signed",
        ),
        pytest.param(
            XadesRecipe(data_object_properties=""), (Reason.XADES_FORMAT_MISSING,), id="no-format"
        ),
        pytest.param(
            XadesRecipe(unsigned="<X:UnsignedProperties><X:UnsignedSignatureProperties>"
            '<Y xmlns="urn:y"><X:SignedProperties Id="q"/></Y>'
            "</X:UnsignedSignatureProperties></X:UnsignedProperties>"),
            (),
            id="unknown-unsigned",
        ),
        pytest.param(
            XadesRecipe(unsigned="<X:UnsignedProperties><X:UnsignedDataObjectProperties/>"
            "</X:UnsignedProperties>"),
            (),
            id="unsigned-of-the-data",
        ),
        pytest.param(XadesRecipe(unsigned="<X:UnsignedProperties/>"), (), id="nothing-unsigned"),
    ],
)  # fmt: skip
def test_more_properties_pass(
    recipe: XadesRecipe, warnings: tuple[Reason, ...], facility: FacilityKey, judge: Judge
) -> None:
    verdict = judge(sign_xades(recipe, facility))

    assert verdict.reasons == ()
    assert verdict.level is Level.B_B
    assert verdict.warnings == warnings


@pytest.mark.parametrize("difference", [0, 1])
@pytest.mark.parametrize("is_older", [True, False])
def test_another_serial_number_gives_a_warning(
    difference: int, is_older: bool, facility: FacilityKey, judge: Judge
) -> None:
    serial = facility.certificate.serial_number + difference
    name = "SigningCertificate" if is_older else "SigningCertificateV2"
    after = OLDER.format(serial) if is_older else issuer_serial(facility.certificate, serial=serial)
    named = cert(digest_of(der_of(facility)), after)

    verdict = judge(sign_xades(XadesRecipe(certificate=f"<X:{name}>{named}</X:{name}>"), facility))

    assert verdict.has_passed
    assert verdict.warnings == ((Reason.XADES_ISSUER_SERIAL_DIFFERS,) if difference else ())


def test_an_issuer_serial_that_is_none_gives_a_warning(facility: FacilityKey, judge: Judge) -> None:
    recipe = XadesRecipe(
        certificate=signing_certificate(facility, "<X:IssuerSerialV2>MAA=</X:IssuerSerialV2>")
    )

    assert judge(sign_xades(recipe, facility)).warnings == (Reason.XADES_ISSUER_SERIAL_DIFFERS,)


# Hostile ones.


@pytest.mark.attack
def test_another_certificate_for_the_same_key_is_refused(
    pki: DemoPki, facility: FacilityKey, trust: TrustStore
) -> None:
    twin = certificate_for(facility.certificate.public_key(), issued_by=pki, subject="twin")

    swapped = sign_xades(XadesRecipe(key_info=x509_data(twin)), facility)
    both = sign_xades(XadesRecipe(key_info=x509_data(twin, facility.certificate)), facility)

    verdict = verify(parse(swapped), trust=trust, at=NOW)
    assert verdict.reasons == (Reason.XADES_SIGNING_CERTIFICATE,)
    assert verdict.sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"
    passed = verify(parse(both), trust=trust, at=NOW)
    assert passed.signer is not None
    assert passed.signer.serial == facility.certificate.serial_number


@pytest.mark.attack
def test_a_certificate_that_is_named_second_is_not_the_signers(
    facility: FacilityKey, other_facility: FacilityKey, judge: Judge
) -> None:
    named = cert(digest_of(der_of(other_facility))) + cert(digest_of(der_of(facility)))
    recipe = XadesRecipe(
        certificate=f"<X:SigningCertificateV2>{named}</X:SigningCertificateV2>",
        key_info=x509_data(facility.certificate, other_facility.certificate),
    )

    assert judge(sign_xades(recipe, facility)).reasons == (Reason.SIGNATURE_VALUE_WRONG,)


@pytest.mark.attack
def test_no_octet_of_the_signature_may_differ(signed: bytes, judge: Judge) -> None:
    """A bit flipped anywhere from the Signature's start tag on, but where nothing is signed."""
    start, end = signed.index(b"<ds:Signature "), signed.index(b"</ds:Signature>")
    for at in range(start, end, 7):
        mutant = bytearray(signed)
        mutant[at] ^= 1
        try:
            verdict = judge(bytes(mutant))
        except Unparsable:
            continue
        assert not verdict.has_passed, bytes(mutant)[at - 20 : at + 20]


def test_nothing_is_claimed_of_a_certificate_that_has_ended(facility: FacilityKey, trust: TrustStore) -> None:
    """What the signer claims about the time proves nothing."""
    signed = sign_bundle(BUNDLE, facility.signer, profile=Profile.XADES, at=NOW)

    verdict = verify(parse(signed), trust=trust, at=NOW + 31 * DAY)

    assert verdict.reasons == (Reason.CERTIFICATE_EXPIRED,)


@pytest.mark.parametrize(
    "document",
    [
        b'<r xmlns="urn:u"><a><b><c/></b></a></r>',
        b'<r xmlns="urn:u"><a xmlns=""><b xmlns="urn:v"><c xmlns=""/></b></a></r>',
        b'<p:r xmlns:p="urn:p" xmlns:q="urn:q"><a q:x="1" xml:lang="vi"><p:b p:y="&#13;"/><q:c/>t</a>u</p:r>',
        b'<r xmlns:p="urn:p"><a xml:space="preserve"><b xmlns:p="urn:q" p:x=""><p:c/><!-- c --></b></a></r>',
    ],
)
def test_the_exclusive_form_needs_no_document_of_its_own(document: bytes) -> None:
    """An inner element has the form that it would have as a document's root."""
    for element in parse(document).iter("*"):
        alone = parse(etree.tostring(element, encoding="UTF-8", with_tail=False))

        assert canonicalize(element, C14N_EXCLUSIVE) == canonicalize(alone, C14N_EXCLUSIVE)
