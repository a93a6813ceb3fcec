"""Canonical forms are those of the recommendations, also where libxml2 alone gets them wrong."""

import pytest

from signing.canonical import C14N_1_0, C14N_1_1, C14N_EXCLUSIVE, canonicalize, canonicalize_document, parse
from signing.errors import CanonicalizationFailed

INCLUSIVE = [pytest.param(C14N_1_0, id="1.0"), pytest.param(C14N_1_1, id="1.1")]


@pytest.mark.parametrize("algorithm", INCLUSIVE)
def test_an_inner_element_inherits_the_default_namespace(algorithm: str) -> None:
    inner = parse(b'<r><a xmlns="urn:u"><b><c><d/></c></b></a></r>')[0][0]

    form = canonicalize(inner, algorithm)

    # libxml2 alone writes <d xmlns=""> here.
    assert form == b'<b xmlns="urn:u"><c><d></d></c></b>'


@pytest.mark.parametrize("algorithm", INCLUSIVE)
def test_an_inner_element_carries_unused_namespaces(algorithm: str) -> None:
    inner = parse(b'<r xmlns:b="urn:b" xmlns:a="urn:a"><x xmlns:b="urn:c"><y/>tail</x></r>')[0][0]

    assert canonicalize(inner, algorithm) == b'<y xmlns:a="urn:a" xmlns:b="urn:c"></y>'


@pytest.mark.parametrize("algorithm", INCLUSIVE)
def test_an_undeclared_default_namespace_is_not_inherited(algorithm: str) -> None:
    inner = parse(b'<r xmlns="urn:u"><x xmlns=""><y/></x></r>')[0][0]

    assert canonicalize(inner, algorithm) == b"<y></y>"


def test_the_exclusive_form_leaves_unused_namespaces_out() -> None:
    inner = parse(b'<r xmlns="urn:u" xmlns:a="urn:a" xmlns:b="urn:b"><b:x><y/></b:x></r>')[0]

    assert canonicalize(inner, C14N_EXCLUSIVE) == b'<b:x xmlns:b="urn:b"><y xmlns="urn:u"></y></b:x>'


def test_the_exclusive_form_keeps_the_prefixes_it_is_told_to() -> None:
    inner = parse(b'<r xmlns:a="urn:a" xmlns:b="urn:b"><x/></r>')[0]

    assert canonicalize(inner, C14N_EXCLUSIVE, inclusive_prefixes=("a",)) == b'<x xmlns:a="urn:a"></x>'


@pytest.mark.parametrize(
    "document",
    [
        b'<r xmlns="urn:d"><a></a></r>',
        b'<r><a xmlns="urn:d"><p:b xmlns:p="urn:p"><c></c></p:b></a></r>',
        b'<r><a xmlns="urn:d"><b xmlns=""></b></a></r>',
        b'<p:r xmlns:p="urn:p"><a></a></p:r>',
        # Where nothing uses it, or its end, at once.
        b'<p:r xmlns="urn:d" xmlns:p="urn:p"><a></a></p:r>',
        b'<r><p:a xmlns="urn:d" xmlns:p="urn:p"><b></b></p:a></r>',
        b'<r xmlns="urn:d"><p:a xmlns="" xmlns:p="urn:p"><b></b></p:a></r>',
        b'<?a?>\n<p:r xmlns="urn:d" xmlns:p="urn:p"></p:r>\n<?b?>',
    ],
)
def test_a_default_namespace_that_is_told_to_be_kept_stands_where_it_is_declared(document: bytes) -> None:
    form = canonicalize_document(parse(document), C14N_EXCLUSIVE, inclusive_prefixes=("#default",))

    assert form == document


def test_an_inner_element_keeps_the_default_namespace_of_those_around_it_when_told_to() -> None:
    inner = parse(b'<r xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:a><b/></p:a>tail</r>')[0]

    form = canonicalize(inner, C14N_EXCLUSIVE, inclusive_prefixes=("#default", "q"))

    assert form == b'<p:a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><b></b></p:a>'


def test_the_nearest_xml_attributes_are_inherited() -> None:
    inner = parse(b'<r xml:lang="vi" xml:id="r"><x xml:lang="en" xml:space="preserve"><y/></x></r>')[0][0]

    assert canonicalize(inner, C14N_1_0) == b'<y xml:id="r" xml:lang="en" xml:space="preserve"></y>'


def test_in_canonical_xml_1_1_an_id_is_not_inherited() -> None:
    inner = parse(b'<r xml:lang="vi" xml:id="r"><y/></r>')[0]

    assert canonicalize(inner, C14N_1_1) == b'<y xml:lang="vi"></y>'


def test_an_own_xml_attribute_wins() -> None:
    inner = parse(b'<r xml:lang="vi"><y xml:lang="en"/></r>')[0]

    assert canonicalize(inner, C14N_1_0) == b'<y xml:lang="en"></y>'


def test_the_exclusive_form_inherits_nothing() -> None:
    inner = parse(b'<r xml:lang="vi"><y/></r>')[0]

    assert canonicalize(inner, C14N_EXCLUSIVE) == b"<y></y>"


def test_an_inherited_base_is_refused_in_canonical_xml_1_1() -> None:
    inner = parse(b'<r xml:base="http://example.org/"><y/></r>')[0]

    with pytest.raises(CanonicalizationFailed):
        canonicalize(inner, C14N_1_1)


def test_the_document_has_its_outer_instructions_and_no_comments() -> None:
    root = parse(b"<?before?><!-- c --><r>a<!-- c -->b</r><?after?>")

    assert canonicalize_document(root, C14N_1_0) == b"<?before?>\n<r>ab</r>\n<?after?>"
    assert canonicalize(root, C14N_1_0) == b"<r>ab</r>"


def test_text_is_escaped_as_recommended() -> None:
    root = parse(b"<r a='&#9;&quot;&lt;>'>&#13;&lt;&gt;\"'<![CDATA[&]]>\xc4\x91</r>")

    assert canonicalize(root, C14N_1_0) == b'<r a="&#x9;&quot;&lt;>">&#xD;&lt;&gt;"\'&amp;\xc4\x91</r>'


@pytest.mark.attack
@pytest.mark.parametrize("algorithm", [*INCLUSIVE, pytest.param(C14N_EXCLUSIVE, id="exclusive")])
def test_a_relative_namespace_name_is_a_failure_and_not_an_empty_form(algorithm: str) -> None:
    root = parse(b"<r xmlns='relative'><y/></r>")

    with pytest.raises(CanonicalizationFailed):
        canonicalize(root, algorithm)


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(CanonicalizationFailed, match="unknown"):
        canonicalize(parse(b"<r/>"), f"{C14N_1_0}#WithComments")
