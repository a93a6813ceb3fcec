"""What is read from the bytes of a usual document is what is read from its tree, or it is left alone."""

import re
from collections import Counter
from dataclasses import fields, replace
from random import Random

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, parse
from signing.demo_pki import FacilityKey
from signing.errors import Unparsable
from signing.facts import SignatureFacts, read_facts
from signing.plain_form import PlainBytes
from signing.policy import DEFAULT_POLICY, ECDSA_SHA256, XMLDSIG_MORE, XMLENC
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.usual import read_usual_facts
from signing.verify import Verdict, verify
from tests.fuzz.mutants import mutate
from tests.unit.signing.documents import (
    BUNDLE,
    ENVELOPED,
    NOW,
    Recipe,
    ecdsa_signing,
    sign_like,
    transform,
)

pytestmark = pytest.mark.attack

MUTANTS = 4000
#: Without the namespaces that its root declares.
BARE_BUNDLE = re.sub(rb" xmlns:xs[id]=\"[^\"]*\"", b"", BUNDLE)
ALGORITHMS = (C14N_1_0, C14N_1_1, C14N_EXCLUSIVE)


def of_usual(data: bytes) -> SignatureFacts | None:
    return read_usual_facts(parse(data), data, DEFAULT_POLICY)


def described(value: object) -> object:
    """Return a value with its elements as what they hold, so that those of two trees can be compared."""
    if isinstance(value, etree._Element):
        return value.tag, etree.tostring(value, method="c14n")
    if isinstance(value, tuple):
        return tuple(described(each) for each in value)
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {each.name: described(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type] # it is one
    return value


def judged(data: bytes, trust: TrustStore, *, source: bytes | None) -> tuple[Verdict, bytes]:
    verdict = verify(parse(data), trust=trust, at=NOW, source=source)
    content = b"" if verdict.content is None else etree.tostring(verdict.content)
    return replace(verdict, content=None), content


def signed_by(facility: FacilityKey) -> list[bytes]:
    signed = [sign_bundle(bundle, facility.signer) for bundle in (BARE_BUNDLE, BUNDLE)]
    signed += [
        sign_bundle(bundle, facility.signer, profile=Profile.XADES, at=NOW)
        for bundle in (BARE_BUNDLE, BUNDLE)
    ]
    for prefix in ("", "ds"):
        for signed_info in ALGORITHMS:
            for document in ("", *ALGORITHMS):
                transforms = ENVELOPED + (transform(document) if document else "")
                recipe = Recipe(prefix=prefix, signed_info_c14n=signed_info, transforms=transforms)
                recipe = replace(recipe, document_c14n=document or C14N_1_0)
                signed += [as_usual(sign_like(recipe, facility, bundle)) for bundle in (BARE_BUNDLE, BUNDLE)]
    return signed


def as_usual(data: bytes) -> bytes:
    """Write an element without content as one tag, as signers do."""
    return re.sub(rb"></(ds:)?(SignatureMethod|Transform)>", b"/>", data)


def test_both_ways_read_the_same_facts(facility: FacilityKey, trust: TrustStore) -> None:
    for data in signed_by(facility):
        facts = of_usual(data)

        assert facts is not None, data
        assert described(facts) == described(read_facts(parse(data), DEFAULT_POLICY))
        assert judged(data, trust, source=data)[0].has_passed
        assert judged(data, trust, source=data) == judged(data, trust, source=None)


def test_a_key_on_a_curve_and_a_longer_hash(ec_facility: FacilityKey, facility: FacilityKey) -> None:
    curve = Recipe(algorithm=ECDSA_SHA256, sign=ecdsa_signing(ec_facility, hashes.SHA256(), octets=32))
    longer = Recipe(digest_method=f"{XMLENC}sha512", digest_name="sha512")
    unknown = Recipe(algorithm=f"{XMLDSIG_MORE}rsa-md5")

    for recipe, key in ((curve, ec_facility), (longer, facility)):
        data = as_usual(sign_like(recipe, key, BARE_BUNDLE))
        facts = of_usual(data)
        assert facts is not None
        assert described(facts) == described(read_facts(parse(data), DEFAULT_POLICY))
    assert of_usual(as_usual(sign_like(unknown, facility, BARE_BUNDLE))) is None


def test_no_mutant_is_judged_in_two_ways(facility: FacilityKey, trust: TrustStore) -> None:
    random = Random(1)
    targets = signed_by(facility)
    counts: Counter[str] = Counter()

    for _ in range(MUTANTS):
        mutant = mutate(random, random.choice(targets))
        try:
            counts["usual" if of_usual(mutant) else "left alone"] += 1
        except Unparsable:
            continue
        assert judged(mutant, trust, source=mutant) == judged(mutant, trust, source=None), mutant

    assert counts["usual"] > MUTANTS / 16
    assert counts["left alone"] > MUTANTS / 16


TAGS = ("<a>", "</a>", "<a/>", "<b>", "</b>", "<a >", "</a\n>", '<a b="1">', "<a b='1'>", '<a xmlns="urn:x">')
OTHERS = ("<!--c-->", "<?p?>", "<![CDATA[x]]>", "]]>", "&gt;", "&#13;", *"x>é='\" \n\r")


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(TAGS + OTHERS), max_size=12).map("".join))
def test_bytes_that_pass_for_their_own_form_are_it(inside: str) -> None:
    for text in (f"<r>{inside}</r>", f"<r>{inside}", f"{inside}</r>", f'<r xmlns:p="urn:p">{inside}</r>'):
        plain = PlainBytes.find(text.encode())
        if plain is None:
            continue
        try:
            root = parse(text.encode())
        except Unparsable:
            continue
        for exclusive in (False, True):
            expected = etree.tostring(root.getroottree(), method="c14n", exclusive=exclusive)
            assert plain.form(exclusive=exclusive) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b"<HOSO>", b'<HOSO Id="x">', id="attribute"),
        pytest.param(b"<HOSO>", b"<HOSO a='x'>", id="apostrophes"),
        pytest.param(b"<HOSO>", b"<HOSO xmlns='urn:x'>", id="namespace"),
        pytest.param(b"<HOSO>", b"<HOSO >", id="space-in-a-tag"),
        pytest.param(b"</HOSO>", b"</HOSO\n>", id="break-in-an-end-tag"),
        pytest.param(b"<HOSO>", b"<HOSO><A/>", id="empty-element"),
        pytest.param(b"<HOSO>", b"<HOSO>a > b", id="bare-angle"),
        pytest.param(b"<HOSO>", b"<HOSO>&amp;", id="reference"),
        pytest.param(b"<HOSO>", b"<HOSO>\r", id="carriage-return"),
        pytest.param(b"<HOSO>", b"<HOSO><!-- x -->", id="comment"),
        pytest.param(b"<HOSO>", b"<HOSO><?x y?>", id="instruction"),
        pytest.param(b"<HOSO>", b"<HOSO><![CDATA[x]]>", id="cdata"),
        pytest.param(b"<?xml", b"\xef\xbb\xbf<?xml", id="byte-order-mark"),
        pytest.param(b"<GIAMDINHHS>", b"<!-- x --><GIAMDINHHS>", id="comment-before"),
        pytest.param(b"</GIAMDINHHS>", b"</GIAMDINHHS><?x y?>", id="instruction-behind"),
        pytest.param(b"<SignedInfo>", b"<SignedInfo> ", id="space-in-the-signature"),
        pytest.param(b"<SignedInfo>", b"<SignedInfo><!---->", id="comment-in-the-signature"),
        pytest.param(b"<SignatureValue>", b"<SignatureValue>*", id="junk-in-base64"),
        pytest.param(b"<SignatureValue>", b"<SignatureValue>&#10;", id="reference-in-base64"),
        pytest.param(b"<DigestValue>", b"<DigestValue>AAAA", id="digest-too-long"),
        pytest.param(b"<DigestValue>", b"<DigestValue>\r\n", id="carriage-return-in-the-signature"),
        pytest.param(b"CHUKYDONVI>", b"CHUKY>", id="other-place"),
        pytest.param(b"</CHUKYDONVI>", b"<A></A></CHUKYDONVI>", id="neighbour"),
        pytest.param(b"</GIAMDINHHS>", b"<CHUKYDONVI></CHUKYDONVI></GIAMDINHHS>", id="second-place"),
        pytest.param(b"#rsa-sha256", b"#hmac-sha256", id="hmac"),
        pytest.param(b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1", id="sha1"),
        pytest.param(b'Reference URI=""', b'Reference URI="#x"', id="part"),
    ],
)
def test_what_is_unusual_is_left_alone(
    old: bytes, new: bytes, facility: FacilityKey, trust: TrustStore
) -> None:
    signed = sign_bundle(BARE_BUNDLE, facility.signer)
    assert old in signed
    data = signed.replace(old, new)
    root = parse(data)
    before = etree.tostring(root)

    assert read_usual_facts(root, data, DEFAULT_POLICY) is None
    assert etree.tostring(root) == before
    assert judged(data, trust, source=data) == judged(data, trust, source=None)


def test_two_ids_that_are_the_same_are_left_to_be_refused(facility: FacilityKey, trust: TrustStore) -> None:
    signed = sign_bundle(BARE_BUNDLE, facility.signer, profile=Profile.XADES, at=NOW)
    data = signed.replace(b"-document", b"-properties")

    assert of_usual(data) is None
    assert [str(each) for each in judged(data, trust, source=data)[0].reasons] == ["signature.duplicate_id"]


@pytest.mark.parametrize(
    "declaration",
    [
        pytest.param('xmlns="urn:x"', id="default"),
        pytest.param('xmlns:ds="urn:x"', id="a-prefix-of-signatures"),
        pytest.param('xmlns:xades="http://www.w3.org/2000/09/xmldsig#"', id="their-namespace"),
        pytest.param('xmlns:xml="http://www.w3.org/XML/1998/namespace"', id="xml"),
        pytest.param('xmlns:p="relative"', id="relative"),
        pytest.param("xmlns:p='urn:x'", id="apostrophes"),
        pytest.param('xmlns:p="urn:x" Id="x"', id="attribute"),
        pytest.param('xmlns:p="urn:x&amp;y"', id="reference"),
        pytest.param('  xmlns:p="urn:x"', id="two-spaces"),
        pytest.param(f'xmlns:p="urn:{1000 * "x"}"', id="endless"),
    ],
)
def test_unusual_declarations_are_left_alone(
    declaration: str, facility: FacilityKey, trust: TrustStore
) -> None:
    signed = sign_bundle(BARE_BUNDLE, facility.signer)
    data = signed.replace(b"<GIAMDINHHS>", f"<GIAMDINHHS {declaration}>".encode())

    assert of_usual(data) is None
    assert judged(data, trust, source=data) == judged(data, trust, source=None)


def test_an_element_with_a_declared_prefix_is_left_alone(facility: FacilityKey, trust: TrustStore) -> None:
    data = sign_bundle(BUNDLE, facility.signer).replace(b"LOAIHOSO>", b"xsi:LOAIHOSO>")

    assert of_usual(data) is None
    assert judged(data, trust, source=data) == judged(data, trust, source=None)
