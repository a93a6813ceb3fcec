"""Fields that FHIR has no element for, from extensions under addresses that the options name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.emr.fhir.contents import Item
from claims.emr.fhir.elements import Extension
from claims.emr.fhir.options import FIELDS
from claims.emr.fhir.resources import Resource
from claims.emr.fhir.source import Source

_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_PERCENT: Final = re.compile(r"\s*%$")
_FULL: Final = Decimal(100)
_FLAGS: Final = {"true": True, "false": False}
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
        if (text := self.text(name)) is None:
            return None
        if text.lower() not in _FLAGS:
            self.refuse(name, "not-a-flag", "true or false")
        return _FLAGS.get(text.lower())

    def number(self, name: str) -> Decimal | None:
        """Return the number that stands for a field."""
        one = self.found.get(name)
        if one is None:
            return None
        given = one.value_money.value if one.value_money else _number(one)
        if given is None:
            self.refuse(name, "not-a-number", "a plain decimal number")
            return None
        if one.value_money:
            return self.source.money(one.value_money, self.owner, name)
        if (number := self.source.amount(given, self.owner, name)) is None:
            self.refuse(name, "not-an-amount", "a number that a claim can carry")
        return number

    def percent(self, name: str) -> Decimal | None:
        """Return the percent that stands for a field."""
        number = self.number(name)
        if number is not None and number > _FULL:
            self.refuse(name, "above-100", "a percent, at most 100")
            return None
        return number

    def refuse(self, name: str, code: str, wanted: str) -> None:
        """Refuse the value of a field: what is said of money must not give way to a default."""
        detail = f"the value of the extension for {name} is not {wanted}: no claim is made of its encounter"
        self.source.refuse(self.owner, code, detail)

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
                if name not in FIELDS:
                    detail = "no field is read from an extension of this name, which may be misspelled"
                    source.refuse(owner, "unknown-key", detail)
    return Extras(source, owner, found or _NONE)


def _text(found: Extension) -> str | None:
    concept = found.value_codeable_concept
    coding = found.value_coding or next(iter(concept.coding if concept else ()), None)
    if coding and coding.code:
        return coding.code.strip()
    words = concept.text if concept else None
    boxed = found.value_identifier.value if found.value_identifier else None
    plain = (
        found.value_string
        or found.value_code
        or found.value_id
        or found.value_markdown
        or found.value_date
        or found.value_date_time
        or found.value_instant
        or words
        or boxed
    )
    if plain:
        return plain.strip() or None
    if found.value_boolean is not None:
        return "true" if found.value_boolean else "false"
    number = _number(found)
    return None if number is None else str(number)


def _number(found: Extension) -> Decimal | None:
    boxed = found.value_money or found.value_quantity
    given = (
        boxed.value if boxed else None,
        found.value_decimal,
        found.value_integer,
        found.value_unsigned_int,
        found.value_positive_int,
    )
    value = next((one for one in given if one is not None), None)
    if value is None and found.value_string:
        text = _PERCENT.sub("", found.value_string.strip())
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    return value
