"""The coarse fit: which frames, which start, and what lies between."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from vptbench.body.model import BodyModel
from vptbench.prepare.fit_keyframes import (
    BATCH,
    STRIDE,
    Keyframes,
    Start,
    choose_keyframes,
    keyframes_to_track,
    observed_to_keyframes,
)
from vptbench.prepare.fit_start import BINS
from vptbench.prepare.fit_terms import Observed, Track, load_habits, track_to_points


def _facing(yaw):
    """People at ease who head so."""
    roots = Rotation.from_rotvec(np.multiply.outer(yaw, [0, 0, 1])).as_matrix()
    return Track(
        torch.tensor(roots, dtype=torch.float32),
        load_habits().mean.repeat(len(yaw), 1, 1),
        torch.zeros(len(yaw), 3),
    )


def _heading(track):
    facing = -track.root[:, :2, 1].numpy()
    return np.arctan2(facing[:, 0], -facing[:, 1])


def _error(yaw, expected):
    return np.degrees(np.abs(np.angle(np.exp(1j * (yaw - expected)))))


def test_short_clips_are_all_keyframes():
    np.testing.assert_array_equal(choose_keyframes(np.ones((BATCH, 25)), np.zeros(BATCH)), np.arange(BATCH))


def test_of_a_stretch_the_clearest_frame_is_chosen_and_empty_stretches_are_left_out():
    weights = np.ones((50 * STRIDE, 25))
    weights[: STRIDE - 1, :10] = 0
    weights[STRIDE : 2 * STRIDE] = 0
    doubts = np.zeros(50 * STRIDE)
    doubts[2 * STRIDE] = 1
    rows = choose_keyframes(weights, doubts)
    np.testing.assert_array_equal(rows, [STRIDE - 1, 2 * STRIDE + 1, *range(3 * STRIDE, 50 * STRIDE, STRIDE)])


@pytest.mark.parametrize("wrong", ["from behind", "the other side"])
def test_a_wrong_start_is_put_right(wrong):
    body, expected = BodyModel.load(), np.full(16, 1.0)
    points = track_to_points(body, _facing(expected), torch.zeros(12))
    observed = Observed(points, torch.ones(16, 25), torch.full((16,), 0.016), 30.0)
    yaw = np.full(16, 1.0)
    yaw[5:11] = {"from behind": 1.0 + np.pi, "the other side": -1.0}[wrong]
    found = observed_to_keyframes(body, observed, Start(yaw, np.zeros((16, BINS)), torch.zeros(16, 3)))
    assert found.turned == 6
    assert _error(_heading(found.track), expected).max() < 6
    assert float((track_to_points(body, found.track, found.shape) - points).norm(dim=-1).mean()) < 0.006


def test_other_starts_are_not_tried_where_the_joints_rule_them_out():
    body, yaw = BodyModel.load(), np.full(4, 1.0)
    points = track_to_points(body, _facing(yaw), torch.zeros(12))
    observed = Observed(points, torch.ones(4, 25), torch.full((4,), 0.016), 30.0)
    costs = np.full((4, BINS), 50.0)
    costs[:, round((1.0 + np.pi) / (2 * np.pi) * BINS)] = (
        0  # the start itself is right; its cost is not looked at
    )
    found = observed_to_keyframes(body, observed, Start(yaw, costs, torch.zeros(4, 3)))
    assert found.turned == 0
    assert _error(_heading(found.track), yaw).max() < 4


def test_long_clips_have_one_shape_and_all_their_keyframes():
    frames = 2 * BATCH * STRIDE
    body, expected = BodyModel.load(), np.linspace(0, 2 * np.pi, frames)
    shape = torch.zeros(12)
    shape[0] = 1.5
    points = track_to_points(body, _facing(expected), shape)
    observed = Observed(points, torch.ones(frames, 25), torch.full((frames,), 0.016), 30.0)
    found = observed_to_keyframes(
        body, observed, Start(expected, np.zeros((frames, BINS)), torch.zeros(frames, 3))
    )
    np.testing.assert_array_equal(found.rows, np.arange(0, frames, STRIDE))
    assert found.shape.shape == (12,)
    assert _error(_heading(found.track), expected[::STRIDE]).max() < 6
    seen = track_to_points(body, found.track, found.shape)
    assert float((seen - points[::STRIDE]).norm(dim=-1).mean()) < 0.004


def test_between_keyframes_all_goes_evenly_and_outside_it_stands():
    rows = np.array([2, 6, 8])
    track = _facing(np.array([0.0, 0.4, 1.0]))
    track.camera[:, 1] = torch.tensor([1.0, 2.0, 0.0])
    track.joints[1] += 0.4
    found = keyframes_to_track(Keyframes(rows, track, torch.zeros(12), 0), 10)
    np.testing.assert_allclose(_heading(found), [0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.7, 1, 1], atol=1e-6)
    np.testing.assert_allclose(found.camera[:, 1], [1, 1, 1, 1.25, 1.5, 1.75, 2, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.joints[4], track.joints[0] + 0.2, atol=1e-6)


def test_one_keyframe_stands_for_all():
    track = _facing(np.array([0.7]))
    found = keyframes_to_track(Keyframes(np.array([1]), track, torch.zeros(12), 0), 3)
    np.testing.assert_allclose(_heading(found), 0.7, atol=1e-6)
    np.testing.assert_array_equal(found.joints, track.joints.expand(3, -1, -1))
