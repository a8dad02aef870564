import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.synth.dress import person_to_dressed
from vptbench.synth.figure import HAIR_STYLES, seed_to_person
from vptbench.synth.texture import dressed_to_texture


@pytest.mark.parametrize("index", range(3))
def test_a_face_has_eyes_lips_and_hair(index):
    person = seed_to_person(1, index, wardrobe=("tee and jeans",), shapes=12)
    dressed = person_to_dressed(person)
    texture, faces, chart = dressed_to_texture(dressed, person), load_body().faces, dressed.chart
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), (len(faces), 12)).astype(np.float32)
    face = np.repeat(np.arange(len(faces), dtype=np.int32), 12)
    colours = texture.at(face, weights.reshape(-1, 3)).astype(float)
    place = np.einsum("fnk,fkc->fnc", weights, chart.place[faces]).reshape(-1, 3)
    front = place[:, 1] < chart.mark("REar")[1] - 0.03

    def around(name, radius, lower=0.0):
        centre = chart.mark(name) - np.array([0, 0, lower])
        return colours[front & (np.hypot(place[:, 0] - centre[0], place[:, 2] - centre[2]) < radius)]

    for eye in ("LEye", "REye"):
        assert around(eye, 0.016).min(1).max() > 180  # the white of the eye
        assert around(eye, 0.016).max(1).min() < 120  # the pupil
    mouth, cheek = around("Nose", 0.012, lower=0.034), np.array(person.skin, float)
    redness = mouth[:, 0] / mouth[:, 1]
    assert np.percentile(redness, 75) > 1.1 * cheek[0] / cheek[1]
    crown = np.median(colours[place[:, 2] > place[:, 2].max() - 0.04], axis=0)
    hair, skin = (np.abs(crown - colour).mean() for colour in (person.hair.colour, person.skin))
    assert hair < skin


def test_styles_differ():
    assert len({style.front + 10 * style.nape + style.volume for style in HAIR_STYLES.values()}) == len(
        HAIR_STYLES
    )
