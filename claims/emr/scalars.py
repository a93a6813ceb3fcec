"""The scalar types of an encounter: times, days, codes, texts and decimals, with their validators.

A time is kept as the digits that a claim carries (`yyyyMMddHHmm` at UTC+7, unknown parts zero):
a value with unknown parts is no `datetime`, and the digits sort as time does.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Final, NewType

from pydantic import PlainValidator, StrictBool, StringConstraints
from pydantic_core import PydanticCustomError

from claims.emr import schema_of_scalars as schema

LocalTime = NewType("LocalTime", str)
"""Twelve digits, ``yyyyMMddHHmm`` in Viet Nam, unknown parts zero."""

Day = NewType("Day", str)
"""Eight digits, ``yyyyMMdd`` in Viet Nam."""

CARD_NUMBER: Final = re.compile(r"[A-Z]{2}[0-9][0-9A-Z]{2}[0-9]{10}|[0-9]{10}", re.ASCII)
"""The number of an insurance card: fifteen characters, or the ten of the social insurance alone."""

VIETNAM: Final = timezone(timedelta(hours=7))

_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<clock>\d{2}:\d{2})"
    r"(?::\d{2}(?:\.\d{1,9})?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_DIGITS = re.compile(r"\d{8}(?:\d{4})?", re.ASCII)
_PARTIAL_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:\.(\d+))?", re.ASCII)
_WITHOUT_CLOCK = "0000"
_WHOLE = Decimal(100)
_LARGEST_COUNT = 9999
_NOT_A_TIME = ("not-a-time", "a time is needed: ISO 8601, or yyyyMMddHHmm")
_NOT_A_DATE = ("not-a-date", "a date is needed: ISO 8601, or yyyyMMdd")


def local_time(text: str) -> LocalTime:
    """Move an ISO 8601 or ``yyyyMMddHHmm`` time to Viet Nam; a date alone gets ``0000``.

    Raises:
        ValueError: It is no such time.
    """
    return _local_time(text)


def local_day(text: str) -> Day:
    """Read an ISO 8601 date or ``yyyyMMdd``.

    Raises:
        ValueError: It is no such date.
    """
    return _local_day(text)


@lru_cache(maxsize=8192)
def _local_time(text: str) -> LocalTime:
    if match := _TIME.fullmatch(text):
        moment = datetime.fromisoformat(f"{match['day']}T{match['clock']}{match['offset'] or '+07:00'}")
        try:
            local = moment.astimezone(VIETNAM)
        except OverflowError:
            # The last hours of the year 9999, by which some mean "for ever", are in no year of ours.
            raise ValueError(text) from None
        return LocalTime(f"{local.year:04}{local:%m%d%H%M}")
    if _DIGITS.fullmatch(text):
        padded = text.ljust(12, "0")
        # `strptime` takes one-digit parts, so it must never see fewer digits than these.
        datetime.strptime(padded, "%Y%m%d%H%M").replace(tzinfo=VIETNAM)
        return LocalTime(padded)
    return LocalTime(_iso_day(text) + _WITHOUT_CLOCK)


@lru_cache(maxsize=8192)
def _local_day(text: str) -> Day:
    if _DIGITS.fullmatch(text):
        return Day(_iso_day(f"{text[:4]}-{text[4:6]}-{text[6:8]}"))
    return Day(_iso_day(text[:10] if _TIME.fullmatch(text) else text))


def _iso_day(text: str) -> str:
    match = _PARTIAL_DAY.fullmatch(text)
    if match is None or match[3] is None:
        raise ValueError(text)
    date.fromisoformat(text)
    return text.replace("-", "")


def birth_time(text: str) -> LocalTime:
    """Read a time of birth, of which month, day and clock may be unknown (``1980``, ``198000000000``).

    Raises:
        ValueError: It is no such time.
    """
    if match := _PARTIAL_DAY.fullmatch(text):
        year, month, day = match[1], match[2] or "00", match[3] or "00"
        date(int(year), int(month) or 1, int(day) or 1)
        return LocalTime(f"{year}{month}{day}{_WITHOUT_CLOCK}")
    if _DIGITS.fullmatch(text) and text[6:8] == "00":
        return birth_time(f"{text[:4]}-{text[4:6]}" if text[4:6] != "00" else text[:4])
    return local_time(text)


def as_date(digits: str) -> date:
    """Return the calendar day of a `LocalTime` or `Day` without unknown parts."""
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def plain(number: Decimal) -> str:
    """Write a decimal without exponent and without zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time_field(value: object) -> LocalTime:
    return LocalTime(_read(value, local_time, _NOT_A_TIME))


def _birth_field(value: object) -> LocalTime:
    return LocalTime(_read(value, birth_time, _NOT_A_TIME))


def _day_field(value: object) -> Day:
    return Day(_read(value, local_day, _NOT_A_DATE))


def _day_or_time_field(value: object) -> str:
    if isinstance(value, str) and len(value.strip()) <= len("2026-01-01"):
        return _day_field(value)
    return _time_field(value)


def _read(value: object, reader: Callable[[str], str], fault: tuple[str, str]) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("not-text", "a text is needed")
    try:
        return reader(value.strip())
    except ValueError:
        raise PydanticCustomError(*fault) from None


def _decimal(value: object, places: int) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise PydanticCustomError("not-a-number", "a decimal number is needed, as text or number")
    text = str(value).strip()
    if text.startswith("-"):
        raise PydanticCustomError("negative", "a number below zero is not possible here")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise PydanticCustomError(
            "not-a-number",
            "a plain decimal number of at most 15 digits is needed, with a point and no other mark",
        )
    if len((match[1] or "").rstrip("0")) > places:
        raise PydanticCustomError("too-many-decimals", "the number has more decimals than a claim can carry")
    return Decimal(text)


def _rate(value: object) -> Decimal:
    return _decimal(value, 3)


def _amount(value: object) -> Decimal:
    return _decimal(value, 2)


def _percent(value: object) -> Decimal:
    percent = _decimal(value, 2)
    if percent > _WHOLE:
        raise PydanticCustomError("above-100", "a percent is at most 100")
    return percent


def _count(value: object) -> int:
    count = _decimal(value, 0)
    if count > _LARGEST_COUNT:
        raise PydanticCustomError("too-large", "a number of at most 4 digits is needed")
    return int(count)


def _text_of(value: object) -> str:
    """Take a text or a number as text: laboratory systems send both for a measured value."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return plain(Decimal(value))
    raise PydanticCustomError("not-text", "a text or a number is needed")


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), schema.TEXT]
"""A text that says something."""

OptionalText = Annotated[str, StringConstraints(strip_whitespace=True)] | None

Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\s;]+$"), schema.CODE]
"""One code: no blanks, and no semicolon, which joins codes in a claim."""

FacilityCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{5}$"), schema.FACILITY_CODE]
TimeField = Annotated[LocalTime, PlainValidator(_time_field), schema.TIME]
BirthField = Annotated[LocalTime, PlainValidator(_birth_field), schema.BIRTH]
DayField = Annotated[Day, PlainValidator(_day_field), schema.DAY]
DayOrTimeField = Annotated[str, PlainValidator(_day_or_time_field), schema.DAY_OR_TIME]
Rate = Annotated[Decimal, PlainValidator(_rate), schema.RATE]
"""A quantity or a unit price: at most three decimals."""

Amount = Annotated[Decimal, PlainValidator(_amount), schema.AMOUNT]
"""Money or a weight: at most two decimals."""

Percent = Annotated[Decimal, PlainValidator(_percent), schema.PERCENT]
Count = Annotated[int, PlainValidator(_count), schema.COUNT]
"""How many days, weeks or children."""

TextOrNumber = Annotated[str, PlainValidator(_text_of), schema.TEXT_OR_NUMBER]
Flag = StrictBool
