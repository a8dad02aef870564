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
    true place: it stays as it last stood to its holder, the nearest of its ancestors (`PARENTS`) that is
    among the noisy keypoints, or without any the nearest other joint, in the last earlier frame in which both
    were there, else in the next later one; where there is no such frame it moves as the holder does. A joint
    that the clean keypoints lack moves as its nearest relative that they have. Where nobody is left, nothing
    moves.

    Args:
        clean: float32 (T, 25, 3), the keypoints that the mesh belongs to.
        noisy: float32 (T, 25, 3), those that it shall follow.
        rows: intp (T,), the clean frame whose mesh each frame's mesh starts from.

    Returns:
        float64 (T, 25, 2), pixels; finite.
    """
    start, place = clean[rows, :, :2].astype(np.float64), noisy[..., :2].astype(np.float64)
    known, there = (np.isfinite(points.sum(axis=-1)) for points in (start, place))
    direct = place - start  # NaN where either lacks the joint
    shifts = np.where(np.isfinite(direct), direct, 0)
    for joint in range(len(PARENTS)):
        lost = known[:, joint] & ~there[:, joint]
        for holder in RELATIVES[joint] if lost.any() else ():
            offset = _last_offset(place, there, joint, holder)
            kept = place[:, holder] + offset - start[:, joint]
            guess = np.where(np.isfinite(offset), kept, direct[:, holder])
            held = lost & there[:, holder] & np.isfinite(guess).all(axis=-1)
            shifts[held, joint] = guess[held]
            lost &= ~held
    for joint in range(len(PARENTS)):
        unknown = ~known[:, joint]
        for relative in RELATIVES[joint] if unknown.any() else ():
            taken = unknown & known[:, relative]
            shifts[taken, joint] = shifts[taken, relative]
            unknown &= ~taken
    return shifts


def _relatives(joint: int) -> tuple[int, ...]:
    """All other joints: those that it hangs from, nearest first, then the others, by distance in bones."""
    chain = _chain(joint)
    others = set(range(len(PARENTS))) - set(chain)
    return (*chain[1:], *sorted(others, key=lambda other: (len({*chain} ^ {*_chain(other)}), other)))


def _chain(joint: int) -> list[int]:
    """A joint and those that it hangs from, up to the middle of the hips."""
    chain = [joint]
    while PARENTS[chain[-1]] >= 0:
        chain.append(PARENTS[chain[-1]])
    return chain


RELATIVES = tuple(_relatives(joint) for joint in range(len(PARENTS)))
"""For each joint the others, in the order in which they may hold it."""


def _last_offset(place: Float, there: Flags, joint: int, holder: int) -> Float:
    """Vector (T, 2) from holder to joint when both were last there, else when they next are, or NaN."""
    frames = np.arange(len(place))
    both = there[:, joint] & there[:, holder]
    last = np.maximum.accumulate(np.where(both, frames, -1))
    following = np.minimum.accumulate(np.where(both, frames, len(place))[::-1])[::-1]
    frame = np.where(last >= 0, last, following)
    vectors = np.append(place[:, joint] - place[:, holder], [[np.nan, np.nan]], axis=0)
    offset: Float = vectors[frame]
    return offset
