"""Resizing that keeps centroids: one separable kernel for shrinking and growing.

The picture is taken to be linear between its pixel centres, and a new pixel is the mean over its own area.
This is bilinear interpolation where it grows much and an area average where it shrinks much, without the
beat that either has near scale 1, which moves small things by several hundredths of a pixel. It is written
out here, not taken from a library, because prepared frames are frozen by their crop id and libraries change
their rules; it is also faster than OpenCV's area average.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Taps:
    """For each new pixel along one axis, which old pixels enter it and with what weight.

    Attributes:
        index: int64 (n, K), old pixel numbers, inside the picture.
        weight: float32 (n, K).
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float32]


@lru_cache(maxsize=64)
def axis_to_taps(start: int, side: int, size: int, length: int, *, repeat_edge: bool) -> Taps:
    """Taps that turn old pixels `start` … `start + side` into `size` new ones.

    Args:
        start: First old pixel; may be negative.
        side: How many old pixels.
        size: How many new ones.
        length: Old pixels that there are, from 0.
        repeat_edge: Beyond them the nearest is repeated; else there is 0.

    Source:
        Weight of old pixel j in new pixel i: s·∫ max(0, 1 − |u − j|) du over the new pixel's span
        u = (i/s − ½ … (i + 1)/s − ½) + start, with s = size / side.
    """
    if side == size:
        wanted = start + np.arange(size)[:, None]
        weight = np.ones((size, 1))
    else:
        edges = np.arange(size + 1) * (side / size) - 0.5 + start
        wanted = np.floor(edges[:-1, None]).astype(np.int64) + np.arange(int(np.ceil(side / size)) + 2)
        weight = _hat_integral(edges[1:, None] - wanted) - _hat_integral(edges[:-1, None] - wanted)
        weight *= size / side
    index = np.clip(wanted, 0, length - 1)
    if not repeat_edge:
        weight = np.where(index == wanted, weight, 0)
    taps = Taps(index=index, weight=weight.astype(np.float32))
    taps.index.setflags(write=False)  # shared by all callers
    taps.weight.setflags(write=False)
    return taps


def resample(picture: NDArray[np.uint8], rows: Taps, columns: Taps) -> NDArray[np.uint8]:
    """Resize a picture, uint8 (H, W, C), to (rows, columns, C), rounding to the nearest value."""
    out = np.empty((len(rows.index), len(columns.index), picture.shape[2]), np.uint8)
    _resample(np.ascontiguousarray(picture), rows.index, rows.weight, columns.index, columns.weight, out)
    return out


def _hat_integral(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """∫ max(0, 1 − |t|) dt from −∞ to x."""
    inside = np.clip(x, -1, 1)
    return 0.5 + inside - inside * np.abs(inside) / 2


@numba.njit(cache=True, nogil=True)
def _resample(
    picture: Any, row_index: Any, row_weight: Any, column_index: Any, column_weight: Any, out: Any
) -> None:
    """Down the columns into one line, then along it. All sums are float32, in the order of the taps."""
    channels = picture.shape[2]
    first, last = column_index.min(), column_index.max() + 1
    line = np.empty((last - first) * channels, np.float32)
    moved_index = column_index - first
    for i in range(out.shape[0]):
        line[:] = 0
        for tap in range(row_index.shape[1]):
            weight = row_weight[i, tap]
            if weight != 0:
                old = picture[row_index[i, tap], first:last].reshape(-1)
                for x in range(line.size):
                    line[x] += weight * np.float32(old[x])
        if channels == 3:
            _along_rgb(line, moved_index, column_weight, out[i])
        else:
            _along(line, moved_index, column_weight, out[i])


@numba.njit(cache=True, nogil=True)
def _along(line: Any, index: Any, weight: Any, out: Any) -> None:
    """Resize one line of interleaved channels into out, uint8 (n, C); adding ½ before cutting rounds."""
    channels = out.shape[1]
    for j in range(out.shape[0]):
        for channel in range(channels):
            total = np.float32(0.5)
            for tap in range(index.shape[1]):
                total += weight[j, tap] * line[index[j, tap] * channels + channel]
            out[j, channel] = np.uint8(min(total, np.float32(255)))


@numba.njit(cache=True, nogil=True)
def _along_rgb(line: Any, index: Any, weight: Any, out: Any) -> None:
    """`_along` for three channels, written out: twice as fast."""
    for j in range(out.shape[0]):
        red, green, blue = np.float32(0.5), np.float32(0.5), np.float32(0.5)
        for tap in range(index.shape[1]):
            start = 3 * index[j, tap]
            red += weight[j, tap] * line[start]
            green += weight[j, tap] * line[start + 1]
            blue += weight[j, tap] * line[start + 2]
        out[j, 0] = np.uint8(min(red, np.float32(255)))
        out[j, 1] = np.uint8(min(green, np.float32(255)))
        out[j, 2] = np.uint8(min(blue, np.float32(255)))
