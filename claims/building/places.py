"""Where in a claim a value of the encounter shows: pointers on one side, tables and fields on the other."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from claims.building.charges import MEDICATION, SERVICE, SUPPLY
from claims.building.clinical import NOTE, RESULT
from claims.building.rows import Row
from claims.building.summary import SUMMARY
from claims.bundle.findings import Location
from claims.bundle.kinds import TableKind

_OTHER_SOURCES: Final = {
    f"T_NGUONKHAC_{name.upper()}": f"other_sources.{name}" for name in ("nsnn", "vtnn", "vttn", "cl")
}
_FIELDS: Final[Mapping[TableKind, Mapping[str, str]]] = {
    TableKind.XML1: {
        "MA_LK": "encounter.link_id",
        "MA_DOITUONG_KCB": "encounter.case",
        "MA_KHOA": "encounter.departments",
        "MA_BENH_KT": "diagnoses.other",
        "MA_BENH_YHCT": "diagnoses.traditional",
        "MA_THE_BHYT": "coverage.card",
        "MA_DKBD": "coverage.registered_at",
        "GT_THE_TU": "coverage.valid_from",
        "GT_THE_DEN": "coverage.valid_to",
        "NGAY_MIEN_CCT": "coverage.copay_exempt_from",
        "NAM_NAM_LIEN_TUC": "coverage.five_years_from",
        "MA_KHUVUC": "coverage.area",
        "GIOI_TINH": "patient.sex",
        "CAN_NANG": "encounter.weight_kg",
        "CAN_NANG_CON": "encounter.newborn_weights_g",
        "NGAY_TAI_KHAM": "encounter.follow_up",
        "MUC_HUONG": "coverage.percent",
        **SUMMARY.paths,
    },
    TableKind.XML2: {
        "SO_LUONG": "quantity",
        "DON_GIA": "price",
        "TYLE_TT_BH": "pay_percent",
        "MA_NHOM": "group",
        "MA_KHOA": "department",
        **_OTHER_SOURCES,
        **MEDICATION.paths,
    },
    TableKind.XML3: {
        "MA_DICH_VU": "code",
        "MA_VAT_TU": "code",
        "TEN_DICH_VU": "name",
        "TEN_VAT_TU": "name",
        "SO_LUONG": "quantity",
        "DON_GIA_BV": "hospital_price",
        "DON_GIA_BH": "insured_price",
        "TYLE_TT_BH": "pay_percent",
        "T_TRANTT": "ceiling",
        "MA_NHOM": "group",
        "MA_KHOA": "department",
        "NGUOI_THUC_HIEN": "performers",
        "MA_BENH": "diagnosis",
        "TYLE_TT_DV": "service_percent",
        "TAI_SU_DUNG": "supply.reused",
        **_OTHER_SOURCES,
        **SUPPLY.paths,
        **SERVICE.paths,
    },
    TableKind.XML4: {"MA_DICH_VU": "service", **RESULT.paths},
    TableKind.XML5: NOTE.paths,
}

_TABLES: Final[Mapping[str, TableKind]] = {
    "medications": TableKind.XML2,
    "services": TableKind.XML3,
    "results": TableKind.XML4,
    "notes": TableKind.XML5,
}


def pointer_to(kind: TableKind, row: Row, field: str) -> str:
    """Return the pointer to what fills a field of a row, or to the row's item where that is not one value."""
    path = _FIELDS.get(kind, {}).get(field)
    return row.source if path is None else f"{row.source}/{path.replace('.', '/')}"


class Places:
    """Where the items of one claim's rows show."""

    def __init__(self, tables: Mapping[TableKind, Sequence[Row]]) -> None:
        """Note which row was made from which item."""
        self._rows = {
            row.source: (kind, number, row)
            for kind, rows in tables.items()
            for number, row in enumerate(rows, start=1)
        }

    def find(self, pointer: str) -> Location:
        """Find the table, row and field where what a pointer points to shows; what is not known is None."""
        source = pointer
        while source and source not in self._rows:
            source = source.rpartition("/")[0]
        if source:
            kind, number, row = self._rows[source]
            return Location(table=kind, row=number, field=_name(kind, pointer[len(source) + 1 :], row))
        root, _, path = pointer[1:].partition("/")
        if (kind_of_rows := _TABLES.get(root)) is not None:  # an item that made no row
            return Location(table=kind_of_rows, field=_name(kind_of_rows, path, None))
        field = _name(TableKind.XML1, pointer[1:], None)
        return Location() if field is None else Location(table=TableKind.XML1, row=1, field=field)


def _name(kind: TableKind, path: str, row: Row | None) -> str | None:
    """Return the field that an attribute fills; of two that share it, the one the row uses."""
    # Places in a list (``performers/0``, ``coverage/1/percent``) all show in the one field.
    names = _names(kind).get(".".join(part for part in path.split("/") if not part.isdigit()), ())
    used = [name for name in names if row is not None and row.fields.get(name)]
    return next(iter(used or names), None)


@cache
def _names(kind: TableKind) -> Mapping[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for name, path in _FIELDS.get(kind, {}).items():
        names[path] = (*names.get(path, ()), name)
    return names
