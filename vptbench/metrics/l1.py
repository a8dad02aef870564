"""L1: the mean absolute difference."""

import math
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from vptbench.clip import Frames
from vptbench.metrics.protocol import FrameValues, check_pair
from vptbench.weights import Networks


@dataclass(frozen=True)
class L1:
    """`l1-v1`: mean |a − b| over pixels and channels, in units of the full range.

    Source:
        Exact sums of 8-bit differences, divided by 255 H W 3. Tables that average on [−1, 1] show
        twice as much.
    """

    id: ClassVar[str] = "l1-v1"
    label: ClassVar[str] = "L1"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-12
    network: ClassVar[None] = None

    @classmethod
    def load(cls, networks: Networks) -> "L1":
        """It needs no network."""
        del networks
        return cls()

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Mean absolute difference of each frame, in [0, 1]; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        sums = [cv2.norm(a, b, cv2.NORM_L1) for a, b in zip(generated, target, strict=True)]
        return np.array(sums, np.float64) / (255 * math.prod(target.shape[1:]))
