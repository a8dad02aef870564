from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.errors import ScoreError, ShapeError, UsageError
from vptbench.metrics import kid
from vptbench.metrics.fid import FID
from vptbench.metrics.kid import KID
from vptbench.weights import Networks


def drawn(seed, count, width=6):
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def naive(x, y):
    """The definition, pair by pair."""

    def kernel(a, b):
        return (float(a.astype(np.float64) @ b.astype(np.float64)) / len(a) + 1) ** 3

    def within(rows):
        pairs = [kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j]
        return sum(pairs) / len(pairs)

    between = [kernel(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(between) / len(between)


def test_hand_six_points():
    # D = 2. A: products 0, 1, 1 of its three pairs, kernels 1, 27/8, 27/8. B: products 0, 0, 4: 1, 1, 27.
    # A with B: (1, 0), (0, 1), (1, 1) with (0, 0): 1, 1, 1; with (2, 1): products 2, 1, 3: 8, 27/8, 125/8;
    # with (1, 2): 1, 2, 3: the same. In all 31/12 + 29/3 − 2 · 57/9 = −5/12.
    a, b = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0, 0], [2, 1], [1, 2]])
    np.testing.assert_allclose(KID.estimate({"a": a}, {"b": b}).value, -5 / 12, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 5, 1024])
@given(st.integers(0, 999), st.lists(st.integers(0, 5), min_size=3, max_size=5))
@settings(max_examples=15)
def test_naive(rows, seed, counts):
    made = {f"c{at}": drawn(seed + at, count + (at < 2)) for at, count in enumerate(counts)}
    true = {
        f"c{at}": drawn(seed + 50 + at, count + (at < 2)) + 0.5 for at, count in enumerate(reversed(counts))
    }
    groups = [(["c0"], ["c0"]), (["c1"], []), (["c2"], ["c1", "c2"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kid, "ROWS", rows)
        found = KID.estimate(made, true, groups)

    def rest(side, left):
        return np.concatenate([part for clip, part in side.items() if clip not in left])

    np.testing.assert_allclose(found.value, naive(rest(made, ()), rest(true, ())), rtol=1e-9, atol=1e-12)
    sizes = [(len(rest(made, a)), len(rest(true, b))) for a, b in groups]
    if min(min(pair) for pair in sizes) < 2:
        assert found.left_out == ()
    else:
        expected = [naive(rest(made, a), rest(true, b)) for a, b in groups]
        np.testing.assert_allclose(found.left_out, expected, rtol=1e-9, atol=1e-12)


def test_property_unbiased():
    # Over all subsets of 3 of 6 samples and 2 of 5, the mean is the value of all samples: so it is for any
    # sizes, and hence the published mean over random subsets estimates the same number.
    x, y = drawn(0, 6), drawn(1, 5) + 0.3
    values = [
        KID.estimate({"a": x[list(chosen)]}, {"a": y[list(other)]}).value
        for chosen in combinations(range(6), 3)
        for other in combinations(range(5), 2)
    ]
    np.testing.assert_allclose(np.mean(values), KID.estimate({"a": x}, {"a": y}).value, rtol=1e-9)


def test_property_no_bias_where_there_is_no_difference():
    values = [
        KID.estimate({"a": drawn(2 * seed, 8)}, {"a": drawn(2 * seed + 1, 8)}).value for seed in range(400)
    ]
    assert min(values) < 0
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))


def test_property_symmetry_and_order_of_clips():
    made, true = {"a": drawn(0, 5), "b": drawn(1, 4)}, {"a": drawn(2, 7)}
    found = KID.estimate(made, true).value
    np.testing.assert_allclose(KID.estimate(true, made).value, found, rtol=1e-12)
    assert KID.estimate({"b": made["b"], "a": made["a"]}, true).value == found


def test_rows_and_network_are_those_of_fid(fid_random, moving):
    assert (KID.extractor, KID.network, KID.sample) == (FID.extractor, FID.network, FID.sample)
    assert KID.windows("a", {"a": 3}, generated=True) == FID.windows("a", {"a": 3}, generated=True)
    metric, frames = KID.load(Networks("random")), moving(2)
    np.testing.assert_array_equal(metric.features(frames), fid_random.features(frames))


def test_golden_more_blur_is_farther(fid_random, moving, blurred):
    frames = moving(4)
    target, *sets = (
        {"a": fid_random.features(each)} for each in (frames, blurred(frames, 1), blurred(frames, 4))
    )
    values = [KID.estimate(made, target).value for made in sets]
    assert values[0] < values[1]
    assert KID.estimate(target, target).value < 0  # unbiased: equal sets lie below 0


@pytest.mark.parametrize("count", [0, 1])
def test_refuses_too_few_samples(count):
    few, enough = {"a": drawn(0, count)}, {"a": drawn(0, 5)}
    for pair in ((few, enough), (enough, few)):
        with pytest.raises(ScoreError, match=f"expected at least 2 samples on each side, got {count}"):
            KID.estimate(*pair)
    with pytest.raises(ScoreError, match="expected at least 2 samples on each side, got 0"):
        KID.estimate({}, enough)


def test_refuses_other_widths_and_numbers():
    with pytest.raises(ScoreError, match="expected features of the same width, got 6 and 5"):
        KID.estimate({"a": drawn(0, 4)}, {"a": drawn(0, 4, 5)})
    with pytest.raises(ScoreError, match="expected finite features"):
        KID.estimate({"a": drawn(0, 4) * np.float32(np.nan)}, {"a": drawn(0, 4)})
    with pytest.raises(ShapeError, match="scored frames: expected uint8"):
        KID.features(np.zeros((1, 8, 8, 3)))
    with pytest.raises(UsageError, match="load the metric first"):
        KID.features(np.zeros((1, 8, 8, 3), np.uint8))
