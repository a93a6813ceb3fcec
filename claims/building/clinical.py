"""Rows of XML4 (results) and XML5 (notes), which carry no money."""

from collections.abc import Mapping
from typing import Final

from claims.building.rows import Row
from claims.emr.encounter import Encounter, Result

# Plain examinations have no course of illness to tell.
NOTE_TYPES: Final = frozenset({"02", "03", "04", "05", "06", "08", "09"})


def service_codes(encounter: Encounter) -> Mapping[str, str]:
    """Return the service code by the order that it answers."""
    return {service.order_id: service.code for service in encounter.services if service.order_id}


def result_rows(encounter: Encounter) -> list[Row]:
    """Make one XML4 row of each result, in order of time."""
    codes = service_codes(encounter)
    timed = [
        (result.at or "", Row(_result_fields(result, codes), f"/results/{index}"))
        for index, result in enumerate(encounter.results)
    ]
    return [row for _, row in sorted(timed, key=lambda pair: pair[0])]


def note_rows(encounter: Encounter) -> list[Row]:
    """Make one XML5 row of each note, in order of time; none for a kind of visit that sends no notes."""
    if encounter.encounter.visit_type not in NOTE_TYPES:
        return []
    numbered = sorted(enumerate(encounter.notes), key=lambda pair: pair[1].at)
    return [
        Row(
            {
                "DIEN_BIEN_LS": note.text,
                "GIAI_DOAN_BENH": note.stage or "",
                "HOI_CHAN": note.consult or "",
                "PHAU_THUAT": note.operation or "",
                "THOI_DIEM_DBLS": note.at,
                "NGUOI_THUC_HIEN": note.author,
            },
            f"/notes/{index}",
        )
        for index, note in numbered
    ]


def _result_fields(result: Result, codes: Mapping[str, str]) -> dict[str, str]:
    ordered_code = codes.get(result.order_id) if result.order_id else None
    return {
        "MA_DICH_VU": ordered_code or result.service or "",
        "MA_CHI_SO": result.index or "",
        "TEN_CHI_SO": result.name or "",
        "GIA_TRI": result.value or "",
        "DON_VI_DO": result.unit or "",
        "MO_TA": result.description or "",
        "KET_LUAN": result.conclusion or "",
        "NGAY_KQ": result.at or "",
        "MA_BS_DOC_KQ": result.reader or "",
    }
