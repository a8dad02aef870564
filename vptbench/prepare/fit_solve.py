"""Finds the track and the shape of least cost, from a given start, by L-BFGS."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vptbench.body.model import BodyModel, rotation_vectors_to_matrices
from vptbench.prepare.fit_terms import (
    RATE,
    SHAPE_WEIGHT,
    SMOOTH_CAMERA,
    SMOOTH_JOINT,
    SMOOTH_ROOT,
    SPREAD,
    Observed,
    Track,
    frame_costs,
    load_habits,
    motion_cost,
    rest_keypoints,
    tracks_to_track,
)

HISTORY = 20
"""Steps that L-BFGS remembers."""

ENOUGH = 1e-5
"""An iteration that gains less cost a frame is the last."""

PAST = 2
"""Frames before the first that accelerations reach back to."""


@dataclass(frozen=True)
class Task:
    """What is to be solved.

    Attributes:
        observed: The keypoints of T frames.
        start: A track of T frames near the solution.
        shape: (S,) coefficients to begin with.
        past: The last frames before, which stay as they are; or None.
        free_shape: Whether the shape may change.
    """

    observed: Observed
    start: Track
    shape: Tensor
    past: Track | None = None
    free_shape: bool = False


@dataclass(frozen=True)
class Solution:
    """What was found.

    Attributes:
        track: T frames.
        shape: (S,).
        costs: (T,), of each frame by itself.
        loss: Mean cost a frame, motion and shape included.
        iterations: How many it took.
    """

    track: Track
    shape: Tensor
    costs: Tensor
    loss: float
    iterations: int


@dataclass(frozen=True)
class Units:
    """Sizes of the unknowns for which the cost is about equally curved along all of them.

    Attributes:
        turns: (18,) radians.
        camera: (3,) logarithm of the scale, metres.
        shape: (S,) standard deviations.
    """

    turns: Tensor
    camera: Tensor
    shape: Tensor


def solve(body: BodyModel, task: Task, iterations: int) -> Solution:
    """The least cost that so many iterations find.

    Args:
        body: The body; its dtype is that of the computation.
        task: What is to be solved.
        iterations: At most so many.

    Source:
        L-BFGS with a strong Wolfe line search (Nocedal and Wright, Numerical Optimization, 7.2 and 3.5).
    """
    unknowns, units = task_to_unknowns(task), body_to_units(body, task.observed.rate)
    optimiser = torch.optim.LBFGS(
        unknowns, max_iter=iterations, max_eval=2 * iterations, history_size=HISTORY,
        tolerance_change=ENOUGH, line_search_fn="strong_wolfe",
    )  # fmt: skip
    to_loss = task_to_loss(body, task)

    def evaluate() -> Tensor:
        optimiser.zero_grad()
        loss = to_loss(*unknowns)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(evaluate)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        track, shape = unknowns_to_track(task, units, *unknowns)
        loss = float(to_loss(*unknowns))
        costs = frame_costs(body, track, shape, task.observed)
    count = int(optimiser.state[unknowns[0]]["n_iter"])
    return Solution(track, shape, costs, loss, count)


def task_to_unknowns(task: Task) -> list[Tensor]:
    """What L-BFGS changes, 0 at the start: (T, 18, 3) turns, (T, 3) camera, (S,) shape if that is free."""
    frames, shapes = len(task.start.camera), len(task.shape)
    sizes = [(frames, 18, 3), (frames, 3), *([(shapes,)] if task.free_shape else [])]
    return [torch.zeros(size, dtype=task.shape.dtype, requires_grad=True) for size in sizes]


def task_to_loss(body: BodyModel, task: Task) -> Callable[..., Tensor]:
    """The mean cost a frame as a function of the unknowns."""
    frames, units = len(task.start.camera), body_to_units(body, task.observed.rate)

    def to_loss(*unknowns: Tensor) -> Tensor:
        track, shape = unknowns_to_track(task, units, *unknowns)
        whole = track if task.past is None else tracks_to_track(task.past, track)
        cost = frame_costs(body, track, shape, task.observed).sum() + motion_cost(whole, task.observed.rate)
        return cost / frames + SHAPE_WEIGHT * shape.square().sum()

    return to_loss


def body_to_units(body: BodyModel, rate: float) -> Units:
    """Units of a body at so many frames a second: 1 over the root of the cost's second derivative at rest."""
    rest, table = torch.tensor(rest_keypoints(), dtype=body.rest.dtype), body.keypoint_table[..., 3]
    follow = torch.eye(len(body.parents), dtype=body.rest.dtype)
    for joint in range(len(body.parents) - 1, 0, -1):
        follow[body.parents[joint]] += follow[joint]
    reach = follow @ table.T  # (18, 25): how much a keypoint follows a joint or what hangs on it
    lever = (rest - body.joint_heads[:, None]).square().sum(-1)
    accelerated = 12 * (rate / RATE) ** 4
    weight = torch.cat([body.rest.new_tensor([0.0]), load_habits(body.rest.dtype).weight])
    smooth = body.rest.new_tensor([SMOOTH_ROOT, *[SMOOTH_JOINT] * (len(body.parents) - 1)])
    turns = (reach * lever).sum(1) / SPREAD**2 + 2 * weight + accelerated * smooth
    size = rest.square().sum()
    camera = torch.stack([size, *[size.new_tensor(float(len(rest)))] * 2]) / SPREAD**2
    camera = camera + accelerated * body.rest.new_tensor(SMOOTH_CAMERA)
    moved = torch.einsum("sjfc,jf->sjc", body.keypoint_table_directions, torch.ones_like(table))
    shape = moved.square().sum((1, 2)) / SPREAD**2 + 2 * SHAPE_WEIGHT
    return Units(turns.rsqrt(), camera.rsqrt(), shape.rsqrt())


def unknowns_to_track(
    task: Task, units: Units, turns: Tensor, camera: Tensor, shape: Tensor | None = None
) -> tuple[Track, Tensor]:
    """The track and the shape that the unknowns mean."""
    wide = len(camera) ** 0.5
    moved = turns * (wide * units.turns)[:, None]
    track = Track(
        task.start.root @ rotation_vectors_to_matrices(moved[:, 0]),
        task.start.joints + moved[:, 1:],
        task.start.camera + camera * (wide * units.camera),
    )
    return track, task.shape if shape is None else task.shape + shape * units.shape
