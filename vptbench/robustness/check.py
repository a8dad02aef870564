"""Checking a sweep's folder: what follows from the figures by clip and by cell, made again."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.curvefile import (
    AGAIN,
    CELLS,
    CURVES,
    KEYS,
    SUMMARY,
    Robustness,
    read_robustness,
    table_to_keys,
)
from vptbench.errors import ScoreError
from vptbench.robustness.breaking import cells_to_curves, curves_to_summary
from vptbench.scorefile import ROUNDING, clips_to_value

CANCELLED = 1e-12
"""How far apart two equal differences of figures may come out, since what is left of them is rounding."""


def robustness_to_problems(folder: Path) -> list[str]:
    """What is wrong with a folder of curves, each problem in a line; empty if nothing is.

    Beside what `read_robustness` refuses: values of cells that are not the means of their clips, where the
    protocol averages so, and cells that lack; curves that do not follow from cells, clips and disturbance,
    and a summary that does not follow from those. Not made again: intervals of cells, which come from scores.

    Raises:
        ManifestError: The folder holds no curves, or of an unknown version.
    """
    try:
        robustness = read_robustness(folder)
    except ScoreError as error:
        return [str(error)]
    known, metrics = (robustness.per_clip, robustness.disturbance), robustness.metrics
    try:
        curves = cells_to_curves(robustness.cells, *known, metrics)
        tables = {
            CELLS: (robustness.cells, _cells_again(robustness)),
            CURVES: (robustness.curves, curves),
            SUMMARY: (robustness.summary, curves_to_summary(curves, *known, metrics)),
        }
    except ScoreError as error:
        return [f"{folder}: {error}; {AGAIN}"]
    return [
        f"{folder / name}: {text}; {AGAIN}"
        for name, (written, again) in tables.items()
        for text in _differences(written, again)
    ]


def _cells_again(robustness: Robustness) -> pd.DataFrame:
    """The cells as their clips give them; those that have none, or are pooled otherwise, as they are."""
    if robustness.protocol.get("pooling") != "clip":
        return robustness.cells
    keys = table_to_keys(robustness.cells)
    means = [
        (*cell, clips_to_value(rows, rows, str(cell[-1]), "clip"))
        for cell, rows in robustness.per_clip.groupby(keys)
    ]
    again = pd.DataFrame(means, columns=[*keys, "mean"]).replace({"mean": {math.inf: math.nan}})
    both = robustness.cells.merge(again, on=keys, how="outer", indicator=True)
    value = both["value"].where(both["_merge"] == "left_only", both["mean"])
    return both.assign(value=value)[list(robustness.cells.columns)]


def _differences(written: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """Where two tables of equal columns differ, in words."""
    keys = table_to_keys(written)
    others = [name for name in written.columns if name not in KEYS]
    both = written.merge(again, on=keys, how="outer", suffixes=("", "_again"), indicator=True)
    problems = []
    for row in both.to_dict("records"):
        place = ", ".join(f"{name} {row[name]}" for name in keys)
        if row["_merge"] == "left_only":
            problems.append(f"{place}: expected no row as the other tables give, found one")
        elif row["_merge"] == "right_only":
            problems.append(f"{place}: expected a row as the other tables give, found none")
        else:
            problems += [
                f"{place}: expected {name} {row[f'{name}_again']} as the other tables give, found {row[name]}"
                for name in others
                if not _equal(row[name], row[f"{name}_again"])
            ]
    return problems


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=ROUNDING, atol=CANCELLED, equal_nan=True))
    return one == other
