"""What is done in synthetic encounters: an out-patient visit, a day, a stay on a ward."""

from datetime import datetime, time, timedelta
from typing import Final

from claims.emr.synthetic.care import ACTS, DRUGS
from claims.emr.synthetic.chart import Chart
from claims.emr.synthetic.people import happens

CHILD_YEARS: Final = 16
_COMMON_DRUGS: Final = (
    "paracetamol",
    "omeprazole",
    "loratadine",
    "acetylcysteine",
    "ibuprofen",
    "glucosamine",
)
# What a hospital keeps apart (HIV, tuberculosis, childbirth) is not given by chance.
_WARD_DRUGS: Final = tuple(sorted(DRUGS.keys() - {"arv", "anti-tuberculosis", "oxytocin", "progesterone"}))
_DAILY_TESTS: Final = ("glucose", "electrolytes", "creatinine", "urea", "crp", "blood-count", "ast", "alt")
_SECOND_EXAM_SHARE, _SECOND_EXAM_PERCENT = 0.04, 30


def treat_as_outpatient(chart: Chart, *, is_emergency: bool, with_tests: bool) -> None:
    """Examine, perhaps test, and prescribe."""
    random = chart.random
    is_child = chart.person.age_years < CHILD_YEARS
    begun = chart.admitted + timedelta(minutes=random.randrange(3, 20))
    chart.act("exam-emergency" if is_emergency else _exam(chart), begun)
    if not is_child and not is_emergency and happens(random, _SECOND_EXAM_SHARE):
        # The second exam of a day is paid at a lower percent (Decision 697, part IV).
        chart.act("exam-surgical", begun + timedelta(minutes=20), percent=_SECOND_EXAM_PERCENT)
    ordered = begun + timedelta(minutes=random.randrange(4, 15))
    usual = list(chart.illness.acts)
    if with_tests:
        acts = usual + random.sample(
            ("glucose", "urea", "creatinine", "ast", "alt", "urine", "blood-count"), random.randrange(2, 6)
        )
    else:
        acts = random.sample(usual, min(len(usual), random.choice((0, 0, 1, 1, 2))))
    for act in dict.fromkeys(acts):
        chart.act(act, ordered)
    if is_emergency:
        chart.supply("syringe", ordered)
        chart.supply("gauze", ordered)
    prescribed = chart.discharged - timedelta(minutes=random.randrange(10, 25))
    days = random.choice((5, 5, 7, 7, 10, 14, 28)) if chart.illness.ages[0] >= CHILD_YEARS else 5
    extra = random.sample(_COMMON_DRUGS, random.choices(range(6), (3, 4, 3, 1, 1, 1))[0])
    for drug in dict.fromkeys((*chart.illness.drugs, *(() if is_child else extra))):
        chart.medicine(drug, prescribed, days=days)


def _exam(chart: Chart) -> str:
    if chart.person.age_years < CHILD_YEARS:
        return "exam-child"
    return "exam-obstetric" if chart.illness.sex == "female" else "exam-internal"


def treat_for_a_day(chart: Chart) -> None:
    """Treat from morning to evening."""
    random = chart.random
    begun = chart.admitted + timedelta(minutes=15)
    chart.act("exam-internal", begun)
    for act in dict.fromkeys(
        (*chart.illness.acts, "blood-count", "electrolytes", "glucose", "creatinine", "urea", "ast", "alt")
    ):
        chart.act(act, begun + timedelta(minutes=10))
    chart.bed(chart.admitted, "day-bed")
    for supply in ("syringe", "infusion-set", "catheter", "gauze"):
        chart.supply(supply, begun + timedelta(minutes=20))
    for drug in dict.fromkeys((*chart.illness.drugs, "saline", "ringer", *_COMMON_DRUGS[:4])):
        chart.medicine(drug, begun + timedelta(minutes=30 + random.randrange(30)), days=1)
    chart.note(begun, "Người bệnh tỉnh, tiếp xúc tốt")
    chart.note(chart.discharged - timedelta(minutes=30), "Sinh hiệu ổn, cho về")


def treat_on_ward(chart: Chart, *, per_day_extra: int) -> None:
    """Treat day by day; ``per_day_extra`` makes the days of intensive care."""
    random = chart.random
    chart.act("exam-emergency", chart.admitted + timedelta(minutes=5))
    for act in chart.illness.acts:
        chart.act(act, chart.admitted + timedelta(minutes=30))
    chart.note(chart.admitted + timedelta(minutes=45), f"Nhập viện vì {chart.illness.reason.lower()}")
    if chart.illness.surgery:
        _operate(chart, chart.illness.surgery, chart.admitted + timedelta(hours=6))
    stay = (chart.discharged.date() - chart.admitted.date()).days
    for day in range(stay):
        morning = datetime.combine(chart.admitted.date() + timedelta(days=day), time(7, random.randrange(60)))
        _ward_day(chart, chart.within(max(morning, chart.admitted + timedelta(minutes=50))), per_day_extra)
    chart.note(chart.discharged - timedelta(minutes=50), "Tình trạng ổn định, cho ra viện")


def _ward_day(chart: Chart, morning: datetime, extra: int) -> None:
    random = chart.random
    chart.bed(morning, "bed")
    for drug in dict.fromkeys((*chart.illness.drugs, "saline", *random.sample(_WARD_DRUGS, 3 + extra // 4))):
        chart.medicine(drug, morning + timedelta(minutes=random.randrange(5, 50)), days=1)
    for act in random.sample(_DAILY_TESTS, 2 + extra // 6):
        chart.act(act, morning + timedelta(minutes=random.randrange(5, 30)))
    for supply in ("syringe", "infusion-set", "catheter", "gauze"):
        chart.supply(supply, morning + timedelta(minutes=random.randrange(10, 60)))
    if chart.illness.surgery:
        chart.act("dressing", morning + timedelta(hours=1))
    for _ in range(extra // 3):
        chart.act("nebulizer", morning + timedelta(minutes=random.randrange(60, 600)))
    chart.note(
        morning,
        random.choice(("Tỉnh, đỡ mệt", "Còn ho ít, ăn được", "Giảm đau, sốt nhẹ về chiều", "Ngủ được")),
    )
    if happens(random, 0.6):
        chart.note(morning + timedelta(hours=7), "Sinh hiệu ổn, tiếp tục theo dõi")


def _operate(chart: Chart, surgery: str, at: datetime) -> None:
    at = chart.within(at)
    chart.act(surgery, at)
    chart.supply("gauze", at)
    if surgery == "forearm":
        chart.supply("bone-plate", at, package="G1")
        chart.supply("bone-screw", at, package="G1")
    if surgery in {"appendix", "gallbladder"}:
        chart.supply("endoscope-sheath", at)
    chart.note(at + timedelta(hours=2), "Sau mổ, mạch và huyết áp ổn", operation=ACTS[surgery].name)
