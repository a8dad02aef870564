"""Poses that come too late."""

from collections.abc import Mapping

import numpy as np

from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses


def delay_poses(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Each frame has the pose and the mesh of `level` frames before, the first ones those of frame 0."""
    del draws, parameters
    rows = np.maximum(np.arange(len(poses.keypoints)) - int(level), 0)
    return NoisyPoses(poses.keypoints[rows], rows)


LAG = CorruptionKind(
    levels=(1, 2, 4, 8, 16),
    unit="frames",
    meaning="pose and mesh come late by so many frames; before that, the clip's first pose is held",
    corrupt=delay_poses,
    drawn=False,
)
"""`lag`."""
