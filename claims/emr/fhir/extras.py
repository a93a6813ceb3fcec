"""Fields that FHIR has no element for, from extensions under addresses that the options name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Extension
from claims.emr.fhir.resources import Resource
from claims.emr.fhir.source import Source

_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_NONE: Final[Mapping[str, Extension]] = {}


@dataclass(frozen=True, slots=True)
class Extras:
    """The extensions of an item that stand for a field, by the field's name."""

    source: Source
    owner: Item[Resource]
    found: Mapping[str, Extension]

    def text(self, name: str) -> str | None:
        """Return the text, code or flag that stands for a field."""
        one = self.found.get(name)
        return None if one is None else _text(one)

    def flag(self, name: str) -> bool | None:
        """Return whether a field is said to be so, when it is given."""
        text = self.text(name)
        return None if text is None else text == "true"

    def number(self, name: str) -> Decimal | None:
        """Return the number that stands for a field."""
        one = self.found.get(name)
        if one is not None and one.value_money:
            return self.source.money(one.value_money, self.owner, name)
        return None if one is None else self.source.amount(_number(one), self.owner, name)

    def time(self, name: str) -> str | None:
        """Return the time that stands for a field, in Viet Nam, as twelve digits."""
        one = self.found.get(name)
        return None if one is None else self.source.time(_text(one), self.owner)


def read_extras(source: Source, owner: Item[Resource], *groups: tuple[Extension, ...]) -> Extras:
    """Sort extensions by field; of several for one field the first counts."""
    found: dict[str, Extension] = {}
    for extensions in groups:
        for one in extensions:
            if one.url and (name := source.field_of(one.url)):
                found.setdefault(name, one)
    return Extras(source, owner, found or _NONE)


def _text(found: Extension) -> str | None:
    concept = found.value_codeable_concept
    coding = found.value_coding or next(iter(concept.coding if concept else ()), None)
    if coding and coding.code:
        return coding.code.strip()
    words = concept.text if concept else None
    boxed = found.value_identifier.value if found.value_identifier else None
    plain = (
        found.value_string or found.value_code or found.value_date or found.value_date_time or words or boxed
    )
    if plain:
        return plain.strip() or None
    if found.value_boolean is not None:
        return "true" if found.value_boolean else "false"
    number = _number(found)
    return None if number is None else str(number)


def _number(found: Extension) -> Decimal | None:
    boxed = found.value_money or found.value_quantity
    given = (boxed.value if boxed else None, found.value_decimal, found.value_integer)
    value = next((one for one in given if one is not None), None)
    if value is None and found.value_string and _NUMBER.fullmatch(found.value_string.strip()):
        return Decimal(found.value_string.strip())
    return value
