"""Published values of SSIM, PSNR, L1 and LPIPS, and what other libraries give on the same frames.

Of the values known to us, those of piq's pictures (goldhill.gif, I01.BMP) are not here, since the pictures
are not at hand; nor is 9.9989993e-05 for zeros against ones in float32, since ours are computed in float64.
"""

import hashlib
import json
import os
import runpy
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from vptbench.metrics import load
from vptbench.metrics.ssim import BOX, GAUSSIAN, Window, _ssim_map
from vptbench.weights import DIRECTORY_VARIABLE, NETWORKS

GOLDEN = Path(__file__).parents[2] / "golden"

CAMERA = "5cb24482a53416f99052258be2b1ee38cd31c559a70c8a8b321cba231b332e21"
ASTRONAUT = "a8c429c18afa7b0fd5673e598d73a21225d94c864a71bbb3885126fdecb41071"

SK11 = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def checked(picture, digest):
    assert hashlib.sha256(picture.tobytes()).hexdigest() == digest
    return picture


def value(metric_id, generated, target):
    return load(metric_id).per_frame(generated=generated[None], target=target[None])[0]


def rgb(grey):
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, -1)


def constant(number):
    return np.full((64, 64, 3), number, np.uint8)


@pytest.fixture(scope="module")
def pairs():
    """Pairs of pictures (generated, target) by name."""
    camera = checked(data.camera(), CAMERA)
    astronaut = checked(data.astronaut(), ASTRONAUT)
    np.random.seed(5)  # noqa: NPY002 - the published recipe of the noise
    noisy = np.clip(camera + 20 * np.random.randn(*camera.shape), 0, 255)  # noqa: NPY002
    return {
        "noisy": (rgb(noisy), rgb(camera)),
        "noisy, rounded": (rgb(noisy.round()), rgb(camera)),
        "half": (rgb(camera // 2), rgb(camera)),
        "mirror": (astronaut[:, ::-1], astronaut),
    }


# Origin: run once for the project's fact sheet with scikit-image 0.26.0, torchmetrics (reflect) and piq
# (matlab-down), NumPy 2.4.6, 2026-08; and published: scikit-image's own tests give 0.3674518327910367 and
# 22.4094, IPOL's C code 0.357959091663361 (within 1e-3) and 22.409353363576034 (1e-4) for "noisy".
@pytest.mark.parametrize(
    ("name", "metric_id", "expected", "tolerance"),
    [
        ("noisy", "ssim-sk7-v1", 0.3674518327910367, 1e-12),
        ("noisy", "ssim-v1", 0.3579642362365813, 1e-12),
        ("noisy", "ssim-v1", 0.357959091663361, 1e-3),
        ("noisy", "psnr-v1", 22.40935284991332, 1e-12),
        ("noisy", "psnr-v1", 22.409353363576034, 1e-4),
        ("noisy", "ssim-reflect-v1", 0.35611458280775843, 1e-12),
        ("noisy", "ssim-matlab-down-v1", 0.62446395, 5e-9),
        ("noisy, rounded", "ssim-sk7-v1", 0.36697685, 5e-9),
        ("noisy, rounded", "ssim-v1", 0.35746401, 5e-9),
        ("noisy, rounded", "psnr-v1", 22.40114727, 5e-9),
        ("half", "ssim-sk7-v1", 0.7292151615300905, 1e-12),
        ("half", "ssim-v1", 0.7322822903240663, 1e-12),
        ("half", "ssim-bdmm-v1", 0.70971895, 2e-7),  # that one was computed in float32
        ("half", "ssim-reflect-v1", 0.7328583920573368, 1e-12),
        ("half", "psnr-v1", 10.686100181990314, 1e-12),
        ("mirror", "ssim-v1", 0.15950463295222395, 1e-12),
        ("mirror", "ssim-sk7-v1", 0.13747616879826274, 1e-12),
        ("mirror", "ssim-disco-v1", 0.14558544580617608, 1e-12),
        ("mirror", "ssim-reflect-v1", 0.16342032388147257, 1e-12),
        ("mirror", "psnr-v1", 7.286775170324153, 1e-12),
        ("mirror", "psnr-u8overflow-v1", 28.02967323881259, 1e-12),
        ("mirror", "l1-v1", 86.36473083496094 / 255, 1e-14),
        ("mirror", "l1-v1", 0.33868521896063114, 1e-14),
        ("mirror", "l1-bdmm-v1", 0.6773704379212623, 1e-14),
        ("mirror", "l1-disco-v1", 3.294553025625646e-04, 1e-17),
    ],
)
def test_pictures(pairs, name, metric_id, expected, tolerance):
    np.testing.assert_allclose(value(metric_id, *pairs[name]), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("window", [GAUSSIAN, BOX], ids=["gaussian", "box"])
@pytest.mark.parametrize(
    ("data_range", "expected", "tolerance"),
    [(1, 9.999000099990002e-05, 1e-15), (2, 3.9984e-4, 1e-8), (255, 0.8667110963, 1e-10)],
)
@pytest.mark.parametrize("shape", [(11, 11), (16, 19), (64, 64), (200, 150)])
def test_zeros_against_ones(window, data_range, expected, tolerance, shape):
    # Origin: C1 / (1 + C1) by hand; the common code of video metrics prints 9.999000099990664e-05 for R = 1.
    found = _ssim_map(np.zeros(shape), np.ones(shape), window, data_range, np.empty(7 * np.prod(shape)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_sample_covariance_with_the_gaussian_window(pairs):
    # Origin: as of `test_pictures`.
    x, y = (picture[..., 0] for picture in pairs["noisy"])
    found = _ssim_map(x, y, Window(radius=5, sigma=1.5, sample=True), 255, np.empty(7 * x.size)).mean()
    # The fact sheet's value is scikit-image's, which takes n of the square window, 121, as `Window` does.
    np.testing.assert_allclose(found, 0.3572871789116997, rtol=0, atol=1e-12)


@pytest.mark.parametrize("metric_id", ["ssim-v1", "ssim-sk7-v1", "ssim-disco-v1", "ssim-reflect-v1"])
def test_one_against_two(metric_id):
    np.testing.assert_allclose(value(metric_id, constant(1), constant(2)), 0.913062377743969, rtol=1e-11)
    np.testing.assert_allclose(value("psnr-v1", constant(1), constant(2)), 48.1308036086791, rtol=1e-14)


@pytest.mark.parametrize(
    ("number", "decibels", "overflowing"),
    [(1, 48.1308, 48.1308), (16, 24.0484, 100), (20, 22.1102, 26.5472), (100, 8.1308, 36.0896),
     (255, 0, 48.1308)],
)  # fmt: skip
def test_zero_against_constants(number, decibels, overflowing):
    # Origin: by hand, and DisCo's issue 86 (frames that differ by 16 count as equal).
    for metric_id, expected in (("psnr-v1", decibels), ("psnr-u8overflow-v1", overflowing)):
        found = value(metric_id, constant(0), constant(number))
        np.testing.assert_allclose(found, expected, rtol=0, atol=5e-5)


def test_the_example_of_torchmetrics():
    # Origin: its documentation: [[0, 1], [2, 3]] against [[3, 2], [1, 0]] with range 3; here 85 times that.
    generated, target = rgb([[0, 85], [170, 255]]), rgb([[255, 170], [85, 0]])
    np.testing.assert_allclose(value("psnr-v1", generated, target), 2.552725, rtol=0, atol=5e-7)


def test_a_mean_of_decibels_is_not_that_of_the_mean_error():
    # Origin: by hand, MSE 1 and 100: mean 38.131 dB, while the MSE of both together gives 31.098 dB.
    generated, target = np.stack([constant(1), constant(10)]), np.stack([constant(0)] * 2)
    found = load("psnr-v1").per_frame(generated=generated, target=target)
    np.testing.assert_allclose(found.mean(), 38.131, rtol=0, atol=5e-4)
    np.testing.assert_allclose(10 * np.log10(255**2 / 50.5), 31.098, rtol=0, atol=5e-4)


def test_the_published_scorer_of_bdmm():
    # Origin: tests/golden/ORIGIN.md.
    rule, stored = runpy.run_path(str(GOLDEN / "strips.py")), json.loads((GOLDEN / "strips.json").read_text())
    for strip, expected in zip(rule["strips"](stored["seed"]), stored["strips"], strict=True):
        assert zlib.crc32(strip.tobytes()) == expected["crc32"]
        target, generated = strip[:, 512:768], strip[:, 1024:]
        for metric_id, key, tolerance in (
            ("ssim-bdmm-v1", "ssim", 1e-12), ("ssim-v1", "ssim_data_range_255", 1e-12),
            ("psnr-cap100-v1", "psnr", 1e-6), ("psnr-cap100-v1", "psnr_float64", 1e-12),
            ("l1-bdmm-v1", "l1", 1e-7), ("l1-bdmm-v1", "l1_float64", 1e-12),
        ):  # fmt: skip
            found = value(metric_id, generated, target)
            np.testing.assert_allclose(found, expected[key], rtol=0, atol=tolerance, err_msg=metric_id)


def grey(frame):
    return cv2.cvtColor(frame[..., ::-1].copy(), cv2.COLOR_BGR2GRAY)


def signed(frame):
    return (frame.astype(np.float32) / 255 * 2 - 1).astype(np.float64)


def halved(frame):
    return frame.reshape(frame.shape[0] // 2, 2, frame.shape[1] // 2, 2, 3).mean((1, 3))


def mirrored(frame):
    return np.pad(frame, ((5, 5), (5, 5), (0, 0)), mode="reflect")


PEERS = {
    "ssim-v1": lambda a, b: structural_similarity(a, b, channel_axis=-1, data_range=255, **SK11),
    "ssim-bdmm-v1": lambda a, b: structural_similarity(
        b.astype(float), a.astype(float), channel_axis=-1, data_range=float(np.ptp(a)), **SK11
    ),
    "ssim-sk7-v1": lambda a, b: structural_similarity(a, b, channel_axis=-1),
    "ssim-disco-v1": lambda a, b: structural_similarity(grey(a), grey(b)),
    "ssim-his-v1": lambda a, b: structural_similarity(signed(a), signed(b), channel_axis=-1, data_range=2),
    "ssim-reflect-v1": lambda a, b: structural_similarity(
        mirrored(a), mirrored(b), channel_axis=-1, data_range=255, **SK11
    ),
    "ssim-matlab-down-v1": lambda a, b: structural_similarity(
        halved(a), halved(b), channel_axis=-1, data_range=255, **SK11
    ),
}
"""Each variant by scikit-image, which knows neither the mirrored border nor the downsampling by itself."""


@pytest.mark.parametrize("metric_id", PEERS)
def test_equals_scikit_image(metric_id):
    generator = np.random.default_rng(3)
    shapes = (
        [(400, 390, 3)] if metric_id == "ssim-matlab-down-v1" else [(11, 40, 3), (65, 37, 3), (128, 128, 3)]
    )
    for shape in shapes:
        target = generator.integers(0, 256, shape, np.uint8)
        generated = np.clip(target + generator.normal(0, 25, shape), 0, 255).astype(np.uint8)
        for a, b in ((generated, target), (target // 9, target), (255 - target, target)):
            found = value(metric_id, a, b)
            np.testing.assert_allclose(found, PEERS[metric_id](a, b), rtol=0, atol=1e-10)


@pytest.mark.parametrize("metric_id", ["ssim-person-v1", "ssim-background-v1"])
def test_regions_equal_scikit_image(metric_id):
    generator = np.random.default_rng(4)
    target = generator.integers(0, 256, (70, 60, 3), np.uint8)
    generated = np.clip(target + generator.normal(0, 25, target.shape), 0, 255).astype(np.uint8)
    mask = generator.random((70, 60)) < 0.2
    _, similarity = structural_similarity(
        generated, target, channel_axis=-1, data_range=255, full=True, **SK11
    )
    region = (mask if "person" in metric_id else ~mask)[5:-5, 5:-5]
    found = load(metric_id).per_frame(generated=generated[None], target=target[None], mask=mask[None])
    np.testing.assert_allclose(found, [similarity[5:-5, 5:-5][region].mean()], rtol=0, atol=1e-10)


PICTURES = {
    "ex_ref.png": "57aff3a0", "ex_p0.png": "f44901a9", "ex_p1.png": "6ada2a42",
}  # fmt: skip
"""From the folder imgs of richzhang/PerceptualSimilarity, and how their SHA-256 begin."""


@pytest.mark.weights
def test_published_distances_of_lpips():
    # Origin: the authors' own example, 0.722 and 0.138 (README of richzhang/PerceptualSimilarity); the first
    # to six digits from the project's fact sheet. A third number there, 0.719658, is of unknown origin.
    folder = Path(os.environ.get(DIRECTORY_VARIABLE, ""))
    if not (os.environ.get(DIRECTORY_VARIABLE) and (folder / NETWORKS["alexnet"].file).is_file()):
        pytest.skip("weights not given")
    if not all((folder / name).is_file() for name in PICTURES):
        pytest.skip(f"pictures not given beside the weights: {', '.join(PICTURES)}")
    for name, digest in PICTURES.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest().startswith(digest)
    reference, far, near = (cv2.imread(str(folder / name))[..., ::-1] for name in PICTURES)
    np.testing.assert_allclose(value("lpips-v1", far, reference), 0.721881, rtol=0, atol=1e-5)
    np.testing.assert_allclose(value("lpips-v1", near, reference), 0.138, rtol=0, atol=5e-4)
