"""Ids that are there twice, in every spelling."""

from collections.abc import Iterator
from itertools import combinations_with_replacement

from signing.sign import sign_bundle
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make
from tests.unit.signing.documents import BUNDLE

UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
SPELLINGS = {
    "Id": "Id",
    "ID": "ID",
    "id": "id",
    "iD": "iD",
    "xml:id": "xml:id",
    "wsu:Id": f'xmlns:wsu="{UTILITY}" wsu:Id',
    "x:ID": 'xmlns:x="urn:x" x:ID',
}


def twice(first: str, second: str, *, value: str = "x", other: str | None = None) -> Make:
    document = BUNDLE.replace(b"<HOSO>", f'<HOSO {first}="{value}">'.encode()).replace(
        b"<LOAIHOSO>", f'<LOAIHOSO {second}="{value if other is None else other}">'.encode()
    )
    return lambda workshop: sign_bundle(document, workshop.facility.signer)


def on_one_element(first: str, second: str) -> Make:
    document = BUNDLE.replace(b"<HOSO>", f'<HOSO {first}="x" {second}="x">'.encode())
    return lambda workshop: sign_bundle(document, workshop.facility.signer)


def attacks() -> Iterator[Attack]:
    for first, second in combinations_with_replacement(SPELLINGS, 2):
        make = twice(SPELLINGS[first], SPELLINGS[second])
        yield Attack(f"{first} and {second} of one value", make, Reason.SIGNATURE_DUPLICATE_ID)
    yield Attack(
        "Id and ID of one value on one element", on_one_element("Id", "ID"), Reason.SIGNATURE_DUPLICATE_ID
    )
    for name, other in {"a blank": " x ", "a tab": "&#9;x", "a line end": "x&#10;"}.items():
        yield Attack(
            f"Id and xml:id that differ by {name}",
            twice("Id", "xml:id", other=other),
            Reason.SIGNATURE_DUPLICATE_ID,
        )
    yield Attack("two empty Ids", twice("Id", "Id", value=""), Reason.SIGNATURE_DUPLICATE_ID)


FAMILY = Family("Ids twice", tuple(attacks()))
