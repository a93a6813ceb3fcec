"""The patient and the insurance cards of a visit (PID, PD1, IN1)."""

from typing import Final

from claims.emr.encounter import Address, Coverage, Patient, Sex
from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.places import Fields, Found
from claims.emr.hl7.records import Record
from claims.emr.hl7.values import birth_of, codings_of, found_day, found_day_or_time, found_percent
from claims.emr.scalars import CARD_NUMBER

_SEXES: Final = {"M": Sex.MALE, "F": Sex.FEMALE, "O": Sex.OTHER, "A": Sex.OTHER, "N": Sex.OTHER}
_UNKNOWN_SEXES: Final = frozenset({"", "U"})
_VIETNAM: Final = "000"
_CALLING_CODE: Final = "84"


def read_patient(record: Record) -> Patient:
    """Return who was treated."""
    _note_other_patients(record)
    named = record.fields.last("PID")
    return Patient(
        id=_identifier(record, "patient"),
        name=_name(record.fields),
        national_id=_identifier(record, "national_id") or record.text("patient.national_id"),
        birth=birth_of(record.fields.of("PID", 7), record.context.notes),
        sex=_sex(record),
        blood_group=_blood_group(record),
        nationality=_nationality(record),
        ethnicity=record.text("patient.ethnicity") or "",
        occupation=record.text("patient.occupation") or "",
        address=Address(
            text=_address(record.fields),
            province=record.text("patient.province") or "",
            ward=record.text("patient.ward") or "",
        ),
        phone=record.text("patient.phone") or _phone(record.fields),
        origin=(named.place,) if named else (),
    )


def _phone(fields: Fields) -> str | None:
    """Return the number from its parts (XTN-5 to XTN-7), which stand alone from version 2.7 on."""
    segment = fields.of("PID", 13)
    for value in segment.values(13) if segment else ():
        if local := value.part(7):
            country, number = value.part(5).lstrip("+"), value.part(6) + local
            if country in {"", _CALLING_CODE}:
                return number if not country or number.startswith("0") else f"0{number}"
            return f"+{country}{number}"
    return None


def read_coverage(record: Record, *, came: str, went: str) -> tuple[Coverage, ...]:
    """Return the cards that the latest message with insurance lists.

    Other insurances are left out and said, and so are cards of other days than the visit's.
    """
    latest = next((m for m in reversed(record.messages) if m.named("IN1")), None)
    if latest is None:
        return ()
    shared = [segment for message in record.messages for segment in message.named("PD1")]
    notes = record.context.notes
    # A card of several plans is one; one that was renewed has its number twice, with other days.
    kept: dict[tuple[str, str, str | None], Coverage] = {}
    for group in _insurances(latest):
        card = _card(record, Fields([*shared, *group]))
        if not CARD_NUMBER.fullmatch(card.card):
            detail = "no number of the insurance has the form of an insurance card; it is left out"
            notes.add(group[0], 36, "not-a-card", detail)
        elif (card.valid_to and card.valid_to < came[:8]) or (went and card.valid_from > went[:8]):
            detail = "the card is not valid on any day of the encounter; it is left out"
            notes.add(group[0], 36, "card-not-valid", detail)
        else:
            kept.setdefault((card.card, card.valid_from, card.valid_to), card)
    return tuple(kept.values())


def _note_other_patients(record: Record) -> None:
    """Say when admission messages name different patients: a merge, or two visits of one number."""
    known = ""
    for message in record.admissions:
        for segment in message.named("PID"):
            identifier = _identified(segment, "patient", record)
            if known and identifier and identifier != known:
                detail = "an earlier message of the visit names another patient; the last one is taken"
                record.context.notes.add(segment, 3, "patients-differ", detail)
            known = identifier or known


def _identifier(record: Record, kind: str) -> str:
    """Return the identifier of a kind that counts now."""
    segment = record.fields.of("PID", 3)
    return _identified(segment, kind, record) if segment else ""


def _identified(segment: Segment, kind: str, record: Record) -> str:
    """Return the identifier of a kind from PID-3, the best by the options first."""
    values = segment.values(3)
    for name in record.context.options.identifiers.get(kind, ()):
        for value in values:
            sorts = {value.part(5), value.part(4)} - {""}
            if name in sorts or not (name or sorts):
                return value.part(1)
    return ""


def _name(fields: Fields) -> str:
    """Return the name in the order of Viet Nam: family, further given names, given name (PID-5)."""
    parts = (fields.text("PID", 5, component) for component in (1, 3, 2))
    return " ".join(word for part in parts for word in part.split())


def _address(fields: Fields) -> str:
    """Return the address in words: street, other designation and city (PID-11)."""
    return ", ".join(filter(None, (fields.text("PID", 11, component) for component in (1, 2, 3))))


def _sex(record: Record) -> Sex:
    segment = record.fields.of("PID", 8)
    said = segment.text(8).upper() if segment else ""
    if segment and said not in _UNKNOWN_SEXES and said not in _SEXES:
        record.context.notes.add(segment, 8, "not-in-list", "it is no administrative sex of HL7 table 0001")
    return _SEXES.get(said, Sex.UNKNOWN)


def _blood_group(record: Record) -> str | None:
    segment = record.observed("blood_group")
    return (segment.text(5, 2) or segment.text(5)) if segment else None


def _nationality(record: Record) -> str:
    said = record.text("patient.nationality") or _VIETNAM
    return record.context.options.nationalities.get(said, said)


def _insurances(message: Message) -> list[list[Segment]]:
    groups: list[list[Segment]] = []
    for segment in message.segments:
        if segment.name == "IN1":
            groups.append([segment])
        elif groups and segment.name in {"IN2", "IN3", "ZIN"}:
            groups[-1].append(segment)
    return groups


def _card(record: Record, fields: Fields) -> Coverage:
    notes, places = record.context.notes, record.context.options.places

    def at(name: str) -> Found:
        return fields.find(places.get(f"card.{name}", ()))

    registered = record.facility(at("registered_at").text)
    insurance = fields.last("IN1")
    return Coverage(
        # Printed cards group their characters, and so do those who copy them.
        card="".join((at("card").text or _identifier(record, "card")).split()).upper(),
        registered_at=registered.code,
        valid_from=found_day(at("from"), notes),
        valid_to=found_day(at("to"), notes) or None,
        percent=found_percent(at("percent"), notes),
        area=at("area").text or None,
        five_years_from=found_day(at("five_years_from"), notes) or None,
        copay_exempt_from=found_day_or_time(at("copay_exempt_from"), notes) or None,
        codings=codings_of(registered_at=registered),
        origin=(insurance.place,) if insurance else (),
    )
