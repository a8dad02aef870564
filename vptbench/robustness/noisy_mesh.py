"""The mesh of noisy poses: that of the clean ones, moved with the keypoints, row by row when it is read."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Mesh
from vptbench.mesh.follow import keypoints_to_shifts, move_vertices
from vptbench.prepare.rows import MadeRows
from vptbench.robustness.corruptions import NoisyPoses


def noisy_to_mesh(
    mesh: Mesh, keypoints: NDArray[np.float32], noisy: NoisyPoses, fixed: Collection[int]
) -> Mesh:
    """The mesh that belongs to noisy poses.

    Args:
        mesh: Of the clean clip; its vertices are read a frame at a time.
        keypoints: float32 (T, 25, 3), clean.
        noisy: What became of them.
        fixed: Numbers of frames whose mesh stays as it is, bit for bit.

    Returns:
        T rows of vertices that are made when they are read; NaN where the clean mesh is, and where all joints
        went missing: there is no body where nobody is.
    """
    shifts = keypoints_to_shifts(keypoints, noisy.keypoints, noisy.rows)
    shifts[list(fixed)] = 0
    topology = mesh.vertices.shape[1:]
    found = (keypoints[noisy.rows, :, 2] > 0).any(axis=1)
    nobody = np.asarray(found & ~(noisy.keypoints[..., 2] > 0).any(axis=1))

    def make_row(t: int) -> NDArray[np.float32]:
        if nobody[t]:
            return np.full(topology, np.nan, np.float32)
        vertices = np.asarray(mesh.vertices[int(noisy.rows[t])], np.float32)
        return _moved(vertices, mesh.joint_weights, shifts[t])

    def make(span: slice) -> NDArray[np.float32]:
        rows = [make_row(t) for t in range(*span.indices(len(shifts)))]
        return np.array(rows, np.float32).reshape(-1, *topology)

    return Mesh(MadeRows((len(shifts), *topology), make), mesh.faces, mesh.joint_weights)


def meshes_to_distance(clean: Mesh, noisy: Mesh, left_out: Collection[int]) -> tuple[float, int]:
    """How far vertices moved in x and y, summed over frames but those left out, pixels; and their number."""
    total, count = 0.0, 0
    for row in range(clean.vertices.shape[0]):
        if row in left_out:
            continue
        steps = np.asarray(noisy.vertices[row], np.float64) - np.asarray(clean.vertices[row], np.float64)
        lengths = np.linalg.norm(steps[:, :2], axis=1)
        lengths = lengths[np.isfinite(lengths)]  # none where nobody is
        total, count = total + float(lengths.sum()), count + len(lengths)
    return total, count


def _moved(
    vertices: NDArray[np.float32], joint_weights: NDArray[np.float32], shifts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """As `move_vertices`; bit for bit the same vertices where nothing moves (adding 0 changes −0)."""
    return move_vertices(vertices, joint_weights, shifts) if shifts.any() else vertices
