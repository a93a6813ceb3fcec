"""Hostile signatures are refused, each for its own reason, and none of them raises.

Most of these are rightly signed by a trusted key, so that the rule refuses them and not the digest.
"""

import base64
import copy
import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE
from signing.demo_pki import FacilityKey
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG, XMLDSIG_MORE, XMLDSIG_MORE_2007
from signing.sign import sign_bundle
from signing.verdict import Reason
from tests.unit.signing.conftest import Judge
from tests.unit.signing.documents import (
    BUNDLE,
    DS,
    ENVELOPED,
    LINEAR_S,
    Recipe,
    ecdsa_signing,
    edit,
    rsa_signing,
    sign_like,
    transform,
    x509_data,
)

pytestmark = pytest.mark.attack


@pytest.fixture(scope="module")
def signed(facility: FacilityKey) -> bytes:
    return sign_bundle(BUNDLE, facility.signer)


def signature_of(root: Element) -> Element:
    return next(root.iter(f"{DS}Signature"))


# Where the signature stands, and what else there is.


def wrap_whole(root: Element) -> None:
    """The signed document becomes a part of another one, with the signature's own place left as it was."""
    original = copy.deepcopy(root)
    for element in list(root):
        if element.tag != "CHUKYDONVI":
            root.remove(element)
    forged = etree.SubElement(root, "THONGTINDONVI")
    etree.SubElement(forged, "MACSKCB").text = "99999"
    original.find("CHUKYDONVI").clear()  # type: ignore[union-attr]
    root.append(original)


def move_to_root(root: Element) -> None:
    root.append(signature_of(root))


def move_to_front(root: Element) -> None:
    root.insert(0, signature_of(root))


def move_into(place: str) -> Callable[[Element], None]:
    def move(root: Element) -> None:
        found = root.find(f".//{place}")
        assert found is not None
        found.append(signature_of(root))

    return move


def move_deeper(root: Element) -> None:
    container = root.find("CHUKYDONVI")
    assert container is not None
    etree.SubElement(container, "X").append(container[0])


def add_sibling(root: Element) -> None:
    container = root.find("CHUKYDONVI")
    assert container is not None
    etree.SubElement(container, "MACSKCB").text = "99999"


def second_container(root: Element) -> None:
    etree.SubElement(root, "CHUKYDONVI")


def second_signature(place: str) -> Callable[[Element], None]:
    def add(root: Element) -> None:
        found = root if place == "." else root.find(f".//{place}")
        assert found is not None
        found.append(copy.deepcopy(signature_of(root)))

    return add


def nest_signature(root: Element) -> None:
    signature = signature_of(root)
    signature.append(copy.deepcopy(signature))


def rename_root_into_container(root: Element) -> None:
    root.tag = "CHUKYDONVI"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(wrap_whole, Reason.SIGNATURE_DIGEST_MISMATCH, id="wrapped-document-below-a-forged-root"),
        pytest.param(move_to_root, Reason.SIGNATURE_MISPLACED, id="under-the-root"),
        pytest.param(move_to_front, Reason.SIGNATURE_MISPLACED, id="first-child"),
        pytest.param(move_into("THONGTINDONVI"), Reason.SIGNATURE_MISPLACED, id="in-thongtindonvi"),
        pytest.param(move_into("NOIDUNGFILE"), Reason.SIGNATURE_MISPLACED, id="in-a-table"),
        pytest.param(move_deeper, Reason.SIGNATURE_MISPLACED, id="deeper"),
        pytest.param(add_sibling, Reason.SIGNATURE_MISPLACED, id="with-a-sibling"),
        pytest.param(second_container, Reason.SIGNATURE_MISPLACED, id="two-containers"),
        pytest.param(rename_root_into_container, Reason.SIGNATURE_DIGEST_MISMATCH, id="other-root"),
        pytest.param(second_signature("CHUKYDONVI"), Reason.SIGNATURE_SEVERAL, id="second-in-container"),
        pytest.param(second_signature("."), Reason.SIGNATURE_SEVERAL, id="second-under-root"),
        pytest.param(second_signature("HOSO"), Reason.SIGNATURE_SEVERAL, id="second-in-a-claim"),
        pytest.param(nest_signature, Reason.SIGNATURE_SEVERAL, id="second-in-the-first"),
    ],
)
def test_wrapping_is_refused(
    change: Callable[[Element], None], reason: Reason, signed: bytes, judge: Judge
) -> None:
    verdict = judge(edit(signed, change))

    assert verdict.reasons == (reason,)
    assert verdict.content is None


def test_a_document_inside_another_root_is_refused(signed: bytes, judge: Judge) -> None:
    inner = signed.split(b"\n", 1)[1]

    verdict = judge(
        b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>99999</MACSKCB></THONGTINDONVI>" + inner + b"</GIAMDINHHS>"
    )

    assert verdict.reasons == (Reason.SIGNATURE_MISPLACED,)


def test_no_signature_is_refused(judge: Judge) -> None:
    assert judge(BUNDLE).reasons == (Reason.SIGNATURE_MISSING,)


@pytest.mark.parametrize("namespace", ["", "http://www.w3.org/2000/09/xmldsig", "urn:other"])
def test_a_signature_in_another_namespace_is_none(namespace: str, signed: bytes, judge: Judge) -> None:
    other = signed.replace(f'xmlns="{XMLDSIG}"'.encode(), f'xmlns="{namespace}"'.encode())

    assert judge(other).reasons == (Reason.SIGNATURE_MISSING,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Id", "Id"),
        ("ID", "ID"),
        ("id", "id"),
        ("xml:id", "xml:id"),
        ("Id", "ID"),
        ("Id", "xml:id"),
        ("iD", "id"),
    ],
)
def test_an_id_twice_is_refused(first: str, second: str, facility: FacilityKey, judge: Judge) -> None:
    document = BUNDLE.replace(b"<HOSO>", f'<HOSO {first}="x">'.encode()).replace(
        b"<LOAIHOSO>", f'<LOAIHOSO {second}="x">'.encode()
    )

    assert judge(sign_bundle(document, facility.signer)).reasons == (Reason.SIGNATURE_DUPLICATE_ID,)


def test_different_ids_pass(facility: FacilityKey, judge: Judge) -> None:
    document = BUNDLE.replace(b"<HOSO>", b'<HOSO Id="x">').replace(b"<LOAIHOSO>", b'<LOAIHOSO Id="y">')

    assert judge(sign_bundle(document, facility.signer)).has_passed


# What the reference covers.


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        pytest.param('URI="#x"', Reason.SIGNATURE_REFERENCE_SCOPE, id="an-id"),
        pytest.param('URI="#xpointer(/)"', Reason.SIGNATURE_REFERENCE_SCOPE, id="xpointer"),
        pytest.param("", Reason.SIGNATURE_REFERENCE_SCOPE, id="no-uri"),
        pytest.param(
            f'URI="" Type="{XMLDSIG}Manifest"',
            Reason.SIGNATURE_REFERENCE_SCOPE,
            id="manifest",
        ),
        pytest.param('URI="file:///etc/passwd"', Reason.SIGNATURE_REFERENCE_EXTERNAL, id="file"),
        pytest.param('URI="http://127.0.0.1/x"', Reason.SIGNATURE_REFERENCE_EXTERNAL, id="http"),
        pytest.param('URI="ext.bin"', Reason.SIGNATURE_REFERENCE_EXTERNAL, id="relative"),
        pytest.param('URI=" "', Reason.SIGNATURE_REFERENCE_EXTERNAL, id="space"),
        pytest.param('URI="" Foo="x"', Reason.SIGNATURE_MALFORMED, id="unknown-attribute"),
    ],
)
def test_a_reference_to_anything_else_is_refused(
    uri: str, reason: Reason, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_like(Recipe(uri=uri), facility)).reasons == (reason,)


REFERENCE = (
    f'<P:Reference URI="{{uri}}"><P:Transforms>{ENVELOPED}</P:Transforms>'
    '<P:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<P:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</P:DigestValue></P:Reference>"
)


@pytest.mark.parametrize("uri", ["", "#x", "file:///etc/passwd"])
def test_a_second_reference_is_refused(uri: str, facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(more_references=REFERENCE.format(uri=uri))

    assert judge(sign_like(recipe, facility)).reasons == (Reason.SIGNATURE_REFERENCE_SCOPE,)


def test_no_reference_is_refused(signed: bytes, judge: Judge) -> None:
    def remove(root: Element) -> None:
        info = signature_of(root)[0]
        info.remove(info[2])

    assert judge(edit(signed, remove)).reasons == (Reason.SIGNATURE_REFERENCE_SCOPE,)


# Transforms: refused before anything is evaluated.

XSLT = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:template match="/"><xsl:copy-of select="document(\'/etc/passwd\')"/></xsl:template>'
    "</xsl:stylesheet>"
)


@pytest.mark.parametrize(
    "transforms",
    [
        pytest.param("", id="none"),
        pytest.param(transform(C14N_1_0), id="without-enveloped"),
        pytest.param(transform(C14N_1_0) + ENVELOPED, id="wrong-order"),
        pytest.param(ENVELOPED + ENVELOPED, id="enveloped-twice"),
        pytest.param(ENVELOPED + transform(C14N_1_0) + transform(C14N_1_0), id="three"),
        pytest.param(
            ENVELOPED
            + transform(
                "http://www.w3.org/TR/1999/REC-xpath-19991116", "<P:XPath>not(ancestor::HOSO)</P:XPath>"
            ),
            id="xpath",
        ),
        pytest.param(
            ENVELOPED + transform("http://www.w3.org/2002/06/xmldsig-filter2", "<X>//MACSKCB</X>"),
            id="xpath-filter-2",
        ),
        pytest.param(ENVELOPED + transform("http://www.w3.org/TR/1999/REC-xslt-19991116", XSLT), id="xslt"),
        pytest.param(ENVELOPED + transform(f"{XMLDSIG}base64"), id="base64"),
        pytest.param(ENVELOPED + transform("http://www.w3.org/2002/07/decrypt#XML"), id="decrypt"),
        pytest.param(ENVELOPED + transform(f"{C14N_1_0}#WithComments"), id="c14n-with-comments"),
        pytest.param(ENVELOPED + transform(f"{C14N_EXCLUSIVE}WithComments"), id="exclusive-with-comments"),
        pytest.param(ENVELOPED + transform("http://www.w3.org/2010/xml-c14n2"), id="c14n-2"),
        pytest.param(ENVELOPED + transform(""), id="no-algorithm"),
        pytest.param(transform(ENVELOPED_SIGNATURE, "<X/>"), id="enveloped-with-a-parameter"),
        pytest.param(ENVELOPED + transform(C14N_1_0, "<X/>"), id="c14n-with-a-parameter"),
        pytest.param(
            ENVELOPED
            + transform(
                C14N_EXCLUSIVE,
                f'<InclusiveNamespaces xmlns="{C14N_EXCLUSIVE}" PrefixList="{"p " * 17}"/>',
            ),
            id="too-many-prefixes",
        ),
    ],
)
def test_other_transforms_are_refused(transforms: str, facility: FacilityKey, judge: Judge) -> None:
    verdict = judge(sign_like(Recipe(transforms=transforms), facility))

    assert verdict.reasons == (Reason.SIGNATURE_TRANSFORM_FORBIDDEN,)


def test_a_reference_without_transforms_is_refused(signed: bytes, judge: Judge) -> None:
    def remove(root: Element) -> None:
        reference = signature_of(root)[0][2]
        reference.remove(reference[0])

    assert judge(edit(signed, remove)).reasons == (Reason.SIGNATURE_TRANSFORM_FORBIDDEN,)


# Algorithms.


@pytest.mark.parametrize(
    ("algorithm", "reason"),
    [
        pytest.param(f"{XMLDSIG}rsa-sha1", Reason.SIGNATURE_SHA1, id="rsa-sha1"),
        pytest.param(f"{XMLDSIG}dsa-sha1", Reason.SIGNATURE_SHA1, id="dsa-sha1"),
        pytest.param(f"{XMLDSIG_MORE}ecdsa-sha1", Reason.SIGNATURE_SHA1, id="ecdsa-sha1"),
        pytest.param(f"{XMLDSIG_MORE}rsa-md5", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="rsa-md5"),
        pytest.param(f"{XMLDSIG_MORE}hmac-sha256", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="hmac-sha256"),
        pytest.param(f"{XMLDSIG_MORE}hmac-md5", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="hmac-md5"),
        pytest.param(
            f"{XMLDSIG_MORE_2007}rsa-pss", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="pss-with-parameters"
        ),
        pytest.param("", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="none"),
    ],
)
def test_other_signature_algorithms_are_refused(
    algorithm: str, reason: Reason, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_like(Recipe(algorithm=algorithm), facility)).reasons == (reason,)


def test_a_truncated_hmac_is_refused(facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(
        algorithm=f"{XMLDSIG_MORE}hmac-sha256",
        method_inside="<P:HMACOutputLength>0</P:HMACOutputLength>",
        sign=lambda _: b"\0",
    )

    assert judge(sign_like(recipe, facility)).reasons == (Reason.SIGNATURE_ALGORITHM_FORBIDDEN,)


def test_an_hmac_length_beside_rsa_is_refused(facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(method_inside="<P:HMACOutputLength>8</P:HMACOutputLength>")

    assert judge(sign_like(recipe, facility)).reasons == (Reason.SIGNATURE_ALGORITHM_FORBIDDEN,)


@pytest.mark.parametrize(
    ("uri", "name", "reason"),
    [
        pytest.param(f"{XMLDSIG}sha1", "sha1", Reason.SIGNATURE_SHA1, id="sha1"),
        pytest.param(f"{XMLDSIG_MORE}md5", "md5", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="md5"),
        pytest.param("urn:none", "sha256", Reason.SIGNATURE_ALGORITHM_FORBIDDEN, id="unknown"),
    ],
)
def test_other_digests_are_refused(
    uri: str, name: str, reason: Reason, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_like(Recipe(digest_method=uri, digest_name=name), facility)).reasons == (reason,)


@pytest.mark.parametrize(
    "algorithm", [f"{C14N_1_0}#WithComments", f"{C14N_EXCLUSIVE}WithComments", "urn:none", ""]
)
def test_other_canonicalisations_of_signed_info_are_refused(
    algorithm: str, signed: bytes, judge: Judge
) -> None:
    other = signed.replace(
        f'CanonicalizationMethod Algorithm="{C14N_1_0}"'.encode(),
        f'CanonicalizationMethod Algorithm="{algorithm}"'.encode(),
    )

    assert judge(other).reasons == (Reason.SIGNATURE_ALGORITHM_FORBIDDEN,)


def test_an_rsa_name_over_an_elliptic_key_is_refused(ec_facility: FacilityKey, judge: Judge) -> None:
    verdict = judge(sign_like(Recipe(algorithm=f"{XMLDSIG_MORE}rsa-sha256"), ec_facility))

    assert verdict.reasons == (Reason.SIGNATURE_KEY_MISMATCH,)


def test_the_wrong_rsa_scheme_is_refused(facility: FacilityKey, judge: Judge) -> None:
    pss = Recipe(sign=rsa_signing(facility, hashes.SHA256(), pss=True))

    assert judge(sign_like(pss, facility)).reasons == (Reason.SIGNATURE_VALUE_WRONG,)


@pytest.mark.parametrize("octets", [31 + 2, 40, 64])
def test_padded_ecdsa_integers_are_refused(octets: int, ec_facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(
        algorithm=f"{XMLDSIG_MORE}ecdsa-sha256",
        sign=ecdsa_signing(ec_facility, hashes.SHA256(), octets=octets),
    )

    assert judge(sign_like(recipe, ec_facility)).reasons == (Reason.SIGNATURE_VALUE_WRONG,)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(bytes(64), id="zeros"),
        pytest.param(bytes(63) + b"\1", id="r-zero"),
        pytest.param(b"\xff" * 64, id="too-great"),
        pytest.param(b"\0", id="one-octet"),
        pytest.param(b"\x30\x06\x02\x01\x01\x02\x01\x01", id="der"),
    ],
)
def test_malformed_ecdsa_is_refused(value: bytes, ec_facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(algorithm=f"{XMLDSIG_MORE}ecdsa-sha256", sign=lambda _: value)

    assert judge(sign_like(recipe, ec_facility)).reasons == (Reason.SIGNATURE_VALUE_WRONG,)


# The key.

KEY_VALUE = (
    "<P:KeyInfo><P:KeyValue><P:RSAKeyValue><P:Modulus>{modulus}</P:Modulus>"
    "<P:Exponent>AQAB</P:Exponent></P:RSAKeyValue></P:KeyValue></P:KeyInfo>"
)


def test_a_bare_key_is_refused(facility: FacilityKey, judge: Judge) -> None:
    numbers = facility.signer.certificate.public_key().public_numbers()  # type: ignore[union-attr]
    modulus = base64.b64encode(numbers.n.to_bytes(256, "big")).decode()  # type: ignore[union-attr]

    verdict = judge(sign_like(Recipe(key_info=KEY_VALUE.format(modulus=modulus)), facility))

    assert verdict.reasons == (Reason.CERTIFICATE_MISSING,)


@pytest.mark.parametrize(
    ("key_info", "reason"),
    [
        pytest.param("", Reason.CERTIFICATE_MISSING, id="no-key-info"),
        pytest.param("<P:KeyInfo/>", Reason.CERTIFICATE_MISSING, id="empty"),
        pytest.param("<P:KeyInfo><P:X509Data/></P:KeyInfo>", Reason.CERTIFICATE_MISSING, id="no-certificate"),
        pytest.param(
            "<P:KeyInfo><P:KeyName>x</P:KeyName></P:KeyInfo>", Reason.CERTIFICATE_MISSING, id="key-name"
        ),
        pytest.param(
            '<P:KeyInfo><P:RetrievalMethod URI="http://127.0.0.1/"/></P:KeyInfo>',
            Reason.SIGNATURE_MALFORMED,
            id="retrieval",
        ),
        pytest.param(
            "<P:KeyInfo><P:X509Data><P:X509Certificate/></P:X509Data></P:KeyInfo>",
            Reason.CERTIFICATE_MALFORMED,
            id="empty-certificate",
        ),
        pytest.param(
            "<P:KeyInfo><P:X509Data><P:X509Certificate>AAAA</P:X509Certificate></P:X509Data></P:KeyInfo>",
            Reason.CERTIFICATE_MALFORMED,
            id="no-der",
        ),
        pytest.param(
            "<P:KeyInfo><P:X509Data>"
            + "<P:X509Certificate>AAAA</P:X509Certificate>" * 9
            + "</P:X509Data></P:KeyInfo>",
            Reason.CERTIFICATE_MALFORMED,
            id="too-many",
        ),
        pytest.param(
            "<P:KeyInfo><P:X509Data><P:X509Certificate>"
            + "A" * 100_000
            + "</P:X509Certificate></P:X509Data></P:KeyInfo>",
            Reason.CERTIFICATE_MALFORMED,
            id="too-long",
        ),
    ],
)
def test_a_key_info_without_a_usable_certificate_is_refused(
    key_info: str, reason: Reason, facility: FacilityKey, judge: Judge
) -> None:
    assert judge(sign_like(Recipe(key_info=key_info), facility)).reasons == (reason,)


def test_the_certificate_of_another_key_is_refused(
    facility: FacilityKey, judge: Judge, other_facility: FacilityKey
) -> None:
    verdict = judge(sign_like(Recipe(key_info=x509_data(other_facility.certificate)), facility))

    assert verdict.reasons == (Reason.SIGNATURE_VALUE_WRONG,)


# The form: what one reader skips and another reads.


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param("<!-- x -->", id="comment"),
        pytest.param("<?x y?>", id="instruction"),
        pytest.param("<X/>", id="element"),
        pytest.param("*", id="junk-character"),
        pytest.param("\u00a0", id="no-break-space"),
        pytest.param("\u2028", id="line-separator"),
        pytest.param("-", id="url-alphabet"),
        pytest.param("=", id="early-padding"),
    ],
)
@pytest.mark.parametrize("element", ["DigestValue", "SignatureValue"])
def test_junk_in_base64_is_refused(junk: str, element: str, signed: bytes, judge: Judge) -> None:
    text = signed.decode()
    at = text.index(f"<{element}>") + len(element) + 10

    verdict = judge((text[:at] + junk + text[at:]).encode())

    assert verdict.reasons == (Reason.SIGNATURE_MALFORMED,)


@pytest.mark.parametrize("junk", ["<!-- x -->", "<?x y?>", "<X/>", "*", "\u00a0"])
def test_junk_in_a_certificate_is_refused(junk: str, signed: bytes, judge: Judge) -> None:
    text = signed.decode()
    at = text.index("<X509Certificate>") + 30

    verdict = judge((text[:at] + junk + text[at:]).encode())

    assert verdict.reasons[0] in {Reason.SIGNATURE_MALFORMED, Reason.CERTIFICATE_MALFORMED}


@pytest.mark.parametrize("element", ["DigestValue", "SignatureValue"])
@pytest.mark.parametrize("value", ["", " ", "AAAA", "A===", "QR=="])
def test_a_value_that_is_no_base64_of_its_length_is_refused(
    element: str, value: str, signed: bytes, judge: Judge
) -> None:
    def change(root: Element) -> None:
        next(root.iter(f"{DS}{element}")).text = value

    verdict = judge(edit(signed, change))

    expected = {Reason.SIGNATURE_MALFORMED}
    if (element, value) == ("SignatureValue", "AAAA"):
        expected = {Reason.SIGNATURE_VALUE_WRONG}
    assert set(verdict.reasons) == expected


def doubled(name: str) -> Callable[[Element], None]:
    def double(root: Element) -> None:
        element = next(root.iter(f"{DS}{name}"))
        element.addnext(copy.deepcopy(element))

    return double


@pytest.mark.parametrize(
    "name",
    [
        "SignedInfo",
        "CanonicalizationMethod",
        "SignatureMethod",
        "Transforms",
        "DigestMethod",
        "DigestValue",
        "SignatureValue",
        "KeyInfo",
    ],
)
def test_an_element_twice_is_refused(name: str, signed: bytes, judge: Judge) -> None:
    assert judge(edit(signed, doubled(name))).reasons == (Reason.SIGNATURE_MALFORMED,)


@pytest.mark.parametrize(
    "name",
    [
        "SignedInfo",
        "CanonicalizationMethod",
        "SignatureMethod",
        "DigestMethod",
        "DigestValue",
        "SignatureValue",
    ],
)
def test_an_element_missing_is_refused(name: str, signed: bytes, judge: Judge) -> None:
    def remove(root: Element) -> None:
        element = next(root.iter(f"{DS}{name}"))
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    assert judge(edit(signed, remove)).reasons == (Reason.SIGNATURE_MALFORMED,)


PARTS = [
    "Signature",
    "SignedInfo",
    "Reference",
    "Transforms",
    "DigestValue",
    "SignatureValue",
    "KeyInfo",
    "X509Data",
    "X509Certificate",
]


@pytest.mark.parametrize("name", PARTS)
def test_a_foreign_child_is_refused(name: str, signed: bytes, judge: Judge) -> None:
    def add(root: Element) -> None:
        etree.SubElement(next(root.iter(f"{DS}{name}")), "{urn:foreign}X")

    assert set(judge(edit(signed, add)).reasons) <= {
        Reason.SIGNATURE_MALFORMED,
        Reason.SIGNATURE_REFERENCE_SCOPE,
    }
    assert not judge(edit(signed, add)).has_passed


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    "node", [etree.Comment("x"), etree.ProcessingInstruction("x", "y")], ids=["comment", "pi"]
)
def test_a_comment_or_instruction_in_the_signature_is_refused(
    name: str, node: Element, signed: bytes, judge: Judge
) -> None:
    def add(root: Element) -> None:
        next(root.iter(f"{DS}{name}")).append(copy.deepcopy(node))

    assert judge(edit(signed, add)).reasons == (Reason.SIGNATURE_MALFORMED,)


@pytest.mark.parametrize(
    "name", [*PARTS, "SignatureMethod", "DigestMethod", "Transform", "CanonicalizationMethod"]
)
def test_an_unknown_attribute_is_refused(name: str, signed: bytes, judge: Judge) -> None:
    def add(root: Element) -> None:
        next(root.iter(f"{DS}{name}")).set("{urn:foreign}x", "y")

    assert judge(edit(signed, add)).reasons == (Reason.SIGNATURE_MALFORMED,)


@pytest.mark.parametrize(
    "name", ["Signature", "SignedInfo", "KeyInfo", "X509Data", "DigestMethod", "Transform"]
)
def test_loose_text_is_refused(name: str, signed: bytes, judge: Judge) -> None:
    def add(root: Element) -> None:
        next(root.iter(f"{DS}{name}")).text = "\u00a0"

    assert judge(edit(signed, add)).reasons == (Reason.SIGNATURE_MALFORMED,)


def test_another_order_is_refused(signed: bytes, judge: Judge) -> None:
    def swap(root: Element) -> None:
        signature = signature_of(root)
        signature.append(signature[0])

    assert judge(edit(signed, swap)).reasons == (Reason.SIGNATURE_MALFORMED,)


def test_an_object_has_its_own_reason(facility: FacilityKey, judge: Judge) -> None:
    recipe = Recipe(after_key_info="<P:Object><X/></P:Object>")

    assert judge(sign_like(recipe, facility)).reasons == (Reason.SIGNATURE_OBJECT_UNSUPPORTED,)


# Large documents, small keys: nothing may hold a worker, whether the signature is right or not.


@pytest.mark.parametrize(
    "filling",
    [
        pytest.param(b"x<!---->" * 200_000, id="comments"),
        pytest.param(b"x<?a?>" * 200_000, id="instructions"),
        pytest.param(b"x<![CDATA[y]]>" * 200_000, id="cdata"),
        pytest.param(b"<a/>" * 200_000, id="empty-elements"),
        pytest.param(b" <a/>" * 300_000, id="as-dense-as-is-not-counted"),
        pytest.param(b"<a><b/></a>" * 60_000, id="pairs"),
        pytest.param((b"<a>" * 50 + b"</a>" * 50) * 2000, id="deep"),
        pytest.param(b"".join(b"<a Id='%d'/>" % i for i in range(100_000)), id="ids"),
        pytest.param((b"<a " + b" ".join(b"x%d=''" % i for i in range(64)) + b"/>") * 3000, id="attributes"),
        pytest.param(b"&amp;" * 1_900_000, id="escapes"),
        pytest.param(
            b"<a "
            + b" ".join(b"xmlns:p%d='u:%d'" % (i, i) for i in range(14))
            + b">"
            + b"<b/>" * 200_000
            + b"</a>",
            id="namespaces",
        ),
    ],
)
def test_a_large_document_is_judged_quickly(filling: bytes, signed: bytes, judge: Judge) -> None:
    document = signed.replace(b"<LOAIHOSO>", b"<LOAIHOSO>" + filling)
    started = time.process_time()

    verdict = judge(document)

    assert time.process_time() - started < LINEAR_S
    assert not verdict.has_passed


@pytest.mark.parametrize(
    ("place", "filling"),
    [
        pytest.param(b"<SignedInfo>", b" <![CDATA[ ]]>" * 200_000, id="cdata-in-signed-info"),
        pytest.param(b"<SignedInfo>", b" " * 9_000_000, id="space-in-signed-info"),
        pytest.param(b"<SignedInfo>", b"<!---->" * 200_000, id="comments-in-signed-info"),
        pytest.param(b"<SignatureValue>", b"A" * 9_000_000, id="long-value"),
        pytest.param(b"<X509Data>", b"<X509SKI/>" * 200_000, id="hints"),
        pytest.param(b"<CHUKYDONVI>", b"<a/>" * 200_000, id="siblings"),
        pytest.param(b"<CHUKYDONVI>", b"<!---->" * 200_000, id="comments-beside"),
        pytest.param(b"<HOSO>", b"<Signature xmlns='%s'/>" % XMLDSIG.encode() * 100_000, id="signatures"),
    ],
)
def test_a_large_signature_is_judged_quickly(
    place: bytes, filling: bytes, signed: bytes, judge: Judge
) -> None:
    document = signed.replace(place, place + filling)
    started = time.process_time()

    judge(document)

    assert time.process_time() - started < LINEAR_S


# The signed content.


def test_a_changed_field_is_found(signed: bytes, judge: Judge) -> None:
    assert judge(signed.replace(b"01001", b"01002")).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_an_added_claim_is_found(signed: bytes, judge: Judge) -> None:
    assert judge(signed.replace(b"</HOSO>", b"</HOSO><HOSO/>")).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_an_instruction_outside_of_the_root_is_signed(signed: bytes, judge: Judge) -> None:
    assert judge(signed + b"<?x?>").reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_reformatting_is_found(signed: bytes, judge: Judge) -> None:
    assert judge(signed.replace(b"<HOSO>", b"<HOSO> ")).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_the_digest_of_another_document_is_found(signed: bytes, facility: FacilityKey, judge: Judge) -> None:
    other = sign_bundle(BUNDLE.replace(b"01001", b"01002"), facility.signer)
    signature = other[other.index(b"<Signature") : other.index(b"</CHUKYDONVI>")]
    mine = signed[signed.index(b"<Signature") : signed.index(b"</CHUKYDONVI>")]

    assert judge(signed.replace(mine, signature)).reasons == (Reason.SIGNATURE_DIGEST_MISMATCH,)


def test_a_digest_put_in_by_hand_breaks_the_signature(
    signed: bytes, facility: FacilityKey, judge: Judge
) -> None:
    other = sign_bundle(BUNDLE.replace(b"01001", b"01002"), facility.signer)

    def value(data: bytes) -> bytes:
        return data[data.index(b"<DigestValue>") : data.index(b"</DigestValue>")]

    forged = signed.replace(b"01001", b"01002").replace(value(signed), value(other))

    assert judge(forged).reasons == (Reason.SIGNATURE_VALUE_WRONG,)


def test_a_document_without_canonical_form_is_refused(signed: bytes, judge: Judge) -> None:
    verdict = judge(signed.replace(b"<HOSO>", b'<HOSO xmlns:x="relative">'))

    assert verdict.reasons == (Reason.SIGNATURE_NOT_CANONICAL,)


def test_a_signed_info_without_canonical_form_is_refused(signed: bytes, judge: Judge) -> None:
    verdict = judge(signed.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS xmlns:x="relative" '))

    assert verdict.reasons == (Reason.SIGNATURE_NOT_CANONICAL,)
