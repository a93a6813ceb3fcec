"""Whatever an EMR leaves out, a draft is built or refused with reasons; nothing crashes."""

from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from random import Random
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from claims.building.build import Built, CannotBuild, Reason, build_bundle
from claims.building.trace import trace_to_json
from claims.bundle.messages import describe
from claims.emr.encounter import Encounter, read_encounter
from claims.emr.synthetic import generate_encounters

ON: Final = date(2026, 11, 2)


@cache
def examples() -> tuple[Encounter, ...]:
    documents = generate_encounters(seed=11, count=25, facilities=["79001"], on=ON)
    return tuple(read_encounter(document) for document in documents)


def with_holes(item: Any, choice: Random, share: float) -> Any:
    """Empty some of the texts and take away some of the optional values, as a poor EMR does."""
    if isinstance(item, tuple):
        return tuple(with_holes(each, choice, share) for each in item)
    if not is_dataclass(item) or isinstance(item, type):
        return item
    changes: dict[str, Any] = {}
    for field in fields(item):
        value = getattr(item, field.name)
        if isinstance(value, str) and type(value) is str and choice.random() < share:
            is_optional = field.default is None
            changes[field.name] = None if is_optional and choice.random() < 0.5 else ""
        elif field.default is None and choice.random() < share:
            changes[field.name] = None
        elif field.name not in {"extra", "schema"}:
            changes[field.name] = with_holes(value, choice, share)
    return replace(item, **changes)


def build_draft(encounter: Encounter) -> tuple[Built | None, tuple[Reason, ...]]:
    try:
        return build_bundle([encounter], made_on=ON, draft=True), ()
    except CannotBuild as refused:
        return None, refused.reasons


@settings(max_examples=150, deadline=None)
@given(
    number=st.integers(0, 24),
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.02, 0.2, 0.6]),
)
def test_a_draft_is_built_or_refused_with_reasons(number: int, seed: int, share: float) -> None:
    encounter = with_holes(examples()[number], Random(seed), share)

    made, reasons = build_draft(encounter)

    if made is None:
        assert any(not reason.is_gap for reason in reasons)
    else:
        assert all(describe(finding, language) for finding in made.findings for language in ("vi", "en"))
        assert trace_to_json(made)["claims"]
