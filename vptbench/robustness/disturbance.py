"""How far noisy poses are from the clean ones: what a corruption really did, by clip and over clips."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 0.05
"""How far from its place a joint may be and still be right, in larger sides of the box around the joints."""


@dataclass(frozen=True)
class Disturbance:
    """Distance of noisy poses from the clean ones; `config.config_to_json` and back.

    Attributes:
        mean_px: Mean distance of the joints that both have, pixels of the frames; 0 where there are none.
        pck: Share of the clean joints that are there and at most `NEAR` away; 1 where there are none.
        missing: Share of the clean joints that the noisy poses lack.
        mesh_px: Mean distance of the vertices from their clean places, pixels; None without mesh.
        joints: Clean joints that were counted, over all frames.
        vertices: Vertices that were counted, over all frames.
    """

    mean_px: float
    pck: float
    missing: float
    mesh_px: float | None
    joints: int
    vertices: int


def poses_to_disturbance(
    clean_keypoints: NDArray[np.float32], noisy_keypoints: NDArray[np.float32], *,
    left_out: Collection[int], mesh: tuple[float, int] | None,
) -> Disturbance:  # fmt: skip
    """The disturbance of one clip.

    Args:
        clean_keypoints: float32 (T, 25, 3).
        noisy_keypoints: float32 (T, 25, 3).
        left_out: Numbers of frames that are not counted, such as the source frame's.
        mesh: Distances of the vertices summed over frames, pixels, and how many they are; None without mesh.

    Source:
        PCK: Yang and Ramanan, "Articulated Human Detection with Flexible Mixtures of Parts", TPAMI 2013,
        with 0.05 instead of 0.1 of the larger side of the person's box.
    """
    frames = np.setdiff1d(np.arange(len(clean_keypoints)), list(left_out))
    clean, noisy = (
        keypoints[frames, :, :2].astype(np.float64) for keypoints in (clean_keypoints, noisy_keypoints)
    )
    counted = np.isfinite(clean.sum(axis=-1))
    distances = np.linalg.norm(noisy - clean, axis=-1)  # NaN where either lacks the joint
    both = np.isfinite(distances)
    low, high = (
        fold(np.where(counted[..., None], clean, empty), axis=1)
        for fold, empty in ((np.min, np.inf), (np.max, -np.inf))
    )
    side = (high - low).max(axis=-1, initial=-np.inf)
    near = distances <= NEAR * side[:, None]
    joints, found = int(counted.sum()), int(both.sum())
    vertices = 0 if mesh is None else mesh[1]
    return Disturbance(
        mean_px=float(distances[both].mean()) if found else 0.0,
        pck=float(near.sum() / joints) if joints else 1.0,
        missing=(joints - found) / joints if joints else 0.0,
        mesh_px=mesh[0] / vertices if mesh is not None and vertices else None,
        joints=joints,
        vertices=vertices,
    )


def merge_disturbances(disturbances: Sequence[Disturbance]) -> Disturbance:
    """The disturbance of several clips together, as if their frames were one clip's."""
    joints = sum(each.joints for each in disturbances)
    vertices = sum(each.vertices for each in disturbances)

    def mean(
        value: Callable[[Disturbance], float], weight: Callable[[Disturbance], float], empty: float
    ) -> float:
        total = sum(weight(each) for each in disturbances)
        return sum(value(each) * weight(each) for each in disturbances) / total if total else empty

    return Disturbance(
        mean_px=mean(lambda each: each.mean_px, _found, 0.0),
        pck=mean(lambda each: each.pck, lambda each: each.joints, 1.0),
        missing=mean(lambda each: each.missing, lambda each: each.joints, 0.0),
        mesh_px=mean(lambda each: each.mesh_px or 0.0, lambda each: each.vertices, 0.0) if vertices else None,
        joints=joints,
        vertices=vertices,
    )


def _found(each: Disturbance) -> int:
    """Clean joints that the noisy poses have."""
    return round(each.joints * (1 - each.missing))
