"""The solver: gradients, scaling of the unknowns, and what a window takes over from the one before."""

import numpy as np
import pytest
import torch

from vptbench.body.model import BodyModel, rotation_vectors_to_matrices
from vptbench.prepare.fit_solve import (
    Task,
    body_to_units,
    solve,
    task_to_loss,
    task_to_unknowns,
    unknowns_to_track,
)
from vptbench.prepare.fit_terms import Observed, Track, load_habits, track_to_points, tracks_to_track

DOUBLE = torch.float64


@pytest.fixture(scope="module")
def body():
    return BodyModel.load(dtype=DOUBLE)


def _track(frames, seed=0, size=0.15):
    """People about at ease, each frame another."""
    generator = torch.Generator().manual_seed(seed)
    noise = size * torch.randn(frames, 18, 3, dtype=DOUBLE, generator=generator)
    root = rotation_vectors_to_matrices(noise[:, 0])
    joints = load_habits(DOUBLE).mean + noise[:, 1:]
    return Track(root, joints, 0.02 * torch.randn(frames, 3, dtype=DOUBLE, generator=generator))


def _seen(body, track, *, rate=30.0, weight=1.0):
    """What a camera sees of a track."""
    points = track_to_points(body, track, torch.zeros(12, dtype=DOUBLE))
    frames = len(points)
    weights = torch.full((frames, 25), weight, dtype=DOUBLE)
    return Observed(points, weights, torch.full((frames,), 0.016, dtype=DOUBLE), rate)


@pytest.mark.parametrize("past", [False, True])
def test_the_gradient_of_the_loss_is_right(body, past):
    shape = 0.3 * torch.ones(12, dtype=DOUBLE)
    before = _track(2, seed=5) if past else None
    task = Task(_seen(body, _track(2, seed=1)), _track(2, seed=2), shape, before, free_shape=not past)
    generator = torch.Generator().manual_seed(3)
    unknowns = [
        (0.1 * torch.randn(u.shape, dtype=DOUBLE, generator=generator)).requires_grad_()
        for u in task_to_unknowns(task)
    ]
    assert len(unknowns) == (2 if past else 3)
    assert torch.autograd.gradcheck(task_to_loss(body, task), unknowns, eps=1e-5, atol=1e-4)


def test_the_cost_is_about_equally_curved_along_all_unknowns(body):
    track = _track(4, size=0.02)
    task = Task(_seen(body, track), track, torch.zeros(12, dtype=DOUBLE), free_shape=True)
    unknowns = task_to_unknowns(task)
    loss, step = task_to_loss(body, task), 0.02
    with torch.no_grad():
        base = float(loss(*unknowns))
        for group in unknowns:
            for index in range(0, group.numel(), 7):
                row, values = group.view(-1), []
                for sign in (1, -1):
                    row[index] = sign * step
                    values.append(float(loss(*unknowns)))
                row[index] = 0
                curvature = (sum(values) - 2 * base) / step**2
                assert 0.01 < curvature < 12, (group.shape, index)


def test_no_unknowns_mean_the_start(body):
    task = Task(_seen(body, _track(3)), _track(3, seed=7), torch.zeros(12, dtype=DOUBLE), free_shape=True)
    with torch.no_grad():
        track, shape = unknowns_to_track(task, body_to_units(body, 30.0), *task_to_unknowns(task))
    np.testing.assert_array_equal(track.root, task.start.root)
    np.testing.assert_array_equal(track.joints, task.start.joints)
    np.testing.assert_array_equal(track.camera, task.start.camera)
    np.testing.assert_array_equal(shape, task.shape)


def test_solving_finds_what_was_seen(body):
    # one posture, held, so that motion costs nothing; the start is another one
    truth, start = (
        Track(*(values[:1].repeat(4, *[1] * (values.ndim - 1)) for values in (t.root, t.joints, t.camera)))
        for t in (_track(1, seed=1), _track(1, seed=2))
    )
    task = Task(_seen(body, truth), start, torch.zeros(12, dtype=DOUBLE))
    found = solve(body, task, 100)
    distance = track_to_points(body, found.track, found.shape) - task.observed.points
    assert float(distance.norm(dim=-1).mean()) < 0.004  # metres
    before = task_to_loss(body, task)(*task_to_unknowns(task)).detach()
    assert found.loss < float(before) / 20
    assert 1 < found.iterations <= 100
    assert found.costs.shape == (4,)
    np.testing.assert_array_equal(found.shape, task.shape)


def test_an_unseen_frame_goes_on_from_the_past(body):
    past = _track(1, size=0.0)
    past = tracks_to_track(past, past)
    past.camera[:, 1] = torch.tensor([0.0, 0.04])
    start = past.take(slice(1, 2))
    unseen = _seen(body, start, weight=0.0)
    shape = torch.zeros(12, dtype=DOUBLE)
    alone = solve(body, Task(unseen, start, shape), 50).track
    after = solve(body, Task(unseen, start, shape, past), 50).track
    assert float(alone.camera[0, 1]) == pytest.approx(0.04)
    assert float(after.camera[0, 1]) == pytest.approx(0.08, abs=0.002)
