"""A clip that plays: source, target and every model side by side, in step.

A step of a player is one picture with all panels side by side, so that panels cannot drift apart; videos of
their own would, and a browser shows their frames only about where it was asked to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import VptbenchError
from vptbench.image import Frame
from vptbench.report.album import Album, Subject, evenly
from vptbench.report.picture import frame_to_uri, frames_to_uri, size_at
from vptbench.report.values import Values

STEPS = 40
"""Most steps of a player; of longer clips, as many evenly chosen frames."""

MOST_PLAYERS = 12
"""Of a page."""


@dataclass(frozen=True)
class Player:
    """A clip that plays.

    Attributes:
        clip: Its id.
        tag: Why it is here: "worst", "best", "2nd worst", or empty.
        source: Data URI of the frame that the models saw, or empty where it is not known.
        source_label: Which it is.
        panels: Name and figures of each panel of a step, from the left.
        numbers: Frame number of each step.
        steps: Data URI of each.
        size: Height and width of a panel, in pixels.
        problems: What could not be shown, in words.
    """

    clip: str
    tag: str
    source: str
    source_label: str
    panels: tuple[tuple[str, tuple[str, ...]], ...]
    numbers: tuple[int, ...]
    steps: tuple[str, ...]
    size: tuple[int, int]
    problems: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """What its pictures take of the page."""
        return len(self.source) + sum(map(len, self.steps))


def choose_clips(order: Sequence[str], most: int) -> list[tuple[str, str]]:
    """The worst and the best clips and some between, each with the reason why it is among them.

    Args:
        order: Clips, worst first.
        most: How many there may be: a third are the worst, a third the best.
    """
    ends = max(1, min(len(order), most) // 3)
    last = len(order) - 1
    between = order[ends : len(order) - ends] if len(order) > 2 * ends else []
    middle = evenly(between, max(0, most - 2 * ends)) if between and most > 2 * ends else []
    tags = dict.fromkeys(middle, "")
    tags |= {order[last - place]: _tag(place, "best") for place in reversed(range(min(ends, last + 1)))}
    tags |= {order[place]: _tag(place, "worst") for place in range(min(ends, last + 1))}
    chosen = [clip for clip in order if clip in tags]
    return [(clip, tags[clip]) for clip in chosen[:most]]


def _tag(place: int, word: str) -> str:
    return word if place == 0 else f"{place + 1}{('nd', 'rd')[place - 1] if place < 3 else 'th'} {word}"


def player_rows(album: Album, values: Values) -> list[int]:
    """Rows that play: the models whose frames are there; audits only where there is nothing else."""
    return [row for row in album.shown if row in values.judged]


def clip_to_player(album: Album, values: Values, clip: str, tag: str, height: int) -> Player | None:
    """Make a clip play, panels at most `height` pixels high; None where its true frames are gone."""
    problems: list[str] = []
    try:
        subject = album.subject(clip)
        numbers = tuple(evenly(subject.numbers, STEPS))
        true = album.true(subject, numbers)
    except VptbenchError:
        return None
    panels: list[tuple[str, tuple[str, ...]]] = [(subject.label, ())]
    videos: list[Frames] = [true]
    for row in player_rows(album, values):
        name = album.section.rows[row].name
        try:
            videos.append(album.made(row, subject, numbers, true.shape))
        except VptbenchError as error:
            problems.append(f"{name} is not shown: {error}")
            continue
        panels.append((name, values.texts(row, album.section.columns, clip)))
    source, label = _source_to_uri(album, subject, height)
    return Player(
        clip=clip,
        tag=tag,
        source=source,
        source_label=label,
        panels=tuple(panels),
        numbers=numbers,
        steps=tuple(frames_to_uri(_step(videos, place), height) for place in range(len(numbers))),
        size=size_at(true.shape[1:], height),
        problems=tuple(problems),
    )


def _step(videos: Sequence[Frames], place: int) -> list[Frame]:
    return [np.ascontiguousarray(video[place]) for video in videos]


def _source_to_uri(album: Album, subject: Subject, height: int) -> tuple[str, str]:
    frame, label = album.source(subject)
    return ("", "") if frame is None else (frame_to_uri(frame, height), label)
