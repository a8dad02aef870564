"""A coarse fit of some frames of a clip: it finds the shape, and which of several starts is right."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp
from torch import Tensor

from vptbench.body.model import BodyModel
from vptbench.prepare.fit_solve import Solution, Task, solve
from vptbench.prepare.fit_start import cheapest_way, costs_at, turns_to_costs
from vptbench.prepare.fit_terms import Observed, Track, load_habits, tracks_to_track

STRIDE = 6
"""Frames from one keyframe to the next in a long clip."""

BATCH = 48
"""Keyframes that are fitted together; clips of no more frames are all keyframes."""

ITERATIONS = 50
"""Of each coarse fit."""

PLAUSIBLE = 4.0
"""Another heading is tried where it fits the keypoints worse than the best one by no more than this."""

DOUBT = 40.0
"""A frame that costs more says no more against its start: it may be wrong itself (sides mixed up)."""

APART = np.radians(35.0)
"""Other headings are tried if they differ by so much."""


@dataclass(frozen=True)
class Start:
    """Where a fit begins.

    Attributes:
        yaw: (T,) radians.
        heading_costs: (T, BINS), what other headings cost.
        camera: (T, 3), as in `Track`.
    """

    yaw: NDArray[np.float64]
    heading_costs: NDArray[np.float64]
    camera: Tensor

    def track(self, rows: NDArray[np.int64], yaw: NDArray[np.float64]) -> Track:
        """People in their habit, who head so (n,), in some of the frames (n,)."""
        dtype = self.camera.dtype
        root = torch.tensor(Rotation.from_rotvec(np.multiply.outer(yaw, [0, 0, 1])).as_matrix(), dtype=dtype)
        joints = load_habits(dtype).mean.expand(len(rows), -1, -1)
        return Track(root, joints, self.camera[torch.from_numpy(rows)])


@dataclass(frozen=True)
class Keyframes:
    """The coarse fit.

    Attributes:
        rows: (K,) frame numbers, ascending.
        track: K frames.
        shape: (S,) of the clip.
        turned: How many of them another start than the first fits better.
    """

    rows: NDArray[np.int64]
    track: Track
    shape: Tensor
    turned: int


def choose_keyframes(weights: NDArray[np.float64], doubts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of the frames to fit first: in each stretch of frames the clearest one; ascending.

    Args:
        weights: (T, 25) of the keypoints.
        doubts: (T,), how badly each frame's heading fits its keypoints.
    """
    frames = len(weights)
    stride = int(np.clip(-(-frames // BATCH), 1, STRIDE))
    shown = weights.sum(1)
    clear = np.where(shown > 0, shown - doubts, -np.inf)
    best = [first + int(clear[first : first + stride].argmax()) for first in range(0, frames, stride)]
    return np.array([row for row in best if shown[row] > 0], np.int64)


def observed_to_keyframes(body: BodyModel, observed: Observed, start: Start) -> Keyframes:
    """Fits the keyframes of a clip, from several starts where more than one may be right.

    The shape is that of at most `BATCH` keyframes from all over the clip.
    """
    doubts = costs_at(start.heading_costs, start.yaw)
    rows = choose_keyframes(observed.weights.double().numpy(), doubts)
    sample = rows[np.unique(np.linspace(0, len(rows) - 1, BATCH).round().astype(np.int64))]
    found, turned = _fit_batch(body, observed, start, sample, None)
    if len(sample) == len(rows):
        return Keyframes(rows, found.track, found.shape, turned)
    parts = [
        _fit_batch(body, observed, start, rows[first : first + BATCH], found.shape)
        for first in range(0, len(rows), BATCH)
    ]
    track = tracks_to_track(*(part.track for part, _ in parts))
    return Keyframes(rows, track, found.shape, sum(count for _, count in parts))


def keyframes_to_track(keyframes: Keyframes, frames: int) -> Track:
    """All frames of a clip, between the keyframes; before the first and after the last, as there."""
    rows, track = keyframes.rows, keyframes.track
    dtype = track.camera.dtype
    place = np.clip(np.arange(frames), rows[0], rows[-1])
    after = np.clip(np.searchsorted(rows, place, side="right"), 1, max(1, len(rows) - 1))
    left, right = after - 1, np.minimum(after, len(rows) - 1)
    share = torch.tensor((place - rows[left]) / np.maximum(rows[right] - rows[left], 1), dtype=dtype)
    turns = Rotation.from_matrix(track.root.double().numpy())
    root = Slerp(rows, turns)(place).as_matrix() if len(rows) > 1 else turns.as_matrix().repeat(frames, 0)
    return Track(
        torch.tensor(root, dtype=dtype),
        torch.lerp(track.joints[left], track.joints[right], share[:, None, None]),
        torch.lerp(track.camera[left], track.camera[right], share[:, None]),
    )


def _fit_batch(
    body: BodyModel, observed: Observed, start: Start, rows: NDArray[np.int64], shape: Tensor | None
) -> tuple[Solution, int]:
    """Fits some frames, and finds their shape if none is given; also how many wanted another start."""
    span = (rows[-1] - rows[0]) / max(1, len(rows) - 1)
    part = observed.take(rows, observed.rate / max(1.0, float(span)))
    free = shape is None
    mean = torch.zeros(len(body.shape_directions), dtype=body.rest.dtype) if shape is None else shape
    task = Task(part, start.track(rows, start.yaw[rows]), mean, free_shape=free)
    starts = np.stack([start.yaw[rows], -start.yaw[rows], start.yaw[rows] + np.pi])
    tried = [np.flatnonzero(_worth_trying(start, rows, yaw)) for yaw in starts[1:]]
    if not sum(map(len, tried)):
        return solve(body, task, ITERATIONS), 0
    alone = replace(part, rate=0.0)  # a frame with a wrong start must not draw its neighbours there
    first = solve(body, replace(task, observed=alone), ITERATIONS)
    others = []
    for some, yaw in zip(tried, starts[1:], strict=True):
        if len(some):
            turned = Task(alone.take(some, 0.0), start.track(rows[some], yaw[some]), first.shape)
            others.append((some, solve(body, turned, ITERATIONS)))
    yaw, count = _choose(first, others, rows / observed.rate)
    nearest = starts[np.cos(starts - yaw).argmax(0), np.arange(len(rows))]
    return solve(body, replace(task, start=start.track(rows, nearest)), ITERATIONS), count


def _worth_trying(start: Start, rows: NDArray[np.int64], yaw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where other headings (K,) differ from the first ones and are not ruled out by the keypoints."""
    first, other = (costs_at(start.heading_costs[rows], angle) for angle in (start.yaw[rows], yaw))
    return np.asarray((np.cos(yaw - start.yaw[rows]) < np.cos(APART)) & (other - first <= PLAUSIBLE))


def _choose(
    first: Solution, others: list[tuple[NDArray[np.int64], Solution]], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Of several solutions the cheapest in each frame, where going from one to another costs too.

    Args:
        first: Of all K frames.
        others: Of some of them, and which.
        seconds: (K,), when the frames are.

    Returns:
        The headings of those chosen (K,), and how many are not of the first.
    """
    costs = np.full((len(seconds), 1 + len(others)), np.inf)
    costs[:, 0] = first.costs.clamp(max=DOUBT).numpy()
    headings = np.tile(root_to_yaw(first.track.root)[:, None], (1, costs.shape[1]))
    for state, (tried, solution) in enumerate(others, 1):
        costs[tried, state] = solution.costs.clamp(max=DOUBT).numpy()
        headings[tried, state] = root_to_yaw(solution.track.root)
    turn = np.abs(headings[:-1, :, None] - headings[1:, None])  # (K − 1, from, to), below 2π
    way = cheapest_way(costs, turns_to_costs(turn, np.diff(seconds)[:, None, None]))
    return np.take_along_axis(headings, way[:, None], 1)[:, 0], int((way > 0).sum())


def root_to_yaw(root: Tensor) -> NDArray[np.float64]:
    """Where roots (T, 3, 3) head, (T,) radians: the heading of the body's front, −y at rest."""
    return np.asarray(np.arctan2(-root[:, 0, 1].double().numpy(), root[:, 1, 1].double().numpy()))
