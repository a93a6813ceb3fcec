"""Which requests are one order said twice: the filler's beside the placer's, an instance beside the original.

A request is based on another that it carries out (``basedOn``). If both counted, the order would be charged
twice. An order that follows from a result (``reflex-order``), or of another code, is an order of its own.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

from claims.emr.fhir.contents import Item
from claims.emr.fhir.resources import MedicationRequest, Resource, ServiceRequest
from claims.emr.fhir.source import Source

Codes = frozenset[tuple[str | None, str | None]]
Request = ServiceRequest | MedicationRequest

_CARRYING_OUT: Final = frozenset({"filler-order", "instance-order"})
_FOLLOWING: Final = "reflex-order"
_NAMES: Final = ("code", "medication_codeable_concept", "medication")


def codes_of(item: Item[Resource]) -> Codes:
    """Return the codes of what is ordered or charged; a reference to a medicine stands for a code."""
    concept = next((one for name in _NAMES if (one := getattr(item.resource, name, None))), None)
    codes = {(one.system, one.code) for one in concept.all_codings()} if concept else set()
    reference = getattr(item.resource, "medication_reference", None) or getattr(concept, "reference", None)
    link = reference.link().reference if reference else None
    return frozenset(codes | ({(None, link)} if isinstance(link, str) else set()))


def find_carried_out(
    source: Source, home_of: Callable[[Item[Resource]], str | None]
) -> Mapping[str, list[Item[Resource]]]:
    """Return the requests that carry out another of their encounter, by the key of that other one.

    ``home_of`` tells the encounter of a request that counts, and None of one that does not.
    """
    found: dict[str, list[Item[Resource]]] = defaultdict(list)
    kinds: tuple[type[Request], ...] = (ServiceRequest, MedicationRequest)
    for kind in kinds:
        for item in source.contents.of(kind):
            home = home_of(item) if item.resource.based_on else None
            bases = source.find_all(kind, item.resource.based_on, item) if home else ()
            base = next((one for one in bases if one.key != item.key and home_of(one) == home), None)
            if base is not None and _carries_out(item, base):
                found[base.key].append(item)
    return found


def _carries_out(item: Item[Request], base: Item[Request]) -> bool:
    intent = (item.resource.intent or "").lower()
    if intent == _FOLLOWING:
        return False
    own, others = codes_of(item), codes_of(base)
    return intent in _CARRYING_OUT or not own or not others or bool(own & others)
