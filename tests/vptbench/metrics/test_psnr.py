import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from vptbench.errors import ShapeError
from vptbench.metrics.l1 import L1
from vptbench.metrics.psnr import Psnr

frames = arrays(np.uint8, (2, 4, 5, 3))
quick = settings(deadline=None, max_examples=40, derandomize=True)


def constant(value):
    return np.full((1, 8, 8, 3), value, np.uint8)


@pytest.mark.parametrize(
    ("value", "decibels"),
    [
        (255, 0),  # MSE = 255²: 10 log10(1)
        (1, 48.1308036086791),  # MSE = 1: 20 log10(255)
        (16, 24.04840395556061),  # 20 log10(255 / 16); an 8-bit square would overflow to 0 here
        (51, 13.979400086720377),  # 20 log10(5)
        (0, math.inf),
    ],
)
def test_hand(value, decibels):
    found = Psnr().per_frame(generated=constant(value), target=constant(0))
    np.testing.assert_allclose(found, [decibels], rtol=1e-14, atol=1e-14)


@quick
@given(frames, frames)
def test_naive(generated, target):
    expected = []
    for x, y in zip(generated, target, strict=True):
        mse = sum((int(a) - int(b)) ** 2 for a, b in zip(x.ravel(), y.ravel(), strict=True)) / x.size
        expected.append(10 * math.log10(255**2 / mse) if mse else math.inf)
    np.testing.assert_allclose(Psnr().per_frame(generated=generated, target=target), expected, rtol=1e-12)


@quick
@given(frames, frames, st.permutations(range(2)))
def test_property_symmetry_order_and_the_bound_by_l1(a, b, order):
    value = Psnr().per_frame(generated=a, target=b)
    assert (value >= 0).all()
    np.testing.assert_array_equal(value, Psnr().per_frame(generated=b, target=a))
    np.testing.assert_array_equal(value[order], Psnr().per_frame(generated=a[order], target=b[order]))
    with np.errstate(divide="ignore"):  # the root of the mean square is never below the mean
        bound = -20 * np.log10(L1().per_frame(generated=a, target=b))
    assert (value <= bound + 1e-9).all()


def test_golden_camera():
    # Origin: scikit-image 0.26.0's `camera` and `peak_signal_noise_ratio`, NumPy 2.4.6, 2026-08; for the
    # first, scikit-image's own test gives 22.4094 and IPOL's C code 22.409353.
    camera = data.camera()
    np.random.seed(5)  # noqa: NPY002 - the published recipe of the noise
    noise = 20 * np.random.randn(*camera.shape)  # noqa: NPY002
    noisy = np.clip(camera + noise, 0, 255).astype(np.uint8)
    grey = [np.repeat(image[None, ..., None], 3, -1) for image in (noisy, camera, camera // 2)]
    np.testing.assert_allclose(
        Psnr().per_frame(generated=grey[0], target=grey[1]), [22.40935284991332], rtol=1e-13
    )
    np.testing.assert_allclose(
        Psnr().per_frame(generated=grey[2], target=grey[1]), [10.686100181990314], rtol=1e-13
    )


def test_golden_astronaut():
    # Origin: as above.
    picture = data.astronaut()[None]
    value = Psnr().per_frame(generated=picture[:, :, ::-1], target=picture)
    np.testing.assert_allclose(value, [7.286775170324153], rtol=1e-13)


def test_refuses_float_frames():
    with pytest.raises(ShapeError, match=r"generated frames: expected uint8 \(T, H, W, 3\), got float32"):
        Psnr().per_frame(generated=constant(0).astype(np.float32), target=constant(0))
