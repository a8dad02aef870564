import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data
from skimage.metrics import structural_similarity

from vptbench.errors import ShapeError
from vptbench.metrics.ssim import C1, C2, RADIUS, SIGMA, WINDOW, Ssim

frames = arrays(np.uint8, (2, 12, 13, 3))
quick = settings(deadline=None, max_examples=25, derandomize=True)


def constant(value):
    return np.full((1, 16, 16, 3), value, np.uint8)


def peer(generated, target):
    return structural_similarity(
        generated, target, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1,
        data_range=255,
    )  # fmt: skip


def test_hand_constant_frames():
    # No variance, so the second factor is C2 / C2 = 1, and with C1 = 6.5025 the first is
    # (2·1·2 + C1) / (1 + 4 + C1) = 10.5025 / 11.5025; black against white it is C1 / (255² + C1).
    found = [
        Ssim().per_frame(generated=constant(a), target=constant(b))[0] for a, b in ((1, 2), (0, 255), (7, 7))
    ]
    np.testing.assert_allclose(found, [10.5025 / 11.5025, 6.5025 / 65031.5025, 1], rtol=1e-10)


def test_hand_window():
    assert len(WINDOW) == 11
    np.testing.assert_allclose(WINDOW.sum(), 1, rtol=1e-15)
    np.testing.assert_allclose(WINDOW[RADIUS] / WINDOW[RADIUS + 3], np.exp(4.5 / SIGMA**2), rtol=1e-14)


def naive(x, y):
    """The definition for one frame: for every pixel whose window fits, weighted moments in that window."""
    steps = np.arange(-5, 6)
    weights = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for channel in range(3):
        for row in range(5, x.shape[0] - 5):
            for column in range(5, x.shape[1] - 5):
                window = slice(row - 5, row + 6), slice(column - 5, column + 6), channel
                a, b = x[window].astype(float), y[window].astype(float)
                mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
                var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
                covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
                values.append(
                    (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
                    * (2 * covariance + C2) / (var_a + var_b + C2)
                )  # fmt: skip
    return np.mean(values)


@quick
@given(frames, frames)
def test_naive(generated, target):
    expected = [naive(x, y) for x, y in zip(generated, target, strict=True)]
    np.testing.assert_allclose(Ssim().per_frame(generated=generated, target=target), expected, atol=1e-12)


@quick
@given(frames, frames, st.permutations(range(2)))
def test_property_symmetry_bounds_identity_order(a, b, order):
    value = Ssim().per_frame(generated=a, target=b)
    assert (np.abs(value) <= 1 + 1e-12).all()
    np.testing.assert_allclose(value, Ssim().per_frame(generated=b, target=a), atol=1e-13)
    np.testing.assert_allclose(Ssim().per_frame(generated=a, target=a), [1, 1], atol=1e-12)
    np.testing.assert_array_equal(value[order], Ssim().per_frame(generated=a[order], target=b[order]))
    np.testing.assert_array_equal(value[:1], Ssim().per_frame(generated=a[:1], target=b[:1]))


@pytest.mark.parametrize("shape", [(11, 11, 3), (11, 40, 3), (65, 37, 3), (128, 128, 3)])
def test_equals_scikit_image(shape):
    generator = np.random.default_rng(3)
    target = generator.integers(0, 256, shape, np.uint8)
    generated = np.clip(target + generator.normal(0, 25, shape), 0, 255).astype(np.uint8)
    for a, b in ((generated, target), (target // 9, target), (255 - target, target)):
        found = Ssim().per_frame(generated=a[None], target=b[None])
        np.testing.assert_allclose(found, [peer(a, b)], rtol=0, atol=1e-12)


def test_golden_camera():
    # Origin: `structural_similarity` (scikit-image 0.26.0 with the settings above, NumPy 2.4.6, 2026-08;
    # IPOL's C code gives 0.357959 for the first).
    camera = data.camera()
    np.random.seed(5)  # noqa: NPY002 - the published recipe of the noise
    noise = 20 * np.random.randn(*camera.shape)  # noqa: NPY002
    noisy = np.clip(camera + noise, 0, 255).astype(np.uint8)
    grey = [np.repeat(image[None, ..., None], 3, -1) for image in (noisy, camera, camera // 2)]
    for image, expected in ((grey[0], 0.3579642362365813), (grey[2], 0.7322822903240663)):
        np.testing.assert_allclose(Ssim().per_frame(generated=image, target=grey[1]), [expected], rtol=1e-12)


def test_golden_astronaut():
    # Origin: as above.
    picture = data.astronaut()[None]
    value = Ssim().per_frame(generated=picture[:, :, ::-1], target=picture)
    np.testing.assert_allclose(value, [0.15950463295222395], rtol=1e-12)


def test_refuses_frames_smaller_than_the_window():
    small = np.zeros((1, 10, 64, 3), np.uint8)
    with pytest.raises(
        ShapeError, match=r"expected at least 11 × 11 pixels, got 10 × 64; score larger frames"
    ):
        Ssim().per_frame(generated=small, target=small)
