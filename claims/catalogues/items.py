"""What the rows of a catalogue say, as typed values; each remembers the file and row it came from."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from claims.catalogues.schedules import Period, Shift


class Kind(StrEnum):
    """What a code stands for; a concept map is named after it."""

    DRUG = "drug"
    SERVICE = "service"
    SUPPLY = "supply"
    LAB_INDEX = "lab_index"
    STAFF = "staff"
    DEPARTMENT = "department"
    BED = "bed"
    MACHINE = "machine"
    CARD = "card"
    LIMIT = "limit"
    PAIR = "pair"
    DIAGNOSIS = "diagnosis"
    TRADITIONAL = "traditional"
    FACILITY = "facility"
    PROVINCE = "province"
    COMMUNE = "commune"
    COUNTRY = "country"
    PEOPLE = "people"
    CONTRACT = "contract"
    ROUTE = "route"
    UNIT = "unit"
    FORM = "form"
    VISIT_TYPE = "visit_type"
    CASE = "case"
    OUTCOME = "outcome"
    DISCHARGE_TYPE = "discharge_type"
    ACCIDENT = "accident"
    ANESTHESIA = "anesthesia"
    SITE = "site"
    PAYMENT_METHOD = "payment_method"
    SCOPE = "scope"
    SOURCE = "source"
    AREA = "area"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class SourceCode:
    """A code as a source system gives it; ``system`` is empty when it does not say which one it is."""

    system: str
    code: str

    def __str__(self) -> str:
        return f"{self.system}|{self.code}" if self.system else self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a list or map: a national code with the facility's own code for it.

    Attributes:
        code: The national code; empty where the portal has not issued one yet.
        local_code: The facility's own code, or the source code of a map; empty when there is none.
        local_system: The system of that code; empty: any of the facility's own systems.
        valid_from: The first day on which the row holds; None: since ever.
        valid_to: The last such day; None: still in force.
        approved: Whether the insurer's portal has approved the item.
        file: The file, with the sheet of a workbook after ``#``.
        row: The row in it, from 1, the header counted.
    """

    code: str = ""
    name: str = ""
    local_code: str = ""
    local_system: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    approved: bool = True
    file: str = ""
    row: int = 0

    def is_in_force(self, on: date) -> bool:
        """Whether the row holds on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugItem(Entry):
    """A medicine or blood product that the facility may claim; prices in đồng per unit.

    Attributes:
        contrast: Whether it is a contrast medium.
        most_days: For how many days it may be prescribed at once, as of narcotics; None: not said.
        hospital_classes: The classes of hospital that may use it; empty: any.
        left: How much of what was purchased or transferred is left; None: not said.
    """

    unit: str = ""
    strength: str = ""
    form: str = ""
    route: str = ""
    registration: str = ""
    tender: str = ""
    group: str = ""
    price: Decimal | None = None
    pay_percent: Decimal | None = None
    contrast: bool | None = None
    most_days: Decimal | None = None
    hospital_classes: tuple[str, ...] = ()
    left: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceItem(Entry):
    """A service that the facility may claim; prices in đồng.

    Attributes:
        contrast: Whether it is done with a contrast medium, which is billed beside it.
        biopsy: Whether tissue is taken.
        histology: Whether tissue is looked at.
    """

    unit: str = ""
    group: str = ""
    price: Decimal | None = None
    hospital_price: Decimal | None = None
    insured_price: Decimal | None = None
    pay_percent: Decimal | None = None
    contrast: bool | None = None
    biopsy: bool | None = None
    histology: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyItem(Entry):
    """A supply that the facility may claim; prices and ceiling in đồng per unit."""

    unit: str = ""
    model: str = ""
    tender: str = ""
    group: str = ""
    price: Decimal | None = None
    insured_price: Decimal | None = None
    ceiling: Decimal | None = None
    pay_percent: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabIndexItem(Entry):
    """An index of a laboratory service."""

    unit: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffItem(Entry):
    """A practitioner; ``code`` is what a claim says, the other numbers only find the row.

    Attributes:
        licence_from: The first day of the practice licence; None: not said.
        licence_to: Its last day; None: not said, or without end.
        withdrawn_on: The day from which the licence is withdrawn; None: it is not.
        scope: What the codes of the services within the scope of practice begin with; empty: not said.
        exam_departments: The departments in whose specialties the practitioner examines; empty: not said.
        working_hours: The shifts of a week; empty: not said.
        leave: Days off duty.
    """

    social_insurance_no: str = ""
    national_id: str = ""
    licence_from: date | None = None
    licence_to: date | None = None
    withdrawn_on: date | None = None
    scope: tuple[str, ...] = ()
    exam_departments: tuple[str, ...] = ()
    working_hours: tuple[Shift, ...] = ()
    leave: tuple[Period, ...] = ()

    def is_licensed(self, on: date) -> bool:
        """Whether nothing here says that the licence does not hold on a day."""
        return not (
            (self.licence_from is not None and on < self.licence_from)
            or (self.licence_to is not None and on > self.licence_to)
            or (self.withdrawn_on is not None and on >= self.withdrawn_on)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentItem(Entry):
    """A department; ``bed_services`` is what the codes of its bed services begin with, empty: not said."""

    bed_services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisItem(Entry):
    """A code of ICD-10 with what Circular 06/2026 says of it; None or empty: nothing.

    Attributes:
        not_main: It is no main diagnosis (asterisk codes and others).
        has_more_specific: There are codes below it, one of which is to be used.
        death_only: It is a cause of death alone.
        discouraged: It says little, and another is to be preferred.
        sex: GIOI_TINH of those who alone can have it.
        goes_with: What the code (of dagger or asterisk) goes with: what one of the claim's codes begins with.
        long_supply: Whether medicines for more than thirty days may be prescribed.
        long_referral: Whether a referral holds for a year.
    """

    not_main: bool | None = None
    has_more_specific: bool | None = None
    death_only: bool | None = None
    discouraged: bool | None = None
    sex: str = ""
    goes_with: tuple[str, ...] = ()
    long_supply: bool | None = None
    long_referral: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraditionalItem(Entry):
    """A code of traditional medicine; ``icd`` is what the codes of ICD-10 that it stands for begin with."""

    icd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityItem(Entry):
    """A facility; ``hospital_class`` is its class or level as the list of medicines says it."""

    hospital_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractItem(Entry):
    """A contract with the insurer: ``code`` is the facility, the validity is the contract's own.

    Attributes:
        hours: When the facility is open by it; empty: not said.
    """

    hours: tuple[Shift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitItem(Entry):
    """For whom a service or a medicine is paid, and how often; what is empty limits nothing.

    Attributes:
        sex: GIOI_TINH of those whom it is for.
        age_from: Their least age in full years.
        age_to: Their greatest age in full years.
        diagnoses: What one of the claim's diagnoses begins with.
        not_with: What none of them begins with.
        per_day: How much of it on a day, at most; of a medicine, by its dose.
        not_inpatient: Whether it is not paid by itself for who stays.
        interval_days: How many days lie between one time and the next for one person, at least.
    """

    sex: str = ""
    age_from: Decimal | None = None
    age_to: Decimal | None = None
    diagnoses: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()
    per_day: Decimal | None = None
    not_inpatient: bool | None = None
    interval_days: Decimal | None = None


class Relation(StrEnum):
    """What two codes have to do with each other."""

    INCLUDED = "included"  # the service is part of the other one
    IN_PRICE = "in-price"  # the medicine is in the price of the other, a service
    INTERACTS = "interacts"  # the medicine and the other one do each other harm
    SAME = "same"  # the medicine does what the other one does: one of them is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class PairItem(Entry):
    """Two codes that do not go together; ``other`` is the second, ``relation`` is a `Relation`."""

    other: str = ""
    relation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAnswer(Entry):
    """What the card look-up answered; ``code`` is the card number, the validity is the card's own."""

    percent: Decimal | None = None
    registered_at: str = ""
    area: str = ""
    five_years_from: date | None = None
    copay_exempt_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapEntry(Entry):
    """A row of a concept map: ``local_system`` and ``local_code`` stand for ``code``."""

    service: str = ""
    decree: str = ""
    note: str = ""
