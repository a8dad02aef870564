"""Keypoints smoothed over time by the One-Euro filter: slow motion strongly, fast motion hardly."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import UsageError
from vptbench.prepare.tracking import Keypoints

Float = NDArray[np.float64]


@dataclass(frozen=True)
class OneEuro:
    """Parameters of a One-Euro filter.

    Attributes:
        rate: Samples a second, Hz.
        min_cutoff: Cut-off frequency at rest, Hz.
        beta: Rise of the cut-off frequency with speed, Hz for each pixel a second.
        speed_cutoff: Cut-off frequency of the speed, Hz.

    Raises:
        UsageError: A frequency is not above 0, or `beta` is below 0.
    """

    rate: float
    min_cutoff: float
    beta: float
    speed_cutoff: float = 1.0

    def __post_init__(self) -> None:
        frequencies = (self.rate, self.min_cutoff, self.speed_cutoff)
        if not all(0 < value < np.inf for value in frequencies) or not 0 <= self.beta < np.inf:
            raise UsageError(f"expected a One-Euro filter of frequencies above 0 and beta from 0, got {self}")


SMOOTHINGS: Mapping[str, OneEuro | None] = {
    "none": None,
    "one-euro-bdmm": OneEuro(rate=15, min_cutoff=1, beta=0.05),
}
"""Filters by name. The published BDMM preprocessing filters at 15 Hz whatever the video's rate is."""


def smooth_keypoints(keypoints: Keypoints, filtering: OneEuro) -> Keypoints:
    """Filter each joint's x and y over time.

    A joint that is missing stays missing; when it comes back the filter goes on from where it was, with the
    longer time step. Confidences are kept.

    Args:
        keypoints: float32 (T, 25, 3).
        filtering: The filter.

    Returns:
        float32 (T, 25, 3).

    Source:
        Casiez, Roussel and Vogel, "1€ Filter", CHI 2012, algorithm 1: with the time step d,
        α(f) = 1 / (1 + 1 / (2π f d)), speed v = α(f_v)·(x − x̂')/d + (1 − α(f_v))·v',
        f = f_min + β|v|, x̂ = α(f)·x + (1 − α(f))·x̂'; x̂ = x and v = 0 at first.
    """
    smooth = keypoints.copy()
    points = keypoints[..., :2].astype(np.float64)
    value = np.full(points.shape[1:], np.nan)
    speed = np.zeros(points.shape[1:])
    step = np.full((points.shape[1], 1), 1 / filtering.rate)
    for t, now in enumerate(points):
        there = np.isfinite(now).all(axis=-1, keepdims=True)
        known = there & np.isfinite(value)
        before = np.where(known, value, now)
        share = _share(np.full_like(now, filtering.speed_cutoff), step)
        speed = np.where(known, share * (now - before) / step + (1 - share) * speed, speed)
        share = _share(filtering.min_cutoff + filtering.beta * np.abs(speed), step)
        value = np.where(there, share * now + (1 - share) * before, value)
        smooth[t, :, :2] = np.where(there, value, np.nan)
        step = np.where(there, 0, step) + 1 / filtering.rate
    return smooth


def _share(cutoff: Float, step: Float) -> Float:
    """α: how much the newest sample counts."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff * step)))
