"""What is known beside the samples: their facility's lists, and what others answer."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.catalogues.catalogue import Catalogue, Table
from claims.catalogues.items import (
    ContractItem,
    DepartmentItem,
    DiagnosisItem,
    DrugItem,
    Entry,
    FacilityItem,
    Kind,
    LimitItem,
    PairItem,
    Relation,
    ServiceItem,
    StaffItem,
    SupplyItem,
    TraditionalItem,
)
from claims.catalogues.schedules import Period, Shift
from claims.checking.cards import CardQuestion, CardReply
from claims.checking.history.marks import Mark, Subject, blind
from claims.checking.history.memory import MemoryHistory
from claims.checking.needs import Need
from claims.checking.samples import load_sample, sample_names
from claims.checking.values import split_items

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DEAR: Final = Decimal(60_000_000)
_ENDED: Final = date(2025, 12, 31)
_PEOPLE: Final = MappingProxyType(
    {
        TableKind.XML1: ("MA_TTDV",),
        TableKind.XML2: ("MA_BAC_SI",),
        TableKind.XML3: ("MA_BAC_SI", "NGUOI_THUC_HIEN"),
        TableKind.XML4: ("MA_BS_DOC_KQ",),
        TableKind.XML5: ("NGUOI_THUC_HIEN",),
    }
)
_RESIDENCE: Final = MappingProxyType(
    {
        Kind.PROVINCE: ("25", "79"),
        Kind.COMMUNE: ("26734", "18449", "16350", "11567", "00593", "12439", "21997", "31587"),
        Kind.COUNTRY: ("000", "840"),
        Kind.PEOPLE: ("01", "06"),
    }
)


@cache
def sample_catalogue() -> Catalogue:
    """Return the lists of the samples' facility: what the samples use, and a few rows more."""
    entries = lists_of(load_sample(name).tables for name in sample_names())
    entries[Kind.DRUG].append(DrugItem(code="40.0000", valid_to=_ENDED))
    entries[Kind.SERVICE] += [
        ServiceItem(code="02.0000", valid_to=_ENDED),
        ServiceItem(code="18.9999.0001", insured_price=_DEAR),
        ServiceItem(code="KHAM BENH"),
    ]
    entries[Kind.STAFF] += _people()
    entries[Kind.SERVICE] += _more_services()
    entries[Kind.DIAGNOSIS] += _diagnoses()
    entries[Kind.LIMIT] += _limits()
    entries[Kind.PAIR] += (
        PairItem(code="18.9999.0008", other="22.0120.1370", relation=Relation.INCLUDED),
        PairItem(code="40.9004", other="22.0120.1370", relation=Relation.IN_PRICE),
        PairItem(code="40.9005", other="40.84", relation=Relation.INTERACTS),
        PairItem(code="40.9006", other="40.84", relation=Relation.SAME),
    )
    entries[Kind.SERVICE] += (
        ServiceItem(code=one.code, insured_price=_DEAR) for one in _limits() if one.code.startswith("18.")
    )
    entries[Kind.DRUG] += (DrugItem(code=one.code) for one in _limits() if one.code.startswith("40."))
    entries[Kind.FACILITY] += (Entry(code=code) for code in ("79573", "79999"))
    entries[Kind.FACILITY].append(FacilityItem(code="79024", hospital_class="II"))
    entries[Kind.DRUG] += _more_drugs()
    entries[Kind.TRADITIONAL].append(TraditionalItem(code="U62.011", icd=("J0",)))
    entries[Kind.TRADITIONAL].append(TraditionalItem(code="U50.001", icd=("Q99",)))
    entries[Kind.CONTRACT].append(
        ContractItem(code="79024", hours=tuple(Shift(day, "06:30", "21:00") for day in range(7)))
    )
    for area, codes in _RESIDENCE.items():
        entries[area] += (Entry(code=code) for code in codes)
    tables_of = {kind: Table(dict.fromkeys(found)) for kind, found in entries.items()}
    return Catalogue(facility="79024", tables=MappingProxyType(tables_of))


def lists_of(claims: Iterable[Mapping[TableKind, Sequence[Mapping[str, str]]]]) -> dict[Kind, list[Entry]]:
    """Return the lists of a facility that has what the rows of some claims name, and nothing else."""
    entries: defaultdict[Kind, list[Entry]] = defaultdict(list)
    for tables in claims:
        for row in tables.get(TableKind.XML2, ()):
            entries[Kind.DRUG].append(_drug(row))
        for row in tables.get(TableKind.XML3, ()):
            entries[Kind.SERVICE if row["MA_DICH_VU"] else Kind.SUPPLY].append(_service_or_supply(row))
            entries[Kind.MACHINE] += (Entry(code=code) for code in split_items(row["MA_MAY"]))
        for kind, fields in _PEOPLE.items():
            people = (row[field] for row in tables.get(kind, ()) for field in fields)
            entries[Kind.STAFF] += (Entry(code=code) for one in people for code in split_items(one))
        for row in tables[TableKind.XML1]:
            entries[Kind.DEPARTMENT] += (_department(code) for code in split_items(row["MA_KHOA"]))
    return entries


def _department(code: str) -> DepartmentItem:
    # One department says which beds it has; of the others that is not known.
    return DepartmentItem(code=code, bed_services=("K03.", "K19.") if code == "K19" else ())


def _people() -> tuple[StaffItem, ...]:
    """Return practitioners of whom the list says more than that they are there."""
    return (
        StaffItem(code="7902490001", licence_to=_ENDED),
        StaffItem(code="7902490002", licence_from=date(2026, 1, 1), withdrawn_on=date(2026, 9, 15)),
        StaffItem(code="7902490003", withdrawn_on=date(2026, 9, 14)),
        StaffItem(code="7902490004", scope=("02.", "22.0001")),
        StaffItem(code="7902490005", working_hours=(Shift(0, "07:00", "08:00"),)),
        StaffItem(code="7902490006", leave=(Period(date(2026, 9, 10), date(2026, 9, 14)),)),
        StaffItem(code="7902490007", exam_departments=("K27",)),
        StaffItem(code="000123/HCM-GPHN"),
        StaffItem(code="12345"),
        StaffItem(code="BS HAI"),
    )


def _more_services() -> tuple[ServiceItem, ...]:
    """Return services that no sample has, for examples that add one."""
    return (
        ServiceItem(code="VC.00001", name="Vận chuyển người bệnh"),
        ServiceItem(code="K19.0001"),
        ServiceItem(code="K27.0001"),
        ServiceItem(code="18.9999.0010", insured_price=_DEAR, contrast=True),
        ServiceItem(code="18.9999.0011", insured_price=_DEAR, biopsy=True),
        ServiceItem(code="18.9999.0012", insured_price=_DEAR, histology=True),
    )


def _more_drugs() -> tuple[DrugItem, ...]:
    """Return medicines that no sample has, one for each thing that the list may say of them."""
    return (
        DrugItem(code="40.9010", most_days=Decimal(7)),
        DrugItem(code="40.9011", hospital_classes=("I", "special")),
        DrugItem(code="40.9012", hospital_classes=("I", "II"), left=Decimal(1000)),
        DrugItem(code="40.9013", left=Decimal(1)),
        DrugItem(code="40.9014", contrast=True),
    )


def _diagnoses() -> list[Entry]:
    """The codes of the samples, and one of each that a rule speaks of."""
    codes: set[str] = set()
    for name in sample_names():
        tables = load_sample(name).tables
        codes.update(row["MA_BENH_CHINH"] for row in tables[TableKind.XML1])
        codes.update(one for row in tables[TableKind.XML1] for one in split_items(row["MA_BENH_KT"]))
        codes.update(one for row in tables.get(TableKind.XML3, ()) for one in split_items(row["MA_BENH"]))
    return [
        *(DiagnosisItem(code=code) for code in sorted(codes)),
        DiagnosisItem(code="J06"),
        DiagnosisItem(code="Q99"),
        DiagnosisItem(code="G01", not_main=True),
        DiagnosisItem(code="R69", discouraged=True),
        DiagnosisItem(code="O80", sex="2"),
        DiagnosisItem(code="Q97", long_supply=True),
        DiagnosisItem(code="Q98"),
        DiagnosisItem(code="H58.9", goes_with=("Q98",)),
        DiagnosisItem(code="U07.1"),
        DiagnosisItem(code="J12.8"),
        DiagnosisItem(code="U62.011"),
    ]


def _limits() -> list[LimitItem]:
    """One of each limit that a rule speaks of, on services and medicines that no sample has."""
    return [
        LimitItem(code="18.9999.0002", sex="2"),
        LimitItem(code="18.9999.0003", age_to=Decimal(0)),
        LimitItem(code="18.9999.0004", diagnoses=("Q99",)),
        LimitItem(code="18.9999.0005", not_with=("Q99",)),
        LimitItem(code="18.9999.0006", per_day=Decimal("0.5")),
        LimitItem(code="18.9999.0007", not_inpatient=True),
        LimitItem(code="18.9999.0008"),
        LimitItem(code="18.9999.0009"),
        LimitItem(code="18.9999.0020", interval_days=Decimal(180)),
        *(LimitItem(code=f"40.900{number}") for number in (4, 5, 6)),
        LimitItem(code="40.9003", per_day=Decimal(8)),
        LimitItem(code="40.9001", diagnoses=("Q99",)),
        LimitItem(code="40.9002", not_with=("Q99",)),
    ]


def _drug(row: Mapping[str, str]) -> DrugItem:
    return DrugItem(
        code=row["MA_THUOC"],
        name=row["TEN_THUOC"],
        strength=row["HAM_LUONG"],
        route=row["DUONG_DUNG"],
        registration=row["SO_DANG_KY"],
        tender=row["TT_THAU"],
        price=Decimal(row["DON_GIA"]),
    )


def _service_or_supply(row: Mapping[str, str]) -> Entry:
    price = Decimal(row["DON_GIA_BH"])
    if row["MA_DICH_VU"]:
        return ServiceItem(code=row["MA_DICH_VU"], name=row["TEN_DICH_VU"], insured_price=price)
    return SupplyItem(
        code=row["MA_VAT_TU"], name=row["TEN_VAT_TU"], tender=row["TT_THAU"], insured_price=price
    )


@cache
def sample_more() -> Mapping[Need, object]:
    """Return what else is known beside the samples."""
    return MappingProxyType(
        {Need.HISTORY: sample_history(), Need.CARDS: SampleCards(), Need.CHECK_IN: SampleCheckIns()}
    )


@cache
def sample_history() -> MemoryHistory:
    """Return what other claims said: in September 2026, of people and beds that no sample names."""
    history, here, elsewhere = MemoryHistory(b"the samples have no secrets"), "79024", "79999"

    def leave(what: Subject, names: tuple[str, ...], times: tuple[str, str], **given: str) -> None:
        facility = given.get("facility", here)
        patient = blind(history.key, Subject.PATIENT, facility, given.get("patient", "BN00000000"))
        episode = blind(history.key, Subject.EPISODE, facility, given.get("episode", "79024.OTHER"))
        subject = blind(history.key, what, *names)
        history.add([Mark(subject, *times, patient, episode, facility, "another claim")])

    september, evening = ("202609010700", "202609301600"), ("202609131500", "202609131900")
    leave(Subject.PERSON, ("7777777777",), september, facility=elsewhere)
    leave(Subject.DEATH, ("6666666666",), ("202608310300", "202608310300"), facility=elsewhere)
    leave(Subject.CITIZEN, (here, "079200000001"), september)
    leave(Subject.EPISODE, (here, "79024.USED"), september, episode="79024.USED")
    arrived = load_sample("outpatient").tables[TableKind.XML1][0]["NGAY_VAO"]
    leave(Subject.PATIENT, (here, "BN00000001"), (arrived, arrived))
    leave(
        *(Subject.EPISODE, (here, "79024.AGAIN"), (arrived, arrived)),
        patient="BN00000002",
        episode="79024.AGAIN",
    )
    leave(
        Subject.SERVICE, ("7777777770", "18.9999.0020"), ("202607010800", "202607010800"), facility=elsewhere
    )
    leave(Subject.COURSE, ("7777777770", "40.9012"), ("202609010800", "202610010800"), facility=elsewhere)
    for number, day in (("GC-OLD", "202506010800"), ("GC-NEW", "202609130800")):
        leave(Subject.REFERRAL, (elsewhere, number), (day, day), facility=elsewhere)
    for number, day in (("GH-LATE", "202608030000"), ("GH-FRESH", "202609140000")):
        leave(Subject.APPOINTMENT, (here, number), (day, day))
    leave(Subject.REVISIT, (here, "GH-USED"), ("202609020800", "202609020800"))
    leave(Subject.PERFORMER, (here, "7902400043"), evening)
    leave(Subject.BED, (here, "K03", "H777"), evening)
    leave(Subject.EXAMINER, (here, "7902400043"), ("202609131753", "202609131753"))
    return history


class SampleCheckIns:
    """Check-ins of the samples' episodes, which say what the samples say."""

    def find(self, facility: str, ma_lk: str) -> Mapping[str, str] | None:
        """Return the fields of the last check-in of an episode."""
        return _summaries().get((facility, ma_lk))


@cache
def _summaries() -> Mapping[tuple[str, str], Mapping[str, str]]:
    rows = (load_sample(name).tables[TableKind.XML1][0] for name in sample_names())
    return {(row["MA_CSKCB"], row["MA_LK"]): row for row in rows}


class SampleCards:
    """A register in which every card is right, but for some that examples name by their last digits."""

    def look_up(self, question: CardQuestion) -> CardReply | None:
        """Return what the examples need."""
        return _REPLIES.get(question.card[-10:], CardReply(code="000"))


_REPLIES: Final = MappingProxyType(
    {
        "0000000050": CardReply(code="050"),
        "0000000100": CardReply(code="100"),
        "0000000001": CardReply(code="000", registered_at="79999"),
        "0000000002": CardReply(code="000", sex="3"),
        "0000000003": CardReply(code="000", valid_from="20200101"),
        "0000000004": CardReply(code="000", five_years_on="20260801"),
        "0000000009": CardReply(code="001"),
    }
)
