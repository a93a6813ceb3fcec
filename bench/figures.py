"""A figure beside its target, and how a table of them is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        target: What it should be.
        at_least: Whether the target is a floor; otherwise it is a ceiling.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = True

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None when there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def to_json(self) -> dict[str, object]:
        """Return the figure for a program."""
        return {"value": self.value, "unit": self.unit, "target": self.target, "met": self.is_met}


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print a table on standard error."""
    table = Table("figure", "value", "unit", "target", title=title)
    for figure in figures:
        sign = "≥" if figure.at_least else "≤"
        target = "" if figure.target is None else f"{sign} {figure.target:g} {'✓' if figure.is_met else '✗'}"
        table.add_row(
            figure.name,
            f"{figure.value:,.3g}" if figure.value < 100 else f"{figure.value:,.0f}",  # noqa: PLR2004
            figure.unit,
            target,
        )
    Console(stderr=True).print(table)
