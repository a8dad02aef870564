"""Noise of every joint by itself: white (jitter), and slow (drift)."""

from collections.abc import Mapping

import numpy as np

from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses


def add_jitter(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Adds Gaussian noise to x and y of every joint in every frame, independent; `level` is its σ."""
    del parameters
    noise = draws.standard_normal((*poses.keypoints.shape[:2], 2)) * level * poses.scale
    keypoints = poses.keypoints.copy()
    keypoints[..., :2] += noise.astype(np.float32)  # a missing joint is NaN and stays so
    return NoisyPoses(keypoints, np.arange(len(keypoints)))


JITTER = CorruptionKind(
    levels=(1, 2, 4, 8, 16),
    unit="px",
    meaning="white Gaussian noise of each joint, axis and frame; the level is its standard deviation",
    corrupt=add_jitter,
)
"""`jitter`: estimators err by about 2 to 4 px of 256, so severities 2 and 3 are realistic."""
