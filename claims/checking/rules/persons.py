"""Rules that hold who the person is beside what is claimed for them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from claims.bundle.kinds import TableKind
from claims.checking.rules.rule import Hit, Screen, rule
from claims.checking.rules.visits import age_in_years, born_on, days_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim

_MALE, _FEMALE = "1", "2"
#: Middle names that nearly always tell.
_MIDDLE_NAMES: Final = {"THỊ": _FEMALE, "VĂN": _MALE}
_NEWBORN: Final = "1.7"
_NEWBORN_DAYS: Final = 30
_OLDEST: Final = 122
_CITIZEN_NUMBER: Final = re.compile("[0-9]{12}", re.ASCII)
_VIETNAM: Final = "000"
#: MA_DOITUONG_KCB of those who came without being sent, to another facility than their own.
_SELF_REFERRED: Final = ("1.11", "1.12", "1.13", "1.14", "1.15", "1.18", "3.1", "3.2", "3.4", "3.5")
_FORCES: Final = ("QN", "CA", "CY")
_SCOPE_OF_FORCES: Final = frozenset({"3"})


@rule("XML1.NAME_SEX_HINT")
def find_names_of_the_other_sex(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A middle name that nearly always tells the sex agrees with it."""
    summary = claim.summary_row
    words = () if summary is None else unicodedata.normalize("NFC", summary["HO_TEN"]).upper().split()[1:-1]
    told = {_MIDDLE_NAMES[word] for word in words if word in _MIDDLE_NAMES}
    if summary is not None and len(told) == 1 and {_MALE, _FEMALE} - told == {summary["GIOI_TINH"]}:
        yield Hit(summary, "GIOI_TINH")


@rule("XML1.CCCD_PERSON", Screen((TableKind.XML1,), ("SO_CCCD",), _CITIZEN_NUMBER.fullmatch))
def find_citizen_numbers_of_somebody_else(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A citizen number tells sex and year of birth: its fourth digit, and the next two."""
    summary = claim.summary_row
    if (
        summary is None
        or summary["MA_QUOCTICH"] != _VIETNAM
        or not _CITIZEN_NUMBER.fullmatch(summary["SO_CCCD"])
    ):
        return
    century_and_sex, year = int(summary["SO_CCCD"][3]), summary["SO_CCCD"][4:6]
    if summary["GIOI_TINH"] == (_MALE if century_and_sex % 2 else _FEMALE):
        yield Hit(summary, "GIOI_TINH")
    if (born := born_on(summary)) and born[:4] != f"{19 + century_and_sex // 2}{year}":
        yield Hit(summary, "NGAY_SINH")


@rule("XML1.AGE", Screen((TableKind.XML1,), ("NGAY_SINH",), lambda born: born < "1950"))
def find_people_older_than_anybody(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Nobody is older than the oldest who ever lived: a year of birth with a wrong century."""
    summary = claim.summary_row
    if summary is None or not (born := born_on(summary)) or not (arrived := summary.day("NGAY_VAO")):
        return
    age = age_in_years(born, arrived)
    if age > _OLDEST:
        yield Hit(summary, "NGAY_SINH", (("given", str(age)),))


@rule("ELIG.ROUTE_MISMATCH", Screen((TableKind.XML1,), ("MA_DOITUONG_KCB",), _SELF_REFERRED.__contains__))
def find_self_referral_to_ones_own_facility(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """Who is registered at a facility does not come there off the route."""
    summary = claim.summary_row
    if summary is None or summary["MA_DOITUONG_KCB"] not in _SELF_REFERRED:
        return
    if summary["MA_CSKCB"] and summary["MA_CSKCB"] in summary.items_of("MA_DKBD"):
        yield Hit(summary, "MA_DOITUONG_KCB", (("given", summary["MA_DOITUONG_KCB"]),))


@rule("ELIG.NEWBORN_CATEGORY", Screen((TableKind.XML1,), ("MA_DOITUONG_KCB",), _NEWBORN.__eq__))
def find_newborns_that_are_older(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """The category of newborns is for the days after birth."""
    summary = claim.summary_row
    if summary is None or summary["MA_DOITUONG_KCB"] != _NEWBORN:
        return
    born, arrived = summary.day("NGAY_SINH"), summary.day("NGAY_VAO")
    if born and arrived and born <= arrived and days_between(born, arrived) > _NEWBORN_DAYS:
        yield Hit(summary, "MA_DOITUONG_KCB", (("days", str(days_between(born, arrived))),))


@rule(
    "CARD.FORCE_PREFIX", Screen((TableKind.XML2, TableKind.XML3), ("PHAM_VI",), _SCOPE_OF_FORCES.__contains__)
)
def find_scope_of_forces_with_other_cards(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """What is paid beyond the common scope is paid for the army, the police and cipher staff alone."""
    summary = claim.summary_row
    if summary is None or any(card.startswith(_FORCES) for card in summary.items_of("MA_THE_BHYT")):
        return
    for kind in (TableKind.XML2, TableKind.XML3):
        yield from (Hit(row, "PHAM_VI") for row in claim.rows_of(kind, "PHAM_VI", _SCOPE_OF_FORCES))


@rule("XML9.ONE_PER_CHILD", Screen((TableKind.XML9,)))
def find_children_with_two_certificates(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A child has one certificate of birth."""
    seen: set[tuple[str, ...]] = set()
    for row in claim.rows(TableKind.XML9):
        names = ("HO_TEN_CON", "NGAY_SINH_CON", "GIOI_TINH_CON", "CAN_NANG_CON", "SO_CON", "SO")
        child = tuple(row[name].strip() for name in names[:-1])
        if child[0] and child in seen:
            yield Hit(row, "HO_TEN_CON")
        seen.add(child)
