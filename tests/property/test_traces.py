"""Whatever is built, its trace tells every value, and every pointer in it leads to something."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from claims.building.build import build_bundle
from claims.building.trace import trace_to_json
from claims.emr.encounter import Encounter, read_encounter
from claims.emr.synthetic import generate_encounters

DAYS = st.sampled_from([date(2024, 3, 1), date(2024, 10, 1), date(2026, 6, 30), date(2026, 11, 2)])
_ATTRIBUTES = {"from": "valid_from", "to": "valid_to"}


def pointers(told: object) -> Iterator[str]:
    if isinstance(told, dict):
        for key in ("source", "pointer"):
            found = told.get(key, ())
            yield from [found] if isinstance(found, str) else found
        for each in told.values():
            yield from pointers(each)
    elif isinstance(told, list):
        for each in told:
            yield from pointers(each)


def leads_somewhere(encounter: Encounter, pointer: str) -> bool:
    item: Any = encounter
    for part in pointer.split("/")[1:]:
        if isinstance(item, tuple):
            item = item[int(part)]
        elif is_dataclass(item):
            item = getattr(item, _ATTRIBUTES.get(part, part))
        else:
            item = item[part]
    return True


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9), on=DAYS)
def test_a_trace_tells_every_value_and_only_of_things_that_are_there(seed: int, on: date) -> None:
    (document,) = generate_encounters(seed=seed, count=1, facilities=["79001"], on=on)
    encounter = read_encounter(document)
    made = build_bundle([encounter], made_on=on)

    told: Any = trace_to_json(made)["claims"]

    (claim,) = told
    written = [row.fields for rows in made.claims[0].tables.values() for row in rows]
    for row, fields in zip(claim["rows"], written, strict=True):
        assert row["fields"].keys() == {name for name, value in fields.items() if value}
    assert all(leads_somewhere(encounter, pointer) for pointer in pointers(claim["rows"]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9), on=DAYS)
def test_the_rows_under_each_sum_add_up_to_it(seed: int, on: date) -> None:
    (document,) = generate_encounters(seed=seed, count=1, facilities=["79001"], on=on)

    told: Any = trace_to_json(build_bundle([read_encounter(document)], made_on=on))["claims"]

    sums = [field for row in told[0]["rows"] for field in row["fields"].values() if "sum_of" in field]
    assert sums
    for each in sums:
        assert Decimal(each["value"]) == sum(Decimal(part["value"]) for part in each["sum_of"])
