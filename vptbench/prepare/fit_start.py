"""Where a fit begins: scale, heading and place of the person in every frame, in closed form.

The heading (yaw) is 0 for a person who faces the camera and grows as the person turns to the right of the
picture. All angles are radians, all points pixels right and down.
"""

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import PoseError
from vptbench.prepare.fit_terms import rest_keypoints
from vptbench.skeleton import BODY_25

Float = NDArray[np.float64]

BONES = (
    ("Neck", "MidHip"), ("RHip", "RKnee"), ("LHip", "LKnee"), ("RKnee", "RAnkle"), ("LKnee", "LAnkle"),
    ("RShoulder", "RElbow"), ("LShoulder", "LElbow"), ("RElbow", "RWrist"), ("LElbow", "LWrist"),
)  # fmt: skip
"""Pairs of joints that can be seen from far: a picture shows them shortened, never lengthened."""

LONG = 80.0
"""Percentile of the bones' apparent lengths, over those of the mean body, that is taken for the scale."""

CALM = 0.25
"""Seconds on either side over which a scale's median is taken."""

COMPASS = (
    ("LShoulder", "RShoulder", 0.05), ("LHip", "RHip", 0.03), ("LKnee", "RKnee", 0.12),
    ("LEye", "REye", 0.02), ("LEar", "REar", 0.04), ("Nose", "LEar", 0.06), ("Nose", "REar", 0.06),
    ("LBigToe", "LHeel", 0.10), ("RBigToe", "RHeel", 0.10), ("LSmallToe", "LHeel", 0.10),
    ("RSmallToe", "RHeel", 0.10), ("LBigToe", "LAnkle", 0.10), ("RBigToe", "RAnkle", 0.10),
)  # fmt: skip
"""Pairs of joints whose distance to the right tells the heading, and how far it is off on a moving person,
metres: sides of the body, and what points forward."""

NOISE = 0.022
"""Metres by which a keypoint's error alone puts such a distance off."""

BINS = 72
"""Headings that are tried."""

TURN = np.radians(60.0)
"""Radians by which a heading wanders in a second, and in t seconds √t times as much."""

JUMP = 80.0
"""What a jump to any other heading costs at most (a cut in the video)."""

MIXED_UP = 5.0
"""A frame whose keypoints ask by so much for another heading counts half: on synthetic people with two pixels
of noise this is 0.7 at most, and 12 or more where left and right are exchanged, side views left out."""

TRUNK = tuple(BODY_25.index(name) for name in ("Neck", "MidHip", "RHip", "LHip", "RShoulder", "LShoulder"))
"""Joints that tell where the person is."""

LIMB_WEIGHT = 0.02
"""Weight of the others in that."""


def keypoints_to_scale(points: Float, weights: Float, fps: float) -> Float:
    """Pixels a metre in every frame, (T,), were the person as large as the mean body.

    Args:
        points: (T, 25, 2) pixels, anything where missing.
        weights: (T, 25), 0 where missing.
        fps: Frames a second.

    Raises:
        PoseError: No frame has both ends of a bone.
    """
    first, last = (np.array([BODY_25.index(bone[end]) for bone in BONES]) for end in (0, 1))
    rest = rest_keypoints()
    length = np.linalg.norm(points[:, first] - points[:, last], axis=-1)
    ratio = length / np.linalg.norm(rest[first] - rest[last], axis=-1)
    seen = (weights[:, first] > 0) & (weights[:, last] > 0)
    known = np.flatnonzero(seen.any(1))
    if not len(known):
        raise PoseError(
            "expected keypoints of both ends of a bone (trunk, thigh, shin, upper arm or forearm) in at "
            f"least one of {len(points)} frames to fit the body to, found none; estimate the poses again"
        )
    found = np.array([np.percentile(ratio[t, seen[t]], LONG) for t in known])
    reach = CALM * fps
    calm = [np.median(found[np.abs(known - t) <= reach]) for t in known]
    scale = np.interp(np.arange(len(points)), known, calm)
    return np.asarray(np.maximum(scale, 0.05 * np.median(calm)) + 1e-6)


def keypoints_to_yaw(points: Float, weights: Float, scale: Float, fps: float) -> tuple[Float, Float]:
    """The heading in every frame, by the cheapest way through all of them.

    Args:
        points: (T, 25, 2) pixels, anything where missing.
        weights: (T, 25), 0 where missing.
        scale: (T,) pixels a metre.
        fps: Frames a second.

    Returns:
        The heading (T,), and what each of `BINS` headings would cost in each frame, (T, BINS).
    """
    costs = heading_costs(points, weights, scale)
    return bins_to_yaw(cheapest_way(costs, turn_costs(fps))), costs


def heading_costs(points: Float, weights: Float, scale: Float) -> Float:
    """How badly each of `BINS` headings fits each frame, (T, BINS), 0 where nothing is seen.

    Source:
        A pair that lies (x, y) apart at rest, y away from the camera, lies x cos ψ − y sin ψ to the right
        after a turn by ψ. Cauchy's cost, log(1 + r²).
    """
    yaw, rest = bins_to_yaw(np.arange(BINS)), rest_keypoints()
    costs = np.zeros((len(points), BINS))
    for first, last, spread in COMPASS:
        a, b = BODY_25.index(first), BODY_25.index(last)
        across, away, _ = rest[a] - rest[b]
        expected = across * np.cos(yaw) - away * np.sin(yaw)
        weight = np.minimum(weights[:, a], weights[:, b])
        found = np.where(weight > 0, (points[:, a, 0] - points[:, b, 0]) / scale, 0.0)
        square = (found[:, None] - expected) ** 2 / (spread**2 + NOISE**2)
        costs += weight[:, None] * np.log1p(square)
    return costs


def costs_at(heading_costs: Float, yaw: Float) -> Float:
    """Of the costs of all headings (T, BINS) those of the ones nearest to these (T,)."""
    nearest = np.cos(bins_to_yaw(np.arange(BINS)) - yaw[:, None]).argmax(1)
    return np.asarray(heading_costs[np.arange(len(yaw)), nearest])


def headings_to_trust(heading_costs: Float, yaw: Float) -> Float:
    """How far each frame's keypoints are to be believed (T,), 1 to 0, if the person heads so (T,).

    Where quite another heading fits them much better, left and right have been mixed up.
    """
    excess = costs_at(heading_costs, yaw) - heading_costs.min(1)
    return np.asarray(1 / (1 + (excess / MIXED_UP) ** 4))


def bins_to_yaw(bins: NDArray[np.int64]) -> Float:
    """Numbers of headings to radians."""
    return np.asarray(bins * (2 * np.pi / BINS))


def turn_costs(fps: float) -> Float:
    """What it costs to go from one heading to another in one frame, (BINS, BINS)."""
    yaw = bins_to_yaw(np.arange(BINS))
    return turns_to_costs(np.abs(yaw[:, None] - yaw), 1 / fps)


def turns_to_costs(angle: Float, seconds: Float | float) -> Float:
    """What turns by so many radians cost in so many seconds."""
    turn = np.minimum(angle, 2 * np.pi - angle)
    return np.asarray(np.minimum(0.5 * turn**2 / (TURN**2 * seconds), JUMP))


def cheapest_way(costs: Float, steps: Float) -> NDArray[np.int64]:
    """One state for each frame, so that the sum of costs and steps is least.

    Args:
        costs: (T, N), of each state in each frame.
        steps: (N, N) or (T − 1, N, N), from state to state.

    Returns:
        (T,) numbers of states.

    Source:
        Viterbi's dynamic programme.
    """
    steps = np.broadcast_to(steps, (len(costs) - 1, *steps.shape[-2:]))
    total, back = costs[0], np.zeros(costs.shape, np.int64)
    for t, step in enumerate(steps, 1):
        reached = total[:, None] + step
        back[t] = reached.argmin(0)
        total = reached.min(0) + costs[t]
    way = np.empty(len(costs), np.int64)
    way[-1] = total.argmin()
    for t in range(len(costs) - 1, 0, -1):
        way[t - 1] = back[t, way[t]]
    return way


def keypoints_to_place(points: Float, weights: Float, scale: Float, yaw: Float) -> Float:
    """Where the origin of a body in the rest pose, so large and heading so, lies in every frame, (T, 2)."""
    rest = rest_keypoints()
    across = np.cos(yaw)[:, None] * rest[:, 0] - np.sin(yaw)[:, None] * rest[:, 1]
    flat = np.stack([across, np.broadcast_to(-rest[:, 2], across.shape)], -1) * scale[:, None, None]
    share = weights * np.where(np.isin(np.arange(len(rest)), TRUNK), 1.0, LIMB_WEIGHT)
    total = share.sum(1)
    known = np.flatnonzero(total > 0)
    place = np.einsum("tj,tjc->tc", share[known], (points - flat)[known]) / total[known, None]
    frames = np.arange(len(points))
    return np.stack([np.interp(frames, known, place[:, axis]) for axis in (0, 1)], 1)
