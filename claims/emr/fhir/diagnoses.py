"""Diagnoses in words and codes: the main one, those on admission, those of traditional medicine."""

import re
from dataclasses import dataclass
from typing import Final

from claims.emr.encounter import Diagnoses
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import CodeableConcept, Reference
from claims.emr.fhir.source import Named, Source, many, sourced

_ADMISSION: Final = "AD"
_DISCHARGE: Final = "DD"
_MAIN_RANK: Final = 1
_TRADITIONAL: Final = re.compile(r"U[567][0-9](\..*)?")
_NO_DIAGNOSIS: Final = ("entered-in-error", "refuted")
_ENCOUNTER_DIAGNOSIS: Final = ("encounter-diagnosis",)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis of an encounter: its code, its words, what it is used for and how it ranks."""

    named: Named
    words: str
    uses: frozenset[str]
    rank: int | None
    origin: str | None


def read_diagnoses(source: Source, chart: Chart) -> Diagnoses:
    """Sort the diagnoses of an encounter; codes that are not the national list's keep their systems."""
    found = _of_encounter(source, chart) or _of_conditions(source, chart)
    admission = [one for one in found if _ADMISSION in one.uses]
    final = [one for one in found if _ADMISSION not in one.uses or len(one.uses) > 1] or found
    modern = [one for one in final if not _is_traditional(one)]
    main = _main(modern or final)
    others = _others(modern, main)
    named = {"main": main.named} if main else {}
    named |= {f"other/{place}": one.named for place, one in enumerate(others)}
    exit_text = _joined([main, *others] if main else [])
    return Diagnoses(
        entry_text=_joined(admission) or (main.words if main else ""),
        exit_text=exit_text,
        main=main.named.code if main else "",
        other=tuple(one.named.code for one in others),
        traditional=tuple(
            dict.fromkeys(one.named.code for one in final if _is_traditional(one) and one is not main)
        ),
        codings=sourced(**named),
        origin=tuple(dict.fromkeys(one.origin for one in (*((main,) if main else ()), *found) if one.origin)),
    )


def _of_encounter(source: Source, chart: Chart) -> list[Diagnosis]:
    encounter = chart.encounter
    found: list[Diagnosis] = []
    for line in encounter.resource.diagnosis:
        uses = frozenset(coding.code for use in many(line.use) for coding in use.all_codings() if coding.code)
        read = (_of_reference(source, encounter, one, uses, line.rank) for one in many(line.condition))
        found.extend(one for one in read if one)
    return found


def _of_reference(
    source: Source,
    encounter: Item[fhir.Encounter],
    reference: Reference,
    uses: frozenset[str],
    rank: int | None,
) -> Diagnosis | None:
    condition = source.find_a(fhir.Condition, reference, encounter)
    if condition is not None:
        return _of_condition(source, condition, uses, rank)
    if reference.concept is not None:
        named = source.code(reference.concept, source.options.national.diagnosis)
        return Diagnosis(named, _words(reference.concept), uses, rank, None)
    display = (reference.link().display or "").strip()
    source.note(
        encounter.pointer, "no-condition", "a diagnosis of the encounter names a condition that is not there"
    )
    if not display:
        return None
    return Diagnosis(source.code(CodeableConcept(text=display), ()), display, uses, rank, None)


def _of_conditions(source: Source, chart: Chart) -> list[Diagnosis]:
    """Take the conditions that belong to the encounter: its diagnoses, when any is marked as such."""
    conditions = chart.of(fhir.Condition)
    marked = [one for one in conditions if has_category(one.resource.category, _ENCOUNTER_DIAGNOSIS)]
    read = (_of_condition(source, one, frozenset(), None) for one in marked or conditions)
    return [one for one in read if one is not None]


def _of_condition(
    source: Source, item: Item[fhir.Condition], uses: frozenset[str], rank: int | None
) -> Diagnosis | None:
    condition = item.resource
    if condition.verification_status and has_category((condition.verification_status,), _NO_DIAGNOSIS):
        return None
    named = source.code(condition.code, source.options.national.diagnosis)
    return Diagnosis(named, _words(condition.code), uses, rank, item.origin)


def _main(candidates: list[Diagnosis]) -> Diagnosis | None:
    def order(one: Diagnosis) -> tuple[bool, int]:
        # A rank counts within its use; what has none comes after.
        return _DISCHARGE not in one.uses, one.rank if one.rank and one.rank >= _MAIN_RANK else 10**6

    return min(candidates, key=order, default=None)


def _others(candidates: list[Diagnosis], main: Diagnosis | None) -> list[Diagnosis]:
    """Return the rest by rank, each code once."""
    seen = {main.named.code} if main else set()
    others = []
    for one in candidates:
        if one.named.code and one.named.code not in seen:
            seen.add(one.named.code)
            others.append(one)
    return others


def _is_traditional(one: Diagnosis) -> bool:
    return not one.named.sources and _TRADITIONAL.fullmatch(one.named.code) is not None


def _joined(diagnoses: list[Diagnosis]) -> str:
    return "; ".join(dict.fromkeys(one.words for one in diagnoses if one.words))


def _words(concept: CodeableConcept | None) -> str:
    return ((concept.words() if concept else None) or "").strip()
