"""What a hospital's systems are called is read from a table of options."""

import pytest

from claims.emr.errors import MalformedOptions
from claims.emr.hl7.options import Hl7Options, parse_hl7_options


def test_entries_of_a_table_are_added_to_its_defaults() -> None:
    options = parse_hl7_options(
        {"charset": "cp1258", "visit_types": {"R": "02"}, "places": {"visit.case": ["PV1-14"]}}
    )

    assert options.visit_types["R"] == "02"
    assert options.visit_types["I"] == Hl7Options().visit_types["I"]
    assert options.places["visit.case"] == ("PV1-14",)


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"charset": "utf-16"},
        {"charset": "klingon"},
        {"charsets": {"ASCII": "base64"}},
        {"places": {"visit.case": ["PV1"]}},
        {"places": {"visit.colour": ["PV1-1"]}},
        {"visit_keys": ["19"]},
        {"kinds": {"A": "magic"}},
        {"visit_types": "I"},
    ],
    ids=str,
)
def test_what_does_not_exist_is_refused_by_name(given: dict[str, object]) -> None:
    with pytest.raises(MalformedOptions):
        parse_hl7_options(given)
