"""GFLA's squash: each axis by its own scale."""

import numpy as np
import pytest
from PIL import Image

from vptbench.prepare.crop import keypoints_to_box
from vptbench.skeleton import missing_keypoints

H, W, SIZE = 90, 60, 32


@pytest.fixture
def crop():
    return keypoints_to_box("gfla-squash-v1", missing_keypoints(2), (H, W), SIZE)


def test_the_rule_by_hand(crop):
    # scales 32/60 and 32/90; the centre of the frame, (29.5, 44.5), becomes that of the square, (15.5, 15.5)
    points = np.float32([[29.5, 44.5, 0.5], [-0.5, 89.5, 1], [np.nan, np.nan, 0]])
    np.testing.assert_allclose(
        crop.move_points(points), [[15.5, 15.5, 0.5], [-0.5, 31.5, 1], [np.nan, np.nan, 0]], atol=1e-5
    )
    depth = crop.move_vertices(np.float32([[[29.5, 44.5, 9]]]))[0, 0, 2]
    assert depth == pytest.approx(9 * np.sqrt(32 / 60 * 32 / 90), rel=1e-6)
    assert crop.to_attributes() == {"crop_box": [0, 0, W, H], "scale": [SIZE / W, SIZE / H]}
    assert crop.at(1) is crop


def test_frames_are_those_of_pillows_bicubic():
    frames = np.random.default_rng(0).integers(0, 256, (2, H, W, 3), np.uint8)
    crop = keypoints_to_box("gfla-squash-v1", missing_keypoints(2), (H, W), SIZE)
    moved = crop.move_frames(frames)
    expected = [np.asarray(Image.fromarray(f).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for f in frames]
    np.testing.assert_array_equal(moved, expected)
    assert moved.std() < 0.6 * frames.std()  # it averages: plain sampling keeps the noise


def test_a_disc_becomes_an_ellipse_about_its_point(crop):
    rows, columns = np.mgrid[:H, :W]
    mask = ((columns - 22.3) ** 2 + (rows - 50.8) ** 2 < 15**2)[None]
    frames = np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255
    ys, xs = np.nonzero(crop.move_masks(mask)[0])
    np.testing.assert_allclose((xs.mean(), ys.mean()), crop.move_points(np.float32([22.3, 50.8])), atol=0.15)
    assert np.ptp(xs) > 1.3 * np.ptp(ys)
    bright = crop.move_frames(frames)[0][..., 0] >= 128
    assert (bright != crop.move_masks(mask)[0]).mean() < 0.01


def test_a_camera_gets_a_scale_for_each_axis(crop):
    points = np.random.default_rng(0).normal(size=(5, 3))
    scale, x, y = 30.0, 20.0, 40.0
    image = np.stack([scale * points[:, 0] + x, y - scale * points[:, 2], points[:, 1]], 1)[None]
    [[across, x, y, down]] = crop.move_camera(np.float32([[scale, x, y]]))
    np.testing.assert_allclose(
        crop.move_vertices(image.astype(np.float32))[0, :, :2],
        np.stack([across * points[:, 0] + x, y - down * points[:, 2]], 1),
        atol=1e-4,
    )
