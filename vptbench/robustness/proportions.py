"""Another person's proportions: bones longer and shorter than those of the person in the clip."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses
from vptbench.skeleton import PARENTS

BONES = {
    "trunk": (1,), "shoulders": (2, 5), "hips": (9, 12), "neck and head": (0, 15, 16, 17, 18),
    "upper arms": (3, 6), "forearms": (4, 7), "thighs": (10, 13), "shins": (11, 14),
    "feet": (19, 20, 21, 22, 23, 24),
}  # fmt: skip
"""Bones that are scaled alike, each by the joint at its far end (`skeleton.PARENTS` has the near one)."""

OUTWARD = (1, 9, 12, 0, 2, 5, 10, 13, 3, 6, 11, 14, 15, 16, 4, 7, 17, 18, 19, 21, 22, 24, 20, 23)
"""All joints but the middle of the hips, each after its parent."""


def scale_bones(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Scales each group of bones by 1 + level·z in the image plane, z uniform in [−1, 1], once a clip.

    The middle of the hips stays. A joint whose parent is missing hangs from its nearest present ancestor, by
    its own bone's factor, and stays where no ancestor is present.
    """
    del parameters
    factors = np.ones(len(PARENTS))
    for joints, drawn in zip(BONES.values(), draws.uniform(-1, 1, len(BONES)), strict=True):
        factors[list(joints)] += level * drawn
    return poses.moved(_factors_to_shifts(poses.keypoints[..., :2].astype(np.float64), factors))


def _factors_to_shifts(places: NDArray[np.float64], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each joint moves when bones are scaled.

    Args:
        places: float64 (T, 25, 2), x and y NaN where missing.
        factors: float64 (25,), of the bone that ends in each joint.

    Returns:
        float64 (T, 25, 2), finite.
    """
    rows = np.arange(len(places))
    there = np.isfinite(places[..., 0])
    shifts = np.zeros_like(places)
    above = np.full(places.shape[:2], -1)  # nearest present ancestor
    for joint in OUTWARD:
        parent = PARENTS[joint]
        above[:, joint] = np.where(there[:, parent], parent, above[:, parent])
        hangs = there[:, joint] & (above[:, joint] >= 0)
        anchor = rows[hangs], above[hangs, joint]
        bone = places[hangs, joint] - places[anchor]
        shifts[hangs, joint] = shifts[anchor] + (factors[joint] - 1) * bone
    return shifts


OTHER_BODY = CorruptionKind(
    levels=(0.05, 0.1, 0.2, 0.3, 0.4),
    unit="share",
    meaning="bones of another person's length about the same hips; the level is the most that a bone changes",
    corrupt=scale_bones,
)
"""`other-body`."""
