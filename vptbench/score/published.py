"""The definitions that published tables are made of, by protocol group, and the tables themselves.

A group is a set of published rows that were measured in one way. `vptbench score --as all` measures the same
outputs by every definition that is known, and sets each figure beside the rows of its group.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from vptbench.benchmarks.items import resolve_dataset
from vptbench.figure import Figure
from vptbench.manifest import delete, write_text
from vptbench.registry import check_known
from vptbench.score.figure import Pooled, frames_to_pooled
from vptbench.scorefile import Scores

PUBLISHED = "published.csv"
"""Table beside the scores, with `COLUMNS`."""

COLUMNS = ("group", "method", "column", "metric", "pooling", "value", "low", "high", "source", "notes")
"""Ours first: ``metric`` is our id and ``source`` "measured"; a published row has neither id nor interval."""

MEASURED = "measured"
EMPTY = "–"
ALL = "all"

MOST_SHOWN = 12
"""Published rows of a group that the terminal shows; the table beside the scores has all."""

SIX = tuple(
    f"fvd-bdmm-{split}-{clip}-v1" for split in ("train", "test") for clip in ("16f", "128f", "128f-s8")
)

BDMM: dict[str, tuple[str, ...]] = {
    "SSIM": ("ssim-bdmm-v1",), "PSNR": ("psnr-cap100-v1",), "L1": ("l1-bdmm-v1",), "LPIPS": ("lpips-v1",),
    "FID": ("fid-bdmm-v1",), "FVD": SIX,
}  # fmt: skip
HIS: dict[str, tuple[str, ...]] = {
    "SSIM": ("ssim-his-v1",), "PSNR": ("psnr-his-v1",), "LPIPS": ("lpips-his-v1",),
}  # fmt: skip


@dataclass(frozen=True)
class ProtocolGroup:
    """How a set of published rows was measured, as far as it is known.

    Attributes:
        dataset: As stores name it.
        columns: A column of the published table to the metrics that it may be.
        pooling: "frame" or "clip".
        benchmark: Id of the frozen protocol that follows it, or empty.
        size: Side of its frames, which are square, in pixels; 0 where it is not known.
        caution: What a reader must know.
    """

    dataset: str
    columns: Mapping[str, tuple[str, ...]]
    pooling: str = "frame"
    benchmark: str = ""
    size: int = 0
    caution: str = ""


NO_CODE = "no code was published: only the arithmetic of PSNR is known, from its range"
HIS_CAUTION = "self-imitation; means over batches of 32 frames; no published rows at hand"
FLOAT: dict[str, tuple[str, ...]] = {"PSNR": ("psnr-v1",)}

GROUPS: dict[str, ProtocolGroup] = {
    "bdmm-fashion": ProtocolGroup(
        "fashionvideo", BDMM, benchmark="fashionvideo-bdmm-v1", size=256,
        caution="the paper prints one FVD, its code six, and nobody says which; FID is against training "
        "frames",
    ),
    "bdmm-iper": ProtocolGroup(
        "iper", BDMM, benchmark="iper-bdmm-v1", size=256,
        caution="the paper prints one FVD, its code six, and nobody says which",
    ),
    "his-fashion": ProtocolGroup("fashionvideo", HIS, size=512, caution=HIS_CAUTION),
    "his-iper": ProtocolGroup("iper", HIS, size=512, caution=HIS_CAUTION),
    "animateanyone-fashion": ProtocolGroup(
        "fashionvideo", {"PSNR": ("psnr-v1",), "PSNR_uint8": ("psnr-u8overflow-v1",)}, caution=NO_CODE
    ),
    "humanvid-fashion": ProtocolGroup(
        "fashionvideo", FLOAT, caution="24 frames a video at stride 3, source from the middle; " + NO_CODE
    ),
    "disco-tiktok10": ProtocolGroup(
        "tiktok",
        {
            "SSIM": ("ssim-disco-v1",), "PSNR": ("psnr-cap100-v1",), "PSNR_uint8": ("psnr-u8overflow-v1",),
            "L1": ("l1-disco-v1",), "LPIPS": ("lpips-vgg-disco-v1",), "FID": ("fid-v1",),
            "FVD": ("fvd-disco-ts-v1",),
        },
        size=256,
        caution="L1 shrinks with the frame's area; FVD here by another file of I3D",
    ),
    "humanvid-tiktok40": ProtocolGroup("tiktok", FLOAT, caution="24 frames a video at stride 3; " + NO_CODE),
    "mimicmotion-tiktok": ProtocolGroup("tiktok", FLOAT, caution=NO_CODE),
}  # fmt: skip
"""Groups whose definitions are known at least in part, by the names of the published table."""


@lru_cache(maxsize=1)
def published_rows() -> pd.DataFrame:
    """The published figures at hand: dataset, method, metric, value, source, protocol_group, notes."""
    path = Path(str(files("vptbench.score") / PUBLISHED))
    return pd.read_csv(path, dtype={"value": np.float64}, keep_default_na=False)


def resolve_groups(names: Sequence[str], dataset: str = "") -> tuple[str, ...]:
    """The groups that `names` say, in the order of `GROUPS`.

    Args:
        names: Groups, or "all" for every one of the dataset.
        dataset: Of the store; without one "all" says every group.

    Raises:
        RegistryError: One is unknown.
    """
    wanted = {check_known(name.strip(), (*GROUPS, ALL), "protocol group") for name in names}
    return tuple(
        name
        for name, group in GROUPS.items()
        if name in wanted or (ALL in wanted and resolve_dataset(dataset) in {"", group.dataset})
    )


def groups_to_metrics(groups: Sequence[str]) -> tuple[str, ...]:
    """Ids of the metrics that the groups' definitions need, each once."""
    named = (metric for group in groups for ids in GROUPS[group].columns.values() for metric in ids)
    return tuple(dict.fromkeys(named))


def write_published(folder: Path, scores: Scores, groups: Sequence[str]) -> None:
    """Write the table beside scores; without groups, delete an earlier one."""
    if not groups:
        delete(folder / PUBLISHED)
        return
    write_text(
        folder / PUBLISHED, scores_to_published(scores, groups).to_csv(index=False, lineterminator="\n")
    )


def read_published(folder: Path) -> pd.DataFrame:
    """The table beside scores, with `COLUMNS`."""
    texts = dict.fromkeys(("group", "method", "column", "metric", "pooling", "source", "notes"), str)
    return pd.read_csv(
        folder / PUBLISHED,
        dtype=texts,
        keep_default_na=False,
        na_values={"value": [""], "low": [""], "high": [""]},
    )


def scores_to_published(scores: Scores, groups: Sequence[str]) -> pd.DataFrame:
    """The figures of scores by the groups' definitions, each group followed by its published rows.

    Args:
        scores: Of the metrics that `groups_to_metrics` names.
        groups: Names of `GROUPS`.

    Returns:
        A table with `COLUMNS`; a figure without a value has NaN, and its reason in ``notes``.
    """
    rows: list[dict[str, object]] = []
    published = published_rows()
    for group in groups:
        rows += [
            _measured_row(scores, group, column, name)
            for column, metrics in GROUPS[group].columns.items()
            for metric in metrics
            for name in scores.metrics
            if name.partition("@")[0] == metric
        ]
        found = published[published["protocol_group"] == group]
        rows += [
            {
                "group": group, "method": row.method, "column": row.metric, "metric": "", "pooling": "",
                "value": row.value, "low": np.nan, "high": np.nan, "source": row.source, "notes": row.notes,
            }
            for row in found.itertuples()
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def differences(scores: Scores, group: str) -> list[str]:
    """What keeps figures from standing beside the rows of a group, in words; empty if nothing known does."""
    wanted, found = GROUPS[group], []
    dataset = scores.data.get("dataset")
    if scores.benchmark is None:
        found.append("two folders against each other, not a benchmark")
    elif resolve_dataset(dataset) != wanted.dataset:
        found.append(f"these clips are of {dataset}, the rows of {wanted.dataset}")
    elif wanted.benchmark and scores.benchmark["id"] != wanted.benchmark:
        found.append(f"scored under {scores.benchmark['id']}, the rows' protocol is {wanted.benchmark}")
    if scores.data.get("synth"):
        found.append("these clips are synthetic")
    if scores.lacking:
        found.append(f"the store held {scores.lacking}")
    sizes = sorted({"×".join(map(str, cast("list[int]", clip["size"]))) for clip in scores.clips.values()})
    if wanted.size and sizes != [f"{wanted.size}×{wanted.size}"]:
        found.append(f"frames of {', '.join(sizes)}, the rows' are {wanted.size}×{wanted.size}")
    if scores.resize:
        found.append(f"frames were resized ({scores.resize['method']})")
    return found


def published_to_text(scores: Scores, table: pd.DataFrame) -> str:
    """The table for a terminal, group by group, with what differs and what to beware of.

    Args:
        scores: What the measured rows were made of.
        table: As `scores_to_published` gives it.
    """
    return "\n\n".join(
        _group_to_text(scores, str(group), rows) for group, rows in table.groupby("group", sort=False)
    )


def _measured_row(scores: Scores, group: str, column: str, name: str) -> dict[str, object]:
    figure, pooling = scores.metrics[name], GROUPS[group].pooling
    pooled = _pooled(scores, figure, name, pooling)
    low, high = pooled.interval
    return {
        "group": group, "method": scores.model, "column": column, "metric": name,
        "pooling": pooling if figure.pooling else "", "value": pooled.value if not figure.reason else np.nan,
        "low": low, "high": high, "source": MEASURED, "notes": figure.reason,
    }  # fmt: skip


def _pooled(scores: Scores, figure: Figure, name: str, pooling: str) -> Pooled:
    """A figure by a group's pooling; a distance between distributions as it is."""
    if figure.pooling and not figure.reason:
        return frames_to_pooled(scores.per_frame, name, pooling)
    ends = [np.nan if end is None else end for end in (figure.value, figure.low, figure.high)]
    return Pooled(ends[0], (ends[1], ends[2]), figure.samples, figure.infinite_frames)


def _group_to_text(scores: Scores, group: str, rows: pd.DataFrame) -> str:
    """One group: ours by definition, then the published rows, then what to beware of."""
    wanted = GROUPS[group]
    frames = sum(int(str(clip["frames"])) for clip in scores.clips.values())
    measured, published = rows[rows["source"] == MEASURED], rows[rows["source"] != MEASURED]
    title = f"As {group} ({wanted.pooling} means), {scores.model}: {len(scores.clips)} clips, {frames} frames"
    ours = [
        [str(row["column"]), str(row["metric"]), _cell(row), _interval(row), str(row["notes"])]
        for row in _rows(measured)
    ]
    theirs = _published_to_table(published, list(wanted.columns))
    hidden = len(theirs) - (1 + MOST_SHOWN)
    notes = [wanted.caution, *differences(scores, group)]
    return "\n".join([
        title,
        *_aligned([["column", "definition", "measured", "95 % interval", ""], *ours]),
        *(["  published:", *_aligned(theirs[: 1 + MOST_SHOWN])] if len(published) else []),
        *([f"  and {hidden} more rows in {PUBLISHED}"] if hidden > 0 else []),
        *(["  * with a note, see " + PUBLISHED] if (published["notes"] != "").any() else []),
        *(f"  beware: {note}" for note in notes if note),
    ])  # fmt: skip


def _published_to_table(rows: pd.DataFrame, known: Sequence[str]) -> list[list[str]]:
    """The headings, then a line a method and source: those with most of the `known` columns first."""
    columns = [*(name for name in known if name in set(rows["column"])), *_others(rows, known)]
    lines = []
    for (method, _), found in rows.groupby(["method", "source"], sort=False):
        cells: dict[str, list[str]] = {}
        for row in _rows(found):
            cells.setdefault(str(row["column"]), []).append(_cell(row))
        marked = f"{method}{' *' if (found['notes'] != '').any() else ''}"
        shared = sum(name in cells for name in known)
        lines.append((-shared, [marked, *(" or ".join(cells.get(name, [])) for name in columns)]))
    return [["method", *columns], *(line for _, line in sorted(lines, key=lambda pair: pair[0]))]


def _others(rows: pd.DataFrame, known: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(map(str, rows["column"])) if name not in known]


def _rows(table: pd.DataFrame) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", table.to_dict("records"))


def _cell(row: Mapping[str, object]) -> str:
    """A value; one of a network with random weights says so, since it belongs in no published column."""
    value = cast("float", row["value"])
    if math.isnan(value):
        return EMPTY
    return f"{value:.5g}{' @random' if str(row['metric']).endswith('@random') else ''}"


def _interval(row: Mapping[str, object]) -> str:
    low, high = cast("float", row["low"]), cast("float", row["high"])
    return "" if math.isnan(low) else f"{low:.5g} to {high:.5g}"


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [f"  {'  '.join(map(str.ljust, line, widths))}".rstrip() for line in table]
