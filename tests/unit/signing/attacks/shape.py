"""The form of a signature: what one reader skips and another reads."""

import copy
import re
from collections.abc import Callable, Iterator

from lxml import etree
from lxml.etree import _Element as Element

from signing.verdict import Reason
from tests.unit.signing.attacks.placement import PARTS
from tests.unit.signing.attacks.table import (
    Attack,
    Family,
    Make,
    Workshop,
    edited,
    parent_of,
    part_of,
    recipe,
    signature_of,
)
from tests.unit.signing.documents import Recipe

MALFORMED, SCOPE = Reason.SIGNATURE_MALFORMED, Reason.SIGNATURE_REFERENCE_SCOPE
FORBIDDEN_TRANSFORM = Reason.SIGNATURE_TRANSFORM_FORBIDDEN
ALL_PARTS = ("Signature", *PARTS)
BASE64 = ("DigestValue", "SignatureValue", "X509Certificate")
JUNK = {
    "a comment": "<!-- x -->",
    "an instruction": "<?x y?>",
    "an element": "<X/>",
    "a character of no base64": "*",
    "a character of base64url": "-",
    "early padding": "=",
    "a no-break space": "\u00a0",
    "a line separator": "\u2028",
    "a zero-width space": "\u200b",
    "a full-width letter": "Ａ",
    "a quoted entity": "&amp;",
}
FOREIGN = {
    "SignatureMethod": Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
    "DigestMethod": Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
    "CanonicalizationMethod": Reason.SIGNATURE_ALGORITHM_FORBIDDEN,
    "Transform": FORBIDDEN_TRANSFORM,
}
TWICE = {"Reference": SCOPE, "Transform": FORBIDDEN_TRANSFORM}
# Several of them are a chain.
CHAIN = ("X509Data", "X509Certificate")
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
SCHEMA_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
ATTRIBUTES = {
    "xsi:type": (f"{{{SCHEMA_NAMESPACE}}}type", "x"),
    "xsi:schemaLocation": (f"{{{SCHEMA_NAMESPACE}}}schemaLocation", "urn:x http://127.0.0.1/x.xsd"),
    "xml:base": (f"{{{XML_NAMESPACE}}}base", "file:///"),
    "xml:space": (f"{{{XML_NAMESPACE}}}space", "preserve"),
    "xml:lang": (f"{{{XML_NAMESPACE}}}lang", "vi"),
}
Change = Callable[[Element], object]


def junk_in(name: str, junk: str) -> Make:
    def make(workshop: Workshop) -> bytes:
        text = workshop.signed.decode()
        at = text.index(f"<{name}>") + len(name) + 12
        return (text[:at] + junk + text[at:]).encode()

    return make


def doubled(name: str) -> Change:
    def change(root: Element) -> None:
        element = part_of(root, name)
        element.addnext(copy.deepcopy(element))

    return change


def removed(name: str) -> Change:
    def change(root: Element) -> None:
        element = part_of(root, name)
        parent_of(element).remove(element)

    return change


def appended(name: str, node: Element) -> Change:
    return lambda root: part_of(root, name).append(copy.deepcopy(node))


def attribute(name: str, key: str, value: str = "y") -> Change:
    return lambda root: part_of(root, name).set(key, value)


def text_in(name: str, text: str) -> Change:
    def change(root: Element) -> None:
        part_of(root, name).text = text

    return change


def last_first(root: Element) -> None:
    signature = signature_of(root)
    signature.append(signature[0])


def wrapped(name: str) -> Change:
    """Put an element into one that is not known."""

    def change(root: Element) -> None:
        element = part_of(root, name)
        parent = parent_of(element)
        outer = etree.Element("{urn:x}X")
        parent.replace(element, outer)
        outer.append(element)

    return change


def in_namespace(name: str, namespace: str) -> Make:
    """Declare another default namespace on a part, which takes everything inside along."""
    return lambda workshop: re.sub(
        rf"<{name}(?=[ />])".encode(), f'<{name} xmlns="{namespace}"'.encode(), workshop.signed, count=1
    )


def values() -> Iterator[Attack]:
    """Base64 that one decoder takes and another does not."""
    for name in BASE64:
        for what, junk in JUNK.items():
            is_text = junk != "<X/>" and not junk.startswith(("<!", "<?"))
            is_broken = is_text and name == "X509Certificate"
            answer = Reason.CERTIFICATE_MALFORMED if is_broken else MALFORMED
            yield Attack(f"{what} in the middle of {name}", junk_in(name, junk), answer)
    for name in ("DigestValue", "SignatureValue"):
        for value in ("", " ", "A===", "QR==", "AAAA=", "A", "AA", "AAA", "A" * 70_000):
            yield Attack(f"{name} “{value[:40]}”", edited(text_in(name, value)), MALFORMED)
    yield Attack("a DigestValue of three octets", edited(text_in("DigestValue", "AAAA")), MALFORMED)
    wrong = Reason.SIGNATURE_VALUE_WRONG
    yield Attack("a SignatureValue of three octets", edited(text_in("SignatureValue", "AAAA")), wrong)


def counts() -> Iterator[Attack]:
    """Parts that are there too often, or not at all, or elsewhere."""
    for name in PARTS:
        if name not in CHAIN:
            yield Attack(f"{name} twice", edited(doubled(name)), TWICE.get(name, MALFORMED))
    for name in PARTS:
        if name not in {"Reference", "Transforms", "Transform", "KeyInfo", *CHAIN}:
            yield Attack(f"no {name}", edited(removed(name)), MALFORMED)
    yield Attack("no Transform in Transforms", edited(removed("Transform")), FORBIDDEN_TRANSFORM)
    yield Attack("SignedInfo last", edited(last_first), MALFORMED)
    for what, inside in {"an Object of an unknown kind": "<X/>", "text alone in an Object": "x"}.items():
        like = Recipe(after_key_info=f"<P:Object>{inside}</P:Object>")
        yield Attack(what, recipe(like), Reason.SIGNATURE_OBJECT_UNSUPPORTED)


def parts() -> Iterator[Attack]:
    """For every part of the signature: what does not belong there."""
    foreign = etree.Element("{urn:foreign}X")
    for name in ALL_PARTS:
        yield Attack(f"an unknown attribute on {name}", edited(attribute(name, "{urn:foreign}x")), MALFORMED)
        yield Attack(f"a comment in {name}", edited(appended(name, etree.Comment("x"))), MALFORMED)
        instruction = etree.ProcessingInstruction("x", "y")
        yield Attack(f"an instruction in {name}", edited(appended(name, instruction)), MALFORMED)
        yield Attack(
            f"a foreign element in {name}", edited(appended(name, foreign)), FOREIGN.get(name, MALFORMED)
        )
        if name not in BASE64:
            yield Attack(f"text in {name}", edited(text_in(name, "x")), MALFORMED)
            yield Attack(f"a no-break space in {name}", edited(text_in(name, "\u00a0")), MALFORMED)
    for name in PARTS:
        yield Attack(f"{name} in a namespace of its own", in_namespace(name, "urn:x"), MALFORMED)
        yield Attack(f"{name} in no namespace", in_namespace(name, ""), MALFORMED)
        yield Attack(f"{name} inside something else", edited(wrapped(name)), MALFORMED)
    for name, (key, value) in ATTRIBUTES.items():
        yield Attack(
            f"the attribute {name} on SignedInfo", edited(attribute("SignedInfo", key, value)), MALFORMED
        )


FAMILY = Family("Form of the signature", (*values(), *counts(), *parts()))
