"""The resampler against a slow integral, and what it keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.prepare.resample import axis_to_taps, resample


def naive_line(line, start, side, size):
    """Mean of the linearly interpolated line over each new pixel's span, by 2,000 points a pixel."""
    points = (np.arange(size * 2000) + 0.5) / 2000 * side / size - 0.5 + start
    return np.interp(points, np.arange(len(line)), line).reshape(size, 2000).mean(axis=1)


@pytest.mark.parametrize(
    ("start", "side", "size"),
    [(0, 40, 40), (3, 30, 12), (-5, 50, 20), (10, 25, 37), (2, 31, 30), (0, 16, 64)],
)
def test_a_line_equals_the_slow_integral(start, side, size):
    line = np.random.default_rng(0).integers(0, 256, 40).astype(np.uint8)
    taps, one = (
        axis_to_taps(start, side, size, 40, repeat_edge=True),
        axis_to_taps(0, 1, 1, 1, repeat_edge=True),
    )
    expected = (
        line[np.clip(start + np.arange(side), 0, 39)] if side == size else naive_line(line, start, side, size)
    )
    for picture, rows, columns in ((line[:, None, None], taps, one), (line[None, :, None], one, taps)):
        np.testing.assert_allclose(resample(picture, rows, columns).ravel(), expected, atol=0.5 + 1e-3)


def test_rows_columns_and_channels_keep_their_places():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    rows, columns = (axis_to_taps(4, 10, 6, n, repeat_edge=True) for n in (20, 30))
    out = resample(picture, rows, columns)
    dense = np.zeros((2, 6, 30))
    for matrix, taps in zip(dense, (rows, columns), strict=True):
        np.add.at(matrix, (np.arange(6)[:, None], taps.index), taps.weight)
    expected = np.einsum("iy,jx,yxc->ijc", dense[0][:, :20], dense[1], picture.astype(np.float64))
    np.testing.assert_allclose(out, expected, atol=0.5 + 1e-3)


@given(
    start=st.integers(-20, 20), side=st.integers(1, 80), size=st.integers(1, 80), value=st.integers(0, 255)
)
def test_a_plain_picture_stays_plain(start, side, size, value):
    taps = axis_to_taps(start, side, size, 30, repeat_edge=True)
    assert (taps.weight >= 0).all()
    assert (resample(np.full((30, 30, 1), value, np.uint8), taps, taps) == value).all()
    zero_beyond = axis_to_taps(start, side, size, 30, repeat_edge=False)
    assert zero_beyond.weight.sum() <= taps.weight.sum() + 1e-4


def test_whole_shifts_copy_pixels():
    picture = np.random.default_rng(1).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    taps = axis_to_taps(2, 5, 5, 9, repeat_edge=True)
    np.testing.assert_array_equal(resample(picture, taps, taps), picture[2:7, 2:7])
