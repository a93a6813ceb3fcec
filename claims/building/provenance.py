"""Where each field of a built row came from: an item of the encounter, a catalogue, or a formula.

Nothing is worked out again here: what a claim rests on is kept in its `Basis`, and this says which of
it a field was made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from claims.building.claim import BuiltClaim
from claims.building.extras import is_compared, item_number, passed_through, pointer_of
from claims.building.places import pointer_to
from claims.building.rows import Row
from claims.building.settling import Settled
from claims.building.terminology import Lookup
from claims.bundle.kinds import TableKind
from claims.bundle.money import FundTotal, Ground, PriceGround, ServiceAmount, SourceOrder, Support
from claims.emr.encounter import Medication, Service
from claims.emr.scalars import plain


@dataclass(frozen=True, slots=True)
class FromItems:
    """Values of the encounter, some perhaps found in a catalogue; ``is_missing`` where nobody gave any."""

    pointers: tuple[str, ...]
    lookups: tuple[Lookup, ...] = ()
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class FromField:
    """A value copied from another table of the claim."""

    table: TableKind
    field: str


@dataclass(frozen=True, slots=True)
class Computed:
    """A value worked out by a formula (its id) from inputs by name, or from a field of other rows.

    Attributes:
        formula: The id of the formula.
        inputs: Values by name: fields of the row, settings and facts of the claim.
        summed: The field that is added up.
        rows: Pointers of the items whose rows are added up.
    """

    formula: str
    inputs: Mapping[str, str]
    summed: str = ""
    rows: tuple[str, ...] = ()


Provenance = FromItems | FromField | Computed

_SHARES: Final = frozenset({"T_BNTT", "T_BNCCT", "T_BHTT"})
_AMOUNTS: Final = frozenset({"THANH_TIEN_BV", "THANH_TIEN_BH"})
_OTHER_SOURCES: Final = tuple(f"T_NGUONKHAC_{name}" for name in ("NSNN", "VTNN", "VTTN", "CL"))
_STAY: Final = ("MA_LOAI_KCB", "NGAY_VAO", "NGAY_RA", "MA_LOAI_RV", "KET_QUA_DTRI")
_SUMMED: Final = {
    "T_THUOC": "THANH_TIEN_BV",
    "T_VTYT": "THANH_TIEN_BV",
    "T_TONGCHI_BV": "THANH_TIEN_BV",
    "T_TONGCHI_BH": "THANH_TIEN_BH",
    "T_BNTT": "T_BNTT",
    "T_BNCCT": "T_BNCCT",
    "T_BHTT": "T_BHTT",
    "T_NGUONKHAC": "T_NGUONKHAC",
    "T_BHTT_GDV": "T_BHTT",
}
# The encounter document's own words where its attributes go by another name.
_KEYS: Final = {"valid_from": "from", "valid_to": "to"}


class Origins:
    """Answers where the fields of one claim came from."""

    def __init__(self, claim: BuiltClaim) -> None:
        self._claim = claim
        self._basis = claim.basis
        self._encounter = claim.basis.resolved.encounter
        self._summary = claim.tables[TableKind.XML1][0].fields
        self._settled = {row.charge.source: row for row in claim.basis.settlement.rows}
        self._given = passed_through(self._encounter.extra)
        self._lookups = _by_place(claim.basis.resolved.lookups)
        self._summed = self._rows_of_totals()

    def of(self, kind: TableKind, row: Row, name: str) -> Provenance:
        """Say where one field of one row came from."""
        if (given := self._given.get(kind)) and not is_compared(name):
            number = item_number(row)
            if name in given.get(number, ()):
                return FromItems((f"{pointer_of(kind, number)}/{name}",))
        if name in {"MA_LK", "STT"}:
            return self._link_id() if name == "MA_LK" else Computed("key.STT", {})
        if kind is TableKind.XML1:
            return self._of_summary(row, name)
        if kind in {TableKind.XML2, TableKind.XML3}:
            return self._of_charge(self._settled[row.source], kind, row, name)
        if kind in {TableKind.XML4, TableKind.XML5}:
            is_ordered = kind is TableKind.XML4 and name == "MA_DICH_VU"
            return self._service_of_result(row) if is_ordered else self._copied(kind, row, name)
        return self._of_paper(row, name)

    def _link_id(self) -> Provenance:
        visit = self._encounter.encounter
        if visit.link_id:
            return FromItems(("/encounter/link_id",))
        named = {"origin": visit.origin[0]} if visit.origin else {"record_no": visit.record_no}
        return Computed(
            "key.MA_LK", {"facility": self._encounter.facility, "admitted": visit.admitted, **named}
        )

    def _copied(self, kind: TableKind, row: Row, name: str) -> FromItems:
        pointer = pointer_to(kind, row, name)
        if not pointer.startswith("/coverage/"):
            return self._from(pointer)
        key = pointer.rpartition("/")[2]
        several = range(len(self._encounter.coverage))
        return self._from(*(f"/coverage/{index}/{_KEYS.get(key, key)}" for index in several))

    def _from(self, *pointers: str) -> FromItems:
        lookups = tuple(lookup for pointer in pointers for lookup in self._lookups.get(pointer, ()))
        return FromItems(pointers, lookups)

    # --- XML1 ------------------------------------------------------------------------------

    def _of_summary(self, row: Row, name: str) -> Provenance:
        visit = self._encounter.encounter
        if name in _SUMMED:
            return self._total(name)
        if name == "SO_NGAY_DTRI":
            counting = {"day_counting": self._basis.rules.day_counting.value}
            return Computed("visit.SO_NGAY_DTRI", {**_some(row.fields, _STAY), **counting})
        if name in {"NAM_QT", "THANG_QT"}:
            return Computed("visit.month", _some(row.fields, ("NGAY_TTOAN" if visit.paid else "NGAY_RA",)))
        if name == "MA_DOITUONG_KCB" and not visit.case and visit.emergency:
            return Computed("visit.emergency", {"emergency": "true"})
        return self._copied(TableKind.XML1, row, name)

    def _total(self, name: str) -> Computed:
        rules = self._basis.rules
        by_scope = rules.settings.fund_total.on(rules.on) is FundTotal.SCOPE_LESS_COPAYMENT
        if name == "T_BHTT" and by_scope:
            return Computed("total.scope-less-copayment", _some(self._summary, ("T_TONGCHI_BH", "T_BNCCT")))
        return Computed("total.sum", {}, _SUMMED[name], self._summed[name])

    def _rows_of_totals(self) -> Mapping[str, tuple[str, ...]]:
        entitlement, ma_pttt = self._basis.entitlement, self._encounter.encounter.payment_method
        billed = [
            (row.charge.source, row.billed(entitlement, ma_pttt)) for row in self._basis.settlement.rows
        ]
        chosen = {
            "T_THUOC": tuple(source for source, row in billed if row.is_medicine),
            "T_VTYT": tuple(source for source, row in billed if row.is_supply),
            "T_BHTT_GDV": tuple(source for source, row in billed if row.counts_in_gdv),
        }
        every = tuple(source for source, _ in billed)
        return {total: chosen.get(total, every) for total in _SUMMED}

    # --- XML2, XML3 ------------------------------------------------------------------------

    def _of_charge(self, settled: Settled, kind: TableKind, row: Row, name: str) -> Provenance:
        if name in _SHARES:
            return self._share(settled, row, name)
        if name in _AMOUNTS:
            return self._amount(settled, kind, row, name)
        if name == "T_NGUONKHAC":
            return Computed("row.T_NGUONKHAC", _some(row.fields, _OTHER_SOURCES))
        if name == "MUC_HUONG":
            return self._percent(settled)
        if name in {"DON_GIA_BV", "DON_GIA_BH"}:
            return self._price(settled, kind, row, name)
        return self._from_charged(settled, kind, row, name)

    def _from_charged(self, settled: Settled, kind: TableKind, row: Row, name: str) -> Provenance:
        """Say what was copied from the item, or what its row has instead of what it does not say."""
        item = self._charged(settled)
        found: Provenance = self._copied(kind, row, name)
        match name:
            case "MA_NHOM" if not item.group:
                found = self._group(item, row)
            case "TYLE_TT_BH" if not settled.charge.is_in_scope:
                found = Computed("rate.outside-scope", _some(row.fields, ("PHAM_VI",)))
            case "TYLE_TT_BH" if item.pay_percent is None:
                found = Computed("rate.default", {})
            case "MA_KHOA" if not item.department:
                found = self._from("/encounter/departments")
            case "MA_BENH" if isinstance(item, Service) and not item.diagnosis:
                found = self._from("/diagnoses/main")
            case "MA_PTTT":
                found = self._from("/encounter/payment_method")
            case "DON_GIA" | "SO_LUONG":
                is_missing = getattr(item, "price" if name == "DON_GIA" else "quantity") is None
                found = replace(self._copied(kind, row, name), is_missing=is_missing)
            case _:
                pass
        return found

    def _charged(self, settled: Settled) -> Medication | Service:
        index = int(settled.charge.source.rpartition("/")[2])
        if settled.charge.is_medicine:
            return self._encounter.medications[index]
        return self._encounter.services[index]

    def _group(self, item: Medication | Service, row: Row) -> Computed:
        rate = _some(row.fields, ("TYLE_TT_BH", "PHAM_VI"))
        if isinstance(item, Medication):
            return Computed("group.medicine", rate)
        kind = {"kind": item.kind.value, "MA_LOAI_KCB": self._encounter.encounter.visit_type}
        return Computed("group.service", {**kind, **rate})

    def _price(self, settled: Settled, kind: TableKind, row: Row, name: str) -> Provenance:
        prices = settled.charge.prices
        is_hospital = name == "DON_GIA_BV"
        ground = PriceGround.GIVEN
        if prices is not None:
            ground = prices.bv_ground if is_hospital else prices.bh_ground
        if ground is not PriceGround.GIVEN:
            names = ("MA_DICH_VU", "PHAM_VI", "T_TRANTT", "DON_GIA_BH" if is_hospital else "DON_GIA_BV")
            return Computed(f"price.{ground}", _some(row.fields, names))
        item = self._charged(settled)
        given = getattr(item, "hospital_price" if is_hospital else "insured_price")
        return replace(self._copied(kind, row, name), is_missing=given is None)

    def _amount(self, settled: Settled, kind: TableKind, row: Row, name: str) -> Computed:
        rules, is_insured = self._basis.rules, name == "THANH_TIEN_BH"
        helps_facility = rules.settings.support.on(rules.on) is Support.FACILITY
        if is_insured and helps_facility and settled.split.t_nguonkhac:
            return Computed("support.THANH_TIEN_BH", _some(row.fields, ("THANH_TIEN_BV", "T_NGUONKHAC")))
        if kind is TableKind.XML2:
            names = ("SO_LUONG", "DON_GIA", *(("TYLE_TT_BH",) if is_insured else ()))
            return Computed(f"xml2.{name}", _some(row.fields, names))
        way = rules.service_amount
        if is_insured and way is ServiceAmount.DIFFERENCE_WAIVED:
            way = ServiceAmount.WITH_RATE  # what is waived is no part of the insured amount
        names = ("SO_LUONG", "DON_GIA_BV", "DON_GIA_BH", "TYLE_TT_DV", "TYLE_TT_BH")
        return Computed(f"xml3.{name}.{way}", _some(row.fields, names))

    def _percent(self, settled: Settled) -> Computed:
        grant, rules, entitlement = settled.grant, self._basis.rules, self._basis.entitlement
        inputs = {"NGAY_YL": settled.charge.ordered, "MA_DOITUONG_KCB": entitlement.case}
        if grant.card is not None:
            percent = entitlement.card_percent(self._encounter.coverage[grant.card], settled.charge.ordered)
            inputs |= {"card": f"/coverage/{grant.card}", "card_percent": plain(percent)}
            inputs["factor"] = plain(entitlement.factor)
        match grant.granted.ground:
            case Ground.CHEAP_VISIT | Ground.CHEAP_VISIT_OFF_ROUTE:
                inputs["T_TONGCHI_BH"] = self._summary["T_TONGCHI_BH"]
                inputs["cheap_visit_below"] = plain(rules.cheap_visit_below)
            case Ground.OTHER_SUPPLIER:
                inputs["NGUON_CTRA"] = settled.charge.nguon_ctra
            case Ground.COPAYMENT_EXEMPT:
                inputs["NGAY_MIEN_CCT"] = self._summary.get("NGAY_MIEN_CCT", "")
            case _:
                pass
        return Computed(f"benefit.{grant.granted.ground}", inputs)

    def _share(self, settled: Settled, row: Row, name: str) -> Computed:
        inputs = _some(row.fields, ("THANH_TIEN_BV", "THANH_TIEN_BH", "MUC_HUONG", "T_NGUONKHAC"))
        before = getattr(settled.before_ceiling, name.lower())
        if before != getattr(settled.split, name.lower()):
            ceiling = plain(self._basis.rules.package_ceiling)
            package = {
                "GOI_VTYT": settled.charge.package,
                "ceiling": ceiling,
                "without_ceiling": plain(before),
            }
            return Computed("row.package-ceiling", {**inputs, **package})
        if settled.order is SourceOrder.COPAYMENT_FIRST and settled.split.t_nguonkhac:
            return Computed("row.copayment-first", inputs)
        return Computed(f"row.{name}", inputs)

    # --- the others ------------------------------------------------------------------------

    def _service_of_result(self, row: Row) -> FromItems:
        result = self._encounter.results[int(row.source.rpartition("/")[2])]
        if result.order_id:
            # Of several services with one order the last counts, as when the row was made.
            for index in reversed(range(len(self._encounter.services))):
                if self._encounter.services[index].order_id == result.order_id:
                    return self._from(f"/services/{index}/code")
        return self._from(f"{row.source}/service")

    def _of_paper(self, row: Row, name: str) -> Provenance:
        """A field of a paper is XML1's where XML1 has the same value under the same name."""
        if (value := row.fields[name]) and value == self._summary.get(name):
            return FromField(TableKind.XML1, name)
        return FromItems((row.source,))


def _by_place(lookups: Sequence[Lookup]) -> Mapping[str, tuple[Lookup, ...]]:
    """Group what catalogues gave by pointer; parts of a list (``performers/0``) belong to the list."""
    places: dict[str, tuple[Lookup, ...]] = {}
    for lookup in lookups:
        parent, _, last = lookup.pointer.rpartition("/")
        place = parent if last.isdigit() else lookup.pointer
        places[place] = (*places.get(place, ()), lookup)
    return places


def _some(fields: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: fields[name] for name in names if fields.get(name)}
