import numpy as np
import pytest

from vptbench.skeleton import BODY_25
from vptbench.synth.fabric import WEAVES, Spread
from vptbench.synth.garments import Chart, Garments
from vptbench.synth.points import Points, over, tint

N = 400


@pytest.fixture
def points():
    zero = np.zeros(N, np.float32)
    place = np.stack([zero, zero, np.linspace(0, 0.6, N, dtype=np.float32)], 1)
    parts, marks = np.zeros((N, 7), np.float32), np.zeros((len(BODY_25), 3), np.float32)
    chart = Chart(place, parts, marks, zero, 0.5, -0.8)
    return Points(chart, place, Garments(zero, zero, zero, zero), zero, zero)


@pytest.mark.parametrize("pattern", WEAVES)
def test_a_weave_mixes_two_colours(pattern, points):
    across, up = np.random.default_rng(0).uniform(0, 0.3, N), np.linspace(0, 0.6, N)
    share, factor = WEAVES[pattern](Spread(across, up, 0.05, points))
    assert share.shape == factor.shape == (N,)
    assert share.min() >= 0
    assert share.max() <= 1
    assert 0.8 < factor.min() <= factor.max() < 1.25
    if pattern not in {"plain", "denim", "knit"}:
        assert np.ptp(share) > 0.3


def test_stripes_have_their_pitch(points):
    up = np.linspace(0, 0.5, N)
    share, _ = WEAVES["stripes"](Spread(up, up, 0.05, points))
    assert (np.diff((share > 0.5).astype(int)) == 1).sum() == 10  # by hand: 0.5 m in steps of 0.05 m


def test_over_paints_inside_only():
    below, above = np.zeros((3, 3), np.float32), np.ones((3, 3), np.float32)
    painted = over(below, above, np.array([-0.01, 0.0, 0.01], np.float32))
    np.testing.assert_allclose(painted[:, 0], [0, 0.5, 1])


def test_tint_multiplies_a_colour():
    np.testing.assert_allclose(tint((10, 20, 30), np.array([1, 2], np.float32)), [[10, 20, 30], [20, 40, 60]])
