"""BODY_25 as OpenPose writes it: names, limbs, mirror pairs, colours.

Keypoints everywhere are float32 (T, 25, 3): x and y in pixels of the frames with pixel centres at
integers, and a confidence in [0, 1]. A missing joint is (NaN, NaN, 0).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vptbench.manifest import Json

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

PARENTS = (1, 8, 1, 2, 3, 1, 5, 6, -1, 8, 9, 10, 8, 12, 13, 0, 0, 15, 16, 14, 19, 14, 11, 22, 11)
"""For each joint the one that it hangs from along `LIMBS`; the middle of the hips has none (−1)."""

JOINT_COLOURS = (
    (255, 0, 85), (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (255, 0, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (255, 0, 170), (170, 0, 255), (255, 0, 255), (85, 0, 255), (0, 0, 255), (0, 0, 255),
    (0, 0, 255), (0, 255, 255), (0, 255, 255), (0, 255, 255),
)  # fmt: skip
"""RGB of each joint in the field's usual drawings. Source: OpenPose, BODY_25 render colours."""

COCO_18 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
"""For each joint of OpenPose's COCO model (18, with a neck) the joint of BODY_25. Source: OpenPose,
doc/02_output.md."""

COCO_18_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of joints of `COCO_18` that are connected, in the order of their colours. Source: OpenPose, COCO
render pairs."""

OPENPOSE_VERSION = 1.3
"""Of the JSON that OpenPose writes."""

OPENPOSE_EMPTY = (
    "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d", "pose_keypoints_3d",
    "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d",
)  # fmt: skip
"""What OpenPose writes empty where it looked for bodies alone."""

NECK, MID_HIP = 1, 8
"""Joints of BODY_25 that other conventions lack."""

BETWEEN = {NECK: (2, 5), MID_HIP: (9, 12)}
"""Joints that lie between two others: the neck between the shoulders, the middle of the hips."""

CONVENTIONS: Mapping[int, Sequence[int]] = {
    17: (0, -1, 6, 8, 10, 5, 7, 9, -1, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, -1, -1, -1, -1, -1, -1),
    26: (0, 18, 6, 8, 10, 5, 7, 9, 19, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 20, 22, 24, 21, 23, 25),
    133: (0, -1, 6, 8, 10, 5, 7, 9, -1, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3, 17, 18, 19, 20, 21, 22),
}
"""Other skeletons by their number of points: for each joint of BODY_25 theirs, −1 for none.

17: COCO. 26: Halpe, which has a neck and a middle of the hips. 133: COCO-WholeBody, its body and feet.
Source: COCO, person_keypoints categories; Halpe-FullBody, README; COCO-WholeBody, data_format.md.
"""


def points_to_body_25(points: NDArray[np.floating], joints: Sequence[int]) -> NDArray[np.float32]:
    """Another skeleton's points as BODY_25.

    Args:
        points: (…, K, 3): x, y, confidence. A point is missing if its confidence is not above 0, or one of
            its numbers is not finite. Confidences above 1 count as 1.
        joints: For each joint of BODY_25 its place among the K, or −1 (as in `CONVENTIONS`).

    Returns:
        float32 (…, 25, 3), missing joints (NaN, NaN, 0). A neck or middle of the hips that the skeleton does
        not have is the mean of the two shoulders or hips, as sure as the less sure of them, and missing if
        either is.
    """
    places = np.asarray(joints)
    body = points[..., places, :].astype(np.float64)
    body[..., places < 0, :] = np.nan
    for joint, pair in BETWEEN.items():
        if places[joint] < 0:
            body[..., joint, :2] = body[..., pair, :2].mean(axis=-2)
            body[..., joint, 2] = body[..., pair, 2].min(axis=-1)
    there = np.isfinite(body).all(axis=-1) & (np.nan_to_num(body[..., 2]) > 0)
    body[..., 2] = np.minimum(body[..., 2], 1)
    return np.where(there[..., None], body, (np.nan, np.nan, 0)).astype(np.float32)


def keypoints_to_openpose(joints: NDArray[np.floating]) -> dict[str, Json]:
    """A frame's joints as the JSON that OpenPose writes for it.

    Args:
        joints: (25, 3): x and y in pixels with centres at integers, confidence; missing (NaN, NaN, 0).

    Returns:
        The document: one person, missing joints 0, 0, 0; nobody where all are missing. Numbers are as short
        as tells their type's values apart.

    Source:
        OpenPose, doc/02_output.md.
    """
    numbers = [float(str(number)) for number in np.nan_to_num(joints, nan=0).ravel()]
    person: dict[str, Json] = {"person_id": [-1], "pose_keypoints_2d": numbers}
    person |= {name: [] for name in OPENPOSE_EMPTY}
    return {"version": OPENPOSE_VERSION, "people": [person] if (joints[:, 2] > 0).any() else []}


def missing_keypoints(frames: int) -> NDArray[np.float32]:
    """Keypoints of `frames` frames with every joint missing, float32 (frames, 25, 3)."""
    keypoints = np.full((frames, len(BODY_25), 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    return keypoints


def keypoints_to_height(keypoints: NDArray[np.float32]) -> float:
    """A person's height in pixels: the median, over frames, of the height of the box around the joints.

    Args:
        keypoints: float32 (T, 25, 3).

    Returns:
        At least 1; 1 where no frame has the person.
    """
    rows = keypoints[np.isfinite(keypoints[..., 1]).any(axis=1), :, 1].astype(np.float64)
    spans = np.nanmax(rows, axis=1) - np.nanmin(rows, axis=1) if len(rows) else np.ones(1)
    return max(float(np.median(spans)), 1.0)


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
