"""Frames in which nobody was found: kept and marked, or left out as in the published preparation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames, Rows
from vptbench.prepare.media import clip_to_numbers
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

    def truth(self, truth: Truth | None) -> Truth | None:
        """The truth of the kept frames; what lies on disk stays there."""
        if truth is None or self.whole:
            return truth
        rows = list(self.rows)
        return replace(
            truth, keypoints=truth.keypoints[rows], pose=truth.pose[rows], camera=truth.camera[rows],
            vertices=_KeptRows(truth.vertices, self.rows), mask=_KeptRows(truth.mask, self.rows),
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
