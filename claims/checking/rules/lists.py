"""Rules that ask the facility's own lists, on the day of the order.

A row of a list counts for a code while it is in force; where several are (strengths, tenders), any may fit,
but for prices: those of another product of the same code say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.servicecodes import is_done_elsewhere, plain_service_code
from claims.catalogues.items import DrugItem, Kind, ServiceItem, SupplyItem
from claims.checking.rules.lines import rows_of_own_code
from claims.checking.rules.rule import Hit, rule
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from claims.catalogues.items import Entry
    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_DRUG: Final = (TableKind.XML2, Kind.DRUG, "MA_THUOC")
_SERVICE: Final = (TableKind.XML3, Kind.SERVICE, "MA_DICH_VU")
_SUPPLY: Final = (TableKind.XML3, Kind.SUPPLY, "MA_VAT_TU")
#: Where practitioners stand, and the time at which they did it.
_PRACTITIONERS: Final = (
    (TableKind.XML1, "MA_TTDV", "NGAY_RA"),
    (TableKind.XML2, "MA_BAC_SI", "NGAY_YL"),
    (TableKind.XML3, "MA_BAC_SI", "NGAY_YL"),
    (TableKind.XML3, "NGUOI_THUC_HIEN", "NGAY_TH_YL"),
    (TableKind.XML4, "MA_BS_DOC_KQ", "NGAY_KQ"),
    (TableKind.XML5, "NGUOI_THUC_HIEN", "THOI_DIEM_DBLS"),
)
#: What tells products of one code apart: in a row, and in the list.
_PRODUCT: Final = (
    ("SO_DANG_KY", "registration"),
    ("TT_THAU", "tender"),
    ("HAM_LUONG", "strength"),
    ("MA_HIEU_SP", "model"),
)
_LONGEST_SHOWN: Final = 60


@rule("XML2.IN_CATALOGUE")
def find_unlisted_medicines(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine is on the facility's list."""
    return _unlisted(claim, known, *_DRUG)


@rule("XML2.CATALOGUE_EXPIRED")
def find_outdated_medicines(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine was on the list on the day of the order."""
    return _outdated(claim, known, *_DRUG)


@rule("XML2.CATALOGUE_STRENGTH")
def find_other_strengths(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine's strength is that of the list."""
    return _differing(claim, known, _DRUG, "HAM_LUONG", lambda item: _of_drug(item, "strength"))


@rule("XML2.CATALOGUE_REG_NO")
def find_other_registrations(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine's registration number is that of the list."""
    return _differing(claim, known, _DRUG, "SO_DANG_KY", lambda item: _of_drug(item, "registration"))


@rule("XML2.CATALOGUE_TENDER")
def find_other_tenders(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine's tender is that of the list."""
    return _differing(claim, known, _DRUG, "TT_THAU", lambda item: _of_drug(item, "tender"))


@rule("XML2.CATALOGUE_NAME")
def find_other_drug_names(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine's name is that of the list."""
    return _differing(claim, known, _DRUG, "TEN_THUOC", lambda item: item.name)


@rule("XML2.CATALOGUE_ROUTE")
def find_other_routes(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine's route is that of the list."""
    return _differing(claim, known, _DRUG, "DUONG_DUNG", lambda item: _of_drug(item, "route"))


@rule("XML2.PRICE")
def find_dear_medicines(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A medicine does not cost more than approved."""
    return _too_dear(claim, known, _DRUG, "DON_GIA")


@rule("XML3.SERVICE_IN_CATALOGUE")
def find_unlisted_services(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A service is on the facility's list."""
    return _unlisted(claim, known, *_SERVICE)


@rule("XML3.SERVICE_IN_FORCE")
def find_outdated_services(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A service was on the list on the day of the order."""
    return _outdated(claim, known, *_SERVICE)


@rule("XML3.SERVICE_NAME")
def find_other_service_names(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A service's name is that of the list."""
    return _differing(claim, known, _SERVICE, "TEN_DICH_VU", lambda item: item.name)


@rule("XML3.SERVICE_PRICE")
def find_dear_services(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The fund is not asked for more than the approved price of a service."""
    return _too_dear(claim, known, _SERVICE, "DON_GIA_BH")


@rule("XML3.SUPPLY_IN_CATALOGUE")
def find_unlisted_supplies(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A supply is on the facility's list."""
    return _unlisted(claim, known, *_SUPPLY)


@rule("XML3.SUPPLY_NAME")
def find_other_supply_names(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A supply's name is that of the list."""
    return _differing(claim, known, _SUPPLY, "TEN_VAT_TU", lambda item: item.name)


@rule("XML3.SUPPLY_PRICE")
def find_dear_supplies(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The fund is not asked for more than the approved price of a supply."""
    return _too_dear(claim, known, _SUPPLY, "DON_GIA_BH")


@rule("XML3.MACHINE_KNOWN")
def find_unknown_machines(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A machine is on the facility's list."""
    for row in claim.rows(TableKind.XML3):
        for code in row.items_of("MA_MAY"):
            if not _ever(known, Kind.MACHINE, code.partition("(")[0].strip()):
                yield Hit(row, "MA_MAY", (("code", code[:_LONGEST_SHOWN]),))
                break


@rule("XML1.MA_KHOA")
def find_unknown_departments(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """The departments of the summary are on the facility's list."""
    summary = claim.summary_row
    for code in () if summary is None else summary.items_of("MA_KHOA"):
        if not _ever(known, Kind.DEPARTMENT, code):
            yield Hit(summary, "MA_KHOA", (("code", code[:_LONGEST_SHOWN]),))
            break


@rule("STAFF.APPROVED")
def find_unapproved_practitioners(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Whoever ordered, did or read something is on the facility's list on that day."""
    for kind, field, time in _PRACTITIONERS:
        for row in claim.rows(kind):
            on = parse_day(row[time]) or claim.on
            people = row.items_of(field)
            if any(not _held(known, Kind.STAFF, person, on) for person in people):
                yield Hit(row, field)


def _unlisted(claim: CheckedClaim, known: Known, table: TableKind, kind: Kind, field: str) -> Iterator[Hit]:
    for row, code in _to_be_listed(claim, table, field):
        if not _ever(known, kind, code):
            yield Hit(row, field, (("code", code[:_LONGEST_SHOWN]),))


def _outdated(claim: CheckedClaim, known: Known, table: TableKind, kind: Kind, field: str) -> Iterator[Hit]:
    for row, code in _to_be_listed(claim, table, field):
        if _ever(known, kind, code) and not _held(known, kind, code, _day_of(row, claim)):
            yield Hit(row, field, (("code", code[:_LONGEST_SHOWN]),))


def _to_be_listed(claim: CheckedClaim, table: TableKind, field: str) -> Iterator[tuple[Row, str]]:
    """Return the rows of what must be on the list: not what the patient pays, or somebody else does."""
    for row in rows_of_own_code(claim, table, field):
        code = _code_of(row, field)
        if code and row["PHAM_VI"] != PATIENT_PAYS and not is_done_elsewhere(code):
            yield row, code


def _code_of(row: Row, field: str) -> str:
    """Return a code as the list has it."""
    return plain_service_code(row[field].strip()) if field == "MA_DICH_VU" else row[field].strip()


def _differing(
    claim: CheckedClaim,
    known: Known,
    where: tuple[TableKind, Kind, str],
    field: str,
    listed: Callable[[Entry], str],
) -> Iterator[Hit]:
    """Find values that are none of those that the list has for the row's code; where it has none, nothing."""
    table, kind, code_field = where
    for row in rows_of_own_code(claim, table, code_field):
        value = row[field]
        if not value.strip():
            continue  # a rule of its own says so
        entries = _held(known, kind, _code_of(row, code_field), _day_of(row, claim))
        values = [text for entry in entries if (text := listed(entry))]
        if values and all(_plain(text) != _plain(value) for text in values):
            yield Hit(row, field, (("listed", " | ".join(dict.fromkeys(values))[:_LONGEST_SHOWN]),))


def _too_dear(
    claim: CheckedClaim, known: Known, where: tuple[TableKind, Kind, str], field: str
) -> Iterator[Hit]:
    table, kind, code_field = where
    for row in rows_of_own_code(claim, table, code_field):
        given = row.number_of(field)
        entries = _of_product(row, _held(known, kind, _code_of(row, code_field), _day_of(row, claim)))
        prices = [price for entry in entries if (price := _price_of(entry)) is not None]
        if given is not None and prices and given > max(prices):
            yield Hit(row, field, (("given", f"{given:f}"), ("most", f"{max(prices):f}")))


def _of_product(row: Row, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Leave the rows of the list that are of the row's own product, as far as any says what the row says."""
    for field, name in _PRODUCT:
        value = _plain(row[field])
        if value and len(entries) > 1:
            entries = [one for one in entries if _plain(getattr(one, name, "")) == value] or entries
    return entries


def _ever(known: Known, kind: Kind, code: str) -> Sequence[Entry]:
    return () if known.catalogue is None else known.catalogue.items_ever(kind, code)


def _held(known: Known, kind: Kind, code: str, on: date) -> Sequence[Entry]:
    return () if known.catalogue is None else known.catalogue.find_items(kind, code, on)


def _day_of(row: Row, claim: CheckedClaim) -> date:
    return parse_day(row["NGAY_YL"]) or claim.on


def _price_of(entry: Entry) -> Decimal | None:
    if isinstance(entry, ServiceItem | SupplyItem):
        return entry.price if entry.insured_price is None else entry.insured_price
    return entry.price if isinstance(entry, DrugItem) else None


def _of_drug(entry: Entry, name: str) -> str:
    return str(getattr(entry, name)) if isinstance(entry, DrugItem) else ""


def _plain(text: str) -> str:
    """Return a text as it is compared: letters' case and blanks do not count."""
    return "".join(text.casefold().split())
