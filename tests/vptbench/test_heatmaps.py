import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import ShapeError
from vptbench.heatmaps import keypoints_to_heatmaps, size_to_sigma
from vptbench.skeleton import missing_keypoints

GOLDEN = Path(__file__).parents[1] / "golden" / "heatmaps.npz"


def test_published_heatmaps():
    with np.load(GOLDEN) as golden:
        keypoints, expected = golden["keypoints"], golden["heatmaps"]
    found = keypoints_to_heatmaps(keypoints, (64, 64), sigma_px=6.0, parity=True)
    np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-6)
    assert (found[[1, 4, 10]] == 0).all()  # x = 0 or y = 0
    assert (found[[2, 5, 6]].amax((1, 2)) > 0.9).all()  # (−1, −1, 0), x = 1/64, score 0


def test_joints_of_confidence_0_are_drawn_by_the_published_rule_only():
    with np.load(GOLDEN) as golden:
        keypoints, expected = golden["keypoints"], golden["heatmaps"]
    found = keypoints_to_heatmaps(keypoints, (64, 64), sigma_px=6.0).numpy()
    usual = (keypoints[:, 2] > 0) & (keypoints[:, :2] != 0).all(1)
    assert usual.sum() > 10
    np.testing.assert_allclose(found[usual], expected[usual], rtol=0, atol=1e-6)
    assert not found[keypoints[:, 2] == 0].any()


def test_a_joint_on_the_first_row_or_column_is_drawn():
    keypoints = missing_keypoints(1)
    keypoints[0, 3], keypoints[0, 4] = (0, 2, 1), (2, 0, 1)
    found = keypoints_to_heatmaps(keypoints, (4, 5), sigma_px=1.0)
    assert found[0, 3, 2, 0] == 1
    assert found[0, 4, 0, 2] == 1
    assert (keypoints_to_heatmaps(keypoints, (4, 5), sigma_px=1.0, parity=True) == 0).all()


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.lists(st.integers(1, 3), max_size=2),
    st.floats(0.2, 20),
    st.integers(0, 2**32 - 1),
)
def test_as_the_formula_says(size, leading, sigma, seed):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(-5, 12, (*leading, 25, 3)).astype(np.float32)
    keypoints[..., 2] = rng.integers(0, 2, keypoints.shape[:-1])
    found = keypoints_to_heatmaps(keypoints, size, sigma_px=sigma).numpy()
    assert found.shape == (*leading, 25, *size)
    assert found.dtype == np.float32
    expected = np.zeros(found.shape)
    for joint in np.ndindex(keypoints.shape[:-1]):
        x, y, confidence = map(float, keypoints[joint])
        for i, j in np.ndindex(size):
            if confidence:
                expected[(*joint, i, j)] = math.exp(-((i - y) ** 2 + (j - x) ** 2) / (2 * sigma**2))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("parity", [False, True])
def test_missing_joints_are_empty(parity):
    keypoints = missing_keypoints(2)
    keypoints[1, 7] = (3, 4, 1)
    found = keypoints_to_heatmaps(keypoints, (8, 8), sigma_px=2.0, parity=parity)
    assert found.isfinite().all()
    assert found.flatten(2).any(2).nonzero().tolist() == [[1, 7]]
    half = np.float32([[(np.nan, 4, 1)] * 12 + [(3, np.nan, 1)] * 13])
    assert not keypoints_to_heatmaps(half, (8, 8), sigma_px=2.0, parity=parity).any()


def test_tensors_and_arrays_are_left_as_they_are():
    keypoints = np.random.default_rng(0).uniform(0, 8, (3, 25, 3)).astype(np.float32)
    keypoints.flags.writeable = False
    tensor = torch.tensor(keypoints)
    found = keypoints_to_heatmaps(keypoints[::-1], (8, 8), sigma_px=2.0)
    torch.testing.assert_close(
        found.flip(0), keypoints_to_heatmaps(tensor, (8, 8), sigma_px=2.0), rtol=0, atol=0
    )
    np.testing.assert_array_equal(tensor, keypoints)


def test_the_dots_are_the_same_share_of_any_frame():
    assert size_to_sigma(256) == 6
    assert size_to_sigma(64) == 1.5


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"keypoints: expected shape \(…, 25, 3\), found \(2, 18, 3\)"):
        keypoints_to_heatmaps(np.zeros((2, 18, 3), np.float32), (8, 8), sigma_px=2.0)
