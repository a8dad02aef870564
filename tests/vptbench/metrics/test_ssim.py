import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from vptbench.errors import MetricError, ShapeError
from vptbench.metrics.ssim import (
    BOX,
    GAUSSIAN,
    SSIM,
    SSIM_BACKGROUND,
    SSIM_BDMM,
    SSIM_DISCO,
    SSIM_HIS,
    SSIM_MATLAB_DOWN,
    SSIM_PERSON,
    SSIM_REFLECT,
    SSIM_SK7,
)

frames = arrays(np.uint8, (2, 12, 13, 3))
masks = arrays(np.bool_, (2, 12, 13))
quick = settings(deadline=None, max_examples=12, derandomize=True)

WHOLE = [SSIM, SSIM_BDMM, SSIM_SK7, SSIM_DISCO, SSIM_HIS, SSIM_REFLECT, SSIM_MATLAB_DOWN]
REGIONS = [SSIM_PERSON, SSIM_BACKGROUND]
whole = pytest.mark.parametrize("metric", WHOLE, ids=lambda metric: metric.id)
every = pytest.mark.parametrize("metric", WHOLE + REGIONS, ids=lambda metric: metric.id)


def constant(*values, height=16, width=16):
    return np.full((1, height, width, 3), values, np.uint8)


def call(metric, a, b, mask=None):
    if metric in REGIONS:
        mask = np.indices(a.shape[:3])[2] % 3 > 0 if mask is None else mask
        return metric.per_frame(generated=a, target=b, mask=mask)
    return metric.per_frame(generated=a, target=b)


@pytest.mark.parametrize("metric", [SSIM, SSIM_SK7, SSIM_DISCO, SSIM_REFLECT, SSIM_MATLAB_DOWN, *REGIONS])
def test_hand_constant_frames(metric):
    # No variance, so the second factor is C2 / C2 = 1, and with C1 = 6.5025 the first is
    # (2·1·2 + C1) / (1 + 4 + C1) = 10.5025 / 11.5025; black against white it is C1 / (255² + C1).
    found = [call(metric, constant(a), constant(b))[0] for a, b in ((1, 2), (0, 255), (7, 7))]
    np.testing.assert_allclose(found, [10.5025 / 11.5025, 6.5025 / 65031.5025, 1], rtol=1e-9)


def test_hand_bdmm_takes_the_range_of_the_generated_frame():
    # Constant channels 50, 100, 150: R = 100, C1 = 1. Against 60: (2·60 g + 1) / (3600 + g² + 1).
    expected = np.mean([(120 * g + 1) / (3601 + g * g) for g in (50, 100, 150)])
    found = SSIM_BDMM.per_frame(generated=constant(50, 100, 150), target=constant(60))
    np.testing.assert_allclose(found, [expected], rtol=1e-9)


def test_hand_his_is_on_minus_one_to_one():
    # Black is −1 and white 1, C1 = 0.02² = 0.0004: (−2 + C1) / (2 + C1).
    found = SSIM_HIS.per_frame(generated=constant(0), target=constant(255))
    np.testing.assert_allclose(found, [-1.9996 / 2.0004], rtol=1e-12)


def test_hand_regions():
    # Left half equal, right half 1 against 2; windows of columns 0..14 see only the left, of 25..34 only
    # the right.
    target, mask = constant(2, height=11, width=40), np.zeros((1, 11, 40), bool)
    generated = target.copy()
    generated[:, :, 20:] = 1
    mask[:, :, :15] = True
    np.testing.assert_allclose(call(SSIM_PERSON, generated, target, mask), [1], rtol=1e-12)
    mask[:, :, :25] = True
    np.testing.assert_allclose(call(SSIM_BACKGROUND, generated, target, mask), [10.5025 / 11.5025], rtol=1e-9)


def test_hand_empty_regions_have_no_value():
    picture, mask = constant(3, height=24, width=24), np.zeros((1, 24, 24), bool)
    assert call(SSIM_PERSON, picture, picture, mask) == np.inf
    assert call(SSIM_BACKGROUND, picture, picture, ~mask) == np.inf
    mask[:, :5] = True  # no window of these pixels lies inside the frame
    assert call(SSIM_PERSON, picture, picture, mask) == np.inf
    assert call(SSIM_BACKGROUND, picture, picture, mask) == 1


def test_hand_matlab_averages_squares_and_cuts_off_what_is_left():
    # 385 / 256 rounds to 2: 192 × 200 means of 2 × 2, the last row and column gone.
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 256, (2, 1, 192, 200, 3), np.uint8)
    large = [np.pad(x.repeat(2, 1).repeat(2, 2), ((0, 0), (0, 1), (0, 1), (0, 0))) for x in (a, b)]
    np.testing.assert_array_equal(call(SSIM_MATLAB_DOWN, *large), call(SSIM, a, b))
    small = generator.integers(0, 256, (2, 1, 383, 400, 3), np.uint8)
    np.testing.assert_array_equal(call(SSIM_MATLAB_DOWN, *small), call(SSIM, *small))


def test_hand_window():
    assert (len(GAUSSIAN.weights), len(BOX.weights), BOX.correction) == (11, 7, 49 / 48)
    np.testing.assert_allclose(GAUSSIAN.weights.sum(), 1, rtol=1e-15)
    np.testing.assert_allclose(GAUSSIAN.weights[5] / GAUSSIAN.weights[8], np.exp(4.5 / 1.5**2), rtol=1e-14)
    np.testing.assert_allclose(BOX.weights, 1 / 7, rtol=1e-15)


def naive_map(x, y, radius, sigma, span, *, sample=False):
    """The definition for one frame: for every pixel whose window fits, weighted moments in that window."""
    steps = np.arange(-radius, radius + 1)
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    n = weights.size
    correction = n / (n - 1) if sample else 1
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    values = np.empty((x.shape[0] - 2 * radius, x.shape[1] - 2 * radius, x.shape[2]))
    for row, column, channel in np.ndindex(values.shape):
        window = slice(row, row + 2 * radius + 1), slice(column, column + 2 * radius + 1), channel
        a, b = x[window].astype(float), y[window].astype(float)
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        spread_a, spread_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
        covariance = (weights * (a - mean_a) * (b - mean_b)).sum() * correction
        values[row, column, channel] = (
            (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
            * (2 * covariance + c2) / ((spread_a + spread_b) * correction + c2)
        )  # fmt: skip
    return values


def grey(frame):
    """Rounded 0.299 R + 0.587 G + 0.114 B, in OpenCV's whole numbers."""
    r, g, b = np.moveaxis(frame.astype(np.int64), -1, 0)
    return ((4899 * r + 9617 * g + 1868 * b + 8192) >> 14)[..., None]


def signed(frame):
    return (frame.astype(np.float32) / np.float32(255)) * np.float32(2) - np.float32(1)


def mirrored(frame):
    return np.pad(frame, ((5, 5), (5, 5), (0, 0)), mode="reflect")


GAUSS, FLAT = (5, 1.5), (3, math.inf)

NAIVE = {
    SSIM.id: lambda x, y: naive_map(x, y, *GAUSS, 255),
    SSIM_BDMM.id: lambda x, y: naive_map(x, y, *GAUSS, int(x.max()) - int(x.min())),
    SSIM_SK7.id: lambda x, y: naive_map(x, y, *FLAT, 255, sample=True),
    SSIM_DISCO.id: lambda x, y: naive_map(grey(x), grey(y), *FLAT, 255, sample=True),
    SSIM_HIS.id: lambda x, y: naive_map(signed(x), signed(y), *FLAT, 2, sample=True),
    SSIM_REFLECT.id: lambda x, y: naive_map(mirrored(x), mirrored(y), *GAUSS, 255),
    SSIM_MATLAB_DOWN.id: lambda x, y: naive_map(x, y, *GAUSS, 255),  # so small, it averages nothing
}


@whole
@settings(quick, max_examples=6)
@given(generated=frames, target=frames)
def test_naive(metric, generated, target):
    generated[:, 0, 0], generated[:, 0, 1] = 0, 9  # some range, for SSIM_BDMM
    expected = [NAIVE[metric.id](x, y).mean() for x, y in zip(generated, target, strict=True)]
    found = metric.per_frame(generated=generated, target=target)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


@quick
@given(frames, frames, masks)
def test_naive_regions(generated, target, mask):
    for metric, region in ((SSIM_PERSON, mask), (SSIM_BACKGROUND, ~mask)):
        found = call(metric, generated, target, mask)
        for value, x, y, here in zip(found, generated, target, region[:, 5:-5, 5:-5], strict=True):
            expected = naive_map(x, y, 5, 1.5, 255)[here].mean() if here.any() else np.inf
            np.testing.assert_allclose(value, expected, atol=1e-12)


@every
@quick
@given(a=frames, b=frames, order=st.permutations(range(2)))
def test_property_symmetry_bounds_identity_order_batch(metric, a, b, order):
    a[:, 0, 0], a[:, 0, 1] = 0, 9
    value = call(metric, a, b)
    assert value.dtype == np.float64
    assert (np.abs(value) <= 1 + 1e-9).all()
    if metric is not SSIM_BDMM:
        np.testing.assert_allclose(value, call(metric, b, a), atol=1e-12)
    np.testing.assert_allclose(call(metric, a, a), [1, 1], atol=1e-9)
    np.testing.assert_array_equal(value[order], call(metric, a[order], b[order]))
    np.testing.assert_array_equal(value[:1], call(metric, a[:1], b[:1]))


def test_property_bdmm_is_not_symmetric():
    picture = data.astronaut()[None, :64, :64]
    pale = picture // 8 + 100
    values = [call(SSIM_BDMM, *pair)[0] for pair in ((pale, picture), (picture, pale))]
    assert values[0] < values[1] - 0.01  # low contrast: smaller constants


def test_property_both_regions_make_up_the_whole():
    a, b = data.astronaut()[None, :80, :90], data.astronaut()[None, 5:85, :90]
    mask = np.random.default_rng(0).random((1, 80, 90)) < 0.3
    parts = [call(metric, a, b, mask)[0] for metric in REGIONS]
    share = mask[:, 5:-5, 5:-5].mean()
    np.testing.assert_allclose(share * parts[0] + (1 - share) * parts[1], call(SSIM, a, b)[0], rtol=1e-12)


def test_golden_what_is_not_in_the_conformance_table():
    # Origin: scikit-image 0.26.0's `structural_similarity` on its `astronaut` against its mirror: HIS with
    # x / 255 · 2 − 1 in float32, then float64, defaults and data_range=2; regions with full=True, the mean
    # over the left 200 columns, and over the others. NumPy 2.4.6, 2026-08.
    picture = data.astronaut()[None]
    mask = np.indices((1, 512, 512))[2] < 200
    found = [call(metric, picture, picture[:, :, ::-1], mask)[0] for metric in (SSIM_HIS, *REGIONS)]
    np.testing.assert_allclose(
        found, [0.04624928465783871, 0.1667720616921715, 0.15488851372000978], rtol=1e-10
    )


def test_refuses_a_constant_frame_where_the_target_is_flat_too():
    target = np.random.default_rng(0).integers(0, 256, (2, 30, 30, 3), np.uint8)
    generated = target.copy()
    generated[1] = 80
    assert SSIM_BDMM.per_frame(generated=generated, target=target)[1] == 0  # no window is flat
    target[1, 5:25, 5:25, 1] = 3
    with pytest.raises(
        MetricError, match=r"ssim-bdmm-v1: frame 1: expected generated frames of more than one value.*0/0"
    ):
        SSIM_BDMM.per_frame(generated=generated, target=target)


@pytest.mark.parametrize(
    ("metric", "least"), [(SSIM, 11), (SSIM_BDMM, 11), (SSIM_SK7, 7), (SSIM_DISCO, 7), (SSIM_REFLECT, 6),
                          (SSIM_PERSON, 11)]
)  # fmt: skip
def test_refuses_frames_smaller_than_the_window(metric, least):
    picture = np.random.default_rng(0).integers(0, 256, (1, least, 64, 3), np.uint8)
    np.testing.assert_allclose(call(metric, picture, picture), [1], atol=1e-12)
    small = picture[:, 1:]
    with pytest.raises(
        ShapeError,
        match=rf"expected at least {least} × {least} pixels, got {least - 1} × 64; score larger frames",
    ):
        call(metric, small, small)


def test_refuses_a_mask_of_another_size():
    picture = constant(1)
    with pytest.raises(ShapeError, match=r"mask: expected bool \(1, 16, 16\), got bool \(1, 16, 15\)"):
        call(SSIM_PERSON, picture, picture, np.ones((1, 16, 15), bool))
