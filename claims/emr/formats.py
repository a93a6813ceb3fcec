"""One door for every kind of input: which kind it is, how it is read, and the encounters in it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import msgspec

from claims.emr.encounter import parse_encounter
from claims.emr.errors import MalformedEncounter, MalformedOptions
from claims.emr.fhir.options import FhirOptions, parse_fhir_options
from claims.emr.fhir.reading import read_fhir
from claims.emr.hl7.options import Hl7Options, parse_hl7_options
from claims.emr.hl7.reading import read_hl7
from claims.emr.inputs import ReadEncounters, Refusal

_MLLP_START: Final = b"\x0b"
_HL7_STARTS: Final = (b"MSH", b"FHS", b"BHS")
_BOM: Final = b"\xef\xbb\xbf"


class Format(StrEnum):
    """The kinds of input."""

    ENCOUNTER = "encounter"
    FHIR = "fhir"
    HL7 = "hl7"


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What a hospital's own systems and codes are called, by kind of input."""

    fhir: FhirOptions = field(default_factory=FhirOptions)
    hl7: Hl7Options = field(default_factory=Hl7Options)


def parse_options(text: str, *, facility: str | None = None) -> ReadingOptions:
    """Read options from TOML: a table ``[fhir]`` and a table ``[hl7]``; what is left out keeps its default.

    ``facility`` is whose encounters these are where an input does not say it.

    Raises:
        MalformedOptions: It is not TOML, or names something that does not exist.
    """
    try:
        tables: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MalformedOptions(str(error)) from error
    if unknown := sorted(tables.keys() - {"fhir", "hl7"}):
        raise MalformedOptions(f"there is no kind of input called {', '.join(unknown)}")
    fhir = parse_fhir_options(_table(tables, "fhir"))
    hl7 = parse_hl7_options(_table(tables, "hl7"))
    if facility is None:
        return ReadingOptions(fhir, hl7)
    return ReadingOptions(replace(fhir, facility=facility), msgspec.structs.replace(hl7, facility=facility))


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


def read_encounters(data: bytes, kind: Format, options: ReadingOptions) -> ReadEncounters:
    """Read every encounter of an input; what cannot be read is listed, with its reason."""
    match kind:
        case Format.FHIR:
            return read_fhir(data, options=options.fhir)
        case Format.HL7:
            return read_hl7(data, options=options.hl7)
        case Format.ENCOUNTER:
            return _read_document(data)


def _table(tables: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise MalformedOptions(f"{name} must be a table")
    return table


def _read_document(data: bytes) -> ReadEncounters:
    try:
        return ReadEncounters((parse_encounter(data),))
    except MalformedEncounter as error:
        return ReadEncounters(
            (),
            tuple(Refusal("", found.code, found.detail, found.pointer or "/") for found in error.problems),
        )


def _is_fhir(data: bytes) -> bool:
    """Look at the top of the document, which costs a tenth of reading it; or of its first line (NDJSON)."""
    text = data.removeprefix(_BOM)
    for part in (text, text.lstrip().partition(b"\n")[0]):
        try:
            return msgspec.json.decode(part, type=_Marks).resourceType is not None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return b'"resourceType"' in text
