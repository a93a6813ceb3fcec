"""Principals: whoever calls, person or machine, and the one question everybody asks of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from claims.exchange.access.errors import AccessDenied
from claims.exchange.access.places import EVERYWHERE, NOWHERE, Place, PlaceKind, Reach
from claims.exchange.access.policy import About, load_policy
from claims.exchange.submission import FacilityCode


class PrincipalKind(StrEnum):
    """What kind of caller it is."""

    KEY = "key"
    CLIENT = "client"
    PERSON = "person"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role, and the place for which somebody has it."""

    role: str
    place: Place

    @property
    def is_possible(self) -> bool:
        """Whether the table knows the role and allows it for such a place."""
        role = load_policy().role(self.role)
        return role is not None and self.place.kind in role.places


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        id: What histories name: the id of a key, a client or a person; never a name.
        grants: What the caller may do, and where.
        within: Where it may do what it has come for; nowhere until that has been asked.
    """

    id: str
    kind: PrincipalKind
    grants: frozenset[Grant]
    within: Reach = NOWHERE

    def reach(self, action: str) -> Reach:
        """Return where the caller may do something; nowhere, if it may not."""
        return _reach(self.grants, action)

    def may(self, action: str, facility: str | None = None) -> bool:
        """Return whether the caller may do something: to this facility's records, or at all."""
        reach = self.reach(action)
        return not reach.is_nowhere if facility is None else reach.covers(facility)

    def allowed(self, action: str) -> Self:
        """Return the caller with the places where it may do something.

        Raises:
            AccessDenied: Nowhere.
        """
        reach = self.reach(action)
        if reach.is_nowhere:
            raise self._denied(action)
        return replace(self, within=reach)

    def _denied(self, action: str) -> AccessDenied:
        """Say what is lacking in the words in which one asks for it: a machine's scope, a person's right."""
        opening = sorted(
            role.name for role in load_policy().roles.values() if role.is_machine and action in role.may
        )
        if (
            self.kind is PrincipalKind.PERSON
            or not opening
            or {grant.role for grant in self.grants} & {*opening}
        ):
            return AccessDenied(f"the right {action}", f"quyền {action}")
        return AccessDenied(
            f"the scope {' or '.join(opening)}, for {action}",
            f"phạm vi {' hoặc '.join(opening)}, cho {action}",
        )

    def own_facility(self) -> FacilityCode:
        """Return the one facility within which the caller may do what it has come for.

        Raises:
            AccessDenied: There are several, or it is a province or the nation.
        """
        facility = self.within.only_facility
        if facility is None:
            raise AccessDenied("a facility of its own", "khóa riêng của một cơ sở")
        return FacilityCode(facility)

    def facility_within(self, named: str | None) -> FacilityCode | None:
        """Return the facility that is meant: the one named, or the only one; None: more than one could be.

        Raises:
            AccessDenied: The one that was named lies elsewhere.
        """
        if named is not None and not self.within.covers(named):
            raise AccessDenied(f"the right to see facility {named}", f"quyền xem cơ sở {named}")
        facility = named or self.within.only_facility
        return None if facility is None else FacilityCode(facility)

    def hidden_classes(self, classes: Iterable[str], facility: str) -> frozenset[str]:
        """Return those of a claim's protected classes that the caller has no right to see."""
        known = load_policy().classes
        return frozenset(name for name in classes if not self.may(known[name].right, facility))


def _reach(grants: Iterable[Grant], action: str) -> Reach:
    policy = load_policy()
    about = policy.action(action).about
    # A grant that the table no longer allows gives nothing: taking a line out of the table takes effect.
    places = [grant.place for grant in grants if grant.is_possible and action in policy.roles[grant.role].may]
    match about:
        case About.RECORDS | About.SELF:
            return Reach.of(*places)
        case About.OWN:
            return Reach.of(*(place for place in places if place.kind is PlaceKind.FACILITY))
        case About.SERVICE:
            return EVERYWHERE if any(place.kind is PlaceKind.NATION for place in places) else NOWHERE
