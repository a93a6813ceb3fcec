"""What a hospital's systems are called in their messages: a frozen value with defaults, readable from TOML.

Whatever differs from site to site is said here and never guessed from a message.
"""

import codecs
from collections.abc import Mapping
from typing import Final

import msgspec

from claims.emr.encounter import ServiceKind
from claims.emr.errors import MalformedOptions
from claims.emr.hl7.places import DEFAULT_PLACES, read_place

# HL7 table 0396: a system that is registered nowhere begins with 99.
_OURS: Final = ("BYT", "99BYT")
_KINDS_OF_CODE: Final = (
    "drug", "service", "supply", "lab_index", "diagnosis", "route", "department", "staff", "facility",
)  # fmt: skip
_TEST, _IMAGING, _FUNCTION = ServiceKind.TEST, ServiceKind.IMAGING, ServiceKind.FUNCTION

_CHARSETS: Final = {
    "ASCII": "ascii",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE UTF-8": "utf-8",
    # Systems that say no more than this send UTF-8; what they send is held to it.
    "UNICODE": "utf-8",
    **dict.fromkeys(("WINDOWS-1258", "WINDOWS1258", "CP1258", "CP-1258", "1258"), "cp1258"),
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
_NATIONAL: Final = dict.fromkeys(_KINDS_OF_CODE, _OURS) | {
    # HL7 table 0396 calls ICD-10 as the WHO publishes it I10; ICD-10-CM is I10C.
    "diagnosis": (*_OURS, "I10", "ICD10", "ICD-10"),
}
# HL7 table 0074.
_SECTIONS: Final = (
    dict.fromkeys(
        (
            "LAB",
            "BG",
            "BLB",
            "CH",
            "CP",
            "CTH",
            "HM",
            "IMM",
            "MB",
            "MCB",
            "MYC",
            "PAT",
            "SP",
            "SR",
            "TX",
            "VR",
        ),
        _TEST,
    )
    | dict.fromkeys(
        ("RAD", "RX", "XRC", "CT", "CUS", "MRI", "NMR", "NMS", "NRS", "OUS", "RUS", "US", "VUS"), _IMAGING
    )
    | dict.fromkeys(("EC", "EN", "PF", "AU", "CG", "EEG", "ECG"), _FUNCTION)
    | dict.fromkeys(("PT", "PHY", "OT", "RC", "RT"), ServiceKind.PROCEDURE)
)


class Hl7Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a hospital's own systems, identifiers, codes and places are called.

    Attributes:
        facility: The facility's code where no message says it.
        facilities: Facility code by what MSH-4 or PV1-39 says; five digits need no entry.
        head_of_facility: Who signs for the facility (MA_TTDV) where no message says it.
        charset: The codec for messages whose MSH-18 is empty.
        charsets: The codec by what MSH-18 says, for systems that say one thing and send another.
        visit_keys: Where the number of the visit stands, best first; only the first names a visit for sure.
        closing_events: The events that end a visit; one other than A03 does so when PV1-45 is filled.
        national_systems: By kind of code, the systems whose codes are the national ones; an empty text
            stands for a code that names no system.
        identifiers: By ``patient``, ``national_id`` and ``card``, the type codes (PID-3.5) or assigning
            authorities (PID-3.4) of such an identifier, best first; an empty text stands for neither.
        nationalities: National code of a country by what PID-28 says.
        visit_types: Visit type (MA_LOAI_KCB) by patient class (PV1-2).
        discharge_types: MA_LOAI_RV by discharge disposition (PV1-36).
        outcomes: KET_QUA_DTRI by discharge disposition.
        diagnosis_types: ``entry``, ``working`` or ``exit`` by diagnosis type (DG1-6).
        sections: Kind of service by diagnostic section (OBR-24).
        kinds: Kind of service by transaction or service code, or by the system of such a code.
        medicines: Transaction codes, or systems of such codes, that are medicines.
        observations: Codes of the observations (OBX-3) that are no results but tell of the visit.
        notes: By ``progress``, ``consult`` and ``operation``, the service codes (OBR-4) of such notes.
        places: Where a value stands that HL7 has no field for; see `claims.emr.hl7.places`.
        max_message_bytes: How large one message may be.
        max_segments: How many segments one message may have.
    """

    facility: str = ""
    facilities: dict[str, str] = {}
    head_of_facility: str = ""
    charset: str = "utf-8"
    charsets: dict[str, str] = msgspec.field(default_factory=lambda: dict(_CHARSETS))
    visit_keys: tuple[str, ...] = ("PV1-19", "PV1-50", "PID-18")
    closing_events: tuple[str, ...] = ("A03",)
    national_systems: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: dict(_NATIONAL))
    identifiers: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {
            "patient": ("MR", "PI", "PT", ""),
            "national_id": ("NI", "NNVNM", "CCCD", "SO_CCCD"),
            "card": ("HC", "BHYT", "NIIP"),
        }
    )
    nationalities: dict[str, str] = msgspec.field(
        default_factory=lambda: dict.fromkeys(("VN", "VNM", "704"), "000")
    )
    visit_types: dict[str, str] = msgspec.field(
        default_factory=lambda: {"I": "03", "O": "01", "E": "01", "B": "03"}
    )
    discharge_types: dict[str, str] = msgspec.field(
        default_factory=lambda: {"01": "1", **dict.fromkeys(("02", "03", "04", "05"), "2"), "07": "4"}
    )
    outcomes: dict[str, str] = msgspec.field(
        default_factory=lambda: dict.fromkeys(("20", "40", "41", "42"), "5")
    )
    diagnosis_types: dict[str, str] = msgspec.field(
        default_factory=lambda: {
            **dict.fromkeys(("A", "AD"), "entry"),
            **dict.fromkeys(("W", "WD"), "working"),
            **dict.fromkeys(("F", "FD", "D", "DD"), "exit"),
        }
    )
    sections: dict[str, ServiceKind] = msgspec.field(default_factory=lambda: dict(_SECTIONS))
    kinds: dict[str, ServiceKind] = {}
    medicines: tuple[str, ...] = ()
    observations: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {
            "weight": ("29463-7", "3141-9"),
            "birth_weight": ("8339-4",),
            "blood_group": ("882-1",),
            "vital_signs": (
                "85353-1", "85354-9", "8480-6", "8462-4", "8867-4", "8310-5", "9279-1", "59408-5", "2708-6",
                "8302-2", "39156-5",
            ),
        }
    )  # fmt: skip
    notes: dict[str, tuple[str, ...]] = msgspec.field(
        default_factory=lambda: {"progress": ("11506-3",), "consult": ("11488-4",), "operation": ("11504-8",)}
    )
    places: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: dict(DEFAULT_PLACES))
    max_message_bytes: int = 16_000_000
    max_segments: int = 50_000

    def __post_init__(self) -> None:
        """Refuse a codec or a place that does not exist.

        Raises:
            ValueError: There is one; the message names it.
        """
        for codec in (self.charset, *self.charsets.values()):
            _require_codec(codec)
        for written in (*self.visit_keys, *(place for places in self.places.values() for place in places)):
            try:
                read_place(written)
            except ValueError:
                raise ValueError(f"{written} is no place like PID-11.4") from None
        if unknown := sorted(self.places.keys() - DEFAULT_PLACES.keys()):
            raise ValueError(f"places: nothing is called {', '.join(unknown)}")

    def is_national(self, kind: str, system: str) -> bool:
        """Say whether the codes of a system are the national ones of a kind."""
        return system in self.national_systems.get(kind, ())


def parse_hl7_options(given: Mapping[str, object]) -> Hl7Options:
    """Read options from a mapping; the entries of a table are added to its defaults, or replace them.

    Raises:
        MalformedOptions: It names something that does not exist, or a value has the wrong form.
    """
    try:
        merged: dict[str, object] = msgspec.to_builtins(Hl7Options())
        for key, value in given.items():
            known = merged.get(key)
            if isinstance(known, Mapping) and isinstance(value, Mapping):
                merged[key] = {**known, **value}
            else:
                merged[key] = value
        return msgspec.convert(merged, Hl7Options)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise MalformedOptions(f"hl7: {error}") from error


def _require_codec(name: str) -> None:
    """Refuse a codec that does not hold ASCII as it is, because a message's marks are looked for as bytes."""
    try:
        codec = codecs.lookup(name)
        is_usable = codec._is_text_encoding and "MSH|^~\\&\r".encode(name) == b"MSH|^~\\&\r"  # noqa: SLF001 - so do open() and str.encode
    except (LookupError, UnicodeError):
        is_usable = False
    if not is_usable:
        raise ValueError(f"{name} is no character set that messages can be split in")
