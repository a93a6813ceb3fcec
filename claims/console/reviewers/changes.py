"""What changed between two versions of a claim, as its page shows it."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from claims.bundle.comparison import Change, ClaimChange, FieldChange
from claims.bundle.views import label_of, show_value
from claims.console.formats import dong

#: An amount as the Decision wants it: the figure of its row's difference is written so, too.
_AMOUNT: Final = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One changed field: its name, what people call it, both values, and the difference of an amount."""

    name: str
    label: str
    old: str
    new: str
    difference: Decimal | None
    is_money: bool


def show_change(change: FieldChange, claim: ClaimChange, language: str) -> ShownChange:
    """Prepare one changed field for showing."""
    old, new = (_value(change, text, claim, language) for text in (change.old, change.new))
    return ShownChange(
        change.name, label_of(change.field, language), old, new, change.difference or None, _is_money(change)
    )


def _is_money(change: FieldChange) -> bool:
    return change.field is not None and change.field.kind == "amount"


def _value(change: FieldChange, text: str, claim: ClaimChange, language: str) -> str:
    if change.change is Change.SPELLING:
        return text
    if _is_money(change) and _AMOUNT.fullmatch(text):
        return dong(Decimal(text))
    cell = show_value(change.field, text, on=claim.on, language=language)
    return f"{cell.text} ({cell.meaning})" if cell.meaning else cell.text
