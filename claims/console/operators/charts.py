"""Charts as SVG, drawn here: bars and lines over hours. The page has the same numbers in a table.

No style is inline, so that the pages' policy allows none: classes name what is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from claims.bundle.views import group_figure

WIDTH: Final = 640
HEIGHT: Final = 150
#: Room for a million.
_LEFT: Final = 64
_BOTTOM: Final = 22
_TOP: Final = 10
_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a column: where it is, and under which class it is drawn."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across with what it stands for."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template draws.

    Attributes:
        lines: The corners of each line, as ``points`` of a polyline wants them, by class.
        labels: Where along the bottom which text stands.
    """

    bars: Sequence[Bar]
    lines: Sequence[tuple[str, str]]
    ticks: Sequence[Tick]
    labels: Sequence[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    floor: int = HEIGHT - _BOTTOM


def columns(parts: Sequence[Sequence[tuple[str, float]]], names: Sequence[str], *, every: int = 3) -> Chart:
    """Return stacked columns: for each its parts from the bottom up, as class and size."""
    top = _round_up(max((sum(size for _, size in column) for column in parts), default=0))
    step = (WIDTH - _LEFT) / max(1, len(parts))
    bars = []
    for place, column in enumerate(parts):
        floor = float(HEIGHT - _BOTTOM)
        for kind, size in column:
            height = _scaled(size, top)
            floor -= height
            if height:
                bars.append(Bar(_LEFT + place * step + 1, floor, step - 2, height, kind))
    return Chart(bars, (), _ticks(top), _labels(names, step, every))


def lines(
    series: Sequence[tuple[str, Sequence[float | None]]], names: Sequence[str], *, every: int = 3
) -> Chart:
    """Return lines: for each its class and its values, with gaps where there is none."""
    values = [value for _, one in series for value in one if value is not None]
    top = _round_up(max(values, default=0))
    step = (WIDTH - _LEFT) / max(1, len(names))
    drawn, dots = [], []
    for kind, one in series:
        for run in _runs(one):
            points = [(_LEFT + (place + 0.5) * step, HEIGHT - _BOTTOM - _scaled(v, top)) for place, v in run]
            drawn.append((kind, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
            dots += [Bar(x - 2, y - 2, 4, 4, kind) for x, y in points]
    return Chart(dots, drawn, _ticks(top), _labels(names, step, every))


def _runs(values: Sequence[float | None]) -> Sequence[Sequence[tuple[int, float]]]:
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _round_up(value: float) -> float:
    """Return the next round number, so that ticks can be read."""
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next((size * step for step in (*_STEPS, 10) if size * step >= value), size)


def _scaled(value: float, top: float) -> float:
    return value / top * (HEIGHT - _BOTTOM - _TOP)


def _ticks(top: float) -> Sequence[Tick]:
    at = [top * part for part in (0, 0.5, 1)]
    return [Tick(HEIGHT - _BOTTOM - _scaled(one, top), group_figure(f"{one:.10g}")) for one in at]


def _labels(names: Sequence[str], step: float, every: int) -> Sequence[tuple[float, str]]:
    return [(_LEFT + (place + 0.5) * step, name) for place, name in enumerate(names) if place % every == 0]
