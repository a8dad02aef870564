"""Frames in somebody's folder: which number each has, and how it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.manifest import Json
from vptbench.outputs.container import media_to_container
from vptbench.outputs.layouts import AUTO
from vptbench.outputs.media import Media
from vptbench.outputs.names import Wanted
from vptbench.outputs.reader import check_numbers
from vptbench.registry import check_known


@dataclass(frozen=True)
class Reading:
    """How somebody says that a folder is to be read.

    Output k stands for the driving frame offset + k · stride, where k is the number in its name less `first`,
    or its place in a video, an array or a filmstrip, from 0.

    Attributes:
        layout: A key of `LAYOUTS`, or "auto" for the one that fits.
        pattern: Of the files' paths, instead of a layout; see `outputs.pattern`.
        panel: The part of each picture that is the frame; see `outputs.panels`.
        first: The number in the name of the first output.
        stride: Driving frames from one output to the next.
        offset: The driving frame of the first output.
        count: How many outputs a clip has where they end before the clip does; 0 where they do not.

    Raises:
        OutputError: A number is out of range.
    """

    layout: str = AUTO
    pattern: str = ""
    panel: str = ""
    first: int = 0
    stride: int = 1
    offset: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        if min(self.first, self.offset, self.count, self.stride - 1) < 0:
            raise OutputError(
                "expected --first, --offset and --count from 0 and --stride from 1, got "
                f"{self.first}, {self.offset}, {self.count} and {self.stride}"
            )

    def covers(self, number: int) -> bool:
        """Whether some output stands for a driving frame."""
        k, rest = divmod(number - self.offset, self.stride)
        return k >= 0 and not rest and (not self.count or k < self.count)

    def length(self, frames: int) -> int:
        """How many outputs a clip of so many frames has."""
        most = max(0, -(-(frames - self.offset) // self.stride))
        return min(most, self.count) if self.count else most


@dataclass(frozen=True)
class Folder:
    """Frames that lie in a known layout; a `FrameReader`.

    Attributes:
        path: The folder.
        layout: A key of `LAYOUTS`, or "pattern".
        clips: Clip id to its media.
        reading: How they are numbered.
        why: Why this layout was taken, in words.
        wanted: The clips that their names were matched to, or None where the names are the ids.
    """

    path: Path
    layout: str
    clips: Mapping[str, Media] = field(repr=False)
    reading: Reading = field(default_factory=Reading)
    why: str = ""
    wanted: Wanted | None = field(default=None, repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """Clip ids, sorted."""
        return tuple(self.clips)

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the driving frames that a clip's outputs stand for, ascending.

        Raises:
            RegistryError: The clip is unknown.
            OutputError: An array holds no frames, or a number in a name lies before `Reading.first`.
            VideoError: A video is damaged.
        """
        media = self._media(clip)
        if media.counted and self.reading.first:
            raise OutputError(
                f"{self.path}: clip {clip}: expected numbers in names for --first, found "
                f"{media.files[0].name}, whose frames are counted from 0; say with --offset what the first "
                "stands for"
            )
        first = self.reading.first
        found = media.numbers()
        if found and found[0] < first:
            raise OutputError(
                f"{self.path}: clip {clip}: expected numbers from {first} (--first), found {found[0]}"
            )
        return tuple(self.reading.offset + (number - first) * self.reading.stride for number in found)

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip, uint8 (len(numbers), H, W, 3), in the order asked for.

        Raises:
            RegistryError: The clip is unknown.
            OutputError: The clip lacks one of them, or they differ in size.
            VideoError: A picture or video is damaged.
        """
        check_numbers(clip, numbers, self.numbers(clip), self.path)
        media, first = self._media(clip), self.reading.first
        return media.frames(
            [first + (number - self.reading.offset) // self.reading.stride for number in numbers]
        )

    def is_counted(self, clip: str) -> bool:
        """Whether the clip's outputs are only counted, and no name says which frame each is.

        Raises:
            RegistryError: The clip is unknown.
        """
        return self._media(clip).counted

    def to_json(self) -> dict[str, Json]:
        """How the frames were read, and what their files may have lost; `reopen_folder` takes it."""
        wanted = None if self.wanted is None else asdict(self.wanted)
        return {
            **asdict(self.reading),
            "layout": self.layout,
            "why": self.why,
            **media_to_container(list(self.clips.values())).to_json(),
            "wanted": None
            if wanted is None
            else {**wanted, "clips": list(wanted["clips"]), "others": sorted(wanted["others"])},
        }

    def _media(self, clip: str) -> Media:
        return self.clips[check_known(clip, self.clips, f"clip of {self.path}")]
