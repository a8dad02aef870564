"""Jitter and drift against their definitions, on 50 independent series of 20,000 frames."""

import math

import numpy as np
import pytest

from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses

FRAMES = 20_000
STILL = np.tile(np.float32((0, 0, 1)), (FRAMES, 25, 1))


def noise(kind, severity, height=256, frames=FRAMES, **parameters):
    """float64 (frames, 50): what is added to each joint and axis."""
    poses = Poses(STILL[:frames], (height, 100))
    noisy = corrupt_poses(Corruption(kind, severity, 0, parameters), "clip", poses)
    assert (noisy.keypoints[..., 2] == 1).all()
    return noisy.keypoints[..., :2].astype(np.float64).reshape(frames, -1)


def errors_from(stated, by_series):
    """How many standard errors the mean over series is from what is stated; the series are replicates."""
    return (by_series.mean() - stated) / (by_series.std(ddof=1) / math.sqrt(len(by_series)))


@pytest.fixture(scope="module")
def series():
    """Jitter, drift and drift of another correlation, at severity 3 (σ = 4 px)."""
    return {
        0.0: noise("jitter", 3),
        0.9: noise("drift", 3),
        0.5: noise("drift", 3, correlation=0.5),
    }


@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.5])
def test_mean_variance_and_autocorrelation_are_as_stated(series, correlation):
    found = series[correlation]
    assert abs(errors_from(0, found.mean(axis=0))) < 3
    assert abs(errors_from(16, (found**2).mean(axis=0))) < 3
    for lag in (1, 2, 5):
        products = (found[lag:] * found[:-lag]).mean(axis=0) / 16
        assert abs(errors_from(correlation**lag, products)) < 3


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_values_are_gaussian(series, correlation):
    """The share within one and two σ, and the fourth moment."""
    found = series[correlation] / 4
    for bound, share in ((1, 0.682689), (2, 0.954500)):
        assert abs(errors_from(share, (abs(found) < bound).mean(axis=0))) < 3
    assert abs(errors_from(3, (found**4).mean(axis=0))) < 3


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_joints_and_axes_are_independent(series, correlation):
    """All 1,225 pairs within 5 standard errors; frames of an AR(1) count (1 − c²)/(1 + c²) each."""
    found = np.corrcoef(series[correlation].T)[np.triu_indices(50, 1)]
    counted = FRAMES * (1 - correlation**2) / (1 + correlation**2)
    assert abs(found).max() < 5 / math.sqrt(counted)


def test_drift_is_as_strong_in_the_first_frame_as_later():
    """A start from 0 would have less. The mean square over 200 clips × 50 series: standard error √(2/10⁴)."""
    first = [
        corrupt_poses(Corruption("drift", 1), f"clip {n}", Poses(STILL[:1], (256, 100))).keypoints
        for n in range(200)
    ]
    squares = np.concatenate(first)[..., :2].astype(np.float64) ** 2
    assert abs(squares.mean() - 1) < 3 * math.sqrt(2 / squares.size)


@pytest.mark.parametrize("kind", ["jitter", "drift"])
def test_severities_are_the_same_draws_scaled(kind):
    """By powers of 2, so that not even rounding differs."""
    one = noise(kind, 1, frames=50)
    for severity, level in ((2, 2), (3, 4), (4, 8), (5, 16)):
        np.testing.assert_array_equal(noise(kind, severity, frames=50), level * one)


@pytest.mark.parametrize("kind", ["jitter", "drift"])
def test_levels_grow_with_the_height_of_the_frames(kind):
    np.testing.assert_array_equal(noise(kind, 3, 512, 50), 2 * noise(kind, 3, 256, 50))
    np.testing.assert_array_equal(noise(kind, 3, 64, 50), noise(kind, 1, 256, 50))


def test_drift_without_correlation_is_white():
    found = noise("drift", 1, correlation=0)
    assert abs(errors_from(0, (found[1:] * found[:-1]).mean(axis=0))) < 3
    assert abs(errors_from(1, (found**2).mean(axis=0))) < 3


def test_drift_is_the_recursion():
    """From the draws of no correlation, z: e_0 = z_0, e_t = 0.9·e_(t−1) + √0.19·z_t."""
    draws, drift = noise("drift", 1, frames=4, correlation=0), noise("drift", 1, frames=4)
    expected = draws[0]
    for frame in range(4):
        if frame:
            expected = 0.9 * expected + 0.19**0.5 * draws[frame]
        np.testing.assert_allclose(drift[frame], expected, atol=1e-6)
