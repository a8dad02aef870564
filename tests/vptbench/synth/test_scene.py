import numpy as np
import pytest

from vptbench.synth.figure import HAIR_STYLES, PALETTES, SKINS, SPORTSWEAR, WARDROBE
from vptbench.synth.scene import Floor, background_to_backdrop, location, studio

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


def _rule(person):
    """Written another way: the people of each eight alternate, studio first, then place first, and so on."""
    eight, place_in_it = divmod(person, 8)
    first, second = (studio, location) if eight % 2 == 0 else (location, studio)
    return first if place_in_it % 2 == 0 else second


def test_mixed_backgrounds_follow_their_rule():
    drawn = [background_to_backdrop("mixed", person, studio) for person in range(64)]
    assert drawn == [_rule(person) for person in range(64)]
    # By hand: 7 is odd, in an even eight; 8 is even, in an odd one.
    assert [drawn[person] for person in (0, 1, 7, 8, 9, 16)] == [
        studio, location, location, location, studio, studio,
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "end"), [(0, 96), (96, 144)])
@pytest.mark.parametrize(
    "cards", [len(HAIR_STYLES), len(PALETTES), len(SKINS), len(WARDROBE), len(SPORTSWEAR)]
)
def test_mixed_backgrounds_are_no_matter_of_clothes(cards, first, end):
    """Every card of a deck, dealt by the person's number, is before both equally often, to within one."""
    for card in range(cards):
        people = [person for person in range(first, end) if person % cards == card]
        studios = sum(background_to_backdrop("mixed", person, studio) is studio for person in people)
        assert abs(len(people) - 2 * studios) <= 1


@pytest.mark.parametrize(("background", "drawn"), [("own", _rule), ("plain", studio), ("textured", location)])
def test_one_background_is_the_same_for_all_people(background, drawn):
    assert {background_to_backdrop(background, person, _rule) for person in range(20)} == {drawn}
