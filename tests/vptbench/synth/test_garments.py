from dataclasses import replace

import numpy as np
import pytest

from vptbench.synth.dress import person_to_dressed
from vptbench.synth.figure import WARDROBE, seed_to_person
from vptbench.synth.garments import PARTS, chart_to_garments, smoothstep


@pytest.fixture(scope="module")
def dressed():
    person = seed_to_person(2, 0, wardrobe=("tee and jeans",), shapes=12)
    return person, person_to_dressed(person).chart


def test_parts_of_the_body_are_where_they_should_be(dressed):
    _, chart = dressed
    assert chart.parts.shape == (len(chart.place), len(PARTS))
    assert chart.above("Neck")[chart.part("head") > 0.9].min() > -0.05
    assert chart.above("MidHip")[chart.part("leg") > 0.9].max() < 0.1


def test_the_arm_is_measured_from_shoulder_to_wrist(dressed):
    _, chart = dressed
    wrist = np.linalg.norm(chart.place - chart.mark("LWrist"), axis=1).argmin()
    assert chart.arm[wrist] == pytest.approx(chart.arm_length, abs=0.03)


def test_sleeves_end_where_the_outfit_says(dressed):
    person, chart = dressed
    for sleeve in (0.3, 0.6, 0.95):
        top = chart_to_garments(chart, replace(person, outfit=replace(person.outfit, sleeve=sleeve))).top
        covered = chart.arm[(chart.part("arm") > 0.9) & (top > 0)]
        assert covered.max() == pytest.approx(sleeve * chart.arm_length, abs=0.03)


@pytest.mark.parametrize("kind", WARDROBE)
def test_face_and_hands_stay_bare(kind):
    person = seed_to_person(2, 1, wardrobe=(kind,), shapes=12)
    chart = person_to_dressed(person).chart
    garments = chart_to_garments(chart, person)
    nose = np.linalg.norm(chart.place - chart.mark("Nose"), axis=1) < 0.03
    hands = (chart.arm > chart.arm_length + 0.05) & (chart.part("forearm") > 0.9)
    for field in (garments.top, garments.bottom, garments.shoe, garments.hair):
        assert (field[nose] < 0).all()
        assert (field[hands] < 0).all()


def test_smoothstep_is_clamped_and_half_way_at_a_half():
    np.testing.assert_allclose(smoothstep(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])), [0, 0, 0.5, 1, 1])
