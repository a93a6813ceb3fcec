"""Untrusted bytes are parsed within limits, and what breaks them is refused quickly and by name."""

import time

import pytest

from signing.canonical import Limits, parse
from signing.errors import Unparsable
from tests.unit.signing.documents import LINEAR_S


def declaring(count: int) -> bytes:
    return b"<r " + b" ".join(b'xmlns:a%d="urn:%d"' % (i, i) for i in range(count)) + b"/>"


def attributes(count: int) -> bytes:
    return b"<r>\n<a " + b" ".join(b"x%d=''" % i for i in range(count)) + b"/></r>"


def declarations(count: int) -> str:
    return " ".join(f'xmlns:a{i}="urn:{i}"' for i in range(count))


# Wherever the declarations stand, and whatever with quotation marks stands before them.
PLACES = {
    "root": "<r {}/>",
    "root-behind-a-tag-in-a-value": '<r a=">" {}/>',
    "element": "<r><a>text</a><b {}/></r>",
    "element-of-many-lines": "<r><a\n{}\n/></r>",
    "behind-declarations-of-the-root": '<r xmlns:b="urn:b"><c>text</c><a {}/></r>',
    "behind-a-value": '<r><a b=">"/><a {}/></r>',
    "behind-marks-in-a-text": '<r>" > "<a {}/></r>',
    "behind-marks-in-a-comment": '<!-- " < " > --><r><!-- " < " > --><a {}/></r>',
    "behind-an-instruction": '<?p a="<>"?><r><?p a="<>"?><a {}/></r>',
    "behind-a-declaration": '<?xml version="1.0" encoding="UTF-8"?>\n<r><a {}/></r>',
    "root-behind-a-declaration": '<?xml version="1.0" encoding="UTF-8"?>\n<r {}><a/></r>',
    "root-behind-another-declaration": '<?xml version="1.0" standalone="yes"?>\n<r {}><a/></r>',
}


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<a/>", id="plain"),
        pytest.param(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a/>", id="byte-order-mark"),
        pytest.param(b'<?xml version="1.0" encoding="utf-8"?>\r\n<a>\r\n</a>', id="crlf"),
        pytest.param(b"<a><![CDATA[<!DOCTYPE a>]]></a>", id="doctype-as-text"),
        pytest.param(b"<!-- <!DOCTYPE a> --><a/>", id="doctype-in-a-comment"),
        pytest.param(nested(64), id="deepest"),
        pytest.param(attributes(64), id="most-attributes"),
        pytest.param(declaring(16), id="most-namespaces"),
        pytest.param(b"<r>" + b"<a xmlns:x='urn:x'/>" * 100 + b"</r>", id="namespaces-one-after-the-other"),
    ],
)
def test_parses(data: bytes) -> None:
    assert parse(data).tag in {"a", "r"}


@pytest.mark.attack
@pytest.mark.parametrize("place", [pytest.param(place, id=name) for name, place in PLACES.items()])
def test_namespaces_are_counted_wherever_they_are_declared(place: str) -> None:
    at_root = place.count("xmlns")

    parse(place.format(declarations(16 - at_root)).encode())

    with pytest.raises(Unparsable, match="over 16 namespaces"):
        parse(place.format(declarations(17 - at_root)).encode())


@pytest.mark.attack
@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "empty", id="no-bytes"),
        pytest.param(b"   ", "not-well-formed", id="white-space"),
        pytest.param(b"not XML", "not-well-formed", id="text"),
        pytest.param(b"<a><b></a>", "not-well-formed", id="unbalanced"),
        pytest.param(b"<a/><b/>", "not-well-formed", id="two-roots"),
        pytest.param(b"<a>\x00</a>", "not-well-formed", id="nul"),
        pytest.param(b"<a>&e;</a>", "not-well-formed", id="unknown-entity"),
        pytest.param(b"<p:a/>", "not-well-formed", id="undeclared-prefix"),
        pytest.param(b'<?xml version="1.1"?><a/>', "not-well-formed", id="xml-1.1"),
        pytest.param(b"<a>\xff</a>", "encoding", id="invalid-utf-8"),
        pytest.param(b"<a>\xc0\xaf</a>", "encoding", id="overlong-utf-8"),
        pytest.param(b"<a>\xed\xa0\x80</a>", "encoding", id="surrogate"),
        pytest.param("<a/>".encode("utf-16"), "encoding", id="utf-16"),
        pytest.param("<a/>".encode("utf-16-le"), "encoding", id="utf-16-without-mark"),
        pytest.param("<a/>".encode("utf-32-be"), "encoding", id="utf-32"),
        pytest.param(b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "encoding", id="latin-1"),
        pytest.param(
            b"<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a><a/>", "encoding", id="utf-7-doctype"
        ),
        pytest.param(b"<!DOCTYPE a><a/>", "doctype", id="doctype"),
        pytest.param(
            b"\xef\xbb\xbf<?xml version='1.0'?><!--c-->\n<?p?>\n<!DOCTYPE a><a/>",
            "doctype",
            id="late-doctype",
        ),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            "doctype",
            id="external-entity",
        ),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY x "'
            + b"y" * 1000
            + b'"><!ENTITY z "'
            + b"&x;" * 1000
            + b'">]><a>&z;</a>',
            "doctype",
            id="entity-bomb",
        ),
        pytest.param(nested(65), "too-deep", id="deep"),
        pytest.param(nested(64).replace(b"<a></a>", b"<a><a/></a>"), "too-deep", id="deep-and-empty"),
        pytest.param(nested(100_000), "too-deep", id="very-deep"),
        pytest.param(attributes(65), "too-many-attributes", id="attributes"),
        pytest.param(declaring(17), "too-many-namespaces", id="namespaces"),
        pytest.param(
            b"<a xmlns='u:0' xmlns:p='u:1'>" * 9 + b"</a>" * 9, "too-many-namespaces", id="namespaces-nested"
        ),
        pytest.param(
            b"<a xmlns='u:0' xmlns:p=\"u:1\">" * 9 + b"</a>" * 9, "too-many-namespaces", id="either-quotes"
        ),
        pytest.param(b"<a>" + b"x" * 10_000_001 + b"</a>", "too-large", id="one-long-text"),
    ],
)
def test_refuses(data: bytes, code: str) -> None:
    with pytest.raises(Unparsable) as refused:
        parse(data)

    assert refused.value.code == code


@pytest.mark.attack
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(declaring(20_000), id="20000-namespaces"),
        pytest.param(b"<r>" + b"<a/>" * 5_000_000 + b"</r>", id="five-million-elements"),
        pytest.param(
            b"<a " + b" ".join(b"x%d=''" % i for i in range(100_000)) + b"/>", id="100000-attributes"
        ),
        pytest.param(b"<!--" * 600_000, id="unclosed-comments"),
        pytest.param(b"<?a?>" * 600_000 + b"<b/>", id="instructions"),
        pytest.param(b"\x20" * (20 * 2**20 + 1), id="over-20-mb"),
    ],
)
def test_refuses_quickly(data: bytes) -> None:
    started = time.process_time()

    with pytest.raises(Unparsable):
        parse(data)

    assert time.process_time() - started < LINEAR_S


def test_names_the_place_of_a_document_type() -> None:
    with pytest.raises(Unparsable) as refused:
        parse(b"<?xml version='1.0'?>\n<!-- x -->\n  <!DOCTYPE a><a/>")

    assert (refused.value.line, refused.value.column) == (3, 3)


def test_names_the_place_of_a_fault() -> None:
    with pytest.raises(Unparsable) as refused:
        parse(b"<a>\n<b>\n</a>")

    assert refused.value.line == 3
    assert refused.value.column is not None


def test_names_the_line_of_a_crowded_element() -> None:
    with pytest.raises(Unparsable) as refused:
        parse(attributes(65))

    assert refused.value.line == 2


def test_limits_can_be_tightened() -> None:
    with pytest.raises(Unparsable, match="too-large"):
        parse(b"<a>1234567</a>", limits=Limits(max_bytes=10))


def test_each_limit_counts_by_itself() -> None:
    with pytest.raises(Unparsable, match="namespaces"):
        parse(declaring(17), limits=Limits(max_attributes=4))

    with pytest.raises(Unparsable, match="an element with over 4"):
        parse(attributes(5), limits=Limits(max_attributes=4))


def test_keeps_comments() -> None:
    assert len(parse(b"<a>XM<!-- split -->L1</a>")) == 1


@pytest.mark.attack
def test_no_xinclude_is_followed() -> None:
    root = parse(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd" parse="text"/></a>'
    )

    assert root[0].tag == "{http://www.w3.org/2001/XInclude}include"
