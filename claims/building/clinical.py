"""Rows of XML4 (results) and XML5 (notes), which carry no money."""

from collections.abc import Mapping
from typing import Final

from claims.building.copies import Copies
from claims.building.rows import Row
from claims.emr.encounter import Encounter

# Plain examinations have no course of illness to tell.
NOTE_TYPES: Final = frozenset({"02", "03", "04", "05", "06", "08", "09"})

RESULT: Final = Copies(
    {
        "MA_CHI_SO": "index",
        "TEN_CHI_SO": "name",
        "GIA_TRI": "value",
        "DON_VI_DO": "unit",
        "MO_TA": "description",
        "KET_LUAN": "conclusion",
        "NGAY_KQ": "at",
        "MA_BS_DOC_KQ": "reader",
    }
)
NOTE: Final = Copies(
    {
        "DIEN_BIEN_LS": "text",
        "GIAI_DOAN_BENH": "stage",
        "HOI_CHAN": "consult",
        "PHAU_THUAT": "operation",
        "THOI_DIEM_DBLS": "at",
        "NGUOI_THUC_HIEN": "author",
    }
)


def service_codes(encounter: Encounter) -> Mapping[str, str]:
    """Return the service code by the order that it answers."""
    return {service.order_id: service.code for service in encounter.services if service.order_id}


def result_rows(encounter: Encounter) -> list[Row]:
    """Make one XML4 row of each result, in order of time."""
    codes = service_codes(encounter)
    timed = [
        (
            result.at or "",
            Row(
                {
                    "MA_DICH_VU": codes.get(result.order_id or "") or result.service or "",
                    **RESULT.of(result),
                },
                f"/results/{index}",
            ),
        )
        for index, result in enumerate(encounter.results)
    ]
    return [row for _, row in sorted(timed, key=lambda pair: pair[0])]


def note_rows(encounter: Encounter) -> list[Row]:
    """Make one XML5 row of each note, in order of time; none for a kind of visit that sends no notes."""
    if encounter.encounter.visit_type not in NOTE_TYPES:
        return []
    numbered = sorted(enumerate(encounter.notes), key=lambda pair: pair[1].at)
    return [Row(NOTE.of(note), f"/notes/{index}") for index, note in numbered]
