"""Rules of practitioners: how their codes are written, and what the facility's list says of each.

What a row of the list does not say is not judged; where a code has several rows, any may fit.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from claims.bundle.kinds import TableKind
from claims.catalogues.items import Kind, StaffItem
from claims.checking.practice import practice_on
from claims.checking.rules.rule import Hit, rule
from claims.checking.values import split_items
from claims.localtime import parse_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from claims.checking.known import Known
    from claims.checking.tables import CheckedClaim, Row

_EXAMS: Final = frozenset({"13"})
#: Where practitioners stand, with the time at which they did it.
_ORDERED: Final = ((TableKind.XML2, "MA_BAC_SI", "NGAY_YL"), (TableKind.XML3, "MA_BAC_SI", "NGAY_YL"))
_DONE: Final = ((TableKind.XML3, "NGUOI_THUC_HIEN", "NGAY_TH_YL"),)
_READ: Final = ((TableKind.XML4, "MA_BS_DOC_KQ", "NGAY_KQ"),)
_NOTED: Final = ((TableKind.XML5, "NGUOI_THUC_HIEN", "THOI_DIEM_DBLS"),)


_Places: TypeAlias = tuple[tuple[TableKind, str, str], ...]


class _Act(NamedTuple):
    row: Row
    field: str
    time: str
    day: date
    person: str


@rule("STAFF.CODE_FORMAT")
def find_misspelled_practitioners(claim: CheckedClaim, _: Known) -> Iterator[Hit]:
    """A practitioner's code is written in one of the known forms. One hit a code, at its first place."""
    forms = practice_on(claim.on).practitioner_codes
    places = (*_ORDERED, *_DONE, *_READ, *_NOTED)
    if not any(
        _are_misspelled(forms, people) for kind, field, _ in places for people in claim.values(kind, field)
    ):
        return
    seen: set[str] = set()
    for kind, field, _time in places:
        for row in claim.rows_where(kind, partial(_are_misspelled, forms), field):
            people = [one for one in row.items_of(field) if one not in seen]
            seen.update(people)
            yield from (Hit(row, field) for one in people if not _is_written_well(one, forms))


@rule("STAFF.LICENCE_VALID")
def find_lapsed_licences(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Whoever ordered, did or read something was licensed on that day. One hit a code and field."""
    places = (*_ORDERED, *_DONE, *_READ)
    if not known.says(Kind.STAFF, "licence_from", "licence_to", "withdrawn_on"):
        return
    lapsed = {on_day for on_day in _people(claim, places) if _is_lapsed(known, *on_day)}
    seen: set[tuple[str, TableKind, str]] = set()
    for act in _acts(claim, places) if lapsed else ():
        key = act.person, act.row.kind, act.field
        if (act.person, act.day) in lapsed and key not in seen:
            seen.add(key)
            yield Hit(act.row, act.field, (("day", act.day.isoformat()),))


@rule("STAFF.SCOPE")
def find_services_out_of_scope(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """A service is within the scope of practice of one of those who did it."""
    if not known.says(Kind.STAFF, "scope"):
        return
    scopes_of = {on_day: _scope(known, *on_day) for on_day in _people(claim, _DONE)}
    for row in claim.rows(TableKind.XML3) if any(scopes_of.values()) else ():
        code, team = row["MA_DICH_VU"], row.items_of("NGUOI_THUC_HIEN")
        if not code or row["MA_VAT_TU"] or not team:
            continue
        day = parse_day(row["NGAY_TH_YL"]) or claim.on
        scopes = [scopes_of[person, day] for person in team]
        if all(scopes) and not any(code.startswith(scope) for scope in scopes):
            yield Hit(row, "NGUOI_THUC_HIEN", (("code", code[:50]),))


@rule("STAFF.WORKING_TIME")
def find_work_off_duty(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Whoever ordered or did something was on duty then. One hit for all that a person did in one minute."""
    places = (*_ORDERED, *_DONE)
    if not known.says(Kind.STAFF, "leave", "working_hours"):
        return
    listed_on = {on_day: _listed(known, *on_day) for on_day in _people(claim, places)}
    seen: set[tuple[str, str]] = set()
    for act in _acts(claim, places):
        if (act.person, act.time) in seen or act.row.moment(_time_field(act)) is None:
            continue
        seen.add((act.person, act.time))
        listed = listed_on[act.person, act.day]
        if listed and not any(_is_on_duty(one, act.day, act.time) for one in listed):
            yield Hit(act.row, act.field, (("time", _shown(act.time)),))


@rule("STAFF.SPECIALTY_EXAM")
def find_exams_of_other_specialties(claim: CheckedClaim, known: Known) -> Iterator[Hit]:
    """Who examines does so in the listed departments, or else within one specialty."""
    first: dict[str, str] = {}
    for row in claim.rows_of(TableKind.XML3, "MA_NHOM", _EXAMS):
        day, specialty = parse_day(row["NGAY_YL"]) or claim.on, row["MA_DICH_VU"].partition(".")[0]
        for person in row.items_of("MA_BAC_SI"):
            listed = {code for one in _listed(known, person, day) for code in one.exam_departments}
            is_other = first.setdefault(person, specialty) != specialty
            if row["MA_KHOA"] not in listed if listed else is_other:
                yield Hit(row, "MA_BAC_SI", (("department", row["MA_KHOA"][:20]),))
                break


def _people(claim: CheckedClaim, where: _Places) -> set[tuple[str, date]]:
    """Return who did something and on which day, each once: few did all of it."""
    return {
        (person, day)
        for kind, field, time in where
        for people, day in set(zip(claim.column(kind, field), claim.days(kind, time), strict=True))
        for person in split_items(people)
    }


def _acts(claim: CheckedClaim, where: _Places) -> Iterator[_Act]:
    for kind, field, time in where:
        for row, day in zip(claim.rows(kind), claim.days(kind, time), strict=True):
            for person in row.items_of(field):
                yield _Act(row, field, row[time], day, person)


def _time_field(act: _Act) -> str:
    return "NGAY_YL" if act.field == "MA_BAC_SI" else "NGAY_TH_YL"


def _listed(known: Known, person: str, day: date) -> tuple[StaffItem, ...]:
    """Return the rows of the list in force; none where STAFF.APPROVED misses the person."""
    entries = () if known.catalogue is None else known.catalogue.find_items(Kind.STAFF, person, day)
    return tuple(entry for entry in entries if isinstance(entry, StaffItem))


def _is_lapsed(known: Known, person: str, day: date) -> bool:
    listed = _listed(known, person, day)
    return bool(listed) and not any(one.is_licensed(day) for one in listed)


def _scope(known: Known, person: str, day: date) -> tuple[str, ...]:
    """Return what the codes of permitted services begin with; nothing where a row does not say."""
    listed = _listed(known, person, day)
    return tuple(code for one in listed for code in one.scope) if all(one.scope for one in listed) else ()


def _is_on_duty(one: StaffItem, day: date, time: str) -> bool:
    if any(period.covers(day) for period in one.leave):
        return False
    hour = f"{time[8:10]}:{time[10:12]}"
    return not one.working_hours or any(shift.covers(day, hour) for shift in one.working_hours)


def _shown(time: str) -> str:
    return f"{time[6:8]}/{time[4:6]}/{time[:4]} {time[8:10]}:{time[10:12]}"


@lru_cache(maxsize=1024)
def _are_misspelled(forms: frozenset[str], people: str) -> bool:
    return not all(_is_written_well(one, forms) for one in split_items(people))


def _is_written_well(code: str, forms: frozenset[str]) -> bool:
    return any(re.fullmatch(form, code) for form in forms)
