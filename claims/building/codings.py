"""The coded fields of an encounter: what their codes stand for, and how they are replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import Any, Final, TypeVar

from claims.bundle.money import SUPPLY_GROUPS
from claims.catalogues.items import Kind, SourceCode
from claims.emr.encounter import Coding, Documents, Encounter, Result, Service, ServiceKind

Item = TypeVar("Item")

_PEOPLE: Final = (
    "prescriber",
    "orderer",
    "performers",
    "reader",
    "author",
    "head_of_facility",
    "doctor",
    "attendant",
    "recorder",
)
_FACILITIES: Final = (
    "registered_at",
    "from_facility",
    "to_facility",
    "destination",
    "passed_through",
    "sampled_at",
    "confirmed_at",
    "arv_started_at",
)
_STAYS: Final = "departments"
_KINDS: Final[Mapping[str, Kind]] = {
    **{kind.value: kind for kind in Kind},
    **dict.fromkeys(_PEOPLE, Kind.STAFF),
    **dict.fromkeys(_FACILITIES, Kind.FACILITY),
    "index": Kind.LAB_INDEX,
    "for_service": Kind.SERVICE,
    _STAYS: Kind.DEPARTMENT,
    "main": Kind.DIAGNOSIS,
    "other": Kind.DIAGNOSIS,
}


def codings_of(item: object) -> Mapping[str, Sequence[Coding]]:
    """Return the source codes of an item by field; a code system beside a code says the same in short."""
    codings: Mapping[str, Sequence[Coding]] = getattr(item, "codings", {})
    system = getattr(item, "code_system", None)
    field = main_field(item)
    if not system or field in codings:
        return codings
    code = getattr(item, field) or ""
    return {field: (Coding(system=system, code=code),), **codings}


def main_field(item: object) -> str:
    """Return the field whose system ``code_system`` is."""
    return "index" if isinstance(item, Result) else "code"


def kind_of(item: object, field: str) -> Kind | None:
    """Return what the codes of a field stand for; None when it is no coded field."""
    if field != "code":
        return _KINDS.get(field)
    if isinstance(item, Service):
        return Kind.SUPPLY if is_supply(item) else Kind.SERVICE
    return Kind.DRUG


def is_supply(service: Service) -> bool:
    """Whether a line charges a supply."""
    return service.kind is ServiceKind.SUPPLY or service.group in SUPPLY_GROUPS


def source_codes(codings: Sequence[Coding]) -> tuple[SourceCode, ...]:
    """Return codings as a catalogue is asked for them."""
    return tuple(SourceCode(coding.system or "", coding.code) for coding in codings)


def has_place(item: object, key: str) -> bool:
    """Whether an item has the field, and the place in it, that a key of ``codings`` names."""
    field, _, index = key.partition("/")
    value = getattr(item, field, None)
    if index:
        return isinstance(value, tuple) and index.isdigit() and int(index) < len(value)
    return hasattr(item, field) and not isinstance(value, tuple)


def with_codes(item: Item, found: Mapping[str, str]) -> Item:
    """Put national codes into their places; what is left in ``codings`` nobody could resolve."""
    if not found:
        return item
    changes: dict[str, Any] = {}
    lists: dict[str, list[str]] = {}
    for key, code in found.items():
        field, _, index = key.partition("/")
        if index:
            lists.setdefault(field, list(getattr(item, field)))[int(index)] = code
        else:
            changes[field] = code
    changes |= {field: _without_repeats(field, values) for field, values in lists.items()}
    changes["codings"] = {key: value for key, value in codings_of(item).items() if key not in found}
    if hasattr(item, "code_system"):
        changes["code_system"] = None
    return replace(item, **changes)  # type: ignore[type-var]  # every item of an encounter is a dataclass


def _without_repeats(field: str, codes: Sequence[str]) -> tuple[str, ...]:
    """Leave out what became the same national code as another; a stay may come back to a department."""
    if field == _STAYS:
        return tuple(code for code, _ in groupby(codes))
    return tuple(dict.fromkeys(codes))


def has_codings(encounter: Encounter) -> bool:
    """Whether a field of an encounter holds no national code yet."""
    return any(codings_of(item) for _, item in items_of(encounter))


def items_of(encounter: Encounter) -> Iterator[tuple[str, object]]:
    """Return everything in an encounter that may have source codes, with its pointer."""
    yield "/encounter", encounter.encounter
    yield "/diagnoses", encounter.diagnoses
    for name in ("coverage", "medications", "services", "results", "notes"):
        for index, item in enumerate(getattr(encounter, name)):
            yield f"/{name}/{index}", item
    yield from papers_of(encounter.documents)


def papers_of(documents: Documents) -> Iterator[tuple[str, object]]:
    """Return the papers of an encounter, with their pointers."""
    for field in fields(documents):
        papers = getattr(documents, field.name)
        if isinstance(papers, tuple):
            yield from ((f"/documents/{field.name}/{index}", paper) for index, paper in enumerate(papers))
        elif papers is not None:
            yield f"/documents/{field.name}", papers
