"""FHIR R4 and R5 in, encounters out: one for each encounter of the input that counts.

Whether an encounter can be claimed (it is over, something was done, nothing is missing) is not judged
here but in building, the same way for every kind of input.
"""

from collections.abc import Iterable, Iterator, Mapping

from claims.emr.encounter import Encounter
from claims.emr.fhir.charts import Chart, Charts, open_charts
from claims.emr.fhir.contents import Contents, open_contents, open_pages, open_parts
from claims.emr.fhir.diagnoses import read_diagnoses
from claims.emr.fhir.medications import read_charged_medications, read_medications
from claims.emr.fhir.notes import read_notes
from claims.emr.fhir.options import FhirOptions
from claims.emr.fhir.papers import read_papers
from claims.emr.fhir.people import read_coverage, read_patient
from claims.emr.fhir.places import read_places
from claims.emr.fhir.results import read_results
from claims.emr.fhir.services import read_charged_services, read_services
from claims.emr.fhir.source import Source
from claims.emr.fhir.unused import Unused
from claims.emr.fhir.visits import note_part, read_facility, read_visit
from claims.emr.inputs import Oddity, ReadEncounters, Refusal


def read_fhir(data: bytes, *, options: FhirOptions | None = None) -> ReadEncounters:
    """Read every encounter of an input: a bundle of any type, a list of resources, or one resource a line.

    A resource that cannot be read is refused with its place; the rest goes on.
    """
    return _read(open_contents(data), options or FhirOptions())


def read_fhir_parts(parts: Mapping[str, bytes], *, options: FhirOptions | None = None) -> ReadEncounters:
    """Read the files of a bulk export as one input; places begin with the name of the file."""
    return _read([open_parts(parts)], options or FhirOptions())


def read_fhir_pages(parts: Mapping[str, bytes], *, options: FhirOptions | None = None) -> ReadEncounters:
    """Read files of one bundle each, the pages of a search as one; places begin with the name of the file."""
    return _read(open_pages(parts), options or FhirOptions())


def _read(inputs: Iterable[Contents], options: FhirOptions) -> ReadEncounters:
    encounters: list[Encounter] = []
    refused: list[Refusal] = []
    oddities: list[Oddity] = []
    for contents in inputs:
        charts = open_charts(Source(contents, options))
        encounters.extend(_encounters(charts))
        if not charts.all and not contents.refused:
            detail = (
                "there is no encounter that counts in the input: what belongs to a visit must come with it, "
                "in one bundle"
            )
            refused.append(Refusal("", "no-encounter", detail))
        refused.extend(contents.refused)
        oddities.extend(contents.oddities)
    return ReadEncounters(tuple(encounters), tuple(refused), tuple(dict.fromkeys(oddities)))


def _encounters(charts: Charts) -> Iterator[Encounter]:
    unused = Unused(charts.source)
    for chart in charts.all:
        refusals = charts.source.refusals
        encounter = _encounter(charts, chart)
        unused.look_through(chart, encounter)
        if charts.source.refusals == refusals:
            yield encounter
    charts.note_unpaid()
    unused.note()


def _encounter(charts: Charts, chart: Chart) -> Encounter:
    source = charts.source
    places = read_places(source, chart)
    note_part(source, chart.encounter)
    medications, services = read_medications(charts, chart, places), read_services(charts, chart, places)
    medications += read_charged_medications(charts, chart, places)
    services += read_charged_services(charts, chart, places)
    return Encounter(
        schema="encounter/1",
        facility=read_facility(source, chart),
        encounter=read_visit(source, chart, places),
        patient=read_patient(source, chart),
        coverage=read_coverage(source, chart),
        diagnoses=read_diagnoses(source, chart),
        medications=medications,
        services=services,
        results=read_results(charts, chart),
        notes=read_notes(source, chart),
        documents=read_papers(charts, chart),
    )
