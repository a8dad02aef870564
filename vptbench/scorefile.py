"""Contract 3: scores of one model on one set of clips, in a folder.

``scores.json`` holds, beside ``format`` and ``version``, the fields of `Scores` but its two tables, and
``tables`` with the SHA-256 of those:

- ``per_frame.csv``: ``clip,frame,metric,value``, for frame metrics.
- ``per_clip.csv``: ``clip,metric,value``, the means of those.

A metric may give infinity (PSNR of equal frames): such frames stand as ``inf`` in ``per_frame.csv``, are
left out of every mean, and are counted as ``infinite_frames``; a clip with no other frames is ``inf`` in
``per_clip.csv`` and left out of the mean over clips. JSON has no infinity: a figure that has no finite
value, or that cannot be computed, is null, and ``reason`` says why. NaN is refused everywhere.
"""

import dataclasses
import html
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.config import config_to_json, json_to_config
from vptbench.errors import ConfigError, ScoreError
from vptbench.figure import POOLINGS, Figure
from vptbench.manifest import Json, json_to_sha256
from vptbench.metrics.table import METRICS
from vptbench.store.videos import videos_to_text
from vptbench.tablefile import TableSchema, read_table_folder, write_table_folder

FORMAT = "vptbench-scores"
VERSION = 1

MANIFEST = "scores.json"
PER_CLIP = "per_clip.csv"
PER_FRAME = "per_frame.csv"
PER_CLIP_COLUMNS = ("clip", "metric", "value")
PER_FRAME_COLUMNS = ("clip", "frame", "metric", "value")

AGAIN = "score again"

SCHEMA = TableSchema(
    manifest=MANIFEST, kind=FORMAT, version=VERSION,
    tables={PER_CLIP: PER_CLIP_COLUMNS, PER_FRAME: PER_FRAME_COLUMNS},
    texts=("clip", "metric"), counts=("frame",), again=AGAIN,
)  # fmt: skip

KINDS = ("model", "audit", "claimed")
"""``model`` and ``audit`` ran through `vptbench generate`; of ``claimed`` only the frames are known."""

ROUNDING = 1e-9
"""Relative difference that recomputing a mean may make."""

TABLE_COLUMNS = (
    "label", "value", "low", "high", "unit", "higher_is_better", "floor", "pooling", "clips", "frames",
    "samples", "infinite_frames", "reason",
)  # fmt: skip
"""Fields of a figure that `Scores.table` shows."""

CLIP_HASHES = ("generated_sha256", "target_sha256", "truth_sha256")
RECORDS: dict[str, dict[str, type]] = {
    "clips": {"frames": int, "size": list, **dict.fromkeys(CLIP_HASHES, str)},
    "networks": {"mode": str, "sha256": str},
}
"""Fields of `Scores` that map names to records, and what each of these holds at least."""

VIDEOS = {"split": str, "prepared": int, "listed": int}
"""What ``data["videos"]`` holds at least: videos of the split in the store, and in the dataset's list."""

READING = {"layout": str, "why": str, "container": str, "lossless": bool, "scored": int, "asked": int}
"""What `Scores.reading` holds at least, where it is not empty."""

PROTOCOL = {"id": str, "sha256": str, "dataset": str}
"""What `Scores.benchmark` holds at least."""


@dataclass(frozen=True, eq=False)
class Scores:
    """All figures of one model, and the record that decides what they may be compared with.

    Attributes:
        model: Name of the model, or of the folder where the model is not known.
        kind: One of `KINDS`.
        official: Whether this followed a benchmark to the last frame; two folders against each other do not.
        benchmark: The whole protocol with ``id`` and ``sha256``, or None.
        data: What the clips are: the store's ``dataset`` and ``synth``, and `VIDEOS`; empty for
            plain folders.
        clip_list_sha256: Hash of which clips were scored, see `benchmarks.items.clip_list_sha256`.
        clips: Clip id to ``{"frames", "size", "generated_sha256", "target_sha256", "truth_sha256"}``: what
            exactly was compared, and the hash of masks or meshes where metrics need them.
        reference: ``{"split", "clips", "frames", "sha256"}`` of the true clips of another split that some
            metrics compare with, or None where there are none.
        pooling: "clip" (mean over a clip's frames, then over clips) or "frame" (mean over all frames).
        metrics: Name ("ssim-v1", or "fid-v1@random" by a network with random weights) to figure.
        beside: Names of those that were measured for published tables alone; boards leave them out.
        networks: Name to ``{"mode", "sha256"}`` of the networks that measured.
        device: The torch device that they ran on.
        intervals: How the intervals were made.
        inputs: Relative paths ``outputs``, and ``store`` or ``targets``; each may be None.
        layout: How the model's frames lie, see `outputs.layouts.LAYOUTS`.
        resize: How the model's frames were brought to the targets' size, or None where they were not.
        outputs: What ``outputs.json`` says but for its entries, or None where there is none.
        claimed: Facts that somebody told and nobody measured.
        libraries: Versions of the packages that can move a number.
        per_clip: `PER_CLIP_COLUMNS`.
        per_frame: `PER_FRAME_COLUMNS`.
        reading: How a foreign folder was read (`Folder.to_json`), and frames ``scored`` of those ``asked``.
    """

    model: str
    kind: str
    official: bool
    benchmark: Mapping[str, Json] | None
    data: Mapping[str, Json]
    clip_list_sha256: str
    clips: Mapping[str, Mapping[str, Json]]
    reference: Mapping[str, Json] | None
    pooling: str
    metrics: Mapping[str, Figure]
    beside: tuple[str, ...]
    networks: Mapping[str, Mapping[str, Json]]
    device: str
    intervals: Mapping[str, Json]
    inputs: Mapping[str, Json]
    layout: str
    resize: Mapping[str, Json] | None
    outputs: Mapping[str, Json] | None
    claimed: Mapping[str, Json]
    libraries: Mapping[str, Json]
    per_clip: pd.DataFrame = field(repr=False)
    per_frame: pd.DataFrame = field(repr=False)
    reading: Mapping[str, Json] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, Figure]:
        """The figures that the benchmark, or whoever scored, asked for: all but those of `beside`."""
        return {name: figure for name, figure in self.metrics.items() if name not in self.beside}

    @property
    def lacking(self) -> str:
        """What the store lacked, as "97 of 100 videos of the test split"; empty if nothing, or not known."""
        videos = self.data.get("videos")
        if not isinstance(videos, Mapping) or videos["prepared"] == videos["listed"]:
            return ""
        return videos_to_text(int(str(videos["prepared"])), int(str(videos["listed"])), str(videos["split"]))

    @property
    def is_partial(self) -> bool:
        """Whether the model's frames were only a part of what a benchmark, or a folder, holds."""
        return isinstance(self.reading, dict) and self.reading.get("scored") != self.reading.get("asked")

    @property
    def truth_sha256(self) -> str:
        """Hash of the masks and meshes of all clips, or empty where no metric needed any."""
        found = {
            clip: record["truth_sha256"] for clip, record in self.clips.items() if record["truth_sha256"]
        }
        return json_to_sha256(found) if found else ""

    @property
    def table(self) -> pd.DataFrame:
        """One row a metric, indexed by its name, with `TABLE_COLUMNS`; NaN where there is no number."""
        rows = [
            {"metric": name, **{column: getattr(figure, column) for column in TABLE_COLUMNS}}
            for name, figure in self.metrics.items()
        ]
        numbers = dict.fromkeys(("value", "low", "high", "floor"), np.float64)
        return pd.DataFrame(rows).astype(numbers).set_index("metric")

    def _repr_html_(self) -> str:
        """The table, as notebooks show it."""
        title = html.escape(f"{self.model}: {self.benchmark['id'] if self.benchmark else 'unofficial'}")
        counts = ", ".join(filter(None, [f"{len(self.clips)} clips", self.lacking]))
        return f"<p>{title}, {counts}</p>{self.table.to_html(na_rep='–')}"


def write_scores(folder: Path, scores: Scores) -> None:
    """Write scores; ``scores.json`` comes last and is gone while the tables are written.

    Raises:
        ScoreError: What was given contradicts itself.

    Example:
        ``write_scores(Path("scores/again"), read_scores("scores/mesh_warp"))``
    """
    problems = _scores_to_problems(scores)
    if problems:
        raise ScoreError(f"{folder}: " + "; ".join(problems))
    body = {name: getattr(scores, name) for name in _json_fields()}
    body["metrics"] = {name: config_to_json(figure) for name, figure in scores.metrics.items()}
    tables = {PER_CLIP: scores.per_clip, PER_FRAME: scores.per_frame}
    write_table_folder(folder, SCHEMA, tables, body)


def read_scores(folder: Path | str) -> Scores:
    """Read scores, strictly. Metrics come in the order of `metrics.METRICS`.

    Raises:
        ManifestError: The folder holds no scores, or of an unknown version.
        ScoreError: A field or a table is missing, malformed, or was changed by hand.

    Example:
        ``read_scores("scores/mesh_warp").metrics["ssim-v1"].value``
    """
    path = Path(folder) / MANIFEST
    fields, tables = read_table_folder(path.parent, SCHEMA)
    parts = {
        "metrics": _read_figures(path, fields.get("metrics")),
        "per_clip": tables[PER_CLIP],
        "per_frame": tables[PER_FRAME],
    }
    try:
        scores = json_to_config(cast("Mapping[str, Json]", {**fields, **parts}), Scores)
    except ConfigError as error:
        raise ScoreError(f"{path}: {error}; {AGAIN}") from error
    problems = _scores_to_problems(scores)
    if problems:
        raise ScoreError(f"{path}: " + "; ".join(problems) + f"; {AGAIN}")
    return scores


def scores_to_problems(folder: Path) -> list[str]:
    """Recompute what follows from the tables; each problem in a line, empty if nothing is wrong.

    Raises:
        ManifestError: The folder holds no scores, or of an unknown version.
    """
    try:
        scores = read_scores(folder)
    except ScoreError as error:
        return [str(error)]
    again = frames_to_clips(scores.per_frame)
    both = scores.per_clip.merge(again, on=["clip", "metric"], how="outer", suffixes=("_written", "_again"))
    off = ~np.isclose(both["value_written"], both["value_again"], rtol=ROUNDING, atol=0)
    problems = [
        f"{folder / PER_CLIP}: {row.clip}, {row.metric}: expected {row.value_again} as {PER_FRAME} gives, "
        f"found {row.value_written}; {AGAIN}"
        for row in both[off].itertuples()
    ]
    for name, figure in scores.metrics.items():
        values = scores.per_frame[scores.per_frame["metric"] == name]
        if values.empty:  # a distribution metric, or one without a value
            continue
        value = clips_to_value(scores.per_clip, scores.per_frame, name, scores.pooling)
        found = math.inf if figure.value is None else figure.value
        if not np.isclose(found, value, rtol=ROUNDING, atol=0):
            problems.append(
                f"{folder / MANIFEST}: {name}: expected {value} as the tables give, found {figure.value}; "
                f"{AGAIN}"
            )
        if (figure.clips, figure.frames) != (values["clip"].nunique(), len(values)):
            problems.append(
                f"{folder / MANIFEST}: {name}: expected {values['clip'].nunique()} clips and {len(values)} "
                f"frames as in {PER_FRAME}, found {figure.clips} and {figure.frames}; {AGAIN}"
            )
    return problems


def frames_to_clips(per_frame: pd.DataFrame) -> pd.DataFrame:
    """Means over the frames of each clip that have a finite value; inf where there is none.

    Args:
        per_frame: `PER_FRAME_COLUMNS`.

    Returns:
        `PER_CLIP_COLUMNS`, in the order in which clips and metrics first appear.
    """
    return per_frame.groupby(["clip", "metric"], sort=False)["value"].agg(_exact_mean).reset_index()


def clips_to_value(per_clip: pd.DataFrame, per_frame: pd.DataFrame, metric: str, pooling: str) -> float:
    """The figure of a frame metric; inf where no frame has a finite value.

    Args:
        per_clip: `PER_CLIP_COLUMNS`.
        per_frame: `PER_FRAME_COLUMNS`.
        metric: Name of the metric.
        pooling: "clip" or "frame".
    """
    table = per_clip if pooling == "clip" else per_frame
    return _exact_mean(table.loc[table["metric"] == metric, "value"])


def _exact_mean(values: "pd.Series[float]") -> float:
    """Mean of the finite numbers, the same in any order: their sum is exact until it is rounded once."""
    finite = [value for value in values.tolist() if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.inf


def _json_fields() -> tuple[str, ...]:
    names = (entry.name for entry in dataclasses.fields(Scores))
    return tuple(name for name in names if name not in {"per_clip", "per_frame"})


def _read_figures(path: Path, document: Json) -> dict[str, Figure]:
    """Figures in the order of the table of metrics.

    Raises:
        ScoreError: One is malformed.
    """
    if not isinstance(document, Mapping) or not all(
        isinstance(value, Mapping) for value in document.values()
    ):
        raise ScoreError(f"{path}: metrics: expected an object of figures, found another; {AGAIN}")
    places = {name: place for place, name in enumerate(METRICS)}
    names = sorted(document, key=lambda name: (places.get(name.partition("@")[0], len(places)), name))
    try:
        return {name: json_to_config(cast("Mapping[str, Json]", document[name]), Figure) for name in names}
    except (ConfigError, ScoreError) as error:
        raise ScoreError(f"{path}: {error}; {AGAIN}") from error


def _scores_to_problems(scores: Scores) -> list[str]:
    """What is wrong with the types and values of the record, in words."""
    known = not scores.reading or _is_record(scores.reading, READING)
    problems = [] if known else [f"reading: expected {', '.join(READING)}, or nothing"]
    kinds: dict[type | tuple[type, ...], tuple[str, ...]] = {
        str: ("model", "kind", "clip_list_sha256", "pooling", "device", "layout"),
        bool: ("official",),
        tuple: ("beside",),
        Mapping: ("data", "clips", "networks", "intervals", "inputs", "claimed", "libraries", "reading"),
        (Mapping, type(None)): ("benchmark", "outputs", "reference", "resize"),
    }
    for kind, names in kinds.items():
        problems += [
            f"{name}: found {getattr(scores, name)!r}, which is of another type than expected"
            for name in names
            if not isinstance(getattr(scores, name), kind)
        ]
    for name, allowed in (("kind", KINDS), ("pooling", POOLINGS)):
        if getattr(scores, name) not in allowed:
            problems.append(f"{name}: expected {' or '.join(allowed)}, found {getattr(scores, name)!r}")
    if not scores.metrics:
        problems.append("metrics: expected at least one, found none")
    if scores.official != (scores.benchmark is not None and not scores.is_partial):
        problems.append("expected official scores to name their benchmark, and only those")
    if scores.benchmark is not None and not _is_record(scores.benchmark, PROTOCOL):
        problems.append("benchmark: expected id, sha256 and dataset")
    videos = scores.data.get("videos") if _is_record(scores.data, {}) else None
    if videos is not None and not _is_record(videos, VIDEOS):
        problems.append(f"data: videos: expected {', '.join(VIDEOS)}, found another record")
    problems += [
        f"{name}: {key}: expected {', '.join(kinds)}, found another record"
        for name, kinds in RECORDS.items()
        if isinstance(records := getattr(scores, name), Mapping)
        for key, record in records.items()
        if not _is_record(record, kinds)
    ]
    for table, name in ((scores.per_clip, PER_CLIP), (scores.per_frame, PER_FRAME)):
        if table["value"].isna().any():
            problems.append(f"{name}: expected numbers, found NaN")
    named: dict[str, Iterable[str]] = {
        PER_CLIP: scores.per_clip["metric"],
        PER_FRAME: scores.per_frame["metric"],
        "beside": scores.beside,
    }
    problems += [
        f"{name}: expected only metrics that have a figure, found others"
        for name, metrics in named.items()
        if not set(metrics) <= set(scores.metrics)
    ]
    return problems


def _is_record(value: object, kinds: Mapping[str, type]) -> bool:
    """Whether a JSON object holds at least the fields `kinds`, of those types."""
    return isinstance(value, Mapping) and all(type(value.get(key)) is kind for key, kind in kinds.items())
