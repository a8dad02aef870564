import numpy as np
import pytest

from vptbench.synth.scene import Floor, location, studio

FLOOR = Floor(size=(96, 128), horizon=45.0, middle=63.5, scale=45.0, distance=7.0, camera_height=0.73)


def test_the_studio_is_nearly_white_and_smooth():
    picture = studio(FLOOR, np.random.default_rng(1))
    assert picture.shape == (96, 128, 3)
    assert picture.min() > 200
    assert picture.max() <= 255
    assert np.abs(np.diff(picture, axis=0)).max() < 3


@pytest.mark.parametrize("seed", range(8))
def test_locations_are_textured_pictures(seed):
    picture = location(FLOOR, np.random.default_rng(seed))
    assert picture.shape == (96, 128, 3)
    assert picture.min() >= 0
    assert picture.max() <= 255
    assert picture.std() > 12
    np.testing.assert_array_equal(picture, location(FLOOR, np.random.default_rng(seed)))


def test_the_floor_runs_to_the_horizon():
    # By hand: at the person's place 45 px/m · 0.73 m below the horizon; as far again behind, half of that.
    assert FLOOR.row(0) == pytest.approx(45 + 45 * 0.73)
    assert FLOOR.row(7.0) == pytest.approx(45 + 45 * 0.73 / 2)
