"""From an encounter in its source systems' codes to one in national codes, by the facility's catalogue.

1. Every source code becomes the national code that the facility's list or a concept map has for it on the day
   of its item; of the whole visit that is the day it ends.
2. What an item leaves out (name, unit, prices, percent …) is taken from the row of the facility's list.

What nobody can say for certain is a gap, which names the file to complete; nothing is guessed, and
nothing that the hospital gave is changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, TypeVar

from claims.building.clinical import service_codes
from claims.building.codings import (
    codings_of,
    has_codings,
    has_place,
    is_supply,
    kind_of,
    papers_of,
    source_codes,
    with_codes,
)
from claims.building.errors import Reason
from claims.building.filling import CARD, DRUG, LAB_INDEX, SERVICE, SUPPLY, Filled, Filling, Lookup
from claims.building.gaps import gap_findings, missing_values
from claims.catalogues.catalogue import Answer, Catalogue, Why, file_of, files_of
from claims.catalogues.items import Entry, Kind, SourceCode
from claims.emr.encounter import Coding, Coverage, Documents, Encounter, Medication, Result, Service
from claims.emr.scalars import as_date

__all__ = ["Lookup", "Resolved", "gap_findings", "missing_values", "resolve"]

Item = TypeVar("Item")

_EMPTY: Final = Catalogue()
_CODES: Final[Mapping[Why, str]] = {
    Why.UNKNOWN: "code-not-mapped",
    Why.NOT_IN_FORCE: "code-not-in-force",
    Why.AMBIGUOUS: "code-ambiguous",
    Why.WITHOUT_CODE: "no-portal-code",
}


@dataclass(frozen=True, slots=True)
class Resolved:
    """An encounter in national codes.

    Attributes:
        encounter: The encounter; what could not be resolved stands as it came.
        gaps: What is still missing, each with the file that would supply it.
        lookups: What the catalogue gave.
        remarks: What is worth a warning and keeps nothing from being built (`gap_findings` words them too).
    """

    encounter: Encounter
    gaps: tuple[Reason, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    remarks: tuple[Reason, ...] = ()


def resolve(encounter: Encounter, catalogue: Catalogue | None, *, on: date) -> Resolved:
    """Replace source codes by national ones and fill what the facility's lists know.

    Codes and prices are those in force on the day of the item; what belongs to the whole visit
    (diagnoses, departments) is looked up ``on`` the day it ends.
    """
    if catalogue is None and not has_codings(encounter):
        return Resolved(encounter)
    if catalogue and catalogue.facility and encounter.facility not in {"", catalogue.facility}:
        detail = f"the catalogue is of facility {catalogue.facility}, not {encounter.facility}"
        return Resolved(encounter, (Reason("/facility", "catalogue-of-another", detail),))
    admitted = encounter.encounter.admitted
    resolver = _Resolver(catalogue or _EMPTY, on, as_date(admitted) if admitted else on)
    resolved = resolver.run(encounter)
    return Resolved(
        resolved, tuple(resolver.gaps), tuple(resolver.lookups), tuple(dict.fromkeys(resolver.remarks))
    )


@dataclass(slots=True)
class _Resolver:
    """One walk over one encounter."""

    catalogue: Catalogue
    on: date
    admitted: date
    gaps: list[Reason] = field(default_factory=list)
    remarks: list[Reason] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)

    def run(self, encounter: Encounter) -> Encounter:
        """Resolve everything; results come after the services that they belong to."""
        services = _each(encounter.services, "/services", self._service)
        encounter = replace(
            encounter,
            encounter=self._coded(encounter.encounter, "/encounter", self.on)[0],
            diagnoses=self._coded(encounter.diagnoses, "/diagnoses", self.on)[0],
            coverage=_each(encounter.coverage, "/coverage", self._coverage),
            medications=_each(encounter.medications, "/medications", self._medication),
            services=services,
            notes=_each(
                encounter.notes, "/notes", lambda note, at: self._coded(note, at, self._day(note.at))[0]
            ),
            documents=self._documents(encounter.documents),
        )
        ordered = service_codes(encounter)
        results = _each(encounter.results, "/results", lambda result, at: self._result(result, at, ordered))
        return replace(encounter, results=results)

    def _medication(self, given: Medication, pointer: str) -> Medication:
        day = self._day(given.ordered)
        item, answers = self._coded(given, pointer, day)
        return self._filled(item, DRUG, pointer, day, answers)

    def _service(self, given: Service, pointer: str) -> Service:
        day = self._day(given.ordered)
        item, answers = self._coded(given, pointer, day)
        return self._filled(item, SUPPLY if is_supply(item) else SERVICE, pointer, day, answers)

    def _result(self, given: Result, pointer: str, ordered: Mapping[str, str]) -> Result:
        day = self._day(given.at)
        service = ordered.get(given.order_id or "") or self._service_of(given, day)
        item, answers = self._coded(given, pointer, day, service=service)
        return self._filled(item, LAB_INDEX, pointer, day, answers)

    def _service_of(self, result: Result, day: date) -> str:
        codings = codings_of(result).get("service")
        if codings is None:
            return result.service or ""
        return self.catalogue.find_code(Kind.SERVICE, source_codes(codings), day).code or ""

    def _coverage(self, given: Coverage, pointer: str) -> Coverage:
        item, answers = self._coded(given, pointer, self.on)
        # A card that ended during the stay is looked up as of the day the visit began.
        is_in_force = self.catalogue.find_items(Kind.CARD, given.card, self.on)
        day = self.on if is_in_force else self.admitted
        return self._filled(item, CARD, pointer, day, answers)

    def _documents(self, documents: Documents) -> Documents:
        papers = {
            pointer: self._coded(paper, pointer, self.on)[0]
            for pointer, paper in papers_of(documents)
            if codings_of(paper)
        }
        changes: dict[str, Any] = {}
        for pointer, paper in papers.items():
            _, _, name, *index = pointer.split("/")
            if index:
                several = list(changes.get(name, getattr(documents, name)))
                several[int(index[0])] = paper
                changes[name] = tuple(several)
            else:
                changes[name] = paper
        return replace(documents, **changes) if changes else documents

    def _coded(
        self, item: Item, pointer: str, day: date, *, service: str = ""
    ) -> tuple[Item, Mapping[str, Answer]]:
        """Replace the codes of one item; return it with what the catalogue said of each coded field."""
        answers: dict[str, Answer] = {}
        found: dict[str, str] = {}
        for key, codings in codings_of(item).items():
            kind = kind_of(item, key.partition("/")[0])
            if kind is None or not codings or not has_place(item, key):
                self.gaps.append(_no_such_place(f"{pointer}/{key}"))
                continue
            answer = answers[key] = self.catalogue.find_code(
                kind, source_codes(codings), day, service=service
            )
            if answer.code is None:
                self.gaps.append(_unmapped(f"{pointer}/{key}", kind, codings, answer, day))
                continue
            found[key] = answer.code
            if answer.by is not None:
                source = str(source_codes(codings)[0])
                self.lookups.append(_lookup(f"{pointer}/{key}", source, answer.by))
        return with_codes(item, found), answers

    def _filled(
        self,
        item: Item,
        filling: Filling,
        pointer: str,
        day: date,
        answers: Mapping[str, Answer],
    ) -> Item:
        """Fill what an item leaves out from the row of the list that its code leads to."""
        answer = answers.get(filling.key)
        code = getattr(item, filling.key)
        if not self.catalogue.has_list(filling.kind) or not code or (answer and answer.code is None):
            return item
        rows = self._rows(filling, code, day, answer)
        if rows and filling.is_of_other_unit(item, rows):
            item = self._in_listed_unit(item, pointer, day)
        filled: Filled[Item] = filling.fill(item, rows, pointer=pointer, code=code, day=day)
        self.gaps += filled.gaps
        self.remarks += filled.remarks
        self.lookups += filled.lookups
        return filled.item

    def _in_listed_unit(self, item: Item, pointer: str, day: date) -> Item:
        """Call a unit as the facility's map does; a word that nobody maps stays."""
        unit = getattr(item, "unit")  # noqa: B009 - only items that have one come here
        answer = self.catalogue.find_code(Kind.UNIT, (SourceCode("", unit),), day)
        if answer.code is None:
            return item
        if answer.by is not None:
            self.lookups.append(_lookup(f"{pointer}/unit", unit, answer.by))
        return replace(item, unit=answer.code)  # type: ignore[type-var]  # every item of an encounter is a dataclass

    def _rows(self, filling: Filling, code: str, day: date, answer: Answer | None) -> Sequence[Entry]:
        # A row that the facility's own code leads to says more than all the rows of the national code.
        if answer is not None and answer.rows and isinstance(answer.rows[0], filling.entry):
            return answer.rows
        rows = self.catalogue.find_items(filling.kind, code, day)
        return rows or self.catalogue.find_items(filling.kind, filling.plain_code(code), day)

    def _day(self, time: str | None) -> date:
        return as_date(time) if time else self.on


def _each(
    items: tuple[Item, ...], pointer: str, resolve_one: Callable[[Item, str], Item]
) -> tuple[Item, ...]:
    return tuple(resolve_one(item, f"{pointer}/{index}") for index, item in enumerate(items))


def _no_such_place(pointer: str) -> Reason:
    return Reason(pointer, "no-such-coded-field", "source codes are given for a field that has none")


def _unmapped(pointer: str, kind: Kind, codings: Sequence[Coding], answer: Answer, day: date) -> Reason:
    """Say which code of which system nobody maps, and which file would."""
    asked = ", ".join(str(code) for code in source_codes(codings))
    files = ", ".join(files_of(kind))
    facts = {
        "code": asked,
        "file": file_of(kind),
        "files": files,
        "on": day.isoformat(),
        "rows": ", ".join(f"{row.file}:{row.row}" for row in answer.rows),
    }
    # What a practitioner is called is no business of a report on codes.
    display = "" if kind is Kind.STAFF else next((one.display for one in codings if one.display), "")
    params = (*facts.items(), *((("display", display),) if display else ()))
    return Reason(pointer, _CODES[answer.why], _detail(answer.why, facts), is_gap=True, params=params)


def _detail(why: Why, facts: Mapping[str, str]) -> str:
    match why:
        case Why.NOT_IN_FORCE:
            return "{code} has no national code on {on}: {rows} do not hold on that day".format_map(facts)
        case Why.AMBIGUOUS:
            return "{code} stands for several national codes on {on}: {rows}".format_map(facts)
        case Why.WITHOUT_CODE:
            return "{code} has no code of the portal yet: {rows}".format_map(facts)
        case _:
            return "{code} is mapped to no national code: add it to one of {files}".format_map(facts)


def _lookup(pointer: str, source: str, row: Entry) -> Lookup:
    return Lookup(pointer, pointer.rpartition("/")[2], source, row.file, row.row, row.code)
