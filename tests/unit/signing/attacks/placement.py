"""Where the signature stands, how many there are, and what is wrapped around what."""

import copy
from collections.abc import Callable, Iterator

from lxml import etree
from lxml.etree import _Element as Element

from signing.policy import XMLDSIG
from signing.sign import sign_bundle
from signing.verdict import Reason
from tests.unit.signing.attacks.table import (
    Attack,
    Family,
    Workshop,
    edited,
    part_of,
    replaced,
    signature_of,
)
from tests.unit.signing.documents import BUNDLE, DS

MISPLACED, SEVERAL = Reason.SIGNATURE_MISPLACED, Reason.SIGNATURE_SEVERAL
MISMATCH, MALFORMED = Reason.SIGNATURE_DIGEST_MISMATCH, Reason.SIGNATURE_MALFORMED
Change = Callable[[Element], object]

#: Every element of the bundle but the signature's container, and every part of the signature.
PLACES = (
    "GIAMDINHHS", "THONGTINDONVI", "MACSKCB", "THONGTINHOSO", "NGAYLAP", "SOLUONGHOSO", "DANHSACHHOSO",
    "HOSO", "FILEHOSO", "LOAIHOSO", "NOIDUNGFILE",
)  # fmt: skip
PARTS = (
    "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms", "Transform",
    "DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate",
)  # fmt: skip


def place(root: Element, name: str) -> Element:
    return next(root.iter(name))


def moved(name: str, *, first: bool) -> Change:
    def change(root: Element) -> None:
        signature = signature_of(root)
        target = place(root, name)
        if first:
            target.insert(0, signature)
        else:
            target.append(signature)

    return change


def doubled_into(name: str) -> Change:
    def change(root: Element) -> None:
        second = copy.deepcopy(signature_of(root))
        target = part_of(root, name.removeprefix("ds:")) if name.startswith("ds:") else place(root, name)
        target.append(second)

    return change


def second_before(root: Element) -> None:
    signature_of(root).addprevious(copy.deepcopy(signature_of(root)))


def deeper(root: Element) -> None:
    container = place(root, "CHUKYDONVI")
    etree.SubElement(container, "X").append(container[0])


def beside(name: str) -> Change:
    return lambda root: etree.SubElement(place(root, "CHUKYDONVI"), name)


def second_container(where: int) -> Change:
    return lambda root: root.insert(where, etree.Element("CHUKYDONVI"))


def renamed(name: str) -> Change:
    def change(root: Element) -> None:
        place(root, "CHUKYDONVI").tag = name

    return change


def forge_content(root: Element) -> Element:
    """Put a forged facility in place of what was signed, and return the original."""
    original = copy.deepcopy(root)
    for element in list(root):
        if element.tag != "CHUKYDONVI":
            root.remove(element)
    etree.SubElement(etree.SubElement(root, "THONGTINDONVI"), "MACSKCB").text = "99999"
    return original


def wrapped_in(place_of: Callable[[Element], Element], *, keeps_signature: bool) -> Change:
    """The forged root keeps the signature; the signed document is hidden somewhere below."""

    def change(root: Element) -> None:
        original = forge_content(root)
        if not keeps_signature:
            container = place(original, "CHUKYDONVI")
            container.remove(container[0])
        place_of(root).append(original)

    return change


def in_an_object(root: Element) -> Element:
    return etree.SubElement(signature_of(root), f"{DS}Object")


def under_a_forged_root(name: str) -> Change:
    def change(root: Element) -> None:
        inner = copy.deepcopy(root)
        forge_content(root)
        container = place(root, "CHUKYDONVI")
        container.remove(container[0])
        (root if name == "." else container).append(inner)

    return change


def other_root(root: Element) -> None:
    root.tag = "HOSO"


def hidden_in(before: str, after: str) -> Callable[[Workshop], bytes]:
    """The signature is only text, or a comment."""

    def make(workshop: Workshop) -> bytes:
        head, found, tail = workshop.signed.partition(b"<Signature ")
        body, end, rest = (found + tail).partition(b"</Signature>")
        return head + before.encode() + body + end + after.encode() + rest

    return make


def another_documents_signature(workshop: Workshop) -> bytes:
    other = sign_bundle(BUNDLE.replace(b"01001", b"01002"), workshop.facility.signer)
    head, _, tail = workshop.signed.partition(b"<CHUKYDONVI>")
    return (
        head
        + other[other.index(b"<CHUKYDONVI>") : other.index(b"</CHUKYDONVI>")]
        + tail[tail.index(b"</CHUK") :]
    )


def attacks() -> Iterator[Attack]:
    yield Attack("no signature", lambda _: BUNDLE, Reason.SIGNATURE_MISSING)
    for namespace in ("", "http://www.w3.org/2000/09/xmldsig", "HTTP://www.w3.org/2000/09/xmldsig#", "urn:x"):
        yield Attack(
            f"a Signature in the namespace “{namespace}”",
            replaced(f'xmlns="{XMLDSIG}"', f'xmlns="{namespace}"'),
            Reason.SIGNATURE_MISSING,
        )
    yield Attack("a signature in a comment", hidden_in("<!--", "-->"), Reason.SIGNATURE_MISSING)
    yield Attack("a signature in a CDATA section", hidden_in("<![CDATA[", "]]>"), Reason.SIGNATURE_MISSING)
    for name in PLACES:
        for first in (True, False):
            yield Attack(
                f"the signature as the {'first' if first else 'last'} child of {name}",
                edited(moved(name, first=first)),
                MISPLACED,
            )
        yield Attack(f"a second signature in {name}", edited(doubled_into(name)), SEVERAL)
    yield Attack("a second signature before the first", edited(second_before), SEVERAL)
    yield Attack("a second signature after the first", edited(doubled_into("CHUKYDONVI")), SEVERAL)
    for name in ("Signature", *PARTS):
        yield Attack(
            f"a second signature in {name} of the first", edited(doubled_into(f"ds:{name}")), SEVERAL
        )
    yield Attack("the signature one level deeper in its place", edited(deeper), MISPLACED)
    for name in ("MACSKCB", "THONGTINDONVI", "CHUKYDONVI"):
        yield Attack(f"{name} beside the signature", edited(beside(name)), MISPLACED)
    yield Attack("an empty second place before the first", edited(second_container(0)), MISPLACED)
    yield Attack("an empty second place after the first", edited(second_container(9)), MISPLACED)
    # The first letter is Cyrillic.
    for name in ("chukydonvi", "ChuKyDonVi", "СHUKYDONVI", "{urn:x}CHUKYDONVI", "CHUKY"):
        yield Attack(f"a place called {name}", edited(renamed(name)), MISPLACED)
    yield Attack("the root renamed", edited(other_root), MISMATCH)
    yield Attack("the root in a namespace", replaced("<GIAMDINHHS ", '<GIAMDINHHS xmlns="urn:x" '), MISPLACED)
    yield Attack("a forged root around the signed document", edited(under_a_forged_root(".")), MISPLACED)
    yield Attack(
        "a forged root with the signed document in its CHUKYDONVI",
        edited(under_a_forged_root("CHUKYDONVI")),
        MISPLACED,
    )
    yield Attack(
        "a forged root with the signature, the signed document hidden below the root",
        edited(wrapped_in(lambda root: root, keeps_signature=False)),
        MISMATCH,
    )
    yield Attack(
        "a forged root with the signature, the signed document with its own hidden below the root",
        edited(wrapped_in(lambda root: root, keeps_signature=True)),
        SEVERAL,
    )
    yield Attack(
        "a forged root with the signature, the signed document in an Object of it",
        edited(wrapped_in(in_an_object, keeps_signature=False)),
        Reason.SIGNATURE_OBJECT_UNSUPPORTED,
    )
    for name in ("KeyInfo", "SignatureValue", "SignedInfo"):
        yield Attack(
            f"a forged root with the signature, the signed document in its {name}",
            edited(wrapped_in(lambda root, name=name: part_of(root, name), keeps_signature=False)),  # type: ignore[misc]
            MALFORMED,
        )
    yield Attack("the signature of another document", another_documents_signature, MISMATCH)


FAMILY = Family("Place of the signature, wrapping", tuple(attacks()))
