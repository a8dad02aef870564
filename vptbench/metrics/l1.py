"""L1: the mean absolute difference, ours and the published variants."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vptbench.clip import Frames
from vptbench.metrics.protocol import MASK, Definition, FrameValues, Masks, check_mask, check_pair
from vptbench.weights import Networks


@dataclass(frozen=True, kw_only=True)
class MeanDifference(Definition):
    """Mean |a − b| of each frame over H, W and C, from exact sums of 8-bit differences.

    Attributes:
        span: Steps of 8 bits that count 1.
        over_pixels: Whether the mean is divided by H W once more.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-12
    span: float = 255
    over_pixels: bool = False

    def load(self, networks: Networks) -> "MeanDifference":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Mean absolute difference of each frame, from 0 to 255 / `span`; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        sums = [cv2.norm(a, b, cv2.NORM_L1) for a, b in zip(generated, target, strict=True)]
        means = np.array(sums, np.float64) / (self.span * math.prod(target.shape[1:]))
        return means / math.prod(target.shape[1:3]) if self.over_pixels else means


@dataclass(frozen=True, kw_only=True)
class RegionDifference(Definition):
    """L1 of the person, or of the rest: as `l1-v1`, over the pixels of a region.

    Attributes:
        background: Whether the region is everything but the person.
    """

    higher_is_better: bool = False
    tolerance: float = 1e-12
    needs: tuple[str, ...] = (MASK,)
    background: bool = False

    def load(self, networks: Networks) -> "RegionDifference":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames, mask: Masks) -> FrameValues:
        """Mean absolute difference of each frame, in [0, 1]; inf where the region is empty.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        region = check_mask(mask, target) != self.background
        sums = [
            cv2.norm(a, b, cv2.NORM_L1, mask=here.view(np.uint8))
            for a, b, here in zip(generated, target, region, strict=True)
        ]
        sizes = np.count_nonzero(region, (1, 2))
        means = np.array(sums, np.float64) / (255 * 3 * np.maximum(sizes, 1))
        return np.where(sizes > 0, means, np.inf)


L1 = MeanDifference(id="l1-v1", label="L1")
"""`l1-v1`: mean |a − b| over pixels and channels, in units of the full range. This project's benchmarks.

Source: the usual definition; exact sums of 8-bit differences, divided by 255 H W 3.
"""

L1_PERSON = RegionDifference(id="l1-person-v1", label="L1 person")
"""`l1-person-v1`: as `l1-v1`, over the person's pixels.

Beside this project's benchmarks (`score --metrics`).

Source: the usual definition; the region is ours.
"""

L1_BACKGROUND = RegionDifference(id="l1-background-v1", label="L1 background", background=True)
"""`l1-background-v1`: as `l1-v1`, over the pixels that are not the person's.

Beside this project's benchmarks (`score --metrics`).

Source: the usual definition; the region is ours.
"""

L1_BDMM = MeanDifference(id="l1-bdmm-v1", label="L1 (BDMM)", span=127.5)
"""`l1-bdmm-v1`: mean |a − b| of frames mapped to [−1, 1], so twice `l1-v1`.

BDMM's tables. Its script computes in float32, some 1e-9 off.

Source: BDMM (arXiv 2307.07754), `evaluation/getMetrics_animation.py`.
"""

L1_DISCO = MeanDifference(id="l1-disco-v1", label="L1 (DisCo)", span=1, over_pixels=True)
"""`l1-disco-v1`: mean |a − b| on 0 to 255, divided by H W once more; hence figures of some 1e-4.

DisCo and the tables on TikTok videos that use its scripts. It falls with the frames' size: only figures of
one size can be compared.

Source: DisCo (Wangt-CN/DisCo), `tool/metrics`.
"""
