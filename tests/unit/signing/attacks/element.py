"""Signatures over one element and a statement of the time, instead of the whole document."""

import copy
from collections.abc import Callable, Iterator

from lxml import etree
from lxml.etree import _Element as Element

from signing.canonical import C14N_1_0, C14N_EXCLUSIVE
from signing.policy import ENVELOPED_SIGNATURE, XMLDSIG
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, edited, forged, replaced
from tests.unit.signing.documents import BUNDLE, DS
from tests.unit.signing.forging import (
    ADJUSTMENTS,
    ELEMENT_REFERENCE,
    OBJECT,
    PROPERTY,
    SIGNING_TIME,
    STATEMENT,
    STATEMENT_REFERENCE,
    reference,
    template,
)

SCOPE, MALFORMED = Reason.SIGNATURE_REFERENCE_SCOPE, Reason.SIGNATURE_MALFORMED
MISMATCH, TRANSFORM = Reason.SIGNATURE_DIGEST_MISMATCH, Reason.SIGNATURE_TRANSFORM_FORBIDDEN
UNSUPPORTED, DUPLICATE = Reason.SIGNATURE_OBJECT_UNSUPPORTED, Reason.SIGNATURE_DUPLICATE_ID

OTHER_STATEMENT = STATEMENT.replace("SP", "SP2")
WHOLE = reference("", f'<Transform Algorithm="{ENVELOPED_SIGNATURE}"/>')


def c14n(algorithm: str) -> str:
    return f'<Transform Algorithm="{algorithm}"/>'


def element(root: Element) -> Element:
    found = root.find("TT_HOSO")
    assert found is not None
    return found


def statement(root: Element) -> Element:
    return next(root.iter(f"{DS}Object"))


def second_element(*, first: bool, with_id: str | None) -> Callable[[Element], object]:
    """Add a forged element, with the signed one left as it was."""

    def change(root: Element) -> None:
        forged_one = etree.Element("TT_HOSO")
        if with_id is not None:
            forged_one.set("Id", with_id)
        etree.SubElement(forged_one, "MACSKCB").text = "99999"
        root.insert(0 if first else len(root), forged_one)

    return change


def signed_one_hidden(where: str) -> Callable[[Element], object]:
    """A forged element takes the place; the signed one keeps its Id and goes elsewhere."""

    def change(root: Element) -> None:
        original = element(root)
        forged_one = etree.Element("TT_HOSO")
        etree.SubElement(forged_one, "MACSKCB").text = "99999"
        root.replace(original, forged_one)
        target = {
            "the root": root,
            "the forged one": forged_one,
            "the place of the signature": root.find("CHUKYDONVI"),
            "the Object": statement(root),
        }[where]
        assert target is not None
        if where == "the root":
            original.tag = "X"
        target.append(original)

    return change


def without_id(root: Element) -> None:
    del element(root).attrib["Id"]


def id_moved(root: Element) -> None:
    """The Id goes to an element inside."""
    value = element(root).attrib.pop("Id")
    element(root)[0].set("Id", str(value))


def respelled(spelling: str) -> Callable[[Element], object]:
    def change(root: Element) -> None:
        element(root).set(spelling, str(element(root).attrib.pop("Id")))

    return change


def id_twice(spelling: str) -> Callable[[Element], object]:
    return lambda root: element(root)[0].set(spelling, "HS-1")


def other_statement(root: Element) -> None:
    """The signed Object is hidden behind another one of the same Id."""
    original = statement(root)
    copied = copy.deepcopy(original)
    next(copied.iter("SigningTime")).text = "2020-01-01T00:00:00"
    original.addprevious(copied)


def renamed_root(root: Element) -> None:
    root.tag = "GIAMDINHHS"


def in_namespace(root: Element) -> None:
    element(root).tag = "{urn:x}TT_HOSO"


def renamed_element(root: Element) -> None:
    element(root).tag = "TT_HOSO_2"


def nested(root: Element) -> None:
    """The signed element goes one level down, below one of the same name."""
    original = element(root)
    outer = etree.Element("TT_HOSO")
    root.replace(original, outer)
    outer.append(original)


def statement_of(time: str = SIGNING_TIME, *, attributes: str = 'Target="#S" Id="SP"') -> str:
    inside = f"<SignatureProperty {attributes}>{time}</SignatureProperty>"
    return f'<Object Id="O"><SignatureProperties xmlns="">{inside}</SignatureProperties></Object>'


def time_of(text: str) -> str:
    return statement_of(f"<SigningTime>{text}</SigningTime>")


def changed_after_signing() -> Iterator[Attack]:
    for first in (True, False):
        where = "before" if first else "after"
        for with_id in (None, "HS-2"):
            name = f"a second TT_HOSO {where} the signed one{'' if with_id is None else ' with an Id'}"
            yield Attack(name, edited(second_element(first=first, with_id=with_id), "element"), SCOPE)
        name = f"a second TT_HOSO {where} the signed one, of the same Id"
        yield Attack(name, edited(second_element(first=first, with_id="HS-1"), "element"), DUPLICATE)
    for where in ("the root", "the forged one"):
        yield Attack(
            f"a forged TT_HOSO, the signed one in {where}", edited(signed_one_hidden(where), "element"), SCOPE
        )
    yield Attack(
        "a forged TT_HOSO, the signed one beside the signature",
        edited(signed_one_hidden("the place of the signature"), "element"),
        Reason.SIGNATURE_MISPLACED,
    )
    yield Attack(
        "a forged TT_HOSO, the signed one in the Object",
        edited(signed_one_hidden("the Object"), "element"),
        UNSUPPORTED,
    )
    yield Attack("the signed TT_HOSO below another one", edited(nested, "element"), SCOPE)
    yield Attack("the Id taken away", edited(without_id, "element"), SCOPE)
    yield Attack("the Id moved to an element inside", edited(id_moved, "element"), SCOPE)
    yield Attack("another Id", replaced('TT_HOSO Id="HS-1"', 'TT_HOSO Id="HS-2"', "element"), SCOPE)
    for spelling in ("ID", "id", "xml:id", "{urn:x}Id"):
        key = spelling.replace("xml:", "{http://www.w3.org/XML/1998/namespace}")
        yield Attack(f"the Id spelled {spelling}", edited(respelled(key), "element"), SCOPE)
        yield Attack(f"the same Id inside, spelled {spelling}", edited(id_twice(key), "element"), DUPLICATE)
    yield Attack("a second Object of the same Id", edited(other_statement, "element"), DUPLICATE)
    yield Attack("the claims' root", edited(renamed_root, "element"), SCOPE)
    yield Attack("another root", replaced("HOSO_DIEUCHINH_GD", "HOSO", "element"), "not-well-formed")
    yield Attack("the element in a namespace", edited(in_namespace, "element"), SCOPE)
    yield Attack("the element renamed", edited(renamed_element, "element"), SCOPE)
    yield Attack("a field changed", replaced("01001", "01002", "element"), MISMATCH)
    yield Attack(
        "a namespace added to the root",
        replaced("<HOSO_DIEUCHINH_GD ", '<HOSO_DIEUCHINH_GD xmlns:x="u:" ', "element"),
        (Reason.SIGNATURE_VALUE_WRONG, MISMATCH),
    )
    yield Attack(
        "xml:lang added to the root",
        replaced("<HOSO_DIEUCHINH_GD ", '<HOSO_DIEUCHINH_GD xml:lang="en" ', "element"),
        (Reason.SIGNATURE_VALUE_WRONG, MISMATCH),
    )
    yield Attack("another time", replaced("T15:00:00", "T15:00:01", "element"), MISMATCH)
    yield Attack("another target", replaced('Target="#CHUKYDONVI', 'Target="#X', "element"), MALFORMED)
    yield Attack(
        "the signature's Id changed", replaced(' Id="CHUKYDONVI-HS-1"', ' Id="S"', "element"), MALFORMED
    )


def attacks() -> Iterator[Attack]:
    yield from changed_after_signing()
    swapped = ELEMENT_REFERENCE + STATEMENT_REFERENCE
    for name, references in {
        "the references in the other order": swapped,
        "the element alone": ELEMENT_REFERENCE,
        "the statement alone": STATEMENT_REFERENCE,
        "the statement twice": STATEMENT_REFERENCE * 2,
        "the element twice": ELEMENT_REFERENCE * 2,
        "the whole document instead of the statement": WHOLE + ELEMENT_REFERENCE,
        "the whole document besides": STATEMENT_REFERENCE + ELEMENT_REFERENCE + WHOLE,
        "the whole document alone": WHOLE,
        "a third reference to the signature": STATEMENT_REFERENCE + ELEMENT_REFERENCE + reference("#S"),
        "a reference to the property instead of the Object": reference("#SP") + ELEMENT_REFERENCE,
        "a reference to the root's Id": STATEMENT_REFERENCE + reference("#R"),
        "an XPointer": STATEMENT_REFERENCE + reference("#xpointer(id('HS-1'))"),
        "no reference": "",
    }.items():
        yield Attack(name, forged(template(references)), SCOPE)
    for name, uri in {"a file": "file:///etc/passwd", "the Id without #": "HS-1"}.items():
        yield Attack(
            f"a reference to {name}",
            forged(template(STATEMENT_REFERENCE + reference(uri))),
            Reason.SIGNATURE_REFERENCE_EXTERNAL,
        )
    for kind in ("Object", "SignatureProperties", "Manifest"):
        typed = reference("#O", attributes=f' Type="{XMLDSIG}{kind}"')
        yield Attack(f"a reference of the type {kind}", forged(template(typed + ELEMENT_REFERENCE)), SCOPE)
    for name, algorithm in {
        "Canonical XML 1.0": C14N_1_0,
        "Exclusive Canonical XML": C14N_EXCLUSIVE,
        "XPath": "http://www.w3.org/TR/1999/REC-xpath-19991116",
        "enveloped-signature": ENVELOPED_SIGNATURE,
    }.items():
        made = c14n(algorithm)
        yield Attack(
            f"the transform {name} for the element",
            forged(template(STATEMENT_REFERENCE + reference("#HS-1", made))),
            TRANSFORM,
        )
        yield Attack(
            f"the transform {name} for the statement",
            forged(template(reference("#O", made) + ELEMENT_REFERENCE)),
            TRANSFORM,
        )
    yield from statements()
    yield Attack(
        "a document of which no element may be signed alone",
        forged(template(ELEMENT_REFERENCE), BUNDLE.replace(b"<THONGTINHOSO>", b'<THONGTINHOSO Id="HS-1">')),
        SCOPE,
    )
    yield Attack(
        "a claim of which the list of claims alone is signed",
        forged(template(), BUNDLE.replace(b"<THONGTINHOSO>", b'<THONGTINHOSO Id="HS-1">')),
        SCOPE,
    )
    yield Attack(
        "an element deeper than the root's child",
        forged(
            template(STATEMENT_REFERENCE + reference("#D")),
            ADJUSTMENTS.replace(b"<DSACH>", b'<DSACH Id="D">'),
        ),
        SCOPE,
    )


def statements() -> Iterator[Attack]:
    """The statement itself is not as it must be."""
    for name, objects in {
        "no statement": "",
        "an empty Object": '<Object Id="O"/>',
        "two statements in one Object": f'<Object Id="O">{STATEMENT}{OTHER_STATEMENT}</Object>',
        "something beside the statement": f'<Object Id="O">{STATEMENT}<X xmlns=""/></Object>',
    }.items():
        answer = SCOPE if not objects else UNSUPPORTED
        yield Attack(name, forged(template(objects=objects)), answer)
    in_signature_namespace = STATEMENT.replace(' xmlns=""', "")
    yield Attack(
        "the statement in the signature's namespace",
        forged(template(objects=f'<Object Id="O">{in_signature_namespace}</Object>')),
        UNSUPPORTED,
    )
    other_namespace = STATEMENT.replace('xmlns=""', 'xmlns="urn:x"')
    yield Attack(
        "the statement in another namespace",
        forged(template(objects=f'<Object Id="O">{other_namespace}</Object>')),
        UNSUPPORTED,
    )
    yield Attack("a second Object", forged(template(objects=OBJECT + '<Object Id="P"/>')), UNSUPPORTED)
    yield Attack("an Object without Id", forged(template(objects=f"<Object>{STATEMENT}</Object>")), MALFORMED)
    yield Attack("a signature without Id", forged(template(signature="")), MALFORMED)
    yield Attack(
        "an Object with a type",
        forged(template(objects=OBJECT.replace("<Object", '<Object MimeType="x"', 1))),
        MALFORMED,
    )
    two = STATEMENT.replace(PROPERTY, PROPERTY + PROPERTY.replace("SP", "SP2"))
    yield Attack("two properties", forged(template(objects=f'<Object Id="O">{two}</Object>')), MALFORMED)
    for name, attributes in {
        "no target": 'Id="SP"',
        "the target without #": 'Target="S"',
        "another signature's target": 'Target="#T"',
        "an empty target": 'Target="#"',
        "the element as target": 'Target="#HS-1"',
        "a further attribute": 'Target="#S" x="y"',
        "a target in a namespace": 'xmlns:x="u:" x:Target="#S"',
    }.items():
        yield Attack(name, forged(template(objects=statement_of(attributes=attributes))), MALFORMED)
    for text in (
        "", "2026-06-01", "2026-06-01 14:59:00", "2026-06-01T14:59", "2026-06-01T14:59:00Z",
        "2026-06-01T14:59:00+07:00", "2026-13-01T00:00:00", "2026-02-29T00:00:00", "2026-06-01T24:00:00",
        "٢026-06-01T00:00:00", "0000-01-01T00:00:00", "20260601T145900", "yesterday",
    ):  # fmt: skip
        yield Attack(f"the time “{text}”", forged(template(objects=time_of(text))), MALFORMED)
    yield Attack("no time", forged(template(objects=statement_of(""))), MALFORMED)
    yield Attack("two times", forged(template(objects=statement_of(SIGNING_TIME * 2))), MALFORMED)
    yield Attack(
        "a comment in the time", forged(template(objects=time_of("2026-06-01<!-- x -->T14:59:00"))), MALFORMED
    )
    yield Attack(
        "an attribute of the time",
        forged(template(objects=statement_of(SIGNING_TIME.replace(">", ' zone="Z">', 1)))),
        MALFORMED,
    )


FAMILY = Family("Signatures over one element", tuple(attacks()))
