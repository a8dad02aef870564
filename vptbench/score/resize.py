"""The model's frames brought to the size of their targets, where somebody asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from vptbench.clip import Frames
from vptbench.outputs.reader import FrameReader
from vptbench.registry import check_known

METHODS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
"""OpenCV's resampling by name; DisCo's scorer resizes bilinearly without a word."""


@dataclass(frozen=True)
class ResizedFrames:
    """Frames of another reader, resized to those of the targets; a `FrameReader`.

    Attributes:
        reader: The model's frames.
        targets: Whose sizes they take.
        method: A key of `METHODS`.
        clips: Id of an output to the clip of its true frames, where that is another one.
    """

    reader: FrameReader
    targets: FrameReader
    method: str
    clips: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.reader.path

    @property
    def layout(self) -> str:
        """How the frames lie there."""
        return self.reader.layout

    @property
    def ids(self) -> tuple[str, ...]:
        """Clip ids."""
        return self.reader.ids

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames that a clip has, ascending."""
        return self.reader.numbers(clip)

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip in the targets' size, uint8 (len(numbers), H, W, 3)."""
        found = self.reader.frames(clip, numbers)
        true = self.clips.get(clip, clip)
        height, width = self.targets.frames(true, self.targets.numbers(true)[:1]).shape[1:3]
        if found.shape[1:3] == (height, width):
            return found
        how = METHODS[check_known(self.method, METHODS, "way to resize")]
        resized = [cv2.resize(frame, (width, height), interpolation=how) for frame in found]
        return np.stack(resized).astype(np.uint8, copy=False)


def reader_to_unresized(reader: FrameReader) -> FrameReader:
    """The model's frames as they lie in their folder."""
    return reader.reader if isinstance(reader, ResizedFrames) else reader
