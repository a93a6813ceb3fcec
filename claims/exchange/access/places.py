"""Places: where a right counts. A facility's code begins with its province, so a place is a beginning."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

PROVINCE_LENGTH: Final = 2
FACILITY_LENGTH: Final = 5
_PLACE: Final = re.compile(r"(?:[0-9A-Z]{2}|[0-9A-Z]{5})?")


class PlaceKind(StrEnum):
    """How much of the country a place is."""

    FACILITY = "facility"
    PROVINCE = "province"
    NATION = "nation"


_KINDS: Final = {
    0: PlaceKind.NATION,
    PROVINCE_LENGTH: PlaceKind.PROVINCE,
    FACILITY_LENGTH: PlaceKind.FACILITY,
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A facility (``79001``), a province (``79``) or the nation (an empty code)."""

    code: str

    def __post_init__(self) -> None:
        if not _PLACE.fullmatch(self.code):
            raise ValueError("a place is a facility's five characters, a province's two, or empty")

    @property
    def kind(self) -> PlaceKind:
        """How much of the country it is."""
        return _KINDS[len(self.code)]

    def covers(self, facility: str) -> bool:
        """Return whether a facility lies in it."""
        return facility.startswith(self.code)


NATION: Final = Place("")


@dataclass(frozen=True, slots=True)
class Reach:
    """The places that one may see or act in, together; of nested ones only the widest is kept."""

    places: tuple[Place, ...]

    @classmethod
    def of(cls, *places: Place) -> Self:
        """Return the reach of some places."""
        kept: list[Place] = []
        for place in sorted(set(places)):
            if not any(wider.covers(place.code) for wider in kept):
                kept.append(place)
        return cls(tuple(kept))

    @property
    def is_nowhere(self) -> bool:
        """Whether it covers nothing."""
        return not self.places

    @property
    def is_everywhere(self) -> bool:
        """Whether it covers the nation."""
        return NATION in self.places

    @property
    def codes(self) -> list[str]:
        """The beginnings of the codes of the facilities in it."""
        return [place.code for place in self.places]

    @property
    def only_facility(self) -> str | None:
        """The facility it is, where it is exactly one."""
        if len(self.places) == 1 and self.places[0].kind is PlaceKind.FACILITY:
            return self.places[0].code
        return None

    def covers(self, facility: str) -> bool:
        """Return whether a facility lies in it."""
        return any(place.covers(facility) for place in self.places)

    def reaches(self, facility: str | None) -> bool:
        """Return whether a facility's machines lie in it; None: the service's own, which are the nation's."""
        return self.is_everywhere if facility is None else self.covers(facility)


EVERYWHERE: Final = Reach((NATION,))
NOWHERE: Final = Reach(())
