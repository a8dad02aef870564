"""Figures and their intervals as points and whiskers, ready for a template to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.ranking import Column, Place, heading

WIDTH = 420
"""Of a plot, in SVG units; its height follows from its rows."""

ROW, TOP, BOTTOM = 24, 6, 24
"""Height of a row, and of what stands above and below all rows."""

LEFT, RIGHT = 132, 14
"""Margins beside the axis; names stand in the left one."""

LETTERS = 19
"""Most letters of a name that fit there."""

MARGIN = 0.05
"""Part of the axis that stays free at each end."""


@dataclass(frozen=True)
class Mark:
    """An entry in a plot.

    Attributes:
        entry: Position of the entry in the ranking.
        name: As much of its name as fits.
        title: Its whole name and figure.
        kind: "best", "ranked" or "audit".
        x: Where its figure lies, or None where it has none.
        ends: Where its interval begins and ends, or None.
    """

    entry: int
    name: str
    title: str
    kind: str
    x: float | None
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class Plot:
    """A metric of all entries.

    Attributes:
        title: The metric's heading.
        ticks: Place and text of each grid line.
        marks: A row each, in the order of the ranking.
        height: Of the rows.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    height: int


def column_to_plot(column: Column, places: Sequence[Place]) -> Plot:
    """Draw a metric of every entry.

    Args:
        column: The metric.
        places: The ranking, at least one entry.
    """
    values = [place.entry.values[column.name] for place in places]
    numbers = [n for value in values for n in (value.value, value.low, value.high) if n is not None]
    low, high = numbers_to_span(numbers)
    ticks, decimals = span_to_ticks(low, high)

    def across(number: float) -> float:
        return round(LEFT + (number - low) / (high - low) * (WIDTH - LEFT - RIGHT), 1)

    marks = []
    for index, (place, value) in enumerate(zip(places, values, strict=True)):
        text = " ".join(filter(None, [place.name, *place.cell(column)]))
        ends = None if value.low is None or value.high is None else (across(value.low), across(value.high))
        marks.append(
            Mark(
                entry=index,
                name=place.name if len(place.name) <= LETTERS else f"{place.name[: LETTERS - 1]}…",
                title=text,
                kind="audit" if place.place is None else "best" if column.name in place.best else "ranked",
                x=None if value.value is None else across(value.value),
                ends=ends,
            )
        )
    return Plot(
        title=heading(column),
        ticks=tuple((across(tick), value_to_text(tick, decimals)) for tick in ticks),
        marks=tuple(marks),
        height=ROW * len(places),
    )


def numbers_to_span(numbers: Sequence[float], margin: float = MARGIN) -> tuple[float, float]:
    """A little more than the range of `numbers`, and never nothing."""
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    free = margin * (high - low) or 0.05 * max(abs(high), 0.02)
    return low - free, high + free


def span_to_ticks(low: float, high: float) -> tuple[list[float], int]:
    """Two to five round numbers between `low` and `high`, and the decimals that show them."""
    rough = (high - low) / 3
    power = math.floor(math.log10(rough))
    step = next(part for part in (1, 2, 5, 10) if part * 10**power >= rough) * 10.0**power
    first = math.ceil(low / step)
    ticks = [number * step for number in range(first, math.floor(high / step) + 1)]
    return ticks, max(0, -math.floor(math.log10(step) + 1e-9))
