"""From the bytes of a JSON document to clean values: exact numbers, composed letters, no control characters.

What the values mean is left to `claims.emr.encounter`.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Final, NoReturn

from claims.emr.errors import MOST_PROBLEMS, MalformedEncounter, Problem

# A control character cannot stand in XML, or has no business in a text; line ends and tabs may.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# An escape can hide such a character, or the second half of a decomposed letter. Where all that is not ASCII
# is escaped, most escapes are letters of their own (Latin, Vietnamese) or punctuation, which hide nothing.
_HIDING_ESCAPE = re.compile(r"\\[ubf]")
_HIDING_ESCAPE_IN_ASCII = re.compile(
    r"\\(?:[bf]|u(?!00(?:[2-6a-f]|7[0-9a-e])|0[12]|1e|20[12]))", re.IGNORECASE | re.ASCII
)


#: More than any encounter has: a table takes 20,000 rows. Thousands of things are wrong with a kilobyte of
#: empty objects, so their number is bounded, and not the bytes alone.
_MOST_OBJECTS: Final = 30_000
_MOST_VALUES: Final = 200_000

_OUT_OF_BOUNDS: Final = "it is not JSON that can be read: a number or the nesting is out of bounds"


_NO_JSON: Final = {"": "it is empty", "<": "it is XML, not JSON"}
#: What else in XML is handed over for JSON, by what stands near its beginning.
_OTHER_XML: Final = (
    ("http://hl7.org/fhir", "fhir-as-xml", "it is FHIR as XML: ask the server for application/fhir+json"),
    ("<GIAMDINHHS", "a-bundle", "it is a bundle already: `claims check` looks at it, `claims sign` signs it"),
    ("urn:hl7-org:v2xml", "hl7-as-xml", "it is HL7 v2 as XML: have it sent as segments (ER7)"),
    ("urn:hl7-org:v3", "a-cda-document", "it is a CDA document: have FHIR or HL7 v2 exported"),
)
SEVERAL: Final = "one document is needed: hand over each encounter as a file of its own"
_HEAD: Final = 1000
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_ZIP: Final = b"PK\x03\x04"


class _Duplicate:
    """Stands for the value of a key that an object holds twice."""


DUPLICATE: Final = _Duplicate()


def read_json(data: bytes | str) -> object:
    """Read a JSON document; a number becomes an int or a Decimal, never a binary float.

    Raises:
        MalformedEncounter: It is not JSON in UTF-8, it is endless, or a text holds a forbidden character.
    """
    text = unicodedata.normalize("NFC", _decode(data))
    if (start := text.lstrip()[:1]) in _NO_JSON:
        if start:
            for mark, code, detail in _OTHER_XML:
                if mark in text[:_HEAD]:
                    raise _malformed(code, detail)
        raise _malformed("not-json", _NO_JSON[start])
    # Braces and commas within texts count too; no encounter comes near.
    if text.count("{") > _MOST_OBJECTS or text.count(",") > _MOST_VALUES:
        raise _malformed("too-large", "it holds more than any encounter")
    try:
        document = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise _not_json(error, text) from None
    except (ValueError, RecursionError):
        raise _malformed("not-json", _OUT_OF_BOUNDS) from None
    hiding = _HIDING_ESCAPE_IN_ASCII if text.isascii() else _HIDING_ESCAPE
    if _FORBIDDEN.search(text) or hiding.search(text):
        return clean(document)
    return document


def _not_json(error: json.JSONDecodeError, text: str) -> MalformedEncounter:
    if error.msg == "Extra data" and text.lstrip().startswith("{"):
        return _malformed("several-documents", SEVERAL)
    return _malformed("not-json", f"it is not JSON: {error.msg} (line {error.lineno}, column {error.colno})")


def clean(document: object) -> object:
    """Compose the letters of every text in a document.

    Raises:
        MalformedEncounter: A text holds a control character; every place is named, up to a thousand.
    """
    try:
        found = (
            Problem(pointer, "control-character", "a control character cannot stand in a claim")
            for pointer, text in _texts(document, "")
            if _FORBIDDEN.search(text)
        )
        problems = tuple(islice(found, MOST_PROBLEMS))
        composed = _composed(document)
    except RecursionError:
        raise _malformed("not-json", _OUT_OF_BOUNDS) from None
    if problems:
        raise MalformedEncounter(problems)
    return composed


def pointer_of(parts: Iterator[str | int] | tuple[str | int, ...]) -> str:
    """Join the steps into a document to a JSON pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _decode(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith(_ZIP):
            raise _malformed("packed", "it is a ZIP archive or an Office file: unpack it first") from None
        other = "it is UTF-16: save it as UTF-8" if data.startswith(_UTF_16) else "it is not UTF-8"
        raise _malformed("not-utf-8", other) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                result[key] = DUPLICATE
            seen.add(key)
    return result


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _texts(value: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{pointer}/~", key
            yield from _texts(item, pointer + pointer_of((key,)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}")


def _composed(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {unicodedata.normalize("NFC", key): _composed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_composed(item) for item in value]
    return value


def _malformed(code: str, detail: str) -> MalformedEncounter:
    return MalformedEncounter((Problem("", code, detail),))
