"""The stand-in's register of cards: a table of made-up persons, and an answer to whoever asks about one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from claims.checking.cards import load_results
from claims.gateway.mock.options import read_rows
from claims.gateway.mock.wire import Result

_CARD: Final = re.compile(r"[A-Z]{2}[1-5][0-9]{12}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{10}|[0-9]{12}", re.ASCII)
_SEXES: Final[Mapping[str, str]] = {"1": "Nam", "2": "Nữ", "3": "Chưa xác định"}
#: What every answer has beside its code, whether it says anything or not.
_TEXTS: Final = (
    "ghiChu", "maThe", "hoTen", "ngaySinh", "gioiTinh", "diaChi", "maDKBD", "cqBHXH", "gtTheTu", "gtTheDen",
    "maKV", "ngayDu5Nam", "maSoBHXH", "maTheCu", "maTheMoi", "gtTheTuMoi", "gtTheDenMoi", "maDKBDMoi",
    "tenDKBDMoi",
)  # fmt: skip
_LISTS: Final = ("dsLichSuKCB2018", "dsLichSuKT2018")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRecord:
    """A row of ``cards.csv``.

    Attributes:
        born: ``dd/mm/yyyy`` or ``yyyy``.
        valid_from: ``yyyy-mm-dd``; the other days likewise, empty where there is none.
        code: What is answered whatever else the row says, such as 110; empty: what follows from the row.
    """

    card: str
    name: str = ""
    born: str = ""
    sex: str = ""
    valid_from: str = ""
    valid_to: str = ""
    registered_at: str = ""
    five_years_on: str = ""
    new_card: str = ""
    new_valid_from: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class CardRegister:
    """The cards that the stand-in knows; without a table it takes every card for right.

    Attributes:
        staff: Facility, name and citizen number of those who may ask; empty: anybody may.
    """

    cards: Mapping[str, CardRecord] | None = None
    staff: Sequence[tuple[str, str, str]] = ()

    @classmethod
    def load(cls, folder: Path) -> "CardRegister":
        """Read ``cards.csv`` and ``card_staff.csv`` of a folder, as far as they are there."""
        cards, staff = folder / "cards.csv", folder / "card_staff.csv"
        records = [CardRecord(**row) for row in read_rows(cards)] if cards.exists() else None
        return cls(
            None if records is None else {record.card: record for record in records},
            [(row["facility"], row["name"], row["citizen_id"]) for row in read_rows(staff)]
            if staff.exists()
            else (),
        )

    def knows(self, card: str) -> bool:
        """Whether there is such a card."""
        return self.cards is None or card in self.cards

    def answer(
        self, facility: str, asked: Mapping[str, str], today: date, *, needs_staff: bool = True
    ) -> Result:
        """Answer a question of a facility; the older look-ups do not ask in whose name."""
        card = asked.get("maThe", "")
        refusal = self._refuse_staff(facility, asked) if needs_staff else None
        if refusal is not None:
            return _answer(refusal)
        if not asked.get("hoTen") or not asked.get("ngaySinh"):
            return _answer("205")
        if not (_CARD.fullmatch(card) or _NUMBER.fullmatch(card)):
            return _answer("051")
        if self.cards is None:
            return _answer("000", maThe=card, hoTen=asked["hoTen"], ngaySinh=asked["ngaySinh"])
        record = self.cards.get(card)
        return _answer("050") if record is None else _describe(record, asked, today)

    def _refuse_staff(self, facility: str, asked: Mapping[str, str]) -> str | None:
        if not self.staff:
            return None
        names = {
            name for at, name, number in self.staff if (at, number) == (facility, asked.get("cccdCb", ""))
        }
        if not names:
            return "054"
        return None if _plain(asked.get("hoTenCb", "")) in map(_plain, names) else "055"


def _describe(record: CardRecord, asked: Mapping[str, str], today: date) -> Result:
    return _answer(
        record.code or _judge(record, asked, today),
        maThe=record.card,
        hoTen=record.name,
        ngaySinh=record.born,
        gioiTinh=_SEXES.get(record.sex, ""),
        maDKBD=record.registered_at,
        gtTheTu=_written(record.valid_from),
        gtTheDen=_written(record.valid_to),
        ngayDu5Nam=_written(record.five_years_on),
        maTheMoi=record.new_card,
        gtTheTuMoi=_written(record.new_valid_from),
    )


def _answer(code: str, **said: str) -> Result:
    known = load_results().get(code)
    note = "" if known is None else known.meaning["vi"]
    return Result(
        code, {**dict.fromkeys(_TEXTS, ""), **{name: [] for name in _LISTS}, "ghiChu": note, **said}
    )


def _judge(record: CardRecord, asked: Mapping[str, str], today: date) -> str:
    if record.name and _plain(asked["hoTen"]) != _plain(record.name):
        return "061" if _initials(asked["hoTen"]) == _initials(record.name) else "060"
    if record.born and asked["ngaySinh"] not in {record.born, record.born[-4:]}:
        return "070"
    has_ended = bool(record.valid_to) and date.fromisoformat(record.valid_to) < today
    if record.new_card:
        return "003" if has_ended else "004"
    return "010" if has_ended else "000"


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _initials(name: str) -> str:
    return "".join(word[0] for word in _plain(name).split())


def _written(day: str) -> str:
    return f"{date.fromisoformat(day):%d/%m/%Y}" if day else ""
