"""What an attack is, and what attackers work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from lxml.etree import _Element as Element

from signing.canonical import parse
from signing.demo_pki import DemoPki, FacilityKey
from signing.errors import Unparsable
from signing.sign import Profile, sign_bundle
from signing.trust import TrustStore
from signing.verdict import Reason
from signing.verify import verify
from tests.unit.signing.documents import BUNDLE, DS, NOW, Recipe, edit, sign_like
from tests.unit.signing.forging import ADJUSTMENTS, forge
from tests.unit.signing.xades_documents import XadesRecipe, sign_xades


@dataclass(frozen=True)
class Workshop:
    """What an attacker has: documents that others signed, and often a valid key of his own."""

    pki: DemoPki
    facility: FacilityKey
    ec_facility: FacilityKey
    other_facility: FacilityKey

    @cached_property
    def signed(self) -> bytes:
        """A bundle that the facility signed as a whole."""
        return sign_bundle(BUNDLE, self.facility.signer)

    @cached_property
    def xades(self) -> bytes:
        """The same with XAdES properties."""
        return sign_bundle(BUNDLE, self.facility.signer, profile=Profile.XADES, at=NOW)

    @cached_property
    def element(self) -> bytes:
        """A document of which the facility signed one element."""
        return sign_bundle(ADJUSTMENTS, self.facility.signer, profile=Profile.ELEMENT, at=NOW)


Make = Callable[[Workshop], bytes]


@dataclass(frozen=True)
class Attack:
    """One attack.

    Attributes:
        tried: What is tried, as a phrase that follows from the class's title.
        make: Makes the hostile document.
        answer: All reasons of the verdict, or why the bytes are not even parsed.
        trust: Whom the verifier trusts, if not just the demo PKI.
        at: When it verifies.
    """

    tried: str
    make: Make
    answer: Reason | str | tuple[Reason, ...]
    trust: Callable[[Workshop], TrustStore] | None = None
    at: datetime = NOW

    @property
    def answers(self) -> tuple[str, ...]:
        """The expected reasons, as they are published."""
        if isinstance(self.answer, tuple):
            return tuple(str(reason) for reason in self.answer)
        return (str(self.answer),)


@dataclass(frozen=True)
class Family:
    """A class of attacks."""

    title: str
    attacks: tuple[Attack, ...]


def answers_to(attack: Attack, workshop: Workshop) -> tuple[str, ...]:
    """Return what the verifier answers to an attack; nothing if it accepts the document."""
    data = attack.make(workshop)
    try:
        root = parse(data)
    except Unparsable as error:
        return (error.code,)
    trust = workshop.pki.trust_store() if attack.trust is None else attack.trust(workshop)
    verdict = verify(root, trust=trust, at=attack.at)
    again = verify(parse(data), trust=trust, at=attack.at, source=data)
    assert (again.indication, again.reasons) == (verdict.indication, verdict.reasons)
    assert verdict.has_passed is (verdict.content is not None)
    return () if verdict.has_passed else tuple(str(reason) for reason in verdict.reasons)


# Ways to make a hostile document.


def edited(change: Callable[[Element], object], base: str = "signed") -> Make:
    """Change the tree of a signed document."""
    return lambda workshop: edit(getattr(workshop, base), change)


def replaced(old: bytes | str, new: bytes | str, base: str = "signed") -> Make:
    """Change the bytes of a signed document, once."""
    before, after = (each.encode() if isinstance(each, str) else each for each in (old, new))

    def make(workshop: Workshop) -> bytes:
        document: bytes = getattr(workshop, base)
        assert before in document
        return document.replace(before, after, 1)

    return make


def recipe(like: Recipe, document: bytes = BUNDLE) -> Make:
    """Sign as no honest tool does, with a trusted key."""
    return lambda workshop: sign_like(like, workshop.facility, document)


def xades(like: XadesRecipe, document: bytes = BUNDLE) -> Make:
    """The same, with XAdES properties."""
    return lambda workshop: sign_xades(like, workshop.facility, document)


def forged(signature: str, document: bytes = ADJUSTMENTS) -> Make:
    """The same, over one element."""
    return lambda workshop: forge(workshop.facility, signature, document)


def signature_of(root: Element) -> Element:
    """Return the first Signature."""
    return next(root.iter(f"{DS}Signature"))


def part_of(root: Element, name: str) -> Element:
    """Return the first element of this local name in the Signature, or that itself."""
    return next(signature_of(root).iter(f"{DS}{name}"))


def parent_of(element: Element) -> Element:
    """Return the parent of an element that has one."""
    parent = element.getparent()
    assert parent is not None
    return parent
