"""A clip's frames as they lie on disk: a video file, or a folder of numbered pictures."""

import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import VideoError
from vptbench.image import IMAGE_SUFFIXES, read_image
from vptbench.manifest import file_to_sha256
from vptbench.prepare.sources import RawClip
from vptbench.video import VideoInfo, read_video_info, video_to_frames

NUMBERINGS = ("zero", "run", "gaps")
"""What the numbers in the names of a clip's pictures must be.

- ``zero``: nothing but digits, of one width, from 0 without a gap, so that order as text, number and position
  are the same (iPER, whose protocols take a name's number for a position in the sorted folder);
- ``run``: any one beginning, then a number without a gap, from any first one, padded with zeros or not;
- ``gaps``: as ``run``, with gaps (frames that a preparation dropped).
"""

NAME = re.compile(r"(?P<before>.*?)(?P<number>[0-9]+)")
"""A picture's name without its suffix, but for ``zero``."""

CHUNK = 8
"""Frames held at a time: enough to decode well, little memory even for large pictures."""


def read_media_info(clip: RawClip) -> VideoInfo:
    """Number, size and rate of a clip's frames, without decoding them all.

    Raises:
        VideoError: The video or the first picture cannot be read, or the pictures are not numbered
            as the dataset has them.
    """
    if not clip.media.is_dir():
        return read_video_info(clip.media)
    if clip.fps is None:
        raise VideoError(
            f"{clip.media}: expected a video file, found a folder; give the videos themselves, or prepare "
            "BDMM's folders as bdmm-preprocessed"
        )
    pictures = clip_to_pictures(clip)
    height, width, _ = read_image(pictures[0]).shape
    return VideoInfo(frames=len(pictures), height=height, width=width, fps=clip.fps)


def media_to_frames(clip: RawClip, info: VideoInfo) -> Iterator[Frames]:
    """A clip's frames in order, `CHUNK` at a time, uint8 (n, H, W, 3) RGB.

    Raises:
        VideoError: The media are damaged, or other than `info` says.
    """
    size = (info.height, info.width, 3)
    chunks = _picture_chunks(clip) if clip.media.is_dir() else video_to_frames(clip.media, chunk=CHUNK)
    done = 0
    for frames in chunks:
        for i, frame in enumerate(frames):
            if frame.shape != size:
                raise VideoError(
                    f"{clip.media}: expected {info.width}×{info.height} pixels in every frame, found "
                    f"{frame.shape[1]}×{frame.shape[0]} in frame {done + i}; restore the clip or remove it"
                )
        done += len(frames)
        yield np.asarray(frames)


def media_to_sha256(media: Path) -> str:
    """SHA-256 of a video file; of a folder, that of what ``sha256sum *`` prints there, in order of names."""
    if not media.is_dir():
        return file_to_sha256(media)
    pictures = sorted(_list_pictures(media))
    lines = (f"{file_to_sha256(picture)}  {picture.name}\n" for picture in pictures)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def clip_to_pictures(clip: RawClip) -> list[Path]:
    """The pictures of a clip whose media are a folder, in the order of its frames.

    Raises:
        VideoError: There is none, or their numbers are not as `RawClip.numbering` says.
    """
    folder = clip.media
    pictures = sorted(_list_pictures(folder))
    if not pictures:
        raise VideoError(
            f"{folder}: expected pictures such as 0000.jpg, found none; restore the clip or remove it"
        )
    if clip.numbering == "zero":
        _check_zero(folder, pictures)
        return pictures
    numbers = _read_numbers(folder, pictures)
    pictures.sort(key=numbers.__getitem__)
    for before, after in pairwise(pictures):
        step = numbers[after] - numbers[before]
        if step == 0 or (step > 1 and clip.numbering == "run"):
            wanted = "each number once" if step == 0 else "numbers without a gap"
            raise VideoError(
                f"{folder}: expected {wanted}, found {after.name} next to {before.name}; "
                "restore the clip or remove it"
            )
    return pictures


def clip_to_numbers(clip: RawClip) -> tuple[int, ...]:
    """The number in the name of each picture of a clip whose media are a folder, in the order of its frames.

    Raises:
        VideoError: As `clip_to_pictures`.
    """
    pictures = clip_to_pictures(clip)
    numbers = _read_numbers(clip.media, pictures)
    return tuple(numbers[picture] for picture in pictures)


def _list_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder; hidden files, which some systems lay beside, are none."""
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    ]


def _check_zero(folder: Path, pictures: list[Path]) -> None:
    """See that names, read as numbers, are 0, 1, 2, … and of one width.

    Raises:
        VideoError: They are not.
    """
    for position, picture in enumerate(pictures):
        if len(picture.stem) != len(pictures[0].stem) and picture.stem.isdecimal():
            raise VideoError(
                f"{folder}: expected names of as many digits as {pictures[0].name}, found {picture.name}, "
                "which as text stands elsewhere than as a number; give all names one width"
            )
        if not picture.stem.isdecimal() or int(picture.stem) != position:
            raise VideoError(
                f"{folder}: expected pictures numbered from 0 without a gap, found {picture.name} in place "
                f"of number {position} of {len(pictures)}; restore the clip or remove it"
            )


def _read_numbers(folder: Path, pictures: list[Path]) -> dict[Path, int]:
    """The number in each picture's name.

    Raises:
        VideoError: A name has none, or begins unlike the first.
    """
    numbers: dict[Path, int] = {}
    first = NAME.fullmatch(pictures[0].stem)
    for picture in pictures:
        match = NAME.fullmatch(picture.stem)
        if first is None or match is None or match["before"] != first["before"]:
            like = "with a number at the end" if first is None else f"such as {pictures[0].name}"
            raise VideoError(
                f"{folder}: expected pictures named {like}, found {picture.name}; "
                "restore the clip, or take away what does not belong to it"
            )
        numbers[picture] = int(match["number"])
    return numbers


def _picture_chunks(clip: RawClip) -> Iterator[list[Frames]]:
    pictures = clip_to_pictures(clip)
    for start in range(0, len(pictures), CHUNK):
        yield [read_image(picture) for picture in pictures[start : start + CHUNK]]
