"""Frames in which nobody was found: kept and marked, or left out as in the published preparation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames, Rows
from vptbench.errors import PoseError
from vptbench.prepare.media import clip_to_numbers
from vptbench.prepare.smpl import SmplClip
from vptbench.prepare.sources import RawClip
from vptbench.prepare.truth import Truth

LOST = ("mark", "drop")
"""What becomes of frames without a person: "mark" keeps them, all joints missing; "drop" leaves them out, so
that what follows moves up."""


@dataclass(frozen=True)
class Kept:
    """Which of a raw clip's frames are prepared.

    Attributes:
        rows: Their positions in the raw clip, ascending, from 0.
        total: How many frames the raw clip has.
    """

    rows: tuple[int, ...]
    total: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def whole(self) -> bool:
        """Whether none is left out."""
        return len(self.rows) == self.total

    def keypoints(self, keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
        """Those of the kept frames, of float32 (total, 25, 3)."""
        return keypoints if self.whole else keypoints[list(self.rows)]

    def frames(self, chunks: Iterator[Frames]) -> Iterator[Frames]:
        """The kept frames, of all in chunks (n, H, W, 3)."""
        done = 0
        for chunk in chunks:
            there = [row - done for row in self.rows if done <= row < done + len(chunk)]
            done += len(chunk)
            if there:
                yield chunk if len(there) == len(chunk) else chunk[there]

    def brought(self, body: Truth | SmplClip | None) -> Truth | SmplClip | None:
        """The truth or the SMPL parameters of the kept frames; what lies on disk stays there."""
        if body is None or self.whole:
            return body
        rows = list(self.rows)
        if isinstance(body, SmplClip):
            return replace(body, pose=body.pose[rows], shape=body.shape[rows], camera=body.camera[rows])
        return replace(
            body, keypoints=body.keypoints[rows], pose=body.pose[rows], camera=body.camera[rows],
            vertices=_KeptRows(body.vertices, self.rows), mask=_KeptRows(body.mask, self.rows),
        )  # fmt: skip


@dataclass(frozen=True)
class _KeptRows:
    """Some rows of an array on disk, read when indexed."""

    whole: Rows
    rows: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.rows), *self.whole.shape[1:]

    @property
    def dtype(self) -> np.dtype[np.generic]:
        return self.whole.dtype

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        if isinstance(rows, int):
            return self.whole[self.rows[rows]]
        return np.stack([self.whole[row] for row in self.rows[rows]])


def keypoints_to_kept(keypoints: NDArray[np.float32], lost: str) -> Kept:
    """The frames to prepare.

    Args:
        keypoints: float32 (T, 25, 3); at least one frame has a joint of confidence above 0.
        lost: One of `LOST`.
    """
    found = (keypoints[..., 2] > 0).any(axis=1)
    rows = range(len(keypoints)) if lost == "mark" else np.flatnonzero(found).tolist()
    return Kept(rows=tuple(rows), total=len(keypoints))


def clip_to_raw_frames(clip: RawClip, kept: Kept) -> list[int] | None:
    """Number of each prepared frame in the raw clip; None where it is its position throughout.

    In a folder of pictures whose numbers gap (`media.NUMBERINGS`) it is the number in the name.
    """
    numbers = clip_to_numbers(clip) if clip.numbering == "gaps" else tuple(range(kept.total))
    raw_frames = [numbers[row] for row in kept.rows]
    return None if raw_frames == list(range(len(kept))) else raw_frames


def raw_frames_to_kept(clip: RawClip, raw_frames: Sequence[int] | None, total: int) -> Kept:
    """The inverse of `clip_to_raw_frames`.

    Args:
        clip: The raw clip, of `total` frames.
        raw_frames: Number of each prepared frame in it; None where it is its position throughout.
        total: How many frames the raw clip has.

    Raises:
        PoseError: It has no frame of such a number, or they are not in order.
    """
    numbers = clip_to_numbers(clip) if clip.numbering == "gaps" else tuple(range(total))
    positions = {number: row for row, number in enumerate(numbers)}
    rows = [positions.get(number, -1) for number in raw_frames] if raw_frames is not None else range(total)
    if min(rows, default=0) < 0 or any(a >= b for a, b in pairwise(rows)):
        raise PoseError(
            f"{clip.media}: expected frames of the numbers that were prepared, found others; restore the clip"
        )
    return Kept(rows=tuple(rows), total=total)
