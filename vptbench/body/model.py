"""Pose, shape and camera to vertices and BODY_25 joints, in torch, differentiable.

A body has J joints: the shipped one 18, SMPL 24 (`smpl.py`). Rotations are about the world's axes in the
rest pose: a joint's global rotation is its parent's times its own, about its head. Cameras are weak
perspectives: a scale in pixels a metre, and an offset.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vptbench.body.asset import BodyAsset, load_body
from vptbench.errors import ShapeError

SMALL_ANGLE = 1e-4
"""Below this angle (radians) sin θ/θ and (1 − cos θ)/θ² are replaced by their series."""


@dataclass(frozen=True)
class BodyModel:
    """A body as tensors of one device and dtype; most fields are those of `BodyAsset`.

    Attributes:
        rest: (V, 3) metres.
        shape_directions: (S, V, 3).
        skin_weights: (V, J).
        joint_heads: (J, 3).
        joint_head_directions: (S, J, 3).
        keypoint_table: (25, J, 4); NaN where the body does not know a joint of BODY_25.
        keypoint_table_directions: (S, 25, J, 3).
        parents: For each joint its parent, −1 for the root; parents come first.
        pose_directions: (9(J − 1), V, 3) metres, what bending does to the rest pose before it is skinned: one
            row for each number of R − 1 of each joint but the root, row by row; None: nothing.
        keypoint_table_pose_directions: (9(J − 1), 25, J, 3), what it does to the table's first three columns.
    """

    rest: Tensor
    shape_directions: Tensor
    skin_weights: Tensor
    joint_heads: Tensor
    joint_head_directions: Tensor
    keypoint_table: Tensor
    keypoint_table_directions: Tensor
    parents: tuple[int, ...]
    pose_directions: Tensor | None = None
    keypoint_table_pose_directions: Tensor | None = None

    @classmethod
    def load(cls, device: str = "cpu", dtype: torch.dtype = torch.float32) -> "BodyModel":
        """The shipped body."""
        return cls.from_asset(load_body(), device, dtype)

    @classmethod
    def from_asset(
        cls, asset: BodyAsset, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> "BodyModel":
        """The given body."""

        def tensor(array: NDArray[np.float32]) -> Tensor:
            return torch.tensor(array, dtype=dtype, device=device)

        return cls(
            rest=tensor(asset.rest),
            shape_directions=tensor(asset.shape_directions),
            skin_weights=tensor(asset.skin_weights),
            joint_heads=tensor(asset.joint_heads),
            joint_head_directions=tensor(asset.joint_head_directions),
            keypoint_table=tensor(asset.keypoint_table),
            keypoint_table_directions=tensor(asset.keypoint_table_directions),
            parents=tuple(int(parent) for parent in asset.parents),
        )


def rotation_vectors_to_matrices(vectors: Tensor) -> Tensor:
    """Rotation vectors (axis times angle in radians) (…, 3) to matrices (…, 3, 3).

    Values and gradients are finite everywhere, also at zero.

    Source:
        Rodrigues: R = I + (sin θ/θ) K + ((1 − cos θ)/θ²) K², K the vector's cross matrix, θ its length.
    """
    square = (vectors * vectors).sum(-1, keepdim=True)[..., None]
    small = square < SMALL_ANGLE**2
    angle = torch.where(small, torch.ones_like(square), square).sqrt()
    first = torch.where(small, 1 - square / 6, torch.sin(angle) / angle)
    second = torch.where(small, 0.5 - square / 24, 2 * (torch.sin(angle / 2) / angle) ** 2)
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    return torch.eye(3, dtype=vectors.dtype, device=vectors.device) + first * cross + second * (cross @ cross)


def pose_to_transforms(body: BodyModel, rotations: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
    """Each joint's transform of points of the rest pose, x ↦ R x + t.

    Args:
        body: The body.
        rotations: (T, J, 3, 3), each joint's own rotation.
        shape: (S,) or (T, S), in standard deviations.

    Returns:
        R (T, J, 3, 3) and t (T, J, 3) in metres.

    Raises:
        ShapeError: The shapes do not fit the body.
    """
    _check_pose(body, rotations, shape)
    heads = body.joint_heads + torch.einsum("...s,sfc->...fc", shape, body.joint_head_directions)
    own_shift = heads - (rotations @ heads[..., None])[..., 0]
    turns: list[Tensor] = []
    shifts: list[Tensor] = []
    for joint, parent in enumerate(body.parents):
        turn, shift = rotations[:, joint], own_shift[:, joint]
        if parent >= 0:
            turn, shift = turns[parent] @ turn, (turns[parent] @ shift[..., None])[..., 0] + shifts[parent]
        turns.append(turn)
        shifts.append(shift)
    return torch.stack(turns, 1), torch.stack(shifts, 1)


def body_to_vertices(body: BodyModel, rotations: Tensor, shape: Tensor) -> Tensor:
    """The skinned surface, (T, V, 3) metres.

    Args:
        body: The body.
        rotations: (T, J, 3, 3), each joint's own rotation.
        shape: (S,) or (T, S), in standard deviations.

    Raises:
        ShapeError: The shapes do not fit the body.

    Source:
        Linear blend skinning: v' = Σ_f w_vf (R_f v + t_f), v moved by shape and pose: SMPL (2015),
        equations 2 to 10.
    """
    turns, shifts = pose_to_transforms(body, rotations, shape)
    rest = body.rest + torch.einsum("...s,svc->...vc", shape, body.shape_directions)
    if body.pose_directions is not None:
        rest = rest + torch.einsum("tp,pvc->tvc", _bending(rotations), body.pose_directions)
    mixed = torch.einsum("vf,tfk->tvk", body.skin_weights, torch.cat([turns.flatten(2), shifts], -1))
    turn = mixed[..., :9].reshape(*mixed.shape[:2], 3, 3)
    return (turn @ rest[..., None])[..., 0] + mixed[..., 9:]


def body_to_keypoints(body: BodyModel, rotations: Tensor, shape: Tensor) -> Tensor:
    """The BODY_25 joints, (T, 25, 3) metres: what regression on the full body's skinned vertices gives.

    Args:
        body: The body.
        rotations: (T, J, 3, 3), each joint's own rotation.
        shape: (S,) or (T, S), in standard deviations.

    Raises:
        ShapeError: The shapes do not fit the body.
    """
    turns, shifts = pose_to_transforms(body, rotations, shape)
    places = body.keypoint_table[..., :3] + torch.einsum(
        "...s,sjfc->...jfc", shape, body.keypoint_table_directions
    )
    if body.keypoint_table_pose_directions is not None:
        bent = torch.einsum("tp,pjfc->tjfc", _bending(rotations), body.keypoint_table_pose_directions)
        places = places + bent
    turned = torch.einsum("tfab,tjfb->tja", turns, places.expand(len(turns), -1, -1, -1))
    return turned + torch.einsum("jf,tfa->tja", body.keypoint_table[..., 3], shifts)


def transforms_to_keypoints(body: BodyModel, turns: Tensor, shifts: Tensor, shape: Tensor) -> Tensor:
    """`body_to_keypoints` from transforms that are there already, for one shape: a single matrix product.

    For bodies whose rest pose does not change with bending, as the shipped one.

    Args:
        body: The body.
        turns: (T, J, 3, 3), R of `pose_to_transforms`.
        shifts: (T, J, 3), its t.
        shape: (S,), in standard deviations.

    Returns:
        (T, 25, 3) metres; equal to `body_to_keypoints` but for rounding.
    """
    places = body.keypoint_table[..., :3] + torch.einsum("s,sjfc->jfc", shape, body.keypoint_table_directions)
    table = torch.cat([places, body.keypoint_table[..., 3:]], -1).flatten(1)
    columns = torch.cat([turns, shifts[..., None]], -1).transpose(1, 2).flatten(2)
    return (columns @ table.T).transpose(1, 2)


def project(points: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """Points in metres to pixels and depth, by a weak perspective.

    Args:
        points: (T, N, 3) metres.
        scale: (T,) pixels a metre.
        offset: (T, 2) pixels, where the origin lands.

    Returns:
        (T, N, 3): x = scale·X + offset_x, y = −scale·Z + offset_y, depth = scale·Y (smaller is nearer), in
        pixels with pixel centres at integers.
    """
    flat = torch.stack([points[..., 0], -points[..., 2], points[..., 1]], -1) * scale[:, None, None]
    return flat + torch.nn.functional.pad(offset, (0, 1))[:, None]


def _bending(rotations: Tensor) -> Tensor:
    """R − 1 of each joint but the root, (T, 9(J − 1))."""
    still = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return (rotations[:, 1:] - still).flatten(1)


def _check_pose(body: BodyModel, rotations: Tensor, shape: Tensor) -> None:
    joints, shapes = len(body.parents), len(body.shape_directions)
    frames = rotations.shape[0] if rotations.ndim else 0
    if tuple(rotations.shape) != (frames, joints, 3, 3):
        raise ShapeError(f"rotations: expected (T, {joints}, 3, 3), found {tuple(rotations.shape)}")
    if tuple(shape.shape) not in {(shapes,), (frames, shapes)}:
        raise ShapeError(f"shape: expected ({shapes},) or ({frames}, {shapes}), found {tuple(shape.shape)}")
