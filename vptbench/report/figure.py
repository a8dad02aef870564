"""Pictures and curves as they stand in a page: data URIs, and charts that the template draws."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.image import Frame, image_to_bytes, resize_frame
from vptbench.leaderboard.digits import value_to_text

THUMBNAIL = 192
"""Most pixels in the height of a picture on the page."""

QUALITY = 88
"""Of the JPEGs on the page."""

FULL_SCALE = 0.4
"""Mean absolute difference, as a part of the full range, that is shown brightest."""

MOST_POINTS = 240
"""Points of a curve; longer clips are averaged over blocks of frames."""

WIDTH, HEIGHT = 270, 132
"""Of a curve's picture, in SVG units."""

LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 20
"""Margins round its axes."""


def frame_to_uri(frame: Frame) -> str:
    """A picture as a data URI (JPEG), at most `THUMBNAIL` high and never enlarged."""
    height, width = frame.shape[:2]
    if height > THUMBNAIL:
        frame = resize_frame(frame, (THUMBNAIL, max(1, round(width * THUMBNAIL / height))))
    packed = base64.b64encode(image_to_bytes(frame, ".jpg", quality=QUALITY)).decode()
    return f"data:image/jpeg;base64,{packed}"


def frames_to_difference(generated: Frame, target: Frame) -> Frame:
    """Mean absolute difference over colours, black for none, brightest from `FULL_SCALE` on.

    Args:
        generated: RGB uint8 (H, W, 3).
        target: The same.
    """
    mean = np.abs(generated.astype(np.float32) - target).mean(2) / 255
    levels = np.round(np.clip(mean / FULL_SCALE, 0, 1) * 255).astype(np.uint8)
    coloured = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(coloured[..., ::-1]).astype(np.uint8)


@dataclass(frozen=True)
class Chart:
    """A small line chart, ready to be drawn in `WIDTH` × `HEIGHT` units.

    Attributes:
        title: What is drawn.
        ticks: Height and text of each grid line.
        ends: Place, anchor and text of the first and the last frame number.
        paths: Number of the colour, and the SVG path, of each curve.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    ends: tuple[tuple[float, str, str], ...]
    paths: tuple[tuple[int, str], ...]


def curves_to_chart(title: str, curves: Mapping[int, tuple[Sequence[int], Sequence[float]]]) -> Chart:
    """Draw curves; where a value is infinite, a curve has a gap.

    Args:
        title: What is drawn.
        curves: Number of the colour to frame numbers and values, (T,) each with T > 0.
    """
    points = {
        colour: _averaged(np.asarray(x), np.asarray(y, np.float64)) for colour, (x, y) in curves.items()
    }
    numbers = np.concatenate([x for x, _ in points.values()])
    values = np.concatenate([y for _, y in points.values()])
    low, high = _span(values[np.isfinite(values)])
    first, last = float(numbers.min()), float(numbers.max())

    def across(x: float) -> float:
        return LEFT + (x - first) / max(last - first, 1) * (WIDTH - LEFT - RIGHT)

    def down(y: float) -> float:
        return TOP + (high - y) / (high - low) * (HEIGHT - TOP - BOTTOM)

    ticks, decimals = _ticks(low, high)
    return Chart(
        title=title,
        ticks=tuple((down(tick), value_to_text(tick, decimals)) for tick in ticks),
        ends=((LEFT, "start", f"{first:.0f}"), (WIDTH - RIGHT, "end", f"{last:.0f}")),
        paths=tuple(
            (key, _path([(across(a), down(b)) for a, b in zip(x, y, strict=True)]))
            for key, (x, y) in points.items()
        ),
    )


def _averaged(
    numbers: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `MOST_POINTS` points: means over blocks of frames."""
    block = math.ceil(len(values) / MOST_POINTS)
    starts = np.arange(0, len(values), block)
    sizes = np.diff(np.append(starts, len(values)))
    return np.add.reduceat(numbers, starts) / sizes, np.add.reduceat(values, starts) / sizes


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """A little more than the range of `values`, and never nothing."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.06 * (high - low) or 0.05 * max(abs(high), 0.02)
    return low - margin, high + margin


def _ticks(low: float, high: float) -> tuple[list[float], int]:
    """Two to five round numbers between `low` and `high`, and the decimals that show them."""
    rough = (high - low) / 3
    power = math.floor(math.log10(rough))
    step = next(part for part in (1, 2, 5, 10) if part * 10**power >= rough) * 10.0**power
    first = math.ceil(low / step)
    ticks = [number * step for number in range(first, math.floor(high / step) + 1)]
    return ticks, max(0, -math.floor(math.log10(step) + 1e-9))


def _path(points: Sequence[tuple[float, float]]) -> str:
    """SVG path through `points`, broken where one is not finite; a lone point is a dot."""
    commands, drawing = [], False
    for x, y in points:
        if math.isfinite(y):
            commands.append(f"L{x:.1f} {y:.1f}" if drawing else f"M{x:.1f} {y:.1f}h0")
        drawing = math.isfinite(y)
    return "".join(commands)
