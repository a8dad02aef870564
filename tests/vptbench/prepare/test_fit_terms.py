"""The terms of the fit's cost, by hand."""

import numpy as np
import pytest
import torch

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_keypoints, project
from vptbench.prepare.fit_terms import (
    ARM_OUT,
    ELBOW_BENT,
    HINGE,
    HINGE_MAX,
    RATE,
    SMOOTH_JOINT,
    STEADY,
    STEADY_SCALE,
    UPRIGHT,
    Observed,
    Track,
    frame_costs,
    load_habits,
    motion_cost,
    pose_costs,
    rest_keypoints,
    robust,
    track_to_points,
    track_to_rotations,
    tracks_to_track,
)
from vptbench.skeleton import BODY_25

JOINTS = load_body().joint_names[1:]
DOUBLE = torch.float64


def _track(frames=3):
    """A person at ease."""
    return Track(
        torch.eye(3, dtype=DOUBLE).repeat(frames, 1, 1),
        load_habits(DOUBLE).mean.repeat(frames, 1, 1),
        torch.zeros(frames, 3, dtype=DOUBLE),
    )


def test_robust_costs_by_hand():
    # r² = 0: 0; r² = 16: 2 (√9 − 1) = 4; small ones are half of r²
    np.testing.assert_allclose(robust(torch.tensor([0.0, 16.0])), [0, 4], atol=1e-6)
    assert float(robust(torch.tensor(1e-4, dtype=DOUBLE))) == pytest.approx(0.5e-4, rel=1e-4)


def test_a_person_at_ease_costs_nothing():
    np.testing.assert_allclose(pose_costs(_track()), 0, atol=1e-9)
    assert float(motion_cost(_track(), 30.0)) == 0


def test_arms_hang_and_elbows_are_bent_by_habit():
    body, track = BodyModel.load(dtype=DOUBLE), _track(1)
    shape = torch.zeros(12, dtype=DOUBLE)
    points = body_to_keypoints(body, track_to_rotations(track), shape)[0].numpy()
    for side in "LR":
        shoulder, elbow, wrist = (
            points[BODY_25.index(side + part)] for part in ("Shoulder", "Elbow", "Wrist")
        )
        upper, lower = elbow - shoulder, wrist - elbow
        out = np.arctan2(abs(upper[0]), -upper[2])
        bent = np.arccos(upper @ lower / np.linalg.norm(upper) / np.linalg.norm(lower))
        assert out == pytest.approx(ARM_OUT, abs=0.05)
        assert bent == pytest.approx(ELBOW_BENT, abs=0.1)


@pytest.mark.parametrize("name", ["lowerleg01.L", "lowerleg01.R", "lowerarm01.L", "lowerarm01.R"])
def test_knees_and_elbows_bend_one_way(name):
    row = JOINTS.index(name)
    habits = load_habits(DOUBLE)
    hinge = habits.hinges.index(row)

    def cost(bent):
        """Of a joint bent by so much, less what the habit costs."""
        track = _track(1)
        track.joints[0, row] = habits.axis[hinge] * (bent - habits.bent[hinge])
        strange = habits.weight[row] * (track.joints[0, row] - habits.mean[row]).square().sum()
        return float(pose_costs(track)[0] - strange)

    assert cost(0.0) == pytest.approx(0, abs=1e-9)
    assert cost(1.5) == pytest.approx(0, abs=1e-9)
    assert cost(-0.2) == pytest.approx(HINGE * 0.04)
    assert cost(HINGE_MAX + 0.1) == pytest.approx(HINGE * 0.01)


def test_bending_brings_shins_back_and_forearms_forward():
    rest, habits = rest_keypoints(), load_habits(DOUBLE)
    for hinge, row in enumerate(habits.hinges):
        side = JOINTS[row][-1]
        ends = ("Knee", "Ankle") if "leg" in JOINTS[row] else ("Elbow", "Wrist")
        first, last = (rest[BODY_25.index(side + end)] for end in ends)
        moved = np.cross(habits.axis[hinge], last - first)  # y grows backward
        assert moved[1] > 0 if "leg" in JOINTS[row] else moved[1] < 0


def test_a_lying_root_costs_by_hand():
    track = _track(1)
    track.root[0] = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=DOUBLE)
    assert float(pose_costs(track)[0]) == pytest.approx(UPRIGHT)


def test_motion_costs_by_hand():
    still, moving = _track(3), _track(3)
    moving.joints[1, 4, 0] += 0.1  # differences 0.1 and −0.1, and −0.2 of them
    expected = SMOOTH_JOINT * 0.04 + STEADY * 0.02
    assert float(motion_cost(moving, RATE)) == pytest.approx(expected)
    twice = 16 * SMOOTH_JOINT * 0.04 + 4 * STEADY * 0.02
    assert float(motion_cost(moving, 2 * RATE)) == pytest.approx(twice)
    still.camera[:, 0] = torch.tensor([0.0, 0.1, 0.2])  # even growth: no acceleration
    assert float(motion_cost(still, RATE)) == pytest.approx((STEADY + STEADY_SCALE) * 0.02)


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_have_no_acceleration(frames):
    assert float(motion_cost(_track(frames), RATE)) == 0


def test_points_are_those_that_a_camera_sees():
    body, track = BodyModel.load(dtype=DOUBLE), _track(2)
    generator = torch.Generator().manual_seed(0)
    shape = torch.randn(12, dtype=DOUBLE, generator=generator)
    camera = torch.tensor([[0.1, 0.3, -0.2], [-0.2, 1.0, 0.5]], dtype=DOUBLE)
    track = Track(track.root, track.joints, camera)
    seen = body_to_keypoints(body, track_to_rotations(track), shape)
    expected = project(seen, camera[:, 0].exp(), camera[:, 1:])[..., :2]
    np.testing.assert_allclose(track_to_points(body, track, shape), expected, atol=1e-12)


def test_missing_joints_cost_nothing():
    body, track, shape = BodyModel.load(dtype=DOUBLE), _track(2), torch.zeros(12, dtype=DOUBLE)
    points = track_to_points(body, track, shape)
    weights = torch.ones(2, 25, dtype=DOUBLE)
    points[0, 3] += 0.032  # two spreads along both axes, where the spread is 0.016: r² = 8
    observed = Observed(points, weights, torch.full((2,), 0.016, dtype=DOUBLE), 30.0)
    expected = 2 * (np.sqrt(5) - 1)
    np.testing.assert_allclose(frame_costs(body, track, shape, observed), [expected, 0], atol=1e-9)
    weights[0, 3] = 0
    np.testing.assert_allclose(frame_costs(body, track, shape, observed), 0, atol=1e-9)


def test_tracks_are_cut_and_joined():
    track = _track(5)
    track.camera[:, 0] = torch.arange(5.0)
    joined = tracks_to_track(track.take(slice(0, 2)), track.take(slice(2, 5)))
    np.testing.assert_array_equal(joined.camera, track.camera)
    assert joined.root.shape == (5, 3, 3)
    assert joined.joints.shape == (5, 17, 3)
