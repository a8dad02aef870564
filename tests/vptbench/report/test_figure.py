import base64
import math
import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.report.figure import (
    FULL_SCALE,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    WIDTH,
    curves_to_chart,
    frame_to_uri,
    frames_to_difference,
)


def read_uri(uri):
    head, _, data = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_pictures_are_never_enlarged_and_at_most_so_high():
    orange = np.full((64, 48, 3), (250, 128, 10), np.uint8)
    small = read_uri(frame_to_uri(orange))
    assert small.shape == (64, 48, 3)
    np.testing.assert_allclose(small.mean((0, 1)), (250, 128, 10), atol=3)
    assert read_uri(frame_to_uri(np.zeros((768, 512, 3), np.uint8))).shape == (192, 128, 3)
    assert read_uri(frame_to_uri(np.zeros((2000, 1, 3), np.uint8))).shape == (192, 1, 3)


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


def test_a_chart_by_hand():
    chart = curves_to_chart("SSIM ↑", {3: ([1, 2, 3], [0.0, 1.0, 0.5])})
    # the range is 0 to 1 with 6 % more at each end; a third of it, 0.37, asks for steps of 0.5
    assert [text for _, text in chart.ticks] == ["0.0", "0.5", "1.0"]
    assert chart.ends == ((LEFT, "start", "1"), (WIDTH - RIGHT, "end", "3"))
    ((colour, path),) = chart.paths
    assert colour == 3
    places = [tuple(map(float, place)) for place in re.findall(r"[ML](\S+) ([\d.]+)", path)]
    assert [x for x, _ in places] == [46, 154, 262]
    np.testing.assert_allclose(
        [y for _, y in places], [chart.ticks[0][0], chart.ticks[2][0], chart.ticks[1][0]], atol=0.06
    )


def test_infinite_values_leave_a_gap():
    chart = curves_to_chart("x", {0: (range(5), [1.0, 2.0, math.inf, 3.0, 4.0]), 1: ([0], [math.inf])})
    assert chart.paths[0][1].count("M") == 2
    assert chart.paths[1][1] == ""
    assert curves_to_chart("x", {0: ([0], [math.inf])}).paths == ((0, ""),)


def test_long_clips_are_averaged():
    chart = curves_to_chart("x", {0: (range(1000), np.arange(1000.0))})
    assert len(re.findall("[ML]", chart.paths[0][1])) == 200 <= MOST_POINTS


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.floats(1e-6, 1e3),
)
def test_charts_stay_within_their_frame(values, scale):
    chart = curves_to_chart("x", {0: (range(len(values)), np.array(values) * scale)})
    assert 1 <= len(chart.ticks) <= 7
    numbers = [float(number) for _, path in chart.paths for number in re.findall(r"\d+\.\d", path)]
    assert all(0 <= number <= max(WIDTH, HEIGHT) for number in numbers)
    assert all(0 < y < HEIGHT for y, _ in chart.ticks)
    assert len({text for _, text in chart.ticks}) == len(chart.ticks)  # enough decimals to tell them apart


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-9])
def test_constant_curves_have_a_place(value):
    chart = curves_to_chart("x", {0: ([5], [value])})
    assert chart.paths[0][1].startswith("M46.0 ")
