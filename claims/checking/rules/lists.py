"""Rules that ask the facility's own lists, on the day of the order.

A row of a list counts for a code while it is in force; where several are (strengths, tenders), any may fit,
but for prices: those of another product of the same code say nothing.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial, wraps
from itertools import islice, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from claims.bundle.kinds import TableKind
from claims.bundle.money.lines import PATIENT_PAYS
from claims.bundle.servicecodes import is_done_elsewhere, plain_service_code
from claims.catalogues.items import DrugItem, Kind, ServiceItem, SupplyItem
from claims.checking.rules.lines import is_of_own_code
from claims.checking.rules.rule import Hit, rule
from claims.checking.tables import Row
from claims.checking.values import is_blank, split_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from claims.catalogues.catalogue import Catalogue
    from claims.catalogues.items import Entry
    from claims.checking.known import Known
    from claims.checking.rules.rule import Check
    from claims.checking.tables import CheckedClaim

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
#: What the rules of a line read of it, by table: they see nothing else, so lines alike in it are judged once.
_READ: Final[Mapping[TableKind, tuple[str, ...]]] = MappingProxyType(
    {
        TableKind.XML2: (
            *("MA_THUOC", "TEN_THUOC", "HAM_LUONG", "DUONG_DUNG", "SO_DANG_KY", "TT_THAU"),
            *("DON_GIA", "PHAM_VI"),
        ),
        TableKind.XML3: (
            *("MA_DICH_VU", "TEN_DICH_VU", "MA_VAT_TU", "TEN_VAT_TU", "TT_THAU", "MA_HIEU_SP"),
            *("DON_GIA_BH", "PHAM_VI"),
        ),
    }
)
_MOST_LINES: Final = 2048  # that were found to be as the list has them are remembered, of each table
_LONGEST_READ: Final = 200  # what has a longer value is judged each time
_LONGEST_SHOWN: Final = 60


class _Line(NamedTuple):
    """A row of something that a list has, with the list."""

    row: Row
    catalogue: Catalogue
    kind: Kind
    field: str
    on: date

    @property
    def code(self) -> str:
        """The code as the list has it."""
        code = self.row[self.field].strip()
        return plain_service_code(code) if self.field == "MA_DICH_VU" else code

    @property
    def ever(self) -> Sequence[Entry]:
        """The rows of the list with the code, whenever they hold."""
        return self.catalogue.items_ever(self.kind, self.code)

    @property
    def held(self) -> Sequence[Entry]:
        """The rows of the list with the code that hold on the day of the order."""
        return self.catalogue.find_items(self.kind, self.code, self.on)


_Place: TypeAlias = tuple[TableKind, Kind, str]
_Judge: TypeAlias = "Callable[[_Line], Hit | None]"
_judges: Final[list[tuple[_Place, _Judge]]] = []
#: Lines that every rule found to be as the list has them, by table: the list, the day, and what was read.
_quiet: Final[defaultdict[TableKind, set[tuple[object, ...]]]] = defaultdict(set)


def _of_each(place: _Place) -> Callable[[_Judge], Check]:
    """Make a rule of a table's lines from what judges one of them.

    All rules of a table look at its lines together, and each only at those that one of them finds fault with:
    there are hardly any.
    """

    def make(judge: _Judge) -> Check:
        _judges.append((place, judge))

        @wraps(judge)
        def find(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
            for line in _odd_lines(claim, known, place):
                hit = judge(line)
                if hit is not None:
                    yield hit

        return find

    return make


def _odd_lines(claim: CheckedClaim, known: Known, place: _Place) -> Iterator[_Line]:
    table, kind, field = place
    if known.catalogue is not None:
        for at in claim.once((_odd_lines, table), partial(_find_odd, claim, known.catalogue, table)):
            row = claim.row(table, at)
            if is_of_own_code(row, field):
                yield _Line(row, known.catalogue, kind, field, claim.days(table, "NGAY_YL")[at])


def _find_odd(claim: CheckedClaim, catalogue: Catalogue, table: TableKind) -> Sequence[int]:
    """Return the places of the rows with which some rule of the table finds fault."""
    columns = (claim.column(table, field) for field in _READ[table])
    lines = list(zip(repeat(catalogue), claim.days(table, "NGAY_YL"), *columns, strict=False))
    unknown = set(lines) - _quiet[table]
    odd = {line for line in unknown if _is_odd(table, *line)}
    if len(_quiet[table]) + len(unknown) > _MOST_LINES:
        _quiet[table].clear()
    short = (line for line in unknown - odd if max(map(len, line[2:])) <= _LONGEST_READ)
    _quiet[table].update(islice(short, _MOST_LINES))
    return [at for at, line in enumerate(lines) if line in odd] if odd else ()


def _is_odd(table: TableKind, catalogue: Catalogue, on: date, *values: str) -> bool:
    row = Row(table, 1, None, dict(zip(_READ[table], values, strict=True)))
    return any(
        judge(_Line(row, catalogue, kind, field, on)) is not None
        for (of, kind, field), judge in _judges
        if of is table and catalogue.has_list(kind) and is_of_own_code(row, field)
    )


@rule("XML2.IN_CATALOGUE")
@_of_each(_DRUG)
def find_unlisted_medicines(line: _Line) -> Hit | None:
    """A medicine is on the facility's list."""
    return _unlisted(line)


@rule("XML2.CATALOGUE_EXPIRED")
@_of_each(_DRUG)
def find_outdated_medicines(line: _Line) -> Hit | None:
    """A medicine was on the list on the day of the order."""
    return _outdated(line)


@rule("XML2.CATALOGUE_STRENGTH")
@_of_each(_DRUG)
def find_other_strengths(line: _Line) -> Hit | None:
    """A medicine's strength is that of the list."""
    return _differing(line, "HAM_LUONG", "strength")


@rule("XML2.CATALOGUE_REG_NO")
@_of_each(_DRUG)
def find_other_registrations(line: _Line) -> Hit | None:
    """A medicine's registration number is that of the list."""
    return _differing(line, "SO_DANG_KY", "registration")


@rule("XML2.CATALOGUE_TENDER")
@_of_each(_DRUG)
def find_other_tenders(line: _Line) -> Hit | None:
    """A medicine's tender is that of the list."""
    return _differing(line, "TT_THAU", "tender")


@rule("XML2.CATALOGUE_NAME")
@_of_each(_DRUG)
def find_other_drug_names(line: _Line) -> Hit | None:
    """A medicine's name is that of the list."""
    return _differing(line, "TEN_THUOC", "name")


@rule("XML2.CATALOGUE_ROUTE")
@_of_each(_DRUG)
def find_other_routes(line: _Line) -> Hit | None:
    """A medicine's route is that of the list."""
    return _differing(line, "DUONG_DUNG", "route")


@rule("XML2.PRICE")
@_of_each(_DRUG)
def find_dear_medicines(line: _Line) -> Hit | None:
    """A medicine does not cost more than approved."""
    return _too_dear(line, "DON_GIA")


@rule("XML3.SERVICE_IN_CATALOGUE")
@_of_each(_SERVICE)
def find_unlisted_services(line: _Line) -> Hit | None:
    """A service is on the facility's list."""
    return _unlisted(line)


@rule("XML3.SERVICE_IN_FORCE")
@_of_each(_SERVICE)
def find_outdated_services(line: _Line) -> Hit | None:
    """A service was on the list on the day of the order."""
    return _outdated(line)


@rule("XML3.SERVICE_NAME")
@_of_each(_SERVICE)
def find_other_service_names(line: _Line) -> Hit | None:
    """A service's name is that of the list."""
    return _differing(line, "TEN_DICH_VU", "name")


@rule("XML3.SERVICE_PRICE")
@_of_each(_SERVICE)
def find_dear_services(line: _Line) -> Hit | None:
    """The fund is not asked for more than the approved price of a service."""
    return _too_dear(line, "DON_GIA_BH")


@rule("XML3.SUPPLY_IN_CATALOGUE")
@_of_each(_SUPPLY)
def find_unlisted_supplies(line: _Line) -> Hit | None:
    """A supply is on the facility's list."""
    return _unlisted(line)


@rule("XML3.SUPPLY_NAME")
@_of_each(_SUPPLY)
def find_other_supply_names(line: _Line) -> Hit | None:
    """A supply's name is that of the list."""
    return _differing(line, "TEN_VAT_TU", "name")


@rule("XML3.SUPPLY_PRICE")
@_of_each(_SUPPLY)
def find_dear_supplies(line: _Line) -> Hit | None:
    """The fund is not asked for more than the approved price of a supply."""
    return _too_dear(line, "DON_GIA_BH")


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
        acts = list(zip(claim.column(kind, field), claim.days(kind, time), strict=True))
        wrong = {
            (people, on)
            for people, on in set(acts)
            if not all(_held(known, Kind.STAFF, person, on) for person in split_items(people))
        }
        yield from (Hit(claim.row(kind, at), field) for at, act in enumerate(acts) if act in wrong)


def _unlisted(line: _Line) -> Hit | None:
    if _is_to_be_listed(line) and not line.ever:
        return Hit(line.row, line.field, (("code", line.code[:_LONGEST_SHOWN]),))
    return None


def _outdated(line: _Line) -> Hit | None:
    if _is_to_be_listed(line) and line.ever and not line.held:
        return Hit(line.row, line.field, (("code", line.code[:_LONGEST_SHOWN]),))
    return None


def _is_to_be_listed(line: _Line) -> bool:
    """Whether something must be on the list: not what the patient pays, or somebody else does."""
    return bool(line.code) and line.row["PHAM_VI"] != PATIENT_PAYS and not is_done_elsewhere(line.code)


def _differing(line: _Line, field: str, listed: str) -> Hit | None:
    """Find a value that is none of those that the list has for the row's code; where it has none, nothing."""
    value = line.row[field]
    if is_blank(value):
        return None  # a rule of its own says so
    values = [text for entry in line.held if (text := getattr(entry, listed, ""))]
    if not values or any(_plain(text) == _plain(value) for text in values):
        return None
    return Hit(line.row, field, (("listed", " | ".join(dict.fromkeys(values))[:_LONGEST_SHOWN]),))


def _too_dear(line: _Line, field: str) -> Hit | None:
    given = line.row.number_of(field)
    entries = _of_product(line.row, line.held)
    prices = [price for entry in entries if (price := _price_of(entry)) is not None]
    if given is None or not prices or given <= max(prices):
        return None
    return Hit(line.row, field, (("given", f"{given:f}"), ("most", f"{max(prices):f}")))


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


def _price_of(entry: Entry) -> Decimal | None:
    if isinstance(entry, ServiceItem | SupplyItem):
        return entry.price if entry.insured_price is None else entry.insured_price
    return entry.price if isinstance(entry, DrugItem) else None


def _plain(text: str) -> str:
    """Return a text as it is compared: letters' case and blanks do not count."""
    return "".join(text.casefold().split())
