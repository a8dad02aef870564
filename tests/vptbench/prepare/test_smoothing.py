"""The One-Euro filter against hand values and a slow loop."""

import math

import numpy as np
import pytest

from vptbench.errors import UsageError
from vptbench.prepare.smoothing import SMOOTHINGS, OneEuro, smooth_keypoints
from vptbench.skeleton import missing_keypoints

BDMM = SMOOTHINGS["one-euro-bdmm"]


def track(values):
    keypoints = missing_keypoints(len(values))
    keypoints[:, 3] = [
        (value, -value, 0.5) if np.isfinite(value) else (np.nan, np.nan, 0) for value in values
    ]
    return keypoints


def slow(values, rate, min_cutoff, beta, speed_cutoff=1.0):
    """Algorithm 1 of the paper for one number at a time; NaN is skipped and time goes on."""
    out, last, speed, gap = [], None, 0.0, 0
    for value in values:
        gap += 1
        if math.isnan(value):
            out.append(math.nan)
            continue
        if last is None:
            last = value
        else:
            step = gap / rate
            share = 1 / (1 + 1 / (2 * math.pi * speed_cutoff) / step)
            speed = share * ((value - last) / step) + (1 - share) * speed
            share = 1 / (1 + 1 / (2 * math.pi * (min_cutoff + beta * abs(speed))) / step)
            last = share * value + (1 - share) * last
        out.append(last)
        gap = 0
    return out


def test_by_hand():
    """15 Hz, a step from 0 to 10: α(1 Hz) = 1/(1 + 15/2π) = 0.29522, v = 0.29522·150 = 44.283,
    f = 1 + 0.05·44.283 = 3.21414, α(f) = 1/(1 + 0.742755) = 0.573804, x̂ = 5.73804."""
    assert smooth_keypoints(track([0, 10]), BDMM)[1, 3, 0] == pytest.approx(5.73804, abs=2e-5)


def test_as_the_slow_loop_with_gaps():
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(0, 4, 60))
    values[[0, 7, 20, 21, 22, 59]] = np.nan
    found = smooth_keypoints(track(values), OneEuro(30, 1.5, 0.02, 2.0))
    np.testing.assert_allclose(found[:, 3, 0], slow(values, 30, 1.5, 0.02, 2.0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found[:, 3, 1], -np.array(found[:, 3, 0]), rtol=1e-6)


def test_what_is_missing_stays_missing_and_confidences_stay():
    keypoints = track([1, np.nan, 3])
    found = smooth_keypoints(keypoints, BDMM)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(keypoints))
    np.testing.assert_array_equal(found[..., 2], keypoints[..., 2])
    assert found.dtype == np.float32


def test_what_stands_still_is_not_moved_and_jitter_shrinks():
    np.testing.assert_array_equal(smooth_keypoints(track([7.0] * 9), BDMM), track([7.0] * 9))
    jitter = np.random.default_rng(1).normal(50, 0.5, 200)
    found = smooth_keypoints(track(jitter), BDMM)[:, 3, 0]
    assert np.abs(np.diff(found)).mean() < 0.6 * np.abs(np.diff(jitter)).mean()


@pytest.mark.parametrize("values", [(0, 1, 0.1), (15, 0, 0.1), (15, 1, -0.1), (15, 1, 0.1, float("nan"))])
def test_impossible_filters_are_refused(values):
    with pytest.raises(UsageError, match="expected a One-Euro filter of frequencies above 0 and beta from 0"):
        OneEuro(*values)
