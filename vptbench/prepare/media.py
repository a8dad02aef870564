"""A clip's frames as they lie on disk: a video file, or a folder of numbered pictures."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vptbench.clip import Frames
from vptbench.errors import VideoError
from vptbench.image import IMAGE_SUFFIXES, read_image
from vptbench.manifest import file_to_sha256
from vptbench.prepare.sources import RawClip
from vptbench.video import VideoInfo, read_video_info, video_to_frames

CHUNK = 8
"""Frames held at a time: enough to decode well, little memory even for large pictures."""


def read_media_info(clip: RawClip) -> VideoInfo:
    """Number, size and rate of a clip's frames, without decoding them all.

    Raises:
        VideoError: The video or the first picture cannot be read, or the pictures are not numbered from 0
            without a gap.
    """
    if not clip.media.is_dir():
        return read_video_info(clip.media)
    pictures = _pictures(clip.media)
    height, width, _ = read_image(pictures[0]).shape
    if clip.fps is None:
        raise VideoError(f"{clip.media}: expected a video file, found a folder; give the videos themselves")
    return VideoInfo(frames=len(pictures), height=height, width=width, fps=clip.fps)


def media_to_frames(clip: RawClip, info: VideoInfo) -> Iterator[Frames]:
    """A clip's frames in order, `CHUNK` at a time, uint8 (n, H, W, 3) RGB.

    Raises:
        VideoError: The media are damaged, or other than `info` says.
    """
    size = (info.height, info.width, 3)
    chunks = _picture_chunks(clip.media) if clip.media.is_dir() else video_to_frames(clip.media, chunk=CHUNK)
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
    lines = (f"{file_to_sha256(picture)}  {picture.name}\n" for picture in _pictures(media))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _picture_chunks(folder: Path) -> Iterator[list[Frames]]:
    pictures = _pictures(folder)
    for start in range(0, len(pictures), CHUNK):
        yield [read_image(picture) for picture in pictures[start : start + CHUNK]]


def _pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, in the order of their names as text.

    Raises:
        VideoError: Their names, read as numbers, are not 0, 1, 2, … (iPER has three to five digits).
    """
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not pictures:
        raise VideoError(
            f"{folder}: expected pictures such as 0000.jpg, found none; restore the clip or remove it"
        )
    for position, picture in enumerate(pictures):
        if not picture.stem.isdecimal() or int(picture.stem) != position:
            raise VideoError(
                f"{folder}: expected pictures numbered from 0 without a gap, found {picture.name} in place "
                f"of number {position} of {len(pictures)}; restore the clip or remove it"
            )
    return pictures
