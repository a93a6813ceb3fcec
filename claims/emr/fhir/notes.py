"""Notes on the clinical course: the lines of XML5, from impressions and from documents that are no papers."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from claims.emr.encounter import Note
from claims.emr.fhir import resources as fhir
from claims.emr.fhir.charts import Chart, has_category
from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Concept, Reference
from claims.emr.fhir.extras import read_extras
from claims.emr.fhir.options import PaperTypes
from claims.emr.fhir.source import Source, sourced
from claims.emr.fhir.words import attachment_words, is_text, narrative_words, section_words
from claims.emr.scalars import LocalTime

_PAPERS: Final = ("discharge", "summary", "referral", "sick_leave", "pregnancy_leave")


def read_notes(source: Source, chart: Chart) -> tuple[Note, ...]:
    """Return the notes of an encounter: clinical impressions, then compositions, then other documents."""
    return tuple(_notes(source, chart))


def paper_of(types: PaperTypes, concept: Concept | None) -> str | None:
    """Return which paper a type of document is, if it is one."""
    if concept is None:
        return None
    return next((name for name in _PAPERS if has_category((concept,), getattr(types, name))), None)


def _notes(source: Source, chart: Chart) -> Iterator[Note]:
    types = source.options.papers
    for impression in chart.of(fhir.ClinicalImpression):
        yield _of_impression(source, impression)
    for composition in chart.of(fhir.Composition):
        if paper_of(types, composition.resource.type) is None:
            yield _of_composition(source, composition)
    for document in chart.of(fhir.DocumentReference):
        if paper_of(types, document.resource.type) is None and _may_be_text(document.resource):
            yield _of_document(source, document)


def _of_impression(source: Source, item: Item[fhir.ClinicalImpression]) -> Note:
    one = item.resource
    period = one.effective_period
    when = one.date or one.effective_date_time or (period.start if period else None)
    words = (one.description, one.summary, *(note.text for note in one.note))
    text = "\n".join(dict.fromkeys(word.strip() for word in words if word and word.strip()))
    return _note(source, item, when, text, one.assessor or one.performer)


def _of_composition(source: Source, item: Item[fhir.Composition]) -> Note:
    one, types = item.resource, source.options.papers
    consults = _sections(one, types.consult)
    operations = _sections(one, types.operation)
    rest = [section for section in one.section if section not in (*consults, *operations)]
    text = "\n".join(section_words(rest)) or narrative_words(one.text)
    note = _note(source, item, one.date, text, next(iter(one.author), None))
    return replace(
        note,
        consult=note.consult or "\n".join(section_words(consults)) or None,
        operation=note.operation or "\n".join(section_words(operations)) or None,
    )


def _sections(composition: fhir.Composition, codes: tuple[str, ...]) -> list[fhir.Section]:
    return [one for one in composition.section if one.code and has_category((one.code,), codes)]


def _of_document(source: Source, item: Item[fhir.DocumentReference]) -> Note:
    one = item.resource
    texts = (attachment_words(source, content.attachment, item) for content in one.content)
    text = next((text for text in texts if text), None) or (one.description or "").strip()
    return _note(source, item, one.date, text, next(iter(one.author), None))


def _may_be_text(document: fhir.DocumentReference) -> bool:
    """A document that is only an image or a printed page is kept elsewhere and is no note."""
    kinds = [content.attachment.content_type for content in document.content if content.attachment]
    return not kinds or any(is_text(kind) for kind in kinds)


def _note(
    source: Source, item: Item[fhir.Resource], when: str | None, text: str, author: Reference | None
) -> Note:
    extras = read_extras(source, item, item.resource.extension)
    named = source.who(author, item, source.options.identifiers.practitioner)
    return Note(
        at=LocalTime(source.time(when, item) or ""),
        text=text,
        stage=extras.text("stage"),
        consult=extras.text("consult"),
        operation=extras.text("operation"),
        author=named.code,
        codings=sourced(author=named),
        origin=(item.origin,),
    )
