"""One person followed among several."""

import numpy as np
import pytest

from vptbench.prepare.tracking import people_to_person
from vptbench.skeleton import MIRROR


def somebody(x, y=50.0, height=60.0, confidence=0.9):
    """A person of 25 joints whose box is `height` tall and half as wide, centred at x, y."""
    rng = np.random.default_rng(0)
    joints = np.full((25, 3), confidence, np.float32)
    joints[:, :2] = (x, y) + rng.uniform(-0.5, 0.5, (25, 2)) * (height / 2, height)
    return joints


def frames(*people):
    return [np.stack(some) if some else np.zeros((0, 25, 3), np.float32) for some in people]


def centres(keypoints):
    return [None if np.isnan(frame[:, 0]).all() else round(float(frame[:, 0].mean())) for frame in keypoints]


def home(x, **keywords):
    return round(float(somebody(x, **keywords)[:, 0].mean()))


def test_two_of_equal_size_in_changing_order_are_not_mixed_up():
    """Each file lists the two people in another order; a choice by size alone would flicker."""
    rng = np.random.default_rng(1)
    people = [
        [somebody(50 + t, height=60 + rng.normal()), somebody(150 - t, height=60 + rng.normal())]
        for t in range(20)
    ]
    for t in range(1, 20, 2):
        people[t].reverse()
    found = np.array(centres(people_to_person(frames(*people))))
    assert (np.abs(np.diff(found)) <= 3).all()


def test_who_stays_longer_wins_among_equals():
    people = [[somebody(150), somebody(50)] if t < 8 else [somebody(50)] for t in range(20)]
    assert centres(people_to_person(frames(*people))) == [home(50)] * 20


def test_the_larger_wins_among_those_who_stay():
    people = [[somebody(150, height=40), somebody(50, height=60)] for _ in range(5)]
    assert centres(people_to_person(frames(*people))) == [home(50)] * 5


def test_one_large_frame_does_not_beat_many():
    people = [[somebody(50)] for _ in range(10)]
    people[4].append(somebody(200, height=200))
    assert centres(people_to_person(frames(*people))) == [home(50)] * 10


def test_who_is_lost_comes_back_and_the_frames_between_are_marked():
    people = [[] if 3 <= t < 7 else [somebody(50 + t)] for t in range(10)]
    found = people_to_person(frames(*people))
    assert centres(found)[3:7] == [None] * 4
    assert (found[3:7, :, 2] == 0).all()
    assert centres(found)[7] == home(57)


def test_somebody_else_far_away_does_not_take_over():
    people = [[somebody(50)] if t < 12 else [somebody(300)] for t in range(20)]
    assert centres(people_to_person(frames(*people))) == [home(50)] * 12 + [None] * 8


def test_a_swap_of_sides_does_not_end_a_track():
    wide = somebody(50, height=60)
    wide[:, 0] = np.where(np.array(MIRROR) > np.arange(25), 20, 80)
    wide[np.array(MIRROR) == np.arange(25), 0] = 50
    people = [[wide if t != 5 else wide[list(MIRROR)]] for t in range(10)]
    assert None not in centres(people_to_person(frames(*people)))


@pytest.mark.parametrize("confidence", [0.1, 0.9])
def test_a_single_person_is_taken_however_unsure(confidence):
    people = [[somebody(50, confidence=confidence)] for _ in range(3)]
    assert centres(people_to_person(frames(*people))) == [home(50)] * 3


def test_nobody_at_all():
    found = people_to_person(frames([], [], [np.zeros((25, 3), np.float32)]))
    assert found.shape == (3, 25, 3)
    assert (found[..., 2] == 0).all()
