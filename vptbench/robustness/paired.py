"""One metric under one kind of corruption, with the values of the same clips side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.benchmarks.noisy import KINDS
from vptbench.curvefile import CLEAN, PER_CLIP_COLUMNS
from vptbench.errors import ScoreError

WHOLE = ""
"""Stands for a clip where a metric has one value for all clips together."""


@dataclass(frozen=True, eq=False)
class Paired:
    """Values of S severities and N clips, means over seeds.

    Only clips that have a finite value of the model in every cell, and of the floor, are among the N, so that
    all differences are between values of the same clips.

    Attributes:
        severities: Those that were run, ascending; 0, the clean poses, first where these were run.
        model: float64 (S, N), finite.
        floor: float64 (N,), finite: repeating the source frame; None where it was not run.
        control: float64 (S, N): a perfect follower of the noisy pose; NaN where it was not run, infinite
            where it equals the truth. None where there is none.
        higher_is_better: Direction of the metric.
        by_clip: Whether the N are clips; if not, N = 1 is a value for all clips together.
        left_out: Clips that are not among the N.
    """

    severities: tuple[int, ...]
    model: NDArray[np.float64]
    floor: NDArray[np.float64] | None
    control: NDArray[np.float64] | None
    higher_is_better: bool
    by_clip: bool
    left_out: int

    @property
    def sign(self) -> int:
        """Which turns values so that higher is better."""
        return 1 if self.higher_is_better else -1

    @property
    def has_clean(self) -> bool:
        """Whether there are values on clean poses: those of row 0."""
        return bool(self.severities) and self.severities[0] == 0 and self.model.shape[1] > 0

    @property
    def drop(self) -> NDArray[np.float64]:
        """How much worse than clean, positive where worse: (S, N), or (0, N) without clean values."""
        if not self.has_clean:
            return self.model[:0]
        drop: NDArray[np.float64] = self.sign * (self.model[0] - self.model)
        return drop

    @property
    def lead(self) -> NDArray[np.float64]:
        """How much better than the floor, positive where better: (S, N), or (0, N) without a floor.

        Row 0 is the clean margin, where there are clean values.
        """
        if self.floor is None:
            return self.model[:0]
        return self.sign * (self.model - self.floor)


def tables_to_paired(
    values: Iterable[pd.DataFrame], *, higher_is_better: bool, by_clip: bool = True
) -> Paired:
    """Pair one metric's values.

    Args:
        values: `PER_CLIP_COLUMNS`, of one metric: those of one kind, and those on clean poses. NaN stands for
            no value.
        higher_is_better: Direction of the metric.
        by_clip: As of `Paired`.

    Raises:
        ScoreError: Two values are of the same clip and cell.
    """
    table = pd.concat(list(values)).dropna(subset=["value"])
    keys = ["role", "severity", "seed"]
    if table.duplicated(["clip", *keys]).any():
        raise ScoreError(f"expected one value of a clip in a cell, found two in {_first_twice(table)}")
    wide = table.pivot(index="clip", columns=keys, values="value").sort_index().sort_index(axis=1)
    numbers = wide.to_numpy(np.float64)
    cells = [(str(column[0]), int(column[1])) for column in wide.columns]
    needed = [place for place, (role, _) in enumerate(cells) if role != "control"]
    kept = np.isfinite(numbers[:, needed]).all(axis=1)
    kept &= bool(needed)

    def mean(role: str, severity: int) -> NDArray[np.float64]:
        return _mean_of_seeds(numbers[kept][:, [cell == (role, severity) for cell in cells]])

    severities = tuple(sorted({severity for role, severity in cells if role == "model"}))
    shape = (len(severities), int(kept.sum()))
    control = np.array([mean("control", severity) for severity in severities]).reshape(shape)
    return Paired(
        severities,
        np.array([mean("model", severity) for severity in severities]).reshape(shape),
        mean("floor", 0) if ("floor", 0) in cells else None,
        control if any(role == "control" for role, _ in cells) else None,
        higher_is_better,
        by_clip,
        int((~kept).sum()),
    )


def whole_to_clips(cells: pd.DataFrame) -> pd.DataFrame:
    """Values for all clips together in the form of values by clip, of the one clip `WHOLE`."""
    return cells.assign(clip=WHOLE)[list(PER_CLIP_COLUMNS)]


def curve_to_paired(curve: pd.DataFrame, *, higher_is_better: bool) -> Paired:
    """Take values for all clips together from a curve.

    Args:
        curve: `CURVES_COLUMNS` of one kind and metric, ascending by severity.
        higher_is_better: Direction of the metric.
    """
    known = curve[np.isfinite(curve["value"])]
    floor, control = known["floor"].to_numpy(np.float64)[:1], known["control"].to_numpy(np.float64)[:, None]
    return Paired(
        tuple(map(int, known["severity"])),
        known["value"].to_numpy(np.float64)[:, None],
        floor if np.isfinite(floor).all() and len(floor) else None,
        None if np.isnan(control).all() else control,
        higher_is_better,
        by_clip=False,
        left_out=0,
    )


def sort_kinds(kinds: Iterable[object]) -> list[str]:
    """Kinds of corruption, each once, in the order of `benchmarks.noisy.KINDS`; clean poses are none."""
    names = {str(kind) for kind in kinds} - {CLEAN}
    return sorted(names, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind))


def severities_to_px(disturbance: pd.DataFrame, kind: str, severities: Sequence[int]) -> NDArray[np.float64]:
    """How far the joints moved at each severity, pixels, means over seeds; 0 at 0, NaN where not known.

    Args:
        disturbance: `DISTURBANCE_COLUMNS`.
        kind: Kind of corruption.
        severities: Which.
    """
    rows = disturbance[disturbance["kind"] == kind].sort_values(["severity", "seed"])
    known = {int(str(severity)): float(px.mean()) for severity, px in rows.groupby("severity")["mean_px"]}
    return np.array([0.0 if severity == 0 else known.get(severity, np.nan) for severity in severities])


def _mean_of_seeds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over columns, NaN where there are none; exactly the value where all columns are equal."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    means = np.asarray(values.mean(axis=1), np.float64)
    finite = np.isfinite(values).all(axis=1)  # a control may be infinite
    first = values[finite, :1]
    means[finite] = first[:, 0] + (values[finite] - first).mean(axis=1)
    return means


def _first_twice(table: pd.DataFrame) -> str:
    row = table[table.duplicated(["clip", "role", "severity", "seed"])].iloc[0]
    return f"{row['kind']}-{row['severity']}-{row['seed']}, {row['role']}, {row['clip'] or row['metric']}"
