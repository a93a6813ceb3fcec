"""The quick canonical form is byte for byte libxml2's, or there is none."""

from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, canonicalize_document, parse, parse_verbatim
from signing.plain_form import find_plain_form
from tests.unit.signing.documents import BUNDLE

NAMES = st.sampled_from(["A", "b", "MACSKCB", "Tên", "_x", "a.b-c"])
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n&<>\"'!]")
)
DECLARATIONS = st.dictionaries(
    st.sampled_from(["xsi", "xsd", "a", "é", "B"]),
    st.sampled_from(["urn:x", "http://www.w3.org/2001/XMLSchema", "urn:y?a=b"]),
    max_size=4,
)
XML_CHARACTERS = {0xFFFE, 0xFFFF}


def element(name: str, inside: str) -> str:
    return f"<{name}>{inside}</{name}>" if inside else f"<{name}/>"


TREES = st.recursive(
    TEXT.map(lambda text: escape("".join(c for c in text if ord(c) & 0xFFFF not in XML_CHARACTERS))),
    lambda inner: st.builds(element, NAMES, st.lists(inner, max_size=4).map("".join)),
    max_leaves=20,
)


def canonical(root: etree._Element, *, exclusive: bool) -> bytes:
    return etree.tostring(root.getroottree(), method="c14n", exclusive=exclusive, with_comments=False)


@settings(max_examples=150, deadline=None)
@given(declarations=DECLARATIONS, inside=TREES, exclusive=st.booleans())
def test_it_is_the_canonical_form(declarations: dict[str, str], inside: str, exclusive: bool) -> None:
    attributes = "".join(f' xmlns:{prefix}="{name}"' for prefix, name in declarations.items())
    root = parse(f"<GIAMDINHHS{attributes}>{inside}</GIAMDINHHS>".encode())

    assert find_plain_form(root, exclusive=exclusive) == canonical(root, exclusive=exclusive)


@pytest.mark.parametrize("algorithm", [C14N_1_0, C14N_1_1, C14N_EXCLUSIVE])
def test_a_bundle_is_plain(algorithm: str) -> None:
    root = parse(BUNDLE)
    exclusive = algorithm == C14N_EXCLUSIVE

    assert find_plain_form(root, exclusive=exclusive) == canonical(root, exclusive=exclusive)
    assert canonicalize_document(root, algorithm) == canonical(root, exclusive=exclusive)


def test_the_tree_is_left_as_it_was() -> None:
    root = parse(b"<r><a/><b></b>tail</r>")

    find_plain_form(root, exclusive=False)

    assert etree.tostring(root) == b"<r><a/><b/>tail</r>"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'<r a="1"/>', id="attribute"),
        pytest.param(b'<r><a xml:lang="vi"/></r>', id="xml-attribute"),
        pytest.param(b'<r xmlns="urn:x"/>', id="default-namespace"),
        pytest.param(b'<p:r xmlns:p="urn:x"/>', id="used-namespace"),
        pytest.param(b'<r><a xmlns:p="urn:x"/></r>', id="inner-declaration"),
        pytest.param(b'<r xmlns:p="urn:x"><a xmlns:p="urn:x"/></r>', id="repeated-declaration"),
        pytest.param(b'<r xmlns:p="urn:x"><a xmlns:p="urn:y"/></r>', id="changed-declaration"),
        pytest.param(b"<r>a<!-- c -->b</r>", id="comment"),
        pytest.param(b"<!-- c --><r/>", id="outer-comment"),
        pytest.param(b"<r><?p?></r>", id="instruction"),
        pytest.param(b"<?p?><r/>", id="outer-instruction"),
        pytest.param(b"<r><![CDATA[<a>]]></r>", id="cdata"),
        pytest.param(b"<r>&#13;</r>", id="carriage-return"),
        pytest.param(b'<r xmlns:p="urn:x&amp;y"/>', id="escaped-namespace"),
        pytest.param(b"<r>" + b"<a/>" * 1001 + b"</r>", id="many-empty-elements"),
    ],
)
def test_other_documents_have_none(document: bytes) -> None:
    root = parse_verbatim(document)

    assert find_plain_form(root, exclusive=False) is None
    assert canonicalize_document(root, C14N_1_0) == canonical(root, exclusive=False)


def test_a_relative_namespace_is_left_to_fail() -> None:
    assert find_plain_form(parse(b'<r xmlns:p="relative"/>'), exclusive=False) is None


def test_a_redeclared_xml_prefix_is_not_written() -> None:
    root = parse(b'<r xmlns:xml="http://www.w3.org/XML/1998/namespace"/>')

    assert canonicalize_document(root, C14N_1_0) == canonical(root, exclusive=False)
