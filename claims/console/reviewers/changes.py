"""What changed between two versions of a claim, as its page shows it."""

from dataclasses import dataclass
from decimal import Decimal

from claims.bundle.comparison import Change, ClaimChange, FieldChange
from claims.bundle.views import label_of, show_value


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
    is_money = change.field is not None and change.field.kind == "amount"
    return ShownChange(
        change.name, label_of(change.field, language), old, new, change.difference or None, is_money
    )


def _value(change: FieldChange, text: str, claim: ClaimChange, language: str) -> str:
    if change.change is Change.SPELLING:
        return text
    cell = show_value(change.field, text, on=claim.on, language=language)
    return f"{cell.text} ({cell.meaning})" if cell.meaning else cell.text
