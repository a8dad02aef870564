import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from vptbench.errors import ShapeError
from vptbench.metrics.l1 import L1
from vptbench.metrics.psnr import PSNR, PSNR_BACKGROUND, PSNR_CAP100, PSNR_HIS, PSNR_PERSON, PSNR_U8OVERFLOW

frames = arrays(np.uint8, (2, 4, 5, 3))
near = arrays(np.uint8, (2, 4, 5, 3), elements=st.integers(100, 102))
masks = arrays(np.bool_, (2, 4, 5))
quick = settings(deadline=None, max_examples=40, derandomize=True)

WHOLE = [PSNR, PSNR_CAP100, PSNR_U8OVERFLOW]
REGIONS = [PSNR_PERSON, PSNR_BACKGROUND]


def constant(value):
    return np.full((1, 8, 8, 3), value, np.uint8)


def decibels(squares, equal=math.inf):
    mse = sum(squares) / len(squares) if squares else 0
    return 10 * math.log10(255**2 / mse) if mse else equal


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (255, 0),  # MSE = 255²: 10 log10(1)
        (1, 48.1308036086791),  # MSE = 1: 20 log10(255)
        (16, 24.04840395556061),  # 20 log10(255 / 16)
        (51, 13.979400086720377),  # 20 log10(5)
        (0, math.inf),
    ],
)
def test_hand(value, expected):
    for metric, none in ((PSNR, math.inf), (PSNR_CAP100, 100)):
        found = metric.per_frame(generated=constant(value), target=constant(0))
        np.testing.assert_allclose(found, [expected if value else none], rtol=1e-14, atol=1e-14)


def test_hand_overflow_depends_on_the_sign():
    # 0 − 20 wraps to 236, 236² = 55696 = 217 · 256 + 144; 20 − 0 squares to 400 = 256 + 144: the same, as
    # (256 − d)² = d² modulo 256. A difference of 16 is 0.
    expected = 10 * math.log10(255**2 / 144)
    for a, b in ((0, 20), (20, 0)):
        found = PSNR_U8OVERFLOW.per_frame(generated=constant(a), target=constant(b))
        np.testing.assert_allclose(found, [expected], rtol=1e-14)
    assert PSNR_U8OVERFLOW.per_frame(generated=constant(32), target=constant(0)) == 100


def test_hand_regions():
    # The person's four pixels differ by 10, the other four by 1 in R alone: MSE 100 and 1/3.
    target, mask = np.zeros((1, 2, 4, 3), np.uint8), np.zeros((1, 2, 4), bool)
    generated = target.copy()
    mask[:, :, :2] = True
    generated[mask] = 10
    generated[~mask, 0] = 1
    expected = [10 * math.log10(255**2 / 100), 10 * math.log10(255**2 * 3)]
    found = [metric.per_frame(generated=generated, target=target, mask=mask)[0] for metric in REGIONS]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    for metric, empty in ((PSNR_PERSON, ~mask & mask), (PSNR_BACKGROUND, mask | ~mask)):
        assert metric.per_frame(generated=generated, target=target, mask=empty) == math.inf


@quick
@given(generated=frames | near, target=frames | near, mask=masks)
def test_naive(generated, target, mask):
    def numbers(x, y):
        return [(int(a), int(b)) for a, b in zip(x.ravel(), y.ravel(), strict=True)]

    pairs = [numbers(x, y) for x, y in zip(generated, target, strict=True)]
    squares = [[(a - b) ** 2 for a, b in pair] for pair in pairs]
    wrapped = [[((a - b) % 256) ** 2 % 256 for a, b in pair] for pair in pairs]
    for metric, sums, equal in (
        (PSNR, squares, math.inf), (PSNR_CAP100, squares, 100), (PSNR_U8OVERFLOW, wrapped, 100),
    ):  # fmt: skip
        found = metric.per_frame(generated=generated, target=target)
        np.testing.assert_allclose(found, [decibels(each, equal) for each in sums], rtol=1e-12, atol=1e-12)
    for metric, region in ((PSNR_PERSON, mask), (PSNR_BACKGROUND, ~mask)):
        found = metric.per_frame(generated=generated, target=target, mask=mask)
        kept = [
            [(a - b) ** 2 for a, b in numbers(x[here], y[here])]
            for x, y, here in zip(generated, target, region, strict=True)
        ]
        np.testing.assert_allclose(found, [decibels(each) for each in kept], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("metric", WHOLE + REGIONS, ids=lambda metric: metric.id)
@quick
@given(a=frames, b=frames, mask=masks, order=st.permutations(range(2)))
def test_property_symmetry_identity_order_batch(metric, a, b, mask, order):
    def call(x, y, rows=slice(None)):
        more = {"mask": mask[rows]} if metric in REGIONS else {}
        return metric.per_frame(generated=x[rows], target=y[rows], **more)

    value = call(a, b)
    assert value.dtype == np.float64
    assert (value >= 0).all()
    np.testing.assert_array_equal(value, call(b, a))
    np.testing.assert_array_equal(call(a, a), 100 if metric in WHOLE[1:] else math.inf)
    np.testing.assert_array_equal(value[order], call(a, b, order))
    np.testing.assert_array_equal(value[:1], call(a, b, slice(1)))


@quick
@given(frames, frames)
def test_property_the_bound_by_l1_and_what_breaks_it(a, b):
    with np.errstate(divide="ignore"):  # the root of the mean square is never below the mean
        bound = -20 * np.log10(L1.per_frame(generated=a, target=b))
    assert (PSNR.per_frame(generated=a, target=b) <= bound + 1e-9).all()
    assert (PSNR_U8OVERFLOW.per_frame(generated=a, target=b) > 20 * math.log10(255 / 16)).all()


def test_golden_regions():
    # Origin: NumPy 2.4.6 in float64, `10 * log10(255**2 / ((x - y)**2).mean())` of scikit-image 0.26.0's
    # astronaut against its mirror, over the left 200 columns and over the others, 2026-08.
    picture = data.astronaut()[None]
    mask = np.indices((1, 512, 512))[2] < 200
    found = [
        metric.per_frame(generated=picture, target=picture[:, :, ::-1], mask=mask)[0] for metric in REGIONS
    ]
    np.testing.assert_allclose(found, [6.863992666941451, 7.581176610427073], rtol=1e-13)


def test_refuses_float_frames_and_another_mask():
    with pytest.raises(ShapeError, match=r"generated frames: expected uint8 \(T, H, W, 3\), got float32"):
        PSNR.per_frame(generated=constant(0).astype(np.float32), target=constant(0))
    with pytest.raises(ShapeError, match=r"mask: expected bool \(1, 8, 8\), got uint8 \(1, 8, 8\)"):
        PSNR_PERSON.per_frame(generated=constant(0), target=constant(0), mask=constant(0)[..., 0])


def test_hand_and_naive_his():
    # 200 against 180 is 20 log10(255/20) = 22.1102 dB; on [-1, 1] no value of the generated frame is
    # negative, so the peak is 1 instead of 2: 6.0206 dB less. One value of 127 and the peak is 2 again.
    found = PSNR_HIS.per_frame(generated=constant(200), target=constant(180))
    np.testing.assert_allclose(found, [22.11020369539948 - 6.020599913279624], atol=1e-9)
    one_dark = constant(200)
    one_dark[0, 0, 0, 0] = 127
    for generated in (constant(200), one_dark, constant(128), data.astronaut()[None, :8, :8]):
        target = constant(180)
        a, b = (frames[0].astype(np.float64) / 127.5 - 1 for frames in (generated, target))
        peak = 1 if a.min() >= 0 else 2  # what scikit-image takes for floats without a data range
        expected = peak_signal_noise_ratio(b, a, data_range=peak)
        found = PSNR_HIS.per_frame(generated=generated, target=target)
        np.testing.assert_allclose(found, [expected], atol=1e-9)
