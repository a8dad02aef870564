"""The worst and the best frames of a model, each beside its target and their difference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vptbench.errors import VptbenchError
from vptbench.leaderboard.digits import value_to_text
from vptbench.leaderboard.ranking import Column
from vptbench.report.album import Album
from vptbench.report.picture import frame_to_uri, frames_to_difference
from vptbench.report.values import Values

MOST = 4
"""Frames at each end."""

GAP = 8
"""Frames of one clip that are shown are at least so far apart: neighbours look alike."""


@dataclass(frozen=True)
class Extreme:
    """A frame.

    Attributes:
        clip: Of the frame.
        number: Of the frame.
        text: Its figure.
        pictures: What each picture shows, and its data URI: target, generated, difference.
    """

    clip: str
    number: int
    text: str
    pictures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Extremes:
    """The ends of a row.

    Attributes:
        row: Its name.
        number: Its number.
        worst: Worst first.
        best: Best first.
    """

    row: str
    number: int
    worst: tuple[Extreme, ...]
    best: tuple[Extreme, ...]


def row_to_extremes(album: Album, values: Values, row: int, column: Column, height: int) -> Extremes:
    """Find a row's worst and best frames by a metric; infinite values stand on neither side."""
    found = [
        (value, clip, number)
        for (metric, clip), (numbers, curve) in values.frames[row].items()
        if metric == column.name
        for number, value in zip(numbers, curve, strict=True)
        if math.isfinite(value)
    ]
    rising = sorted(found)
    worst, best = (rising, rising[::-1]) if column.arrow == "↑" else (rising[::-1], rising)
    half = -(-len(found) // 2)  # no frame of the better half is called one of the worst
    low, high = apart(worst[:half]), apart(best[: len(found) - half])
    ends = (
        tuple(filter(None, (_to_extreme(album, row, column, one, height) for one in side)))
        for side in (low, high)
    )
    return Extremes(album.section.rows[row].name, row, *ends)


def apart(frames: Sequence[tuple[float, str, int]]) -> list[tuple[float, str, int]]:
    """The first `MOST` of `frames` (value, clip, number) of which no two are neighbours; see `GAP`."""
    kept: list[tuple[float, str, int]] = []
    for frame in frames:
        if len(kept) == MOST:
            break
        if all(frame[1] != other[1] or abs(frame[2] - other[2]) >= GAP for other in kept):
            kept.append(frame)
    return kept


def _to_extreme(
    album: Album, row: int, column: Column, frame: tuple[float, str, int], height: int
) -> Extreme | None:
    value, clip, number = frame
    try:
        subject = album.subject(clip)
        true = album.true(subject, [number])
        made = album.made(row, subject, [number], true.shape)
    except VptbenchError:
        return None
    pictures = [(subject.label, frame_to_uri(true[0], height)), ("generated", frame_to_uri(made[0], height))]
    if subject.truth:
        difference = frames_to_difference(made[0], true[0])
        pictures.append(("difference", frame_to_uri(difference, height)))
    text = f"{column.label} {value_to_text(value, column.decimals)}"
    return Extreme(clip, number, text, tuple(pictures))
