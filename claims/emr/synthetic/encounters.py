"""Synthetic encounters: made-up visits and stays that look like a hospital's, the same for the same seed.

For demonstrations, tests and measurements. The shares and row counts are a definition for
benchmarks, not statistics of real hospitals. Codes are those of the day on which a visit ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from claims.emr.synthetic.care import (
    CHILD_ILLNESSES,
    DELIVERIES,
    EMERGENCY_ILLNESSES,
    HIV_ILLNESSES,
    INPATIENT_ILLNESSES,
    OUTPATIENT_ILLNESSES,
    PREGNANCY_ILLNESSES,
    SURGICAL_ILLNESSES,
    TUBERCULOSIS_ILLNESSES,
    Illness,
)
from claims.emr.synthetic.chart import DOCTORS, Chart, Item, iso
from claims.emr.synthetic.papers import issue_papers
from claims.emr.synthetic.people import happens, make_person, pick
from claims.emr.synthetic.treatment import CHILD_YEARS, treat_as_outpatient, treat_for_a_day, treat_on_ward

_WARD: Final = frozenset({"inpatient", "long_stay", "transfer", "delivery"})
# What a kind is treated for; the other kinds draw among several groups.
_GROUPS: Final = {
    "delivery": DELIVERIES,
    "pregnancy": PREGNANCY_ILLNESSES,
    "hiv": HIV_ILLNESSES,
    "tuberculosis": TUBERCULOSIS_ILLNESSES,
}
_STAY_DAYS: Final = {"inpatient": (4, 8), "long_stay": (20, 41), "transfer": (1, 4), "delivery": (2, 5)}
_NEW_CASES_FROM: Final = date(2025, 7, 1)
_TWO_CARDS_SHARE: Final = 0.08
_INTENSIVE_SHARE: Final = 0.08


@dataclass(frozen=True, slots=True)
class Mix:
    """How many of each kind of encounter are made, as weights."""

    outpatient: float = 55
    outpatient_with_tests: float = 30
    day: float = 5
    inpatient: float = 9
    long_stay: float = 0
    transfer: float = 0
    delivery: float = 0
    pregnancy: float = 0
    hiv: float = 0
    tuberculosis: float = 0


DEFAULT_MIX: Final = Mix(
    outpatient_with_tests=29,
    inpatient=8,
    transfer=0.5,
    delivery=0.5,
    pregnancy=0.5,
    hiv=0.3,
    tuberculosis=0.2,
)
"""Every kind but long stays; the last five are taken from the shares of stays and of visits with tests."""

BENCHMARK_MIX: Final = replace(DEFAULT_MIX, long_stay=1)
"""With the hundredth part of long stays that weighs as much as all others."""
#: Cases of those who came unreferred, and not to where they are registered.
_UNREFERRED: Final = frozenset({"1.12", "1.14", "1.15", "3.1", "3.5"})


def generate_encounters(
    *,
    seed: int,
    count: int,
    facilities: Sequence[str],
    on: date,
    mix: Mix = DEFAULT_MIX,
) -> Iterator[Item]:
    """Make up encounter documents that end on a day, spread over facilities in turn.

    Each depends on the seed and on its place alone, so a longer run begins with a shorter one.
    """
    for index in range(count):
        random = Random(f"{seed}:{index}")
        yield _encounter(random, index=index, facility=facilities[index % len(facilities)], on=on, mix=mix)


def _encounter(random: Random, *, index: int, facility: str, on: date, mix: Mix) -> Item:
    kind = pick(random, asdict(mix))
    illness, is_emergency = _illness(random, kind)
    admitted, discharged = _times(random, kind, on)
    person = make_person(random, facility=facility, on=on, ages=illness.ages, sex=illness.sex)
    chart = Chart(
        random=random,
        place=index,
        facility=facility,
        department=_department(kind, illness, person.age_years),
        doctor=f"{facility}{random.randrange(1, DOCTORS):05d}",
        person=person,
        illness=illness,
        admitted=admitted,
        discharged=discharged,
    )
    if kind in _WARD:
        treat_on_ward(chart, per_day_extra=_per_day_extra(random, kind))
    elif kind == "day":
        treat_for_a_day(chart)
    else:
        treat_as_outpatient(chart, is_emergency=is_emergency, with_tests=kind != "outpatient")
    return _document(chart, index=index, kind=kind, is_emergency=is_emergency)


def _per_day_extra(random: Random, kind: str) -> int:
    """Say how much more than usual is done each day: on long stays, and on some others."""
    if kind == "long_stay":
        return 12
    return 8 if kind == "inpatient" and happens(random, _INTENSIVE_SHARE) else 0


def _illness(random: Random, kind: str) -> tuple[Illness, bool]:
    if kind in _GROUPS:
        return random.choice(_GROUPS[kind]), False
    if kind in _WARD:
        is_surgical = happens(random, 0.3)
        return random.choice(SURGICAL_ILLNESSES if is_surgical else INPATIENT_ILLNESSES), happens(random, 0.3)
    if kind != "day" and happens(random, 0.07):
        return random.choice(EMERGENCY_ILLNESSES), True
    return random.choice(CHILD_ILLNESSES if happens(random, 0.2) else OUTPATIENT_ILLNESSES), False


def _times(random: Random, kind: str, on: date) -> tuple[datetime, datetime]:
    if kind in _WARD:
        days = random.randrange(*_STAY_DAYS[kind])
        admitted = datetime.combine(
            on - timedelta(days=days), time(random.randrange(24), random.randrange(60))
        )
        return admitted, datetime.combine(on, time(random.randrange(9, 17), random.randrange(60)))
    admitted = datetime.combine(on, time(random.choice((7, 7, 8, 8, 9, 13, 14)), random.randrange(60)))
    hours = random.uniform(5, 8) if kind == "day" else random.uniform(1, 3.5)
    return admitted, admitted + timedelta(minutes=round(hours * 60))


def _department(kind: str, illness: Illness, age_years: float) -> str:
    if age_years < CHILD_YEARS:
        return "K18"
    if illness.sex == "female":
        return "K27"
    if illness.surgery:
        return "K19"
    # Who is treated by the day is not treated where one is only examined.
    return "K03" if kind in _WARD or kind == "day" else "K01"


def _document(chart: Chart, *, index: int, kind: str, is_emergency: bool) -> Item:
    illness, random = chart.illness, chart.random
    is_ward = kind in _WARD
    papers = issue_papers(chart, kind=kind, is_ward=is_ward)
    visit = {**_visit(chart, index=index, kind=kind, is_emergency=is_emergency), **papers.visit}
    companions = illness.companions if happens(random, 0.5) else ()
    cards = _cards(chart) if is_ward else [chart.person.card]
    return {
        "schema": "encounter/1",
        "facility": chart.facility,
        "encounter": visit,
        "patient": chart.person.document,
        "coverage": _registered_elsewhere(cards, chart) if visit.get("case") in _UNREFERRED else cards,
        "diagnoses": {
            "entry_text": illness.name,
            "exit_text": illness.name,
            "main": illness.code,
            "other": list(companions),
            "traditional": [],
        },
        "medications": chart.medications,
        "services": chart.services,
        "results": chart.results,
        "notes": chart.notes,
        "documents": papers.documents,
    }


def _visit(chart: Chart, *, index: int, kind: str, is_emergency: bool) -> Item:
    illness, random = chart.illness, chart.random
    stays = kind in _WARD or kind == "day"
    return {
        "link_id": f"{chart.facility}.{chart.discharged:%y%m}.{index + 1:06d}",
        "record_no": f"HS{random.randrange(10**8):08d}",
        "visit_type": "03" if kind in _WARD else "04" if kind == "day" else "01",
        **_route(chart, is_emergency=is_emergency, is_ward=kind in _WARD),
        "admitted": iso(chart.admitted),
        "inpatient_from": iso(chart.within(chart.admitted + timedelta(minutes=25))) if stays else None,
        "discharged": iso(chart.discharged),
        "paid": iso(chart.discharged + timedelta(minutes=random.randrange(2, 30))),
        "departments": [chart.department],
        "reason": illness.reason,
        "inpatient_reason": illness.name if stays else None,
        "outcome": random.choice(("1", "2", "2")) if stays else "7",
        "discharge_type": "1",
        "treatment": "Phẫu thuật" if illness.surgery else "Điều trị nội khoa",
        "accident": "8" if illness.code.startswith("S") else None,
        "weight_kg": chart.person.weight_kg,
        "note": "Uống thuốc theo đơn, tái khám khi có dấu hiệu bất thường",
        "head_of_facility": f"{chart.facility}00001",
        "emergency": is_emergency,
        "payment_method": "1",
    }


def _cards(chart: Chart) -> list[Item]:
    """Return the card of a stay, or two when the first ended during it."""
    card = chart.person.card
    if not happens(chart.random, _TWO_CARDS_SHARE) or str(card["card"]).startswith("TE"):
        return [card]
    last_day = chart.admitted.date() + timedelta(days=1)
    later = {
        **card,
        "card": chart.random.choice(("HT3", "GD4", "DN4")) + str(card["card"])[3:],
        "from": (last_day + timedelta(days=1)).isoformat(),
        "to": (last_day + timedelta(days=365)).isoformat(),
    }
    if chart.discharged.date() <= last_day:
        return [card]
    return [{**card, "to": last_day.isoformat()}, later]


def _registered_elsewhere(cards: Sequence[Item], chart: Chart) -> list[Item]:
    """Return the cards of somebody who is registered at another facility of the province."""
    province, number = chart.facility[:2], chart.facility[2:]
    elsewhere = f"{province}{int(number) % 998 + 1:03d}"
    return [{**card, "registered_at": elsewhere} for card in cards]


def _route(chart: Chart, *, is_emergency: bool, is_ward: bool) -> Item:
    """Say how the patient came; who came unreferred falls under other cases since July 2025."""
    if is_emergency:
        return {"case": "2"}
    if chart.discharged.date() >= _NEW_CASES_FROM:
        unreferred = {"1.15": 3, "3.1": 3} if is_ward else {"1.12": 3, "1.14": 3}
    else:
        unreferred = {"1.4": 4} if is_ward else {"1.4": 3, "3.5": 1}
    case = pick(chart.random, {"1.1": 82, "1.3": 8, "1.5": 4, **unreferred})
    if case != "1.3":
        return {"case": case}
    sender = f"{chart.facility[:2]}{chart.random.randrange(100, 1000)}"
    return {"case": case, "from_facility": sender, "transfer_paper": f"{chart.random.randrange(1, 5000)}/GCT"}
