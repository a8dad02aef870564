"""Filmstrips: a few frames of a clip, true and generated, one line of pictures under the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from vptbench.clip import Frames
from vptbench.errors import VptbenchError
from vptbench.report.album import Album, Subject, evenly
from vptbench.report.picture import THUMBNAIL, frame_to_uri, frames_to_difference
from vptbench.report.values import Values

FRAMES = 6
"""Frames of a strip."""


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
    problems: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What its pictures take of the page."""
        return len(self.source) + sum(len(picture) for line in self.lines for picture in line.pictures)


def album_to_pictures(album: Album) -> int:
    """How many pictures a strip of a section has at most."""
    return FRAMES * (1 + 2 * len(album.shown)) + 1


def clip_to_filmstrip(album: Album, values: Values, clip: str, height: int = THUMBNAIL) -> Filmstrip:
    """Set a few frames of a clip side by side; where some are gone, the strip says so.

    Args:
        album: Where the frames are.
        values: The section's figures.
        clip: Its id.
        height: Most pixels in the height of a picture.
    """
    problems: list[str] = []
    try:
        subject = album.subject(clip)
        shown = tuple(evenly(subject.numbers, FRAMES))
        true = album.true(subject, shown)
    except VptbenchError as error:
        return Filmstrip(clip, (), problems=(f"Frames are not shown: {error}",))
    kind = "target" if subject.truth else "driving"
    lines = [Line(subject.label, (), kind, tuple(frame_to_uri(frame, height) for frame in true))]
    for row in album.shown:
        try:
            made = album.made(row, subject, shown, true.shape)
        except VptbenchError as error:
            problems.append(f"{album.section.rows[row].name} is not shown: {error}")
            continue
        figures = values.texts(row, album.section.columns, clip)
        lines += _to_lines(album.section.rows[row].name, figures, (made, true), subject, height)
    source, label = album.source(subject)
    uri = "" if source is None else frame_to_uri(source, height)
    return Filmstrip(clip, shown, uri, label, tuple(lines), tuple(problems))


def _to_lines(
    name: str, figures: Sequence[str], frames: tuple[Frames, Frames], subject: Subject, height: int
) -> list[Line]:
    """A model's frames and, where there is a target, their differences from it."""
    made, true = frames
    lines = [Line(name, tuple(figures), "generated", tuple(frame_to_uri(frame, height) for frame in made))]
    if subject.truth:
        differences = [frames_to_difference(one, other) for one, other in zip(made, true, strict=True)]
        pictures = tuple(frame_to_uri(frame, height) for frame in differences)
        lines.append(Line("difference", (), "difference", pictures))
    return lines
