import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.synth.dress import person_to_dressed
from vptbench.synth.figure import seed_to_person
from vptbench.synth.garments import chart_to_garments
from vptbench.synth.texture import dressed_to_texture


@pytest.fixture(scope="module")
def painted():
    person = seed_to_person(2, 0, wardrobe=("tee and jeans",), shapes=12)
    dressed = person_to_dressed(person)
    return person, dressed, dressed_to_texture(dressed, person)


def test_every_place_of_every_face_has_a_colour(painted):
    _, _, texture = painted
    faces = np.arange(len(load_body().faces), dtype=np.int32)
    for weights in ([1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0.34, 0.33, 0.33]):
        colours = texture.at(faces, np.tile(np.array(weights, np.float32), (len(faces), 1)))
        assert colours.shape == (len(faces), 3)
        assert (colours.max(1) > 0).mean() > 0.999  # black is a colour, but hardly anybody wears it


def test_garments_have_the_colours_of_their_cloth(painted):
    person, dressed, texture = painted
    faces = load_body().faces
    fields = chart_to_garments(dressed.chart, person)
    middle = np.full((len(faces), 3), 1 / 3, np.float32)
    colours = texture.at(np.arange(len(faces), dtype=np.int32), middle).astype(float)
    worn = (fields.bottom[faces].min(1) > 0.03) & (fields.top[faces].max(1) < -0.03)
    worn &= fields.shoe[faces].max(1) < -0.03
    np.testing.assert_allclose(np.median(colours[worn], axis=0), person.outfit.bottom.colour, atol=14)
    bare = (dressed.chart.arm[faces].min(1) > dressed.chart.arm_length * 0.7) & (
        dressed.chart.part("arm")[faces].min(1) > 0.9
    )
    np.testing.assert_allclose(np.median(colours[bare], axis=0), person.skin, rtol=0.15)


def test_painting_repeats(painted):
    person, dressed, texture = painted
    np.testing.assert_array_equal(dressed_to_texture(dressed, person).colours, texture.colours)
