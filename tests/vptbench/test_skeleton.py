import numpy as np
import pytest

from vptbench.skeleton import BODY_25, JOINT_COLOURS, LIMBS, MIRROR, keypoints_to_problems, missing_keypoints


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
