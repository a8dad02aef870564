"""A mesh that follows its keypoints: hand examples, the shipped body, and a slow reference."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_keypoints
from vptbench.mesh.follow import keypoints_to_shifts, move_vertices
from vptbench.skeleton import BODY_25, PARENTS, missing_keypoints

SCALE = 120.0
MID_HIP, NECK, SHOULDER, ELBOW, WRIST = (
    BODY_25.index(name) for name in ("MidHip", "Neck", "RShoulder", "RElbow", "RWrist")
)


def _poses(frames):
    """The same pose in all frames, joint j at (10 j, j), float32 (T, 25, 3)."""
    joints = np.arange(25, dtype=np.float32)
    return np.repeat(np.stack([10 * joints, joints, np.ones(25, np.float32)], 1)[None], frames, 0)


def _lose(keypoints, frames, *joints):
    for joint in joints:
        keypoints[frames, joint] = (np.nan, np.nan, 0)


def _shifts(clean, noisy, rows=None):
    return keypoints_to_shifts(clean, noisy, np.arange(len(noisy)) if rows is None else np.array(rows))


@pytest.fixture(scope="module")
def projected():
    """The shipped body in its rest pose: vertices (V, 3) in pixels and keypoints (1, 25, 3)."""
    body = load_body()
    joints = body_to_keypoints(BodyModel.load(), torch.eye(3).expand(1, 18, 3, 3), torch.zeros(12))[0].numpy()
    to_pixels = np.array([[SCALE, 0, 0], [0, 0, SCALE], [0, -SCALE, 0]], np.float32)
    flat = joints @ to_pixels + 128
    keypoints = np.concatenate([flat[:, :2], np.ones((25, 1))], 1)[None].astype(np.float32)
    return (body.rest @ to_pixels + 128).astype(np.float32), keypoints


def test_all_keypoints_moved_by_one_vector_move_the_mesh_by_it(projected):
    vertices, clean = projected
    noisy = clean + np.float32([7.25, -3.5, 0])
    moved = move_vertices(vertices, load_body().joint_weights, _shifts(clean, noisy)[0])
    np.testing.assert_allclose(moved - vertices, np.tile([7.25, -3.5, 0], (len(vertices), 1)), atol=1e-2)


def test_a_wrist_moved_leaves_the_other_arm_alone(projected):
    vertices, clean = projected
    noisy = clean.copy()
    noisy[0, WRIST, :2] += 20
    weights = load_body().joint_weights
    moved = move_vertices(vertices, weights, _shifts(clean, noisy)[0])
    other = weights[:, [BODY_25.index(f"L{part}") for part in ("Elbow", "Wrist")]].sum(1) > 0.5
    assert other.sum() > 100
    np.testing.assert_array_equal(moved[other], vertices[other])
    hand = weights[:, WRIST] == 1
    assert hand.sum() > 50
    np.testing.assert_allclose(moved[hand, :2] - vertices[hand, :2], 20, atol=1e-4)
    np.testing.assert_array_equal(moved[:, 2], vertices[:, 2])


def test_present_joints_move_as_they_were_moved():
    clean, noisy = _poses(2), _poses(2)
    noisy[1, ELBOW, :2] += (3, -4)
    expected = np.zeros((2, 25, 2))
    expected[1, ELBOW] = (3, -4)
    np.testing.assert_array_equal(_shifts(clean, noisy), expected)


def test_a_lost_joint_keeps_its_place_to_its_parent():
    clean = _poses(3)
    clean[1, WRIST, :2] += (5, 6)  # the true wrist goes on, which must not be told
    clean[2, WRIST, :2] += (9, 9)
    noisy = clean.copy()
    noisy[1, ELBOW, :2] += (1, 2)
    _lose(noisy, slice(1, 3), WRIST)
    shifts = _shifts(clean, noisy)
    np.testing.assert_allclose(shifts[1, WRIST], (1 - 5, 2 - 6))  # with the elbow, less what it truly moved
    np.testing.assert_allclose(shifts[2, WRIST], (-9, -9))  # still as in frame 0
    np.testing.assert_array_equal(shifts[0], 0)


def test_a_lost_limb_hangs_from_the_nearest_ancestor_that_is_left():
    clean = _poses(2)
    clean[1, [ELBOW, WRIST], :2] += (4, 0)
    noisy = clean.copy()
    noisy[1, SHOULDER, :2] += (0, 3)
    _lose(noisy, 1, ELBOW, WRIST)
    shifts = _shifts(clean, noisy)
    np.testing.assert_allclose(shifts[1, [ELBOW, WRIST]], [(-4, 3), (-4, 3)])


def test_the_frame_that_counts_has_the_joint_and_its_ancestor():
    clean = _poses(3)
    clean[1, WRIST, :2] += (5, 0)
    noisy = clean.copy()
    _lose(noisy, 1, ELBOW)  # frame 1 has the wrist, but not the elbow
    _lose(noisy, 2, WRIST)
    np.testing.assert_allclose(_shifts(clean, noisy)[2, WRIST], 0)  # as in frame 0, where it truly is again
    np.testing.assert_allclose(_shifts(clean, noisy)[1, WRIST], 0)  # there, so it needs no elbow


def test_a_joint_lost_from_the_first_frame_on_takes_the_next_frame_that_has_it():
    clean = _poses(3)
    clean[2, WRIST, :2] += (5, 0)
    noisy = clean.copy()
    _lose(noisy, slice(0, 2), WRIST)
    np.testing.assert_allclose(_shifts(clean, noisy)[:, WRIST], [(5, 0), (5, 0), (0, 0)])


def test_a_joint_that_is_never_there_moves_as_its_ancestor_does():
    clean, noisy = _poses(2), _poses(2)
    noisy[:, SHOULDER, :2] += (2, 1)
    _lose(noisy, slice(None), ELBOW, WRIST)
    np.testing.assert_allclose(_shifts(clean, noisy)[:, [ELBOW, WRIST]], np.full((2, 2, 2), (2, 1)))


def test_a_joint_missing_in_clean_moves_as_its_parent_does():
    clean, noisy = _poses(1), _poses(1)
    noisy[0, ELBOW, :2] += (2, 1)
    _lose(clean, 0, WRIST)
    np.testing.assert_array_equal(_shifts(clean, noisy)[0, WRIST], (2, 1))
    _lose(clean, 0, ELBOW, SHOULDER, NECK, MID_HIP)
    np.testing.assert_array_equal(_shifts(clean, noisy)[0, [WRIST, ELBOW]], 0)  # no ancestor has moved


def test_the_middle_of_the_hips_is_held_by_what_hangs_from_it():
    clean = _poses(2)
    clean[1, :, :2] += (6, 0)  # everybody walks on
    noisy = clean.copy()
    _lose(noisy, 1, MID_HIP, NECK)
    np.testing.assert_allclose(
        _shifts(clean, noisy)[1, [MID_HIP, NECK]], 0
    )  # the hips have walked on as well
    noisy[1, [9, 12], :2] += (0, 2)  # both hips, one bone away; the nearest other of the lowest number holds
    np.testing.assert_allclose(_shifts(clean, noisy)[1, MID_HIP], (0, 2))


def test_nobody_left_leaves_the_mesh_where_it_is():
    nobody = missing_keypoints(2)
    moved = _poses(2) + np.float32([1, 0, 0])
    for clean, noisy in ((_poses(2), nobody), (nobody, moved), (nobody, nobody)):
        np.testing.assert_array_equal(_shifts(clean, noisy), 0)
    _lose(moved, 0, *range(25))  # frame 1 has all, but no ancestor in frame 0 to hold on to
    np.testing.assert_array_equal(_shifts(_poses(2), moved)[0], 0)


def test_shifts_start_from_the_frame_that_rows_name():
    clean = _poses(3)
    clean[..., 0] += np.array([0, 10, 20], np.float32)[:, None]
    late = clean[[0, 0, 1]]
    np.testing.assert_array_equal(_shifts(clean, late, [0, 0, 1]), 0)  # a lag: earlier mesh, earlier pose
    np.testing.assert_array_equal(_shifts(clean, late)[2], np.tile((-10, 0), (25, 1)))
    _lose(late, 2, WRIST)
    np.testing.assert_array_equal(_shifts(clean, late, [0, 0, 1]), 0)


def _bones(a, b):
    """How many bones lie between two joints, by walking."""
    seen, edge, steps = {a}, {a}, 0
    while b not in seen:
        edge = {
            j for j in range(25) if j not in seen and any(PARENTS[j] == k or PARENTS[k] == j for k in edge)
        }
        seen |= edge
        steps += 1
    return steps


def _holders(joint):
    """Ancestors, nearest first, then the others, nearest first."""
    ancestors = []
    while PARENTS[joint if not ancestors else ancestors[-1]] >= 0:
        ancestors.append(PARENTS[joint if not ancestors else ancestors[-1]])
    others = [other for other in range(25) if other not in {joint, *ancestors}]
    return ancestors + sorted(others, key=lambda other: (_bones(joint, other), other))


HOLDERS = [_holders(joint) for joint in range(25)]


def _slow_shift(clean, noisy, rows, t, joint):
    """The rule as it is written, one joint of one frame."""

    def there(keypoints, frame, j):
        return not np.isnan(keypoints[frame, j, 0])

    start = clean[rows[t], :, :2].astype(float)
    place = noisy[..., :2].astype(float)
    if np.isnan(start[joint, 0]):
        known = [holder for holder in HOLDERS[joint] if not np.isnan(start[holder, 0])]
        return _slow_shift(clean, noisy, rows, t, known[0]) if known else np.zeros(2)
    if there(noisy, t, joint):
        return place[t, joint] - start[joint]
    for holder in HOLDERS[joint]:
        if not there(noisy, t, holder):
            continue
        for s in [*range(t - 1, -1, -1), *range(t + 1, len(noisy))]:
            if there(noisy, s, joint) and there(noisy, s, holder):
                return place[t, holder] + place[s, joint] - place[s, holder] - start[joint]
        if not np.isnan(start[holder, 0]):
            return place[t, holder] - start[holder]
    return np.zeros(2)


@given(
    hnp.arrays(np.float32, (2, 5, 25, 2), elements=st.integers(0, 200)),
    hnp.arrays(np.bool_, (2, 5, 25)),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
)
def test_shifts_are_the_slow_rules_and_finite(places, gone, rows):
    keypoints = np.concatenate([places, np.ones((2, 5, 25, 1), np.float32)], -1)
    keypoints[gone] = (np.nan, np.nan, 0)
    shifts = _shifts(*keypoints, rows)
    expected = [[_slow_shift(*keypoints, rows, t, joint) for joint in range(25)] for t in range(5)]
    assert shifts.dtype == np.float64
    np.testing.assert_allclose(shifts, expected, atol=1e-9)
