"""Extensions stand for fields; one that cannot be read, or that no field has, costs its encounter."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from claims.emr.errors import MalformedOptions
from claims.emr.fhir.options import FIELDS, parse_fhir_options
from claims.emr.inputs import ReadEncounters
from tests.unit.emr.fhir.bundles import a_charge, a_patient, a_procedure, an_encounter, read, ref

_GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "fhir.md"


def _extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": f"urn:ehoso:extension:{name}", **value}


def _read(name: str, **value: Any) -> ReadEncounters:
    return read(a_procedure(extension=[_extension(name, **value)]))


@pytest.mark.parametrize(
    "value",
    [
        {"valueDecimal": 80},
        {"valueInteger": 80},
        {"valueUnsignedInt": 80},
        {"valuePositiveInt": 80},
        {"valueString": "80"},
        {"valueString": "80 %"},
        {"valueQuantity": {"value": 80, "unit": "%"}},
    ],
    ids=str,
)
def test_a_percent_is_read_from_every_type_that_can_hold_it(value: dict[str, Any]) -> None:
    (encounter,) = _read("pay-percent", **value).encounters

    assert encounter.services[0].pay_percent == Decimal(80)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("pay-percent", {"valueString": "80,5"}, "not-a-number", id="comma"),
        pytest.param("pay-percent", {"valueBoolean": True}, "not-a-number", id="another-type"),
        pytest.param("pay-percent", {"valueDecimal": 150}, "above-100", id="above-100"),
        pytest.param("service-percent", {"valueDecimal": 300}, "above-100", id="service-percent"),
        pytest.param("ceiling", {"valueString": "many"}, "not-a-number", id="ceiling"),
        pytest.param("ceiling", {"valueDecimal": -1}, "not-an-amount", id="below-zero"),
        pytest.param("ceiling", {"valueMoney": {"currency": "VND"}}, "not-a-number", id="nothing"),
        pytest.param("supply-reused", {"valueString": "perhaps"}, "not-a-flag", id="flag"),
        pytest.param("kind", {"valueString": "blood test"}, "not-in-list", id="kind"),
        pytest.param("pay-percentage", {"valueDecimal": 80}, "unknown-key", id="misspelled"),
    ],
)
def test_what_cannot_be_read_refuses_the_encounter_and_gives_way_to_no_default(
    name: str, value: dict[str, Any], code: str
) -> None:
    extensions = [_extension("kind", valueString="supply")] if name == "supply-reused" else []

    done = read(a_procedure(extension=[*extensions, _extension(name, **value)]))

    assert done.encounters == ()
    assert [(one.encounter, one.code, one.pointer) for one in done.refused] == [
        ("Procedure/pr1", code, "/entry/2/resource")
    ]


def test_an_encounter_without_a_part_in_it_is_read() -> None:
    other = a_procedure(
        "pr2", encounter=ref("Encounter/e2"), extension=[_extension("ceiling", valueString="x")]
    )

    done = read(an_encounter(), an_encounter("e2"), a_procedure(), other)

    assert [one.encounter.origin for one in done.encounters] == [("Encounter/e1",)]


def test_what_is_wrong_with_a_patient_refuses_every_encounter_and_is_said_once() -> None:
    patient = a_patient(extension=[_extension("etnicity", valueCode="01")])

    done = read(patient, an_encounter(), an_encounter("e2"))

    assert (done.encounters, [one.encounter for one in done.refused]) == ((), ["Patient/p1"])


def test_a_flag_may_be_a_text() -> None:
    extensions = [_extension("kind", valueCode="supply"), _extension("supply-reused", valueString="TRUE")]

    (encounter,) = read(a_procedure(extension=extensions), a_charge(of="Procedure/pr1")).encounters

    supply = encounter.services[0].supply
    assert supply is not None
    assert supply.reused


def test_a_field_of_the_options_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(MalformedOptions, match="no field is called etnicity"):
        parse_fhir_options({"extensions": {"etnicity": ["http://hospital.example/dan-toc"]}})


def test_the_guide_lists_the_names() -> None:
    listed = _GUIDE.read_text(encoding="utf-8").partition("The names:")[2]

    assert {name.replace("-", "_") for name in re.findall("`([a-z-]+)`", listed)} == FIELDS
