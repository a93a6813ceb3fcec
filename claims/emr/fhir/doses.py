"""How a medicine is taken, in words: the prescriber's own, else from the structured dose."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from claims.emr.fhir.elements import Dosage, Repeat, Timing
from claims.emr.scalars import plain

_PERIODS: Final[Mapping[str, str]] = {
    "s": "giây", "min": "phút", "h": "giờ", "d": "ngày", "wk": "tuần", "mo": "tháng", "a": "năm",
}  # fmt: skip
_MOST_DIGITS: Final = 9


def dose_words(dosages: tuple[Dosage, ...]) -> str | None:
    """Return how much is taken how often (LIEU_DUNG), all dosages of a line joined."""
    return "; ".join(dict.fromkeys(words for one in dosages if (words := _one_dose(one)))) or None


def instruction_words(dosages: tuple[Dosage, ...]) -> str | None:
    """Return what the patient was told (CACH_DUNG)."""
    told = (one.patient_instruction.strip() for one in dosages if one.patient_instruction)
    return "; ".join(dict.fromkeys(words for words in told if words)) or None


def _one_dose(dosage: Dosage) -> str:
    if dosage.text and dosage.text.strip():
        return dosage.text.strip()
    parts = [_amount(dosage), _often(dosage.timing) if dosage.timing else ""]
    return " * ".join(part for part in parts if part)


def _amount(dosage: Dosage) -> str:
    for one in dosage.dose_and_rate:
        ends = (one.dose_range.low, one.dose_range.high) if one.dose_range else (one.dose_quantity,)
        doses = [dose for dose in ends if dose and _is_sane(dose.value)]
        if doses:
            number = "-".join(plain(dose.value or Decimal(0)) for dose in doses)
            return f"{number} {doses[-1].unit or doses[-1].code or ''}".strip() + "/lần"
    return ""


def _often(timing: Timing) -> str:
    repeat = timing.repeat
    if repeat is None or not repeat.frequency or not _is_sane(repeat.period):
        if repeat is not None and repeat.time_of_day:
            return f"{len(repeat.time_of_day)} lần/ngày" + _length(repeat)
        return ((timing.code.words() if timing.code else None) or "").strip()
    unit = _PERIODS.get(repeat.period_unit or "", repeat.period_unit or "")
    period = _span(plain(repeat.period or Decimal(0)), repeat.period_max)
    every = unit if period == "1" else f"{period} {unit}"
    most = None if repeat.frequency_max is None else Decimal(repeat.frequency_max)
    return f"{_span(str(repeat.frequency), most)} lần/{every}" + _length(repeat)


def _span(least: str, most: Decimal | None) -> str:
    return f"{least}-{plain(most or Decimal(0))}" if _is_sane(most) else least


def _length(repeat: Repeat) -> str:
    bounds = repeat.bounds_duration
    if bounds and _is_sane(bounds.value):
        length = _PERIODS.get(bounds.code or "", bounds.unit or bounds.code or "")
        return f" * {plain(bounds.value or Decimal(0))} {length}".rstrip()
    return ""


def _is_sane(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0 and abs(value.adjusted()) < _MOST_DIGITS
