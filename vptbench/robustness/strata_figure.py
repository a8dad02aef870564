"""Strata as a picture: a panel a stratum, a row a metric, a line with intervals a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from vptbench.interval import LEAST_CLIPS
from vptbench.manifest import written_beside
from vptbench.plotting import COLOURS, FAINT, GREY, GRID, MARKERS, cut_text, figure_to_picture, name_legend
from vptbench.robustness.strata import STRATA, Strata, Stratum

PANEL = (3.1, 2.2)
"""Width and height of a panel, inches; one of two bins is half as wide."""

LETTERS = 40
"""Most letters of a model's name."""

SPREAD = 0.36
"""Width that the models of a bin take together, of the distance between bins."""


def write_figure(path: Path, strata: Strata) -> None:
    """Draw strata into a picture; its suffix, .svg or .png, says which kind.

    Points of bins with fewer than `LEAST_CLIPS` clips are hollow.
    """
    picture = figure_to_picture(lambda: _to_figure(strata), path.suffix)
    with written_beside(path) as part:
        part.write_bytes(picture)


def _to_figure(strata: Strata) -> Figure:
    """The picture, not yet drawn."""
    metrics, widths = list(strata.headings), [len(each.names) for each in STRATA]
    size = PANEL[0] * sum(widths) / max(widths) + 0.4, PANEL[1] * len(metrics) + 0.5
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(metrics), len(STRATA), squeeze=False, sharey="row", width_ratios=widths)
    own = strata.table[strata.table["minus"] == ""]
    for row, metric in enumerate(metrics):
        for column, stratum in enumerate(STRATA):
            rows = own[(own["metric"] == metric) & (own["stratum"] == stratum.measure)]
            _draw_panel(axes[row, column], rows, stratum, strata.models)
        axes[row, 0].set_ylabel(strata.headings[metric])
    for top, stratum in zip(axes[0], STRATA, strict=True):
        top.set_title(stratum.label, fontsize=8)
    _draw_legend(figure, strata.models)
    return figure


def _draw_panel(axes: Axes, rows: pd.DataFrame, stratum: Stratum, models: Sequence[str]) -> None:
    """One metric over the bins of one stratum."""
    for number, model in enumerate(models):
        shift = SPREAD * ((number + 0.5) / len(models) - 0.5)
        own = rows[rows["model"] == model].set_index("bin").loc[list(stratum.names)].reset_index()
        places = own.index.to_numpy() + shift
        colour = COLOURS[number % len(COLOURS)]
        known = own["value"].notna()
        axes.plot(places[known], own.loc[known, "value"], color=colour, linewidth=0.8, alpha=0.6)
        axes.vlines(places, own["low"], own["high"], color=colour, linewidth=1.2)
        for few in (False, True):
            shown = known & ((own["clips"] < LEAST_CLIPS) == few)
            axes.plot(
                places[shown], own.loc[shown, "value"], linestyle="none", color=colour, markersize=4,
                marker=MARKERS[number % len(MARKERS)], markerfacecolor="white" if few else colour,
            )  # fmt: skip
    counts = _counts(rows, stratum)
    axes.set_xticks(range(len(counts)), [f"{name}\n{counts[name]}" for name in stratum.names], fontsize=7)
    axes.set_xlim(-0.5, len(counts) - 0.5)
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)


def _counts(rows: pd.DataFrame, stratum: Stratum) -> Mapping[str, str]:
    """Of each bin, how many clips and frames it has; the most of any model."""
    most = rows.groupby("bin")[["clips", "frames"]].max()
    clips, frames = most["clips"].to_dict(), most["frames"].to_dict()
    return {name: f"{clips[name]} clips\n{frames[name]} frames" for name in stratum.names}


def _draw_legend(figure: Figure, models: Sequence[str]) -> None:
    """Names of the models above all."""
    handles = [
        Line2D(
            [], [], color=COLOURS[number % len(COLOURS)], marker=MARKERS[number % len(MARKERS)], markersize=4
        )
        for number in range(len(models))
    ]
    hollow = Line2D([], [], color=FAINT, marker="o", markerfacecolor="white", linestyle="none", markersize=4)
    texts = [*(cut_text(model, LETTERS) for model in models), f"fewer than {LEAST_CLIPS} clips"]
    legend = figure.legend(
        [*handles, hollow], ["."] * len(texts), loc="outside upper center", ncols=min(len(texts), 5),
        frameon=False, labelcolor=GREY,
    )  # fmt: skip
    name_legend(legend, texts)
