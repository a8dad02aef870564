"""The frames behind a section of scores, true and generated, found by the paths that scores recorded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from vptbench.benchmarks.source import clip_to_source_frame
from vptbench.benchmarks.span import ItemSpan, json_to_items
from vptbench.clip import Frames
from vptbench.errors import OutputError, VptbenchError
from vptbench.image import Frame
from vptbench.manifest import Json
from vptbench.outputs import open_folder
from vptbench.outputs.reader import FrameReader
from vptbench.outputs.recognise import reopen_folder
from vptbench.report.table import Row, Section
from vptbench.scorefile import Scores
from vptbench.store import open_store, schema
from vptbench.store.frames import StoreFrames

Thing = TypeVar("Thing")

DRIVING_LABEL = "driving (another person)"
"""What true frames are called where there is no ground truth: whose poses the models took."""


@dataclass(frozen=True)
class Subject:
    """Where the pictures of a clip come from.

    Attributes:
        clip: Id in the scores, and of the models' frames.
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

    @property
    def label(self) -> str:
        """What the driving frames are called."""
        return "target" if self.truth else DRIVING_LABEL


@dataclass(frozen=True)
class Album:
    """The frames of a section; each folder is opened once.

    Attributes:
        section: The scores.
        readers: Row (None for the true frames) to its frames, or to the refusal that opening them met.
    """

    section: Section
    readers: Mapping[int | None, "FrameReader | VptbenchError"]

    @cached_property
    def scored(self) -> Mapping[str, Sequence[int]]:
        """Clip to the numbers of its scored frames, ascending."""
        frames = self.section.rows[0].scores.per_frame
        return {str(clip): sorted(set(found)) for clip, found in frames.groupby("clip")["frame"]}

    @property
    def problems(self) -> list[str]:
        """Which folders could not be opened, in words."""
        names = {index: row.name for index, row in enumerate(self.section.rows)}
        return [
            f"{'Frames are' if row is None else f'{names[row]} is'} not shown: {found}"
            for row, found in self.readers.items()
            if isinstance(found, VptbenchError)
        ]

    @property
    def gone(self) -> bool:
        """Whether the true frames could not be opened."""
        return isinstance(self.readers[None], VptbenchError)

    @property
    def shown(self) -> list[int]:
        """Rows that have frames."""
        return [
            row
            for row, found in self.readers.items()
            if row is not None and not isinstance(found, VptbenchError)
        ]

    def subject(self, clip: str) -> Subject:
        """Look up what a benchmark took for `clip`, which may be the id of an item.

        Raises:
            OutputError: The benchmark of the scores has items, but none of that id.
            BenchmarkError: They are malformed.
            VptbenchError: The true frames are gone.
        """
        scores = self.section.rows[0].scores
        return _to_subject(scores, self._reader(None), clip, self.scored.get(clip, ()))

    def true(self, subject: Subject, numbers: Sequence[int]) -> Frames:
        """True (or driving) frames, uint8 (len(numbers), H, W, 3).

        Raises:
            VptbenchError: They are gone.
        """
        return self._reader(None).frames(subject.driving, numbers)

    def made(self, row: int, subject: Subject, numbers: Sequence[int], shape: tuple[int, ...]) -> Frames:
        """A model's frames, of the shape of the true ones.

        Raises:
            OutputError: The sizes differ by now.
            VptbenchError: They are gone.
        """
        frames = self._reader(row).frames(subject.clip, numbers)
        if frames.shape != shape:
            raise OutputError(f"expected frames of {shape[1]}×{shape[2]}, found others by now")
        return frames

    def source(self, subject: Subject) -> tuple[Frame | None, str]:
        """The frame that the models saw, and what to call it; None and nothing where that is not known."""
        if subject.source is None:
            return None, ""
        clip, number = subject.source
        try:
            frame: Frame = np.ascontiguousarray(self._reader(None).frames(clip, [number])[0])
        except VptbenchError:
            return None, ""
        return frame, f"source, frame {number}" + ("" if clip == subject.clip else f" of {clip}")

    def _reader(self, row: int | None) -> FrameReader:
        """Frames of a row.

        Raises:
            VptbenchError: They could not be opened.
        """
        found = self.readers[row]
        if isinstance(found, VptbenchError):
            raise found
        return found


def section_to_album(section: Section) -> Album:
    """Open every folder of a section; one that is gone is told by `Album.problems`."""
    openers: dict[int | None, Callable[[], FrameReader]] = {None: lambda: open_targets(section.rows[0])}
    for index, row in enumerate(section.rows):
        openers[index] = lambda row=row: open_generated(row)  # type: ignore[misc]
    return Album(section, {row: _try(opener) for row, opener in openers.items()})


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


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most `most` of `things`, from the first to the last."""
    places = np.unique(np.linspace(0, len(things) - 1, min(most, len(things))).round().astype(int))
    return [things[place] for place in places]


def _try(opener: Callable[[], FrameReader]) -> "FrameReader | VptbenchError":
    try:
        return opener()
    except VptbenchError as error:
        return error


def _resolve(folder: Path, relative: object) -> Path:
    """Where a recorded path leads.

    Raises:
        OutputError: There is nothing.
    """
    if not isinstance(relative, str) or not (folder / relative).exists():
        raise OutputError(f"expected frames at {relative}, as seen from the scores, found none")
    return folder / relative


def _to_subject(scores: Scores, targets: FrameReader, clip: str, scored: Sequence[int]) -> Subject:
    """See `Album.subject`.

    Raises:
        OutputError: The benchmark of the scores has items, but none of that id.
    """
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
    return Subject(clip, clip, scored or numbers, None if index is None else (clip, index))


def _item_to_subject(item: ItemSpan, scored: Sequence[int], *, truth: bool) -> Subject:
    made = range(item.driving.first, item.driving.last + 1)
    source = item.source.clip, item.source.frame
    return Subject(item.id, item.driving.clip, scored or made, source, truth)
