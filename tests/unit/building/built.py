"""Building for tests: from documents to rows, or to the reasons why not."""

from datetime import date

import pytest

from claims.building.build import BuildSettings, Built, CannotBuild, build_bundle
from claims.bundle.kinds import TableKind
from claims.emr.encounter import read_encounter
from tests.unit.emr.documents import Document, a_document, a_service

MADE_ON = date(2026, 11, 3)


def built(*documents: Document, settings: BuildSettings | None = None, draft: bool = False) -> Built:
    encounters = [read_encounter(each) for each in documents]
    return build_bundle(encounters, made_on=MADE_ON, settings=settings, draft=draft)


def rows(document: Document, kind: TableKind, settings: BuildSettings | None = None) -> list[dict[str, str]]:
    (claim,) = built(document, settings=settings).claims
    return [dict(row.fields) for row in claim.tables.get(kind, ())]


def summary(document: Document, settings: BuildSettings | None = None) -> dict[str, str]:
    (row,) = rows(document, TableKind.XML1, settings)
    return row


def refusals(
    *documents: Document, settings: BuildSettings | None = None, draft: bool = False
) -> list[tuple[int, str, str]]:
    with pytest.raises(CannotBuild) as caught:
        built(*documents, settings=settings, draft=draft)
    return [(reason.encounter, reason.pointer, reason.code) for reason in caught.value.reasons]


def codes(made: Built) -> list[str]:
    return [finding.code for finding in made.findings]


def a_ward_stay(**visit: object) -> Document:
    stay = {
        "visit_type": "03",
        "admitted": "2026-11-02T08:00",
        "discharged": "2026-11-06T10:00",
        "paid": None,
    }
    return a_document(visit={**stay, **visit}, services=[a_service(ordered="2026-11-02T09:00")])
