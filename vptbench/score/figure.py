"""Figures from what was measured clip by clip. Clips come sorted by id, so that no order of work shows."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import repeat
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.errors import ScoreError
from vptbench.interval import (
    CONFIDENCE,
    GROUPS,
    RESAMPLES,
    Interval,
    bootstrap_interval,
    clips_to_groups,
    jackknife_interval,
)
from vptbench.manifest import Json
from vptbench.metrics import DistributionMetric, Metric, is_frame_metric
from vptbench.metrics.frechet import (
    Statistics,
    features_to_statistics,
    leave_one_out,
    merge_statistics,
    merged,
)
from vptbench.score.measurement import Measured, load_array
from vptbench.scorefile import PER_FRAME_COLUMNS, Figure, clips_to_value, frames_to_clips

SEED = 0
"""Of the bootstrap."""

LEAST_GROUPS = 5
"""Fewest groups of clips that a jackknife is made of; with fewer its interval says nothing."""

INFINITE = "the value of every frame is infinite, as that of equal frames is"
"""Why a figure has no value although every frame has."""

INTERVALS: dict[str, Json] = {
    "confidence": CONFIDENCE,
    "frame_metrics": {"method": "percentile bootstrap over clips", "resamples": RESAMPLES, "seed": SEED},
    "distribution_metrics": {
        "method": "jackknife over groups of clips", "groups": GROUPS, "least_groups": LEAST_GROUPS,
    },
}  # fmt: skip
"""How the intervals were made, for the record."""


@dataclass(frozen=True)
class Table:
    """Everything measured of a set of clips.

    Attributes:
        measured: The pairs, sorted by clip id.
        reference: What distribution metrics compare with, if not with the targets of the pairs.
        missing_reference: Why there is no reference; empty where there is one.
        pooling: "clip" or "frame".
    """

    measured: Sequence[Measured]
    reference: Sequence[Measured]
    missing_reference: str
    pooling: str

    @property
    def frames(self) -> int:
        """Frames that were scored."""
        return sum(len(each.pair.numbers) for each in self.measured)


def measured_to_frames(measured: Sequence[Measured], names: Sequence[str]) -> pd.DataFrame:
    """The table ``per_frame.csv`` of frame metrics that could be computed for every clip."""
    whole = [name for name in names if all(name in each.values for each in measured)]
    rows = [
        (each.pair.clip, number, name, float(each.values[name][row]))
        for each in measured
        for row, number in enumerate(each.pair.numbers)
        for name in whole
    ]
    return pd.DataFrame(rows, columns=list(PER_FRAME_COLUMNS)).astype(
        {"frame": np.int64, "value": np.float64}
    )


def table_to_figures(table: Table, metrics: Mapping[str, Metric]) -> tuple[dict[str, Figure], pd.DataFrame]:
    """Pool what was measured.

    Args:
        table: All clips.
        metrics: Name (with ``@random`` where it applies) to metric, in the order wanted.

    Returns:
        Name to figure, and the table ``per_frame.csv``.
    """
    per_frame = measured_to_frames(table.measured, list(metrics))
    figures = {}
    for name, metric in metrics.items():
        everything = [*table.measured, *table.reference]
        refused = [each.refused[name] for each in everything if name in each.refused]
        if refused:
            figures[name] = _empty_figure(table, metric, refused[0])
        elif is_frame_metric(metric):
            figures[name] = _frame_figure(table, metric, name, per_frame)
        else:
            figures[name] = _distribution_figure(table, metric, name)
    return figures, per_frame


def _frame_figure(table: Table, metric: Metric, name: str, per_frame: pd.DataFrame) -> Figure:
    """Mean over the frames with a finite value, by the table's pooling, with a bootstrap interval."""
    rows = per_frame[per_frame["metric"] == name]
    per_clip = frames_to_clips(rows)
    value = clips_to_value(per_clip, rows, name, table.pooling)
    finite = rows[np.isfinite(rows["value"])]
    infinite = len(rows) - len(finite)
    figure = replace(_empty_figure(table, metric, INFINITE), infinite_frames=infinite)
    if not math.isfinite(value):
        return figure
    kept = per_clip[np.isfinite(per_clip["value"])]
    weights = None
    if table.pooling == "frame":
        weights = finite.groupby("clip")["value"].count().loc[kept["clip"]].to_numpy(np.float64)
    interval = bootstrap_interval(kept["value"].to_numpy(np.float64), weights=weights, seed=SEED)
    low, high = _ends(interval)
    return replace(figure, reason="", value=value, low=low, high=high, samples=len(finite))


def _distribution_figure(table: Table, metric: DistributionMetric, name: str) -> Figure:
    """Distance between all samples of both sides, with a jackknife interval over groups of clips."""
    if table.missing_reference:
        return _empty_figure(table, metric, table.missing_reference)
    groups = clips_to_groups(len(table.measured))
    made = [_merged([table.measured[clip].generated[name] for clip in group]) for group in groups]
    if table.reference:
        whole = _merged([each.targets[name] for each in table.reference])
        true = []
    else:
        true = [_merged([table.measured[clip].targets[name] for clip in group]) for group in groups]
        whole = merged(true)
    samples = sum(part.count for part in made)
    figure = replace(_empty_figure(table, metric), samples=samples)
    try:
        value = metric.distance(merged(made), whole)
    except ScoreError as error:
        return replace(figure, reason=str(error))
    others = repeat(whole) if table.reference else leave_one_out(true)
    low, high = _ends(_jackknife(metric, value, made, others))
    return replace(figure, value=value, low=low, high=high, reason="")


def _jackknife(
    metric: DistributionMetric, value: float, made: Sequence[Statistics], others: Iterable[Statistics]
) -> Interval:
    """Interval of a distance, not below 0; (NaN, NaN) where there are too few groups or samples to tell.

    Args:
        metric: The distance.
        value: Of all groups.
        made: Statistics of each group of clips of the model.
        others: What remains on the true side without each of the groups.
    """
    if len(made) < LEAST_GROUPS:
        return math.nan, math.nan
    try:
        left_out = [metric.distance(*pair) for pair in zip(leave_one_out(made), others, strict=False)]
    except ScoreError:  # too few samples without one of the groups
        return math.nan, math.nan
    low, high = jackknife_interval(value, left_out)
    return max(low, 0.0), high


def _merged(files: Sequence[Path]) -> Statistics:
    """Statistics of several files of features, of which one at a time is held in memory."""
    return reduce(merge_statistics, (features_to_statistics(load_array(file)) for file in files))


def _empty_figure(table: Table, metric: Metric, reason: str = "not computed") -> Figure:
    """A figure without a value; `replace` makes others of it."""
    return Figure(
        label=metric.label,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        value=None,
        low=None,
        high=None,
        clips=len(table.measured),
        frames=table.frames,
        samples=0,
        infinite_frames=0,
        reason=reason,
    )


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    """An interval as `Figure` has it."""
    low, high = interval
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)
