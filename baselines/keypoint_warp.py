"""The source frame bent by a thin-plate spline until its joints lie where they should, the background kept.

It knows where joints go, and nothing of bodies: neither depth nor mesh. Limbs that cross or swing far are
more than one smooth map can follow; that is what a mesh is for.

Source: F. L. Bookstein, Principal Warps (IEEE TPAMI 11(6), 1989); SciPy's `RBFInterpolator`.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from baselines.background import frame_to_background, grown
from baselines.untrained import Untrained
from vptbench.clip import Frames, PoseClip, SourceFrame
from vptbench.drawing import FARTHEST
from vptbench.errors import ModelError
from vptbench.image import Frame
from vptbench.skeleton import LIMBS

SMOOTHING = 3e-4
"""How stiff the spline is, places being in frame heights: joints that meet in one picture and not in the
other, as hips do when a person turns, would tear a soft one."""

NODES = 33
"""The spline is computed at so many places along each side, and is linear between."""

REACH = 0.06
"""How far from the skeleton a person extends where no mask says so, in lengths of the skeleton's diagonal."""

ON_A_LINE = 1e-3
"""Joints that spread less than this in one direction (frame heights, root of squares) fix no spline."""


@dataclass(frozen=True)
class _Look:
    """What one source frame tells of a person and a place.

    Attributes:
        frame: uint8 (H, W, 3), the source.
        joints: float64 (25, 2), pixels, NaN where missing.
        person: float32 (H, W), 1 on the person and the pixels that are mixed with it.
        background: uint8 (H, W, 3), the source without the person.
        reach: How far the person extends from its skeleton, pixels.
    """

    frame: Frame
    joints: NDArray[np.float64]
    person: NDArray[np.float32]
    background: Frame
    reach: float


class KeypointWarp(Untrained):
    """Bends the source by its joints; a `vptbench.generate.model.Model`."""

    name: ClassVar[str] = "keypoint_warp"

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """Bend the source into each driving pose, uint8 (T, H, W, 3).

        Where source and pose share fewer than three joints, or all on one line, the source frame stands.
        Joints that one of the two misses are left out.

        Raises:
            ModelError: Source and driving clip differ in size.
        """
        if driving.size != source.frame.shape[:2]:
            raise ModelError(
                f"{driving.clip}: keypoint_warp expected the frame size of source clip {source.clip}, found "
                "another; prepare both with the same settings"
            )
        look = _source_to_look(source)
        return np.stack([_bend(look, joints) for joints in driving.keypoints[..., :2].astype(np.float64)])


def bend_places(
    joints: NDArray[np.float64],
    targets: NDArray[np.float64],
    places: NDArray[np.float64],
    *,
    smoothing: float = SMOOTHING,
) -> NDArray[np.float64]:
    """Where a thin-plate spline that takes `joints` to `targets` takes `places`; all in frame heights.

    Args:
        joints: (K, 2), at least three, not on one line.
        targets: (K, 2).
        places: (N, 2).
        smoothing: 0 goes through every target, and needs joints that differ; more is stiffer. It leaves
            affine maps as they are.

    Returns:
        float64 (N, 2).
    """
    fitted = RBFInterpolator(joints, targets, kernel="thin_plate_spline", smoothing=smoothing, degree=1)
    return np.asarray(fitted(places), np.float64)


def _bend(look: _Look, joints: NDArray[np.float64]) -> Frame:
    """The person of `look` with its joints at `joints`, (25, 2), before the same background."""
    height, width = size = look.person.shape
    known = np.isfinite(joints).all(1) & np.isfinite(look.joints).all(1)
    here, there = joints[known] / height, look.joints[known] / height
    if known.sum() < 3 or np.linalg.svd(here - here.mean(0), compute_uv=False)[1] < ON_A_LINE:
        return look.frame
    ticks = [np.linspace(0, side - 1, NODES) for side in (height, width)]
    nodes = np.stack(np.meshgrid(*ticks, indexing="ij")[::-1], -1).reshape(-1, 2) / height
    coarse = bend_places(here, there, nodes).reshape(NODES, NODES, 2) * height
    down, across = (
        np.stack([np.interp(np.arange(side), tick, row) for row in np.eye(NODES)], 1)
        for side, tick in zip(size, ticks, strict=True)
    )
    x, y = ((down @ coarse[..., axis] @ across.T).astype(np.float32) for axis in (0, 1))
    bent = cv2.remap(look.frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.remap(look.person, x, y, cv2.INTER_LINEAR)
    share = (share * (_to_skeleton(joints, size) <= look.reach))[..., None]
    mixed = bent * share + look.background * (1 - share)
    return np.asarray(mixed.round(), np.uint8)


def _source_to_look(source: SourceFrame) -> _Look:
    joints = source.keypoints[:, :2].astype(np.float64)
    away = _to_skeleton(joints, source.frame.shape[:2])
    known = joints[np.isfinite(joints).all(1)]
    extent = float(np.linalg.norm(np.ptp(known, axis=0))) if len(known) else 0.0
    person = grown(away <= REACH * extent if source.mask is None else source.mask)
    reach = float(away[person].max(initial=0))
    background = frame_to_background(source.frame, person)
    return _Look(source.frame, joints, person.astype(np.float32), background, reach)


def _to_skeleton(joints: NDArray[np.float64], size: tuple[int, ...]) -> NDArray[np.float32]:
    """How far each pixel is from the nearest limb, float32 (H, W); infinite where there is no limb."""
    empty = np.ones(size[:2], np.uint8)
    for limb in LIMBS:
        if np.isfinite(joints[list(limb)]).all():
            start, end = joints[list(limb)].clip(-FARTHEST, FARTHEST).round().astype(int).tolist()
            cv2.line(empty, start, end, 0)
    if empty.all():
        return np.full(size[:2], np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(empty, cv2.DIST_L2, 5), np.float32)
