"""Figures from what was measured clip by clip. Clips come sorted by id, so that no order of work shows."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.errors import ScoreError
from vptbench.figure import Figure
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
from vptbench.metrics import DistributionMetric, FrameMetric, Metric, is_frame_metric
from vptbench.metrics.protocol import Features, FrameValues, Group
from vptbench.score.measurement import Measured, load_array
from vptbench.scorefile import PER_FRAME_COLUMNS, clips_to_value, frames_to_clips

SEED = 0
"""Of the bootstrap."""

LEAST_GROUPS = 5
"""Fewest groups of clips that a jackknife is made of; with fewer its interval says nothing."""

INFINITE = "no frame has a finite value: all are equal to their targets, or have nothing to compare"
"""Why a figure has no value although every frame has."""

NOT_COMPUTED = "not computed"

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
        reference: True clips of another split, which unpaired metrics compare with.
        unpaired: Ids of the metrics that do.
        missing_reference: Why there is no reference; empty where there is one.
        pooling: "clip" or "frame".
    """

    measured: Sequence[Measured]
    reference: Sequence[Measured] = ()
    unpaired: frozenset[str] = frozenset()
    missing_reference: str = ""
    pooling: str = "clip"

    @property
    def frames(self) -> int:
        """Frames that were scored."""
        return sum(len(each.pair.numbers) for each in self.measured)


@dataclass(frozen=True, eq=False)
class KeptRows(Mapping[str, Features]):
    """Features by clip, each read from its file when asked for."""

    files: Mapping[str, Path]

    def __getitem__(self, clip: str) -> Features:
        return cast("Features", load_array(self.files[clip]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def count(self) -> int:
        """Rows of all clips."""
        return sum(len(self[clip]) for clip in self)


@dataclass(frozen=True)
class Pooled:
    """A mean over frames or clips, with what it is made of."""

    value: float
    interval: Interval
    samples: int
    infinite: int


def measured_to_frames(measured: Sequence[Measured], names: Sequence[str]) -> pd.DataFrame:
    """The table ``per_frame.csv`` of frame metrics that could be computed for every clip."""
    whole = [name for name in names if all(name in each.values for each in measured)]
    return _to_table([(each, name, each.values[name]) for each in measured for name in whole])


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
        everything = [*table.measured, *(table.reference if metric.id in table.unpaired else ())]
        refused = [each.refused[name] for each in everything if name in each.refused]
        if refused:
            figures[name] = _empty_figure(table, metric, refused[0])
        elif is_frame_metric(metric):
            figures[name] = _frame_figure(table, metric, name, per_frame)
        else:
            figures[name] = _distribution_figure(table, metric, name)
    return figures, per_frame


def frames_to_pooled(per_frame: pd.DataFrame, name: str, pooling: str) -> Pooled:
    """The mean of one metric over the frames with a finite value, with a bootstrap interval over clips.

    Args:
        per_frame: `PER_FRAME_COLUMNS`, of any metrics.
        name: Which of them.
        pooling: "clip": mean over a clip's frames, then over clips; "frame": mean over all frames.

    Returns:
        Its value is infinite where no frame has a finite one.
    """
    rows = per_frame[per_frame["metric"] == name]
    per_clip = frames_to_clips(rows)
    value = clips_to_value(per_clip, rows, name, pooling)
    finite = rows[np.isfinite(rows["value"])]
    infinite = len(rows) - len(finite)
    if not math.isfinite(value):
        return Pooled(value, (math.nan, math.nan), 0, infinite)
    kept = per_clip[np.isfinite(per_clip["value"])]
    weights = None
    if pooling == "frame":
        weights = finite.groupby("clip")["value"].count().loc[kept["clip"]].to_numpy(np.float64)
    interval = bootstrap_interval(kept["value"].to_numpy(np.float64), weights=weights, seed=SEED)
    return Pooled(value, interval, len(finite), infinite)


def _frame_figure(table: Table, metric: FrameMetric, name: str, per_frame: pd.DataFrame) -> Figure:
    """A pooled frame metric, beside the value of the true frames where it has such a floor."""
    pooled = frames_to_pooled(per_frame, name, table.pooling)
    figure = replace(
        _empty_figure(table, metric, INFINITE), pooling=table.pooling, infinite_frames=pooled.infinite
    )
    if not math.isfinite(pooled.value):
        return figure
    floor = None
    if metric.floored:
        true = _to_table([(each, name, each.floors[name]) for each in table.measured])
        floor = frames_to_pooled(true, name, table.pooling).value
    low, high = _ends(pooled.interval)
    return replace(
        figure, reason="", value=pooled.value, low=low, high=high, floor=floor, samples=pooled.samples
    )


def _distribution_figure(table: Table, metric: DistributionMetric, name: str) -> Figure:
    """Distance between all samples of both sides, with a jackknife interval over groups of clips."""
    unpaired = metric.id in table.unpaired
    if unpaired and table.missing_reference:
        return _empty_figure(table, metric, table.missing_reference)
    made = KeptRows({each.pair.clip: each.generated[name] for each in table.measured})
    true = KeptRows(
        {each.pair.clip: each.targets[name] for each in (table.reference if unpaired else table.measured)}
    )
    settings: dict[str, Json] = {
        **metric.settings, "reference_clips": len(true), "reference_samples": true.count(),
    }  # fmt: skip
    figure = replace(_empty_figure(table, metric), samples=made.count(), settings=settings)
    try:
        estimate = metric.estimate(made, true, _groups(list(made), paired=not unpaired))
    except ScoreError as error:
        return replace(figure, reason=str(error))
    interval: Interval = (math.nan, math.nan)
    if len(estimate.left_out) >= LEAST_GROUPS:
        interval = jackknife_interval(estimate.value, estimate.left_out)
    low, high = _ends((max(interval[0], estimate.least), interval[1]))
    return replace(
        figure, reason="", value=estimate.value, low=low, high=high,
        settings={**settings, **estimate.settings},
    )  # fmt: skip


def _groups(clips: Sequence[str], *, paired: bool) -> list[Group]:
    """The clips that are left out together; none where there are too few for a jackknife."""
    groups = [[clips[number] for number in group] for group in clips_to_groups(len(clips))]
    return [(group, group if paired else ()) for group in groups] if len(groups) >= LEAST_GROUPS else []


def _to_table(parts: Sequence[tuple[Measured, str, FrameValues]]) -> pd.DataFrame:
    """Rows of `PER_FRAME_COLUMNS`: clip by clip, metric by metric, frame by frame."""
    if not parts:
        rows = pd.DataFrame([], columns=list(PER_FRAME_COLUMNS))
    else:
        rows = pd.concat(
            [
                pd.DataFrame(
                    {"clip": each.pair.clip, "frame": each.pair.numbers, "metric": name, "value": values}
                )
                for each, name, values in parts
            ],
            ignore_index=True,
        )
    return rows.astype({"frame": np.int64, "value": np.float64})


def _empty_figure(table: Table, metric: Metric, reason: str = NOT_COMPUTED) -> Figure:
    """A figure without a value; `replace` makes others of it."""
    return Figure(
        label=metric.label,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        value=None,
        low=None,
        high=None,
        floor=None,
        pooling="",
        clips=len(table.measured),
        frames=table.frames,
        samples=0,
        infinite_frames=0,
        settings=dict(metric.settings),
        reason=reason,
    )


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    """An interval as `Figure` has it."""
    low, high = interval
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)
