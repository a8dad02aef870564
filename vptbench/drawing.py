"""Skeletons as the field draws them: OpenPose's BODY_25, and the body of ControlNet's DWPose annotator."""

import colorsys
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.image import Frame
from vptbench.skeleton import COCO_18, COCO_18_LIMBS, JOINT_COLOURS, LIMBS

CIRCLE_RATIO, LINE_RATIO = 1 / 75, 0.75
"""Of OpenPose: the stroke of a joint's circle by √(H·W), and that of a limb by the circle's."""

FARTHEST = 30_000
"""Pixels: where what lies farther off is drawn, since OpenCV knows no larger numbers."""

DWPOSE_RADIUS = 4
"""Pixels, in pictures of any size: of a joint's disc, and half the width of a limb's ellipse."""

DWPOSE_LIMB_LIGHT = 0.6
"""Brightness of limbs; joints have their full colour."""

DWPOSE_LEAST_CONFIDENCE = 0.3
"""Joints that are less sure are not drawn."""

DWPOSE_COLOURS = tuple(
    tuple(round(255 * part) for part in colorsys.hsv_to_rgb(joint / len(COCO_18), 1, 1))
    for joint in range(len(COCO_18))
)
"""RGB of joint i, and of limb i: hues 20° apart."""


def draw_skeleton(frame: Frame, keypoints: NDArray[np.float32]) -> Frame:
    """Draw the limbs and joints that are there over a copy of `frame`, in OpenPose's colours and widths.

    As there, lines are not smoothed and run between whole pixels. OpenPose draws thinner where the person is
    small; here one size of frame has one width.

    Args:
        frame: RGB uint8 (H, W, 3).
        keypoints: float32 (25, 3); joints of confidence 0 are left out.

    Source:
        OpenPose, src/openpose/utilities/keypoint.cpp (renderKeypointsCpu), with the ratios of
        src/openpose/pose/renderPose.cpp (renderPoseKeypointsCpu); a limb has the colour of its second joint.
    """
    drawn = frame.copy()
    stroke = max(1, _round(math.sqrt(frame.shape[0] * frame.shape[1]) * CIRCLE_RATIO))
    line = max(1, _round(stroke * LINE_RATIO))
    there = keypoints[:, 2] > 0
    points = [(_round(x), _round(y)) for x, y in np.where(there[:, None], _near(keypoints), 0)]
    for a, b in LIMBS:
        if there[a] and there[b]:
            cv2.line(drawn, points[a], points[b], JOINT_COLOURS[b], line)
    for joint in np.flatnonzero(there):
        cv2.circle(drawn, points[joint], stroke // 2, JOINT_COLOURS[joint], stroke)
    return drawn


def _near(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """X and y, (K, 2), those that lie farther off than any picture is large brought to `FARTHEST`."""
    return np.clip(keypoints[:, :2], -FARTHEST, FARTHEST)


def draw_dwpose(size: tuple[int, int], keypoints: NDArray[np.float32]) -> Frame:
    """The body as ControlNet's DWPose annotator draws it, on black; there are no hands and no face.

    Args:
        size: (H, W), pixels.
        keypoints: float32 (25, 3), BODY_25; joints of confidence below `DWPOSE_LEAST_CONFIDENCE` are left
            out, and so are the feet and the middle of the hips, which COCO-18 has not.

    Returns:
        RGB uint8 (H, W, 3).

    Source:
        DWPose, ControlNet-v1-1-nightly/annotator/dwpose/util.py (draw_bodypose) and wholebody.py.
    """
    drawn = np.zeros((*size, 3), np.uint8)
    joints = keypoints[list(COCO_18)]
    joints[:, :2] = _near(joints)
    there = joints[:, 2] >= DWPOSE_LEAST_CONFIDENCE
    for limb, (a, b) in enumerate(COCO_18_LIMBS):
        if there[a] and there[b]:
            (x, y), (across, down) = (joints[a, :2] + joints[b, :2]) / 2, joints[a, :2] - joints[b, :2]
            axes = int(math.hypot(across, down) / 2), DWPOSE_RADIUS
            angle = int(math.degrees(math.atan2(down, across)))
            outline = cv2.ellipse2Poly((_round(x), _round(y)), axes, angle, 0, 360, 1)
            cv2.fillConvexPoly(drawn, np.asarray(outline, np.int32), DWPOSE_COLOURS[limb])
    drawn = (drawn * DWPOSE_LIMB_LIGHT).astype(np.uint8)
    for joint in np.flatnonzero(there):
        centre = _round(joints[joint, 0]), _round(joints[joint, 1])
        cv2.circle(drawn, centre, DWPOSE_RADIUS, DWPOSE_COLOURS[joint], -1)
    return drawn


def _round(value: float) -> int:
    """The nearest whole number, halves upwards."""
    return math.floor(value + 0.5)
