"""What nothing was made of: resources of an encounter that stand in no row, note, diagnosis or paper.

Each part of an encounter names what it was made from; what no part names was passed over, and is said.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from claims.emr.encounter import Encounter
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.blood import tells_blood_group
from claims.emr.fhir.charts import Chart, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Concept
from claims.emr.fhir.options import Categories
from claims.emr.fhir.source import Source
from claims.emr.fhir.visits import WEIGHTS

_NOTHING: Final = "nothing of it stands in the claim"
_WORDS: Final = "no imaging or function by its category: its conclusion and text are left out"
_REASONS: Final[dict[type[fhir.Resource], str]] = {
    fhir.Condition: "it is none of the diagnoses of its encounter",
    fhir.DiagnosticReport: "no imaging or function by its category, and it joins no order and no result",
    fhir.Observation: "its category is not laboratory, and no laboratory report names it",
}


class Unused:
    """Collects the unused resources of all encounters of an input."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: dict[tuple[str, str], list[str]] = defaultdict(list)

    def look_through(self, chart: Chart, encounter: Encounter) -> None:
        """Find what belongs to an encounter and was not used for it."""
        used = set(_origins(encounter))
        for kind, items in chart.held.items():
            for item in items:
                if item.origin not in used and not _is_told(item, self._source.options.categories):
                    self._found[item.kind, _REASONS.get(kind, _NOTHING)].append(item.origin)
        deciding = {result.origin[0] for result in encounter.results}
        for report in chart.of(fhir.DiagnosticReport):
            if report.origin in used - deciding and _has_words(report.resource):
                self._found[report.kind, _WORDS].append(report.origin)

    def note(self) -> None:
        """Say what was found, by type, with the first of each."""
        for (kind, reason), origins in sorted(self._found.items()):
            detail = f"{len(origins)} × {kind}: {reason}; makes no row; the first is {origins[0]}"
            self._source.note("", "not-counted", detail)


def _origins(encounter: Encounter) -> Iterator[str]:
    papers = encounter.documents
    one_each = (
        encounter.diagnoses,
        papers.discharge,
        papers.summary,
        papers.pregnancy_leave,
        papers.sick_leave,
        papers.referral,
        papers.appointment,
    )
    several = (encounter.medications, encounter.services, encounter.results, encounter.notes, papers.births)
    for part in (*one_each, *(one for parts in several for one in parts)):
        if part is not None:
            yield from part.origin


def _is_told(item: Item[fhir.Resource], categories: Categories) -> bool:
    """Whether a resource has its say without being named: in a value of the visit, or elsewhere."""
    match item.resource:
        case fhir.ChargeItem():
            return True  # those that price nothing are counted where prices are found
        case fhir.Appointment() as appointment:
            return appointment.start is not None
        case fhir.Observation() as observation:
            return (
                bool(observation.has_member)
                or tells_blood_group(observation)
                or has_category(
                    (*observation.category, *_code(observation)), (*categories.no_result, *WEIGHTS)
                )
            )
        case _:
            return False


def _has_words(report: fhir.DiagnosticReport) -> bool:
    return bool(report.conclusion or report.conclusion_code or report.presented_form)


def _code(observation: fhir.Observation) -> tuple[Concept, ...]:
    return (observation.code,) if observation.code else ()
