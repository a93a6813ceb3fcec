"""Ways to change a signed document, chosen by a random number generator."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from lxml import etree
from lxml.etree import _Element as Element

from signing.policy import XMLDSIG

FRAGMENTS: Final = (
    b"<!-- x -->",
    b"<?x y?>",
    b"<X/>",
    b' Id="x"',
    b' xml:id="x"',
    b' xmlns="urn:x"',
    b' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"',
    b"&#13;",
    b"&amp;",
    b"\r\n",
    b"\t",
    b"<![CDATA[]]>",
    b"<![CDATA[1]]>",
    f'<Signature xmlns="{XMLDSIG}"/>'.encode(),
    b"</CHUKYDONVI><CHUKYDONVI>",
    b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>',
    b"=",
    b"\0",
    b"\xef\xbb\xbf",
)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
_ALGORITHM: Final = re.compile(rb'(Algorithm|URI|Target|Id|Type)="([^"]*)"')
_VALUES: Final = (
    b"",
    b"#x",
    b"http://www.w3.org/2000/09/xmldsig#sha1",
    b"http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    b"http://www.w3.org/2001/10/xml-exc-c14n#",
    b"http://www.w3.org/2006/12/xml-c14n11",
    b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    b"file:///etc/hostname",
    b"#xpointer(/)",
)

Mutation = Callable[[Random, bytes], bytes]


def mutate(random: Random, data: bytes) -> bytes:
    """Change a document in one to three ways."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        data = random.choice(MUTATIONS)(random, data)
    return data


def _flip(random: Random, data: bytes) -> bytes:
    mutant = bytearray(data)
    mutant[random.randrange(len(mutant))] ^= 1 << random.randrange(8)
    return bytes(mutant)


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + random.choice(FRAGMENTS) + data[at:]


def _cut(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.choice((1, 2, 8, 64)) :]


def _repeat(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    piece = data[at : at + random.choice((4, 32, 256, 2048))]
    to = random.randrange(len(data))
    return data[:to] + piece + data[to:]


def _spoil_base64(random: Random, data: bytes) -> bytes:
    found = random.choice(list(_BASE64.finditer(data)) or [None])
    if found is None:
        return data
    at = random.randrange(found.start(), found.end())
    return data[:at] + random.choice((b"A", b" ", b"=", b"*", b"\n", b"AAAA", b"")) + data[at + 1 :]


def _change_attribute(random: Random, data: bytes) -> bytes:
    found = random.choice(list(_ALGORITHM.finditer(data)) or [None])
    if found is None:
        return data
    return data[: found.start(2)] + random.choice(_VALUES) + data[found.end(2) :]


def _on_tree(change: Callable[[Random, Sequence[Element]], object]) -> Mutation:
    def mutation(random: Random, data: bytes) -> bytes:
        try:
            root = etree.fromstring(data)
        except etree.XMLSyntaxError:
            return data
        elements = [element for element in root.iter("*") if element is not root]
        if elements:
            change(random, elements)
        mutant: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
        return mutant

    return mutation


def _move(random: Random, elements: Sequence[Element]) -> None:
    moved, target = random.choice(elements), random.choice(elements)
    if moved is not target and moved not in target.iterancestors():
        target.insert(random.randrange(len(target) + 1), moved)


def _copy(random: Random, elements: Sequence[Element]) -> None:
    original, target = random.choice(elements), random.choice(elements)
    target.insert(
        random.randrange(len(target) + 1), etree.fromstring(etree.tostring(original, with_tail=False))
    )


def _remove(random: Random, elements: Sequence[Element]) -> None:
    element = random.choice(elements)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _wrap(random: Random, elements: Sequence[Element]) -> None:
    element = random.choice(elements)
    parent = element.getparent()
    if parent is not None:
        shell = etree.Element(random.choice(elements).tag)
        parent.replace(element, shell)
        shell.append(element)


def _rewrite(random: Random, elements: Sequence[Element]) -> None:
    random.choice(elements).text = random.choice(("", "1", "x", "PFgvPg==", "\u00a0", "01002"))


def _set_id(random: Random, elements: Sequence[Element]) -> None:
    name = random.choice(("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id"))
    random.choice(elements).set(name, random.choice(("x", "s", "r", "")))


MUTATIONS: Final[Sequence[Mutation]] = (
    _flip,
    _insert,
    _cut,
    _repeat,
    _spoil_base64,
    _change_attribute,
    *(_on_tree(change) for change in (_move, _copy, _remove, _wrap, _rewrite, _set_id)),
)
