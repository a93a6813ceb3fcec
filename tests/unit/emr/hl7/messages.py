"""HL7 messages for tests, of which a test shows only the fields that matter."""

from collections.abc import Mapping

from claims.emr.encounter import Encounter
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.reading import read_hl7
from claims.emr.inputs import ReadEncounters


def seg(name: str, fields: Mapping[int, str]) -> str:
    """Write a segment from its fields by number."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields, default=0) + 1))])


def msg(kind: str, control: str, at: str, *segments: str, **header: str) -> bytes:
    """Write a message; ``header`` gives other fields of MSH as ``f18="ASCII"``."""
    fields = {1: "^~\\&", 2: "HIS", 3: "79999", 6: at, 8: kind, 9: control, 10: "P", 11: "2.5"}
    fields |= {int(name[1:]) - 1: value for name, value in header.items()}
    return ("\r".join([seg("MSH", fields), *segments]) + "\r").encode()


def pv1(**fields: str) -> str:
    """Write PV1 of visit V1; ``f45="…"`` gives other fields."""
    known = {2: "O", 3: "K01^^^^^^^^^^BYT", 19: "V1", 44: "202611020730"}
    return seg("PV1", known | {int(name[1:]): value for name, value in fields.items()})


ARRIVAL = msg("ADT^A04", "A1", "20261102073100", seg("PID", {3: "BN1^^^BV^MR"}), pv1())
DEPARTURE = msg("ADT^A03", "A9", "20261102094600", pv1(f45="202611020945"))


def order(number: str, control: str = "NW", at: str = "20261102080000", **fields: str) -> str:
    """Write ORC."""
    known = {1: control, 2: number, 9: at, 12: "BS1^^^^^^^^BYT"}
    return seg("ORC", known | {int(name[1:]): value for name, value in fields.items()})


def rxe(**fields: str) -> str:
    """Write RXE of twenty tablets."""
    known = {2: "40.30^Thuốc thử^BYT", 10: "20", 11: "Viên"}
    return seg("RXE", known | {int(name[1:]): value for name, value in fields.items()})


def obr(number: str, **fields: str) -> str:
    """Write OBR of a blood glucose."""
    known = {2: number, 4: "23.0075.1494^Định lượng Glucose^BYT"}
    return seg("OBR", known | {int(name[1:]): value for name, value in fields.items()})


def obx(value: str, **fields: str) -> str:
    """Write OBX of a final number."""
    known = {2: "NM", 3: "23.0075^Glucose^BYT", 5: value, 6: "mmol/L", 11: "F", 14: "202611020840"}
    return seg("OBX", known | {int(name[1:]): value for name, value in fields.items()})


def ft1(code: str = "02.1897^Khám Nội^BYT", **fields: str) -> str:
    """Write FT1 of one charge of 50,600 đ."""
    known = {4: "202611020740", 6: "CG", 7: code, 10: "1", 12: "50600"}
    return seg("FT1", known | {int(name[1:]): value for name, value in fields.items()})


def read(*messages: bytes, options: Hl7Options | None = None) -> ReadEncounters:
    """Read messages of visit V1 between arrival and departure."""
    return read_hl7([ARRIVAL, *messages, DEPARTURE], options=options)


def encounter(*messages: bytes, options: Hl7Options | None = None) -> Encounter:
    """Return the only encounter of such messages, of which none was refused."""
    found = read(*messages, options=options)
    assert not found.refused
    return found.encounters[0]


def codes(found: ReadEncounters) -> set[str]:
    """Return the codes of all oddities."""
    return {oddity.code for oddity in found.oddities}
