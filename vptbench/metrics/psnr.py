"""PSNR: the peak signal-to-noise ratio."""

import math
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from vptbench.clip import Frames
from vptbench.metrics.protocol import FrameValues, check_pair
from vptbench.weights import Networks


@dataclass(frozen=True)
class Psnr:
    """`psnr-v1`: 10 log10(255² / MSE) of each frame, MSE over H, W and C; inf where the frames are equal.

    Source:
        The usual definition (scikit-image, `peak_signal_noise_ratio`), in float64 from exact sums of
        squares. Tables differ in what equal frames count (here infinite, elsewhere 100).
    """

    id: ClassVar[str] = "psnr-v1"
    label: ClassVar[str] = "PSNR"
    unit: ClassVar[str] = "dB"
    higher_is_better: ClassVar[bool] = True
    tolerance: ClassVar[float] = 1e-10
    network: ClassVar[None] = None

    @classmethod
    def load(cls, networks: Networks) -> "Psnr":
        """It needs no network."""
        del networks
        return cls()

    def per_frame(self, *, generated: Frames, target: Frames) -> FrameValues:
        """Decibels of each frame; see `FrameMetric.per_frame`.

        Raises:
            ShapeError: The arrays differ in shape or are no frames.
        """
        generated, target = check_pair(generated, target)
        sums = [cv2.norm(a, b, cv2.NORM_L2SQR) for a, b in zip(generated, target, strict=True)]
        mse = np.array(sums, np.float64) / math.prod(target.shape[1:])
        with np.errstate(divide="ignore"):
            values: FrameValues = 10 * np.log10(255**2 / mse)
        return values
