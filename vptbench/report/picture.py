"""Frames to small pictures inside a page, and how small they must be for many to fit."""

import base64
import math
from collections.abc import Sequence

import cv2
import numpy as np

from vptbench.image import Frame, image_to_bytes, resize_frame

THUMBNAIL = 160
"""Most pixels in the height of a picture on the page."""

LEAST = 40
"""Fewest, however many pictures there are."""

QUALITY = 80
"""Of the WebP pictures on the page, which take half of what JPEGs of this size do: 0.9 kB at 100 × 100."""

BYTES_A_PIXEL = 0.15
"""What a pixel of such a picture costs in base64; the first ones that are made tell it better."""

FULL_SCALE = 0.4
"""Mean absolute difference, as a part of the full range, that is shown brightest."""


def frame_to_uri(frame: Frame, height: int = THUMBNAIL) -> str:
    """A picture as a data URI (WebP), at most `height` pixels high and never enlarged."""
    packed = base64.b64encode(image_to_bytes(shrink(frame, height), ".webp", quality=QUALITY)).decode()
    return f"data:image/webp;base64,{packed}"


def frames_to_uri(frames: Sequence[Frame], height: int) -> str:
    """Pictures of one size side by side, as one data URI."""
    return frame_to_uri(np.concatenate([shrink(frame, height) for frame in frames], 1), height)


def shrink(frame: Frame, height: int) -> Frame:
    """A picture at most `height` pixels high, its sides in proportion; never enlarged."""
    return frame if frame.shape[0] <= height else resize_frame(frame, size_at(frame.shape, height))


def size_at(shape: Sequence[int], height: int) -> tuple[int, int]:
    """Height and width of a picture of `shape` (H, W, …) that is shown at most `height` pixels high."""
    height = min(height, shape[0])
    return height, max(1, round(shape[1] * height / shape[0]))


def pictures_to_height(pictures: int, shape: Sequence[int], budget: int, most: int = THUMBNAIL) -> int:
    """How high so many pictures may be that they take about `budget` bytes in base64.

    Args:
        pictures: Their number.
        shape: Of one, (H, W, …).
        budget: In bytes.
        most: Pixels that are enough.

    Returns:
        From `LEAST` to `most` pixels.
    """
    pixels = budget / (BYTES_A_PIXEL * max(1, pictures))
    return max(LEAST, min(most, math.floor(math.sqrt(pixels * shape[0] / shape[1]))))


def size_to_height(size: int, budget: int, height: int) -> int:
    """How high pictures may be that take about `size` bytes at `height`, to keep clear of `budget` bytes."""
    spare = max(0.0, 0.85 * budget)
    return height if size <= spare else max(LEAST, math.floor(height * math.sqrt(spare / size)))


def frames_to_difference(generated: Frame, target: Frame) -> Frame:
    """Mean absolute difference over colours, black for none, brightest from `FULL_SCALE` on.

    Args:
        generated: RGB uint8 (H, W, 3).
        target: The same.
    """
    mean = np.abs(generated.astype(np.float32) - target).mean(2) / 255
    levels = np.round(np.clip(mean / FULL_SCALE, 0, 1) * 255).astype(np.uint8)
    coloured = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(coloured[..., ::-1]).astype(np.uint8)
