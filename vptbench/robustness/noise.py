"""Noise of every joint by itself: white (jitter), and slow (drift)."""

import math
from collections.abc import Mapping

import numpy as np

from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses


def add_jitter(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Adds Gaussian noise to x and y of every joint in every frame, independent; `level` is its σ."""
    del parameters
    noise = draws.standard_normal((*poses.keypoints.shape[:2], 2))
    return poses.moved(noise * level * poses.scale)


def add_drift(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Adds an AR(1) process to x and y of every joint; `level` is its σ, the same in every frame.

    With z white, c the parameter `correlation`, and σ = 1: e_0 = z_0, e_t = c·e_(t−1) + √(1 − c²)·z_t, so
    that two frames k apart correlate by c^k.
    """
    kept = parameters["correlation"]
    noise = draws.standard_normal((*poses.keypoints.shape[:2], 2))
    noise[1:] *= math.sqrt(1 - kept**2)
    for frame in range(1, len(noise)):
        noise[frame] += kept * noise[frame - 1]
    return poses.moved(noise * level * poses.scale)


JITTER = CorruptionKind(
    levels=(1, 2, 4, 8, 16),
    unit="px",
    meaning="white Gaussian noise of each joint, axis and frame; the level is its standard deviation",
    corrupt=add_jitter,
)
"""`jitter`."""

DRIFT = CorruptionKind(
    levels=JITTER.levels,
    unit="px",
    meaning="slow Gaussian noise (AR(1)) of each joint and axis, as strong as the jitter of that severity",
    corrupt=add_drift,
    parameters={"correlation": 0.9},
    ranges={"correlation": (0, 1)},
)
"""`drift`: what differs from `jitter` is the correlation from frame to frame alone."""
