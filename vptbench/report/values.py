"""The figures of a section by clip and by frame, and which of its clips are the worst."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.ranking import Column
from vptbench.report.table import Section

Curve = tuple[Sequence[int], Sequence[float]]
"""Frame numbers and values, (T,) each."""


@dataclass(frozen=True)
class Values:
    """Figures, to be looked up.

    Attributes:
        clips: For each row: metric to clip to figure, inf where every frame is.
        frames: For each row: metric and clip to its curve.
        judged: Rows that clips are put in order by: the models, or all rows where there are only audits.
    """

    clips: tuple[Mapping[str, Mapping[str, float]], ...]
    frames: tuple[Mapping[tuple[str, str], Curve], ...]
    judged: tuple[int, ...]

    def mean(self, column: Column, clip: str) -> float | None:
        """Mean of a clip's figures over the judged rows; None where there is none, inf where one is."""
        found = [self.clips[row].get(column.name, {}).get(clip) for row in self.judged]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if known else None

    def order(self, column: Column) -> list[str]:
        """Clips that have a figure, worst first by `mean`, equal ones by name."""
        names = sorted({clip for row in self.judged for clip in self.clips[row].get(column.name, {})})
        sign = 1 if column.arrow == "↑" else -1
        return sorted(names, key=lambda clip: sign * (self.mean(column, clip) or 0.0))

    def texts(self, row: int, columns: Sequence[Column], clip: str) -> tuple[str, ...]:
        """A row's figures of one clip, such as "SSIM 0.912", for metrics that have them."""
        found = {column: self.clips[row].get(column.name, {}).get(clip, math.inf) for column in columns}
        return tuple(
            f"{column.label} {value_to_text(value, column.decimals)}"
            for column, value in found.items()
            if math.isfinite(value)
        )


def section_to_values(section: Section) -> Values:
    """Look through the tables of a section once."""
    judged = tuple(index for index, row in enumerate(section.rows) if row.kind != "audit")
    return Values(
        clips=tuple(_by_clip(row.scores.per_clip) for row in section.rows),
        frames=tuple(_by_frame(row.scores.per_frame) for row in section.rows),
        judged=judged or tuple(range(len(section.rows))),
    )


def section_to_lead(section: Section, values: Values) -> Column | None:
    """The metric that clips and frames are put in order by: the first that has figures by clip."""
    for column in section.columns:
        if any(values.clips[row].get(column.name) for row in values.judged):
            return column
    return None


def _by_clip(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    return {
        str(metric): dict(zip(found["clip"], found["value"], strict=True))
        for metric, found in table.groupby("metric", sort=False)
    }


def _by_frame(table: pd.DataFrame) -> dict[tuple[str, str], Curve]:
    curves: dict[tuple[str, str], Curve] = {}
    for (metric, clip), found in table.groupby(["metric", "clip"], sort=False):
        curves[str(metric), str(clip)] = found["frame"].tolist(), found["value"].tolist()
    return curves
