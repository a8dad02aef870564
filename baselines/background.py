"""The place behind a person, as far as one picture tells."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.image import Frame

HOLE_MARGIN = 0.008
"""Pixels this far around a person (share of the frame's height) are mixed with the person's colours."""


def grown(person: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A person, bool (H, W), with the mixed pixels around it."""
    margin = max(1, round(HOLE_MARGIN * person.shape[0]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    return cv2.dilate(person.astype(np.uint8), kernel).astype(np.bool_)


def frame_to_background(frame: Frame, hole: NDArray[np.bool_]) -> Frame:
    """A frame with a hole painted over: the nearest pixels left, right, above and below, by 1/distance².

    Walls and floors are mostly made of level and upright lines, which this continues.

    Args:
        frame: uint8 (H, W, 3).
        hole: bool (H, W), what to paint over.

    Returns:
        uint8 (H, W, 3), equal to `frame` outside the hole; black where the hole is everything.
    """
    total, weights = np.zeros(frame.shape), np.full((*hole.shape, 1), np.finfo(float).tiny)
    for turns in range(4):
        picture, gap = np.rot90(frame, turns), np.rot90(hole, turns)
        column = np.arange(gap.shape[1])
        nearest = np.maximum.accumulate(np.where(gap, -1, column), axis=1)
        weight = np.where(nearest < 0, 0, 1 / np.maximum(column - nearest, 1) ** 2)[..., None]
        carried = np.take_along_axis(picture, np.maximum(nearest, 0)[..., None], axis=1)
        total += np.rot90(carried * weight, -turns)
        weights += np.rot90(weight, -turns)
    return np.where(hole[..., None], (total / weights).round().astype(np.uint8), frame)
