"""What a reference covers: anything but the whole document, once, is refused."""

from collections.abc import Iterator

from signing.policy import SHA256, XMLDSIG
from signing.verdict import Reason
from tests.unit.signing.attacks.table import Attack, Family, edited, part_of, recipe
from tests.unit.signing.documents import BUNDLE, ENVELOPED, Recipe

SCOPE, EXTERNAL = Reason.SIGNATURE_REFERENCE_SCOPE, Reason.SIGNATURE_REFERENCE_EXTERNAL
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
WITH_ID = BUNDLE.replace(b"<GIAMDINHHS ", b'<GIAMDINHHS Id="root" ').replace(b"<HOSO>", b'<HOSO Id="x">')

INSIDE = (
    "#x", "#", "#/1", "#xpointer(/)", "#xpointer(//HOSO)", "#xpointer(id('x'))", "#element(/1)",
    "#xmlns(a=b)xpointer(/)", "#x%20", "#%78",
)  # fmt: skip
OUTSIDE = (
    "file:///etc/passwd", "file:ext.xml", "http://127.0.0.1/x", "https://example.org/x", "ftp://example.org/x",
    "//example.org/x", "ext.bin", "./", ".", "?", "../x", "x#x", "urn:x", "data:,x", "cid:x", "jar:file:x!/y",
    "javascript:1", "\\\\server\\share", " ", "&#9;", "&#10;", "&#160;", "%20", "x" * 4000,
)  # fmt: skip


def reference(uri: str) -> str:
    return (
        f"<P:Reference {uri}><P:Transforms>{ENVELOPED}</P:Transforms>"
        f'<P:DigestMethod Algorithm="{SHA256}"/><P:DigestValue>{EMPTY}</P:DigestValue></P:Reference>'
    )


def attacks() -> Iterator[Attack]:
    for uri in INSIDE:
        yield Attack(f"URI “{uri}”", recipe(Recipe(uri=f'URI="{uri}"'), WITH_ID), SCOPE)
    yield Attack("no URI", recipe(Recipe(uri="")), SCOPE)
    for uri in OUTSIDE:
        yield Attack(f"URI “{uri[:40]}”", recipe(Recipe(uri=f'URI="{uri}"')), EXTERNAL)
    for name in ("Manifest", "Object", "SignatureProperties", "X509Data"):
        like = Recipe(uri=f'URI="" Type="{XMLDSIG}{name}"')
        yield Attack(f"a reference of the type {name}", recipe(like), SCOPE)
    inside = reference('URI=""')
    manifest = f'<P:Object><P:Manifest Id="m">{inside}</P:Manifest></P:Object>'
    yield Attack(
        "the document covered by a Manifest alone",
        recipe(Recipe(uri='URI="#m"', after_key_info=manifest)),
        Reason.SIGNATURE_OBJECT_UNSUPPORTED,
    )
    for uri in ('URI=""', 'URI="#x"', 'URI="file:///etc/passwd"', ""):
        like = Recipe(more_references=reference(uri))
        yield Attack(f"a second reference with {uri or 'no URI'}", recipe(like, WITH_ID), SCOPE)
    yield Attack("a thousand references", recipe(Recipe(more_references=reference('URI=""') * 999)), SCOPE)
    yield Attack(
        "no reference",
        edited(lambda root: part_of(root, "SignedInfo").remove(part_of(root, "Reference"))),
        SCOPE,
    )
    for attribute in ("Foo", "uri", "Uri", "type"):
        yield Attack(
            f"the attribute {attribute} beside the URI",
            recipe(Recipe(uri=f'URI="" {attribute}="x"')),
            Reason.SIGNATURE_MALFORMED,
        )
    yield Attack("a URI in a namespace", recipe(Recipe(uri='xmlns:x="urn:x" x:URI=""')), SCOPE)


FAMILY = Family("References", tuple(attacks()))
