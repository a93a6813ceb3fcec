"""Which roles somebody gets who signs in through an OpenID provider: a table (TOML) of what it says.

::

    [[grant]]
    role = "reviewer"
    place = "79"                          # a facility, a province, or "nation"
    when = { groups = "giam-dinh-hcm" }   # every claim named must say, or list, its value

    [[grant]]
    role = "hospital"
    place_from = "facility"               # the claim that says for which facility or province
    when = { "realm_access.roles" = "thanh-toan" }

    [second_factor]                       # what proves that the provider asked for two factors
    amr = ["mfa"]

What is not named here gives nothing. A claim about an e-mail address counts only when the provider says that
it has verified it, and no claim can name the nation: that takes a line of this table.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from claims.errors import ClaimsError
from claims.exchange.access.errors import IllegalGrant
from claims.exchange.access.people import grant_of
from claims.exchange.access.places import Place
from claims.exchange.access.policy import load_policy
from claims.exchange.access.principal import Grant

#: What providers say of a sign-in with two factors (RFC 8176).
_USUAL_PROOFS: Final = {"amr": ("mfa",)}
_MOST_PLACES: Final = 50


class MalformedRoles(ClaimsError):
    """The table of provided roles makes no sense."""


@dataclass(frozen=True, slots=True)
class ProvidedGrant:
    """One line of the table.

    Attributes:
        place: The code of the place; None: `place_from` says where.
        place_from: The claim with facilities or provinces.
        when: The value that each of some claims must say or list.
    """

    role: str
    place: str | None
    place_from: str | None
    when: Mapping[str, str]

    def of(self, said: Mapping[str, object]) -> Iterator[Grant]:
        """Return what somebody gets by it of whom a provider says these things."""
        if not all(value in values_of(said, claim) for claim, value in self.when.items()):
            return
        if self.place is not None:
            yield grant_of(self.role, self.place)
            return
        for code in values_of(said, self.place_from or "")[:_MOST_PLACES]:
            # An empty code would be the nation; what is no place of this role gives nothing.
            if code and _is_possible(self.role, code):
                yield grant_of(self.role, code)


@dataclass(frozen=True, slots=True)
class ProvidedRoles:
    """The whole table."""

    grants: tuple[ProvidedGrant, ...]
    proofs: Mapping[str, tuple[str, ...]]

    @property
    def claims(self) -> tuple[str, ...]:
        """The claims that the table looks at."""
        looked_at = [name for line in self.grants for name in (*line.when, line.place_from) if name]
        names = {name.partition(".")[0] for name in (*looked_at, *self.proofs)}
        return tuple(sorted(names | ({"email_verified"} if "email" in names else set())))

    def grants_of(self, said: Mapping[str, object]) -> frozenset[Grant]:
        """Return the roles of somebody of whom a provider says these things; none is the usual answer."""
        return frozenset(grant for line in self.grants for grant in line.of(said))

    def proves_two_factors(self, said: Mapping[str, object]) -> bool:
        """Return whether the provider says that it asked for more than a password."""
        return any(
            value in values_of(said, claim) for claim, values in self.proofs.items() for value in values
        )


def values_of(said: Mapping[str, object], claim: str) -> tuple[str, ...]:
    """Return what a claim says or lists; a dotted name also leads into nested ones."""
    if claim == "email" and said.get("email_verified") is not True:
        return ()
    found = said.get(claim)
    if found is None and "." in claim:
        found = said
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return tuple(value for value in values if isinstance(value, str))


def read_provided_roles(text: str) -> ProvidedRoles:
    """Return the table.

    Raises:
        MalformedRoles: It makes no sense; says where.
    """
    try:
        document = tomllib.loads(text)
        if unknown := document.keys() - {"grant", "second_factor"}:
            raise MalformedRoles(f"there is no {', '.join(sorted(unknown))}")
        lines = tuple(_line(one) for one in document["grant"])
        proofs = {name: tuple(values) for name, values in document.get("second_factor", {}).items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise MalformedRoles(f"{type(error).__name__}: {error}") from error
    return ProvidedRoles(lines, proofs or _USUAL_PROOFS)


def _line(document: Mapping[str, Any]) -> ProvidedGrant:
    if unknown := document.keys() - {"role", "place", "place_from", "when"}:
        raise MalformedRoles(f"a grant has no {', '.join(sorted(unknown))}")
    role, when = document["role"], document["when"]
    known = load_policy().role(role)
    if known is None or known.is_machine:
        raise MalformedRoles(f"{role} is no role of people")
    if not isinstance(when, dict) or not when or not all(isinstance(value, str) for value in when.values()):
        raise MalformedRoles(f"{role}: `when` names at least one claim and its value")
    place, source = document.get("place"), document.get("place_from")
    if (place is None) == (source is None):
        raise MalformedRoles(f"{role}: either `place` or `place_from`")
    if place is None:
        return ProvidedGrant(role, None, source, when)
    code = "" if place == "nation" else place
    if not _is_possible(role, code) or not (code or place == "nation"):
        raise MalformedRoles(f"{role} is not given for {place}")
    return ProvidedGrant(role, code, None, when)


def _is_possible(role: str, code: str) -> bool:
    try:
        return grant_of(role, code).place == Place(code)
    except IllegalGrant:
        return False
