"""BODY_25 as OpenPose writes it: names, limbs, mirror pairs, colours.

Keypoints everywhere are float32 (T, 25, 3): x and y in pixels of the frames with pixel centres at
integers, and a confidence in [0, 1]. A missing joint is (NaN, NaN, 0).
"""

import numpy as np
from numpy.typing import NDArray

BODY_25 = (
    "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip",
    "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar",
    "LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel",
)  # fmt: skip
"""Joint names in storage order. Source: OpenPose, doc/02_output.md."""

LIMBS = (
    (1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13),
    (13, 14), (1, 0), (0, 15), (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23),
    (11, 24),
)  # fmt: skip
"""Pairs of joints that a skeleton drawing connects. Source: OpenPose, BODY_25 render pairs."""

MIRROR = (0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11, 16, 15, 18, 17, 22, 23, 24, 19, 20, 21)
"""For each joint, the joint on the other side of the body (itself where there is none)."""

JOINT_COLOURS = (
    (255, 0, 85), (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (255, 0, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (255, 0, 170), (170, 0, 255), (255, 0, 255), (85, 0, 255), (0, 0, 255), (0, 0, 255),
    (0, 0, 255), (0, 255, 255), (0, 255, 255), (0, 255, 255),
)  # fmt: skip
"""RGB of each joint in the field's usual drawings. Source: OpenPose, BODY_25 render colours."""


def missing_keypoints(frames: int) -> NDArray[np.float32]:
    """Keypoints of `frames` frames with every joint missing, float32 (frames, 25, 3)."""
    keypoints = np.full((frames, len(BODY_25), 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    return keypoints


def keypoints_to_problems(keypoints: NDArray[np.float32]) -> list[str]:
    """What is wrong with an array of keypoints, in words; empty if nothing is.

    Args:
        keypoints: Expected float32 (T, 25, 3), see the module's docstring.
    """
    if keypoints.ndim != 3 or keypoints.shape[1:] != (len(BODY_25), 3):
        return [f"keypoints: expected shape (T, 25, 3), found {keypoints.shape}"]
    problems = []
    if keypoints.dtype != np.float32:
        problems.append(f"keypoints: expected float32, found {keypoints.dtype}")
    confidence = keypoints[..., 2]
    if not ((confidence >= 0) & (confidence <= 1)).all():
        problems.append("keypoints: expected confidence in [0, 1], found other values")
    if (np.isfinite(keypoints[..., :2]).all(-1) != (confidence > 0)).any():
        problems.append("keypoints: expected x, y = NaN exactly where the confidence is 0")
    return problems
