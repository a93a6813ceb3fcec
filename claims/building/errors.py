"""Errors of building a bundle.

* ClaimsError
  - CannotBuild
"""

from dataclasses import dataclass

from claims.bundle.findings import NOWHERE, Location
from claims.errors import ClaimsError


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why an encounter makes no claim.

    ``encounter`` counts the encounters of the call from 0, ``pointer`` is a JSON pointer into
    that encounter's document, and ``detail`` holds codes and amounts at most, nothing of a person.
    A gap (a code nobody mapped, a price nobody gave) is something that a draft can be built without.
    ``params`` are the facts of ``detail`` by name, ``location`` is where in the claim the reason shows, if
    that is known.
    """

    pointer: str
    code: str
    detail: str
    encounter: int = 0
    is_gap: bool = False
    params: tuple[tuple[str, str], ...] = ()
    location: Location = NOWHERE


class CannotBuild(ClaimsError):
    """Encounters cannot become a bundle as they are; all reasons are listed."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        listed = "; ".join(f"{reason.pointer or '/'}: {reason.detail}" for reason in reasons)
        super().__init__(f"no bundle can be built for {len(reasons)} reason(s): {listed}")
        self.reasons = reasons
