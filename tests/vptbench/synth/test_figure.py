from dataclasses import asdict

import pytest

from vptbench.synth.fabric import WEAVES
from vptbench.synth.figure import MAX_DEVIATION, PATTERNS, SPORTSWEAR, WARDROBE, seed_to_person


def test_a_person_repeats_and_differs_from_its_neighbours():
    people = [seed_to_person(1, index, wardrobe=WARDROBE, shapes=12) for index in range(8)]
    assert people == [seed_to_person(1, index, wardrobe=WARDROBE, shapes=12) for index in range(8)]
    for part in ("shape", "skin", "hair", "outfit", "seed"):
        assert len({str(asdict(person)[part]) for person in people}) >= 7, part
    assert seed_to_person(2, 0, wardrobe=WARDROBE, shapes=12) != people[0]


def test_shapes_stay_within_bounds():
    for index in range(20):
        shape = seed_to_person(4, index, wardrobe=WARDROBE, shapes=12).shape
        assert len(shape) == 12
        assert max(map(abs, shape)) <= MAX_DEVIATION


@pytest.mark.parametrize("kind", WARDROBE)
def test_every_outfit_can_be_made_of_known_fabrics(kind):
    for index in range(6):
        outfit = seed_to_person(5, index, wardrobe=(kind,), shapes=12).outfit
        assert {outfit.top.pattern, outfit.bottom.pattern} <= set(PATTERNS)


def test_people_who_kick_wear_no_skirts():
    for index in range(12):
        assert seed_to_person(6, index, wardrobe=SPORTSWEAR, shapes=12).outfit.flare < 0


def test_every_pattern_can_be_woven():
    assert set(PATTERNS) == set(WEAVES)
