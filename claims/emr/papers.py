"""The papers issued at the end of a visit, each with only what the visit itself cannot give.

Everything else on a paper (person, cards, times, diagnoses) is copied when its table is built. Any
value may be absent: what the Decision demands is judged where the table is built.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, Field, with_config

from claims.emr.items import STRICT, Codings, Origin, Sex
from claims.emr.scalars import (
    Amount,
    Code,
    Count,
    DayField,
    FacilityCode,
    Flag,
    OptionalText,
    TimeField,
)


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Days of rest, the first and the last included; of the three values one may be left out."""

    days: Count | None = None
    first: Annotated[DayField | None, Field(alias="from")] = None
    last: Annotated[DayField | None, Field(alias="to")] = None


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class PregnancyLoss:
    """A pregnancy that was ended: why, when, and in which week."""

    cause: OptionalText = None
    at: TimeField | None = None
    weeks: Count | None = None


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The father or mother of a patient who is a child."""

    name: OptionalText = None
    insurance_no: OptionalText = None


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Discharge:
    """The discharge paper, XML7."""

    archive_no: OptionalText = None
    department: Code | None = None
    diagnosis: OptionalText = None
    treatment: OptionalText = None
    note: OptionalText = None
    pregnancy_loss: PregnancyLoss | None = None
    leave: Leave | None = None
    father: Parent | None = None
    mother: Parent | None = None
    temporary_card: OptionalText = None
    doctor: OptionalText = None
    doctor_name: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class DeadChildren:
    """Children who died after this delivery."""

    born: DayField | None = None
    died: DayField | None = None
    count: Count | None = None


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSummary:
    """The summary of the medical record, XML8."""

    father_name: OptionalText = None
    mother_name: OptionalText = None
    guardian: OptionalText = None
    employer: OptionalText = None
    course: OptionalText = None
    results: OptionalText = None
    treatment: OptionalText = None
    dead_children: DeadChildren | None = None
    note: OptionalText = None
    temporary_card: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Carer:
    """The mother of a newborn, or who cares for it; what is not given is taken from the patient."""

    name: OptionalText = None
    birth: DayField | None = None
    national_id: OptionalText = None
    national_id_issued: DayField | None = None
    national_id_issuer: OptionalText = None
    insurance_no: OptionalText = None
    card: OptionalText = None
    ethnicity: Code | None = None
    nationality: Code | None = None
    address: OptionalText = None
    province: Code | None = None
    district: Code | None = None
    ward: Code | None = None


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """The birth certificate of one child, a row of XML9."""

    carer: Carer = field(default_factory=Carer)
    father_name: OptionalText = None
    temporary_card: OptionalText = None
    name: OptionalText = None
    sex: Sex | None = None
    weight_g: Amount | None = None
    born: TimeField | None = None
    place: OptionalText = None
    condition: OptionalText = None
    children_born: Count | None = None
    deliveries: Count | None = None
    children_living: Count | None = None
    by_surgery: Flag = False
    before_32_weeks: Flag = False
    attendant: OptionalText = None
    recorder: OptionalText = None
    number: OptionalText = None
    book: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class PregnancyLeave:
    """The certificate of rest during a pregnancy, XML10."""

    serial: OptionalText = None
    number: OptionalText = None
    employer: OptionalText = None
    diagnosis: OptionalText = None
    leave: Leave = field(default_factory=Leave)
    doctor: OptionalText = None
    doctor_name: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class SickLeave:
    """The certificate of sick leave after an out-patient visit, XML11."""

    number: OptionalText = None
    serial: OptionalText = None
    visit_no: OptionalText = None
    employer: OptionalText = None
    insurance_no: OptionalText = None
    diagnosis: OptionalText = None
    treatment: OptionalText = None
    pregnancy_loss: PregnancyLoss | None = None
    leave: Leave = field(default_factory=Leave)
    father_name: OptionalText = None
    mother_name: OptionalText = None
    temporary_card: OptionalText = None
    form: OptionalText = None
    doctor: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The paper with which a patient goes to another facility, XML13."""

    file_no: OptionalText = None
    register_no: OptionalText = None
    number: OptionalText = None
    passed_through: tuple[FacilityCode, ...] = ()
    destination: FacilityCode | None = None
    signs: OptionalText = None
    course: OptionalText = None
    results: OptionalText = None
    treatment: OptionalText = None
    services: OptionalText = None
    medicines: OptionalText = None
    condition: OptionalText = None
    reason: Code | None = None
    onward_treatment: OptionalText = None
    transport: OptionalText = None
    escort_name: OptionalText = None
    escort_title: OptionalText = None
    doctor: OptionalText = None
    head_of_facility: OptionalText = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """The paper with which a patient comes again, XML14."""

    number: OptionalText = None
    at: TimeField | None = None
    doctor: OptionalText = None
    head_of_facility: OptionalText = None
    issued: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class HivCare:
    """One period of HIV care, a row of XML6; codes are those of the Decision's lists."""

    confirmed: DayField | None = None
    sampled_at: FacilityCode | None = None
    confirmed_at: FacilityCode | None = None
    arv_started_at: FacilityCode | None = None
    arv_started: DayField | None = None
    first_regimen: OptionalText = None
    first_regimen_line: Code | None = None
    registration_reason: Code | None = None
    tb_treatment: Code | None = None
    tb_screening: Code | None = None
    tb_regimen: Code | None = None
    tb_from: DayField | None = None
    tb_to: DayField | None = None
    tb_outcome: Code | None = None
    viral_load_reason: Code | None = None
    viral_load_sampled: DayField | None = None
    viral_load: Code | None = None
    viral_load_resulted: DayField | None = None
    patient_kind: Code | None = None
    stage: Code | None = None
    target_group: Code | None = None
    conditions: tuple[Code, ...] = ()
    pcr_test: Code | None = None
    pcr_sampled: DayField | None = None
    pcr_resulted: DayField | None = None
    pcr_result: Code | None = None
    pregnancy_known: DayField | None = None
    cotrimoxazole_from: DayField | None = None
    management: tuple[Code, ...] = ()
    arv_from: DayField | None = None
    arv_to: DayField | None = None
    regimen: OptionalText = None
    regimen_line: Code | None = None
    arv_days: Count | None = None
    regimen_changed: DayField | None = None
    regimen_change_reason: Code | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class TuberculosisCare:
    """One course of tuberculosis treatment, a row of XML15; codes are those of the Decision's lists."""

    site: Code | None = None
    history: Code | None = None
    hiv: Code | None = None
    bacteriology: Code | None = None
    resistance: Code | None = None
    treatment: Code | None = None
    treated_from: Annotated[DayField | None, Field(alias="from")] = None
    treated_to: Annotated[DayField | None, Field(alias="to")] = None
    regimen: Code | None = None
    outcome: Code | None = None
    hiv_confirmed: DayField | None = None
    arv_started: DayField | None = None
    cotrimoxazole_from: DayField | None = None
    codings: Codings = field(default_factory=dict)
    origin: Origin = ()


def _listed(value: object) -> object:
    """Take one paper as a list of one: most visits have one, and the tables take several."""
    return [value] if isinstance(value, Mapping) else value


@with_config(STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The papers issued at the end of a visit; HIV and tuberculosis care may be one object or a list."""

    discharge: Discharge | None = None
    summary: RecordSummary | None = None
    births: tuple[Birth, ...] = ()
    pregnancy_leave: PregnancyLeave | None = None
    sick_leave: SickLeave | None = None
    referral: Referral | None = None
    appointment: Appointment | None = None
    hiv: Annotated[
        tuple[HivCare, ...], BeforeValidator(_listed, json_schema_input_type=tuple[HivCare, ...] | HivCare)
    ] = ()
    tuberculosis: Annotated[
        tuple[TuberculosisCare, ...],
        BeforeValidator(_listed, json_schema_input_type=tuple[TuberculosisCare, ...] | TuberculosisCare),
    ] = ()
