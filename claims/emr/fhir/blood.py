"""The blood group of a patient (NHOM_MAU), from the observations that tell it.

Such an observation is a fact about the person. It is a result only when somebody ordered it or reported it.
"""

import re
from collections.abc import Iterable
from typing import Final

from claims.emr.fhir import resources as fhir
from claims.emr.fhir.elements import Concept

_ABO_AND_RH: Final = "882-1"
_ABO: Final = "883-9"
_RH: Final = "10331-7"
_CODES: Final = frozenset({_ABO_AND_RH, _ABO, _RH})

_LETTERS: Final = re.compile(r"(?<![A-Za-z])(AB|A|B|O)(?![A-Za-z])")
_SIGNS: Final = (
    ("+", re.compile(r"\+|pos", re.IGNORECASE)),
    ("-", re.compile(r"[-\u2212]\s*$|neg", re.IGNORECASE)),
)


def tells_blood_group(observation: fhir.Observation) -> bool:
    """Whether an observation tells the letters of a blood group, its sign, or both."""
    return not _codes(observation.code).isdisjoint(_CODES)


def find_blood_group(observations: Iterable[fhir.Observation]) -> str | None:
    """Return the blood group, such as ``O`` or ``AB+``; None when nothing tells its letters."""
    letters, sign = None, ""
    for observation in observations:
        codes, words = _codes(observation.code), _words(observation)
        if codes & {_ABO_AND_RH, _ABO} and (found := _LETTERS.search(words)):
            letters = found[1]
        if codes & {_ABO_AND_RH, _RH}:
            sign = next((mark for mark, pattern in _SIGNS if pattern.search(words)), sign)
    return letters and letters + sign


def _codes(concept: Concept | None) -> set[str | None]:
    return {coding.code for coding in concept.coding} if concept else set()


def _words(observation: fhir.Observation) -> str:
    concept = observation.value_codeable_concept
    return (concept.words() if concept else observation.value_string) or ""
