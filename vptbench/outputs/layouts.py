"""Folders of frames that vptbench did not write: which layout one has, and its frames.

A layout is a function from a listing of the folder's pictures and videos to its clips, or None where it does
not fit. Exactly one must fit.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import OutputError
from vptbench.image import IMAGE_SUFFIXES
from vptbench.outputs import schema
from vptbench.outputs.reader import FrameReader, check_numbers, open_outputs, pictures_to_frames
from vptbench.registry import check_known, id_to_object
from vptbench.video import VIDEO_SUFFIXES, read_video_info, video_to_frames

LAYOUTS = {
    "clip-folders": "vptbench.outputs.layouts:listing_to_clip_folders",
    "flat-folder": "vptbench.outputs.layouts:listing_to_flat_folder",
    "clip-videos": "vptbench.outputs.layouts:listing_to_clip_videos",
    "clip-arrays": "vptbench.outputs.layouts:listing_to_clip_arrays",
}
"""Layouts by name. ``clip-folders``: a folder of pictures for each clip, whose id is the folder's path;
``flat-folder``: pictures of one clip; ``clip-videos``: a video for each clip, whose id is its path without
suffix; ``clip-arrays``: the same with NumPy files, uint8 (T, H, W, 3), which beside pictures or videos are
taken for something else. A picture's frame number is the last
integer in its name; frames of a video or an array are numbered from 0."""

ARRAY_SUFFIX = ".npy"
"""NumPy's own format, read without pickle."""

AUTO = "auto"
"""Take the one layout that fits."""

ONLY_CLIP = "clip"
"""Id of the clip in a folder, or of a file, that holds just one."""

SKIPPED = ("__MACOSX",)
"""Folders that are nobody's data; hidden ones are skipped as well."""


@dataclass(frozen=True)
class Listing:
    """What media lie below a folder, as relative paths, sorted.

    Attributes:
        path: The folder, or a single video file.
        pictures: Files named as pictures.
        videos: Files named as videos.
        arrays: Files named as arrays.
    """

    path: Path
    pictures: tuple[Path, ...]
    videos: tuple[Path, ...]
    arrays: tuple[Path, ...] = ()


Media = Path | Mapping[int, Path]
"""Where a clip's frames lie: a video or an array, or pictures by frame number."""

Layout = Callable[[Listing], Mapping[str, Media] | None]
"""Clip ids to media with absolute or caller-relative paths; None where the layout does not fit."""


@dataclass(frozen=True)
class Folder:
    """Frames that lie in a known layout; a `FrameReader`.

    Attributes:
        path: The folder.
        layout: A key of `LAYOUTS`.
        clips: Clip id to its media.
    """

    path: Path
    layout: str
    clips: Mapping[str, Media] = field(repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """Clip ids, sorted."""
        return tuple(self.clips)

    def numbers(self, clip: str) -> tuple[int, ...]:
        """Numbers of the frames that a clip has, ascending.

        Raises:
            RegistryError: The clip is unknown.
            OutputError: Its array holds no frames.
            VideoError: Its video is damaged.
        """
        media = self._media(clip)
        if not isinstance(media, Path):
            return tuple(media)
        is_array = media.suffix.lower() == ARRAY_SUFFIX
        return tuple(range(len(_open_array(media)) if is_array else read_video_info(media).frames))

    def frames(self, clip: str, numbers: Sequence[int]) -> Frames:
        """Some frames of a clip, uint8 (len(numbers), H, W, 3), in the order asked for.

        Raises:
            RegistryError: The clip is unknown.
            OutputError: The clip lacks one of them, or they differ in size.
            VideoError: A picture or video is damaged.
        """
        check_numbers(clip, numbers, self.numbers(clip), self.path)
        media = self._media(clip)
        if not isinstance(media, Path):
            return pictures_to_frames([media[number] for number in numbers])
        if media.suffix.lower() == ARRAY_SUFFIX:
            return np.array(_open_array(media)[np.asarray(numbers)])
        return _video_to_some_frames(media, numbers)

    def _media(self, clip: str) -> Media:
        return self.clips[check_known(clip, self.clips, f"clip of {self.path}")]


def open_folder(path: Path | str, *, layout: str = AUTO) -> FrameReader:
    """Open any folder of frames: a foreign one, a single video, or outputs of `vptbench generate`.

    Args:
        path: The folder or the video.
        layout: A key of `LAYOUTS`, or "auto" to take the one that fits.

    Raises:
        OutputError: No layout fits, or the folder holds frames that cannot be told apart; the text says what
            was found.
        RegistryError: The layout is unknown.

    Example:
        ``reader = open_folder("results"); reader.frames(reader.ids[0], range(8))``
    """
    path = Path(path)
    if (path / schema.MANIFEST).is_file() and layout == AUTO:
        return open_outputs(path)
    listing = _list_media(path)
    names = tuple(LAYOUTS) if layout == AUTO else (check_known(layout, LAYOUTS, "layout"),)
    for name in names:
        read = cast("Layout", id_to_object(name, LAYOUTS, "layout"))
        clips = read(listing)
        if clips is not None:
            return Folder(path=path, layout=name, clips=dict(sorted(clips.items())))
    raise OutputError(
        f"{path}: expected {' or '.join(names)}, found {_describe(listing)}; give a folder that holds, and "
        "holds only, a folder of pictures for each clip, the pictures of one clip, or a video or a NumPy "
        "array for each clip"
    )


def listing_to_clip_folders(listing: Listing) -> Mapping[str, Media] | None:
    """A folder of pictures for each clip, at any depth but not one within another."""
    folders = {picture.parent for picture in listing.pictures}
    if listing.videos or not folders or _is_nested(folders):
        return None
    grouped: dict[str, list[Path]] = {folder.as_posix(): [] for folder in folders}
    for picture in listing.pictures:
        grouped[picture.parent.as_posix()].append(listing.path / picture)
    return {clip: _number(pictures) for clip, pictures in grouped.items()} if "." not in grouped else None


def listing_to_flat_folder(listing: Listing) -> Mapping[str, Media] | None:
    """The pictures of one clip."""
    if listing.videos or {picture.parent for picture in listing.pictures} != {Path()}:
        return None
    return {ONLY_CLIP: _number([listing.path / picture for picture in listing.pictures])}


def listing_to_clip_videos(listing: Listing) -> Mapping[str, Media] | None:
    """A video for each clip, or one video alone.

    Raises:
        OutputError: Two videos differ in nothing but their suffix.
    """
    if listing.pictures or not listing.videos:
        return None
    if listing.path.is_file():
        return {ONLY_CLIP: listing.path}
    return _files_to_clips(listing.path, listing.videos)


def listing_to_clip_arrays(listing: Listing) -> Mapping[str, Media] | None:
    """A NumPy array for each clip."""
    if listing.pictures or listing.videos or not listing.arrays:
        return None
    return _files_to_clips(listing.path, listing.arrays)


def _files_to_clips(folder: Path, files: Sequence[Path]) -> dict[str, Media]:
    """A file for each clip, whose id is its path without suffix.

    Raises:
        OutputError: Two files differ in nothing but their suffix.
    """
    clips: dict[str, Media] = {}
    for video in files:
        clip = video.with_suffix("").as_posix()
        if clip in clips:
            raise OutputError(
                f"{folder}: expected one file for clip {clip}, found {cast('Path', clips[clip]).name} "
                f"and {video.name}; delete one"
            )
        clips[clip] = folder / video
    return clips


def _list_media(path: Path) -> Listing:
    if path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES:
        return Listing(path=path, pictures=(), videos=(path,))
    if not path.is_dir():
        raise OutputError(f"expected a folder of frames or videos at {path}, found none; check the path")
    files, seen = [], set()
    for folder, subfolders, names in os.walk(path, followlinks=True):
        real = Path(folder).resolve()
        if real in seen:  # a link that leads back
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = [name for name in subfolders if not _is_skipped(name)]
        files += [Path(folder, name).relative_to(path) for name in names if not _is_skipped(name)]
    return Listing(
        path=path,
        pictures=tuple(sorted(file for file in files if file.suffix.lower() in IMAGE_SUFFIXES)),
        videos=tuple(sorted(file for file in files if file.suffix.lower() in VIDEO_SUFFIXES)),
        arrays=tuple(sorted(file for file in files if file.suffix.lower() == ARRAY_SUFFIX)),
    )


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in SKIPPED


def _is_nested(folders: Collection[Path]) -> bool:
    """Whether some folder lies within another."""
    known = set(folders)
    return any(not known.isdisjoint(folder.parents) for folder in folders)


def _number(pictures: Sequence[Path]) -> dict[int, Path]:
    """Pictures of a clip by frame number, ascending: the last integer in each name.

    Raises:
        OutputError: A name holds no integer, or two hold the same.
    """
    numbered: dict[int, Path] = {}
    for picture in pictures:
        integers = re.findall(r"\d+", picture.stem)
        if not integers:
            raise OutputError(
                f"{picture}: expected a frame number in the name, such as frame_00012.png, found none; "
                "rename it, or move it elsewhere"
            )
        number = int(integers[-1])
        if number in numbered:
            raise OutputError(
                f"{picture.parent}: expected one picture for frame {number}, found "
                f"{numbered[number].name} and {picture.name}; delete one, or give each clip a folder"
            )
        numbered[number] = picture
    return dict(sorted(numbered.items()))


def _describe(listing: Listing) -> str:
    """What was found, for somebody who expected something else."""
    folders = sorted({picture.parent for picture in listing.pictures})
    if not listing.pictures and not listing.videos and not listing.arrays:
        kind = (
            "a clip store (give it as --store)"
            if (listing.path / "store.json").is_file()
            else "nothing of it"
        )
        return f"no {', '.join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES))}, but {kind}"
    found = {"pictures": listing.pictures, "videos": listing.videos}
    kinds = [f"{len(files)} {kind} ({files[0]}, …)" for kind, files in found.items() if files]
    if len(kinds) > 1 or not listing.pictures:
        return " beside ".join(kinds)
    shown = ", ".join(map(Path.as_posix, folders[:3])) + (", …" if len(folders) > 3 else "")
    text = f"{len(listing.pictures)} pictures in {len(folders)} folders ({shown})"
    return f"{text}, some within others" if _is_nested(folders) else text


def _open_array(path: Path) -> Frames:
    """Frames in a NumPy file, mapped into memory.

    Raises:
        OutputError: It holds something else.
    """
    try:
        array: Frames = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise OutputError(
            f"{path}: expected a NumPy array, found damage ({error}); write it again"
        ) from error
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or not len(array):
        bad = " with NaN" if array.dtype.kind == "f" and np.isnan(array).any() else ""
        raise OutputError(
            f"{path}: expected frames uint8 (T, H, W, 3), found {array.dtype} {array.shape}{bad}; "
            "write 8-bit RGB"
        )
    return array


def _video_to_some_frames(path: Path, numbers: Sequence[int]) -> Frames:
    """Decode up to the last frame asked for, and keep no others than those.

    Raises:
        OutputError: No frame is asked for.
    """
    wanted, kept, start = set(numbers), {}, 0
    for chunk in video_to_frames(path):
        kept.update({start + i: chunk[i].copy() for i in range(len(chunk)) if start + i in wanted})
        start += len(chunk)
        if len(kept) == len(wanted):
            break
    if not kept:
        raise OutputError(f"{path}: expected at least one frame to be asked for, got none")
    return np.stack([kept[number] for number in numbers])
