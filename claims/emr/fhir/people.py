"""The patient and the insurance cards."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from claims.emr.encounter import Address, Coverage, Patient
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.blood import find_blood_group
from claims.emr.fhir.charts import Chart
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import HumanName, Identifier
from claims.emr.fhir.extras import Extras, read_extras
from claims.emr.fhir.source import UNNAMED, Named, Source, in_use, many, sourced
from claims.emr.items import Sex
from claims.emr.scalars import CARD_NUMBER, Day, LocalTime, birth_time, local_day

_FACILITY: Final = re.compile(r"[0-9A-Z]{5}")
_PROVINCE: Final = re.compile(r"[0-9]{2}")
_WARD: Final = re.compile(r"[0-9]{5}")
# HL7 table 0203: numbers of the hospital, of the person in the country, and of other authorities.
_MEDICAL_RECORD: Final = frozenset({"MR"})
_NATIONAL: Final = frozenset({"NI", "NNVNM", "CCCD"})
_OF_OTHERS: Final = _NATIONAL | {"DL", "HC", "NIIP", "PPN", "SS", "TAX"}
_SEXES: Final = {"m": Sex.MALE, "f": Sex.FEMALE}
_NOBODY: Final = Patient(
    id="", name="", birth=LocalTime(""), sex=Sex.UNKNOWN, ethnicity="", occupation="",
    address=Address(text="", province="", ward=""),
)  # fmt: skip


def read_patient(source: Source, chart: Chart) -> Patient:
    """Return who was treated, with empty texts for what the bundle does not say."""
    item = source.find_a(fhir.Patient, chart.encounter.resource.subject, chart.encounter)
    if item is None:
        source.note(chart.encounter.pointer, "no-patient", "the patient of the encounter is not in the input")
        return _NOBODY
    patient, extras = item.resource, read_extras(source, item, item.resource.extension)
    identifiers, telecom = many(patient.identifier), in_use(patient.telecom)
    return Patient(
        id=_number(source, identifiers) or "",
        name=name_of(patient.name),
        national_id=source.identifier(identifiers, source.options.identifiers.national_id)
        or _of_type(in_use(identifiers, best="official"), _NATIONAL),
        birth=birth_of(source, item),
        sex=sex_of(source, item),
        blood_group=extras.text("blood_group")
        or find_blood_group(item.resource for item in chart.of(fhir.Observation)),
        nationality=extras.text("nationality") or "000",
        ethnicity=extras.text("ethnicity") or "",
        occupation=extras.text("occupation") or "",
        address=_address(source, item),
        phone=next((one.value for one in telecom if one.system == "phone" and one.value), None),
        origin=(item.origin,),
    )


def _number(source: Source, identifiers: tuple[Identifier, ...]) -> str | None:
    kinds = source.options.identifiers
    if own := source.identifier(identifiers, kinds.patient):
        return own
    known = in_use(identifiers, best="official")
    others = [one for one in known if one.value and one.system not in (*kinds.national_id, *kinds.card)]
    rest = (str(one.value).strip() for one in others if not _has_type(one, _OF_OTHERS))
    return _of_type(others, _MEDICAL_RECORD) or next(rest, None)


def _of_type(identifiers: Iterable[Identifier], types: frozenset[str]) -> str | None:
    """Return the first identifier of one of some types."""
    typed = (str(one.value).strip() for one in identifiers if one.value and _has_type(one, types))
    return next(typed, None)


def _has_type(identifier: Identifier, types: frozenset[str]) -> bool:
    kind = identifier.type
    return kind is not None and (kind.text in types or any(coding.code in types for coding in kind.coding))


def name_of(names: tuple[HumanName, ...]) -> str:
    """Return the name as it is said in Viet Nam: family name first; empty when there is none."""
    for name in in_use(names, best="official"):
        words = (name.text or " ".join(part for part in (name.family, *name.given) if part)).split()
        if words:
            return " ".join(words)
    return ""


def birth_of(source: Source, item: Item[fhir.Patient]) -> LocalTime:
    """Return when a patient was born, unknown parts zero; empty when nothing tells it."""
    patient = item.resource
    extensions = patient.birth_date_parts.extension if patient.birth_date_parts else ()
    if at := read_extras(source, item, extensions, patient.extension).time("birth_time"):
        return LocalTime(at)
    try:
        return birth_time(patient.birth_date.strip()) if patient.birth_date else LocalTime("")
    except ValueError:
        source.note(item.pointer, "not-a-time", "the birth date is no date; it is left out")
        return LocalTime("")


def sex_of(source: Source, item: Item[fhir.Patient]) -> Sex:
    """Return the sex that a gender stands for, also by the letters of HL7 v2 that bridges leave standing."""
    said = (item.resource.gender or "unknown").strip().lower()
    try:
        return _SEXES.get(said) or Sex(said)
    except ValueError:
        source.note(item.pointer, "not-in-list", "the gender is none that FHIR knows; it counts as unknown")
        return Sex.UNKNOWN


def _address(source: Source, item: Item[fhir.Patient]) -> Address:
    if not item.resource.address:
        return _NOBODY.address
    address = in_use(item.resource.address, best="home")[0]
    extras = read_extras(source, item, address.extension)
    lines = (*address.line, address.district, address.city, address.state)
    return Address(
        text=(address.text or ", ".join(part for part in lines if part)).strip(),
        province=extras.text("province") or _shaped(_PROVINCE, address.state) or "",
        ward=extras.text("ward") or _shaped(_WARD, address.city, address.district) or "",
    )


def _shaped(shape: re.Pattern[str], *texts: str | None) -> str | None:
    return next((text for text in texts if text and shape.fullmatch(text)), None)


def read_coverage(source: Source, chart: Chart) -> tuple[Coverage, ...]:
    """Return the cards that were valid during the encounter: those of its account, else the patient's."""
    numbered = [(item, _card_number(source, item)) for item in _candidates(source, chart)]
    cards = [card for item, no in numbered if no and (card := _card(source, chart, item, no))]
    if not cards:
        _note_useless(source, numbered)
    # A card that was renewed has its number twice, with other days.
    named: dict[tuple[str, str, str | None], Coverage] = {}
    for card in cards:
        named.setdefault((card.card, card.valid_from, card.valid_to), card)
    return tuple(named.values())


def _note_useless(source: Source, numbered: Iterable[tuple[Item[fhir.Coverage], str | None]]) -> None:
    """Say why none of the coverages is a card of the encounter."""
    for item, number in numbered:
        if number is None:
            detail = "no number of the coverage has the form of an insurance card; it is left out"
            source.note(item.pointer, "not-a-card", detail)
        else:
            detail = "the card is not valid on any day of the encounter; it is left out"
            source.note(item.pointer, "card-not-valid", detail)


def _candidates(source: Source, chart: Chart) -> list[Item[fhir.Coverage]]:
    encounter = chart.encounter
    accounts = source.find_all(fhir.Account, encounter.resource.account, encounter)
    listed = [
        found
        for account in accounts
        for line in sorted(account.resource.coverage, key=lambda one: one.priority or 0)
        if (found := source.find_a(fhir.Coverage, line.coverage, account)) and _is_in_use(found)
    ]
    if listed:
        return listed
    patient = source.find(encounter.resource.subject, encounter)
    return [
        item
        for item in source.contents.of(fhir.Coverage)
        if _is_in_use(item)
        and (patient is None or source.find(item.resource.beneficiary, item) in (patient, None))
    ]


def _is_in_use(item: Item[fhir.Coverage]) -> bool:
    return item.resource.status not in {"cancelled", "draft", "entered-in-error"}


def _card_number(source: Source, item: Item[fhir.Coverage]) -> str | None:
    systems = source.options.identifiers.card
    subscriber = item.resource.subscriber_id
    own = subscriber if isinstance(subscriber, str) else None
    identifiers = [
        *many(None if isinstance(subscriber, str) else subscriber),
        *many(item.resource.identifier),
    ]
    if systems:
        return source.identifier(identifiers, systems) or own
    numbers = chain([own], (one.value for one in identifiers))
    # Printed cards group their characters, and so do those who copy them.
    return _shaped(CARD_NUMBER, *("".join(number.split()).upper() if number else None for number in numbers))


def _card(source: Source, chart: Chart, item: Item[fhir.Coverage], number: str) -> Coverage | None:
    extras = read_extras(source, item, item.resource.extension)
    valid_from, valid_to = _days(source, item)
    stay = chart.encounter.resource.time()
    admitted, discharged = source.time(stay.start, chart.encounter), source.time(stay.end, chart.encounter)
    if (valid_to and admitted and valid_to < admitted[:8]) or (
        valid_from and discharged and valid_from > discharged[:8]
    ):
        return None
    registered = _registered(source, chart, item)
    return Coverage(
        card=number,
        registered_at=registered.code,
        valid_from=Day(valid_from or ""),
        valid_to=Day(valid_to) if valid_to else None,
        percent=extras.percent("percent"),
        area=extras.text("area"),
        five_years_from=_day(extras, "five_years_from"),
        copay_exempt_from=_day(extras, "copay_exempt_from"),
        codings=sourced(registered_at=registered),
        origin=(item.origin,),
    )


def _days(source: Source, item: Item[fhir.Coverage]) -> Iterator[str | None]:
    period = item.resource.period
    for text in (period.start, period.end) if period else (None, None):
        at = source.time(text, item)
        yield at[:8] if at else None


def _day(extras: Extras, name: str) -> Day | None:
    text = extras.text(name)
    try:
        return local_day(text) if text else None
    except ValueError:
        extras.source.note(extras.owner.pointer, "not-a-time", "a day of the card is no date; it is left out")
        return None


def _registered(source: Source, chart: Chart, item: Item[fhir.Coverage]) -> Named:
    """Return where the card is registered: a class of the card, else the patient's general practitioner."""
    for one in item.resource.class_:
        value = one.value.value if isinstance(one.value, Identifier) else one.value
        if value and _FACILITY.fullmatch(value.strip()):
            return Named(value.strip())
    patient = source.find_a(fhir.Patient, chart.encounter.resource.subject, chart.encounter)
    if patient is None or not patient.resource.general_practitioner:
        return UNNAMED
    return source.who(patient.resource.general_practitioner[0], patient, source.options.identifiers.facility)
