"""Other-body: bones of another length."""

import numpy as np
import pytest
from scipy import stats

from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses, load_kind
from vptbench.robustness.proportions import BONES, OUTWARD, scale_bones
from vptbench.skeleton import MIRROR, PARENTS

ROOT = 8


class Factors:
    """Draws that give these numbers, one a group of bones."""

    def __init__(self, **drawn):
        self.drawn = [drawn.get(name.replace(" ", "_"), 0) for name in BONES]

    def uniform(self, low, high, count):
        assert (low, high, count) == (-1, 1, len(self.drawn))
        return np.array(self.drawn)


def person(frames=1, seed=3):
    keypoints = np.random.default_rng(seed).uniform(0, 200, (frames, 25, 3)).astype(np.float32)
    keypoints[..., 2] = 0.5
    return keypoints


def scaled(keypoints, level, draws):
    return scale_bones(Poses(keypoints, (256, 256)), level, draws, {}).keypoints


def bones(keypoints):
    """(T, 25, 2): from each joint's parent to it; the root's is 0."""
    parents = [ROOT if parent < 0 else parent for parent in PARENTS]
    return (keypoints - keypoints[:, parents])[..., :2].astype(np.float64)


def stretch(noisy, clean):
    """(T, 24): how much longer each bone is, without the root."""
    ends = np.delete(np.arange(25), ROOT)
    return np.linalg.norm(bones(noisy)[:, ends], axis=-1) / np.linalg.norm(bones(clean)[:, ends], axis=-1)


def test_groups_hold_each_bone_once_and_are_symmetric():
    ends = sorted(joint for joints in BONES.values() for joint in joints)
    assert ends == sorted(OUTWARD) == [joint for joint in range(25) if joint != ROOT]
    for joints in BONES.values():
        assert {MIRROR[joint] for joint in joints} == set(joints)
    for place, joint in enumerate(OUTWARD):
        assert PARENTS[joint] == ROOT or PARENTS[joint] in OUTWARD[:place]


def test_an_arm_by_hand():
    """Hips (100, 100), neck (100, 50), shoulder (90, 50), elbow (90, 70), wrist (90, 80). Half as long upper
    arms again and half as long forearms: the elbow goes to 50 + 30, the wrist to 80 + 5. A trunk of 1.2
    puts neck, shoulder and all that hangs there 10 higher."""
    keypoints = person()
    keypoints[0, [8, 1, 2, 3, 4], :2] = (100, 100), (100, 50), (90, 50), (90, 70), (90, 80)
    found = scaled(keypoints, 0.5, Factors(upper_arms=1, forearms=-1))[0, [8, 1, 2, 3, 4], :2]
    np.testing.assert_allclose(found, [(100, 100), (100, 50), (90, 50), (90, 80), (90, 85)], atol=1e-4)
    found = scaled(keypoints, 0.5, Factors(upper_arms=1, forearms=-1, trunk=0.4))[0, [8, 1, 2, 3, 4], :2]
    np.testing.assert_allclose(found, [(100, 100), (100, 40), (90, 40), (90, 70), (90, 75)], atol=1e-4)


def test_a_joint_hangs_from_its_nearest_present_ancestor():
    """Without the elbow, the wrist hangs from the shoulder, by the forearm's factor; without elbow, shoulder
    and neck from the hips; with nothing above it, it stays."""
    keypoints = np.repeat(person(), 4, axis=0)
    keypoints[:, [8, 1, 2, 3, 4], :2] = (100, 100), (100, 50), (90, 50), (90, 70), (90, 80)
    for row, gone in ((1, [3]), (2, [1, 2, 3]), (3, [1, 2, 3, 8])):
        keypoints[row, gone] = np.nan, np.nan, 0
    found = scaled(keypoints, 0.5, Factors(upper_arms=1, forearms=-1))
    np.testing.assert_allclose(
        found[:, 4, :2], [(90, 85), (90, 50 + 15), (100 - 5, 100 - 10), (90, 80)], atol=1e-4
    )
    np.testing.assert_array_equal(np.isnan(found), np.isnan(keypoints))


def test_bones_are_scaled_alike_in_all_frames_and_on_both_sides():
    keypoints = person(30)
    for severity, level in enumerate(load_kind("other-body").levels, start=1):
        noisy = corrupt_poses(Corruption("other-body", severity), "a", Poses(keypoints, (256, 256)))
        ratios = stretch(noisy.keypoints, keypoints)
        np.testing.assert_allclose(ratios, np.broadcast_to(ratios[0], ratios.shape), rtol=1e-3)
        by_joint = np.insert(ratios[0], ROOT, 1)
        for joints in BONES.values():
            np.testing.assert_allclose(by_joint[list(joints)], by_joint[joints[0]], rtol=1e-3)
        assert abs(by_joint - 1).max() < level + 1e-3
        np.testing.assert_array_equal(noisy.keypoints[:, ROOT], keypoints[:, ROOT])


def test_severities_are_the_same_draws_scaled():
    keypoints = person(10)
    moved = [
        stretch(
            corrupt_poses(Corruption("other-body", s), "a", Poses(keypoints, (256, 256))).keypoints,
            keypoints,
        )
        - 1
        for s in (1, 5)
    ]
    np.testing.assert_allclose(moved[1], 8 * moved[0], atol=1e-3)


def test_factors_are_uniform_over_clips():
    keypoints = person()
    ends = [joints[0] for joints in BONES.values()]
    places = [joint if joint < ROOT else joint - 1 for joint in ends]
    found = np.array([
        stretch(
            corrupt_poses(Corruption("other-body", 5), f"{n}", Poses(keypoints, (256, 256))).keypoints,
            keypoints,
        )[0, places]
        for n in range(400)
    ])  # fmt: skip
    assert stats.kstest(found.ravel(), "uniform", (0.6, 0.8)).pvalue > 0.001
    assert abs(np.corrcoef(found.T)[np.triu_indices(9, 1)]).max() < 4.5 / 20


@pytest.mark.parametrize("seed", range(5))
def test_against_a_slow_walk_down_the_tree(seed):
    draws = np.random.default_rng(seed)
    keypoints = person(20, seed)
    keypoints[draws.random((20, 25)) < 0.4] = np.nan, np.nan, 0
    group = {joint: name for name, joints in BONES.items() for joint in joints}
    z = {name.replace(" ", "_"): draws.uniform(-1, 1) for name in BONES}
    found = scaled(keypoints, 0.3, Factors(**z))

    def place(frame, joint):
        x = keypoints[frame, joint, :2].astype(np.float64)
        above = PARENTS[joint]
        while above >= 0 and np.isnan(keypoints[frame, above, 0]):
            above = PARENTS[above]
        if above < 0:
            return x
        factor = 1 + 0.3 * z[group[joint].replace(" ", "_")]
        return place(frame, above) + factor * (x - keypoints[frame, above, :2])

    expected = np.array([[place(frame, joint) for joint in range(25)] for frame in range(20)])
    np.testing.assert_allclose(found[..., :2], expected, atol=1e-3)
