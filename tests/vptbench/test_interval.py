import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from vptbench.errors import ScoreError
from vptbench.interval import (
    bootstrap_interval,
    clips_to_groups,
    crossed_interval,
    jackknife_interval,
    means_to_interval,
    resampled_column_means,
    resampled_means,
)

quick = settings(deadline=None, max_examples=30, derandomize=True)
numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


def test_hand_two_clips():
    # A resample of {0, 1} has the mean 0, ½ or 1 with chances ¼, ½, ¼: the ends are the extremes.
    assert bootstrap_interval([0, 1]) == (0, 1)


def test_naive():
    values, weights = [3.0, 1.0, 4.0, 1.5, 9.0], [1, 2, 3, 4, 5]
    generator = np.random.Generator(np.random.PCG64(7))
    means = []
    for _ in range(600):
        picked = [int(generator.integers(5)) for _ in range(5)]
        means.append(sum(values[i] * weights[i] for i in picked) / sum(weights[i] for i in picked))
    means.sort()
    expected = means[math.ceil(0.025 * 600) - 1], means[math.ceil(0.975 * 600) - 1]
    found = bootstrap_interval(values, weights=weights, seed=7, resamples=600)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_golden():
    # Origin: this very call when the rule was written (NumPy 2.4.6, 2026-08); it pins generator and ends.
    found = bootstrap_interval(np.arange(20) ** 2 / 10, seed=0)
    np.testing.assert_allclose(found, [7.6, 17.37], rtol=1e-12)


@quick
@given(numbers, st.integers(0, 99))
def test_property_bounds_repeat_and_scale(values, seed):
    low, high = bootstrap_interval(values, seed=seed, resamples=400)
    slack = 1e-9
    assert min(values) - slack <= low <= high <= max(values) + slack
    assert (low, high) == bootstrap_interval(values, seed=seed, resamples=400)
    moved = bootstrap_interval(2 * np.array(values) + 1, seed=seed, resamples=400)
    np.testing.assert_allclose(moved, [2 * low + 1, 2 * high + 1], atol=1e-9)
    equal = bootstrap_interval(values, weights=[3] * len(values), seed=seed, resamples=400)
    np.testing.assert_allclose(equal, [low, high], atol=1e-9)


def test_covers_the_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    samples = generator.standard_normal((200, 40))
    hits = [low <= 0 <= high for low, high in (bootstrap_interval(s, resamples=500) for s in samples)]
    assert 0.89 <= np.mean(hits) <= 0.99


def test_infinite_values_make_infinite_ends():
    assert bootstrap_interval([math.inf] * 3) == (math.inf, math.inf)
    low, high = bootstrap_interval([1.0] * 30 + [math.inf])
    assert (low, high) == (1.0, math.inf)


def test_one_clip_tells_nothing():
    assert np.isnan(bootstrap_interval([1.0])).all()
    assert np.isnan(jackknife_interval(1.0, [2.0])).all()


def test_refuses_nan_and_unequal_lengths():
    with pytest.raises(ScoreError, match=r"no NaN, got values of shape \(2,\) with 1 NaN"):
        bootstrap_interval([1.0, math.nan])
    with pytest.raises(ScoreError, match=r"one value \(and weight\) a clip.*weights of shape \(3,\)"):
        bootstrap_interval([1.0, 2.0], weights=[1, 2, 3])
    with pytest.raises(ScoreError, match="expected finite values for a jackknife"):
        jackknife_interval(1.0, [1.0, math.inf])


def test_hand_jackknife():
    # Left out [1, 3]: mean 2, s² = ½ · (1 + 1) = 1; t with 1 degree of freedom is tan(0.475 π) = 12.7062.
    np.testing.assert_allclose(jackknife_interval(2.0, [1.0, 3.0]), [2 - 12.7062047, 2 + 12.7062047])


@quick
@given(st.lists(st.floats(-100, 100), min_size=3, max_size=20))
def test_property_jackknife_of_a_mean_is_its_standard_error(values):
    mean, count = np.mean(values), len(values)
    left_out = [(sum(values) - value) / (count - 1) for value in values]
    low, high = jackknife_interval(mean, left_out)
    np.testing.assert_allclose((low + high) / 2, mean, atol=1e-9)
    error = np.std(values, ddof=1) / math.sqrt(count)
    np.testing.assert_allclose((high - low) / 2, error * t.ppf(0.975, count - 1), atol=1e-6)


@quick
@given(st.integers(0, 200), st.integers(1, 30))
def test_property_groups_hold_each_clip_once_and_are_near_equal(clips, groups):
    dealt = clips_to_groups(clips, groups)
    assert sorted(clip for group in dealt for clip in group) == list(range(clips))
    assert len(dealt) == min(clips, groups)
    assert not dealt or max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_resampled_means_of_equal_draws_are_paired():
    # Two models that differ by 1 in every clip differ by 1 in every resample, however hard the clips are.
    hard = np.array([0.0, 100.0, 7.0, -30.0])
    first, second = resampled_means(hard + 1), resampled_means(hard)
    assert means_to_interval(first - second) == pytest.approx((1, 1), abs=1e-12)
    assert bootstrap_interval(hard) == means_to_interval(second)


def test_clips_of_weight_0_do_not_count():
    means = resampled_means([5.0, 9.0], weights=[1, 0], resamples=400)
    assert set(means[~np.isnan(means)]) == {5.0}  # drawing the other clip twice leaves no mean
    assert 60 < np.isnan(means).sum() < 140
    assert means_to_interval(means) == (5, 5)
    assert np.isnan(means_to_interval(resampled_means([1.0]))).all()


def test_networks_that_differ_and_clips_that_do_not():
    # Networks' means 0 and 2: variance 2, over 2 networks 1. Clips' means 1 and 1: 0. So s = 1, one degree of
    # freedom, t = 12.7062.
    low, high = crossed_interval([[0, 0], [2, 2]])
    assert (low, high) == pytest.approx((1 - 12.7062, 1 + 12.7062), abs=1e-4)


def test_clips_that_differ_as_much_as_networks():
    # Networks' means 1 and 3, clips' means 1 and 3: both 2/2 = 1. s² = 2, freedom 2²/(1/1 + 1/1) = 2.
    reach = t.ppf(0.975, 2) * math.sqrt(2)
    assert crossed_interval([[0, 2], [2, 4]]) == pytest.approx((2 - reach, 2 + reach), abs=1e-9)


@pytest.mark.parametrize(("of_networks", "of_clips"), [(1.0, 1.0), (0.3, 2.0), (2.0, 0.3)])
def test_the_interval_over_networks_and_clips_holds_the_truth(of_networks, of_clips):
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(1000):
        table = of_networks * rng.normal(size=(3, 1)) + of_clips * rng.normal(size=(1, 24))
        low, high = crossed_interval(table + rng.normal(size=(3, 24)))
        held += low <= 0 <= high
    assert (
        abs(held / 1000 - 0.95) < 0.04
    )  # measured with 4,000: 0.931, 0.957, 0.944; a standard error is 0.007


def test_too_few_networks_or_clips_or_no_numbers():
    assert np.isnan(crossed_interval([[1.0, 2.0]])).all()
    assert np.isnan(crossed_interval([[1.0], [2.0]])).all()
    assert crossed_interval([[3.0, 3.0], [3.0, 3.0]]) == (3, 3)
    with pytest.raises(ScoreError, match="1 that are not finite"):
        crossed_interval([[1.0, np.nan], [2.0, 3.0]])
    with pytest.raises(ScoreError, match=r"shape \(2,\)"):
        crossed_interval(np.array([1.0, 2.0]))


@quick
@given(st.integers(2, 9), st.integers(1, 4), st.integers(0, 99))
def test_columns_are_resampled_as_each_by_itself(clips, columns, seed):
    values = np.random.default_rng(seed).normal(size=(clips, columns))
    found = resampled_column_means(values, seed=seed, resamples=1500)
    for column in range(columns):
        expected = resampled_means(values[:, column], seed=seed, resamples=1500)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-13)


def test_columns_of_zeros_stay_zero_and_few_clips_give_nothing():
    values = np.zeros((7, 3))
    values[:, 1] = 0.1
    assert not resampled_column_means(values)[:, [0, 2]].any()
    assert resampled_column_means(values[:1]).shape == (0, 3)


@pytest.mark.parametrize("values", [[1.0, 2], [[1.0], [math.inf]], [[math.nan], [1]]])
def test_columns_that_cannot_be_resampled_are_refused(values):
    with pytest.raises(ScoreError, match=r"expected finite values of shape \(clips, columns\), got shape"):
        resampled_column_means(np.array(values))
