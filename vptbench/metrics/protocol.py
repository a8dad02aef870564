"""The two kinds of metric, and what both must be given.

Implementers import nothing from here: a class with these members is a metric. A *frame metric* maps
two videos to one number a frame; a *distribution metric* maps a video to rows of features, and two
sets of statistics (`vptbench.metrics.frechet`) to one number.
"""

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import ShapeError
from vptbench.metrics.frechet import Statistics

if TYPE_CHECKING:
    from typing_extensions import TypeIs

FrameValues = NDArray[np.float64]
"""One number a frame, float64 (T,)."""

Features = NDArray[np.float32]
"""One row a sample (a frame, or a window of frames), float32 (N, D)."""


class Facts(Protocol):
    """What is known of a metric without running it; the class has these as well as its instances."""

    @property
    def id(self) -> str:
        """Versioned id, such as "ssim-v1"."""

    @property
    def label(self) -> str:
        """Name in tables, such as "SSIM"."""

    @property
    def unit(self) -> str:
        """Unit of the values, such as "dB"; empty for plain numbers."""

    @property
    def higher_is_better(self) -> bool:
        """Direction."""

    @property
    def tolerance(self) -> float:
        """How far equal inputs may differ between machines and versions, in the unit of the values.

        For distribution metrics it is a fraction of the value.
        """

    @property
    def network(self) -> str | None:
        """Name in `vptbench.weights.NETWORKS` of the network that it runs, or None."""


class FrameMetric(Facts, Protocol):
    """Two videos to one number a frame."""

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """The value of each frame.

        Args:
            generated: The model's frames, uint8 (T, H, W, 3).
            target: The real frames, same shape and dtype.

        Returns:
            float64 (T,). A frame's value depends on nothing but the two frames.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are too small.
        """


class DistributionMetric(Facts, Protocol):
    """Two sets of videos to one number."""

    @property
    def sample(self) -> str:
        """What one row of features is: "frame", or "window of 16 frames"."""

    def features(self, frames: Frames) -> Features:
        """Rows of features of one video.

        Args:
            frames: The frames that are scored, in order, uint8 (T, H, W, 3).

        Returns:
            float32 (N, D); N may be 0 where the video is too short.

        Raises:
            ShapeError: The array is no frames.
        """

    def distance(self, generated: Statistics, target: Statistics) -> float:
        """How far the two sets are apart.

        Args:
            generated: Statistics of the features of the model's videos.
            target: Statistics of those of the real videos.

        Raises:
            ScoreError: A set has fewer than two samples, or their widths differ.
        """


Metric: TypeAlias = FrameMetric | DistributionMetric


def is_frame_metric(metric: Metric) -> "TypeIs[FrameMetric]":
    """Whether `metric` gives one number a frame; if not, it compares distributions."""
    return hasattr(metric, "per_frame")


def check_frames(frames: Frames, what: str, *, least: int = 1) -> Frames:
    """Return `frames`, contiguous in memory, if they are frames of at least `least` pixels a side.

    Args:
        frames: Expected uint8 (T, H, W, 3).
        what: Which frames they are, for the message ("generated", "target").
        least: Smallest side that the metric can take, in pixels.

    Raises:
        ShapeError: They are not.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
        raise ShapeError(
            f"{what} frames: expected uint8 (T, H, W, 3), got {frames.dtype} {tuple(frames.shape)}; "
            "convert them to 8-bit RGB"
        )
    if min(frames.shape[1:3]) < least:
        raise ShapeError(
            f"{what} frames: expected at least {least} × {least} pixels, got {frames.shape[1]} × "
            f"{frames.shape[2]}; score larger frames, or leave this metric out"
        )
    whole = np.ascontiguousarray(frames)
    # A reversed axis of length 1 counts as contiguous, and torch refuses its negative stride.
    return whole.copy() if min(whole.strides) < 0 else whole


def check_pair(generated: Frames, target: Frames, *, least: int = 1) -> tuple[Frames, Frames]:
    """Return both videos, contiguous, if they can be compared frame by frame.

    Raises:
        ShapeError: One is no frames or too small, or they differ in number or size of frames.
    """
    pair = check_frames(generated, "generated", least=least), check_frames(target, "target", least=least)
    if generated.shape != target.shape:
        raise ShapeError(
            f"expected generated frames of shape {tuple(target.shape)} as the target's, got "
            f"{tuple(generated.shape)}; nothing is resized or dropped in silence"
        )
    return pair
