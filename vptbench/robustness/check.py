"""Checking a sweep's folder: everything that follows from the figures by cell and by clip, made again."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.curvefile import (
    AGAIN,
    CELLS,
    CELLS_COLUMNS,
    CURVES,
    KEYS,
    SUMMARY,
    Robustness,
    read_robustness,
)
from vptbench.errors import ScoreError
from vptbench.robustness.breaking import cells_to_curves, curves_to_summary
from vptbench.scorefile import ROUNDING, clips_to_value


def robustness_to_problems(folder: Path) -> list[str]:
    """What is wrong with a folder of curves, each problem in a line; empty if nothing is.

    Beside what `read_robustness` refuses: figures of cells that are not the means of their clips, where the
    protocol averages so; curves and rows of the summary that do not follow from the other tables.

    Raises:
        ManifestError: The folder holds no curves, or of an unknown version.
    """
    try:
        robustness = read_robustness(folder)
        found = [
            (CELLS, robustness.cells, _cells_again(robustness)),
            (CURVES, robustness.curves, _curves_again(robustness)),
            (SUMMARY, robustness.summary, _summary_again(robustness)),
        ]
    except ScoreError as error:
        return [str(error)]
    return [f"{folder / name}: {text}; {AGAIN}" for name, *tables in found for text in _differences(*tables)]


def _cells_again(robustness: Robustness) -> pd.DataFrame:
    """The cells, with the means over clips of metrics that have values by clip."""
    if robustness.protocol.get("pooling") != "clip":
        return robustness.cells
    keys = [name for name in CELLS_COLUMNS if name in KEYS]
    means = [
        (*cell, clips_to_value(rows, rows, str(cell[-1]), "clip"))
        for cell, rows in robustness.per_clip.groupby(keys)
    ]
    again = pd.DataFrame(means, columns=[*keys, "mean"]).replace({"mean": {math.inf: math.nan}})
    both = robustness.cells.merge(again, on=keys, how="left", indicator=True)
    return robustness.cells.assign(value=both["value"].where(both["_merge"] == "left_only", both["mean"]))


def _curves_again(robustness: Robustness) -> pd.DataFrame:
    return cells_to_curves(robustness.cells, robustness.per_clip, robustness.disturbance, robustness.metrics)


def _summary_again(robustness: Robustness) -> pd.DataFrame:
    return curves_to_summary(
        robustness.curves, robustness.per_clip, robustness.disturbance, robustness.metrics
    )


def _differences(written: pd.DataFrame, again: pd.DataFrame) -> list[str]:
    """Where two tables of equal columns differ, in words."""
    keys = [name for name in written.columns if name in KEYS]
    others = [name for name in written.columns if name not in KEYS]
    both = written.merge(again, on=keys, how="outer", suffixes=("", "_again"), indicator=True)
    problems = []
    for row in both.to_dict("records"):
        place = ", ".join(f"{name} {row[name]}" for name in keys)
        if row["_merge"] != "both":
            wanted = "no row" if row["_merge"] == "left_only" else "a row"
            problems.append(f"{place}: expected {wanted} as the other tables give, found otherwise")
            continue
        problems += [
            f"{place}: expected {name} {row[f'{name}_again']} as the other tables give, found {row[name]}"
            for name in others
            if not _equal(row[name], row[f"{name}_again"])
        ]
    return problems


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=ROUNDING, atol=0, equal_nan=True))
    return one == other
