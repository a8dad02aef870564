"""SMPL parameters that datasets bring: read, brought to raw pixels, and made a mesh by a user's SMPL file.

Both datasets have 85 numbers a frame: a camera (s, tx, ty), 72 of pose and 10 of shape. The camera is a weak
perspective onto a square of sides [−1, 1]: x = s·(X + tx), y = s·(Y + ty), with y down, and pixel centres of
N pixels at (2i + 1 − N)/N. With centres at integers, then, X lands at s·N/2·(X + tx) + (N − 1)/2. Depth
grows away from the camera and is scaled alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vptbench.body.model import (
    BodyModel,
    body_to_keypoints,
    body_to_vertices,
    project,
    rotation_vectors_to_matrices,
)
from vptbench.body.smpl import JOINTS, SHAPES, SmplBody, to_world
from vptbench.clip import Mesh
from vptbench.errors import DatasetError
from vptbench.prepare.bdmm import read_kptsmpls
from vptbench.prepare.media import clip_to_pictures
from vptbench.prepare.rows import MadeRows
from vptbench.prepare.sources import RawClip
from vptbench.unpickle import read_pickle

Float = NDArray[np.float32]

POSE_SHAPE = "pose_shape.pkl"
"""iPER's file of a clip's parameters."""

POSE_SHAPE_KEYS = {"cams": 3, "pose": 3 * JOINTS, "shape": SHAPES}
"""Its arrays in the order in which they are joined; numbers a frame in each."""

CHUNK = 16
"""Frames whose vertices are made at once."""


@dataclass(frozen=True)
class SmplClip:
    """A clip's SMPL parameters, in raw pixels, and the body that they are for.

    Attributes:
        body: From the user's file.
        pose: float32 (T, 24, 3), rotation vectors of the joints, radians.
        shape: float32 (T, 10), frame by frame.
        camera: float32 (T, 3), pixels a metre, offset x, offset y; pixel centres at integers.
    """

    body: SmplBody
    pose: Float
    shape: Float
    camera: Float


def has_parameters(clip: RawClip) -> bool:
    """Whether the dataset brings SMPL parameters of the clip."""
    return clip.kptsmpls is not None or clip.smpl is not None


def check_parameters(clip: RawClip) -> None:
    """See that the dataset brings SMPL parameters of the clip.

    Raises:
        DatasetError: It does not.
    """
    if not has_parameters(clip):
        raise DatasetError(
            "expected SMPL parameters of the clip (kptsmpls/ of bdmm-preprocessed, or smpls/ of iper), found "
            "none; take --body fit or auto, and other --poses than smpl"
        )


def clip_to_smpl(clip: RawClip, body: SmplBody, frames: int, size: tuple[int, int]) -> SmplClip:
    """A clip's parameters: of BDMM's JSON, or of iPER's ``pose_shape.pkl``.

    Args:
        clip: It has one or the other.
        body: The body to pose.
        frames: T, the number of its frames.
        size: (H, W) of its frames.

    Raises:
        DatasetError: There are none, a file is missing or of another length, or its numbers are no cameras
            of such frames.
        PoseError: The JSON is malformed.
        PickleError: The pickle holds something else than arrays.
    """
    check_parameters(clip)
    if clip.smpl is not None:
        where, numbers = clip.smpl, read_pose_shape(clip.smpl / POSE_SHAPE, frames)
    elif clip.kptsmpls is not None:
        where, numbers = clip.kptsmpls, read_kptsmpls(clip.kptsmpls, clip_to_pictures(clip)).smpl
    return SmplClip(
        body=body,
        pose=numbers[:, 3:75].reshape(-1, JOINTS, 3),
        shape=numbers[:, 75:],
        camera=cameras_to_pixels(numbers[:, :3], size, where),
    )


def read_pose_shape(path: Path, frames: int) -> Float:
    """Parameters of a clip of iPER, float32 (T, 85): camera, pose, shape.

    Args:
        path: ``pose_shape.pkl``; nothing in it is run.
        frames: T; there must be as many rows.

    Raises:
        DatasetError: The file is missing, or its arrays are of other shapes or not finite.
        PickleError: It holds something else than arrays.
    """
    if not path.is_file():
        raise DatasetError(f"expected SMPL parameters in {path}, found none; restore the file")
    arrays = read_pickle(path, list(POSE_SHAPE_KEYS))
    for name, width in POSE_SHAPE_KEYS.items():
        array = arrays[name]
        if array.shape != (frames, width) or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise DatasetError(
                f"{path}: expected finite numbers of shape {(frames, width)} in {name}, one row for each "
                f"frame, found {array.dtype} {array.shape}; restore the clip, or prepare with --body fit"
            )
    return np.concatenate([arrays[name] for name in POSE_SHAPE_KEYS], axis=1).astype(np.float32)


def cameras_to_pixels(cameras: Float, size: tuple[int, int], where: Path) -> Float:
    """Cameras of a square [−1, 1]² as cameras in pixels of the frames.

    Both datasets have square pictures: BDMM's are cut to 256², iPER's are 1024² (HD) or 256², and its cameras
    speak of the whole picture, so that they hold at either size. No published file says what the square would
    be of pictures that are not square: those are refused.

    Args:
        cameras: float32 (T, 3): s, tx, ty.
        size: (H, W) of the frames.
        where: Their file, for messages.

    Returns:
        float32 (T, 3): pixels a metre, offset x, offset y (`model.project`).

    Raises:
        DatasetError: The frames are not square, or a scale is not positive.

    Source:
        rocketappslab/bdmm and svip-lab/impersonator (HMR's camera): x = s·(X + t), centres at (2i + 1 − N)/N.
    """
    height, width = size
    if height != width:
        raise DatasetError(
            f"{where}: expected square frames, of which alone its cameras speak, found {width}×{height}; "
            "prepare with --body fit"
        )
    if not (cameras[:, 0] > 0).all():
        raise DatasetError(
            f"{where}: expected cameras of positive scale, found {cameras[:, 0].min():g}; restore the clip, "
            "or prepare with --body fit"
        )
    exact = cameras.astype(np.float64)
    scale = exact[:, :1] * width / 2
    return np.concatenate([scale, scale * exact[:, 1:] + (width - 1) / 2], axis=1).astype(np.float32)


def smpl_to_mesh(clip: SmplClip) -> Mesh:
    """The posed mesh in raw pixels; its vertices are made when indexed.

    They are made in chunks, of which the last is kept: for a frame alone it takes five times as long.
    """
    frames = len(clip.pose)

    @lru_cache(maxsize=1)
    def chunk(number: int) -> Float:
        return smpl_to_vertices(clip, slice(number * CHUNK, (number + 1) * CHUNK))

    def make(rows: slice) -> Float:
        start, stop, _ = rows.indices(frames)
        first = start // CHUNK
        made = np.concatenate([chunk(number) for number in range(first, -(-stop // CHUNK))])
        return made[start - first * CHUNK : stop - first * CHUNK]

    rows = MadeRows((frames, *clip.body.model.rest.shape), make)
    return Mesh(vertices=rows, faces=clip.body.faces, joint_weights=clip.body.joint_weights)


def smpl_to_vertices(clip: SmplClip, rows: slice = slice(None)) -> Float:
    """The posed surface in some frames, float32 (n, V, 3): x, y and depth in raw pixels."""
    return _posed(clip, body_to_vertices, rows)


def smpl_to_keypoints(clip: SmplClip) -> Float:
    """The posed body's BODY_25 joints, float32 (T, 25, 3): x and y in raw pixels, confidence 1.

    On another surface than SMPL's own, face and feet are missing: (NaN, NaN, 0).
    """
    keypoints = _posed(clip, body_to_keypoints, slice(None))
    there = np.isfinite(keypoints).all(axis=-1)
    keypoints[..., 2] = 1
    keypoints[~there] = (np.nan, np.nan, 0)
    return keypoints


def _posed(clip: SmplClip, make: Callable[[BodyModel, Tensor, Tensor], Tensor], rows: slice) -> Float:
    """What `make` makes of the body in some frames, projected: float32 (n, N, 3)."""
    pose, shape, camera = (torch.from_numpy(part[rows]) for part in (clip.pose, clip.shape, clip.camera))
    chunks = []
    for first in range(0, len(pose), CHUNK):
        part = slice(first, first + CHUNK)
        points = to_world(make(clip.body.model, rotation_vectors_to_matrices(pose[part]), shape[part]))
        chunks.append(project(points, camera[part, 0], camera[part, 1:]).numpy())
    return np.concatenate(chunks)
