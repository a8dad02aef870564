"""Figures by clip and by frame as small plots in SVG units; a template draws them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.plot import numbers_to_span, span_to_ticks

MOST_POINTS = 120
"""Points of a curve; longer clips are averaged over blocks of frames."""

LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 20
"""Margins round the axes, in SVG units."""

NAMES = 44
"""More margin to the right where level lines have names there."""

CURVES, DOTS = (270, 132), (520, 190)
"""Width and height of the two kinds of plot, in SVG units."""


@dataclass(frozen=True)
class Dot:
    """A clip's figure.

    Attributes:
        x: Place from the left.
        y: Place from the top.
        clip: Which clip, a number in the page's list.
        text: The figure.
    """

    x: float
    y: float
    clip: int
    text: str


@dataclass(frozen=True)
class Plot:
    """A small plot, ready to be drawn.

    Attributes:
        title: What is drawn.
        size: Width and height, in SVG units.
        ticks: Height and text of each grid line.
        ends: Place, anchor and text of what stands below the first and the last value.
        lines: Height and name of each level line ("floor", "ceiling").
        right: Where grid and level lines end.
        paths: Number of the row, and the SVG path, of each curve.
        dots: Number of the row, and its dots.
    """

    title: str
    size: tuple[int, int]
    ticks: tuple[tuple[float, str], ...]
    ends: tuple[tuple[float, str, str], ...]
    lines: tuple[tuple[float, str], ...] = ()
    right: float = CURVES[0] - RIGHT
    paths: tuple[tuple[int, str], ...] = ()
    dots: tuple[tuple[int, tuple[Dot, ...]], ...] = ()


@dataclass(frozen=True)
class _Axes:
    """Places of values in a plot: `x` from `first` to `last`, `y` from `low` to `high`."""

    right: float
    height: float
    first: float
    last: float
    low: float
    high: float

    def across(self, x: float) -> float:
        return LEFT + (x - self.first) / max(self.last - self.first, 1) * (self.right - LEFT)

    def down(self, y: float) -> float:
        return TOP + (self.high - y) / (self.high - self.low) * (self.height - TOP - BOTTOM)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        found, decimals = span_to_ticks(self.low, self.high)
        return tuple((self.down(tick), value_to_text(tick, decimals)) for tick in found)


def curves_to_plot(title: str, curves: Mapping[int, tuple[Sequence[int], Sequence[float]]]) -> Plot:
    """Draw curves over frame numbers; where a value is infinite, a curve has a gap.

    Args:
        title: What is drawn.
        curves: Number of the row to frame numbers and values, (T,) each with T > 0.
    """
    points = {row: _averaged(np.asarray(x), np.asarray(y, np.float64)) for row, (x, y) in curves.items()}
    numbers = np.concatenate([x for x, _ in points.values()])
    values = np.concatenate([y for _, y in points.values()])
    axes = _Axes(CURVES[0] - RIGHT, CURVES[1], float(numbers.min()), float(numbers.max()), *_span(values))
    return Plot(
        title=title,
        size=CURVES,
        ticks=axes.ticks(),
        ends=(
            (LEFT, "start", f"{axes.first:.0f}"),
            (axes.right, "end", f"{axes.last:.0f}"),
        ),
        paths=tuple(
            (row, _path([(axes.across(a), axes.down(b)) for a, b in zip(x, y, strict=True)]))
            for row, (x, y) in points.items()
        ),
    )


def clips_to_plot(
    title: str,
    order: Sequence[int],
    figures: Mapping[int, Mapping[int, float]],
    levels: Mapping[str, float],
    decimals: int,
) -> Plot:
    """Draw a dot for each clip and row, clips in a given order from the left.

    Args:
        title: What is drawn.
        order: Numbers of the clips.
        figures: Number of the row to number of the clip to figure; infinite ones are not drawn.
        levels: Level lines by name.
        decimals: Of a figure's text.
    """
    finite = [value for row in figures.values() for value in row.values() if math.isfinite(value)]
    shown = np.array([*finite, *levels.values()], np.float64)
    right = DOTS[0] - RIGHT - (NAMES if levels else 0)
    axes = _Axes(right, DOTS[1], 0, len(order) - 1, *_span(shown))
    middle = (right - LEFT) / 2 if len(order) == 1 else 0
    places = {clip: round(axes.across(place) + middle, 1) for place, clip in enumerate(order)}
    return Plot(
        title=title,
        size=DOTS,
        ticks=axes.ticks(),
        ends=((LEFT, "start", "worst clip"), (right, "end", "best clip")),
        right=right,
        lines=tuple((axes.down(value), name) for name, value in levels.items()),
        dots=tuple(
            (
                row,
                tuple(
                    Dot(places[clip], round(axes.down(value), 1), clip, value_to_text(value, decimals))
                    for clip, value in found.items()
                    if math.isfinite(value)
                ),
            )
            for row, found in figures.items()
        ),
    )


def _averaged(
    numbers: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `MOST_POINTS` points: means over blocks of frames."""
    block = math.ceil(len(values) / MOST_POINTS)
    starts = np.arange(0, len(values), block)
    sizes = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(numbers, starts) / sizes, np.add.reduceat(values, starts) / sizes


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """`numbers_to_span` of the finite ones."""
    return numbers_to_span(values[np.isfinite(values)].tolist())


def _path(points: Sequence[tuple[float, float]]) -> str:
    """SVG path through `points`, broken where one is not finite; a lone point is a dot."""
    commands, drawing = [], False
    for x, y in points:
        if math.isfinite(y):
            commands.append(f"L{x:.1f} {y:.1f}" if drawing else f"M{x:.1f} {y:.1f}h0")
        drawing = math.isfinite(y)
    return "".join(commands)
