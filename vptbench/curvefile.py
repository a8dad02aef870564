"""Curves: what a sweep over noisy poses found of one model, in a folder.

``robustness.json`` holds, beside ``format`` and ``version``, the fields of `Robustness` but its tables, and
``tables`` with the SHA-256 of those:

- ``cells.csv`` (`CELLS_COLUMNS`): every figure. Clean poses are kind ``clean``, severity 0, seed 0.
- ``per_clip.csv`` (`PER_CLIP_COLUMNS`): the same by clip, of metrics that have a value a clip.
- ``disturbance.csv`` (`DISTURBANCE_COLUMNS`): how far the poses of each cell are from the clean ones.
- ``curves.csv`` (`CURVES_COLUMNS`): a point a kind, severity and metric, over all seeds, with intervals over
  clips; made from the others.
- ``summary.csv`` (`SUMMARY_COLUMNS`): a row a kind and metric, made from the others.

``role`` is "model"; "floor": repeating the source frame, on clean poses alone, since it does not look at
them; or "control": true frames moved to the noisy pose, what a perfect follower of that pose would score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from vptbench.manifest import Json

FORMAT = "vptbench-robustness"
VERSION = 1

MANIFEST = "robustness.json"
CELLS, PER_CLIP, DISTURBANCE = "cells.csv", "per_clip.csv", "disturbance.csv"
CURVES, SUMMARY = "curves.csv", "summary.csv"

CLEAN = "clean"
ROLES = ("model", "floor", "control")

CELLS_COLUMNS = ("kind", "severity", "seed", "role", "metric", "value", "low", "high")
PER_CLIP_COLUMNS = ("kind", "severity", "seed", "role", "clip", "metric", "value")
DISTURBANCE_COLUMNS = ("kind", "severity", "seed", "mean_px", "pck", "missing", "mesh_px")
CURVES_COLUMNS = (
    "kind", "severity", "metric", "mean_px", "value", "low", "high", "floor", "control", "drop", "drop_low",
    "drop_high", "retention",
)  # fmt: skip
"""``value`` is the model's, its ends an interval over clips; ``drop`` is how much worse than clean, positive
where it is worse, whatever the direction; ``retention`` is 1 at the clean value and 0 at the floor."""

SUMMARY_COLUMNS = (
    "kind", "metric", "clean", "floor", "auc", "relative_auc", "breaking_severity", "breaking_px",
    "breaking_px_low", "breaking_px_high", "lost_severity", "obedience", "reason",
)  # fmt: skip
"""See `robustness.breaking`."""


@dataclass(frozen=True, eq=False)
class Robustness:
    """A model's curves.

    Attributes:
        model: Its name.
        kind: "model" or "claimed" (its outputs were scored, it did not run here), as of scores.
        benchmark: The list of corruptions as JSON, with ``id``, ``clean``, ``corruptions`` and ``sha256``.
        protocol: The clean protocol, as `Scores.benchmark`.
        data: As `Scores.data`.
        clip_list_sha256: As `Scores.clip_list_sha256`.
        height: Of the frames, pixels.
        metrics: Name to ``{"label", "unit", "higher_is_better"}``.
        networks: As `Scores.networks`.
        device: As `Scores.device`.
        inputs: Relative path ``store``.
        libraries: Versions of the packages that can move a number.
        asked: Cells that the benchmark has, as ``[kind, severity, seed]``.
        failures: Cell ("jitter-3-0") to the reason why it has no figures.
        cells: `CELLS_COLUMNS`.
        per_clip: `PER_CLIP_COLUMNS`.
        disturbance: `DISTURBANCE_COLUMNS`; mean_px and mesh_px in pixels of the frames, pck and missing in
            [0, 1].
        curves: `CURVES_COLUMNS`.
        summary: `SUMMARY_COLUMNS`.
    """

    model: str
    kind: str
    benchmark: Mapping[str, Json]
    protocol: Mapping[str, Json]
    data: Mapping[str, Json]
    clip_list_sha256: str
    height: int
    metrics: Mapping[str, Mapping[str, Json]]
    networks: Mapping[str, Mapping[str, Json]]
    device: str
    inputs: Mapping[str, Json]
    libraries: Mapping[str, Json]
    asked: tuple[tuple[str, int, int], ...]
    failures: Mapping[str, str]
    cells: pd.DataFrame = field(repr=False)
    per_clip: pd.DataFrame = field(repr=False)
    disturbance: pd.DataFrame = field(repr=False)
    curves: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame = field(repr=False)
