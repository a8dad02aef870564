"""A clip's frames in files: numbered pictures, a video, an array, or a filmstrip."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import h5py
import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.image import read_image
from vptbench.outputs.panels import Panel
from vptbench.outputs.reader import pictures_to_frames
from vptbench.video import read_video_info, video_to_frames

HDF5_SUFFIXES = (".h5", ".hdf5")
ARRAY_SUFFIXES = (".npy", ".npz", *HDF5_SUFFIXES)
"""NumPy's own formats, read without pickle, and HDF5."""

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
class Video:
    """A video whose frames are numbered from 0.

    Attributes:
        path: The file.
        panel: The part of each frame that counts.
        named: What the name says of the panel's size.
    """

    path: Path
    panel: Panel = field(default_factory=Panel)
    named: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def counted(self) -> bool:
        """Positions alone are known."""
        return True

    @property
    def files(self) -> tuple[Path, ...]:
        """The video."""
        return (self.path,)

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
        wanted, kept, start = set(numbers), {}, 0
        for chunk in video_to_frames(self.path):
            kept.update({start + i: chunk[i].copy() for i in range(len(chunk)) if start + i in wanted})
            start += len(chunk)
            if len(kept) == len(wanted):
                break
        if not kept:
            raise OutputError(f"{self.path}: expected at least one frame to be asked for, got none")
        return _cut(np.stack([kept[number] for number in numbers]), self.panel, self.named, self.path)


@dataclass(frozen=True)
class Array:
    """An array uint8 (T, H, W, 3) in a NumPy or HDF5 file.

    Attributes:
        path: The file.
        key: Its name in the file; empty for ``.npy``.
    """

    path: Path
    key: str = ""

    @property
    def counted(self) -> bool:
        """Positions alone are known."""
        return True

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def numbers(self) -> tuple[int, ...]:
        """0 to T − 1.

        Raises:
            OutputError: The array is damaged or holds no frames.
        """
        return tuple(range(self._read(None)[0]))

    def frames(self, numbers: Sequence[int]) -> Frames:
        """Some frames.

        Raises:
            OutputError: None is asked for, or the array is damaged or holds no frames.
        """
        if not numbers:
            raise OutputError(f"{self.path}: expected at least one frame to be asked for, got none")
        return self._read(np.asarray(numbers))[1]

    def _read(self, rows: "np.ndarray[tuple[int], np.dtype[np.int64]] | None") -> tuple[int, Frames]:
        """How many frames there are, and those of `rows`.

        Raises:
            OutputError: The array is damaged or holds no frames.
        """
        try:
            if self.path.suffix.lower() in HDF5_SUFFIXES:
                with h5py.File(self.path) as file:
                    return self._take(file[self.key], rows)
            found = np.load(self.path, mmap_mode="r", allow_pickle=False)
            if self.path.suffix.lower() == ".npz":
                with found as members:
                    return self._take(members[self.key], rows)
            return self._take(found, rows)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise OutputError(_damage(self.path, error)) from error

    def _take(
        self, array: object, rows: "np.ndarray[tuple[int], np.dtype[np.int64]] | None"
    ) -> tuple[int, Frames]:
        """Check an array, and take some rows of it.

        Raises:
            OutputError: It holds no frames.
        """
        shape: tuple[int, ...] = getattr(array, "shape", ())
        dtype = getattr(array, "dtype", np.dtype(object))
        data = cast("Frames", array)
        if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or not shape[0]:
            bad = " with NaN" if dtype.kind == "f" and np.isnan(data[()]).any() else ""
            key = f" ({self.key})" if self.key else ""
            raise OutputError(
                f"{self.path}{key}: expected frames uint8 (T, H, W, 3), found {dtype} {shape}{bad}; "
                "write 8-bit RGB"
            )
        if rows is None:
            return shape[0], np.empty((0, *shape[1:]), np.uint8)
        first = int(rows.min())
        return shape[0], np.array(data[first : int(rows.max()) + 1])[rows - first]


@dataclass(frozen=True)
class Filmstrip:
    """One picture with all frames of a clip side by side, from frame 0; frames are square.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def counted(self) -> bool:
        """Positions alone are known."""
        return True

    @property
    def files(self) -> tuple[Path, ...]:
        """The picture."""
        return (self.path,)

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
        if not numbers:
            raise OutputError(f"{self.path}: expected at least one frame to be asked for, got none")
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


def array_keys(path: Path) -> tuple[str, ...]:
    """Names of the arrays in a file, sorted; one empty name for ``.npy``.

    Raises:
        OutputError: The file is damaged.
    """
    suffix = path.suffix.lower()
    keys: list[str] = [""]
    try:
        if suffix in HDF5_SUFFIXES:
            with h5py.File(path) as file:
                keys = []
                file.visititems(lambda key, thing: _note(keys, key, thing))
        elif suffix == ".npz":
            with np.load(path, allow_pickle=False) as members:
                keys = list(members.files)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise OutputError(_damage(path, error)) from error
    return tuple(sorted(keys))


def _note(keys: list[str], key: str, thing: object) -> None:
    if isinstance(thing, h5py.Dataset):
        keys.append(key)


def _damage(path: Path, error: Exception) -> str:
    """What a file that cannot be read was expected to be, in words."""
    kind = "an HDF5 file" if path.suffix.lower() in HDF5_SUFFIXES else "a NumPy array"
    reason = " ".join(str(error).split())
    return f"{path}: expected {kind}, found damage ({reason:.200}); write it again"


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
