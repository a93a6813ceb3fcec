"""How a medicine is taken, in words: the prescriber's own, else from the structured dose.

LIEU_DUNG is an amount at a time, times a day, and days (Decision 130/QD-BYT, XML2); what that has no
place for, such as meals, days of the week or "when needed", is said in CACH_DUNG.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from claims.emr.fhir.elements import Concept, Dosage, DoseAndRate, Quantity, Range, Ratio, Repeat, Timing
from claims.emr.scalars import plain
from claims.emr.taking import AS_NEEDED, DAY, EVENTS, OTHER_EVENTS, moment_of, times_in, times_of

_PERIODS: Final[Mapping[str, str]] = {
    "s": "giây", "min": "phút", "h": "giờ", "d": "ngày", "wk": "tuần", "mo": "tháng", "a": "năm",
}  # fmt: skip
_DAYS_IN: Final = {"d": 1, "wk": 7}
_MOST_DIGITS: Final = 9
_WEEKDAYS: Final[Mapping[str, str]] = {
    "mon": "thứ Hai", "tue": "thứ Ba", "wed": "thứ Tư", "thu": "thứ Năm", "fri": "thứ Sáu", "sat": "thứ Bảy",
    "sun": "Chủ nhật",
}  # fmt: skip


def dose_words(dosages: tuple[Dosage, ...], supply: Quantity | None = None) -> str | None:
    """Return how much is taken how often (LIEU_DUNG), all dosages of a line joined.

    ``supply`` is how long the medicine lasts, where the only dosage does not say how long it is taken.
    """
    lasts = _in_days(supply) if len(dosages) == 1 else ""
    return "; ".join(dict.fromkeys(words for one in dosages if (words := _one_dose(one, lasts)))) or None


def instruction_words(dosages: tuple[Dosage, ...]) -> str | None:
    """Return what the patient was told, and what LIEU_DUNG has no place for (CACH_DUNG)."""
    told = (", ".join(dict.fromkeys(_instructions(one))) for one in dosages)
    return "; ".join(dict.fromkeys(words for words in told if words)) or None


def _one_dose(dosage: Dosage, lasts: str) -> str:
    if dosage.text and dosage.text.strip():
        return dosage.text.strip()
    often = _often(dosage.timing) if dosage.timing else ""
    length = (_length(dosage.timing) if dosage.timing else "") or lasts
    return " * ".join(part for part in (_amount(dosage), often, length if often else "") if part)


def _instructions(dosage: Dosage) -> Iterator[str]:
    told = (
        dosage.patient_instruction,
        *_all_words((*dosage.additional_instruction, dosage.method, dosage.site)),
    )
    yield from (words.strip() for words in told if words and words.strip())
    if dosage.timing:
        yield from _moments(dosage.timing)
    reasons = list(_all_words((dosage.as_needed_codeable_concept, *dosage.as_needed_for)))
    if reasons or dosage.as_needed_boolean or dosage.as_needed:
        yield f"{AS_NEEDED}: {' / '.join(reasons)}" if reasons else AS_NEEDED
    most = dosage.max_dose_per_period
    for ratio in (most,) if isinstance(most, Ratio) else most or ():
        if words := _ratio(ratio):
            yield f"tối đa {words}"
    for one in dosage.dose_and_rate:
        if words := _rate(one):
            yield f"tốc độ {words}"


def _moments(timing: Timing) -> Iterator[str]:
    """Say when it is taken, as far as LIEU_DUNG does not."""
    repeat, code = timing.repeat, timing.code
    if repeat is None or not _counts(repeat):
        known = _known(code)
        if moment := moment_of(known):
            yield moment
        if known and code and code.text and code.text.upper() != known:
            yield code.text.strip()
    if repeat is None:
        return
    before = f" {plain(repeat.offset or Decimal(0))} phút" if _is_sane(repeat.offset) else ""
    yield from (EVENTS.get(one, OTHER_EVENTS.get(one, one)) + before for one in repeat.when)
    if repeat.time_of_day:
        yield f"lúc {', '.join(clock[:5] for clock in repeat.time_of_day)}"
    if repeat.day_of_week:
        yield f"vào {', '.join(_WEEKDAYS.get(day, day) for day in repeat.day_of_week)}"
    if _is_sane(repeat.count):
        yield f"tổng cộng {plain(repeat.count or Decimal(0))} lần"
    if not _length(timing) and (bounds := _bounds(repeat)):
        yield bounds


def _amount(dosage: Dosage) -> str:
    for one in dosage.dose_and_rate:
        if words := _measured(one.dose_quantity, one.dose_range):
            return f"{words}/lần"
    return ""


def _measured(quantity: Quantity | None, span: Range | None) -> str:
    ends = (span.low, span.high) if span else (quantity,)
    doses = [dose for dose in ends if dose and _is_sane(dose.value)]
    if not doses:
        return ""
    number = "-".join(plain(dose.value or Decimal(0)) for dose in doses)
    return f"{number} {doses[-1].unit or doses[-1].code or ''}".strip()


def _rate(one: DoseAndRate) -> str:
    return _ratio(one.rate_ratio) if one.rate_ratio else _measured(one.rate_quantity, one.rate_range)


def _ratio(ratio: Ratio) -> str:
    above, below = _measured(ratio.numerator, None), _measured(ratio.denominator, None)
    return f"{above}/{below.removeprefix('1 ')}" if above and below else above


def _often(timing: Timing) -> str:
    repeat = timing.repeat
    if repeat is None or not _counts(repeat):
        return _coded(timing.code)
    if not (repeat.frequency and _is_sane(repeat.period)):
        events = _daily_events(repeat)
        return f"{events} lần/{DAY}" if events else f"{_frequency(repeat)} lần"
    period, unit = repeat.period or Decimal(1), repeat.period_unit or ""
    is_exact = repeat.frequency_max is None and repeat.period_max is None
    words = _PERIODS.get(unit, unit)
    if is_exact:
        return times_in(Decimal(repeat.frequency), period, words)
    span = _span(plain(period), repeat.period_max)
    return f"{_frequency(repeat)} lần/{words if span == '1' else f'{span} {words}'}"


def _counts(repeat: Repeat) -> bool:
    """Whether a repeat says how many times: by itself, or by what is once a day."""
    return bool(repeat.frequency or _daily_events(repeat))


def _daily_events(repeat: Repeat) -> int:
    """Return how many clock times or events of every day a repeat names, if it names nothing else."""
    is_daily = not _is_sane(repeat.period) or (repeat.period == 1 and repeat.period_unit == "d")
    events = set(repeat.time_of_day or repeat.when)
    return len(events) if is_daily and (repeat.time_of_day or events <= EVENTS.keys()) else 0


def _frequency(repeat: Repeat) -> str:
    most = None if repeat.frequency_max is None else Decimal(repeat.frequency_max)
    return _span(str(repeat.frequency), most)


def _coded(code: Concept | None) -> str:
    if known := _known(code):
        return times_of(known)
    return _words(code) if code else ""


def _known(code: Concept | None) -> str:
    codes = (one.code or "" for one in code.all_codings()) if code else ()
    return next((one.upper() for one in codes if times_of(one.upper())), "")


def _span(least: str, most: Decimal | None) -> str:
    return f"{least}-{plain(most or Decimal(0))}" if _is_sane(most) else least


def _length(timing: Timing) -> str:
    """Say for how long, in the days on which it is taken where that comes out whole."""
    repeat = timing.repeat
    if repeat is None:
        return ""
    bounds, period, weekdays = repeat.bounds_duration, repeat.bounds_period, len(set(repeat.day_of_week))
    if period and period.start and period.end and len(period.start) == len(period.end) == len("2026-11-02"):
        try:
            days = (date.fromisoformat(period.end) - date.fromisoformat(period.start)).days + 1
        except ValueError:
            return ""
        bounds = Quantity(value=Decimal(days), code="d")
    if not weekdays:
        return _in_days(bounds)
    weeks = _weeks(bounds)
    return f"{plain(weeks * weekdays)} {DAY}" if weeks else ""


def _weeks(length: Quantity | None) -> Decimal | None:
    """Return how many whole weeks a time lasts, if it is so."""
    if length is None or not _is_sane(length.value):
        return None
    weeks, rest = divmod((length.value or Decimal(0)) * _DAYS_IN.get(length.code or "", 0), 7)
    return None if rest else weeks


def _in_days(length: Quantity | None) -> str:
    if length is None or not _is_sane(length.value):
        return ""
    code = length.code or ""
    value = (length.value or Decimal(0)) * _DAYS_IN.get(code, 1)
    unit = DAY if code in _DAYS_IN else _PERIODS.get(code, length.unit or code)
    return f"{plain(value)} {unit}".rstrip()


def _bounds(repeat: Repeat) -> str:
    """Say in other words for how long, where days do not."""
    words = _in_days(repeat.bounds_duration) or _measured(None, repeat.bounds_range)
    number, blank, unit = words.partition(" ")
    if number:
        return f"trong {number}{blank}{_PERIODS.get(unit, unit)}"
    period = repeat.bounds_period
    ends = (("từ", period.start), ("đến", period.end)) if period else ()
    return " ".join(f"{word} {end[:10]}" for word, end in ends if end)


def _all_words(concepts: Iterable[Concept | None]) -> Iterator[str]:
    return (words for one in concepts if one and (words := _words(one)))


def _words(concept: Concept) -> str:
    codes = (one.code for one in concept.all_codings() if one.code)
    return (concept.words() or next(codes, "")).strip()


def _is_sane(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0 and abs(value.adjusted()) < _MOST_DIGITS
