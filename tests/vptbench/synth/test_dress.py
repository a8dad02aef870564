import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.synth.dress import person_to_dressed, vertices_to_normals
from vptbench.synth.figure import WARDROBE, seed_to_person
from vptbench.synth.garments import chart_to_garments


@pytest.mark.parametrize("kind", WARDROBE)
def test_clothes_lie_on_the_body(kind):
    person = seed_to_person(3, 0, wardrobe=(kind,), shapes=12)
    dressed = person_to_dressed(person)
    assert dressed.rest.shape == load_body().rest.shape
    assert dressed.rest.dtype == np.float32
    assert np.isfinite(dressed.rest).all()
    away = np.linalg.norm(dressed.rest - dressed.naked.rest.numpy(), axis=1)
    garments = chart_to_garments(dressed.chart, person)
    bare = np.maximum.reduce([garments.top, garments.bottom, garments.shoe, garments.hair]) < -0.12
    still = bare & (dressed.chart.part("head") + dressed.chart.part("arm") > 0.9)
    assert away[still].max() < 0.005  # neither faces nor hands move
    assert 0.002 < np.median(away[garments.top > 0.03]) < 0.06
    np.testing.assert_allclose(dressed.body.skin_weights.sum(1), 1, atol=1e-5)


def test_a_skirt_hangs_round_both_legs():
    person = seed_to_person(1, 4, wardrobe=("long dress",), shapes=12)
    dressed = person_to_dressed(person)
    down, length = dressed.chart.down_leg()
    middle = (dressed.rest[:, 2] < dressed.chart.mark("LKnee")[2] + 0.1) & (
        down < person.outfit.leg * length - 0.03
    )
    widest = np.abs(dressed.rest[middle, 0]).max()
    bare = np.abs(dressed.naked.rest.numpy()[middle, 0]).max()
    assert widest > 1.05 * bare
    assert (dressed.rest[middle & (np.abs(dressed.rest[:, 0]) < 0.03), 1] < -0.08).any()  # a front panel
    assert 0 < (dressed.outside == 0).sum() < 0.3 * len(dressed.outside)


def test_normals_point_outward():
    rest = load_body().rest
    normals = vertices_to_normals(rest)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    back = rest[:, 1].argmax()
    top = rest[:, 2].argmax()
    assert normals[back, 1] > 0.5
    assert normals[top, 2] > 0.9
