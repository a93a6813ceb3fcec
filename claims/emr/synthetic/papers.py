"""The papers of synthetic encounters, XML6 to XML15, as their hospitals would issue them on the day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from claims.emr.synthetic.chart import Chart, Item, iso
from claims.emr.synthetic.people import happens, make_name

# Decision 4750 brought XML13 to XML15 and some fields of XML6; before, referrals were on paper.
_FURTHER_PAPERS_FROM: Final = date(2024, 7, 1)
# Since Decision 3176 XML13 has the patient's condition, and no longer what was used.
_CONDITION_FROM: Final = date(2025, 1, 1)
_FOLLOW_UP_SHARE: Final = 1 / 3
_WARD_FOLLOW_UP_SHARE: Final = 0.4
_SICK_LEAVE_SHARE: Final = 0.3
_REST_SHARE: Final = 0.3
_TWINS_SHARE: Final = 0.03
_CHILD_YEARS: Final = 16
# Cards of people with an employer.
_EMPLOYED: Final = frozenset({"DN", "HC"})
_EMPLOYERS: Final = ("Công ty TNHH May Hòa Bình", "Công ty CP Thủy sản Long Thạnh", "Trường THCS Lê Lợi")


@dataclass(frozen=True, slots=True)
class Papers:
    """What papers add to an encounter: themselves, and what the visit says of them."""

    documents: Item
    visit: Item


def issue_papers(chart: Chart, *, kind: str, is_ward: bool) -> Papers:
    """Issue the papers of an encounter of some kind (a field of `Mix`)."""
    documents = Item()
    if kind == "day" or is_ward:
        documents |= {"discharge": _discharge(chart), "summary": _summary(chart)}
    if kind == "delivery":
        documents["births"] = _births(chart)
    if kind == "hiv":
        documents["hiv"] = _hiv(chart)
    if kind == "tuberculosis" and _has_further_papers(chart):
        documents["tuberculosis"] = _tuberculosis(chart)
    if kind == "pregnancy":
        documents["pregnancy_leave"] = _pregnancy_leave(chart)
    elif not is_ward and _is_employed(chart) and happens(chart.random, _SICK_LEAVE_SHARE):
        documents["sick_leave"] = _sick_leave(chart)
    onward = _onward(chart, kind=kind, is_ward=is_ward)
    return Papers({**documents, **onward.documents}, onward.visit)


def _onward(chart: Chart, *, kind: str, is_ward: bool) -> Papers:
    """Refer the patient, or make an appointment, or neither."""
    random, is_digital = chart.random, _has_further_papers(chart)
    if kind == "transfer":
        destination = f"{chart.facility[:2]}{random.randrange(100, 1000)}"
        papers: Item = {"referral": _referral(chart)} if is_digital else {}
        return Papers(papers, {"discharge_type": "2", "to_facility": destination})
    if kind != "day" and happens(random, _WARD_FOLLOW_UP_SHARE if is_ward else _FOLLOW_UP_SHARE):
        day = chart.discharged.date() + timedelta(days=random.choice((5, 7, 14, 28, 30)))
        papers = {"appointment": _appointment(chart, day)} if is_digital else {}
        return Papers(papers, {"follow_up": [day.isoformat()]})
    return Papers({}, {})


def _has_further_papers(chart: Chart) -> bool:
    return chart.discharged.date() >= _FURTHER_PAPERS_FROM


def _is_employed(chart: Chart) -> bool:
    return str(chart.person.card["card"])[:2] in _EMPLOYED


def _today(chart: Chart) -> str:
    return chart.discharged.date().isoformat()


def _number(chart: Chart) -> str:
    return f"{chart.random.randrange(1, 100000):05d}/{chart.discharged:%y}"


def _leave(chart: Chart, begins: date, *days: int) -> Mapping[str, object]:
    return {"from": begins.isoformat(), "days": str(chart.random.choice(days))}


def _signed(chart: Chart) -> Item:
    return {"doctor": chart.doctor, "doctor_name": make_name(chart.random, "male")}


def _discharge(chart: Chart) -> Item:
    random = chart.random
    is_child = chart.person.age_years < _CHILD_YEARS
    tomorrow = chart.discharged.date() + timedelta(days=1)
    return {
        "archive_no": _number(chart),
        "department": chart.department,
        "note": "Nghỉ ngơi, uống thuốc theo đơn",
        "leave": _leave(chart, tomorrow, 3, 5, 7) if not is_child and happens(random, _REST_SHARE) else None,
        "father": {"name": make_name(random, "male")} if is_child else None,
        "mother": {"name": make_name(random, "female")} if is_child else None,
        **_signed(chart),
        "issued": _today(chart),
    }


def _summary(chart: Chart) -> Item:
    illness = chart.illness
    findings = [
        f"{item['name']}: {item.get('value') or item.get('conclusion')}" for item in chart.results[:6]
    ]
    return {
        "employer": chart.random.choice(_EMPLOYERS) if _is_employed(chart) else None,
        "course": f"Bệnh nhân vào viện vì {illness.reason.lower()}; được điều trị, tiến triển tốt.",
        "results": "; ".join(findings) or "Không có",
        "issued": _today(chart),
    }


def _births(chart: Chart) -> list[Item]:
    count = 2 if happens(chart.random, _TWINS_SHARE) else 1
    return [_birth(chart, count=count) for _ in range(count)]


def _birth(chart: Chart, *, count: int) -> Item:
    random = chart.random
    sex = random.choice(("male", "female"))
    card = str(chart.person.card["card"])
    born = chart.within(chart.admitted + timedelta(hours=random.uniform(3, 20)))
    return {
        "carer": {
            "national_id_issued": f"{chart.discharged.year - 3}-05-12",
            "national_id_issuer": "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
            "insurance_no": card[-10:],
        },
        "father_name": make_name(random, "male"),
        "temporary_card": f"TE1{chart.facility[:2]}{random.randrange(10**10):010d}",
        "name": make_name(random, sex),
        "sex": sex,
        "weight_g": str(random.randrange(2100 if count > 1 else 2600, 4000, 50)),
        "born": iso(born),
        "place": f"Khoa Sản, cơ sở {chart.facility}",
        "condition": "Khóc ngay, hồng hào",
        "children_born": count,
        "deliveries": str(random.randrange(1, 3)),
        "children_living": str(count + random.randrange(2)),
        "by_surgery": chart.illness.surgery is not None,
        "attendant": make_name(random, "female"),
        "recorder": make_name(random, "female"),
        "number": _number(chart),
        "book": f"{chart.discharged:%m}/{chart.discharged.year}",
        "issued": _today(chart),
    }


def _pregnancy_leave(chart: Chart) -> Item:
    return {
        "serial": f"DT{chart.random.randrange(10**6):06d}",
        "number": _number(chart),
        "employer": chart.random.choice(_EMPLOYERS),
        "diagnosis": f"{chart.illness.name}, cần nghỉ dưỡng thai",
        "leave": _leave(chart, chart.admitted.date(), 7, 14, 30),
        **_signed(chart),
        "issued": _today(chart),
    }


def _sick_leave(chart: Chart) -> Item:
    return {
        "number": _number(chart),
        "serial": f"CT07{chart.random.randrange(10**6):06d}",
        "visit_no": f"KB{chart.random.randrange(10**6):06d}",
        "employer": chart.random.choice(_EMPLOYERS),
        "insurance_no": str(chart.person.card["card"])[-10:],
        "leave": _leave(chart, chart.admitted.date(), 1, 2, 3, 5),
        "form": "CT07",
        "doctor": chart.doctor,
    }


def _referral(chart: Chart) -> Item:
    illness = chart.illness
    lists_what_was_used = chart.discharged.date() < _CONDITION_FROM
    return {
        "file_no": _number(chart),
        "register_no": f"{chart.random.randrange(1, 5000)}",
        "number": f"{chart.random.randrange(1, 5000)}/GCT",
        "signs": f"{illness.reason}; mạch {chart.random.randrange(80, 120)} lần/phút",
        "course": f"Vào viện vì {illness.reason.lower()}, đã điều trị nhưng vượt khả năng chuyên môn",
        "results": "Theo phiếu kết quả kèm theo",
        "treatment": "Thuốc và dịch truyền theo phác đồ",
        "services": "Khám, xét nghiệm máu" if lists_what_was_used else None,
        "condition": None if lists_what_was_used else "Tỉnh, sinh hiệu tạm ổn",
        "reason": "1",
        "onward_treatment": "Chuyển cơ sở chuyên sâu",
        "transport": "Xe cứu thương",
        "escort_name": make_name(chart.random, "female"),
        "escort_title": "Điều dưỡng",
        "doctor": chart.doctor,
    }


def _appointment(chart: Chart, day: date) -> Item:
    return {
        "number": _number(chart),
        "at": f"{day.isoformat()}T08:00",
        "doctor": chart.doctor,
        "issued": _today(chart),
    }


def _hiv(chart: Chart) -> Item:
    today = chart.discharged.date()
    started = (today - timedelta(days=chart.random.randrange(400, 3000))).isoformat()
    care: Item = {
        "confirmed": started,
        "arv_started": started,
        "first_regimen": "1.01",
        "registration_reason": "1",
        "tb_treatment": "0",
        "viral_load_reason": "1",
        "viral_load_sampled": today.isoformat(),
        "viral_load": chart.random.choice(("1", "2", "3")),
        "patient_kind": "1",
        "conditions": ["9"],
        "management": ["1"],
        "arv_from": today.isoformat(),
        "arv_to": (today + timedelta(days=28)).isoformat(),
        "regimen": "1.01",
        "arv_days": "28",
    }
    return {**care, **_hiv_since_4750(chart)} if _has_further_papers(chart) else care


def _hiv_since_4750(chart: Chart) -> Item:
    return {
        "sampled_at": chart.facility,
        "confirmed_at": chart.facility,
        "arv_started_at": chart.facility,
        "tb_screening": "2",
        "tb_outcome": "7",
        "stage": "1",
        "target_group": "11",
    }


def _tuberculosis(chart: Chart) -> Item:
    today = chart.discharged.date()
    return {
        "site": "1",
        "history": "1",
        "hiv": "2",
        "bacteriology": "1",
        "treatment": "2",
        "from": (today - timedelta(days=180)).isoformat(),
        "to": today.isoformat(),
        "regimen": "1",
        "outcome": chart.random.choice(("1", "2")),
    }
