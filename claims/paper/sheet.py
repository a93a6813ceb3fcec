"""The cost statement of one claim as values: who, when, what it cost and who pays, in the order of the form.

Rows of one item at one price are one line, as on the form; sums are of the rows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.views import group_figure, show_value
from claims.checking.values import is_blank, read_number

if TYPE_CHECKING:
    from claims.bundle.contents import ReadClaim, ReadRow, ReadTable

#: What is summed, in the order of the form's last columns: BV, BH, fund, co-payment, other sources, patient.
AMOUNTS: Final = ("THANH_TIEN_BV", "THANH_TIEN_BH", "T_BHTT", "T_BNCCT", "T_NGUONKHAC", "T_BNTT")
#: What XML1 says of the same.
DECLARED: Final = ("T_TONGCHI_BV", "T_TONGCHI_BH", "T_BHTT", "T_BNCCT", "T_NGUONKHAC", "T_BNTT")
#: MA_LOAI_KCB of those who stay.
_STAYING: Final = frozenset({"03", "04", "09"})
_ZERO: Final = Decimal(0)
_NO_AMOUNT: Final = Decimal("NaN")
#: Stands for what cannot be read.
UNREAD: Final = "?"


@dataclass(slots=True)
class Line:
    """One line: an item at one price, with what its rows add up to."""

    name: str
    unit: str
    price_hospital: str
    price_insured: str
    rate_service: str
    rate_insured: str
    quantity: Decimal = _ZERO
    amounts: list[Decimal] = field(default_factory=lambda: [_ZERO] * len(AMOUNTS))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the form with its lines and their sums."""

    title: str
    lines: tuple[Line, ...]
    amounts: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A cost statement.

    Attributes:
        is_inpatient: Whether it is the form of those who stay.
        person: The administrative part: a word's name and its value, in the order of the form.
        sections: The parts that have lines.
        totals: What all lines add up to.
        declared: What XML1 says of the same amounts; None where it says nothing.

    What stands in the place of an amount and is none is no amount (NaN), nor is any sum that it belongs to.
    """

    is_inpatient: bool
    person: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    totals: tuple[Decimal, ...]
    declared: tuple[Decimal | None, ...]


def read_sheet(claim: ReadClaim, language: str) -> Sheet:
    """Read the statement of a claim; prices and rates are shown as they are written."""
    summary_table = claim.find_table(TableKind.XML1)
    summary = summary_table.rows[0] if summary_table is not None and summary_table.rows else None
    sections = tuple(_sections(claim, language))
    return Sheet(
        is_inpatient=summary is not None and summary["MA_LOAI_KCB"] in _STAYING,
        person=()
        if summary_table is None or summary is None
        else _person(summary_table, summary, claim, language),
        sections=sections,
        totals=_sum([section.amounts for section in sections]),
        declared=tuple(None if summary is None else _amount(summary[name]) for name in DECLARED),
    )


def figure(amount: Decimal | None) -> str:
    """Return an amount as on a bill; empty for none, a question mark for what cannot be read."""
    if amount is None:
        return ""
    return UNREAD if amount.is_nan() else group_figure(f"{amount.normalize():f}")


def _amount(text: str) -> Decimal | None:
    number = read_number(text.strip())
    return number if number is not None or is_blank(text) else _NO_AMOUNT


_CARD_FROM, _CARD_UNTIL = "GT_THE_TU", "GT_THE_DEN"
#: The administrative part: the word, and the field of XML1 it is read from.
_PERSON: Final = (
    ("name", "HO_TEN"),
    ("born", "NGAY_SINH"),
    ("sex", "GIOI_TINH"),
    ("address", "DIA_CHI"),
    ("area", "MA_KHUVUC"),
    ("card", "MA_THE_BHYT"),
    ("card_valid", "GT_THE_TU"),
    ("registered", "MA_DKBD"),
    ("arrived", "NGAY_VAO"),
    ("admitted", "NGAY_VAO_NOI_TRU"),
    ("left", "NGAY_RA"),
    ("days", "SO_NGAY_DTRI"),
    ("outcome", "KET_QUA_DTRI"),
    ("category", "MA_DOITUONG_KCB"),
    ("sender", "MA_NOI_DI"),
    ("slip", "GIAY_CHUYEN_TUYEN"),
    ("diagnosis", "CHAN_DOAN_RV"),
    ("main_code", "MA_BENH_CHINH"),
    ("other_codes", "MA_BENH_KT"),
    ("five_years", "NAM_NAM_LIEN_TUC"),
    ("exempt", "NGAY_MIEN_CCT"),
)


def _person(table: ReadTable, row: ReadRow, claim: ReadClaim, language: str) -> tuple[tuple[str, str], ...]:
    fields = {} if table.schema is None else table.schema.field_by_name
    shown: list[tuple[str, str]] = []
    for word, name in _PERSON:
        cell = show_value(fields.get(name), row[name], on=claim.on, language=language)
        text = f"{cell.text} ({cell.meaning})" if cell.meaning else cell.text
        if name == _CARD_FROM and row[_CARD_UNTIL].strip():
            text += (
                " – "
                + show_value(fields.get(_CARD_UNTIL), row[_CARD_UNTIL], on=claim.on, language=language).text
            )
        if text.strip():
            shown.append((word, text))
    return tuple(shown)


def _sections(claim: ReadClaim, language: str) -> Iterator[Section]:
    places = _places()
    found: dict[int, dict[tuple[str, ...], Line]] = {}
    for row, name, price in _rows(claim):
        place = places.place_of(row)
        lines = found.setdefault(place, {})
        package = row["GOI_VTYT"].strip() if place == places.package else ""
        line = _line(row, f"{package}: {name}" if package else name, price)
        key = (
            line.name,
            line.unit,
            line.price_hospital,
            line.price_insured,
            line.rate_service,
            line.rate_insured,
        )
        line = lines.setdefault(key, line)
        line.quantity += _amount(row["SO_LUONG"]) or _ZERO
        for index, amount in enumerate(AMOUNTS):
            line.amounts[index] += _amount(row[amount]) or _ZERO
    for place in sorted(found):
        lines_of = tuple(found[place].values())
        yield Section(places.titles[place][language], lines_of, _sum([line.amounts for line in lines_of]))


def _rows(claim: ReadClaim) -> Iterator[tuple[ReadRow, str, str]]:
    """Return the billed rows with their name and the name of the field of the facility's price."""
    medicines, services = claim.find_table(TableKind.XML2), claim.find_table(TableKind.XML3)
    for row in () if medicines is None else medicines.rows:
        strength = row["HAM_LUONG"].strip()
        yield row, " ".join(filter(None, (row["TEN_THUOC"].strip(), strength))), "DON_GIA"
    for row in () if services is None else services.rows:
        yield row, row["TEN_DICH_VU"].strip() or row["TEN_VAT_TU"].strip(), "DON_GIA_BV"


def _line(row: ReadRow, name: str, price: str) -> Line:
    hospital = row[price]
    return Line(
        name=name or row["MA_DICH_VU"] or row["MA_VAT_TU"] or row["MA_THUOC"],
        unit=row["DON_VI_TINH"],
        price_hospital=group_figure(hospital),
        price_insured=group_figure(row["DON_GIA_BH"] or hospital),
        rate_service=group_figure(row["TYLE_TT_DV"]),
        rate_insured=group_figure(row["TYLE_TT_BH"]),
    )


def _sum(rows: Sequence[Sequence[Decimal]]) -> tuple[Decimal, ...]:
    return tuple(sum((row[index] for row in rows), _ZERO) for index in range(len(AMOUNTS)))


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each group stands on the form."""

    titles: tuple[Mapping[str, str], ...]
    by_group: Mapping[str, int]
    package: int
    rest: int

    def place_of(self, row: ReadRow) -> int:
        if row["GOI_VTYT"].strip() and row["MA_VAT_TU"].strip():
            return self.package
        return self.by_group.get(row["MA_NHOM"].strip(), self.rest)


@cache
def _places() -> _Places:
    text = (resources.files(__package__ or "") / "sections.toml").read_text(encoding="utf-8")
    sections = tomllib.loads(text)["sections"]
    return _Places(
        titles=tuple({"vi": one["vi"], "en": one["en"]} for one in sections),
        by_group={group: place for place, one in enumerate(sections) for group in one.get("groups", ())},
        package=next(place for place, one in enumerate(sections) if one.get("package")),
        rest=next(place for place, one in enumerate(sections) if one.get("rest")),
    )
