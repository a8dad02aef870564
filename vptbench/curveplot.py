"""Curves over noisy poses as a picture: a column a kind of noise, a row a metric, a line a model.

Equal sweeps give equal bytes: no date, no random ids, and matplotlib's own defaults whatever the user's are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.benchmarks.noisy import KINDS, SEVERITIES
from vptbench.curvefile import CLEAN, Robustness
from vptbench.errors import ScoreError
from vptbench.manifest import Json, written_beside
from vptbench.metrics.table import METRICS
from vptbench.outputs.listing import shown
from vptbench.plotting import (
    COLOURS,
    FAINT,
    GREY,
    GRID,
    MARKERS,
    SUFFIXES,
    cut_text,
    figure_to_picture,
    name_legend,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BY = {"severity": "severity", "px": "mean px"}
"""What the curves may run over, and what their axes are called."""

CELL, MARGIN, LINE = 1.72, (0.75, 0.55), 0.21
"""Least width of a small plot, width and height of what stands round all of them, and height of a line of the
legend, in inches."""

SLANT, HIGHEST = 0.84, 2.4
"""Height of a small plot as a part of its width, and its most, inches."""

NARROWEST = 5.6
"""Inches; a picture of one kind still has room for its legend."""

LETTERS, FEW_LETTERS = 48, 20
"""Most letters of a model's name in the legend, and of a kind or a metric."""

LETTER = 0.074
"""Mean width of a letter of the legend, inches."""


@dataclass(frozen=True)
class Points:
    """A model's curve of one metric under one kind of noise; NaN where there is no figure.

    Attributes:
        severities: (N,), ascending, 0 for clean poses.
        px: Mean distance of the joints from the clean ones, pixels, (N,).
        value: The model's, (N,).
        low: Where its interval begins, (N,).
        high: Where it ends, (N,).
        floor: What repeating the source frame scores, (N,).
        control: What a perfect follower of the wrong pose scores, (N,).
        breaking: The breaking severity, or NaN.
        breaking_px: The distance at which it breaks, pixels, or NaN.
    """

    severities: NDArray[np.float64]
    px: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    floor: NDArray[np.float64]
    control: NDArray[np.float64]
    breaking: float
    breaking_px: float

    def across(self, by: str) -> NDArray[np.float64]:
        """What the curve runs over, (N,): severities, or pixels."""
        return self.px if by == "px" else self.severities


def write_curves(
    sweeps: Sequence[Robustness], path: Path, *, metrics: Sequence[str] = (), by: str = "severity"
) -> None:
    """Draw sweeps that may be compared.

    Args:
        sweeps: At least one, all of one list of corruptions.
        path: The picture, ``.svg`` or ``.png``.
        metrics: Rows, from the top; all metrics by default.
        by: "severity", or "px": over the mean distance of the joints, for kinds that move them farther at
            each severity (others stay over the severity). Rings of breaking points stand at
            ``breaking_severity`` or at ``breaking_px``.

    Raises:
        ScoreError: There is no sweep, or no figure; lists of corruptions differ; a metric is in no sweep; the
            suffix or `by` is another.

    Example:
        ``write_curves([read_robustness("robustness/mesh_warp")], Path("curves.svg"))``
    """
    picture = curves_to_picture(sweeps, path.suffix, metrics=metrics, by=by)
    with written_beside(path) as part:
        part.write_bytes(picture)


def curves_to_picture(
    sweeps: Sequence[Robustness], suffix: str, *, metrics: Sequence[str] = (), by: str = "severity"
) -> bytes:
    """The file that `write_curves` writes.

    Raises:
        ScoreError: As there.
    """
    _check(sweeps, suffix, metrics, by)
    rows = list(metrics) or sweeps_to_metrics(sweeps)
    return figure_to_picture(lambda: _draw(sweeps, sweeps_to_kinds(sweeps), rows, by), suffix)


def sweeps_to_kinds(sweeps: Sequence[Robustness]) -> list[str]:
    """Kinds of noise of any sweep, in the order of `KINDS`, unknown ones last."""
    found = {str(kind) for sweep in sweeps for kind in sweep.curves["kind"]} - {CLEAN}
    return sorted(found, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind))


def sweeps_to_metrics(sweeps: Sequence[Robustness]) -> list[str]:
    """Metrics that any sweep has figures of, in the order of `METRICS`, unknown ones last."""
    places = {name: place for place, name in enumerate(METRICS)}
    found = {str(name) for sweep in sweeps for name in sweep.curves["metric"] if name in sweep.metrics}
    return sorted(found, key=lambda name: (places.get(name.partition("@")[0], len(places)), name))


def sweep_to_points(sweep: Robustness, kind: str, metric: str) -> Points | None:
    """A curve that begins at clean poses; None where the sweep has none."""
    table = sweep.curves[sweep.curves["metric"].isin([metric])]
    own = table[table["kind"].isin([kind])]
    if own.empty:
        return None
    clean = table[table["kind"].isin([CLEAN])]
    if not clean.empty and not bool((own["severity"] == 0).any()):
        own = pd.concat([clean, own])
    own = own.sort_values("severity")
    severities, px = _finite(own["severity"]), _finite(own["mean_px"])
    px[severities == 0] = 0.0
    summary = sweep.summary[sweep.summary["kind"].isin([kind]) & sweep.summary["metric"].isin([metric])]
    breaking, breaking_px = (
        next(iter(_finite(summary[name])), math.nan) for name in ("breaking_severity", "breaking_px")
    )
    value, low, high, floor, control = (
        _finite(own[name]) for name in ("value", "low", "high", "floor", "control")
    )
    return Points(severities, px, value, low, high, floor, control, breaking, breaking_px)


def _check(sweeps: Sequence[Robustness], suffix: str, metrics: Sequence[str], by: str) -> None:
    """Whether these can be drawn.

    Raises:
        ScoreError: They cannot.
    """
    lists = {str(sweep.benchmark.get("sha256")): shown(sweep.benchmark.get("id")) for sweep in sweeps}
    known = sweeps_to_metrics(sweeps)
    problem = ""
    if suffix not in SUFFIXES:
        problem = f"expected a picture that ends in {' or '.join(SUFFIXES)}, got {suffix!r}; rename it"
    elif by not in BY:
        problem = f"expected curves over {' or '.join(BY)}, got {by!r}; choose one"
    elif len(lists) != 1:
        names = ", ".join(sorted(lists.values())) or "none"
        problem = f"expected sweeps of one list of corruptions, found {names}; draw each list by itself"
    elif set(metrics) - set(known):
        strange = ", ".join(sorted(map(shown, set(metrics) - set(known))))
        problem = f"expected metrics of the sweeps ({', '.join(known)}), got {strange}; leave these out"
    elif not known or not sweeps_to_kinds(sweeps):
        problem = "expected curves of at least one kind of noise, found none; run the sweep again"
    if problem:
        raise ScoreError(problem)


def _draw(sweeps: Sequence[Robustness], kinds: Sequence[str], metrics: Sequence[str], by: str) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    names = [cut_text(sweep.model, LETTERS) for sweep in sweeps]
    width = max(NARROWEST, MARGIN[0] + CELL * len(kinds))
    widest = LETTER * max(map(len, [*names, "a perfect follower of the wrong pose"])) + 0.65
    columns = max(1, int((width - 0.2) / widest))
    lines = -(-(len(names) + 3) // columns)
    high = min(HIGHEST, SLANT * (width - MARGIN[0]) / len(kinds))
    size = (width, MARGIN[1] + high * len(metrics) + LINE * lines)
    layout = ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.02, hspace=0.03)
    figure = Figure(figsize=size, layout=layout, facecolor="white")
    grid = figure.subplots(len(metrics), len(kinds), sharey="row", squeeze=False)
    for row, metric in enumerate(metrics):
        for column, kind in enumerate(kinds):
            axes = grid[row, column]
            found = [sweep_to_points(sweep, kind, metric) for sweep in sweeps]
            how = by if all(_increases(points) for points in found if points) else "severity"
            _draw_axis(axes, how, last=row == len(metrics) - 1)
            _draw_curves(axes, found, how)
            if row == 0:
                axes.set_title(cut_text(kind, FEW_LETTERS), color=GREY, parse_math=False)
            if column == 0:
                axes.set_ylabel(_heading(sweeps, metric), color=GREY, parse_math=False)
    _draw_legend(figure, names, columns)
    figure.align_ylabels()
    return figure


def _draw_curves(axes: "Axes", found: Sequence[Points | None], by: str) -> None:
    """One small plot: lines of reference below, then the models."""
    for name, dashes in (("floor", (4, 2.5)), ("control", (1, 1.8))):
        lines = [p for p in found if p and np.isfinite(getattr(p, name)).any()]
        if lines:  # the same in all sweeps, but for the severities that each has run
            line = max(lines, key=lambda points: np.isfinite(getattr(points, name)).sum())
            values = getattr(line, name)
            places = np.isfinite(values)
            axes.plot(
                line.across(by)[places], values[places], color=GREY, linewidth=1, dashes=dashes, zorder=2
            )
    for place, points in enumerate(found):
        if points is None:
            continue
        x, colour = points.across(by), COLOURS[place % len(COLOURS)]
        known = np.isfinite(points.value)
        banded = known & np.isfinite(points.low) & np.isfinite(points.high)
        axes.fill_between(
            x[banded],
            points.low[banded],
            points.high[banded],
            color=colour,
            alpha=0.16,
            linewidth=0,
            zorder=1,
        )
        axes.plot(
            x[known], points.value[known], color=colour, linewidth=1.3, markersize=3.6,
            marker=MARKERS[place % len(MARKERS)], zorder=4 + place,
        )  # fmt: skip
        axes.plot(*_to_breaking(axes, points, by), **_ring(colour), zorder=3)
    if not any(points is not None and np.isfinite(points.value).any() for points in found):
        axes.text(0.5, 0.5, "no figures", color=FAINT, ha="center", va="center", transform=axes.transAxes)


def _to_breaking(axes: "Axes", points: Points, by: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the ring of a breaking point stands, x and y, each (1,), or (0,) where there is none.

    Over pixels it is at the distance at which the model breaks, on the line as it is drawn; over severities,
    and where no distance is known, on the one at which it breaks.
    """
    known = np.isfinite(points.value)
    if by == "px" and np.isfinite([points.breaking, points.breaking_px]).all():
        to_place = axes.xaxis.get_transform().transform
        x = np.array([points.breaking_px])
        return x, np.interp(to_place(x), to_place(points.px[known]), points.value[known])
    broken = known & (points.severities == points.breaking)
    return points.across(by)[broken], points.value[broken]


def _draw_axis(axes: "Axes", by: str, *, last: bool) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator  # noqa: PLC0415 - as above

    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=2.5, width=0.6)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter("{x:g}")
    if by == "px":
        axes.set_xscale("symlog", base=2, linthresh=1)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(-0.35, SEVERITIES[-1] + 0.35)
        axes.xaxis.set_major_locator(FixedLocator(range(SEVERITIES[-1] + 1)))
    if last:
        axes.set_xlabel(BY[by], color=GREY)
    else:
        axes.tick_params(labelbottom=by == "px")


def _draw_legend(figure: "Figure", names: Sequence[str], columns: int) -> None:
    """Below the title, above all plots."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    handles: list[Artist] = [
        Line2D([], [], color=COLOURS[n % len(COLOURS)], marker=MARKERS[n % len(MARKERS)], markersize=4.5)
        for n in range(len(names))
    ]
    handles += [
        Line2D([], [], color=GREY, linewidth=1, dashes=(4, 2.5)),
        Line2D([], [], color=GREY, linewidth=1, dashes=(1, 1.8)),
        Line2D([], [], **_ring(FAINT)),
    ]
    texts = [*names, "the source frame repeated", "a perfect follower of the wrong pose", "breaking point"]
    legend = figure.legend(
        handles, ["."] * len(handles), loc="outside upper left", ncols=min(columns, len(handles)),
        frameon=False, handlelength=2.2, columnspacing=1.6, labelcolor=GREY,
    )  # fmt: skip
    name_legend(legend, texts)


def _ring(colour: str) -> dict[str, Any]:
    return {
        "linestyle": "none", "marker": "o", "markersize": 9.5, "markerfacecolor": "none",
        "markeredgecolor": colour, "markeredgewidth": 1.3,
    }  # fmt: skip


def _heading(sweeps: Sequence[Robustness], metric: str) -> str:
    """A metric's label, unit and the better side."""
    facts: Mapping[str, Json] = next(sweep.metrics[metric] for sweep in sweeps if metric in sweep.metrics)
    unit = f" [{facts['unit']}]" if facts["unit"] else ""
    return f"{cut_text(str(facts['label']) + unit, FEW_LETTERS)} {'↑' if facts['higher_is_better'] else '↓'}"


def _increases(points: Points) -> bool:
    """Whether each severity moves the joints farther."""
    return bool(np.isfinite(points.px).all() and (np.diff(points.px) > 0).all())


def _finite(values: "pd.Series[Any]") -> NDArray[np.float64]:
    numbers = pd.to_numeric(values).to_numpy(np.float64, copy=True)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers
