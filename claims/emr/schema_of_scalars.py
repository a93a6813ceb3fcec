"""What a JSON Schema can say of the scalars of an encounter: the forms accepted, blanks around them included.

The calendar, and how many decimals a JSON number has, are beyond it.
"""

from typing import Any, Final

from pydantic import WithJsonSchema

_MONTH: Final = "(?:0[1-9]|1[0-2])"
_DAY: Final = "(?:0[1-9]|[12][0-9]|3[01])"
_HOUR, _MINUTE = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_ISO_DAY: Final = f"[0-9]{{4}}-{_MONTH}-{_DAY}"
_DIGITS: Final = f"[0-9]{{4}}{_MONTH}{_DAY}"
_REST: Final = r"(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_TIME: Final = f"{_ISO_DAY}(?:[T ]{_HOUR}:{_MINUTE}{_REST})?|{_DIGITS}(?:{_HOUR}{_MINUTE})?"
# Where a day is needed, nobody looks at the clock of a time.
_DAY_OF_TIME: Final = f"{_ISO_DAY}(?:[T ][0-9]{{2}}:[0-9]{{2}}{_REST})?|{_DIGITS}(?:[0-9]{{4}})?"
_PARTLY_UNKNOWN: Final = (
    "[0-9]{4}(?:-(?:0[0-9]|1[0-2])(?:-(?:[0-2][0-9]|3[01]))?)?|[0-9]{4}(?:0[0-9]|1[0-2])00(?:[0-9]{4})?"
)
_MOST_DIGITS: Final = 15


def _text(title: str, description: str, pattern: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "string",
        "pattern": rf"^\s*(?:{pattern})\s*$",
    }


def _number(title: str, description: str, *, places: int, most: int | None = None) -> dict[str, Any]:
    fraction = rf"(?:\.[0-9]{{1,{places}}}0*)?" if places else r"(?:\.0+)?"
    whole = f"[0-9]{{1,{len(str(most)) if most else _MOST_DIGITS}}}"
    # Zeros in front say nothing, but count among the digits.
    text = _text(title, "", f"0*{whole}{fraction}")["pattern"]
    limit = {"exclusiveMaximum": 10**_MOST_DIGITS} if most is None else {"maximum": most}
    as_number = {"type": "number", "minimum": 0, **limit, **({} if places else {"multipleOf": 1})}
    return {
        "title": title,
        "description": description,
        "anyOf": [as_number, {"type": "string", "pattern": text}],
    }


TEXT: Final = WithJsonSchema(
    {"title": "Text", "description": "A text that says something.", "type": "string", "pattern": r"\S"}
)
CODE: Final = WithJsonSchema(
    _text("Code", "One code: no blanks, and no semicolon, which joins codes in a claim.", r"[^\s;]+")
)
FACILITY_CODE: Final = WithJsonSchema(
    {
        "title": "FacilityCode",
        "description": "The five characters of a facility.",
        "type": "string",
        "pattern": "^[0-9A-Z]{5}$",
    }
)
TIME: Final = WithJsonSchema(
    _text(
        "Time",
        "A time: ISO 8601 (moved to UTC+7; local without an offset) or yyyyMMddHHmm. A date alone is 00:00.",
        _TIME,
    )
)
BIRTH: Final = WithJsonSchema(
    _text(
        "TimeOfBirth",
        "A time or day of birth; a year or month alone if no more is known.",
        f"{_TIME}|{_PARTLY_UNKNOWN}",
    )
)
DAY: Final = WithJsonSchema(_text("Day", "A day: ISO 8601 or yyyyMMdd.", _DAY_OF_TIME))
DAY_OR_TIME: Final = WithJsonSchema(
    _text("DayOrTime", "A day or, where it begins within one, a time.", _TIME)
)
RATE: Final = WithJsonSchema(_number("Rate", "A quantity or a unit price: at most three decimals.", places=3))
AMOUNT: Final = WithJsonSchema(_number("Amount", "Money or a weight: at most two decimals.", places=2))
PERCENT: Final = WithJsonSchema(
    _number("Percent", "A percent: at most 100, with at most two decimals.", places=2, most=100)
)
COUNT: Final = WithJsonSchema(_number("Count", "A whole number of at most four digits.", places=0, most=9999))
TEXT_OR_NUMBER: Final = WithJsonSchema(
    {
        "title": "TextOrNumber",
        "description": "A text, or a number that is written as it stands.",
        "type": ["string", "number"],
    }
)

SCALARS: Final = (
    TEXT,
    CODE,
    FACILITY_CODE,
    TIME,
    BIRTH,
    DAY,
    DAY_OR_TIME,
    RATE,
    AMOUNT,
    PERCENT,
    COUNT,
    TEXT_OR_NUMBER,
)
