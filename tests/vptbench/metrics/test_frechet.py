import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.errors import ScoreError, ShapeError
from vptbench.metrics.frechet import (
    Statistics,
    features_to_statistics,
    leave_one_out,
    merge_statistics,
    merged,
    statistics_to_distance,
)

quick = settings(deadline=None, max_examples=40, derandomize=True)


def drawn(seed, count, width, offset=0.0):
    return np.random.default_rng(seed).standard_normal((count, width)) + offset


def distance(a, b):
    return statistics_to_distance(features_to_statistics(a), features_to_statistics(b))


def naive(a, b):
    """The published formula with the eigenvalues of C1 C2, in float64."""
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.clip(np.linalg.eigvals(c1 @ c2).real, 0, None)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * roots


def test_hand_six_points():
    # Means (2/3, 2/3) and (1, 1): gap 2/9. A: variances 1/3, covariance −1/6; B: both 1 and covariance
    # 1/2. The two share the eigenvectors (1, 1) and (1, −1), with eigenvalues (1/6, 1/2) and (3/2, 1/2),
    # so traces add (√(3/2) − √(1/6))² + 0 = 3/2 + 1/6 − 1 = 2/3. In all 8/9.
    a, b = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0, 0], [2, 1], [1, 2]])
    np.testing.assert_allclose(distance(a, b), 8 / 9, rtol=1e-14)


def test_hand_diagonal_covariances():
    # (√1 − √4)² + (√4 − √1)² = 2
    first, second = (Statistics(2, np.zeros(2), np.diag(np.sqrt(v))) for v in ([1.0, 4.0], [4.0, 1.0]))
    np.testing.assert_allclose(statistics_to_distance(first, second), 2, rtol=1e-14)


def test_hand_unit_covariances_one_apart():
    # As pytorch-fid's own test, which takes 2048: equal covariances leave |m1 − m2|² = the width.
    width = 300
    first, second = (Statistics(2, np.full(width, m), np.eye(width)) for m in (0.0, 1.0))
    np.testing.assert_allclose(statistics_to_distance(first, second), width, rtol=1e-13)


def test_golden_random_state():
    # Origin: RandomState(0), P = randn(20, 64), then Q = randn(30, 64) + 0.5, nuclear
    # norm, NumPy 2.4.6, 2026-08; the square root of SciPy 1.17.1 gives 83.0230192.
    state = np.random.RandomState(0)
    p, q = state.randn(20, 64), state.randn(30, 64) + 0.5
    np.testing.assert_allclose(distance(p, q), 83.02302090002337, rtol=1e-12)


@quick
@given(st.integers(0, 999), st.integers(9, 60), st.integers(9, 60), st.integers(2, 8))
def test_naive(seed, first, second, width):
    a, b = drawn(seed, first, width, 3.0), drawn(seed + 1, second, width) * 2
    np.testing.assert_allclose(distance(a, b), naive(a, b), rtol=1e-6)


@quick
@given(st.integers(0, 999), st.integers(2, 40), st.integers(2, 40), st.integers(1, 12))
def test_property_symmetry_bounds_identity(seed, first, second, width):
    a, b = drawn(seed, first, width), drawn(seed + 1, second, width, 1.0)
    trace = np.trace(features_to_statistics(a).scatter) / (first - 1)
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum()
    np.testing.assert_allclose(distance(a, b), distance(b, a), rtol=1e-10)
    assert distance(a, b) >= gap - 1e-9
    assert abs(distance(a, a)) <= 1e-9 * trace
    np.testing.assert_allclose(distance(a[::-1], b + 7), distance(a, b + 7), rtol=1e-10)  # order of samples


@quick
@given(
    st.integers(0, 999), st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 10), st.data()
)
def test_property_merging_equals_taking_together(seed, counts, width, data):
    whole = drawn(seed, sum(counts), width, 1000.0)
    parts = [features_to_statistics(part) for part in np.split(whole, np.cumsum(counts)[:-1])]
    total = merged(data.draw(st.permutations(parts)))
    assert total.count == len(whole)
    if total.count > 1:
        np.testing.assert_allclose(total.mean, whole.mean(0), rtol=1e-13)
        expected = np.cov(whole, rowvar=False).reshape(width, width) * (len(whole) - 1)
        np.testing.assert_allclose(total.scatter, expected, rtol=1e-9, atol=1e-9)
        assert len(total.rows) <= 2 * width


@pytest.mark.parametrize(("count", "rtol"), [(30, 1e-6), (40, 1e-6), (90, 1e-9), (400, 1e-9)])
def test_splits_do_not_move_the_distance(count, rtol):
    a, b = drawn(1, count, 40), drawn(2, count, 40, 0.1) * 1.3
    expected = distance(a, b)
    other = features_to_statistics(b)
    for sections in (2, 7, count // 3):
        parts = [features_to_statistics(part) for part in np.array_split(a, sections)]
        np.testing.assert_allclose(statistics_to_distance(merged(parts), other), expected, rtol=rtol)
        np.testing.assert_allclose(statistics_to_distance(merged(parts[::-1]), other), expected, rtol=rtol)


@pytest.mark.parametrize("parts", [2, 3, 7, 20])
def test_leave_one_out_leaves_each_out_in_turn(parts):
    groups = [drawn(seed, 5 + seed, 3) for seed in range(parts)]
    left = list(leave_one_out([features_to_statistics(group) for group in groups]))
    assert len(left) == parts
    for number, statistics in enumerate(left):
        others = np.concatenate([group for at, group in enumerate(groups) if at != number])
        assert statistics.count == len(others)
        np.testing.assert_allclose(statistics.mean, others.mean(0), rtol=1e-12)
        np.testing.assert_allclose(statistics.scatter, np.cov(others.T) * (len(others) - 1), rtol=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_refuses_too_few_samples(count):
    few, enough = features_to_statistics(drawn(0, count, 3)), features_to_statistics(drawn(0, 5, 3))
    with pytest.raises(
        ScoreError, match=f"expected at least 2 samples on each side for a covariance, got {count}"
    ):
        statistics_to_distance(few, enough)
    with pytest.raises(ScoreError, match="at least 2 samples"):
        statistics_to_distance(enough, few)


def test_refuses_other_widths_and_numbers():
    a, b = features_to_statistics(drawn(0, 5, 3)), features_to_statistics(drawn(0, 5, 4))
    for function in (merge_statistics, statistics_to_distance):
        with pytest.raises(ScoreError, match="expected features of the same width, got 3 and 4"):
            function(a, b)
    with pytest.raises(ShapeError, match=r"expected features of shape \(N, D\), got \(3,\)"):
        features_to_statistics(np.zeros(3))
    with pytest.raises(ScoreError, match="expected finite features, got NaN or infinity"):
        features_to_statistics(np.array([[1.0, np.nan]]))
