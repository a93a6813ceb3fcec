"""Synthetic encounters: made-up visits and stays that look like a hospital's, the same for the same seed.

For demonstrations, tests and measurements. The shares and row counts are a definition for
benchmarks, not statistics of real hospitals.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from claims.emr.synthetic_care import (
    ACTS,
    CHILD_ILLNESSES,
    DRUGS,
    EMERGENCY_ILLNESSES,
    INPATIENT_ILLNESSES,
    OUTPATIENT_ILLNESSES,
    SUPPLIES,
    SURGICAL_ILLNESSES,
    Act,
    Illness,
)
from claims.emr.synthetic_people import Person, happens, make_person, pick

_OFF_ROUTE_FROM: Final = date(2025, 7, 1)
_CHILD_YEARS: Final = 16
_NEAR_ZERO: Final = 0.0


@dataclass(frozen=True, slots=True)
class Mix:
    """How many of each kind of encounter are made, as weights."""

    outpatient: float = 55
    outpatient_with_tests: float = 30
    day: float = 5
    inpatient: float = 9
    long_stay: float = 0


DEFAULT_MIX: Final = Mix()
BENCHMARK_MIX: Final = Mix(long_stay=1)
"""With the hundredth part of long stays that weighs as much as all others."""


def generate_encounters(
    *,
    seed: int,
    count: int,
    facilities: Sequence[str],
    on: date,
    mix: Mix = DEFAULT_MIX,
) -> Iterator[dict[str, object]]:
    """Make up encounter documents that end on a day, spread over facilities in turn.

    Each depends on the seed and on its place alone, so a longer run begins with a shorter one.
    """
    for index in range(count):
        random = Random(f"{seed}:{index}")
        yield _encounter(random, index=index, facility=facilities[index % len(facilities)], on=on, mix=mix)


@dataclass(slots=True)
class _Chart:
    """An encounter in the making: who is treated by whom, and what has been written down."""

    random: Random
    facility: str
    department: str
    doctor: str
    illness: Illness
    admitted: datetime
    discharged: datetime
    medications: list[dict[str, object]] = field(default_factory=list)
    services: list[dict[str, object]] = field(default_factory=list)
    results: list[dict[str, object]] = field(default_factory=list)
    notes: list[dict[str, object]] = field(default_factory=list)

    def staff(self) -> str:
        return f"{self.facility}{self.random.randrange(1, 60):05d}"

    def within(self, at: datetime) -> datetime:
        return min(max(at, self.admitted), self.discharged)


def _encounter(random: Random, *, index: int, facility: str, on: date, mix: Mix) -> dict[str, object]:
    kind = pick(
        random,
        {
            "outpatient": mix.outpatient,
            "outpatient_with_tests": mix.outpatient_with_tests,
            "day": mix.day,
            "inpatient": mix.inpatient,
            "long_stay": mix.long_stay,
        },
    )
    is_ward = kind in {"inpatient", "long_stay"}
    illness, is_emergency = _illness(random, is_ward=is_ward, is_day=kind == "day")
    person = make_person(random, facility=facility, on=on, ages=illness.ages)
    admitted, discharged = _times(random, kind, on)
    chart = _Chart(
        random=random,
        facility=facility,
        department="K18"
        if person.age_years < _CHILD_YEARS
        else "K19"
        if illness.surgery
        else "K03"
        if is_ward
        else "K01",
        doctor=f"{facility}{random.randrange(1, 60):05d}",
        illness=illness,
        admitted=admitted,
        discharged=discharged,
    )
    if is_ward:
        _treat_on_ward(chart, per_day_extra=12 if kind == "long_stay" else 0)
    elif kind == "day":
        _treat_for_a_day(chart)
    else:
        _treat_as_outpatient(
            chart, person, is_emergency=is_emergency, with_tests=kind == "outpatient_with_tests"
        )
    visit_type = {"outpatient": "01", "outpatient_with_tests": "01", "day": "04"}.get(kind, "03")
    return _document(chart, person, index=index, visit_type=visit_type, is_emergency=is_emergency)


def _illness(random: Random, *, is_ward: bool, is_day: bool) -> tuple[Illness, bool]:
    if is_ward:
        is_surgical = happens(random, 0.3)
        return random.choice(SURGICAL_ILLNESSES if is_surgical else INPATIENT_ILLNESSES), happens(random, 0.3)
    if not is_day and happens(random, 0.07):
        return random.choice(EMERGENCY_ILLNESSES), True
    return random.choice(CHILD_ILLNESSES if happens(random, 0.2) else OUTPATIENT_ILLNESSES), False


def _times(random: Random, kind: str, on: date) -> tuple[datetime, datetime]:
    if kind in {"inpatient", "long_stay"}:
        days = random.randrange(20, 41) if kind == "long_stay" else random.randrange(4, 8)
        admitted = datetime.combine(
            on - timedelta(days=days), time(random.randrange(24), random.randrange(60))
        )
        return admitted, datetime.combine(on, time(random.randrange(9, 17), random.randrange(60)))
    admitted = datetime.combine(on, time(random.choice((7, 7, 8, 8, 9, 13, 14)), random.randrange(60)))
    hours = random.uniform(5, 8) if kind == "day" else random.uniform(1, 3.5)
    return admitted, admitted + timedelta(minutes=round(hours * 60))


# --- what is done --------------------------------------------------------------------------


def _treat_as_outpatient(chart: _Chart, person: Person, *, is_emergency: bool, with_tests: bool) -> None:
    random = chart.random
    exam = "exam-child" if person.age_years < _CHILD_YEARS else "exam-internal"
    begun = chart.admitted + timedelta(minutes=random.randrange(3, 20))
    _act(chart, "exam-emergency" if is_emergency else exam, begun)
    ordered = begun + timedelta(minutes=random.randrange(4, 15))
    usual = list(chart.illness.acts)
    if with_tests:
        acts = usual + random.sample(
            ("glucose", "urea", "creatinine", "ast", "alt", "urine"), random.randrange(1, 5)
        )
    else:
        acts = random.sample(usual, min(len(usual), random.choice((0, 0, 1, 1, 2))))
    for act in dict.fromkeys(acts):
        _act(chart, act, ordered)
    if is_emergency:
        _supply(chart, "syringe", ordered)
        _supply(chart, "gauze", ordered)
    prescribed = chart.discharged - timedelta(minutes=random.randrange(10, 25))
    days = random.choice((5, 5, 7, 7, 10, 14, 28)) if chart.illness.ages[0] >= _CHILD_YEARS else 5
    extra = random.sample(("paracetamol", "omeprazole", "loratadine", "acetylcysteine"), random.randrange(3))
    for drug in dict.fromkeys((*chart.illness.drugs, *(extra if person.age_years >= _CHILD_YEARS else ()))):
        _medicine(chart, drug, prescribed, days=days)


def _treat_for_a_day(chart: _Chart) -> None:
    random = chart.random
    begun = chart.admitted + timedelta(minutes=15)
    _act(chart, "exam-internal", begun)
    for act in dict.fromkeys(
        (*chart.illness.acts, "blood-count", "electrolytes", "glucose", "creatinine", "ast", "alt")
    ):
        _act(chart, act, begun + timedelta(minutes=10))
    _bed(chart, chart.admitted, "day-bed")
    for supply in ("syringe", "infusion-set", "catheter"):
        _supply(chart, supply, begun + timedelta(minutes=20))
    for drug in dict.fromkeys((*chart.illness.drugs, "saline", "ringer", "paracetamol")):
        _medicine(chart, drug, begun + timedelta(minutes=30 + random.randrange(30)), days=1)
    _note(chart, begun, "Người bệnh tỉnh, tiếp xúc tốt")
    _note(chart, chart.discharged - timedelta(minutes=30), "Sinh hiệu ổn, cho về")


def _treat_on_ward(chart: _Chart, *, per_day_extra: int) -> None:
    random = chart.random
    _act(chart, "exam-emergency", chart.admitted + timedelta(minutes=5))
    for act in chart.illness.acts:
        _act(chart, act, chart.admitted + timedelta(minutes=30))
    _note(chart, chart.admitted + timedelta(minutes=45), f"Nhập viện vì {chart.illness.reason.lower()}")
    if chart.illness.surgery:
        _operate(chart, chart.illness.surgery, chart.admitted + timedelta(hours=6))
    stay = (chart.discharged.date() - chart.admitted.date()).days
    for day in range(stay):
        morning = datetime.combine(chart.admitted.date() + timedelta(days=day), time(7, random.randrange(60)))
        _ward_day(chart, chart.within(max(morning, chart.admitted + timedelta(minutes=50))), per_day_extra)
    _note(chart, chart.discharged - timedelta(minutes=50), "Tình trạng ổn định, cho ra viện")


def _ward_day(chart: _Chart, morning: datetime, extra: int) -> None:
    random = chart.random
    _bed(chart, morning, "bed")
    for drug in dict.fromkeys((*chart.illness.drugs, "saline", *random.sample(tuple(DRUGS), 2 + extra // 2))):
        _medicine(chart, drug, morning + timedelta(minutes=random.randrange(5, 50)), days=1)
    daily = random.sample(
        ("glucose", "electrolytes", "creatinine", "urea", "crp", "blood-count", "ast", "alt"), 3
    )
    for act in daily[: 2 + extra]:
        _act(chart, act, morning + timedelta(minutes=random.randrange(5, 30)))
    for supply in ("syringe", "infusion-set", "catheter", "gauze")[: 3 + extra]:
        _supply(chart, supply, morning + timedelta(minutes=random.randrange(10, 60)))
    if chart.illness.surgery:
        _act(chart, "dressing", morning + timedelta(hours=1))
    for _ in range(extra // 3):
        _act(chart, "nebulizer", morning + timedelta(minutes=random.randrange(60, 600)))
    _note(
        chart,
        morning,
        random.choice(("Tỉnh, đỡ mệt", "Còn ho ít, ăn được", "Giảm đau, sốt nhẹ về chiều", "Ngủ được")),
    )
    if happens(random, 0.6):
        _note(chart, morning + timedelta(hours=7), "Sinh hiệu ổn, tiếp tục theo dõi")


def _operate(chart: _Chart, surgery: str, at: datetime) -> None:
    at = chart.within(at)
    _act(chart, surgery, at)
    _supply(chart, "gauze", at)
    if surgery == "forearm":
        _supply(chart, "bone-plate", at)
    _note(chart, at + timedelta(hours=2), "Sau mổ, mạch và huyết áp ổn", operation=ACTS[surgery].name)


# --- lines ---------------------------------------------------------------------------------


def _medicine(chart: _Chart, key: str, ordered: datetime, *, days: int) -> None:
    random, drug = chart.random, DRUGS[key]
    is_own_cost = happens(random, 0.02)
    is_countable = drug.unit in {"Viên", "Gói", "Ống"}
    quantity = drug.per_day * days if is_countable or days == 1 else 1
    ordered = chart.within(ordered)
    chart.medications.append(
        {
            "code": drug.code,
            "name": drug.name,
            "unit": drug.unit,
            "strength": drug.strength,
            "form": drug.form,
            "route": drug.route,
            "dose": f"{drug.per_day / 2:g} {drug.unit}/lần * 2 lần/ngày * {days} ngày",
            "how": "Uống sau ăn" if drug.route == "1.01" else None,
            "registration": f"VD-{10000 + sum(map(ord, key)) * 7 % 25000}-{18 + len(key) % 6}",
            "tender": f"{100 + len(drug.name)}/QĐ-SYT;G1;N{1 + len(key) % 4};{chart.discharged.year - 1}",
            "quantity": str(quantity),
            "price": drug.price,
            "pay_percent": drug.pay_percent,
            "scope": "2" if is_own_cost else "1",
            "source": "1",
            "other_sources": {"cl": "100"} if happens(random, 0.005) else {},
            "ordered": _iso(ordered),
            "given": _iso(chart.within(ordered + timedelta(minutes=random.randrange(5, 40)))),
            "prescriber": chart.doctor,
            "department": chart.department,
            "for_service": None,
        }
    )


def _act(chart: _Chart, key: str, ordered: datetime) -> None:
    random, act = chart.random, ACTS[key]
    ordered = chart.within(ordered)
    performed = chart.within(ordered + timedelta(minutes=random.randrange(3, 20)))
    finished = chart.within(performed + timedelta(minutes=random.randrange(20, 70)))
    order_id = f"OD{len(chart.services) + 1}"
    is_instrumental = act.kind in {"test", "imaging", "function"}
    is_exam = act.kind == "exam"
    chart.services.append(
        {
            "kind": act.kind,
            "code": act.code,
            "name": act.name,
            "unit": "Lần",
            "quantity": "1",
            "hospital_price": act.price,
            "insured_price": act.price,
            "service_percent": 100,
            "pay_percent": 100,
            "scope": "1",
            "ordered": _iso(ordered),
            "performed": _iso(performed),
            "result": _iso(performed if is_exam else finished),
            "orderer": chart.doctor,
            "performers": [chart.doctor if is_exam else chart.staff()],
            "department": chart.department,
            "diagnosis": chart.illness.code,
            "anesthesia": "1" if act.kind == "surgery" else None,
            "machine": f"{act.kind[:2].upper()}.1.{chart.facility}.{len(key):04d}"
            if is_instrumental
            else None,
            "order_id": order_id,
        }
    )
    if is_instrumental:
        chart.results.extend(_findings(chart, act, order_id=order_id, at=finished))


def _findings(chart: _Chart, act: Act, *, order_id: str, at: datetime) -> Iterator[dict[str, object]]:
    random = chart.random
    for index in act.measures:
        value = f"{random.uniform(index.low, index.high):.{index.decimals}f}"
        yield {
            "order_id": order_id,
            "service": act.code,
            "index": index.index,
            "name": index.name,
            "value": value,
            "unit": index.unit,
            "at": _iso(at),
            "reader": chart.doctor,
        }
    if not act.measures:
        conclusion = act.conclusion or random.choice(("Âm tính", "Dương tính"))
        yield {
            "order_id": order_id,
            "service": act.code,
            "name": act.name,
            "description": act.description or conclusion,
            "conclusion": conclusion,
            "at": _iso(at),
            "reader": chart.doctor,
        }


def _bed(chart: _Chart, at: datetime, key: str) -> None:
    act = ACTS[key]
    at = chart.within(at)
    chart.services.append(
        {
            "kind": "bed",
            "code": act.code,
            "name": act.name,
            "unit": "Ngày",
            "quantity": "1",
            "hospital_price": act.price,
            "insured_price": act.price,
            "ordered": _iso(at),
            "performed": _iso(at),
            "result": _iso(chart.within(at + timedelta(hours=16))),
            "orderer": chart.doctor,
            "performers": [chart.doctor],
            "department": chart.department,
            "bed": f"H{chart.random.randrange(1, 60):03d}",
        }
    )


def _supply(chart: _Chart, key: str, at: datetime) -> None:
    goods = SUPPLIES[key]
    at = chart.within(at)
    chart.services.append(
        {
            "kind": "supply",
            "code": goods.code,
            "name": goods.name,
            "unit": goods.unit,
            "quantity": str(goods.quantity),
            "hospital_price": goods.price,
            "insured_price": goods.price,
            "ceiling": goods.ceiling,
            "ordered": _iso(at),
            "performed": _iso(at),
            "result": _iso(at),
            "orderer": chart.doctor,
            "department": chart.department,
            "supply": {
                "tender": f"{200 + len(goods.name)}/QĐ-SYT;G1;N{1 + len(key) % 6};{chart.discharged.year - 1}"
            },
        }
    )


def _note(chart: _Chart, at: datetime, text: str, *, operation: str | None = None) -> None:
    random = chart.random
    pulse, pressure = random.randrange(68, 100), f"{random.randrange(100, 150)}/{random.randrange(60, 92)}"
    signs = f"CSST<M{pulse}_T{random.uniform(36.5, 38.5):.1f}_HA{pressure}_NT{random.randrange(16, 24)}>"
    chart.notes.append(
        {
            "at": _iso(chart.within(at)),
            "text": f"{text}. {signs}",
            "operation": operation,
            "author": chart.doctor,
        }
    )


# --- the document --------------------------------------------------------------------------


def _document(
    chart: _Chart, person: Person, *, index: int, visit_type: str, is_emergency: bool
) -> dict[str, object]:
    illness, random = chart.illness, chart.random
    is_ward = visit_type in {"03", "04"}
    visit: dict[str, object] = {
        "link_id": f"{chart.facility}.{chart.discharged:%y%m}.{index + 1:06d}",
        "record_no": f"HS{random.randrange(10**8):08d}",
        "visit_type": visit_type,
        **_route(chart, is_emergency=is_emergency, is_ward=visit_type == "03"),
        "admitted": _iso(chart.admitted),
        "inpatient_from": _iso(chart.within(chart.admitted + timedelta(minutes=25))) if is_ward else None,
        "discharged": _iso(chart.discharged),
        "paid": _iso(chart.discharged + timedelta(minutes=random.randrange(2, 30))),
        "departments": [chart.department],
        "reason": illness.reason,
        "inpatient_reason": illness.name if is_ward else None,
        "outcome": random.choice(("1", "2", "2")) if is_ward else "7",
        "discharge_type": "1",
        "treatment": "Phẫu thuật" if illness.surgery else "Điều trị nội khoa",
        "accident": "8" if illness.code.startswith("S") else None,
        "weight_kg": person.weight_kg,
        "note": "Uống thuốc theo đơn, tái khám khi có dấu hiệu bất thường",
        "head_of_facility": f"{chart.facility}00001",
        "emergency": is_emergency,
        "payment_method": "1",
    }
    companions = illness.companions if happens(random, 0.5) else ()
    return {
        "schema": "encounter/1",
        "facility": chart.facility,
        "encounter": visit,
        "patient": person.document,
        "coverage": [person.card],
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
    }


def _route(chart: _Chart, *, is_emergency: bool, is_ward: bool) -> dict[str, object]:
    """Say how the patient came; what the rules of 2025 call self-referred exists only since then."""
    if is_emergency:
        return {"case": "2"}
    off_route = chart.discharged.date() >= _OFF_ROUTE_FROM
    case = pick(
        chart.random,
        {
            "1.1": 82,
            "1.3": 8,
            "1.5": 4,
            ("1.15" if is_ward else "1.12"): 3 if off_route else _NEAR_ZERO,
            ("3.1" if is_ward else "1.14"): 3 if off_route else _NEAR_ZERO,
        },
    )
    if case != "1.3":
        return {"case": case}
    sender = f"{chart.facility[:2]}{chart.random.randrange(100, 1000)}"
    return {"case": case, "from_facility": sender, "transfer_paper": f"{chart.random.randrange(1, 5000)}/GCT"}


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
