"""The two kinds of metric, and what both must be given.

A *frame metric* maps two videos to one number a frame; a *distribution metric* maps videos to rows of
features, and two sets of rows to one number. Implementers need import nothing from here: anything with
these members is a metric. The metrics of this package are frozen dataclasses on top of `Definition`: an
entry of the table is one such object, and its ``load(networks)`` gives one that is ready to run.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import ShapeError, UsageError
from vptbench.manifest import Json

if TYPE_CHECKING:
    from typing_extensions import TypeIs

FrameValues = NDArray[np.float64]
"""One number a frame, float64 (T,); inf where a frame has none (it is left out of means, and counted)."""

Features = NDArray[np.float32]
"""One row a sample (a frame, or a window of frames), float32 (N, D)."""

Masks = NDArray[np.bool_]
"""The person in each frame, bool (T, H, W)."""

Windows = tuple[range, ...]
"""The frames of each sample, as positions among the scored frames of a clip."""

Samples = Mapping[str, Features]
"""Rows of features by clip id, in sorted order; a row is read from disk when it is asked for."""

Group = tuple[Sequence[str], Sequence[str]]
"""Clips that a jackknife leaves out together: generated ones, and true ones (none where these stay)."""

MASK, FLOW = "mask", "flow"
"""What a frame metric may need beside the two videos: ``per_frame`` takes it as a keyword of this name."""


class FlowRows(Protocol):
    """Mesh flow from each frame's predecessor, computed when indexed."""

    def __len__(self) -> int:
        """Number T of frames."""

    def __getitem__(self, row: int, /) -> NDArray[np.float32]:
        """Where in frame ``row − 1`` each pixel of frame `row` comes from: as `Clip.mesh_flow`, (H, W, 2)."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What is known of a metric without running it; a metric of this package has these as its own fields.

    Attributes:
        id: Versioned id, such as "ssim-v1".
        label: Name in tables, such as "SSIM".
        higher_is_better: Direction.
        tolerance: How far equal inputs may differ between machines and versions, in the unit of the
            values; a fraction of the value for distribution metrics.
        unit: Unit of the values, such as "dB"; empty for plain numbers.
        network: Name in `vptbench.weights.NETWORKS` of the network that it runs, or None.
        needs: What ``per_frame`` takes beside the two videos: some of `MASK` and `FLOW`.
        floored: Whether the true frames have a value of their own, which a figure is read against.
        settings: What a reader must know beside the id, such as a seed; stands in every figure.
    """

    id: str
    label: str
    higher_is_better: bool
    tolerance: float
    unit: str = ""
    network: str | None = None
    needs: tuple[str, ...] = ()
    floored: bool = False
    settings: Mapping[str, Json] = field(default_factory=dict)


class Facts(Protocol):
    """The fields of `Definition` as anything that is a metric has them."""

    @property
    def id(self) -> str:
        """See `Definition`."""

    @property
    def label(self) -> str:
        """See `Definition`."""

    @property
    def unit(self) -> str:
        """See `Definition`."""

    @property
    def higher_is_better(self) -> bool:
        """See `Definition`."""

    @property
    def tolerance(self) -> float:
        """See `Definition`."""

    @property
    def network(self) -> str | None:
        """See `Definition`."""

    @property
    def settings(self) -> Mapping[str, Json]:
        """See `Definition`."""


class FrameMetric(Facts, Protocol):
    """Two videos to one number a frame."""

    @property
    def needs(self) -> tuple[str, ...]:
        """See `Definition`."""

    @property
    def floored(self) -> bool:
        """See `Definition`."""

    @property
    def per_frame(self) -> Callable[..., FrameValues]:
        """The value of each frame, by keywords alone: some metrics are not symmetric.

        Args:
            generated: The model's frames, uint8 (T, H, W, 3).
            target: The real frames, same shape and dtype.
            mask: `Masks`, for metrics that need it.
            flow: `FlowRows`, for metrics that need it.

        Returns:
            float64 (T,); inf where a frame has no value. Never NaN.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are too small.
            MetricError: The definition gives no number for these frames.
        """


@dataclass(frozen=True)
class Estimate:
    """What two sets of samples give.

    Attributes:
        value: The distance.
        left_out: The distance without each of the groups in turn; empty where one could not be had.
        settings: What is to be said of this very figure, such as the spread over repeated runs.
        least: What no such distance can be below; intervals end there.
    """

    value: float
    left_out: tuple[float, ...]
    settings: Mapping[str, Json] = field(default_factory=dict)
    least: float = -math.inf


class DistributionMetric(Facts, Protocol):
    """Two sets of videos to one number."""

    @property
    def sample(self) -> str:
        """What one row of features is: "frame", or "window of 16 frames"."""

    @property
    def extractor(self) -> str:
        """Names what makes rows of windows; metrics of one extractor share the rows that are kept."""

    @property
    def reference(self) -> str | None:
        """The split whose true frames it compares with: "train" or "test"; None for the benchmark's."""

    def windows(self, clip: str, lengths: Mapping[str, int], *, generated: bool) -> Windows:
        """Which frames of a clip make its samples.

        Args:
            clip: Its id.
            lengths: Scored frames of every clip of its side, by id.
            generated: Whether it is the model's side.

        Raises:
            MetricError: The definition does not take such a clip.
        """

    def features(self, frames: Frames, windows: Windows | None = None) -> Features:
        """Rows of features of one video.

        Args:
            frames: The frames that are scored, in order, uint8 (T, H, W, 3).
            windows: Of the samples; by default those of a generated video that is alone.

        Returns:
            float32 (N, D), a row a window; N may be 0 where the video is too short.

        Raises:
            ShapeError: The array is no frames.
        """

    def estimate(self, generated: Samples, target: Samples, groups: Sequence[Group] = ()) -> Estimate:
        """How far the two sets are apart, and how far without each group.

        Args:
            generated: Features of the model's videos.
            target: Features of the real videos.
            groups: Of a jackknife; together they hold every generated clip.

        Raises:
            ScoreError: A set has too few samples, or their widths differ.
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


def check_mask(mask: Masks, target: Frames) -> Masks:
    """Return `mask` if it fits the frames.

    Raises:
        ShapeError: It does not.
    """
    if mask.dtype != np.bool_ or mask.shape != target.shape[:3]:
        raise ShapeError(
            f"mask: expected bool {tuple(target.shape[:3])}, got {mask.dtype} {tuple(mask.shape)}; "
            "give the person's mask of the target frames"
        )
    return mask


def unloaded(*batch: object, **call: object) -> NoReturn:
    """Stands where a definition that is not loaded has no network.

    Raises:
        UsageError: Always.
    """
    del batch, call
    raise UsageError(
        "expected a metric with its network, got its definition alone; load the metric first, as "
        'vptbench.metrics.load("fid-v1") does'
    )
