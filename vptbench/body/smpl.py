"""A user's own SMPL file as a body for `model.py`; nothing of SMPL is shipped here.

Axes of SMPL's cameras: x to the right of the picture, y down, z away from the camera, metres; `to_world`
turns them to those of `model.project`. SMPL's joints turn about axes that in the rest pose are the world's.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vptbench.body.model import BodyModel
from vptbench.errors import BodyError
from vptbench.manifest import file_to_sha256
from vptbench.skeleton import BODY_25
from vptbench.unpickle import read_pickle

Float = NDArray[np.float64]

JOINTS, SHAPES, BENDINGS = 24, 10, 9 * 23
"""Joints; numbers of shape that are used, further ones are ignored; numbers that pose blend shapes follow."""

AXES: Mapping[str, tuple[str | int, ...]] = {
    "v_template": ("V", 3),
    "shapedirs": ("V", 3, "S"),
    "posedirs": ("V", 3, BENDINGS),
    "J_regressor": (JOINTS, "V"),
    "weights": ("V", JOINTS),
    "kintree_table": (2, JOINTS),
    "f": ("F", 3),
}
"""Arrays of the file that are read, and their axes."""

WHOLE = ("kintree_table", "f")
"""Those that hold integers."""

JOINT_TO_BODY_25 = (
    "MidHip", "LHip", "RHip", "MidHip", "LKnee", "RKnee", "Neck", "LAnkle", "RAnkle", "Neck", "LBigToe",
    "RBigToe", "Neck", "LShoulder", "RShoulder", "Nose", "LShoulder", "RShoulder", "LElbow", "RElbow",
    "LWrist", "RWrist", "LWrist", "RWrist",
)  # fmt: skip
"""For each joint of SMPL (pelvis, hips, spine 1, knees, spine 2, ankles, spine 3, feet, neck, collars, head,
shoulders, elbows, wrists, hands; left before right) the joint of BODY_25 that its skin follows."""

KEYPOINT_JOINTS = {
    "Neck": 12, "RShoulder": 17, "RElbow": 19, "RWrist": 21, "LShoulder": 16, "LElbow": 18, "LWrist": 20,
    "MidHip": 0, "RHip": 2, "RKnee": 5, "RAnkle": 8, "LHip": 1, "LKnee": 4, "LAnkle": 7,
}  # fmt: skip
"""Joints of BODY_25 that are joints of SMPL. Source: vchoutas/smplx, its map from SMPL to BODY_25."""

KEYPOINT_VERTICES = {
    "Nose": 332, "REye": 6260, "LEye": 2800, "REar": 4071, "LEar": 583, "LBigToe": 3216, "LSmallToe": 3226,
    "LHeel": 3387, "RBigToe": 6617, "RSmallToe": 6624, "RHeel": 6787,
}  # fmt: skip
"""Joints of BODY_25 that are vertices of SMPL's own surface. Source: vchoutas/smplx, vertex_ids.py."""

NPZ_DAMAGE = (
    OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading a damaged or foreign ``.npz`` raises."""

VERTICES = 6890
"""Of SMPL's own surface; on another one the joints of `KEYPOINT_VERTICES` are not known."""


@dataclass(frozen=True)
class SmplBody:
    """A body from an SMPL file.

    Attributes:
        name: ``smpl:`` and the first 12 digits of the file's SHA-256.
        sha256: Of the file.
        model: 24 joints, 10 numbers of shape, pose blend shapes; axes as the file has them.
        faces: int32 (F, 3).
        joint_weights: float32 (V, 25), how much each vertex follows each BODY_25 joint; rows sum to 1.
    """

    name: str
    sha256: str
    model: BodyModel
    faces: NDArray[np.int32]
    joint_weights: NDArray[np.float32]


@lru_cache(maxsize=1)
def load_smpl(path: Path) -> SmplBody:
    """`read_smpl`, once in a process."""
    return read_smpl(path)


def read_smpl(path: Path, dtype: torch.dtype = torch.float32) -> SmplBody:
    """Read an SMPL file: a pickle as published (SMPL, SPIN, HMR), or an ``.npz`` with the same arrays.

    Args:
        path: The file; nothing in it is run (`unpickle.py`).
        dtype: Of the model's tensors.

    Raises:
        BodyError: It is missing, damaged, or not of SMPL's kind.
        PickleError: It is no pickle of arrays.
    """
    if not path.is_file():
        raise BodyError(
            f"expected an SMPL model file at {path}, found none; get one from https://smpl.is.tue.mpg.de and "
            "check the path"
        )
    found = _read_npz(path) if path.suffix == ".npz" else read_pickle(path, list(AXES))
    problems = _arrays_to_problems(found)
    if problems:
        raise BodyError(f"{path}: {'; '.join(problems)}; give an SMPL model file (24 joints)")
    arrays = {name: array.astype(np.float64) for name, array in found.items()}
    sha256 = file_to_sha256(path)
    return SmplBody(
        name=f"smpl:{sha256[:12]}",
        sha256=sha256,
        model=_arrays_to_model(arrays, dtype),
        faces=arrays["f"].astype(np.int32),
        joint_weights=_skin_to_joint_weights(arrays["weights"]),
    )


def to_world(points: Tensor) -> Tensor:
    """Points (…, 3) in SMPL's camera axes (right, down, away) in those of `model.project` (left, back, up).

    The person's left is the picture's right where they face the camera, so that x stays.
    """
    x, y, z = points.unbind(-1)
    return torch.stack([x, z, -y], -1)


def _read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an ``.npz``.

    Raises:
        BodyError: It is damaged, or lacks one.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in AXES}
    except NPZ_DAMAGE as error:
        raise BodyError(
            f"{path}: expected an .npz with the arrays {', '.join(AXES)}, found something else "
            f"({type(error).__name__}: {error}); get the file anew"
        ) from error


def _arrays_to_problems(arrays: Mapping[str, NDArray[np.generic]]) -> list[str]:
    """What does not fit `AXES`, in words, then what the numbers are not."""
    problems: list[str] = []
    sizes: dict[str, int] = {}
    for name, axes in AXES.items():
        shape = arrays[name].shape
        known = dict(zip(axes, shape, strict=False)) | sizes
        expected = tuple(known.get(axis, axis) if isinstance(axis, str) else axis for axis in axes)
        if shape != expected:
            problems.append(f"{name}: expected shape {expected}, found {shape}")
        elif not _is_good(arrays[name], whole=name in WHOLE):
            problems.append(
                f"{name}: expected finite {'whole ' if name in WHOLE else ''}numbers, found others"
            )
        else:
            sizes = {axis: size for axis, size in known.items() if isinstance(axis, str)}
    if problems:
        return problems
    if sizes["S"] < SHAPES:
        problems.append(f"shapedirs: expected at least {SHAPES} shapes, found {sizes['S']}")
    parents = _parents(arrays["kintree_table"])
    if any(not 0 <= parent < joint for joint, parent in enumerate(parents[1:], 1)):
        problems.append("kintree_table: expected parents before their children, found another order")
    faces = arrays["f"]
    if not faces.size or not 0 <= int(faces.min()) <= int(faces.max()) < sizes["V"]:
        problems.append(f"f: expected vertex numbers below {sizes['V']}, found others or none")
    if (arrays["weights"].astype(np.float64) < 0).any() or not np.allclose(
        arrays["weights"].astype(np.float64).sum(1), 1, atol=1e-3
    ):
        problems.append("weights: expected rows from 0 that sum to 1, found others")
    return problems


def _is_good(array: NDArray[np.generic], *, whole: bool) -> bool:
    """Whether all are numbers that float32 holds, and integers where they must be."""
    if array.dtype.kind not in ("iu" if whole else "iuf"):
        return False
    largest = np.abs(array.astype(np.float64)).max(initial=0.0)
    return bool(largest < np.finfo(np.float32).max)


def _parents(table: NDArray[np.generic]) -> tuple[int, ...]:
    """Parent of each joint, −1 for the root, whose own stands as −1 or as the largest of 32 bits."""
    return (-1, *(int(parent) for parent in table[0].astype(np.int64)[1:]))


def _arrays_to_model(arrays: Mapping[str, Float], dtype: torch.dtype) -> BodyModel:
    """The body of checked arrays.

    Source:
        SMPL (2015), equation 10: joints are regressed from the shaped, unposed vertices.
    """
    rest, regressor = arrays["v_template"], arrays["J_regressor"]
    shapes = arrays["shapedirs"][..., :SHAPES].transpose(2, 0, 1)
    bendings = arrays["posedirs"].transpose(2, 0, 1)
    parts = {
        "rest": rest,
        "shape_directions": shapes,
        "skin_weights": arrays["weights"],
        "joint_heads": regressor @ rest,
        "joint_head_directions": regressor @ shapes,
        "pose_directions": bendings,
    }
    parts |= _keypoint_tables(parts)
    tensors = {name: torch.tensor(array, dtype=dtype) for name, array in parts.items()}
    return BodyModel(**tensors, parents=_parents(arrays["kintree_table"]))


def _keypoint_tables(parts: Mapping[str, Float]) -> dict[str, Float]:
    """BODY_25 from joints and vertices, folded as `BodyAsset.keypoint_table` says."""
    rest, skin = parts["rest"], parts["skin_weights"]
    table = np.full((len(BODY_25), JOINTS, 4), np.nan)
    shapes = np.zeros((SHAPES, len(BODY_25), JOINTS, 3))
    bendings = np.zeros((BENDINGS, len(BODY_25), JOINTS, 3))
    for name, joint in KEYPOINT_JOINTS.items():
        row = BODY_25.index(name)
        table[row] = 0
        table[row, joint] = (*parts["joint_heads"][joint], 1)
        shapes[:, row, joint] = parts["joint_head_directions"][:, joint]
    for name, vertex in KEYPOINT_VERTICES.items() if len(rest) == VERTICES else ():
        row, weights = BODY_25.index(name), skin[vertex][:, None]
        table[row] = weights * (*rest[vertex], 1)
        shapes[:, row] = weights * parts["shape_directions"][:, vertex][:, None]
        bendings[:, row] = weights * parts["pose_directions"][:, vertex][:, None]
    return {
        "keypoint_table": table,
        "keypoint_table_directions": shapes,
        "keypoint_table_pose_directions": bendings,
    }


def _skin_to_joint_weights(skin: Float) -> NDArray[np.float32]:
    fold = np.array([[name == followed for name in BODY_25] for followed in JOINT_TO_BODY_25], np.float64)
    weights = skin @ fold
    rows: NDArray[np.float32] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return rows
