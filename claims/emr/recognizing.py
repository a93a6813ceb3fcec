"""Which kind of input some bytes are, told by how they begin."""

from enum import StrEnum
from typing import Final

import msgspec

from claims.emr.encounter import Encounter, parse_encounter
from claims.emr.errors import MalformedEncounter, Problem

_MLLP_START: Final = b"\x0b"
_HL7_STARTS: Final = (b"MSH", b"FHS", b"BHS")
_BOM: Final = b"\xef\xbb\xbf"
_BLANKS: Final = b" \t\r\n"


class Format(StrEnum):
    """The kinds of input."""

    ENCOUNTER = "encounter"
    FHIR = "fhir"
    HL7 = "hl7"


_WAY: Final = "makes a bundle of it; sign that and send it to POST /v1/submissions"
#: What else than an encounter document was handed over, and what to do with it.
_OTHERS: Final = {
    Format.FHIR: ("a-fhir-document", f"a FHIR document: `claims build --format fhir` {_WAY}"),
    Format.HL7: ("an-hl7-message", f"an HL7 v2 message: `claims build --format hl7` {_WAY}"),
}
_XML: Final = ("an-xml-document", "an XML document: a signed bundle goes to POST /v1/submissions")


class _Marks(msgspec.Struct):
    """The two keys that tell JSON documents apart."""

    resourceType: object = None  # noqa: N815 - FHIR's name
    schema: object = None


def detect_format(data: bytes) -> Format:
    """Say which kind of input this is; what is nothing else is a document: its reader says what is wrong."""
    start = data[:64].removeprefix(_BOM).lstrip(b" \t\r\n" + _MLLP_START)
    if start.startswith(_HL7_STARTS):
        return Format.HL7
    return Format.FHIR if _is_fhir(data) else Format.ENCOUNTER


def parse_document(data: bytes) -> Encounter:
    """Read an encounter document; what is another kind of input is refused by its name.

    Raises:
        MalformedEncounter: It is none, or does not follow the schema; all problems are listed.
    """
    try:
        return parse_encounter(data)
    except MalformedEncounter:
        is_xml = data[:64].removeprefix(_BOM).lstrip(_BLANKS).startswith(b"<")
        other = _XML if is_xml else _OTHERS.get(detect_format(data))
        if other is None:
            raise
        raise MalformedEncounter((Problem("", *other),)) from None


def _is_fhir(data: bytes) -> bool:
    """Look at the top of the document, which costs a tenth of reading it; or of its first line (NDJSON)."""
    text = data.removeprefix(_BOM)
    for part in (text, text.lstrip().partition(b"\n")[0]):
        try:
            return msgspec.json.decode(part, type=_Marks).resourceType is not None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return b'"resourceType"' in text
