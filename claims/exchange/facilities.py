"""Facilities: what each is called, registered one by one or from a list, such as a province has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claims.catalogues.columns import list_specs
from claims.catalogues.items import Entry
from claims.catalogues.problems import CatalogueProblem, Weight
from claims.catalogues.reading import read_file
from claims.exchange.submission import FacilityCode

#: The action of the table of rights.
MANAGE: Final = "facility.manage"
LONGEST_NAME: Final = 255
_CODE: Final = re.compile(r"[0-9A-Z]{5}", re.ASCII)


def find_code(text: str) -> FacilityCode | None:
    """Return what somebody typed as a facility's code (MA_CSKCB), if it is one."""
    code = text.strip().upper()
    return FacilityCode(code) if _CODE.fullmatch(code) else None


def find_name(text: str) -> str | None:
    """Return what somebody typed as a facility's name, if it can be one."""
    name = " ".join(text.split())
    return name if name and name.isprintable() and len(name) <= LONGEST_NAME else None


@dataclass(frozen=True, slots=True)
class Facility:
    """A registered facility.

    Attributes:
        gateway_username: Its account at the gateway; None: it has given none, and nothing of it is sent.
        has_card_staff: It is known in whose name it looks up cards.
    """

    code: FacilityCode
    name: str
    gateway_username: str | None
    has_card_staff: bool


@dataclass(frozen=True, slots=True)
class FacilityList:
    """Facilities by code, and what was wrong with the file that they came from."""

    names: Mapping[FacilityCode, str]
    problems: tuple[CatalogueProblem, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether something was left out; then nothing of it should be registered."""
        return any(problem.weight is Weight.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Registered:
    """What registering facilities came to."""

    added: int = 0
    renamed: int = 0
    unchanged: int = 0


def read_facility_list(path: Path, name: str) -> FacilityList:
    """Read a list (CSV, XLSX) with columns ``MA_CSKCB`` and ``TEN_CSKCB``; ``name`` is what to call it."""
    read = read_file(path, name, list_specs()["facilities"], approved=True)
    problems, names = list(read.problems), dict[FacilityCode, str]()
    for entry in read.entries:
        code, called = find_code(entry.code), find_name(entry.name)
        if code is None:
            problems.append(_problem(entry, "facility-code", value=entry.code))
        elif called is None:
            problems.append(_problem(entry, "facility-name", value=code))
        elif names.setdefault(code, called) != called:
            problems.append(_problem(entry, "facility-twice", value=code))
    problems.sort(key=lambda one: one.row or 0)
    return FacilityList(names, tuple(problems))


def _problem(entry: Entry, code: str, *, value: str) -> CatalogueProblem:
    file, _, sheet = entry.file.partition("#")
    return CatalogueProblem(
        code=code,
        weight=Weight.ERROR,
        file=file,
        sheet=sheet or None,
        row=entry.row,
        params=(("value", value),),
    )
