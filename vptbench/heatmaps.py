"""Keypoints as a network sees them: one blurred dot a joint."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from vptbench.errors import ShapeError
from vptbench.skeleton import BODY_25

HEATMAP_SIGMA = 6.0
"""Standard deviation of a dot, pixels of frames that are `HEATMAP_HEIGHT` high. Source: BDMM's code."""

HEATMAP_HEIGHT = 256
"""Pixels."""


def size_to_sigma(height: int) -> float:
    """Standard deviation, in pixels, that is the same share of frames `height` pixels high as published."""
    return HEATMAP_SIGMA * height / HEATMAP_HEIGHT


def keypoints_to_heatmaps(
    keypoints: NDArray[np.float32] | torch.Tensor,
    size: tuple[int, int],
    *,
    sigma_px: float,
    parity: bool = False,
) -> torch.Tensor:
    """Draw each joint as a Gaussian dot, on the device of `keypoints`.

    Args:
        keypoints: float32 (…, 25, 3): x and y in pixels with centres at integers, and confidence.
        size: (H, W) of the heatmaps, pixels.
        sigma_px: Standard deviation of a dot, pixels.
        parity: Draw all joints but those with x = 0 or y = 0 exactly, whatever their confidence, as BDMM's
            code does; otherwise all but those of confidence 0. Where x or y is NaN nothing is drawn.

    Returns:
        float32 (…, 25, H, W), 0 to 1: exp(−((i − y)² + (j − x)²)/(2σ²)) in row i and column j; all 0 where
        the joint is not drawn.

    Raises:
        ShapeError: The keypoints have another shape.

    Source:
        BDMM's published code, with σ = 6 for frames of 256 pixels.
    """
    if isinstance(keypoints, np.ndarray):
        keypoints = torch.from_numpy(keypoints.copy())
    if tuple(keypoints.shape[-2:]) != (len(BODY_25), 3):
        raise ShapeError(f"keypoints: expected shape (…, 25, 3), found {tuple(keypoints.shape)}")
    x, y, confidence = keypoints.float().unbind(-1)
    drawn = (x != 0) & (y != 0) if parity else confidence > 0
    drawn = drawn & ~(x.isnan() | y.isnan())
    rows = _dots(torch.where(drawn, y, math.inf), size[0], sigma_px)
    columns = _dots(torch.where(drawn, x, math.inf), size[1], sigma_px)
    return rows[..., :, None] * columns[..., None, :]


def _dots(places: torch.Tensor, length: int, sigma: float) -> torch.Tensor:
    """exp(−(i − p)²/(2σ²)) for i = 0 to `length` − 1, (…, length), for each p of `places`; 0 if p is ∞."""
    pixels = torch.arange(length, dtype=places.dtype, device=places.device)
    return torch.exp(-((pixels - places[..., None]) ** 2) / (2 * sigma**2))
