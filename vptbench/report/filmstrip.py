"""Filmstrips: a few frames of a clip, true and generated, found by the paths that scores recorded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from vptbench.benchmarks.source import clip_to_source_frame
from vptbench.clip import Frames
from vptbench.errors import OutputError, VptbenchError
from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.ranking import Column
from vptbench.manifest import Json
from vptbench.outputs import open_folder
from vptbench.outputs.reader import FrameReader
from vptbench.report.figure import frame_to_uri, frames_to_difference
from vptbench.report.table import Row, Section
from vptbench.scorefile import Scores
from vptbench.store import open_store, schema
from vptbench.store.frames import StoreFrames

Item = TypeVar("Item")

FRAMES = 6
"""Frames of a strip."""

MOST_CLIPS = 8
"""Clips of a section that are shown; more are chosen evenly over the sorted ids."""


@dataclass(frozen=True)
class Line:
    """One row of pictures.

    Attributes:
        label: What it shows.
        details: Figures of the clip.
        kind: "target", "generated" or "difference".
        pictures: Data URIs, one a frame.
    """

    label: str
    details: tuple[str, ...]
    kind: str
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Filmstrip:
    """A clip as it is shown.

    Attributes:
        clip: Its id.
        numbers: Frame numbers of the columns.
        source: Data URI of the frame that the models saw, or empty where it is not known.
        source_label: Which it is.
        lines: Target, then generated and difference for each model.
        problems: What could not be shown, in words.
    """

    clip: str
    numbers: tuple[int, ...]
    source: str = ""
    source_label: str = ""
    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = field(default=())


def section_to_filmstrips(section: Section) -> list[Filmstrip]:
    """Filmstrips of up to `MOST_CLIPS` clips; where frames are gone, the strip says so."""
    first = section.rows[0]
    clips = sorted(first.scores.clips)
    return [_to_filmstrip(section, clip) for clip in _evenly(clips, MOST_CLIPS)]


def _to_filmstrip(section: Section, clip: str) -> Filmstrip:
    first = section.rows[0]
    frames = first.scores.per_frame
    numbers = sorted(set(frames.loc[frames["clip"] == clip, "frame"].tolist()))
    problems: list[str] = []
    try:
        targets = open_targets(first)
        shown = tuple(_evenly(numbers or list(targets.numbers(clip)), FRAMES))
        true = targets.frames(clip, shown)
    except VptbenchError as error:
        return Filmstrip(clip, (), problems=(f"Frames are not shown: {error}",))
    lines = [Line("target", (), "target", tuple(map(frame_to_uri, true)))]
    for row in section.rows:
        try:
            lines += _to_lines(row, section.columns, clip, shown, true)
        except VptbenchError as error:
            problems.append(f"{row.name} is not shown: {error}")
    source, source_label = _to_source(first.scores, targets, clip)
    return Filmstrip(clip, shown, source, source_label, tuple(lines), tuple(problems))


def open_targets(row: Row) -> FrameReader:
    """The true frames that scores were measured against.

    Raises:
        VptbenchError: They are gone, or no longer what they were.
    """
    inputs = row.scores.inputs
    path = _resolve(row.folder, inputs.get("store") or inputs.get("targets"))
    return StoreFrames(open_store(path)) if (path / schema.MANIFEST).is_file() else open_folder(path)


def open_generated(row: Row) -> FrameReader:
    """The frames that were scored.

    Raises:
        VptbenchError: They are gone, or no longer what they were.
    """
    return open_folder(_resolve(row.folder, row.scores.inputs.get("outputs")))


def _resolve(folder: Path, relative: object) -> Path:
    """Where a recorded path leads.

    Raises:
        OutputError: There is nothing.
    """
    if not isinstance(relative, str) or not (folder / relative).exists():
        raise OutputError(f"expected frames at {relative}, as seen from the scores, found none")
    return folder / relative


def _to_lines(
    row: Row, columns: Sequence[Column], clip: str, numbers: Sequence[int], true: Frames
) -> list[Line]:
    """A model's frames and their differences from the target.

    Raises:
        OutputError: The sizes differ by now.
        VptbenchError: The frames are gone.
    """
    made = open_generated(row).frames(clip, numbers)
    if made.shape != true.shape:
        raise OutputError(f"expected frames of {true.shape[1]}×{true.shape[2]}, found others by now")
    differences = [frames_to_difference(one, other) for one, other in zip(made, true, strict=True)]
    return [
        Line(row.name, _clip_figures(row, columns, clip), "generated", tuple(map(frame_to_uri, made))),
        Line("difference", (), "difference", tuple(map(frame_to_uri, differences))),
    ]


def _clip_figures(row: Row, columns: Sequence[Column], clip: str) -> tuple[str, ...]:
    """Figures of one clip, such as "SSIM 0.912", for metrics that have them."""
    rows = row.scores.per_clip[row.scores.per_clip["clip"] == clip]
    values: Mapping[str, float] = dict(zip(rows["metric"], rows["value"], strict=True))
    return tuple(
        f"{column.label} {value_to_text(values[column.name], column.decimals)}"
        for column in columns
        if math.isfinite(values.get(column.name, math.inf))
    )


def _to_source(scores: Scores, targets: FrameReader, clip: str) -> tuple[str, str]:
    """The frame that the models saw, and what to call it; empty where that is not known."""
    protocol: Mapping[str, Json] = scores.benchmark or {}
    rule = cast("Mapping[str, Json]", protocol.get("source") or {})
    listed = cast("Mapping[str, int]", protocol.get("source_frames") or {})
    try:
        index = clip_to_source_frame(rule, listed, clip, len(targets.numbers(clip)))
        if index is None:  # of a protocol whose items name their own
            return "", ""
        return frame_to_uri(targets.frames(clip, [index])[0]), f"source, frame {index}"
    except VptbenchError:
        return "", ""


def _evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of `items`, from the first to the last."""
    places = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[place] for place in places]
