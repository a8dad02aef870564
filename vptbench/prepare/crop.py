"""Cutting the person out: one square box a clip, and one rule for frames, keypoints, mesh and mask.

A box begins at whole pixels (x0, y0), the centre of its first pixel, and is `side` pixels wide and high;
resized to `size`, with s = size / side, a point moves to x' = (x − x0 + 0.5)·s − 0.5. A point outside the
box stays outside, with its coordinates. Beyond the frame's edge the nearest pixel is repeated.

A crop id freezes how the box is found. Boxes depend on keypoints alone, so that clips with and without a mesh
have the same frames.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import PoseError
from vptbench.prepare.resample import Taps, axis_to_taps, resample
from vptbench.registry import id_to_object

CROPS = {
    "clip-square-v1": "vptbench.prepare.crop:clip_square",
    "full-v1": "vptbench.prepare.crop:full",
}
"""Crop ids to functions from keypoints (T, 25, 3) and the raw (H, W) to (x0, y0, side)."""

DEFAULT_CROP = "clip-square-v1"

Square = tuple[int, int, int]
"""x0, y0, side in raw pixels."""

CONFIDENT = 0.3
"""Keypoints below this confidence do not move the box."""

MARGIN = 1.25
"""Side of the box over the extent of the keypoints: an upright person's keypoints end at the eyes and at the
toes; a quarter leaves room for the crown (a tenth of the height) and for raised hands (a ninth)."""

SIDE_STEP = 8
"""Sides are multiples of this many pixels, so that small changes of the keypoints leave the scale alone."""


@dataclass(frozen=True)
class CropBox:
    """A square of the raw frames, and the size that it gets.

    Attributes:
        x0: Column of its first pixel; may be negative.
        y0: Row of its first pixel; may be negative.
        side: Its width and height, raw pixels.
        size: Width and height after resizing, pixels.
    """

    x0: int
    y0: int
    side: int
    size: int

    @property
    def scale(self) -> float:
        """Prepared pixels per raw pixel."""
        return self.size / self.side

    def move_frames(self, frames: Frames) -> Frames:
        """Frames uint8 (n, H, W, 3) to (n, size, size, 3), by `resample.py`."""
        rows, columns = self._taps(frames.shape[1:3], repeat_edge=True)
        return np.stack([resample(frame, rows, columns) for frame in frames])

    def move_masks(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Masks bool (n, H, W) to (n, size, size): true where at least half of a new pixel was.

        Beyond the frame there is nobody.
        """
        rows, columns = self._taps(masks.shape[1:3], repeat_edge=False)
        whole = masks[..., None].astype(np.uint8) * 255
        return np.stack([resample(mask, rows, columns)[..., 0] for mask in whole]) >= 128

    def move_points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (…, 2 or more), x and y first, by the rule; further columns are kept, NaN stays NaN."""
        moved = points.astype(np.float64)
        moved[..., :2] = (moved[..., :2] - (self.x0, self.y0) + 0.5) * self.scale - 0.5
        return moved.astype(np.float32)

    def move_vertices(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vertices (…, 3): x and y by the rule, depth times the scale."""
        moved = self.move_points(vertices)
        moved[..., 2] *= np.float32(self.scale)
        return moved

    def move_camera(self, camera: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weak perspective cameras (T, 3), scale in pixels a metre and offset x, y, to those of the box."""
        moved = np.roll(self.move_points(np.roll(camera, -1, axis=-1)), 1, axis=-1)
        moved[..., 0] *= np.float32(self.scale)
        return moved

    def _taps(self, raw_size: tuple[int, ...], *, repeat_edge: bool) -> tuple[Taps, Taps]:
        height, width = raw_size
        return (
            axis_to_taps(self.y0, self.side, self.size, height, repeat_edge=repeat_edge),
            axis_to_taps(self.x0, self.side, self.size, width, repeat_edge=repeat_edge),
        )


def keypoints_to_box(
    crop: str, keypoints: NDArray[np.float32], raw_size: tuple[int, int], size: int
) -> CropBox:
    """The box of a clip.

    Args:
        crop: Crop id.
        keypoints: float32 (T, 25, 3) in raw pixels.
        raw_size: (H, W) of the raw frames.
        size: Width and height to resize to.

    Raises:
        RegistryError: The id is unknown.
        PoseError: The crop needs keypoints, and none is confident.
    """
    find = cast("Callable[[NDArray[np.float32], tuple[int, int]], Square]", id_to_object(crop, CROPS, "crop"))
    x0, y0, side = find(keypoints, raw_size)
    return CropBox(x0=x0, y0=y0, side=side, size=size)


def clip_square(keypoints: NDArray[np.float32], raw_size: tuple[int, int]) -> Square:
    """``clip-square-v1``: around the confident keypoints of all frames, with a margin.

    The square stands still, so that the person moves in it as in the video. It is centred on the
    keypoints, at most as large as the frame's longer side, and shifted so that it lies in the frame, or holds
    all of the frame, along each axis.

    Raises:
        PoseError: No keypoint is confident.
    """
    points = keypoints[keypoints[..., 2] >= CONFIDENT][:, :2].astype(np.float64)
    if not len(points):
        raise PoseError(
            f"expected keypoints of confidence {CONFIDENT} or more to find the person by, found none; "
            "estimate the poses again, or prepare with --crop full-v1"
        )
    low, high = points.min(axis=0), points.max(axis=0)
    wanted = MARGIN * float((high - low).max())
    side = min(SIDE_STEP * max(1, int(np.ceil(wanted / SIDE_STEP))), max(raw_size))
    x0, y0 = (
        _place(round(float(low[axis] + high[axis] - side) / 2), side, length)
        for axis, length in enumerate(raw_size[::-1])
    )
    return x0, y0, side


def full(keypoints: NDArray[np.float32], raw_size: tuple[int, int]) -> Square:  # noqa: ARG001 - as all crops
    """``full-v1``: the whole frame in the middle of a square as large as its longer side."""
    height, width = raw_size
    side = max(raw_size)
    return (width - side) // 2, (height - side) // 2, side


def _place(start: int, side: int, length: int) -> int:
    """`start`, shifted so that `side` pixels from there lie in 0…`length`, or hold all of it."""
    low, high = sorted((0, length - side))
    return min(max(start, low), high)
