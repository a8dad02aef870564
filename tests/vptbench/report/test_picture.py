import base64

import cv2
import numpy as np
import pytest

from vptbench.report.picture import (
    FULL_SCALE,
    LEAST,
    THUMBNAIL,
    frame_to_uri,
    frames_to_difference,
    frames_to_uri,
    pictures_to_height,
    size_to_height,
)


def read_uri(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_pictures_are_never_enlarged_and_at_most_so_high():
    orange = np.full((64, 48, 3), (250, 128, 10), np.uint8)
    small = read_uri(frame_to_uri(orange))
    assert small.shape == (64, 48, 3)
    np.testing.assert_allclose(small.mean((0, 1)), (250, 128, 10), atol=3)
    assert read_uri(frame_to_uri(np.zeros((768, 512, 3), np.uint8))).shape == (160, 107, 3)
    assert read_uri(frame_to_uri(np.zeros((2000, 1, 3), np.uint8))).shape == (160, 1, 3)


def test_difference_is_black_for_none_and_full_from_its_scale_on():
    target = np.full((4, 4, 3), 100, np.uint8)
    assert frames_to_difference(target, target).max() <= 4  # the colour map's black
    levels = [
        frames_to_difference(target + np.uint8(step), target).astype(int).sum() for step in (0, 20, 60, 102)
    ]
    assert levels == sorted(levels)
    assert len(set(levels)) == 4
    full = round(255 * FULL_SCALE)
    np.testing.assert_array_equal(
        frames_to_difference(target + np.uint8(full), target),
        frames_to_difference(target + np.uint8(150), target),
    )
    np.testing.assert_array_equal(frames_to_difference(target, target + np.uint8(9)),
                                  frames_to_difference(target + np.uint8(9), target))  # fmt: skip


def test_pictures_side_by_side_keep_their_order():
    greys = [np.full((40, 30, 3), level, np.uint8) for level in (10, 120, 240)]
    joined = read_uri(frames_to_uri(greys, 20))
    assert joined.shape == (20, 45, 3)
    np.testing.assert_allclose(joined.reshape(20, 3, 15, 3).mean((0, 2, 3)), (10, 120, 240), atol=3)


@pytest.mark.parametrize(
    ("pictures", "shape", "budget", "height"),
    [
        (1, (256, 256), 10**9, THUMBNAIL),  # no need to be smaller
        (1000, (256, 256), 1_500_000, 100),  # 1.5 kB each, at 0.15 bytes a pixel 10,000 pixels
        (1000, (400, 100), 1_500_000, THUMBNAIL),  # 200 × 50 pixels, but never more than the most
        (10**9, (256, 256), 1000, LEAST),
        (0, (10, 10), 1, LEAST),
    ],
)
def test_many_pictures_are_small(pictures, shape, budget, height):
    assert pictures_to_height(pictures, shape, budget) == height


@pytest.mark.parametrize(("size", "height"), [(85, 80), (50, 80), (86, 79), (136, 63), (10**9, LEAST)])
def test_pictures_that_took_too_much_are_made_again_smaller(size, height):
    """Of 100 bytes 85 are planned with: 136 bytes shrink to 80 · √(85/136) = 63.2 pixels."""
    assert size_to_height(size, 100, 80) == height


def test_with_nothing_left_pictures_are_the_least_and_no_pictures_need_nothing():
    assert size_to_height(10, -5, 80) == LEAST
    assert size_to_height(0, -5, 80) == 80
