import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.report.plots import (
    CURVES,
    DOTS,
    LEFT,
    MOST_POINTS,
    NAMES,
    RIGHT,
    Dot,
    clips_to_plot,
    curves_to_plot,
)


def test_a_plot_by_hand():
    plot = curves_to_plot("SSIM ↑", {3: ([1, 2, 3], [0.0, 1.0, 0.5])})
    # the range is 0 to 1 with 5 % more at each end; a third of it, 0.37, asks for steps of 0.5
    assert [text for _, text in plot.ticks] == ["0.0", "0.5", "1.0"]
    assert plot.ends == ((LEFT, "start", "1"), (CURVES[0] - RIGHT, "end", "3"))
    ((colour, path),) = plot.paths
    assert colour == 3
    places = [tuple(map(float, place)) for place in re.findall(r"[ML](\S+) ([\d.]+)", path)]
    assert [x for x, _ in places] == [46, 154, 262]
    np.testing.assert_allclose(
        [y for _, y in places], [plot.ticks[0][0], plot.ticks[2][0], plot.ticks[1][0]], atol=0.06
    )


def test_infinite_values_leave_a_gap():
    plot = curves_to_plot("x", {0: (range(5), [1.0, 2.0, math.inf, 3.0, 4.0]), 1: ([0], [math.inf])})
    assert plot.paths[0][1].count("M") == 2
    assert plot.paths[1][1] == ""
    assert curves_to_plot("x", {0: ([0], [math.inf])}).paths == ((0, ""),)


def test_long_clips_are_averaged():
    plot = curves_to_plot("x", {0: (range(1000), np.arange(1000.0))})
    assert len(re.findall("[ML]", plot.paths[0][1])) == 112 <= MOST_POINTS


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30),
    st.floats(1e-6, 1e3),
)
def test_plots_stay_within_their_frame(values, scale):
    plot = curves_to_plot("x", {0: (range(len(values)), np.array(values) * scale)})
    assert 1 <= len(plot.ticks) <= 7
    numbers = [float(number) for _, path in plot.paths for number in re.findall(r"\d+\.\d", path)]
    assert all(0 <= number <= max(CURVES) for number in numbers)
    assert all(0 < y < CURVES[1] for y, _ in plot.ticks)
    assert len({text for _, text in plot.ticks}) == len(plot.ticks)  # enough decimals to tell them apart


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-9])
def test_constant_curves_have_a_place(value):
    plot = curves_to_plot("x", {0: ([5], [value])})
    assert plot.paths[0][1].startswith("M46.0 ")


def test_a_plot_of_clips_by_hand():
    """One row's two clips stand at the ends; the range is 0.2 to 0.8 with 5 % of 0.6 more at each end."""
    plot = clips_to_plot("SSIM ↑", [1, 0], {2: {0: 0.8, 1: 0.2}}, {}, 3)
    ((row, dots),) = plot.dots
    high, low = round(10 + 0.03 / 0.66 * 160, 1), round(10 + 0.63 / 0.66 * 160, 1)
    assert row == 2
    assert set(dots) == {Dot(DOTS[0] - RIGHT, high, 0, "0.800"), Dot(LEFT, low, 1, "0.200")}
    assert plot.lines == ()


def test_level_lines_widen_the_range_and_leave_room_for_their_names():
    plot = clips_to_plot("PSNR", [0], {0: {0: 20.0}}, {"floor": 10.0, "ceiling": 30.0}, 1)
    (low, floor), (high, ceiling) = plot.lines
    assert (floor, ceiling) == ("floor", "ceiling")
    assert low > high  # higher figures stand higher
    (dot,) = plot.dots[0][1]
    assert (dot.x, dot.y) == ((LEFT + plot.right) / 2, round((low + high) / 2, 1))
    assert plot.right == DOTS[0] - RIGHT - NAMES


def test_infinite_clips_have_no_dot():
    plot = clips_to_plot("PSNR", [0, 1], {0: {0: math.inf, 1: 30.0}, 1: {0: math.inf}}, {}, 1)
    assert [[dot.clip for dot in dots] for _, dots in plot.dots] == [[1], []]
