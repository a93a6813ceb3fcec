"""The guide to the encounter document shows a document that does what the guide says."""

import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from claims.building.build import build_bundle
from claims.bundle.kinds import TableKind
from claims.emr import encounter, papers

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "encounter.md").read_text(encoding="utf-8")


def test_the_example_builds_to_the_amounts_that_the_guide_names() -> None:
    example = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)[0]

    (claim,) = build_bundle([encounter.parse_encounter(example)], made_on=date(2026, 11, 3)).claims

    assert list(claim.tables) == [TableKind.XML1, TableKind.XML2, TableKind.XML3, TableKind.XML4]
    for amount in (claim.totals.t_tongchi_bv, claim.totals.t_bhtt, claim.totals.t_bncct):
        assert f"{amount:,.0f} đ" in GUIDE


@pytest.mark.parametrize(
    "value",
    [
        encounter.Encounter,
        encounter.Visit,
        encounter.Patient,
        encounter.Address,
        encounter.Diagnoses,
        encounter.Medication,
        encounter.Service,
        encounter.Supply,
        encounter.Result,
        encounter.Note,
        encounter.Documents,
        encounter.Extra,
        encounter.OtherSources,
        encounter.Coding,
        papers.Discharge,
        papers.Leave,
        papers.PregnancyLoss,
        papers.Parent,
        papers.RecordSummary,
        papers.DeadChildren,
        papers.Birth,
        papers.Carer,
        papers.PregnancyLeave,
        papers.SickLeave,
        papers.Referral,
        papers.Appointment,
        papers.HivCare,
        papers.TuberculosisCare,
    ],
)
def test_every_key_is_explained(value: type) -> None:
    aliases = {"valid_from": "from", "valid_to": "to", "first": "from", "last": "to"}
    for key in fields(value):
        name = aliases.get(key.name, key.name).removeprefix("treated_")
        assert re.search(rf"[`\"]{name}[`\"]", GUIDE), name
