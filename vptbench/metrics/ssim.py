"""SSIM: structural similarity, ours and the published variants."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import MetricError
from vptbench.metrics.protocol import MASK, Definition, FrameValues, Masks, check_mask, check_pair
from vptbench.weights import Networks

K1, K2 = 0.01, 0.03
"""What, times the data range and squared, keeps the two ratios finite. Used by every variant.

Source: Wang et al. 2004, section III B.
"""

MATLAB_SIDE = 256
"""Pixels that the shorter side is brought near to. Used by `SSIM_MATLAB_DOWN`.

Source: the authors' `ssim.m` (MATLAB).
"""

Picture = NDArray[np.uint8]
"""One RGB frame, uint8 (H, W, 3)."""

Channel = NDArray[Any]
"""One channel of a frame, (H, W), of any real type: integers up to 255 and floats are taken as they are."""


@dataclass(frozen=True)
class Window:
    """How the local moments are taken.

    Attributes:
        radius: Half the window without its centre, in pixels.
        sigma: Of the Gaussian weights, in pixels; with inf all weights are equal.
        sample: Whether variances and covariance are those of a sample (n / (n − 1) times the plain ones).
        padded: Whether every pixel counts, the frame being mirrored about the centres of its border pixels;
            if not, only pixels whose window lies inside the frame do.
    """

    radius: int
    sigma: float
    sample: bool = False
    padded: bool = False

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Along one axis, float64 (2 radius + 1,); they add up to 1."""
        steps = np.arange(-self.radius, self.radius + 1)
        weights = np.exp(-0.5 * (steps / self.sigma) ** 2)
        normalised: NDArray[np.float64] = weights / weights.sum()
        return normalised

    @property
    def correction(self) -> float:
        """What variances are multiplied by: n / (n − 1) for those of a sample of the window's n pixels."""
        pixels = (2 * self.radius + 1) ** 2
        return pixels / (pixels - 1) if self.sample else 1.0

    @property
    def inside(self) -> slice:
        """Rows (or columns) of the pixels that count."""
        return slice(None) if self.padded else slice(self.radius, -self.radius)

    @property
    def least(self) -> int:
        """Smallest side of a frame, in pixels."""
        return self.radius + 1 if self.padded else 2 * self.radius + 1


GAUSSIAN = Window(radius=5, sigma=1.5)
"""11 × 11 pixels. Used by `SSIM` and most. Source: Wang et al. 2004, section III B."""

BOX = Window(radius=3, sigma=math.inf, sample=True)
"""7 × 7 pixels. Used by `SSIM_SK7`, `SSIM_DISCO`, `SSIM_HIS`. Source: scikit-image's defaults."""


def _colours(frame: Picture) -> Sequence[Channel]:
    """R, G and B."""
    return cv2.split(frame)


def _grey(frame: Picture) -> Sequence[Channel]:
    """The rounded luma of OpenCV's conversion, uint8."""
    return [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)]


def _signed(frame: Picture) -> Sequence[Channel]:
    """R, G and B on [−1, 1], float32, by the very operations of his_evaluators."""
    return [channel.astype(np.float32) / 255 * 2 - 1 for channel in _colours(frame)]


def _reduced(frame: Picture) -> Sequence[Channel]:
    """Means of squares of f × f pixels, f = max(1, round(shorter side / 256)); what is left over is cut off.

    Halves are rounded to even, as Python does.
    """
    factor = max(1, round(min(frame.shape[:2]) / MATLAB_SIDE))
    height, width = (side // factor * factor for side in frame.shape[:2])
    total = np.zeros((height // factor, width // factor, 3))
    for row in range(factor):
        for column in range(factor):
            total += frame[row:height:factor, column:width:factor]
    return list(np.moveaxis(total / factor**2, -1, 0))


@dataclass(frozen=True, kw_only=True)
class Ssim(Definition):
    """SSIM of whole frames: mean over the pixels that count, then over the channels.

    Attributes:
        window: Of the local moments.
        channels: Makes of a frame what is compared.
        data_range: R in the two constants (0.01 R)² and (0.03 R)².
        own_range: Whether R is instead the generated frame's largest value less its smallest.

    Source:
        Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality Assessment: From Error Visibility to
        Structural Similarity", equation 13.
    """

    higher_is_better: bool = True
    tolerance: float = 1e-12
    window: Window = GAUSSIAN
    channels: Callable[[Picture], Sequence[Channel]] = _colours
    data_range: float = 255
    own_range: bool = False

    def load(self, networks: Networks) -> "Ssim":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Similarity of each frame, at most 1; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are smaller than the window.
            MetricError: R is 0 (see `own_range`), and some window of the target is flat: 0/0.
        """
        generated, target = check_pair(generated, target, least=self.window.least)
        values, space = np.empty(len(target), np.float64), _space(target)
        for row, (a, b) in enumerate(zip(generated, target, strict=True)):
            data_range = float(np.ptp(a)) if self.own_range else self.data_range
            if data_range:
                pairs = zip(self.channels(a), self.channels(b), strict=True)
                maps = (_ssim_map(x, y, self.window, data_range, space) for x, y in pairs)
                values[row] = np.mean([similarity.mean() for similarity in maps])
            else:
                values[row] = self._without_range(row, b)
        return values

    def _without_range(self, row: int, target: Picture) -> float:
        """SSIM where R is 0: the generated frame is constant, so every covariance and hence SSIM is 0.

        Raises:
            MetricError: Some window of the target is constant too, and gives 0/0.
        """
        square = np.ones((2 * self.window.radius + 1,) * 2, np.uint8)
        inside = self.window.inside
        flat = cv2.dilate(target, square) == cv2.erode(target, square)
        if flat[inside, inside].any():
            raise MetricError(
                f"{self.id}: frame {row}: expected generated frames of more than one value, got a constant "
                "one, whose range is 0: where the target is flat too the definition gives 0/0; leave this "
                "metric out, or use one of data range 255"
            )
        return 0.0


@dataclass(frozen=True, kw_only=True)
class RegionSsim(Definition):
    """SSIM of the person, or of the rest: the map of `ssim-v1` averaged over the pixels of a region.

    The windows of pixels near the outline reach over it. As in `ssim-v1`, only pixels whose window lies
    inside the frame count.

    Attributes:
        background: Whether the region is everything but the person.
    """

    higher_is_better: bool = True
    tolerance: float = 1e-12
    needs: tuple[str, ...] = (MASK,)
    background: bool = False

    def load(self, networks: Networks) -> "RegionSsim":
        """Itself: it needs no network."""
        del networks
        return self

    def per_frame(self, *, generated: Frames, target: Frames, mask: Masks) -> FrameValues:
        """Similarity of each frame, at most 1; inf where no pixel of the region counts.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are smaller than the window.
        """
        generated, target = check_pair(generated, target, least=GAUSSIAN.least)
        region = check_mask(mask, target) != self.background
        counted = region[:, GAUSSIAN.inside, GAUSSIAN.inside]
        values, space = np.full(len(target), np.inf), _space(target)
        for row in np.flatnonzero(counted.any((1, 2))):
            pairs = zip(_colours(generated[row]), _colours(target[row]), strict=True)
            maps = (_ssim_map(x, y, GAUSSIAN, 255, space) for x, y in pairs)
            values[row] = np.mean([similarity[counted[row]].mean() for similarity in maps])
        return values


def _space(frames: Frames) -> NDArray[np.float64]:
    """Room for the seven maps of one channel of such frames, used again for each.

    Fresh arrays of this size may cost more than the arithmetic (page faults).
    """
    return np.empty(7 * frames.shape[1] * frames.shape[2])


def _ssim_map(
    x: Channel, y: Channel, window: Window, data_range: float, space: NDArray[np.float64]
) -> NDArray[np.float64]:
    """SSIM around each pixel that counts, of one channel.

    The denominator needs only the sum of the two variances: four smoothed maps, not five.

    Args:
        x: (H, W).
        y: (H, W).
        window: Of the local moments.
        data_range: R in the constants, not 0.
        space: At least 7 H W float64, overwritten.

    Returns:
        float64 (H, W), less the border where the window is not `padded`; it lies in `space`.

    Source:
        Wang et al. 2004, equation 13.
    """
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    a, b, mean_a, mean_b, means, covariance, variances = space[: 7 * x.size].reshape(7, *x.shape)
    a[...], b[...] = x, y
    _smooth(a, window, mean_a)
    _smooth(b, window, mean_b)
    np.multiply(mean_a, mean_b, out=means)
    mean_a *= mean_a
    mean_b *= mean_b
    squares = np.add(mean_a, mean_b, out=mean_a)
    product = np.multiply(a, b, out=mean_b)
    _smooth(product, window, covariance)
    covariance -= means
    a *= a
    b *= b
    a += b
    _smooth(a, window, variances)  # of both together
    variances -= squares
    means *= 2
    means += c1
    covariance *= 2 * window.correction
    covariance += c2
    means *= covariance  # the numerator
    squares += c1
    if window.sample:
        variances *= window.correction
    variances += c2
    squares *= variances  # the denominator
    means /= squares
    counted: NDArray[np.float64] = means[window.inside, window.inside]
    return counted


def _smooth(image: NDArray[np.float64], window: Window, out: NDArray[np.float64]) -> None:
    """Weighted mean of the window around each pixel, into `out`, the border mirrored about its centres."""
    cv2.sepFilter2D(image, -1, window.weights, window.weights, dst=out, borderType=cv2.BORDER_REFLECT_101)


SSIM = Ssim(id="ssim-v1", label="SSIM")
"""`ssim-v1`: 11 × 11 Gaussian window, population covariance, data range 255, R, G and B, no downsampling.

This project's benchmarks, and super-resolution style code. Pixels whose window lies inside the frame count.

Source: Wang et al. 2004, equation 13; equals scikit-image's `structural_similarity(gaussian_weights=True,
sigma=1.5, use_sample_covariance=False, channel_axis=-1, data_range=255)`.
"""

SSIM_PERSON = RegionSsim(id="ssim-person-v1", label="SSIM person")
"""`ssim-person-v1`: the map of `ssim-v1` averaged over the person's pixels.

Beside this project's benchmarks (`score --metrics`).

Source: Wang et al. 2004, equation 13; the region is ours.
"""

SSIM_BACKGROUND = RegionSsim(id="ssim-background-v1", label="SSIM background", background=True)
"""`ssim-background-v1`: the map of `ssim-v1` averaged over the pixels that are not the person's.

Beside this project's benchmarks (`score --metrics`).

Source: Wang et al. 2004, equation 13; the region is ours.
"""

SSIM_BDMM = Ssim(id="ssim-bdmm-v1", label="SSIM (BDMM)", own_range=True)
"""`ssim-bdmm-v1`: as `ssim-v1`, but R is the generated frame's largest value less its smallest.

BDMM's tables. R runs over all channels, so the constants change with every frame and method, frames of low
contrast are judged by smaller ones, and the metric is not symmetric. A constant generated frame has R = 0.

Source: BDMM (arXiv 2307.07754), `evaluation/getMetrics_animation.py`, by scikit-image 0.17.
"""

SSIM_SK7 = Ssim(id="ssim-sk7-v1", label="SSIM (7×7)", window=BOX)
"""`ssim-sk7-v1`: 7 × 7 window of equal weights, sample covariance (49/48), data range 255, R, G and B.

Many scripts of pose transfer, which take the library's defaults. Three pixels of border do not count.

Source: the defaults of scikit-image's `structural_similarity` on uint8 pictures.
"""

SSIM_DISCO = Ssim(id="ssim-disco-v1", label="SSIM (DisCo)", window=BOX, channels=_grey)
"""`ssim-disco-v1`: as `ssim-sk7-v1`, on grey frames as OpenCV makes them of 8-bit colours.

DisCo and the tables on TikTok videos that use its scripts. These also resize a generated frame to the size of
the target; here frames of another size are refused.

Source: DisCo (Wangt-CN/DisCo), `tool/metrics`, by scikit-image's defaults.
"""

SSIM_HIS = Ssim(id="ssim-his-v1", label="SSIM (HIS)", window=BOX, channels=_signed, data_range=2)
"""`ssim-his-v1`: as `ssim-sk7-v1`, on frames mapped to [−1, 1], with data range 2.

Tables of Liquid Warping GAN and its followers on iPER. On [−1, 1] the mean of a frame may be 0, so the first
of SSIM's two factors is another than on 0 to 255, and may be negative. The published protocol takes frames of
512 × 512 pixels.

Source: his_evaluators (svip-lab/impersonator, `thirdparty/his_evaluators`, `metrics.py`), by scikit-image
0.16.2's defaults, which took the range of floats for 2 and computed in float64.
"""

SSIM_REFLECT = Ssim(
    id="ssim-reflect-v1", label="SSIM (reflect)", window=Window(radius=5, sigma=1.5, padded=True)
)
"""`ssim-reflect-v1`: as `ssim-v1`, but every pixel counts, the frame being mirrored beyond its border.

Users of torchmetrics (with data_range=255) and of kornia (padding "same").

Source: torchmetrics, `structural_similarity_index_measure`.
"""

SSIM_MATLAB_DOWN = Ssim(id="ssim-matlab-down-v1", label="SSIM (MATLAB)", channels=_reduced)
"""`ssim-matlab-down-v1`: as `ssim-v1`, on frames made smaller by averaging squares of f × f pixels.

Papers on image quality, and users of piq. f = max(1, round(shorter side / 256)), so that frames of less than
384 pixels are as in `ssim-v1`.

Source: the note on viewing distance in the authors' `ssim.m` (MATLAB), as piq's `ssim` has it.
"""
