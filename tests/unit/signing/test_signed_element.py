"""A signature over one element and a statement of the time (form 09/BH) covers that element alone."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import ContainerNotEmpty, MissingContainer, NothingToSign
from signing.policy import DEFAULT_POLICY, Policy
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verdict import Level, Reason, Verdict
from signing.verify import verify
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import BUNDLE, DAY, DS, NOW
from tests.unit.signing.forging import (
    ADJUSTMENTS,
    ELEMENT_REFERENCE,
    OBJECT,
    SIGNING_TIME,
    forge,
    reference,
    template,
)

VIETNAM = timezone(timedelta(hours=7))
UNNAMED = ADJUSTMENTS.replace(b' Id="HS-1"', b"")


def sign(document: bytes, key: FacilityKey, *, policy: Policy = DEFAULT_POLICY) -> bytes:
    return sign_bundle(document, key.signer, profile=Profile.ELEMENT, at=NOW, policy=policy)


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign(ADJUSTMENTS, facility)


# What is verified.


def test_the_verdict_names_the_element_and_hands_it_out(signed: bytes, judge: Judge) -> None:
    verdict = judge(signed)

    assert verdict.has_passed
    assert verdict.scope == "element:TT_HOSO"
    assert verdict.content is not None
    assert verdict.content.tag == "TT_HOSO"
    assert verdict.content.findtext("DSACH/MA_LK") == "A1"
    assert verdict.level is Level.PLAIN


def test_nothing_around_the_element_can_be_reached_from_it(signed: bytes, judge: Judge) -> None:
    content = judge(signed).content

    assert content is not None
    assert content.getparent() is None
    assert content.getroottree().getroot() is content
    assert (content.getprevious(), content.getnext(), content.tail) == (None, None, None)
    assert content.xpath("//CHUKYDONVI") == []


def test_what_is_around_the_element_is_not_signed(signed: bytes, judge: Judge) -> None:
    more = signed.replace(b"  <TT_HOSO", b"  <GHI_CHU>x</GHI_CHU><TT_HOSO")

    verdict = judge(more)

    assert verdict.has_passed
    assert verdict.scope != "whole-document"
    assert verdict.content is not None
    assert list(verdict.content.iter("GHI_CHU")) == []


def test_comments_in_the_element_are_not_handed_out(signed: bytes, judge: Judge) -> None:
    content = judge(signed.replace(b"<MA_LK>A1", b"<MA_LK>A<!-- x -->1")).content

    assert content is not None
    assert content.findtext("DSACH/MA_LK") == "A1"


def test_the_time_is_what_the_signer_claims_in_the_zone_of_vietnam(
    facility: FacilityKey, judge: Judge
) -> None:
    verdict = judge(forge(facility, template()))

    assert verdict.signing_time == datetime(2026, 6, 1, 14, 59, tzinfo=VIETNAM)
    assert verdict.best_signature_time is None


def test_a_claimed_time_proves_nothing(facility: FacilityKey, trust: TrustStore) -> None:
    verdict = verify(parse(forge(facility, template())), trust=trust, at=NOW + 31 * DAY)

    assert verdict.reasons == (Reason.CERTIFICATE_EXPIRED,)


def test_fractions_of_a_second_pass(facility: FacilityKey, judge: Judge) -> None:
    statement = OBJECT.replace(SIGNING_TIME, SIGNING_TIME.replace("14:59:00", "14:59:00.123456"))

    assert judge(forge(facility, template(objects=statement))).has_passed


@pytest.mark.parametrize("c14n", [C14N_1_0, C14N_1_1, C14N_EXCLUSIVE])
def test_signed_info_may_have_any_canonical_form(c14n: str, facility: FacilityKey, judge: Judge) -> None:
    assert judge(forge(facility, template(c14n=c14n))).has_passed


def test_an_object_without_type_needs_none(facility: FacilityKey, judge: Judge) -> None:
    references = reference("#O", attributes=' Id="R"') + ELEMENT_REFERENCE

    assert judge(forge(facility, template(references))).has_passed


@pytest.mark.parametrize(
    ("root", "element"),
    [
        pytest.param(*path.split("/"), id=path.replace("/", "-"))
        for path in sorted(DEFAULT_POLICY.signed_elements)
    ],
)
def test_every_kind_of_document_of_the_policy_passes(
    root: str, element: str, facility: FacilityKey, judge: Judge
) -> None:
    document = f"<{root}><{element} Id='x'><A>1</A></{element}><B/><CHUKYDONVI/></{root}>".encode()

    assert judge(sign(document, facility)).scope == f"element:{element}"


# Which documents: the policy says.


def judged(document: bytes, trust: TrustStore, policy: Policy) -> Verdict:
    return verify(parse(document), trust=trust, at=NOW, policy=policy)


def test_another_policy_may_name_other_elements(facility: FacilityKey, trust: TrustStore) -> None:
    policy = replace(DEFAULT_POLICY, signed_elements=frozenset({"A/B"}))
    signed = sign(b"<A><B><C/></B><CHUKYDONVI/></A>", facility, policy=policy)

    assert judged(signed, trust, policy).scope == "element:B"
    assert judged(signed, trust, DEFAULT_POLICY).reasons == (Reason.SIGNATURE_REFERENCE_SCOPE,)


def test_a_policy_may_accept_none(signed: bytes, trust: TrustStore) -> None:
    policy = replace(DEFAULT_POLICY, signed_elements=frozenset())

    assert judged(signed, trust, policy).reasons == (Reason.SIGNATURE_REFERENCE_SCOPE,)


def test_a_document_whose_element_may_be_signed_may_be_signed_whole(
    facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_bundle(ADJUSTMENTS, facility.signer)).scope == "whole-document"
    xades = sign_bundle(ADJUSTMENTS, facility.signer, profile=Profile.XADES, at=NOW)
    assert judge(xades).scope == "whole-document"


# How we sign.


def test_what_we_sign_is_what_the_tools_make_that_the_gateway_takes(signed: bytes) -> None:
    signature = parse(signed).find(f"CHUKYDONVI/{DS}Signature")

    assert signature is not None
    assert [(str(part.tag).removeprefix(DS), dict(part.attrib)) for part in signature.iter("*")] == [
        ("Signature", {"Id": "CHUKYDONVI-HS-1"}),
        ("SignedInfo", {}),
        ("CanonicalizationMethod", {"Algorithm": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}),
        ("SignatureMethod", {"Algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}),
        ("Reference", {"URI": "#Object-CHUKYDONVI-HS-1"}),
        ("DigestMethod", {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}),
        ("DigestValue", {}),
        ("Reference", {"URI": "#HS-1"}),
        ("DigestMethod", {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}),
        ("DigestValue", {}),
        ("SignatureValue", {}),
        ("KeyInfo", {}),
        ("X509Data", {}),
        ("X509SubjectName", {}),
        ("X509Certificate", {}),
        ("Object", {"Id": "Object-CHUKYDONVI-HS-1"}),
        ("SignatureProperties", {}),
        ("SignatureProperty", {"Target": "#CHUKYDONVI-HS-1", "Id": "SignatureProperty-CHUKYDONVI-HS-1"}),
        ("SigningTime", {}),
    ]
    assert signature.findtext(".//SigningTime") == "2026-06-01T15:00:00"


def test_the_bytes_have_no_mark_and_the_rest_stays_as_it_was(signed: bytes) -> None:
    before, after = ADJUSTMENTS.replace(b"utf-8", b"UTF-8").split(b"<CHUKYDONVI/>")

    assert signed.startswith(before)
    assert signed.endswith(b"</CHUKYDONVI>" + after)


def test_an_element_without_id_gets_one(facility: FacilityKey, judge: Judge) -> None:
    signed = sign(UNNAMED, facility)

    content = judge(signed).content
    assert content is not None
    assert str(content.get("Id")).startswith("Id-")
    assert sign(UNNAMED.replace(b"A1", b"A2"), facility).count(str(content.get("Id")).encode()) == 0


def test_an_elliptic_curve_key_signs_too(pki: DemoPki, judge: Judge) -> None:
    key = ec.generate_private_key(ec.SECP384R1())

    facility = pki.leaf("01003", valid_from=NOW - DAY, valid_to=NOW + DAY, key=key)

    assert judge(sign(ADJUSTMENTS, facility)).has_passed


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(ADJUSTMENTS.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(b"\xef\xbb\xbf" + ADJUSTMENTS, id="byte-order-mark"),
        pytest.param(ADJUSTMENTS.replace(b">A1<", b"><![CDATA[<A1>]]><"), id="cdata"),
        pytest.param(ADJUSTMENTS.replace(b"A1", b"&#13;&amp;<!-- c -->"), id="escapes"),
        pytest.param(ADJUSTMENTS.replace(b"A1", "Ngô Thị Hường 𝔸".encode()), id="vietnamese"),
        pytest.param(
            ADJUSTMENTS.replace(b"<HOSO_DIEUCHINH_GD ", b'<HOSO_DIEUCHINH_GD xml:lang="vi" '), id="xml-lang"
        ),
        pytest.param(
            ADJUSTMENTS.replace(b"<DSACH>", b'<DSACH xmlns="urn:x" xmlns:y="urn:y" y:z="">'), id="namespaces"
        ),
    ],
)
def test_every_document_that_parses_can_be_signed(
    document: bytes, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign(document, facility)).has_passed


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(BUNDLE, id="a-claim"),
        pytest.param(ADJUSTMENTS.replace(b"TT_HOSO", b"TTHOSO"), id="no-such-element"),
        pytest.param(ADJUSTMENTS.replace(b"  <CHU", b"<TT_HOSO/><CHU"), id="two-of-them"),
        pytest.param(ADJUSTMENTS.replace(b'"HS-1"', b'"1"'), id="an-id-that-begins-with-a-digit"),
        pytest.param(ADJUSTMENTS.replace(b'"HS-1"', b'""'), id="an-empty-id"),
        pytest.param(ADJUSTMENTS.replace(b'"HS-1"', b'"a b"'), id="an-id-with-a-blank"),
        pytest.param(ADJUSTMENTS.replace(b'"HS-1"', b'"a&quot;/>"'), id="an-id-of-markup"),
        pytest.param(ADJUSTMENTS.replace(b'"HS-1"', b'"%s"' % (b"a" * 101)), id="a-long-id"),
    ],
)
def test_where_there_is_nothing_to_sign_that_is_said(document: bytes, facility: FacilityKey) -> None:
    with pytest.raises(NothingToSign):
        sign(document, facility)


@pytest.mark.parametrize("at", [None, datetime(2026, 6, 1)], ids=["none", "naive"])  # noqa: DTZ001
def test_the_time_of_signing_must_be_given(at: datetime | None, facility: FacilityKey) -> None:
    with pytest.raises(ValueError, match="time of signing"):
        sign_bundle(ADJUSTMENTS, facility.signer, profile=Profile.ELEMENT, at=at)


# The place of a hospital's signature in health-check packages.

PACKAGE = BUNDLE.replace(b"<CHUKYDONVI/>", b"<CKS_BENH_VIEN/>")
NESTED = BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><CKS_BENH_VIEN/></CHUKYDONVI>")


@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.XADES])
@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(PACKAGE, "CKS_BENH_VIEN", id="below-the-root"),
        pytest.param(NESTED, "CHUKYDONVI/CKS_BENH_VIEN", id="inside-the-other"),
    ],
)
def test_a_hospitals_signature_has_a_place_of_its_own(
    document: bytes, path: str, profile: Profile, facility: FacilityKey, judge: Judge
) -> None:
    signed = sign_bundle(document, facility.signer, profile=profile, at=NOW)

    assert parse(signed).find(f"{path}/{DS}Signature") is not None
    assert judge(signed).scope == "whole-document"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((b"01001", b"01002"), id="a-field"),
        pytest.param((b"<CKS_BENH_VIEN>", b"<CKS_BENH_VIEN>x"), id="text-beside-it"),
    ],
)
def test_what_was_changed_there_is_noticed(
    change: tuple[bytes, bytes], facility: FacilityKey, judge: Judge
) -> None:
    signed = sign_bundle(PACKAGE, facility.signer)

    assert judge(signed.replace(*change, 1)).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


@pytest.mark.attack
@pytest.mark.parametrize(
    "new",
    [
        pytest.param(b"<X><CKS_BENH_VIEN>", id="deeper"),
        pytest.param(b"<CKS_BENH_VIEN><X/>", id="beside-something"),
        pytest.param(b"<CKS_BENH_VIEN/><CKS_BENH_VIEN>", id="twice"),
        pytest.param(b"<CKS_BENH_VIEN xmlns='urn:x'>", id="in-a-namespace"),
    ],
)
def test_another_place_is_refused(new: bytes, facility: FacilityKey, judge: Judge) -> None:
    signed = sign_bundle(PACKAGE, facility.signer).replace(b"<CKS_BENH_VIEN>", new)
    closed = (
        signed.replace(b"</CKS_BENH_VIEN>", b"</CKS_BENH_VIEN></X>") if new.startswith(b"<X>") else signed
    )

    assert judge(closed).reasons == (Reason.SIGNATURE_MISPLACED,)


def test_two_empty_places_leave_it_open_where_to_sign(facility: FacilityKey) -> None:
    document = BUNDLE.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI/><CKS_BENH_VIEN/>")

    with pytest.raises(MissingContainer) as refused:
        sign_bundle(document, facility.signer)

    assert refused.value.count == 2


def test_a_place_that_is_taken_is_not_signed_in(facility: FacilityKey) -> None:
    with pytest.raises(ContainerNotEmpty, match="CKS_BENH_VIEN"):
        sign_bundle(
            PACKAGE.replace(b"<CKS_BENH_VIEN/>", b"<CKS_BENH_VIEN><X/></CKS_BENH_VIEN>"), facility.signer
        )


def test_the_element_is_not_signed_from_inside(facility: FacilityKey) -> None:
    policy = replace(DEFAULT_POLICY, containers=frozenset({"TT_HOSO/CHUKYDONVI"}))
    document = b"<HOSO_DIEUCHINH_GD><TT_HOSO Id='x'><CHUKYDONVI/></TT_HOSO></HOSO_DIEUCHINH_GD>"

    with pytest.raises(NothingToSign, match="inside"):
        sign(document, facility, policy=policy)


def test_the_tree_that_was_verified_is_not_needed_any_more(signed: bytes, trust: TrustStore) -> None:
    root = parse(signed)

    verify(root, trust=trust, at=NOW)

    # Whoever goes on reading the document finds neither the signature nor what it covered.
    assert root.find("TT_HOSO") is None
    assert b"Signature" not in etree.tostring(root)
