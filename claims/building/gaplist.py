"""The gap list of a facility: what its encounters lack, each thing once, the most frequent first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from claims.building.errors import Reason
from claims.building.filling import DRUG, SERVICE, SUPPLY

_FROM_LISTS: Final = frozenset(
    path.replace(".", "/") for filling in (DRUG, SERVICE, SUPPLY) for path in filling.values
)


@dataclass(frozen=True, slots=True)
class Lacking:
    """One thing that encounters lack.

    Attributes:
        code: The gap's code, such as ``code-not-mapped``.
        file: The catalogue's file that would supply it; empty when the EMR has to.
        item: The code that is not mapped or has no price; empty when it is a plain value.
        display: What the EMR calls it.
        field: Which value of the encounter, such as ``medications.price``.
        count: How often it is lacking.
        example: Where first: the encounter as the caller names it, and the pointer.
        reason: The first reason.
    """

    code: str
    file: str
    item: str
    display: str
    field: str
    count: int
    example: str
    reason: Reason


def list_gaps(refused: Iterable[tuple[str, Sequence[Reason]]]) -> tuple[Lacking, ...]:
    """Count gaps by what would fill them; each encounter comes with its name and all its reasons.

    What a list will give as soon as the item's code is mapped is not listed beside the code.
    """
    counts: dict[tuple[str, str, str, str, str], int] = {}
    first: dict[tuple[str, str, str, str, str], tuple[str, Reason]] = {}
    for encounter, reason in _worth_listing(refused):
        facts = dict(reason.params)
        file, item, display = (facts.get(name, "") for name in ("file", "code", "display"))
        # One mapping serves every field: the doctor who orders and the one who performs.
        key = reason.code, file, item, display, "" if file and item else _field(reason.pointer)
        counts[key] = counts.get(key, 0) + 1
        first.setdefault(key, (encounter, reason))
    lacking = (
        Lacking(
            code=key[0],
            file=key[1],
            item=key[2],
            display=key[3],
            field=_field(first[key][1].pointer),
            count=count,
            example=f"{first[key][0]}{first[key][1].pointer}",
            reason=first[key][1],
        )
        for key, count in counts.items()
    )
    return tuple(sorted(lacking, key=lambda one: (-one.count, one.file, one.code, one.item, one.field)))


def _worth_listing(refused: Iterable[tuple[str, Sequence[Reason]]]) -> Iterator[tuple[str, Reason]]:
    for encounter, reasons in refused:
        unmapped = {item for reason in reasons for item in [_item(reason.pointer, "code")] if item}
        for reason in reasons:
            waits = any(_item(reason.pointer, name) in unmapped for name in _FROM_LISTS)
            if reason.is_gap and not waits:
                yield encounter, reason


def _item(pointer: str, field: str) -> str | None:
    """Return the pointer of the item whose field a pointer means, if it means that field."""
    item = pointer.removesuffix(f"/{field}")
    return None if item == pointer else item


def _field(pointer: str) -> str:
    return ".".join(part for part in pointer.split("/") if part and not part.isdigit())
