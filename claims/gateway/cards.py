"""The card look-up on the wire: the question as fields, the answer as a value."""

import re
from collections.abc import Mapping
from typing import Final

from claims.checking.cards import CardQuestion, CardReply
from claims.exchange.ports import CardStaff
from claims.gateway.answers import Answer
from claims.localtime import parse_day

_CODE_LENGTH, _FACILITY_LENGTH = 3, 5
_SEXES: Final[Mapping[str, str]] = {"nam": "1", "nữ": "2", "nu": "2"}
_WRITTEN_DAY: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", re.ASCII)


def write_question(question: CardQuestion, staff: CardStaff) -> Mapping[str, str]:
    """Return the fields of a question, asked in the name of a registered member of the staff."""
    year, month, day = question.born[:4], question.born[4:6], question.born[6:8]
    is_whole = parse_day(question.born) is not None
    return {
        "maThe": question.card,
        "hoTen": question.name,
        "ngaySinh": f"{day}/{month}/{year}" if is_whole else year,
        "hoTenCb": staff.name,
        "cccdCb": staff.citizen_id,
    }


def read_reply(answer: Answer) -> CardReply | None:
    """Return what the register said; None when the answer does not speak the protocol."""
    if answer.code is None:
        return None
    fields = {
        name: str(value).strip() for name, value in answer.fields.items() if isinstance(value, str | int)
    }
    return CardReply(
        # Some stacks send numbers, which have lost their zeros.
        code=answer.code.zfill(_CODE_LENGTH),
        sex=_SEXES.get(fields.get("gioiTinh", "").lower(), ""),
        valid_from=_day(fields.get("gtTheTu", "")),
        valid_to=_day(fields.get("gtTheDen", "")),
        registered_at=_facility(fields.get("maDKBD", "")),
        five_years_on=_day(fields.get("ngayDu5Nam", "")),
        new_card=fields.get("maTheMoi", ""),
        new_valid_from=_day(fields.get("gtTheTuMoi", "")),
    )


def _facility(code: str) -> str:
    return code.zfill(_FACILITY_LENGTH) if code.isdigit() else code


def _day(text: str) -> str:
    """Return a day as ``yyyyMMdd``; the register writes it so or with slashes. Anything else says nothing."""
    written = _WRITTEN_DAY.fullmatch(text)
    digits = f"{written[3]}{written[2]:0>2}{written[1]:0>2}" if written else text
    return digits if parse_day(digits) is not None and len(digits) == len("yyyyMMdd") else ""
