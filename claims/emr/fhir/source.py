"""One bundle as the mapping sees it: references followed, codes sorted, times and numbers checked.

What cannot be used is noted as an oddity and left out, so that building names it as a gap:
nothing is guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from claims.emr.errors import MalformedEncounter
from claims.emr.fhir.contents import UNREADABLE, Contents, Item, decode_resource, kind_of_contained
from claims.emr.fhir.elements import (
    Address,
    CodeableConcept,
    ContactPoint,
    HumanName,
    Identifier,
    Link,
    Money,
    Quantity,
    Reference,
)
from claims.emr.fhir.options import FhirOptions
from claims.emr.fhir.resources import KINDS, PractitionerRole, Resource
from claims.emr.inputs import Oddity, Refusal
from claims.emr.items import Coding
from claims.emr.scalars import local_time

One = TypeVar("One")
Wanted = TypeVar("Wanted", bound=Resource)
InUse = TypeVar("InUse", Identifier, HumanName, Address, ContactPoint)

_HISTORY: Final = "/_history/"
# What is no longer so, or no name for an office.
_OUT_OF_USE: Final = frozenset({"old", "maiden", "nickname", "anonymous"})
_DONG: Final = "VND"
_RATE_PLACES: Final = 3
_MOST_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Named:
    """How something is called: by a national code, or by its source's codes until they are mapped.

    Attributes:
        code: The national code, else the first source code, else nothing.
        sources: What the source calls it; empty when `code` is national.
        name: The words that stand beside the national code.
    """

    code: str = ""
    sources: tuple[Coding, ...] = ()
    name: str | None = None


UNNAMED: Final = Named()


def many(value: One | tuple[One, ...] | None) -> tuple[One, ...]:
    """Return what may stand alone or in a list as a list."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def in_use(named: Iterable[InUse], *, best: str = "") -> list[InUse]:
    """Put what is in best use first and what is out of use last; else the order of the input stays."""
    return sorted(named, key=lambda one: (one.use in _OUT_OF_USE, one.use != best))


def sourced(**named: Named) -> dict[str, tuple[Coding, ...]]:
    """Return the source codes of the fields that hold no national code."""
    return {name: one.sources for name, one in named.items() if one.sources}


@dataclass(slots=True)
class Source:
    """The contents of a bundle with the options of the hospital that wrote it.

    Attributes:
        refusals: How often something that a resource says was refused, however often the same.
        same: What is the same as another resource, by its key: that other one is found in its place.
    """

    contents: Contents
    options: FhirOptions
    refusals: int = 0
    same: dict[str, Item[Resource]] = field(default_factory=dict)
    _refused: set[Refusal] = field(default_factory=set)
    _found: dict[str, Item[Resource] | None] = field(default_factory=dict)
    _contained: dict[tuple[str, str], Item[Resource] | None] = field(default_factory=dict)
    _named: dict[tuple[str, str | None, tuple[str, ...]], Named] = field(default_factory=dict)
    _fields: dict[str, str | None] = field(default_factory=dict)
    _short: dict[str, Item[Resource]] = field(default_factory=dict)
    _identified: dict[tuple[str, str | None, str], Item[Resource]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in self.contents.items.values():
            if item.resource.id:
                self._short.setdefault(f"{item.kind}/{item.resource.id}", item)

    # --- references ----------------------------------------------------------------------------

    def find(self, reference: Reference | None, owner: Item[Resource]) -> Item[Resource] | None:
        """Return the resource that a reference names, if the input holds it."""
        found = self._find(reference, owner)
        return self.same.get(found.key, found) if found else None

    def _find(self, reference: Reference | None, owner: Item[Resource]) -> Item[Resource] | None:
        if reference is None:
            return None
        link: Link | Reference = reference
        text = reference.reference
        if isinstance(text, Link):
            link, text = text, text.reference
        if text:
            if text[0] == "#":
                return self._find_contained(text[1:], owner)
            if text not in self._found:
                self._found[text] = self._look_up(text)
            if found := self._found[text]:
                return found
        if link.identifier and link.identifier.value:
            return self._by_identifier(link.type, link.identifier.system, link.identifier.value)
        return None

    def lead(self, others: Mapping[str, str]) -> frozenset[str]:
        """Find the resource that a key leads to in place of its own; of a ring each stays itself.

        Return the keys of those that are found no more.
        """
        led = set()
        for key in others:
            root, seen = others[key], {key}
            while root in others and root not in seen:
                seen.add(root)
                root = others[root]
            if root not in seen:
                self.same[key] = self.contents.items[root]
                led.add(key)
        return frozenset(led)

    def key_of(self, reference: Reference | None, owner: Item[Resource]) -> str | None:
        """Return the key of what a reference names; of what is not in the input, the name that it gives."""
        if found := self.find(reference, owner):
            return found.key
        text = _text_of(reference.link()) if reference else None
        return _short_form(text.partition(_HISTORY)[0]) if text and text[0] != "#" else None

    def find_a(
        self, wanted: type[Wanted], reference: Reference | None, owner: Item[Resource]
    ) -> Item[Wanted] | None:
        """Return the resource that a reference names, if it is of this type."""
        found = self.find(reference, owner)
        return found if found is not None and isinstance(found.resource, wanted) else None  # type: ignore[return-value]  # just looked

    def find_all(
        self, wanted: type[Wanted], references: Iterable[Reference], owner: Item[Resource]
    ) -> Iterator[Item[Wanted]]:
        """Return those of the referenced resources that are of this type."""
        for reference in references:
            if found := self.find_a(wanted, reference, owner):
                yield found

    def kind_of(self, reference: Reference, owner: Item[Resource]) -> str:
        """Return the type of what a reference names, as far as the input or the reference tells it."""
        if found := self.find(reference, owner):
            return found.kind
        link = reference.link()
        text = _text_of(link) or ""
        if unread := self.contents.skipped.get(text):
            return unread
        named = _short_form(text).partition("/")[0].partition("?")[0]
        return named if named[:1].isupper() else link.type or ""

    def is_elsewhere(self, reference: Reference, kind: str) -> bool:
        """Say whether a reference surely names something of another type than ``kind``."""
        text = reference.link().reference
        if not isinstance(text, str):
            return False
        if text in self.contents.skipped:
            return True
        found = self._look_up(text)
        named = found.kind if found else _short_form(text).partition("/")[0].partition("?")[0]
        return named != kind and (found is not None or named[:1].isupper())

    def _look_up(self, text: str) -> Item[Resource] | None:
        if found := self.contents.items.get(text):
            return found
        kind, asks, query = text.partition("?")
        if asks:
            for token in (value for name, value in parse_qsl(query) if name == "identifier"):
                system, bar, value = token.partition("|")
                return self._by_identifier(
                    kind.rpartition("/")[2], system if bar else None, value if bar else token
                )
            return None
        plain = text.partition(_HISTORY)[0]
        return self.contents.items.get(plain) or self._short.get(_short_form(plain))

    def _by_identifier(self, kind: str | None, system: str | None, value: str) -> Item[Resource] | None:
        if not self._identified:
            for item in self.contents.items.values():
                for one in many(item.resource.identifier):
                    if one.value:
                        self._identified.setdefault((item.kind, one.system or "", one.value), item)
                        self._identified.setdefault((item.kind, None, one.value), item)
        kinds = (kind,) if kind else KINDS
        return next((found for name in kinds if (found := self._identified.get((name, system, value)))), None)

    def _find_contained(self, known: str, owner: Item[Resource]) -> Item[Resource] | None:
        place = (owner.key, known)
        if place not in self._contained:
            self._contained[place] = self._open_contained(known, owner)
        return self._contained[place]

    def _open_contained(self, known: str, owner: Item[Resource]) -> Item[Resource] | None:
        for number, raw in enumerate(owner.resource.contained):
            kind, own = kind_of_contained(raw)
            if own != known or kind not in KINDS:
                continue
            pointer = f"{owner.pointer}/contained/{number}"
            try:
                resource = decode_resource(raw, kind, is_suspect=True)
            except (MalformedEncounter, *UNREADABLE):
                self.note(
                    pointer, "not-a-resource", "a contained resource does not have the form of its type"
                )
                return None
            return Item(kind, f"{owner.key}#{known}", f"{owner.origin}#{known}", pointer, resource)
        return None

    # --- codes and identifiers -----------------------------------------------------------------

    def code(self, concept: CodeableConcept | None, national: tuple[str, ...]) -> Named:
        """Sort the codes of a concept; words without a code count as the source's own code."""
        if concept is None:
            return UNNAMED
        sources = []
        known: dict[str, Named] = {}
        codings = concept.all_codings()
        if is_chosen := any(one.user_selected for one in codings):
            codings = tuple(sorted(codings, key=lambda one: not one.user_selected))
        for coding in codings:
            if not coding.code or not (text := coding.code.strip()):
                continue
            if coding.system in national:
                known.setdefault(text, Named(text, (), _stripped(coding.display)))
            sources.append(Coding(system=coding.system, code=text, display=_stripped(coding.display)))
        if known:
            first, *others = known
            if others and not is_chosen:
                detail = f"one thing has several national codes, {', '.join(known)}; {first} counts"
                self.note("", "several-codes", detail)
            return known[first]
        if not sources and (words := _stripped(concept.words())):
            sources.append(Coding(code=words, display=words))
        return Named(sources[0].code, tuple(sources)) if sources else UNNAMED

    def identifier(self, identifiers: Iterable[Identifier], systems: tuple[str, ...]) -> str | None:
        """Return the first identifier of one of these systems that is in use, else the first."""
        known = [one for one in identifiers if one.value and one.system in systems]
        return next((str(one.value).strip() for one in in_use(known, best="official")), None)

    def who(self, reference: Reference | None, owner: Item[Resource], national: tuple[str, ...]) -> Named:
        """Say who or what a reference names, by an identifier of the national systems or by all others."""
        if reference is None:
            return UNNAMED
        link = reference.link()
        text = _text_of(link)
        if text is None or text.startswith("#") or link.identifier:
            return self._who(reference, owner, national)
        asked = text, link.display, national
        if asked not in self._named:
            self._named[asked] = self._who(reference, owner, national)
        return self._named[asked]

    def _who(self, reference: Reference, owner: Item[Resource], national: tuple[str, ...]) -> Named:
        link, found = reference.link(), self.find(reference, owner)
        if found and isinstance(found.resource, PractitionerRole) and found.resource.practitioner:
            return self.who(found.resource.practitioner, found, national)
        identifiers = [*many(found.resource.identifier if found else None), *_own_identifiers(link)]
        if own := self.identifier(identifiers, national):
            return Named(own, (), _stripped(link.display))
        display = _stripped(link.display or getattr(found.resource if found else None, "name", None))
        sources = tuple(
            Coding(system=one.system, code=one.value.strip(), display=display)
            for one in identifiers
            if one.value and one.value.strip()
        )
        # Who is named in words alone is mapped by them, as what is.
        if not sources and (known := (found.origin if found else _text_of(link)) or display):
            sources = (Coding(code=known, display=display),)
        return Named(sources[0].code, sources) if sources else UNNAMED

    # --- times and numbers ---------------------------------------------------------------------

    def time(self, text: str | None, owner: Item[Resource]) -> str | None:
        """Move a time to Viet Nam, as twelve digits; what is no full date is noted and left out."""
        if not text:
            return None
        try:
            return local_time(text.strip())
        except (ValueError, OverflowError):
            self.note(
                owner.pointer, "not-a-time", "a time is no full date with or without a clock; it is left out"
            )
            return None

    def quantity(self, quantity: Quantity | None, owner: Item[Resource]) -> Decimal | None:
        """Return a quantity that a claim can carry; one that is only more or less than a number is none."""
        if quantity is None:
            return None
        if quantity.comparator and quantity.value is not None:
            detail = f"a quantity is said to be {quantity.comparator} a number; it is left out"
            self.note(owner.pointer, "not-an-amount", detail)
            return None
        return self.amount(quantity.value, owner, "quantity")

    def amount(self, value: Decimal | None, owner: Item[Resource], what: str) -> Decimal | None:
        """Return a number not below zero, of at most fifteen digits before and three after the point."""
        if value is None:
            return None
        if not value.is_finite() or not _fits(value):
            detail = f"the number for {what} is below zero, too long or too exact for a claim; it is left out"
            self.note(owner.pointer, "not-an-amount", detail)
            return None
        return value

    def money(self, money: Money, owner: Item[Resource], what: str) -> Decimal | None:
        """Return an amount of đồng; other money is no amount of a claim, whatever it would be worth."""
        if not self.is_dong(money):
            detail = f"the amount for {what} is not in {_DONG}; it is left out"
            self.note(owner.pointer, "other-currency", detail)
            return None
        return self.amount(money.value, owner, what)

    def is_dong(self, money: Money) -> bool:
        """Say whether an amount is in đồng, as one of no currency is."""
        return not money.currency or money.currency.strip().upper() == _DONG

    def field_of(self, address: str) -> str | None:
        """Return the field that an extension of this address stands for."""
        if address not in self._fields:
            self._fields[address] = self.options.field_of(address)
        return self._fields[address]

    def refuse(self, item: Item[Resource], code: str, detail: str) -> None:
        """Refuse what a resource says; no claim is made of the encounter that it is read for."""
        self.refusals += 1
        refusal = Refusal(item.origin, code, detail, item.pointer)
        if refusal not in self._refused:
            self._refused.add(refusal)
            self.contents.refused.append(refusal)

    def note(self, pointer: str, code: str, detail: str) -> None:
        """Note an oddity."""
        self.contents.oddities.append(Oddity(pointer, code, detail))


def _short_form(text: str) -> str:
    return "/".join(text.rsplit("/", 2)[-2:])


def _own_identifiers(link: Link | Reference) -> Iterator[Identifier]:
    """Identifiers that the reference itself holds: a logical one, or one to search by."""
    if link.identifier:
        yield link.identifier
    text = _text_of(link)
    if text and "?" in text:
        for name, token in parse_qsl(text.partition("?")[2]):
            if name == "identifier":
                system, bar, value = token.partition("|")
                yield Identifier(system=system if bar else None, value=value if bar else token)


def _text_of(link: Link | Reference) -> str | None:
    return link.reference if isinstance(link.reference, str) else None


def _stripped(text: object) -> str | None:
    return (text.strip() or None) if isinstance(text, str) else None


@lru_cache(maxsize=4096)
def _fits(value: Decimal) -> bool:
    """Say whether a claim can carry a number, with all decimals that say something."""
    if value < 0 or value.adjusted() >= _MOST_DIGITS:
        return False
    _, digits, exponent = value.as_tuple()
    surplus = -int(exponent) - _RATE_PLACES
    return surplus <= 0 or not any(digits[-surplus:])
