"""Lag: late poses."""

import numpy as np
import pytest

from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses

NUMBERED = np.zeros((6, 25, 3), np.float32) + np.arange(6, dtype=np.float32)[:, None, None] / 8
POSES = Poses(NUMBERED, (64, 64))


@pytest.mark.parametrize(
    ("severity", "rows"),
    [(1, [0, 0, 1, 2, 3, 4]), (2, [0, 0, 0, 1, 2, 3]), (3, [0, 0, 0, 0, 0, 1]), (4, [0] * 6), (5, [0] * 6)],
)
def test_poses_and_meshes_come_late(severity, rows):
    noisy = corrupt_poses(Corruption("lag", severity), "a", POSES)
    assert noisy.rows.tolist() == rows
    np.testing.assert_array_equal(noisy.keypoints, NUMBERED[rows])


def test_a_fixed_frame_is_on_time():
    noisy = corrupt_poses(Corruption("lag", 2), "a", POSES, fixed=[3])
    assert noisy.rows.tolist() == [0, 0, 0, 3, 2, 3]
    np.testing.assert_array_equal(noisy.keypoints, NUMBERED[noisy.rows])


def test_sixteen_frames_of_a_longer_clip():
    long = Poses(np.tile(NUMBERED, (4, 1, 1)), (64, 64))
    assert corrupt_poses(Corruption("lag", 5), "a", long).rows.tolist() == [0] * 16 + list(range(8))
