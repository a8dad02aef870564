"""SSIM: structural similarity."""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.metrics.protocol import FrameValues, check_pair
from vptbench.weights import Networks

RADIUS = 5
"""Half the window without its centre: 11 × 11 pixels, and as much border is left out of the mean."""

SIGMA = 1.5
"""Of the Gaussian window, in pixels."""

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""What keeps the two ratios finite, for a data range of 255."""


@dataclass(frozen=True)
class Ssim:
    """`ssim-v1`: Gaussian window, population covariance, data range 255, no downsampling.

    Means over the pixels whose window lies inside the frame, then over R, G and B.

    Source:
        Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality Assessment", equation 13. Equals
        scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, channel_axis=-1, data_range=255)`.
    """

    id: ClassVar[str] = "ssim-v1"
    label: ClassVar[str] = "SSIM"
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool] = True
    tolerance: ClassVar[float] = 1e-12
    network: ClassVar[None] = None

    @classmethod
    def load(cls, networks: Networks) -> "Ssim":
        """It needs no network."""
        del networks
        return cls()

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Similarity of each frame, at most 1; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape, are no frames, or are smaller than the window.
        """
        generated, target = check_pair(generated, target, least=2 * RADIUS + 1)
        maps = np.empty((7, *target.shape[1:3]))
        values = [
            np.mean([_channel_to_ssim(x, y, maps) for x, y in zip(cv2.split(a), cv2.split(b), strict=True)])
            for a, b in zip(generated, target, strict=True)
        ]
        return np.array(values, np.float64)


def _channel_to_ssim(
    generated: cv2.typing.MatLike, target: cv2.typing.MatLike, maps: NDArray[np.float64]
) -> float:
    """Mean SSIM of one channel.

    The denominator needs only the sum of the two variances: four smoothed maps, not five. All happens
    in `maps`, since fresh arrays of this size may cost more than the arithmetic (page faults).

    Args:
        generated: uint8 (H, W).
        target: uint8 (H, W).
        maps: float64 (7, H, W), overwritten.
    """
    x, y, mean_x, mean_y, means, covariance, variances = maps
    x[...], y[...] = generated, target
    _smooth(x, mean_x)
    _smooth(y, mean_y)
    np.multiply(mean_x, mean_y, out=means)
    mean_x *= mean_x
    mean_y *= mean_y
    squares = np.add(mean_x, mean_y, out=mean_x)
    product = np.multiply(x, y, out=mean_y)
    _smooth(product, covariance)
    covariance -= means
    x *= x
    y *= y
    x += y
    _smooth(x, variances)  # of both channels together
    variances -= squares
    means *= 2
    means += C1
    covariance *= 2
    covariance += C2
    means *= covariance  # the numerator
    squares += C1
    variances += C2
    squares *= variances  # the denominator
    means /= squares
    return float(means[RADIUS:-RADIUS, RADIUS:-RADIUS].mean())


def _window() -> NDArray[np.float64]:
    steps = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-0.5 * (steps / SIGMA) ** 2)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


WINDOW = _window()
"""Weights of the window along one axis; they add up to 1."""


def _smooth(image: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Weighted mean of the window around each pixel, into `out`; wrong within `RADIUS` of the border."""
    cv2.sepFilter2D(image, -1, WINDOW, WINDOW, dst=out)
