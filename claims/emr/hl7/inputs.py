"""Several inputs with HL7 messages, read as one stream; what comes of it is told by input.

What an input lacks by itself, such as the order of a result, another may bring. So visits, and what is
odd or refused about them, are those of the whole; only what keeps a message from being read is its input's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from claims.emr.encounter import Encounter
from claims.emr.hl7.options import Hl7Options
from claims.emr.hl7.reading import read_hl7
from claims.emr.inputs import ReadEncounters, Refusal

Part = TypeVar("Part")

# How what cannot be read is called: by its place in its own input. All else is of messages or visits.
_UNREAD: Final = "message "


def read_hl7_inputs(inputs: Sequence[bytes], *, options: Hl7Options) -> Iterator[ReadEncounters]:
    """Read inputs together, and say of each what came of it; nothing is said twice, and nothing is lost.

    A visit, or what there is to say of it, is of the first input that names it; of the last, if none does.
    """
    if len(inputs) < 2:  # noqa: PLR2004 - one input needs no putting together
        yield from (read_hl7(data, options=options) for data in inputs)
        return
    left = _Left(read_hl7(inputs, options=options))
    for number, data in enumerate(inputs, 1):
        yield left.share_of(read_hl7(data, options=options), is_last=number == len(inputs))


class _Left:
    """What came of all inputs together and is not yet said of one of them."""

    def __init__(self, whole: ReadEncounters) -> None:
        self._encounters = whole.encounters
        self._refused = tuple(one for one in whole.refused if not _is_unread(one))
        self._oddities = dict.fromkeys(whole.oddities)
        self._of_number = Counter(one.encounter.link_id for one in whole.encounters)

    def share_of(self, alone: ReadEncounters, *, is_last: bool) -> ReadEncounters:
        """Take out what is of an input, which shows by what it tells alone."""
        unread = tuple(one for one in alone.refused if _is_unread(one))
        if is_last:
            return ReadEncounters(self._encounters, (*unread, *self._refused), tuple(self._oddities))
        own = {_key(one) for one in alone.encounters}
        numbers = {number for number, _ in own}
        named = numbers | {one.encounter for one in alone.refused}
        encounters, self._encounters = _parted(
            (_key(one) in own or (_key(one)[0] in numbers and self._is_only(one)), one)
            for one in self._encounters
        )
        refused, self._refused = _parted((one.encounter in named, one) for one in self._refused)
        oddities = tuple(one for one in alone.oddities if one in self._oddities)
        for one in oddities:
            del self._oddities[one]
        return ReadEncounters(encounters, (*unread, *refused), oddities)

    def _is_only(self, encounter: Encounter) -> bool:
        """Whether no other facility has a visit of this number: an input need not know the facility."""
        return self._of_number[encounter.encounter.link_id] == 1


def _is_unread(refusal: Refusal) -> bool:
    return not refusal.encounter or refusal.encounter.startswith(_UNREAD)


def _key(encounter: Encounter) -> tuple[str | None, str]:
    return encounter.encounter.link_id, encounter.facility


def _parted(parts: Iterable[tuple[bool, Part]]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Part what is an input's own from what is left."""
    marked = list(parts)
    return tuple(one for is_own, one in marked if is_own), tuple(one for is_own, one in marked if not is_own)
