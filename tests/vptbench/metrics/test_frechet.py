import gc
import weakref
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.errors import ScoreError, ShapeError
from vptbench.metrics.frechet import (
    NOTHING,
    Statistics,
    distance,
    features_to_total,
    leave_one_out,
    samples_to_estimate,
)

few = settings(max_examples=15)


def drawn(seed, count, width, offset=0.0):
    return np.random.default_rng(seed).standard_normal((count, width)) + offset


def between(a, b, **divisor):
    return distance(Statistics.from_features(a), Statistics.from_features(b), **divisor)


def naive(a, b):
    """pytorch-fid's formula, with the eigenvalues of C1 C2 for the square root, in float64."""
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.clip(np.linalg.eigvals(c1 @ c2).real, 0, None)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * roots


class Read(Mapping):
    """Samples that are made when asked for, and know how many of them anybody holds."""

    def __init__(self, samples):
        self.samples, self.held, self.most = samples, [], 0

    def __getitem__(self, clip):
        rows = self.samples[clip].copy()
        self.held = [each for each in self.held if each() is not None] + [weakref.ref(rows)]
        self.most = max(self.most, len(self.held))
        return rows

    def __iter__(self):
        return iter(self.samples)

    def __len__(self):
        return len(self.samples)


def test_hand_six_points():
    # Means (2/3, 2/3) and (1, 1): gap 2/9. A: variances 1/3, covariance −1/6; B: both 1 and covariance
    # 1/2. The two share the eigenvectors (1, 1) and (1, −1), with eigenvalues (1/6, 1/2) and (3/2, 1/2),
    # so traces add (√(3/2) − √(1/6))² + 0 = 3/2 + 1/6 − 1 = 2/3. In all 8/9. Divided by N instead, the
    # covariances are 2/3 of that, and the sum is 2/9 + 4/9.
    a, b = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0, 0], [2, 1], [1, 2]])
    np.testing.assert_allclose(between(a, b), 8 / 9, rtol=1e-14)
    np.testing.assert_allclose(between(a, b, ddof=0), 6 / 9, rtol=1e-14)


def test_hand_diagonal_covariances():
    # (√1 − √4)² + (√4 − √1)² = 2
    first, second = (Statistics(2, np.zeros(2), np.diag(np.sqrt(v))) for v in ([1.0, 4.0], [4.0, 1.0]))
    np.testing.assert_allclose(distance(first, second), 2, rtol=1e-14)


@pytest.mark.parametrize("width", [300, 2048])
def test_hand_unit_covariances_one_apart(width):
    # As pytorch-fid's own test, which takes 2048: equal covariances leave |m1 − m2|² = the width.
    first, second = (Statistics(2, np.full(width, m), np.eye(width)) for m in (0.0, 1.0))
    np.testing.assert_allclose(distance(first, second), width, rtol=1e-13)


def test_golden_random_state():
    # Origin: RandomState(0), P = randn(20, 64), then Q = randn(30, 64) + 0.5, nuclear
    # norm, NumPy 2.4.6, 2026-08; the square root of SciPy 1.17.1 gives 83.0230192.
    state = np.random.RandomState(0)
    p, q = state.randn(20, 64), state.randn(30, 64) + 0.5
    np.testing.assert_allclose(between(p, q), 83.02302090002337, rtol=1e-12)


@given(st.integers(0, 999), st.integers(9, 60), st.integers(9, 60), st.integers(2, 8))
def test_naive(seed, first, second, width):
    a, b = drawn(seed, first, width, 3.0), drawn(seed + 1, second, width) * 2
    np.testing.assert_allclose(between(a, b), naive(a, b), rtol=1e-6)


@given(st.integers(0, 999), st.integers(2, 40), st.integers(2, 40), st.integers(1, 12))
def test_property_symmetry_bounds_identity(seed, first, second, width):
    a, b = drawn(seed, first, width), drawn(seed + 1, second, width, 1.0)
    trace = np.trace(Statistics.from_features(a).scatter) / (first - 1)
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum()
    np.testing.assert_allclose(between(a, b), between(b, a), rtol=1e-10)
    assert between(a, b) >= gap - 1e-9
    assert abs(between(a, a)) <= 1e-9 * trace
    np.testing.assert_allclose(between(a[::-1], b + 7), between(a, b + 7), rtol=1e-10)  # order of samples


@pytest.mark.parametrize(
    ("count", "width"),
    [(20, 300), (300, 300), (700, 300), (200, 2048), pytest.param(2500, 2048, marks=pytest.mark.slow)],
)
def test_a_set_is_no_distance_from_itself(count, width):
    # Features as a network's: none negative, some always 0, variances over six orders of magnitude.
    scale = np.geomspace(1e3, 1e-3, width) * (np.arange(width) % 7 > 0)
    a = (np.abs(drawn(count, count, width, 2.0)) * scale).astype(np.float32)
    trace = a.astype(np.float64).var(0, ddof=1).sum()
    assert abs(between(a, a)) <= 1e-9 * trace
    assert abs(between(a, a[::-1])) <= 1e-9 * trace


@given(st.integers(0, 999), st.integers(2, 30), st.integers(1, 40), st.floats(1e-3, 1e2))
def test_property_hardly_negative(seed, count, width, scale):
    a = drawn(seed, count, width, 1.0) * scale
    assert between(a, a[::-1] * (1 + 1e-12)) >= -1e-6


@given(
    st.integers(0, 999), st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 10), st.data()
)
def test_property_adding_equals_taking_together(seed, counts, width, data):
    whole = drawn(seed, sum(counts), width, 1000.0)
    parts = np.split(whole, np.cumsum(counts)[:-1])
    total = features_to_total(data.draw(st.permutations(parts)))
    assert total.count == len(whole)
    if total.count > 1:
        np.testing.assert_allclose(total.mean, whole.mean(0), rtol=1e-13)
        expected = np.cov(whole, rowvar=False).reshape(width, width) * (len(whole) - 1)
        np.testing.assert_allclose(total.scatter, expected, rtol=1e-9, atol=1e-9)
        assert len(total.rows) <= width
        assert len(total.rows) < width or not np.tril(total.rows, -1).any()


@few
@given(
    st.sampled_from([(30, 1e-6), (40, 1e-6), (79, 1e-6), (90, 1e-9), (400, 1e-9)]),
    st.integers(0, 99),
    st.data(),
)
def test_property_splits_do_not_move_the_distance(case, seed, data):
    (count, rtol), width = case, 40
    a, b = drawn(seed, count, width), drawn(seed + 1, count, width, 0.1) * 1.3
    other = Statistics.from_features(b)
    cuts = data.draw(st.lists(st.integers(0, count), max_size=12).map(sorted))
    parts = [Statistics.from_features(part) for part in data.draw(st.permutations(np.split(a, cuts)))]
    while len(parts) > 1:  # in any order, and in any grouping
        at = data.draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    np.testing.assert_allclose(distance(parts[0], other), between(a, b), rtol=rtol)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 20])
def test_leave_one_out_leaves_each_out_in_turn(parts):
    groups = [np.split(drawn(seed, 5 + seed, 3), [2]) for seed in range(parts)]
    more = drawn(99, 4, 3)
    left = list(leave_one_out(groups, Statistics.from_features(more)))
    assert len(left) == parts
    for number, statistics in enumerate(left):
        others = np.concatenate(
            [more, *(part for at, group in enumerate(groups) if at != number for part in group)]
        )
        assert statistics.count == len(others)
        np.testing.assert_allclose(statistics.mean, others.mean(0), rtol=1e-12)
        np.testing.assert_allclose(statistics.scatter, np.cov(others.T) * (len(others) - 1), rtol=1e-9)


def test_leave_one_out_holds_a_statistic_for_every_halving():
    groups = [[drawn(seed, 5, 3)] for seed in range(20)]
    # NOTHING, and one for each of the five halvings of 20; the sums under way are gone by then.
    for _ in leave_one_out(groups):
        assert sum(type(each) is Statistics for each in gc.get_objects()) <= 6


def samples(seed, clips, width=4):
    return {f"c{number}": drawn(seed + number, 3 + number, width) for number in range(clips)}


def without(side, clips):
    return np.concatenate([rows for clip, rows in sorted(side.items()) if clip not in clips])


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("paired", [True, False])
def test_estimate_naive(paired, ddof):
    made, true = samples(0, 6), samples(50, 5 if paired else 3)
    ids = sorted(made)
    groups = [
        (ids[at::3], [clip for clip in ids[at::3] if clip in true] if paired else []) for at in range(3)
    ]
    found = samples_to_estimate(made, true, groups, ddof=ddof)
    np.testing.assert_allclose(
        found.value, between(without(made, ()), without(true, ()), ddof=ddof), rtol=1e-9
    )
    expected = [between(without(made, a), without(true, b), ddof=ddof) for a, b in groups]
    np.testing.assert_allclose(found.left_out, expected, rtol=1e-9)
    assert found.least == 0
    assert len(set(found.left_out)) == 3


def test_estimate_with_a_target_group_that_is_empty_and_clips_in_no_group():
    made, true = samples(0, 4), samples(50, 4)
    groups = [(["c0", "c1"], ["c1"]), (["c2"], [])]  # c3, and the true c0, c2 and c3, belong to every rest
    found = samples_to_estimate(made, true, groups)
    expected = [between(without(made, a), without(true, b)) for a, b in groups]
    np.testing.assert_allclose(found.left_out, expected, rtol=1e-9)


def test_estimate_does_not_depend_on_the_order_of_clips():
    made, true = samples(0, 5), samples(50, 5)
    groups = [([clip], [clip]) for clip in made]
    backwards = {clip: made[clip] for clip in reversed(made)}
    assert samples_to_estimate(backwards, true, groups) == samples_to_estimate(made, true, groups)


def test_estimate_without_a_group_that_cannot_be_spared_has_no_left_out():
    made = {"a": drawn(0, 1, 3), "b": drawn(1, 5, 3)}
    groups = [(["a"], ["a"]), (["b"], ["b"])]
    found = samples_to_estimate(made, made, groups)
    assert found.left_out == ()
    assert abs(found.value) < 1e-9
    assert samples_to_estimate(made, made).left_out == ()
    assert samples_to_estimate(made, made, [(["a", "b"], [])]).left_out == ()


def test_estimate_holds_one_clip_at_a_time():
    made, true = Read(samples(0, 12)), Read(samples(50, 12))
    groups = [([clip], [clip]) for clip in made]
    samples_to_estimate(made, true, groups)
    assert made.most <= 2  # the last one until the next is there
    assert true.most <= 2


def test_equality_is_of_every_digit():
    first, second = (Statistics.from_features(drawn(0, 5, 3)) for _ in range(2))
    assert first == second
    assert first != Statistics.from_features(drawn(0, 5, 3) * (1 + 1e-15))
    assert first != first + first
    assert first != 5
    assert NOTHING + first == first + NOTHING == first
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


@pytest.mark.parametrize(("count", "ddof"), [(0, 1), (1, 1), (0, 0)])
def test_refuses_too_few_samples(count, ddof):
    scarce, enough = (Statistics.from_features(drawn(0, number, 3)) for number in (count, 5))
    expected = f"expected at least {ddof + 1} samples on each side for a covariance, got {count}"
    for pair in ((scarce, enough), (enough, scarce)):
        with pytest.raises(ScoreError, match=expected):
            distance(*pair, ddof=ddof)


def test_a_single_sample_has_a_covariance_over_n():
    np.testing.assert_allclose(between(np.ones((1, 3)), np.zeros((1, 3)), ddof=0), 3)


def test_refuses_other_widths_and_numbers():
    a, b = (Statistics.from_features(drawn(0, 5, width)) for width in (3, 4))
    for function in (Statistics.__add__, distance):
        with pytest.raises(ScoreError, match="expected features of the same width, got 3 and 4"):
            function(a, b)
    with pytest.raises(ShapeError, match=r"expected features of shape \(N, D\), got \(3,\)"):
        Statistics.from_features(np.zeros(3))
    with pytest.raises(ScoreError, match="expected finite features, got NaN or infinity"):
        Statistics.from_features(np.array([[1.0, np.nan]]))
