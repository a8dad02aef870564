"""Cutting the person out: one rule for frames, keypoints, mesh and mask, by the id of a crop.

What is cut begins at whole pixels (x0, y0), the centre of its first pixel; resized by the factor s, a point
moves to x' = (x − x0 + 0.5)·s − 0.5, in each axis by itself. A point outside stays outside, with its
coordinates. Beyond the edge of what is cut the nearest pixel is repeated.

A crop id freezes how the box is found and how frames are resized. Boxes depend on keypoints alone, so that
clips with and without a mesh have the same frames. Here are the crops of one square a clip; the published
ones, whose box grows (`crop_bdmm.py`) or is no square (`crop_gfla.py`), have files of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vptbench.clip import Frames
from vptbench.errors import PoseError
from vptbench.manifest import Json
from vptbench.prepare.resample import Taps, axis_to_taps, resample
from vptbench.registry import check_known, id_to_object

CROPS = {
    "clip-square-v1": "vptbench.prepare.crop:clip_square",
    "full-v1": "vptbench.prepare.crop:full",
    "bdmm-crop-v1": "vptbench.prepare.crop_bdmm:growing_box",
    "gfla-squash-v1": "vptbench.prepare.crop_gfla:squash",
}
"""Crop ids to functions from keypoints (T, 25, 3), the raw (H, W) and the new size to a `Crop`.

Beside each function, its module has `attributes_to_crop`: from what `Crop.to_attributes` said, the raw (H, W)
and the new size to the same crop again.
"""

DEFAULT_CROP = "clip-square-v1"

CONFIDENT = 0.3
"""Keypoints below this confidence do not move the box."""

MARGIN = 1.25
"""Side of the box over the extent of the keypoints: an upright person's keypoints end at the eyes and at the
toes; a quarter leaves room for the crown (a tenth of the height) and for raised hands (a ninth)."""

SIDE_STEP = 8
"""Sides are multiples of this many pixels, so that small changes of the keypoints leave the scale alone."""


class Crop(Protocol):
    """How the frames of one clip are cut and resized, and what is measured in their pixels is moved.

    What is moved are the frames from the first on, n of them; `at` gives the crop of those from a later one
    on.
    """

    def at(self, first: int) -> Self:
        """The crop of the frames from number `first` on."""

    def move_frames(self, frames: Frames) -> Frames:
        """Frames uint8 (n, H, W, 3) to (n, size, size, 3)."""

    def move_masks(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Masks bool (n, H, W) to (n, size, size): true where at least half of a new pixel was.

        Beyond the edge of what is cut there is nobody.
        """

    def move_points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (n, …, 2 or more), x and y first, by the rule; further columns are kept, NaN stays NaN."""

    def move_vertices(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vertices (n, V, 3): x and y by the rule, depth times the (mean) scale."""

    def move_camera(self, camera: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weak perspective cameras (n, 3), pixels a metre and offset x, y, to those of the new frames.

        Where the axes are scaled unlike, the result is (n, 4): scale of x, offset x, offset y, scale of y.
        """

    def to_attributes(self) -> dict[str, Json]:
        """``crop_box`` (x0, y0, width, height) and ``scale`` (x, y) as in the clip file.

        One row for all frames, or a list of T rows where they differ from frame to frame.
        """


@dataclass(frozen=True)
class CropBox:
    """A square of the raw frames, and the size that it gets: a `Crop`, the same for all frames.

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

    def at(self, first: int) -> Self:  # noqa: ARG002 - as all crops
        """Itself."""
        return self

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
        return points_to_box(points, (self.x0, self.y0), self.scale)

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

    def to_attributes(self) -> dict[str, Json]:
        """One row each."""
        return {
            "crop_box": [float(self.x0), float(self.y0), float(self.side), float(self.side)],
            "scale": [self.scale, self.scale],
        }

    def _taps(self, raw_size: tuple[int, ...], *, repeat_edge: bool) -> tuple[Taps, Taps]:
        height, width = raw_size
        return (
            axis_to_taps(self.y0, self.side, self.size, height, repeat_edge=repeat_edge),
            axis_to_taps(self.x0, self.side, self.size, width, repeat_edge=repeat_edge),
        )


def points_to_box(points: NDArray[np.float32], start: ArrayLike, scale: ArrayLike) -> NDArray[np.float32]:
    """The rule: points (…, 2 or more) to x' = (x − start + 0.5)·scale − 0.5, computed in float64.

    Args:
        points: x and y first; further columns are kept, NaN stays NaN.
        start: (x0, y0), raw pixels, or an array (…, 2) of them.
        scale: One number, or (x, y), or an array (…, 2); prepared pixels per raw pixel.
    """
    moved = points.astype(np.float64)
    moved[..., :2] = (moved[..., :2] - np.asarray(start) + 0.5) * np.asarray(scale) - 0.5
    return moved.astype(np.float32)


def keypoints_to_box(crop: str, keypoints: NDArray[np.float32], raw_size: tuple[int, int], size: int) -> Crop:
    """The crop of a clip.

    Args:
        crop: Crop id.
        keypoints: float32 (T, 25, 3) in raw pixels.
        raw_size: (H, W) of the raw frames.
        size: Width and height to resize to.

    Raises:
        RegistryError: The id is unknown.
        PoseError: The crop needs keypoints, and there are none that serve.
    """
    find = cast(
        "Callable[[NDArray[np.float32], tuple[int, int], int], Crop]", id_to_object(crop, CROPS, "crop")
    )
    return find(keypoints, raw_size, size)


def restore_crop(crop: str, attributes: Mapping[str, Json], raw_size: tuple[int, int], size: int) -> Crop:
    """The crop that a clip was cut with, without its raw keypoints.

    Args:
        crop: Crop id.
        attributes: The clip's, in which `Crop.to_attributes` stands.
        raw_size: (H, W) of the raw frames.
        size: Width and height to resize to.

    Raises:
        RegistryError: The id is unknown.
        PoseError: The attributes are none that this crop gives for such frames.
    """
    module = CROPS[check_known(crop, CROPS, "crop")].partition(":")[0]
    restore = cast(
        "Callable[[Mapping[str, Json], tuple[int, int], int], Crop]",
        id_to_object(crop, {crop: f"{module}:attributes_to_crop"}, "crop"),
    )
    with suppress(ValueError, TypeError, KeyError, IndexError, OverflowError, ZeroDivisionError):
        made = restore(attributes, raw_size, size)
        if made.to_attributes().items() <= attributes.items():
            return made
    raise PoseError(
        f"expected crop_box and scale as {crop} gives them for frames of {raw_size[1]}×{raw_size[0]} pixels, "
        f"found {attributes.get('crop_box')!r:.80} and {attributes.get('scale')!r:.80}; fetch the pack again"
    )


def attributes_to_crop(attributes: Mapping[str, Json], raw_size: tuple[int, int], size: int) -> CropBox:
    """The square of `CropBox.to_attributes`.

    Raises:
        ValueError: It is empty, or lies elsewhere than `clip_square` and `full` place it.
    """
    x0, y0, side, _ = map(int, cast("Sequence[float]", attributes["crop_box"]))
    placed = (_place(x0, side, raw_size[1]), _place(y0, side, raw_size[0]))
    if not 0 < side <= max(raw_size) or placed != (x0, y0):
        raise ValueError(f"a square of {side} pixels at {x0}, {y0}")
    return CropBox(x0=x0, y0=y0, side=side, size=size)


def clip_square(keypoints: NDArray[np.float32], raw_size: tuple[int, int], size: int) -> CropBox:
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
    return CropBox(x0=x0, y0=y0, side=side, size=size)


def full(
    keypoints: NDArray[np.float32],  # noqa: ARG001 - as all crops
    raw_size: tuple[int, int],
    size: int,
) -> CropBox:
    """``full-v1``: the whole frame in the middle of a square as large as its longer side."""
    height, width = raw_size
    side = max(raw_size)
    return CropBox(x0=(width - side) // 2, y0=(height - side) // 2, side=side, size=size)


def _place(start: int, side: int, length: int) -> int:
    """`start`, shifted so that `side` pixels from there lie in 0…`length`, or hold all of it."""
    low, high = sorted((0, length - side))
    return min(max(start, low), high)
