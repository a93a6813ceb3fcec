"""One door for every kind of input: how it is read, and the encounters in it."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from claims.emr.encounter import parse_encounter
from claims.emr.errors import MalformedEncounter, MalformedOptions
from claims.emr.fhir.options import FhirOptions, parse_fhir_options
from claims.emr.fhir.reading import read_fhir
from claims.emr.hl7.options import Hl7Options, parse_hl7_options
from claims.emr.hl7.reading import read_hl7
from claims.emr.inputs import ReadEncounters, Refusal
from claims.emr.recognizing import Format


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
