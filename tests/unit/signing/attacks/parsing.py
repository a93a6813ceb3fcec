"""What never reaches the verifier, because the bytes are not parsed."""

from collections.abc import Callable, Iterator

from tests.unit.signing.attacks.table import Attack, Family, Make, replaced

DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>"
DOCTYPE = {
    "an empty document type": b"<!DOCTYPE GIAMDINHHS>",
    "an entity": b'<!DOCTYPE GIAMDINHHS [<!ENTITY x "01001">]>',
    "an entity that grows": b'<!DOCTYPE GIAMDINHHS [<!ENTITY x "yyyy"><!ENTITY z "&x;&x;&x;&x;">]>',
    "an entity from a file": b'<!DOCTYPE GIAMDINHHS [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "an entity by HTTP": b'<!DOCTYPE GIAMDINHHS [<!ENTITY x SYSTEM "http://127.0.0.1/">]>',
    "a parameter entity": b'<!DOCTYPE GIAMDINHHS [<!ENTITY % x SYSTEM "http://127.0.0.1/"> %x;]>',
    "an external subset": b'<!DOCTYPE GIAMDINHHS SYSTEM "http://127.0.0.1/x.dtd">',
    "a public identifier": b'<!DOCTYPE GIAMDINHHS PUBLIC "x" "http://127.0.0.1/x.dtd">',
    "a default attribute": b'<!DOCTYPE GIAMDINHHS [<!ATTLIST HOSO Id CDATA "x">]>',
    "an attribute of type ID": b"<!DOCTYPE GIAMDINHHS [<!ATTLIST HOSO x ID #IMPLIED>]>",
    "a notation": b'<!DOCTYPE GIAMDINHHS [<!NOTATION x SYSTEM "x">]>',
    "a document type after a comment": b"<!-- x --><!DOCTYPE GIAMDINHHS>",
    "a document type after an instruction": b"<?x <!-- ?><!DOCTYPE GIAMDINHHS>",
    "a document type after line ends": b"\r\n\t <!DOCTYPE GIAMDINHHS>",
}


def before_root(doctype: bytes) -> Make:
    return replaced(b"<GIAMDINHHS", doctype + b"<GIAMDINHHS")


def recoded(encode: Callable[[str], bytes]) -> Make:
    return lambda workshop: encode(workshop.signed.decode())


def declared(encoding: str) -> Make:
    return replaced(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())


def attacks() -> Iterator[Attack]:
    for name, doctype in DOCTYPE.items():
        yield Attack(name, before_root(doctype), "doctype")
    yield Attack("a document type in the root", replaced(b"<HOSO>", b"<HOSO><!DOCTYPE x>"), "not-well-formed")
    yield Attack("a document type in small letters", before_root(b"<!doctype x>"), "not-well-formed")
    for name, encoding in {
        "UTF-16": "utf-16",
        "UTF-16 without a mark": "utf-16-le",
        "UTF-32": "utf-32",
        "UTF-32 without a mark": "utf-32-be",
        "EBCDIC": "cp500",
    }.items():
        yield Attack(name, recoded(lambda text, to=encoding: text.encode(to)), "encoding")  # type: ignore[misc]
    for encoding in ("UTF-16", "UTF-7", "ISO-8859-1", "windows-1258", "US-ASCII", "x-user-defined", "UTF-32"):
        yield Attack(f"the encoding {encoding} declared", declared(encoding), "encoding")
    for name, octets in {
        "an overlong form": b"\xc0\xb0",
        "half a surrogate pair": b"\xed\xa0\x80",
        "an octet that is no UTF-8": b"\xff",
        "half a letter": b"\xe1\xba",
    }.items():
        yield Attack(f"{name} in a field", replaced(b"01001", octets + b"1001"), "encoding")
    for name, octets in {
        "a NUL": b"\0",
        "a control character": b"\1",
        "a NUL by number": b"&#0;",
        "a control character by number": b"&#1;",
        "a surrogate by number": b"&#xD800;",
        "U+FFFE by number": b"&#xFFFE;",
        "an unknown entity": b"&x;",
        "an entity of HTML": b"&nbsp;",
        "an ampersand": b"&",
        "the end of a CDATA section": b"]]>",
    }.items():
        yield Attack(f"{name} in a field", replaced(b"01001", octets + b"1001"), "not-well-formed")
    yield Attack("XML 1.1", replaced(b'version="1.0"', b'version="1.1"'), "not-well-formed")
    yield Attack("an attribute twice", replaced(b"<HOSO>", b'<HOSO a="" a="">'), "not-well-formed")
    yield Attack(
        "an attribute twice by two prefixes",
        replaced(b"<HOSO>", b'<HOSO xmlns:a="u:" xmlns:b="u:" a:x="" b:x="">'),
        "not-well-formed",
    )
    yield Attack("a prefix that is not declared", replaced(b"<HOSO>", b'<HOSO a:x="">'), "not-well-formed")
    yield Attack(
        "the prefix xml bound to something else",
        replaced(b"<HOSO>", b'<HOSO xmlns:xml="u:">'),
        "not-well-formed",
    )
    yield Attack("an end tag missing", replaced(b"</HOSO>", b""), "not-well-formed")
    yield Attack("no bytes", lambda _: b"", "empty")
    yield Attack(
        "65 elements inside each other",
        replaced(b"<HOSO>", b"<HOSO>" + b"<a>" * 65 + b"</a>" * 65),
        "too-deep",
    )
    yield Attack(
        "65 attributes on one element",
        replaced(b"<HOSO>", b"<HOSO " + b" ".join(b'a%d=""' % number for number in range(65)) + b">"),
        "too-many-attributes",
    )
    yield Attack(
        "20,000 namespaces on one element",
        replaced(
            b"<HOSO>", b"<HOSO " + b" ".join(b'xmlns:a%d="u:%d"' % (n, n) for n in range(20_000)) + b">"
        ),
        "too-many-namespaces",
    )
    yield Attack("a text of 10 MB", replaced(b"01001", b"0" * 10_000_001), "too-large")
    yield Attack("21 MB", lambda workshop: workshop.signed + b" " * 21 * 2**20, "too-large")
    yield Attack(
        "three million characters that a canonical form escapes",
        replaced(b"01001", b">" * 3_000_000),
        "too-large",
    )
    yield Attack("two million elements", replaced(b"<HOSO>", b"<HOSO>" + b"<a/>" * 2_000_000), "too-large")


FAMILY = Family("Bytes that are not parsed", tuple(attacks()))
