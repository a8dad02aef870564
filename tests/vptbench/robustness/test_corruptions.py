"""Corruptions: how one is applied, whatever its kind."""

import numpy as np

from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses

KEYPOINTS = np.random.default_rng(1).uniform(0, 64, (5, 25, 3)).astype(np.float32)
POSES = Poses(KEYPOINTS, (128, 128), 30)


def test_severity_0_is_the_identity_and_fixed_frames_stay():
    clean = corrupt_poses(Corruption("jitter", 0), "a", POSES)
    np.testing.assert_array_equal(clean.keypoints, KEYPOINTS)
    noisy = corrupt_poses(Corruption("jitter", 3), "a", POSES, fixed=[2])
    np.testing.assert_array_equal(noisy.keypoints[2], KEYPOINTS[2])
    assert (noisy.keypoints[[0, 1, 3, 4], :, :2] != KEYPOINTS[[0, 1, 3, 4], :, :2]).all()


def test_severities_are_the_same_draws_scaled():
    one, two = (corrupt_poses(Corruption("jitter", s, 4), "a", POSES).keypoints - KEYPOINTS for s in (1, 2))
    np.testing.assert_allclose(two[..., :2], 2 * one[..., :2], atol=1e-5)
