"""The crop of BDMM's preparation: a box that grows with the frames seen so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Frames
from vptbench.errors import PoseError, ShapeError
from vptbench.manifest import Json
from vptbench.prepare.crop import points_to_box
from vptbench.prepare.resample import axis_to_taps, resample

ENLARGEMENT = 1.3
"""Height of what is cut over the height of the box of the joints."""


@dataclass(frozen=True)
class Cut:
    """What is cut from one frame, and the square about it.

    Attributes:
        left: First column that is taken; not below 0.
        top: First row.
        right: Column behind the last; not beyond the frame.
        bottom: Row behind the last.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def side(self) -> int:
        """Width and height of the square, raw pixels: the cut is never wider than high."""
        return self.bottom - self.top

    @property
    def x0(self) -> int:
        """Column of the square's first pixel; the smaller half of an odd margin lies before the cut."""
        return self.left - (self.side - (self.right - self.left)) // 2


@dataclass(frozen=True)
class GrowingBox:
    """One cut a frame: a `crop.Crop` that differs from frame to frame.

    Attributes:
        cuts: T of them.
        size: Width and height after resizing, pixels.
    """

    cuts: tuple[Cut, ...]
    size: int

    def at(self, first: int) -> Self:
        """That of the frames from number `first` on."""
        return replace(self, cuts=self.cuts[first:])

    def move_frames(self, frames: Frames) -> Frames:
        """Frames uint8 (n, H, W, 3) to (n, size, size, 3): cut, filled to a square, resized.

        OpenCV's linear rule resizes: it takes the four nearest pixels, however much it shrinks: unlike our
        own, it does not average.

        Raises:
            ShapeError: There are more frames than cuts.
        """
        return np.stack(
            [
                self._move_frame(frame, cut)
                for frame, cut in zip(frames, self._first(len(frames)), strict=True)
            ]
        )

    def move_masks(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Masks bool (n, H, W) to (n, size, size): true where at least half of a new pixel was.

        In what is filled there is nobody.

        Raises:
            ShapeError: There are more masks than cuts.
        """
        return np.stack(
            [self._move_mask(mask, cut) for mask, cut in zip(masks, self._first(len(masks)), strict=True)]
        )

    def move_points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (n, …, 2 or more), x and y first, each frame's by its own cut; further columns are kept.

        Raises:
            ShapeError: There are more frames than cuts.
        """
        cuts = self._first(len(points))
        across = (len(points), *[1] * (points.ndim - 2), 2)
        start = np.array([(cut.x0, cut.top) for cut in cuts], np.float64).reshape(across)
        return points_to_box(points, start, self._scales(len(points)).reshape(*across[:-1], 1))

    def move_vertices(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vertices (n, V, 3): x and y by the frame's cut, depth times its scale.

        Raises:
            ShapeError: There are more frames than cuts.
        """
        moved = self.move_points(vertices)
        moved[..., 2] *= self._scales(len(vertices)).astype(np.float32)[:, None]
        return moved

    def move_camera(self, camera: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cameras (n, 3), scale and offset x, y, each frame's by its own cut.

        Raises:
            ShapeError: There are more frames than cuts.
        """
        scale = camera[:, :1] * self._scales(len(camera)).astype(np.float32)[:, None]
        return np.concatenate([scale, self.move_points(camera[:, 1:])], axis=1)

    def to_attributes(self) -> dict[str, Json]:
        """A row a frame; ``crop_inside`` (x0, y0, width, height) is what was cut, without what is filled."""
        scales = self._scales(len(self.cuts))
        return {
            "crop_box": [[float(c.x0), float(c.top), float(c.side), float(c.side)] for c in self.cuts],
            "crop_inside": [
                [float(c.left), float(c.top), float(c.right - c.left), float(c.bottom - c.top)]
                for c in self.cuts
            ],
            "scale": [[float(scale), float(scale)] for scale in scales],
        }

    def _first(self, frames: int) -> tuple[Cut, ...]:
        """The cuts of the first `frames` frames.

        Raises:
            ShapeError: There are fewer.
        """
        if frames > len(self.cuts):
            raise ShapeError(f"expected at most {len(self.cuts)} frames, one for each cut, got {frames}")
        return self.cuts[:frames]

    def _scales(self, frames: int) -> NDArray[np.float64]:
        return np.array([self.size / cut.side for cut in self._first(frames)])

    def _move_frame(self, frame: Frames, cut: Cut) -> Frames:
        inside = frame[cut.top : cut.bottom, cut.left : cut.right]
        before = cut.left - cut.x0
        after = cut.side - inside.shape[1] - before
        square = np.pad(inside, ((0, 0), (before, after), (0, 0)), mode="edge")
        resized = cv2.resize(square, (self.size, self.size), interpolation=cv2.INTER_LINEAR)
        return resized.astype(np.uint8, copy=False)

    def _move_mask(self, mask: NDArray[np.bool_], cut: Cut) -> NDArray[np.bool_]:
        inside = mask[cut.top : cut.bottom, cut.left : cut.right, None].astype(np.uint8) * 255
        rows = axis_to_taps(0, cut.side, self.size, cut.side, repeat_edge=False)
        columns = axis_to_taps(
            cut.x0 - cut.left, cut.side, self.size, cut.right - cut.left, repeat_edge=False
        )
        return resample(inside, rows, columns)[..., 0] >= 128


def attributes_to_crop(attributes: Mapping[str, Json], raw_size: tuple[int, int], size: int) -> GrowingBox:
    """The cuts of `GrowingBox.to_attributes`.

    Raises:
        ValueError: One is empty, wider than high, or not within the raw frame.
    """
    height, width = raw_size
    cuts = []
    for row in cast("Sequence[Sequence[float]]", attributes["crop_inside"]):
        left, top, across, down = map(int, row)
        if not (0 <= left < left + across <= width and 0 <= top < top + down <= height and across <= down):
            raise ValueError(f"a cut of {across}×{down} pixels at {left}, {top}")
        cuts.append(Cut(left=left, top=top, right=left + across, bottom=top + down))
    return GrowingBox(cuts=tuple(cuts), size=size)


def growing_box(keypoints: NDArray[np.float32], raw_size: tuple[int, int], size: int) -> GrowingBox:
    """``bdmm-crop-v1``: in each frame, about all joints found in it and in the frames before.

    Of the box of these joints, the height is enlarged by 1.3 about the centre (floored to a whole pixel) and
    clipped to the frame; the width becomes the clipped height, about the centre, and is clipped. Where the
    frame's sides cut the width, two steps follow as published: the *height* is lengthened by what the width
    lacks (the published step takes the one for the other), then the width by what it lacks now; both are
    clipped to the frame. What still lacks to a square is filled at the left and at the right with the cut's
    outermost columns, even on a side where the frame has more. OpenCV's linear rule resizes it.

    It follows that a person in the middle of a large frame is cut as a square of 1.3 times the height, that
    one near a side or filling a portrait frame is cut larger and gets borders, and that the scale falls
    during the clip as the person moves.

    Not as published: (1) points move with the pixels, by (x − x0 + 0.5)·s − 0.5; the published keypoints are
    (x − x0)·s, and so lie (1 − s)/2 prepared pixels to the right of and below their joints' picture. (2)
    The published program leaves frames without a person out; here they are cut as the frame before, and those
    before the first person as the first with one. (3) It boxes joints that its own OpenPose found and a
    One-Euro filter smoothed; here the joints are those that the clip has, with any confidence above 0. (4) It
    drops frames whose head is small after fitting the body; a crop drops nothing. Not known: the versions of
    OpenCV and ffmpeg that made the published frames, and so whether theirs differ by a level here and there.

    Raises:
        PoseError: No joint was found in any frame, or those of the first frames span no height.

    Source:
        rocketappslab/bdmm, SMPLDataset/preprocess.py and human_cropper/cropper.py, which come from iPERCore.
    """
    boxes = _running_boxes(keypoints)
    cuts: list[Cut] = []
    for i, box in enumerate(boxes):
        same = i > 0 and np.array_equal(box, boxes[i - 1])
        cuts.append(cuts[-1] if same else _box_to_cut(box, raw_size, i))
    return GrowingBox(cuts=tuple(cuts), size=size)


def _running_boxes(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes (T, 4), x0, y0, x1, y1, of the joints found up to each frame.

    Raises:
        PoseError: No joint was found.
    """
    found = keypoints[..., 2:] > 0
    if not found.any():
        raise PoseError(
            "expected joints to find the person by, found none in any frame; estimate the poses again, or "
            "prepare with --crop full-v1"
        )
    low = np.where(found, keypoints[..., :2], np.inf).min(axis=1)
    high = np.where(found, keypoints[..., :2], -np.inf).max(axis=1)
    boxes = np.concatenate([np.minimum.accumulate(low), np.maximum.accumulate(high)], axis=1)
    first = int(np.argmax(found.any(axis=(1, 2))))
    boxes[:first] = boxes[first]
    return boxes.astype(np.float32)


def _box_to_cut(box: NDArray[np.float32], raw_size: tuple[int, int], frame: int) -> Cut:
    """The published steps; `frame` is its number, for the message.

    Raises:
        PoseError: The enlarged box is empty, or lies outside the frame.
    """
    height, width = raw_size
    x0, y0, x1, y1 = box
    half = float(y1 - y0) * ENLARGEMENT / 2
    centre_x, centre_y = float((x0 + x1) // 2), float((y0 + y1) // 2)
    top, bottom = max(0, int(centre_y - half)), min(height, int(centre_y + half))
    half = (bottom - top) / 2
    left, right = max(0, int(centre_x - half)), min(width, int(centre_x + half))
    if bottom <= top or right <= left:
        raise PoseError(
            f"expected the joints found up to frame {frame} to span some height within {width}×{height} "
            f"pixels, found a box from ({x0:.1f}, {y0:.1f}) to ({x1:.1f}, {y1:.1f}); estimate the poses "
            "again, or prepare with --crop clip-square-v1"
        )
    top, bottom = _lengthen(top, bottom, (bottom - top) - (right - left), height)
    left, right = _lengthen(left, right, (bottom - top) - (right - left), width)
    return Cut(left=left, top=top, right=right, bottom=bottom)


def _lengthen(start: int, stop: int, by: int, length: int) -> tuple[int, int]:
    """`start` … `stop`, longer by `by` on both sides together, within 0…`length`."""
    return max(0, start - by // 2), min(length, stop + by - by // 2)
