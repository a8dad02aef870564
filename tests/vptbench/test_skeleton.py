import numpy as np
import pytest

from vptbench.skeleton import (
    BODY_25,
    CONVENTIONS,
    JOINT_COLOURS,
    LIMBS,
    MIRROR,
    keypoints_to_height,
    keypoints_to_problems,
    missing_keypoints,
    points_to_body_25,
)


def test_mirror_swaps_left_and_right_names():
    swap = {"L": "R", "R": "L"}
    for joint, name in enumerate(BODY_25):
        other = swap[name[0]] + name[1:] if name[0] in swap else name
        assert BODY_25[MIRROR[joint]] == other
        assert MIRROR[MIRROR[joint]] == joint


def test_limbs_make_a_tree_over_all_joints():
    reached = {8}
    for _ in LIMBS:
        reached |= {b for a, b in LIMBS if a in reached} | {a for a, b in LIMBS if b in reached}
    assert reached == set(range(25))
    assert len(LIMBS) == 24
    assert len(JOINT_COLOURS) == 25


def test_missing_keypoints_are_well_formed():
    assert keypoints_to_problems(missing_keypoints(3)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda k: k[:, :24], "expected shape"),
        (lambda k: k.astype(np.float64), "expected float32"),
        (lambda k: k + np.float32([0, 0, 2]), "expected confidence"),
        (lambda k: k * 0, "expected x, y = NaN"),
    ],
)
def test_malformed_keypoints_are_named(change, problem):
    keypoints = missing_keypoints(2)
    keypoints[0, 3] = (1, 2, 0.5)
    assert any(problem in text for text in keypoints_to_problems(change(keypoints)))


COCO = (
    "Nose", "LEye", "REye", "LEar", "REar", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist", "RWrist",
    "LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle",
)  # fmt: skip
FEET = {
    17: (),
    26: ("Head", "Neck", "MidHip", "LBigToe", "RBigToe", "LSmallToe", "RSmallToe", "LHeel", "RHeel"),
    133: ("LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel"),
}


@pytest.mark.parametrize("K", CONVENTIONS)
def test_other_skeletons_are_mapped_by_name(K):
    names = (COCO + FEET[K] + ("",) * K)[:K]
    for joint, place in enumerate(CONVENTIONS[K]):
        assert (names[place] if place >= 0 else None) == (BODY_25[joint] if BODY_25[joint] in names else None)


def test_neck_and_middle_of_the_hips_lie_between():
    """Shoulders at (10, 4) and (20, 8) of confidence 0.9 and 0.5: neck (15, 6) of 0.5; one hip: no middle."""
    points = np.zeros((2, 17, 3))
    points[:, 5], points[:, 6], points[:, 11] = (10, 4, 0.9), (20, 8, 0.5), (12, 30, 1.7)
    found = points_to_body_25(points, CONVENTIONS[17])
    np.testing.assert_allclose(found[1, 1], (15, 6, 0.5))
    np.testing.assert_array_equal(found[1, 8], (np.nan, np.nan, 0))
    np.testing.assert_array_equal(found[1, 12], (12, 30, 1))
    assert keypoints_to_problems(found) == []


@pytest.mark.parametrize("bad", [(1, 2, 0), (1, 2, -0.5), (np.nan, 2, 0.5), (1, np.inf, 0.5), (1, 2, np.nan)])
def test_points_that_were_not_found_are_missing(bad):
    points = np.ones((17, 3))
    points[0] = bad
    found = points_to_body_25(points, CONVENTIONS[17])
    np.testing.assert_array_equal(found[0], (np.nan, np.nan, 0))
    assert keypoints_to_problems(found[None]) == []


def standing(frames):
    """Nose at (10, 5), right ankle at (10, 45), fully sure."""
    keypoints = missing_keypoints(frames)
    keypoints[:, 0] = (10, 5, 1)
    keypoints[:, 11] = (10, 45, 1)
    return keypoints


def test_height_is_the_median_of_the_boxes():
    keypoints = standing(3)
    keypoints[1, 11, 1] = 25  # boxes of 40, 20 and 40 px
    assert keypoints_to_height(keypoints) == 40
    keypoints[2] = missing_keypoints(1)[0]  # 40 and 20
    assert keypoints_to_height(keypoints) == 30
    assert keypoints_to_height(missing_keypoints(2)) == 1
