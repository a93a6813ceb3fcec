"""What was signed, changed."""

from collections.abc import Iterator

from signing.sign import sign_bundle
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, Make, Workshop, replaced
from tests.unit.signing.documents import BUNDLE

MISMATCH = Reason.SIGNATURE_DIGEST_MISMATCH
CHANGES: dict[str, tuple[bytes, bytes]] = {
    "a field": (b"01001", b"01002"),
    "a claim more": (b"</HOSO>", b"</HOSO><HOSO/>"),
    "a table less": (b"<LOAIHOSO>XML1</LOAIHOSO>", b""),
    "a blank between elements": (b"<HOSO>", b"<HOSO> "),
    "a line end": (b"\n  <THONGTINHOSO>", b"\n\n  <THONGTINHOSO>"),
    "a blank in a field": (b"01001", b"01001 "),
    "an attribute": (b"<HOSO>", b'<HOSO a="b">'),
    "xml:space": (b"<HOSO>", b'<HOSO xml:space="preserve">'),
    "a namespace": (b"<HOSO>", b'<HOSO xmlns:a="urn:b">'),
    "a default namespace": (b"<HOSO>", b'<HOSO xmlns="urn:b">'),
    "an instruction in a field": (b"01001", b"01<?x?>001"),
    "an instruction before the root": (b"<GIAMDINHHS", b"<?x?><GIAMDINHHS"),
    "an instruction after the root": (b"</GIAMDINHHS>", b"</GIAMDINHHS><?x?>"),
    "an instruction beside the signature": (b"<CHUKYDONVI>", b"<CHUKYDONVI><?x?>"),
    "text beside the signature": (b"<CHUKYDONVI>", b"<CHUKYDONVI>x"),
    "a letter of another script": (b"XML1", "ХML1".encode()),
    "a composed letter": (b"XML1", "XML1\u0301".encode()),
    "a carriage return": (b"01001", b"01001&#13;"),
    "a name inside a field": (b"01001", b"<X/>01001"),
    "a field in another place": (
        b"<MACSKCB>01001</MACSKCB></THONGTINDONVI>",
        b"</THONGTINDONVI><MACSKCB>01001</MACSKCB>",
    ),
}


def other_digest(workshop: Workshop) -> bytes:
    other = sign_bundle(BUNDLE.replace(b"01001", b"01002"), workshop.facility.signer)

    def value(data: bytes) -> bytes:
        return data[data.index(b"<DigestValue>") : data.index(b"</DigestValue>")]

    return workshop.signed.replace(b"01001", b"01002").replace(value(workshop.signed), value(other))


def after_root(text: bytes) -> Make:
    return lambda workshop: workshop.signed + text


def attacks() -> Iterator[Attack]:
    for name, (old, new) in CHANGES.items():
        yield Attack(f"{name}", replaced(old, new), MISMATCH)
    yield Attack("a field, and its digest put in by hand", other_digest, Reason.SIGNATURE_VALUE_WRONG)
    yield Attack("a second root", after_root(b"<x/>"), "not-well-formed")
    yield Attack("text after the root", after_root(b"x"), "not-well-formed")
    for name, (old, new) in {
        "a relative namespace in a claim": (b"<HOSO>", b'<HOSO xmlns:x="relative">'),
        "a relative namespace on the root": (b"<GIAMDINHHS ", b'<GIAMDINHHS xmlns:x="relative" '),
    }.items():
        yield Attack(
            f"{name}, which has no canonical form", replaced(old, new), Reason.SIGNATURE_NOT_CANONICAL
        )


FAMILY = Family("Content changed after signing", tuple(attacks()))
