"""A clip's frames in files: numbered pictures, a video, or a filmstrip; arrays are in `arrays`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.image import read_image
from vptbench.outputs.arrays import MOST_FRAMES
from vptbench.outputs.counted import CountedFile
from vptbench.outputs.panels import Panel
from vptbench.outputs.reader import pictures_to_frames
from vptbench.video import read_video_info, video_to_frames

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


class Media(Protocol):
    """Frames of one clip."""

    @property
    def counted(self) -> bool:
        """Whether frames are only counted, and their numbers stand in no name."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Where they lie."""

    def numbers(self) -> tuple[int, ...]:
        """Numbers as the files have them, ascending."""

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some of them, uint8 (len(numbers), H, W, 3)."""


@dataclass(frozen=True)
class Pictures:
    """A picture for each frame.

    Attributes:
        pictures: By the number in the name, ascending.
        panel: The part of each that is the frame.
        named: What the names say of the panel's size.
    """

    pictures: Mapping[int, Path]
    panel: Panel = field(default_factory=Panel)
    named: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Numbers stand in the names."""
        return False

    @property
    def files(self) -> tuple[Path, ...]:
        """All pictures."""
        return tuple(self.pictures.values())

    def numbers(self) -> tuple[int, ...]:
        """Numbers in the names."""
        return tuple(self.pictures)

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some frames.

        Raises:
            OutputError: They differ in size, or have no such panel.
            VideoError: A picture is damaged.
        """
        paths = [self.pictures[number] for number in numbers]
        return _cut(pictures_to_frames(paths), self.panel, self.named, paths[0] if paths else Path())


@dataclass(frozen=True)
class Video(CountedFile):
    """A video whose frames are numbered from 0.

    Attributes:
        path: The file.
        panel: The part of each frame that counts.
        named: What the name says of the panel's size.
    """

    panel: Panel = field(default_factory=Panel)
    named: Mapping[str, str | int] = field(default_factory=dict)

    def numbers(self) -> tuple[int, ...]:
        """0 to T − 1.

        Raises:
            VideoError: The video is damaged.
        """
        return tuple(range(read_video_info(self.path).frames))

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some frames; decoding goes up to the last of them.

        Raises:
            OutputError: None is asked for, or there is no such panel.
            VideoError: The video is damaged.
        """
        self.check_asked(numbers)
        wanted, kept, start = set(numbers), {}, 0
        for chunk in video_to_frames(self.path):
            kept.update({start + i: chunk[i].copy() for i in range(len(chunk)) if start + i in wanted})
            start += len(chunk)
            if len(kept) == len(wanted):
                break
        return _cut(np.stack([kept[number] for number in numbers]), self.panel, self.named, self.path)


@dataclass(frozen=True)
class Filmstrip(CountedFile):
    """One picture with all frames of a clip side by side, from frame 0; frames are square.

    Attributes:
        path: The file.
    """

    def numbers(self) -> tuple[int, ...]:
        """0 to T − 1.

        Raises:
            OutputError: The width is no multiple of the height.
            VideoError: The picture is damaged.
        """
        return tuple(range(self._count(read_picture_size(self.path))))

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some frames.

        Raises:
            OutputError: None is asked for, or the width is no multiple of the height.
            VideoError: The picture is damaged.
        """
        self.check_asked(numbers)
        strip = read_image(self.path)
        self._count((strip.shape[0], strip.shape[1]))
        side = strip.shape[0]
        return np.stack([strip[:, number * side : (number + 1) * side] for number in numbers])

    def _count(self, size: tuple[int, int]) -> int:
        """How many square frames there are.

        Raises:
            OutputError: The width is no multiple of the height.
        """
        height, width = size
        if width % height:
            raise OutputError(
                f"{self.path}: expected a filmstrip of square frames, whose width is a multiple of its "
                f"height, found {height}×{width}; give the folder of filmstrips"
            )
        if width // height > MOST_FRAMES:
            raise OutputError(
                f"{self.path}: expected at most {MOST_FRAMES} frames, found {height}×{width}; write it again"
            )
        return width // height


def read_picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture; of a PNG, only its header is read.

    Raises:
        VideoError: It is damaged.
    """
    with path.open("rb") as stream:
        head = stream.read(24)
    if head.startswith(PNG_HEAD) and len(head) == 24:
        width, height = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
        if width and height:
            return height, width
    height, width = read_image(path).shape[:2]
    return height, width


def read_media_size(path: Path, *, is_video: bool) -> tuple[int, int]:
    """(H, W) of a picture or of a video's frames.

    Raises:
        VideoError: It is damaged.
    """
    if not is_video:
        return read_picture_size(path)
    info = read_video_info(path)
    return info.height, info.width


def _cut(frames: Frames, panel: Panel, named: Mapping[str, str | int], where: Path) -> Frames:
    """The panel of each frame.

    Raises:
        OutputError: There is none in frames of this size.
    """
    if panel.is_whole and not named:
        return frames
    try:
        rows, columns = panel.columns((frames.shape[1], frames.shape[2]), named)
    except OutputError as error:
        raise OutputError(f"{where}: {error}") from error
    return np.ascontiguousarray(frames[:, rows, columns])
