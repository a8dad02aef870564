"""Filmstrips: a few frames of a clip, true and generated, found by the paths that scores recorded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from vptbench.benchmarks.source import clip_to_source_frame
from vptbench.benchmarks.span import ItemSpan, json_to_items
from vptbench.clip import Frames
from vptbench.errors import OutputError, VptbenchError
from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.ranking import Column
from vptbench.manifest import Json
from vptbench.outputs import open_folder
from vptbench.outputs.reader import FrameReader
from vptbench.outputs.recognise import reopen_folder
from vptbench.report.figure import frame_to_uri, frames_to_difference
from vptbench.report.table import Row, Section
from vptbench.scorefile import Scores
from vptbench.store import open_store, schema
from vptbench.store.frames import StoreFrames

Thing = TypeVar("Thing")

FRAMES = 6
"""Frames of a strip."""

MOST_CLIPS = 8
"""Clips of a section that are shown; more are chosen evenly over the sorted ids."""

DRIVING_LABEL = "driving (another person)"
"""What the first line is called where there is no ground truth: whose poses the models took."""


@dataclass(frozen=True)
class Line:
    """One row of pictures.

    Attributes:
        label: What it shows.
        details: Figures of the clip.
        kind: "target", "driving", "generated" or "difference".
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
        clip: Its id; the item's where the benchmark spells out items.
        numbers: Frame numbers of the columns, in the clip whose poses were taken.
        source: Data URI of the frame that the models saw, or empty where it is not known.
        source_label: Which it is.
        lines: Target, then generated and difference for each model; where one person is driven by another's
            poses there is no target: the driving frames, then generated ones alone.
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


@dataclass(frozen=True)
class _Subject:
    """Where the pictures of a strip come from.

    Attributes:
        clip: Id of the strip, and of the models' frames.
        driving: The clip whose poses were taken; its frames have the numbers of the models'.
        numbers: Frames that may be shown, ascending.
        source: Clip and number of the frame that the models saw, or None where it is not known.
        truth: Whether the driving frames are what the models' should be.
    """

    clip: str
    driving: str
    numbers: Sequence[int]
    source: tuple[str, int] | None
    truth: bool = True


def _to_filmstrip(section: Section, clip: str) -> Filmstrip:
    first = section.rows[0]
    problems: list[str] = []
    try:
        targets = open_targets(first)
        subject = _to_subject(first.scores, targets, clip)
        shown = tuple(_evenly(subject.numbers, FRAMES))
        true = targets.frames(subject.driving, shown)
    except VptbenchError as error:
        return Filmstrip(clip, (), problems=(f"Frames are not shown: {error}",))
    label, kind = ("target", "target") if subject.truth else (DRIVING_LABEL, "driving")
    lines = [Line(label, (), kind, tuple(map(frame_to_uri, true)))]
    for row in section.rows:
        try:
            lines += _to_lines(row, section.columns, subject, shown, true)
        except VptbenchError as error:
            problems.append(f"{row.name} is not shown: {error}")
    source, source_label = _to_source(subject, targets)
    return Filmstrip(clip, shown, source, source_label, tuple(lines), tuple(problems))


def _to_subject(scores: Scores, targets: FrameReader, clip: str) -> _Subject:
    """Look up what a benchmark took for `clip`, which may be the id of an item.

    Raises:
        OutputError: The benchmark of the scores has items, but none of that id.
        BenchmarkError: They are malformed.
        VptbenchError: The true frames are gone.
    """
    frames = scores.per_frame
    scored = sorted(set(frames.loc[frames["clip"] == clip, "frame"].tolist()))
    protocol: Mapping[str, Json] = scores.benchmark or {}
    items = protocol.get("items")
    if items:
        item = next((found for found in json_to_items(items) if found.id == clip), None)
        if item is None:
            raise OutputError(f"expected an item {clip} in the benchmark of the scores, found none")
        return _item_to_subject(item, scored, truth=protocol.get("driving") != "cross")
    numbers = targets.numbers(clip)
    rule = cast("Mapping[str, Json]", protocol.get("source") or {})
    listed = cast("Mapping[str, int]", protocol.get("source_frames") or {})
    index = clip_to_source_frame(rule, listed, clip, len(numbers))
    return _Subject(clip, clip, scored or numbers, None if index is None else (clip, index))


def _item_to_subject(item: ItemSpan, scored: Sequence[int], *, truth: bool) -> _Subject:
    made = range(item.driving.first, item.driving.last + 1)
    source = item.source.clip, item.source.frame
    return _Subject(item.id, item.driving.clip, scored or made, source, truth)


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
    return reopen_folder(_resolve(row.folder, row.scores.inputs.get("outputs")), row.scores.reading)


def _resolve(folder: Path, relative: object) -> Path:
    """Where a recorded path leads.

    Raises:
        OutputError: There is nothing.
    """
    if not isinstance(relative, str) or not (folder / relative).exists():
        raise OutputError(f"expected frames at {relative}, as seen from the scores, found none")
    return folder / relative


def _to_lines(
    row: Row, columns: Sequence[Column], subject: _Subject, numbers: Sequence[int], true: Frames
) -> list[Line]:
    """A model's frames and, where there is a target, their differences from it.

    Raises:
        OutputError: The sizes differ by now.
        VptbenchError: The frames are gone.
    """
    made = open_generated(row).frames(subject.clip, numbers)
    if made.shape != true.shape:
        raise OutputError(f"expected frames of {true.shape[1]}×{true.shape[2]}, found others by now")
    figures = _clip_figures(row, columns, subject.clip)
    lines = [Line(row.name, figures, "generated", tuple(map(frame_to_uri, made)))]
    if subject.truth:
        differences = [frames_to_difference(one, other) for one, other in zip(made, true, strict=True)]
        lines.append(Line("difference", (), "difference", tuple(map(frame_to_uri, differences))))
    return lines


def _clip_figures(row: Row, columns: Sequence[Column], clip: str) -> tuple[str, ...]:
    """Figures of one clip, such as "SSIM 0.912", for metrics that have them."""
    rows = row.scores.per_clip[row.scores.per_clip["clip"] == clip]
    values: Mapping[str, float] = dict(zip(rows["metric"], rows["value"], strict=True))
    return tuple(
        f"{column.label} {value_to_text(values[column.name], column.decimals)}"
        for column in columns
        if math.isfinite(values.get(column.name, math.inf))
    )


def _to_source(subject: _Subject, targets: FrameReader) -> tuple[str, str]:
    """The frame that the models saw, and what to call it; empty where that is not known."""
    if subject.source is None:
        return "", ""
    clip, number = subject.source
    try:
        picture = frame_to_uri(targets.frames(clip, [number])[0])
    except VptbenchError:
        return "", ""
    return picture, f"source, frame {number}" + ("" if clip == subject.clip else f" of {clip}")


def _evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most `most` of `things`, from the first to the last."""
    places = np.unique(np.linspace(0, len(things) - 1, min(most, len(things))).round().astype(int))
    return [things[place] for place in places]
