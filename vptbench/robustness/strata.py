"""Strata: figures of models by how hard the frames are, in bins that are the same for every data set.

A folder of strata holds, beside ``strata.json`` (what was compared, and the bins), ``strata.csv``
(`STRATA_COLUMNS`), ``difficulty.csv`` (`difficulty.DIFFICULTY_COLUMNS`), and the pictures ``strata.svg`` and
``strata.png``. Means are over the frames of a bin; intervals come from a bootstrap over clips.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vptbench.manifest import (
    Json,
    file_to_sha256,
    library_versions,
    make_folder,
    number_to_json,
    write_manifest,
    write_text,
)  # fmt: skip
from vptbench.robustness.compared import Compared, read_compared
from vptbench.robustness.difficulty import items_to_difficulty
from vptbench.score.figure import INTERVALS, frames_to_pooled

FORMAT = "vptbench-strata"
VERSION = 1

MANIFEST, STRATA_TABLE, DIFFICULTY_TABLE = "strata.json", "strata.csv", "difficulty.csv"

STRATA_COLUMNS = (
    "stratum", "bin", "low_edge", "high_edge", "model", "minus", "metric", "value", "low", "high", "frames",
    "clips", "infinite",
)  # fmt: skip
"""``minus`` names the model whose values were taken off frame by frame, and is empty for a model's own.
``frames`` have a finite value, in ``clips`` clips; ``infinite`` frames of the bin have none, and are left
out. The last bin of a stratum may have no upper end, ``inf``."""

TEXTURED = 4.0
"""Gradient of the background (`difficulty.frame_to_background`) from which it counts as textured.

Measured on 24 synthetic clips of each layout at 64²: the near-white studios of FashionVideo have 2.1 to 2.9
by the true mask and 0.9 to 1.6 by the box round the joints, the rooms, streets and parks of iPER 8.2 to 17.0
and 6.8 to 15.1. The threshold lies between the two geometric middles of the gap, 4.9 and 3.3."""


@dataclass(frozen=True)
class Stratum:
    """One measure of difficulty, cut into bins.

    Attributes:
        measure: A column of the difficulty table.
        label: In words, with the unit.
        edges: Ascending, (B + 1,). A bin holds low <= value < high, the last one its upper edge too.
        names: Of the bins, (B,).
    """

    measure: str
    label: str
    edges: tuple[float, ...]
    names: tuple[str, ...]

    def bins(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Number of the bin of each value; −1 where there is none."""
        places = np.searchsorted(self.edges, values, side="right") - 1
        places[values == self.edges[-1]] = len(self.names) - 1
        return np.where((places >= 0) & (places < len(self.names)), places, -1)


STRATA = (
    Stratum(
        "pose_distance", "pose distance from the source [heights]",
        (0.0, 0.05, 0.1, 0.2, math.inf), ("below 0.05", "0.05–0.1", "0.1–0.2", "from 0.2"),
    ),
    Stratum(
        "hidden", "body hidden in the source [share]",
        (0.0, 0.1, 0.25, 0.5, 1.0), ("0–10 %", "10–25 %", "25–50 %", "50–100 %"),
    ),
    Stratum(
        "speed", "speed of the joints [heights/s]",
        (0.0, 0.2, 0.4, 0.8, math.inf), ("below 0.2", "0.2–0.4", "0.4–0.8", "from 0.8"),
    ),
    Stratum("background", "background", (0.0, TEXTURED, math.inf), ("plain", "textured")),
)  # fmt: skip
"""Fixed, so that figures of two data sets or papers stand in the same bins.

Pose distance: raising both arms from the side to over the head moves two wrists by 0.7 and two elbows by
0.35 heights, 0.08 in the mean of 25 joints; below 0.05 is a small gesture, from 0.2 on most of the body is
elsewhere. Speed: walking past at 1.4 m/s is 0.8 heights a second; below 0.2 a person stands, as stilly as
noise of a pixel in the poses lets one see (`difficulty.clip_to_speeds`). Hidden: a turn to the back hides
more than half."""


@dataclass(frozen=True, eq=False)
class Strata:
    """Figures by stratum.

    Attributes:
        table: `STRATA_COLUMNS`, a row a stratum, bin, metric and model, and one for each difference of the
            first model to another; NaN where a bin has no frame.
        difficulty: `DIFFICULTY_COLUMNS`.
        models: Names, in the order given.
        headings: Metric to its heading, such as "PSNR [dB] ↑".
        unplaced: Stratum to the number of scored frames that have no figure, and are in none of its bins.
        record: What ``strata.json`` says.
    """

    table: pd.DataFrame
    difficulty: pd.DataFrame
    models: tuple[str, ...]
    headings: Mapping[str, str]
    unplaced: Mapping[str, int]
    record: Mapping[str, Json]


def scores_to_strata(folders: Sequence[Path], store: Path, metrics: Sequence[str] = ()) -> Strata:
    """Put every scored frame into bins by its difficulty, and average each model's values there.

    Args:
        folders: Scores of one or more models, of the same protocol and clips; the others are compared with
            the first.
        store: The clean clip store that they were scored on.
        metrics: Names of metrics with a value a frame; all that every folder has by default.

    Raises:
        ScoreError: Scores are of no protocol, of a part of one, of other clips or frames, or have no
            such metric.
        BenchmarkError: The store does not fit, or no true frames exist under the protocol.
        ManifestError: A folder holds no scores, or there is no store.

    Example:
        ``scores_to_strata([Path("scores/mesh_warp")], Path("store")).table``
    """
    compared = read_compared(folders, store, metrics)
    difficulty = items_to_difficulty(compared.items, compared.store)
    unplaced = {
        each.measure: int((each.bins(difficulty[each.measure].to_numpy()) < 0).sum()) for each in STRATA
    }
    return Strata(
        table=frames_to_strata(difficulty, compared.per_frame, compared.metrics),
        difficulty=difficulty,
        models=tuple(compared.per_frame),
        headings=compared.headings,
        unplaced=unplaced,
        record=_to_record(compared, unplaced),
    )


def frames_to_strata(
    difficulty: pd.DataFrame, per_frame: Mapping[str, pd.DataFrame], metrics: Sequence[str]
) -> pd.DataFrame:
    """Means by bin, and paired differences of the first model to the others.

    Args:
        difficulty: `DIFFICULTY_COLUMNS`, sorted by clip.
        per_frame: Name of a model to its `PER_FRAME_COLUMNS`.
        metrics: Names of metrics, in the order wanted.

    Returns:
        `STRATA_COLUMNS`.
    """
    wide = {metric: _side_by_side(difficulty, per_frame, metric) for metric in metrics}
    rows = []
    for stratum in STRATA:
        bins = stratum.bins(difficulty[stratum.measure].to_numpy())
        for number, (name, (low, high)) in enumerate(
            zip(stratum.names, pairwise(stratum.edges), strict=True)
        ):
            for metric, values in wide.items():
                inside = values[bins == number]
                head = (stratum.measure, name, low, high)
                rows += [(*head, *row) for row in _bin_to_rows(inside, metric, tuple(per_frame))]
    return pd.DataFrame(rows, columns=list(STRATA_COLUMNS))


def write_strata(folder: Path, strata: Strata) -> None:
    """Write the tables, and last the manifest; pictures are `strata_figure.write_figure`'s."""
    make_folder(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name, table in ((STRATA_TABLE, strata.table), (DIFFICULTY_TABLE, strata.difficulty)):
        write_text(folder / name, table.to_csv(index=False, lineterminator="\n"))
    tables: dict[str, Json] = {
        name: file_to_sha256(folder / name) for name in (STRATA_TABLE, DIFFICULTY_TABLE)
    }
    body = {**strata.record, "tables": tables}
    write_manifest(folder / MANIFEST, kind=FORMAT, version_number=VERSION, body=body)


def strata_to_rows(table: pd.DataFrame) -> list[dict[str, Json]]:
    """The rows as JSON has them: None for a number that is not there, and for an edge without end."""
    return [
        {str(key): number_to_json(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _side_by_side(
    difficulty: pd.DataFrame, per_frame: Mapping[str, pd.DataFrame], metric: str
) -> pd.DataFrame:
    """Columns clip, frame, and one for each model, with a row for each of `difficulty`'s, in its order."""
    found = difficulty[["clip", "frame"]]
    for model, table in per_frame.items():
        values = table.loc[table["metric"] == metric, ["clip", "frame", "value"]]
        found = found.merge(values.rename(columns={"value": model}), on=["clip", "frame"], how="left")
    return found


def _bin_to_rows(inside: pd.DataFrame, metric: str, models: Sequence[str]) -> list[tuple[object, ...]]:
    """The columns from ``model`` on, of the frames of one bin."""
    first = models[0]
    columns = {model: inside[model].to_numpy(np.float64) for model in models}
    parts = [(model, "", columns[model]) for model in models]
    parts += [(first, other, _difference(columns[first], columns[other])) for other in models[1:]]
    rows: list[tuple[object, ...]] = []
    for model, minus, values in parts:
        frames = pd.DataFrame({"clip": inside["clip"], "metric": metric, "value": values})
        finite = frames[np.isfinite(frames["value"])]
        left_out = len(frames) - len(finite)
        value, low, high = math.nan, math.nan, math.nan
        if len(finite):
            pooled = frames_to_pooled(finite, metric, "frame")
            value, (low, high) = pooled.value, pooled.interval
        clips = finite["clip"].nunique()
        rows.append((model, minus, metric, value, low, high, len(finite), clips, left_out))
    return rows


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frame by frame; infinite where one of the two is."""
    both = np.isfinite(one) & np.isfinite(other)
    out: NDArray[np.float64] = np.full(len(one), np.inf)
    np.subtract(one, other, out=out, where=both)
    return out


def _to_record(compared: Compared, unplaced: Mapping[str, int]) -> dict[str, Json]:
    """What the tables leave unsaid."""
    return {
        "models": [dict(facts) for facts in compared.facts],
        "benchmark": {key: compared.benchmark[key] for key in ("id", "sha256", "dataset")},
        "clip_list_sha256": compared.clip_list_sha256,
        "metrics": list(compared.metrics),
        "strata": {
            each.measure: {
                "label": each.label,
                "edges": [number_to_json(edge) for edge in each.edges],
                "bins": list(each.names),
                "unplaced_frames": unplaced[each.measure],
            }
            for each in STRATA
        },
        "intervals": {key: INTERVALS[key] for key in ("confidence", "frame_metrics")},
        "libraries": dict(library_versions()),
    }
