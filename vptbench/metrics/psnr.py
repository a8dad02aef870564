"""PSNR: the peak signal-to-noise ratio, ours and the published variants."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from vptbench.clip import Frames
from vptbench.metrics.protocol import MASK, Definition, FrameValues, Masks, check_mask, check_pair
from vptbench.weights import Networks


@dataclass(frozen=True, kw_only=True)
class Psnr(Definition):
    """10 log10(255² / MSE) of each frame, MSE over H, W and C in float64, from exact sums of squares.

    Attributes:
        equal: What frames with MSE 0 count, in dB.
        wrapped: Whether differences and squares are taken in 8 bits, modulo 256.
        own_range: Whether a generated frame without a value below 128 halves the peak.

    Source:
        The usual definition (scikit-image, `peak_signal_noise_ratio`).
    """

    higher_is_better: bool = True
    tolerance: float = 1e-10
    unit: str = "dB"
    equal: float = math.inf
    wrapped: bool = False
    own_range: bool = False

    def load(self, networks: Networks) -> "Psnr":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Decibels of each frame; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        add = _sum_of_wrapped_squares if self.wrapped else _sum_of_squares
        sums = [add(a, b) for a, b in zip(generated, target, strict=True)]
        values = _mse_to_decibels(np.array(sums, np.float64) / math.prod(target.shape[1:]))
        values[np.isinf(values)] = self.equal
        if self.own_range:
            values[generated.min((1, 2, 3), initial=255) > 127] -= 20 * math.log10(2)
        return values


@dataclass(frozen=True, kw_only=True)
class RegionPsnr(Definition):
    """PSNR of the person, or of the rest: as `psnr-v1`, MSE over the pixels of a region.

    Attributes:
        background: Whether the region is everything but the person.
    """

    higher_is_better: bool = True
    tolerance: float = 1e-10
    unit: str = "dB"
    needs: tuple[str, ...] = (MASK,)
    background: bool = False

    def load(self, networks: Networks) -> "RegionPsnr":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames, mask: Masks) -> FrameValues:
        """Decibels of each frame; inf where the region is equal in both, or empty.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        region = check_mask(mask, target) != self.background
        sums = [
            cv2.norm(a, b, cv2.NORM_L2SQR, mask=here.view(np.uint8))
            for a, b, here in zip(generated, target, region, strict=True)
        ]
        sizes = 3 * np.maximum(np.count_nonzero(region, (1, 2)), 1)
        return _mse_to_decibels(np.array(sums, np.float64) / sizes)


def _mse_to_decibels(mse: FrameValues) -> FrameValues:
    with np.errstate(divide="ignore"):
        values: FrameValues = 10 * np.log10(255**2 / mse)
    return values


def _sum_of_squares(a: Frames, b: Frames) -> float:
    return cv2.norm(a, b, cv2.NORM_L2SQR)


def _sum_of_wrapped_squares(a: Frames, b: Frames) -> float:
    """Sum of ((a − b) mod 256)² mod 256."""
    differences = a - b
    return cv2.norm(differences * differences, cv2.NORM_L1)


PSNR = Psnr(id="psnr-v1", label="PSNR")
"""`psnr-v1`: 10 log10(255² / MSE) of each frame, inf where the frames are equal.

This project's benchmarks. A mean leaves equal frames out, and their number stands beside it.

Source: the usual definition (scikit-image, `peak_signal_noise_ratio`).
"""

PSNR_PERSON = RegionPsnr(id="psnr-person-v1", label="PSNR person")
"""`psnr-person-v1`: as `psnr-v1`, MSE over the person's pixels.

Beside this project's benchmarks (`score --metrics`).

Source: the usual definition; the region is ours.
"""

PSNR_BACKGROUND = RegionPsnr(id="psnr-background-v1", label="PSNR background", background=True)
"""`psnr-background-v1`: as `psnr-v1`, MSE over the pixels that are not the person's.

Beside this project's benchmarks (`score --metrics`). A model that copies the
background of a still camera has inf there.

Source: the usual definition; the region is ours.
"""

PSNR_CAP100 = Psnr(id="psnr-cap100-v1", label="PSNR (cap 100)", equal=100)
"""`psnr-cap100-v1`: as `psnr-v1`, but equal frames count 100 dB and enter the mean.

BDMM's tables, and DisCo's since April 2024. BDMM's script computes in float32, some 1e-7 dB off.

Source: BDMM (arXiv 2307.07754), `evaluation/getMetrics_animation.py`; DisCo (Wangt-CN/DisCo), `tool/metrics`.
"""

PSNR_U8OVERFLOW = Psnr(id="psnr-u8overflow-v1", label="PSNR (8-bit overflow)", equal=100, wrapped=True)
"""`psnr-u8overflow-v1`: an error that published tables carry. Compare it with nothing but those.

Differences and squares wrap around modulo 256, as 8-bit arithmetic does: a difference of 16 squares to 0, and
frames that differ by 16 everywhere count as equal, 100 dB. Values come out far too high.

DisCo until April 2024, and later tables on TikTok videos that kept it to be comparable.

Source: DisCo (Wangt-CN/DisCo), `tool/metrics`, before 2024-04-10, and its issue 86.
"""

PSNR_HIS = Psnr(id="psnr-his-v1", label="PSNR (HIS)", own_range=True)
"""`psnr-his-v1`: as `psnr-v1`, but 6.02 dB less where no value of the generated frame is below 128.

The script maps frames to [−1, 1] and leaves the data range to scikit-image, which takes 1 instead of 2 for
pictures without a negative value. Its means over batches of 32 frames weigh those of the last batch more;
here every frame weighs the same.

Tables of Liquid Warping GAN and its followers on iPER.

Source: his_evaluators (svip-lab/impersonator, `thirdparty/his_evaluators`, `metrics.py`).
"""
