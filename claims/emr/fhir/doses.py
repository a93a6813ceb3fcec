"""How a medicine is taken, in words: the prescriber's own, else from the structured dose."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from claims.emr.fhir.elements import Dosage, Repeat
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
    parts = [_amount(dosage), _often(dosage.timing.repeat if dosage.timing else None)]
    return " * ".join(part for part in parts if part)


def _amount(dosage: Dosage) -> str:
    dose = next((one.dose_quantity for one in dosage.dose_and_rate if one.dose_quantity), None)
    if dose is None or not _is_sane(dose.value):
        return ""
    number = plain(dose.value or Decimal(0))
    return f"{number} {dose.unit or dose.code or ''}".strip() + "/lần"


def _often(repeat: Repeat | None) -> str:
    if repeat is None or not repeat.frequency or not _is_sane(repeat.period):
        return ""
    unit = _PERIODS.get(repeat.period_unit or "", repeat.period_unit or "")
    period = plain(repeat.period or Decimal(0))
    every = unit if period == "1" else f"{period} {unit}"
    words = f"{repeat.frequency} lần/{every}"
    bounds = repeat.bounds_duration
    if bounds and _is_sane(bounds.value):
        length = _PERIODS.get(bounds.code or "", bounds.unit or bounds.code or "")
        words += f" * {plain(bounds.value or Decimal(0))} {length}".rstrip()
    return words


def _is_sane(value: Decimal | None) -> bool:
    return value is not None and value.is_finite() and value > 0 and abs(value.adjusted()) < _MOST_DIGITS
