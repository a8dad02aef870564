"""Where a fit begins: scale, heading and place in closed form."""

import itertools

import numpy as np
import pytest

from vptbench.errors import PoseError
from vptbench.prepare.fit_start import (
    BINS,
    JUMP,
    TURN,
    bins_to_yaw,
    cheapest_way,
    costs_at,
    heading_costs,
    headings_to_trust,
    keypoints_to_place,
    keypoints_to_scale,
    keypoints_to_yaw,
    turns_to_costs,
)
from vptbench.prepare.fit_terms import rest_keypoints
from vptbench.skeleton import BODY_25, MIRROR

SCALE, FPS, PLACE = 120.0, 30.0, (128.0, 120.0)
FORWARD = [
    BODY_25.index(name)
    for name in ("Nose", "REar", "LEar", "LBigToe", "RBigToe", "LSmallToe", "RSmallToe", "LHeel", "RHeel")
]
"""What tells left from right in a side view."""


def _turned(yaw, noise=0.0, seed=0):
    """The mean body in the rest pose, heading so in each frame: points (T, 25, 2) and weights of 1."""
    rest, yaw = rest_keypoints(), np.atleast_1d(yaw)
    across = np.multiply.outer(np.cos(yaw), rest[:, 0]) - np.multiply.outer(np.sin(yaw), rest[:, 1])
    points = np.stack([across, np.broadcast_to(-rest[:, 2], across.shape)], -1) * SCALE + PLACE
    points += np.random.default_rng(seed).normal(0, noise, points.shape)
    return points, np.ones(points.shape[:2])


def _error(yaw, expected):
    return np.degrees(np.abs(np.angle(np.exp(1j * (yaw - expected)))))


@pytest.mark.parametrize("degrees", [0, 35, 90, 150, 180, 215, 270, 340])
def test_a_still_person_heads_where_the_joints_say(degrees):
    points, weights = _turned(np.full(8, np.radians(degrees)), noise=2)
    scale = keypoints_to_scale(points, weights, FPS)
    np.testing.assert_allclose(scale, SCALE, rtol=0.08)
    yaw, costs = keypoints_to_yaw(points, weights, scale, FPS)
    assert costs.shape == (8, BINS)
    assert _error(yaw, np.radians(degrees)).max() <= 15


TRACKS = {
    "one way": np.linspace(0, 2 * np.pi, 60),
    "the other way": np.linspace(0, -np.pi, 40),
    "both ways": np.pi * np.sin(np.linspace(0, 2 * np.pi, 120)),
}


@pytest.mark.parametrize("name", TRACKS)
def test_turning_people_are_followed(name):
    points, weights = _turned(TRACKS[name], noise=2)
    yaw, _ = keypoints_to_yaw(points, weights, np.full(len(points), SCALE), FPS)
    error = _error(yaw, TRACKS[name])
    assert np.median(error) < 6
    assert error.max() < 25


@pytest.mark.parametrize("way", [1, -1])
def test_where_nothing_points_forward_the_frames_around_decide(way):
    expected = way * np.linspace(0, np.pi, 40)
    points, weights = _turned(expected, noise=1)
    weights[14:27, FORWARD] = 0  # about the side view: the sides' widths are those of either side view
    yaw, _ = keypoints_to_yaw(points, weights, np.full(40, SCALE), FPS)
    assert _error(yaw, expected).max() < 30


def test_frames_without_a_person_lie_between_their_neighbours():
    expected = np.linspace(0, np.pi / 2, 30)
    points, weights = _turned(expected)
    weights[10:20] = 0
    points[10:20] = 0
    scale = keypoints_to_scale(points, weights, FPS)
    np.testing.assert_allclose(scale, SCALE, rtol=0.03)
    yaw, costs = keypoints_to_yaw(points, weights, scale, FPS)
    assert (costs[10:20] == 0).all()
    assert _error(yaw, expected).max() < 20
    np.testing.assert_allclose(keypoints_to_place(points, weights, scale, expected), [PLACE] * 30, atol=4)


def test_a_pair_costs_by_hand():
    rest = rest_keypoints()
    left, right = BODY_25.index("LShoulder"), BODY_25.index("RShoulder")
    points, weights = np.zeros((1, 25, 2)), np.zeros((1, 25))
    weights[0, [left, right]] = 0.8, 0.5
    points[0, left, 0] = rest[left, 0] - rest[right, 0]  # as seen from the front, one pixel a metre
    costs = heading_costs(points, weights, np.ones(1))
    assert costs[0, 0] == pytest.approx(0, abs=1e-12)
    width = rest[left, 0] - rest[right, 0]  # from behind, the distance is twice the width off
    assert costs[0, BINS // 2] == pytest.approx(0.5 * np.log1p((2 * width) ** 2 / (0.05**2 + 0.022**2)))


def test_headings_are_looked_up_and_trusted_by_hand():
    costs = np.tile(np.arange(BINS, dtype=float), (3, 1))
    yaw = bins_to_yaw(np.array([0, 5, BINS - 1])) + 0.01 + [0, 2 * np.pi, -2 * np.pi]
    np.testing.assert_array_equal(costs_at(costs, yaw), [0, 5, BINS - 1])
    # 1 / (1 + (excess / 5)⁴)
    np.testing.assert_allclose(headings_to_trust(costs, yaw), [1, 0.5, 1 / (1 + 14.2**4)])


@pytest.mark.parametrize("degrees", [0, 60, 180])
def test_exchanged_sides_are_not_trusted(degrees):
    points, weights = _turned(np.full(9, np.radians(degrees)), noise=2)
    points[4] = points[4, list(MIRROR)]
    yaw, costs = keypoints_to_yaw(points, weights, np.full(9, SCALE), FPS)
    trust = headings_to_trust(costs, yaw)
    assert trust[4] < 0.2
    assert np.delete(trust, 4).min() > 0.99


def test_turns_cost_by_hand():
    angle = np.array([0, TURN, 2 * np.pi - TURN, np.pi])
    np.testing.assert_allclose(turns_to_costs(angle, 1.0), [0, 0.5, 0.5, 0.5 * (np.pi / TURN) ** 2])
    np.testing.assert_allclose(turns_to_costs(angle, 0.001), [0, JUMP, JUMP, JUMP])
    np.testing.assert_allclose(bins_to_yaw(np.array([0, BINS // 4])), [0, np.pi / 2])


@pytest.mark.parametrize("seed", range(5))
def test_the_cheapest_way_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    costs, steps = rng.random((5, 3)), rng.random((4, 3, 3))
    for step in (steps, steps[0]):
        each = np.broadcast_to(step, (4, 3, 3))

        def price(way, each=each):
            moves = sum(each[t, way[t], way[t + 1]] for t in range(4))
            return moves + sum(costs[t, way[t]] for t in range(5))

        best = min(itertools.product(range(3), repeat=5), key=price)
        np.testing.assert_array_equal(cheapest_way(costs, step), best)


def test_one_frame_is_a_way():
    np.testing.assert_array_equal(cheapest_way(np.array([[3.0, 1.0, 2.0]]), np.zeros((3, 3))), [1])


def test_a_wrong_bone_does_not_move_the_scale():
    points, weights = _turned(np.zeros(20))
    points[7, BODY_25.index("LWrist")] += 200
    np.testing.assert_allclose(keypoints_to_scale(points, weights, FPS), SCALE, rtol=0.03)


def test_no_bone_is_refused():
    points, weights = _turned(np.zeros(3))
    weights[:] = 0
    weights[:, [BODY_25.index("Nose"), BODY_25.index("LKnee")]] = 1
    with pytest.raises(PoseError, match=r"expected keypoints of both ends of a bone .* one of 3 frames"):
        keypoints_to_scale(points, weights, FPS)
