"""What goes wrong for stretches of frames: joints that drop out, sides that are exchanged, outliers.

Each is switched on and off by two-state Markov chains of a stated stationary rate and mean length. All
severities of a chain use the same draws, coupled so that what is on at one severity is on at all above.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vptbench.robustness.corruptions import CorruptionKind, NoisyPoses, Poses
from vptbench.skeleton import MIRROR

PARTS = (
    (0, 15, 16, 17, 18), (3, 4), (6, 7), (10, 11, 22, 23, 24), (13, 14, 19, 20, 21),
    (1,), (2,), (5,), (8,), (9,), (12,),
)  # fmt: skip
"""Joints that may drop out together: head, arms below the shoulder, legs below the hip, and the trunk's
joints singly. Each joint is in one part."""

UPPER, LOWER = (2, 3, 4, 5, 6, 7, 15, 16, 17, 18), (9, 10, 11, 12, 13, 14, 19, 20, 21, 22, 23, 24)
"""Joints of which left and right are exchanged together."""

PLACE_KEPT = 2 / 3
"""Probability that an outlier is where it would have been in the frame before."""

DROPOUT_RATES = (0.05, 0.1, 0.2, 0.4, 0.6)
SWAP_RATES = (0.02, 0.05, 0.1, 0.2, 0.5)
OUTLIER_RATES = (0.01, 0.02, 0.05, 0.1, 0.2)


def draws_to_bursts(uniform: NDArray[np.float64], rate: float, burst: float) -> NDArray[np.bool_]:
    """Two-state Markov chains, in their stationary state from the first frame on.

    A chain that is off goes on with probability rate / ((1 − rate)·burst), one that is on stays so with
    1 − 1/burst: lengths are geometric. Both are decided by the same number, which nests the chains of all
    rates if the first probability is not above the second, that is if burst ≥ 1/(1 − rate): independent
    frames are the shortest bursts.

    Args:
        uniform: float64 (T, K) in [0, 1), independent: one a frame and chain.
        rate: Share of frames in which a chain is on.
        burst: Mean number of frames for which it stays on.

    Returns:
        bool (T, K).
    """
    enter, stay = rate / ((1 - rate) * burst), 1 - 1 / burst
    bursts = np.empty(uniform.shape, bool)
    limit: NDArray[np.float64] | float = rate
    for now, draw in zip(bursts, uniform, strict=True):
        np.less(draw, limit, out=now)
        limit = np.where(now, stay, enter)
    return bursts


def drop_joints(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Joints go missing in bursts; `level` is the share of frames in which a joint does.

    A coin for each of `PARTS` and clip says whether its joints drop out as one or each by itself. Either way
    a joint has one chain, so that its rate and its burst lengths are exactly as stated.
    """
    frames, joints = poses.keypoints.shape[:2]
    chain = np.arange(joints)
    for part, coin in zip(PARTS, draws.random(len(PARTS)), strict=True):
        if coin < 0.5:
            chain[list(part)] = part[0]
    gone = draws_to_bursts(draws.random((frames, joints))[:, chain], level, parameters["burst"])
    keypoints = poses.keypoints.copy()
    keypoints[gone] = np.nan, np.nan, 0
    return NoisyPoses(keypoints, np.arange(frames))


def swap_sides(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Left and right labels are exchanged; `level` is the share of frames, for upper and lower body alike.

    Confidence goes with its joint, and so does that a joint is missing.
    """
    keypoints = poses.keypoints.copy()
    frames = len(keypoints)
    swapped = draws_to_bursts(draws.random((frames, 2)), level, parameters["burst"])
    for group, rows in zip((UPPER, LOWER), swapped.T, strict=True):
        other = [MIRROR[joint] for joint in group]
        keypoints[:, group] = np.where(rows[:, None, None], keypoints[:, other], keypoints[:, group])
    return NoisyPoses(keypoints, np.arange(frames))


def add_outliers(
    poses: Poses, level: float, draws: np.random.Generator, parameters: Mapping[str, float]
) -> NoisyPoses:
    """Joints jump somewhere in the frame, uniform; `level` is the share of frames in which a joint does.

    A joint's place is a process of its own, whatever the severity: it stays with probability `PLACE_KEPT`,
    else another is drawn. Confidence stays, so that nothing tells outliers from joints.
    """
    frames, joints = poses.keypoints.shape[:2]
    uniform = draws.random((frames, joints, 4))  # burst, place kept, x, y
    jumps = draws_to_bursts(uniform[..., 0], level, parameters["burst"])
    drawn = np.where(uniform[..., 1] < PLACE_KEPT, 0, np.arange(frames)[:, None])
    last = np.maximum.accumulate(drawn, axis=0)  # the frame that a place was drawn in
    places = uniform[last, np.arange(joints), 2:] * poses.size[::-1] - 0.5
    there = np.isfinite(poses.keypoints[..., :2]).all(axis=-1)
    keypoints = poses.keypoints.copy()
    keypoints[..., :2] = np.where((jumps & there)[..., None], places, keypoints[..., :2])
    return NoisyPoses(keypoints, np.arange(frames))


DROPOUT = CorruptionKind(
    levels=DROPOUT_RATES,
    unit="share",
    meaning="joints and whole limbs go missing in bursts; the level is the share of frames without a joint",
    corrupt=drop_joints,
    parameters={"burst": 10},
    ranges={"burst": (1 / (1 - DROPOUT_RATES[-1]), math.inf)},
)
"""`dropout`."""

SWAP = CorruptionKind(
    levels=SWAP_RATES,
    unit="share",
    meaning="left and right are exchanged, for upper and lower body apart; the level is the share of frames",
    corrupt=swap_sides,
    parameters={"burst": 5},
    ranges={"burst": (1 / (1 - SWAP_RATES[-1]), math.inf)},
)
"""`swap`: one stretch in five is a single frame."""

OUTLIER = CorruptionKind(
    levels=OUTLIER_RATES,
    unit="share",
    meaning="joints jump anywhere in the frame, in bursts; the level is the share of frames with a joint off",
    corrupt=add_outliers,
    parameters={"burst": 3},
    ranges={"burst": (1 / (1 - OUTLIER_RATES[-1]), math.inf)},
)
"""`outlier`."""
