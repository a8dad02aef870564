"""The crop of GFLA's preparation: none; the whole frame is pressed into the square."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vptbench.clip import Frames
from vptbench.manifest import Json
from vptbench.prepare.crop import points_to_box
from vptbench.prepare.resample import axis_to_taps, resample


@dataclass(frozen=True)
class Squash:
    """The whole frame resized to a square whatever its shape: a `crop.Crop`, the same for all frames.

    Attributes:
        height: Of the raw frames, pixels.
        width: Of the raw frames, pixels.
        size: Width and height after resizing, pixels.
    """

    height: int
    width: int
    size: int

    @property
    def scale(self) -> tuple[float, float]:
        """Prepared pixels per raw pixel (x, y)."""
        return self.size / self.width, self.size / self.height

    def at(self, first: int) -> Self:  # noqa: ARG002 - as all crops
        """Itself."""
        return self

    def move_frames(self, frames: Frames) -> Frames:
        """Frames uint8 (n, H, W, 3) to (n, size, size, 3), by Pillow's bicubic rule (it averages)."""
        size = (self.size, self.size)
        pictures = (Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC) for frame in frames)
        return np.stack([np.asarray(picture) for picture in pictures])

    def move_masks(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Masks bool (n, H, W) to (n, size, size): true where at least half of a new pixel was."""
        rows = axis_to_taps(0, self.height, self.size, self.height, repeat_edge=True)
        columns = axis_to_taps(0, self.width, self.size, self.width, repeat_edge=True)
        whole = masks[..., None].astype(np.uint8) * 255
        return np.stack([resample(mask, rows, columns)[..., 0] for mask in whole]) >= 128

    def move_points(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (…, 2 or more), x and y first, each axis by its scale; further columns are kept."""
        return points_to_box(points, (0, 0), self.scale)

    def move_vertices(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vertices (…, 3): x and y by their scales, depth times the scales' geometric mean."""
        moved = self.move_points(vertices)
        moved[..., 2] *= np.float32(np.sqrt(np.prod(self.scale)))
        return moved

    def move_camera(self, camera: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cameras (n, 3), scale and offset x, y, to (n, 4): scale of x, offset x, offset y, scale of y.

        No camera of one scale sees a person who is pressed.
        """
        offset = self.move_points(camera[..., 1:])
        across, down = (camera[..., :1] * np.float32(scale) for scale in self.scale)
        return np.concatenate([across, offset, down], axis=-1)

    def to_attributes(self) -> dict[str, Json]:
        """One row each; the scale differs by axis."""
        return {"crop_box": [0.0, 0.0, float(self.width), float(self.height)], "scale": list(self.scale)}


def attributes_to_crop(
    attributes: Mapping[str, Json],  # noqa: ARG001 - as all crops
    raw_size: tuple[int, int],
    size: int,
) -> Squash:
    """The squash of the raw frame, which depends on nothing else."""
    height, width = raw_size
    return Squash(height=height, width=width, size=size)


def squash(
    keypoints: NDArray[np.float32],  # noqa: ARG001 - as all crops
    raw_size: tuple[int, int],
    size: int,
) -> Squash:
    """``gfla-squash-v1``: the whole frame, its aspect ratio not kept, by Pillow's bicubic resize.

    The published frames begin at the video's first and are as many as the published poses of that video;
    which frames a clip has is not the crop's matter. They were decoded by scikit-video, whose colours may
    differ by a level.

    Source:
        RenYurui/Global-Flow-Local-Attention, script/extract_video_frames.py.
    """
    height, width = raw_size
    return Squash(height=height, width=width, size=size)
