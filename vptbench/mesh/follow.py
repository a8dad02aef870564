"""A projected mesh that follows its keypoints where these are moved."""

import numpy as np
from numpy.typing import NDArray

from vptbench.skeleton import PARENTS

Float = NDArray[np.float64]
Flags = NDArray[np.bool_]


def move_vertices(
    vertices: NDArray[np.float32], joint_weights: NDArray[np.float32], shifts: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Move each vertex as far as the joints that it follows, weighted.

    Args:
        vertices: float32 (V, 3): x, y and depth, pixels.
        joint_weights: float32 (V, 25), rows sum to 1.
        shifts: (25, 2), how far each joint was moved, pixels; finite.

    Returns:
        float32 (V, 3), the depth as it was.
    """
    moved = vertices.copy()
    moved[:, :2] += (joint_weights.astype(np.float64) @ shifts).astype(np.float32)
    return moved


def keypoints_to_shifts(
    clean: NDArray[np.float32], noisy: NDArray[np.float32], rows: NDArray[np.intp]
) -> Float:
    """How far each joint of a clip's mesh moves when other keypoints take the place of its own.

    A joint that both have goes where it was moved. One that only the clean keypoints have must not tell its
    true place: it stays as it last stood to its nearest ancestor (`PARENTS`) among the noisy keypoints, in
    the last earlier frame in which both were there, else in the next later one; where there is no such frame
    it moves as that ancestor does. A joint that the clean keypoints lack moves as its parent does. Where no
    ancestor is left, nothing says where to go, and the joint stays.

    Args:
        clean: float32 (T, 25, 3), the keypoints that the mesh belongs to.
        noisy: float32 (T, 25, 3), those that it shall follow.
        rows: intp (T,), the clean frame whose mesh each frame's mesh starts from.

    Returns:
        float64 (T, 25, 2), pixels; finite.
    """
    start, place = clean[rows, :, :2].astype(np.float64), noisy[..., :2].astype(np.float64)
    known, there = (np.isfinite(points.sum(axis=-1)) for points in (start, place))
    shifts = np.zeros_like(place)
    for joint in sorted(range(len(PARENTS)), key=lambda joint: len(_ancestors(joint))):
        to_place = known[:, joint] & ~there[:, joint]
        for ancestor in _ancestors(joint):
            held = to_place & there[:, ancestor]
            offset = _last_offset(place, there, joint, ancestor)
            kept = place[:, ancestor] + offset - start[:, joint]
            shifts[held, joint] = np.where(np.isfinite(offset), kept, shifts[:, ancestor])[held]
            to_place &= ~held
        both = known[:, joint] & there[:, joint]
        shifts[both, joint] = (place - start)[both, joint]
        if PARENTS[joint] >= 0:
            shifts[~known[:, joint], joint] = shifts[~known[:, joint], PARENTS[joint]]
    return shifts


def _ancestors(joint: int) -> list[int]:
    """The joints that a joint hangs from, nearest first."""
    chain = []
    while PARENTS[joint] >= 0:
        joint = PARENTS[joint]
        chain.append(joint)
    return chain


def _last_offset(place: Float, there: Flags, joint: int, ancestor: int) -> Float:
    """Vector (T, 2) from ancestor to joint when both were last there, else when they next are, or NaN."""
    frames = np.arange(len(place))
    both = there[:, joint] & there[:, ancestor]
    last = np.maximum.accumulate(np.where(both, frames, -1))
    following = np.minimum.accumulate(np.where(both, frames, len(place))[::-1])[::-1]
    frame = np.where(last >= 0, last, following)
    vectors = np.append(place[:, joint] - place[:, ancestor], [[np.nan, np.nan]], axis=0)
    offset: Float = vectors[frame]
    return offset
