"""Left and right over time, on a made-up walker who turns round."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.prepare import swaps
from vptbench.prepare.swaps import (
    PARTS,
    find_half_swaps,
    find_swaps,
    swap_sides,
    unswap_keypoints,
)
from vptbench.skeleton import BODY_25, MIRROR, missing_keypoints

HEIGHT = 200.0

PLACES = {
    "Shoulder": (0.10, 0.18), "Elbow": (0.14, 0.36), "Wrist": (0.15, 0.50), "Hip": (0.06, 0.48),
    "Knee": (0.06, 0.72), "Ankle": (0.06, 0.94), "Eye": (0.018, 0.06), "Ear": (0.04, 0.07),
    "BigToe": (0.07, 0.98), "SmallToe": (0.09, 0.98), "Heel": (0.06, 0.97),
}  # fmt: skip
"""Half the distance of the two sides and the place below the crown, in heights."""


def walker(frames, seed, *, noise=0.0, face=False):
    """Somebody who turns at up to 6 degrees a frame while legs and arms swing: (T, 25, 3), 200 px high."""
    rng = np.random.default_rng(seed)
    yaw = np.cumsum(np.full(frames, rng.choice([-1, 1]) * rng.uniform(2, 6))) * np.pi / 180 + rng.uniform(
        0, 6
    )
    step = np.sin(2 * np.pi * np.arange(frames) / 32 + rng.uniform(0, 6))
    keypoints = np.ones((frames, 25, 3), np.float32)
    for joint, name in enumerate(BODY_25):
        side = {"L": 1, "R": -1}.get(name[0], 0) if name[1:] in PLACES else 0
        out, down = PLACES.get(name[1:], (0.0, {"Nose": 0.07, "Neck": 0.18}.get(name, 0.48)))
        swing = (
            step
            * side
            * {"Wrist": -0.10, "Elbow": -0.04, "Knee": 0.08}.get(name[1:], 0.16 if down > 0.9 else 0)
        )
        ahead = swing + (0.06 if "Toe" in name else 0.04 if name == "Nose" else 0)
        keypoints[:, joint, 0] = 150 + HEIGHT * (side * out * np.cos(yaw) + ahead * np.sin(yaw))
        keypoints[:, joint, 1] = 20 + HEIGHT * down
    keypoints[..., :2] += rng.normal(0, noise, (frames, 25, 2)).astype(np.float32)
    if face:
        away = np.cos(yaw) < -0.2
        for name in ("Nose", "REye", "LEye"):
            keypoints[away, BODY_25.index(name)] = (np.nan, np.nan, 0)
    return keypoints


def flips(frames, rng, share):
    """Whole-body swaps in single frames and in runs, about `share` of all frames."""
    swapped = rng.random(frames) < share / 2
    start = int(rng.integers(5, frames - 30))
    swapped[start : start + int(frames * share / 2)] = True
    return np.repeat(swapped[:, None], len(PARTS), axis=1)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), noise=st.sampled_from([0.0, 1.0, 2.0]))
def test_clean_tracks_are_left_alone(seed, noise):
    keypoints = walker(90, seed, noise=noise)
    found, swapped = unswap_keypoints(keypoints, fps=30)
    assert not swapped.any()
    np.testing.assert_array_equal(found, keypoints)


@pytest.mark.parametrize(("step", "fps", "most"), [(2, 15, 0), (3, 10, 0), (5, 30, 0.02)])
def test_few_frames_a_second_are_left_alone_too(step, fps, most):
    """People cross from one side to the other in two frames; in the last case the rate does not say so."""
    swapped = [unswap_keypoints(walker(150, seed, noise=1)[::step], fps=fps)[1] for seed in range(30)]
    assert np.mean([each.any(axis=1).mean() for each in swapped]) <= most


@pytest.mark.parametrize("step", [1, 2, 3])
def test_single_swaps_are_found_at_any_rate(step):
    wrong = []
    for seed in range(20):
        keypoints = walker(120 * step, seed, noise=1)[::step]
        injected = np.repeat((np.random.default_rng(seed).random(120) < 0.06)[:, None], len(PARTS), axis=1)
        found = unswap_keypoints(swap_sides(keypoints, injected), fps=30 / step)[1]
        wrong.append((found != injected).any(axis=1).mean())
    assert np.mean(wrong) < 0.02


@pytest.mark.parametrize("noise", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("face", [False, True])
def test_injected_swaps_of_the_whole_body_are_found(noise, face):
    """Under 3 % of frames keep a swap, over 20 clips with about 15 % swapped."""
    wrong = []
    for seed in range(20):
        injected = flips(120, np.random.default_rng(seed), 0.15)
        given_ = swap_sides(walker(120, seed, noise=noise, face=face), injected)
        wrong.append((unswap_keypoints(given_, fps=30)[1] != injected).any(axis=1).mean())
    assert np.mean(wrong) < 0.03


@pytest.mark.parametrize("part", ["arms", "legs"])
def test_a_part_that_is_swapped_alone_is_found(part):
    wrong = []
    for seed in range(10):
        injected = np.zeros((120, len(PARTS)), bool)
        injected[np.random.default_rng(seed).random(120) < 0.06, list(PARTS).index(part)] = True
        given_ = swap_sides(walker(120, seed, noise=1), injected)
        wrong.append((unswap_keypoints(given_, fps=30)[1] != injected).any(axis=1).mean())
    assert np.mean(wrong) < 0.03


def test_frames_half_swapped_do_not_hide_the_flips_beside_them():
    """Where an estimator changes its mind, one frame often lies in between: a line through that frame
    foretells anything, and one through the others still tells the swap."""
    for seed in range(20):
        keypoints = walker(120, seed, noise=1)
        wide = np.abs(keypoints[:, 5, 0] - keypoints[:, 2, 0]) > 20
        start = int(np.flatnonzero(wide[20:80])[0]) + 20
        injected = np.zeros((120, len(PARTS)), bool)
        injected[[start, *range(start + 2, start + 7)]] = True
        given_ = swap_sides(keypoints, injected)
        between = [start + 1, start + 7]
        given_[between] = 0.65 * keypoints[between] + 0.35 * keypoints[between][:, MIRROR]
        found = unswap_keypoints(given_, fps=30)[1]
        found[between] = False
        np.testing.assert_array_equal(found, injected)


def test_half_swaps_by_hand():
    """Shoulders 40 px apart throughout, the widest: n frames on they are at least cos(15 n°) − 0.15 of that,
    32.6 px after one frame. Elbows are missing, and say nothing."""
    keypoints = missing_keypoints(15)
    keypoints[:, 2], keypoints[:, 5] = (100, 50, 1), (140, 50, 1)
    keypoints[4, 5, 0], keypoints[8, 5, 0] = 100 + 33, 100 - 32
    np.testing.assert_array_equal(np.flatnonzero(find_half_swaps(keypoints)), [8])


def test_a_turn_of_ten_degrees_a_frame_is_no_half_swap():
    keypoints = missing_keypoints(36)
    keypoints[:, 2], keypoints[:, 5] = (100, 50, 1), (140, 50, 1)
    keypoints[:, 5, 0] = 100 + 40 * np.cos(np.radians(10 * np.arange(36)))
    assert not find_half_swaps(keypoints).any()


def test_frames_in_between_are_labelled_by_their_neighbours():
    """A half-swapped frame stays as given; one of the same gap that is wholly swapped is put right."""
    keypoints = walker(40, 2)
    injected = np.zeros((40, len(PARTS)), bool)
    wide = int(np.argmax(keypoints[5:35, 5, 0] - keypoints[5:35, 2, 0])) + 5
    injected[wide] = True
    given_ = swap_sides(keypoints, injected)
    between = 0.6 * keypoints[wide - 1] + 0.4 * keypoints[wide - 1, MIRROR]
    given_[wide - 1] = between
    found, swapped = unswap_keypoints(given_, fps=30)
    np.testing.assert_array_equal(swapped, injected)
    np.testing.assert_array_equal(found[wide - 1], between)


def test_a_back_view_taken_for_a_front_view_is_found_by_the_motion():
    """The estimator swaps at one side view and swaps back at the next: nothing ever jumps."""
    keypoints = walker(120, 4, noise=1)
    away = keypoints[:, 5, 0] < keypoints[:, 2, 0]
    away &= np.arange(120) < np.flatnonzero(np.diff(away.astype(int)) < 0)[0] + 1
    injected = np.repeat(away[:, None], len(PARTS), axis=1)
    assert 10 < away.sum() < 60
    assert (unswap_keypoints(swap_sides(keypoints, injected), fps=30)[1] != injected).mean() < 0.03


def test_frames_and_joints_that_are_missing_do_no_harm():
    rng = np.random.default_rng(5)
    keypoints = walker(120, 7, noise=1)
    keypoints[40:44] = missing_keypoints(4)
    keypoints[rng.random((120, 25)) < 0.1] = (np.nan, np.nan, 0)
    injected = flips(120, rng, 0.15)
    found = unswap_keypoints(swap_sides(keypoints, injected), fps=30)[0]
    differs = ~np.isclose(found, keypoints, equal_nan=True).all(axis=(1, 2))
    assert differs.mean() < 0.03


@pytest.mark.parametrize("frames", [0, 1, 2, 5])
def test_short_and_empty_clips(frames):
    for keypoints in (walker(frames, 1), missing_keypoints(frames)):
        found, swapped = unswap_keypoints(keypoints, fps=30)
        np.testing.assert_array_equal(found, keypoints)
        assert swapped.shape == (frames, 3)


def test_swapping_twice_changes_nothing_and_only_names_change():
    keypoints = walker(20, 2, noise=1)
    swapped = np.random.default_rng(0).random((20, 3)) < 0.5
    once = swap_sides(keypoints, swapped)
    np.testing.assert_array_equal(swap_sides(once, swapped), keypoints)
    np.testing.assert_array_equal(np.sort(once[..., 0], axis=1), np.sort(keypoints[..., 0], axis=1))
    whole = np.ones((20, 3), bool)
    np.testing.assert_array_equal(swap_sides(keypoints, whole), keypoints[:, list(MIRROR)])


def test_viterbi_is_as_cheap_as_trying_every_labelling():
    rng = np.random.default_rng(0)
    T = 9
    memory = swaps.MEMORY
    costs = rng.uniform(0, 4, (T, 2 ** (memory + 1)))
    facing = rng.normal(0, 1, T)

    def price(labels):
        total = 0.0
        for before in (0, 1):  # all labels before the clip are alike
            history = [before] * memory + list(labels)
            cost = swaps.CHANGE * (before + labels[-1])
            for t in range(T):
                window = history[t : t + memory + 1][::-1]
                cost += costs[t, sum(bit << k for k, bit in enumerate(window))]
                cost += swaps.CHANGE * (window[0] != window[1]) + swaps.SWAPPED * window[0]
                cost += max(facing[t], 0) if window[0] == 0 else max(-facing[t], 0)
            total = cost if before == 0 else min(total, cost)
        return total

    best = min(itertools.product((0, 1), repeat=T), key=price)
    found = swaps._cheapest_signs(costs, facing)
    assert price(found.astype(int)) == pytest.approx(price(best))


def test_shares_by_hand():
    """Four frames of ages 1 to 4: mean age 2.5, Σ(a − 2.5)² = 5, levelled 5 + 3 = 8; the share of age a is
    1/4 − (a − 2.5)·2.5/8. With only the frame before there, it is all."""
    ages = np.arange(1.0, 5)[:, None, None]
    shares = swaps._line_shares(np.ones((4, 1, 1)), ages, 3.0)
    np.testing.assert_allclose(shares[:, 0, 0], [0.71875, 0.40625, 0.09375, -0.21875])
    alone = swaps._line_shares(np.array([1.0, 0, 0, 0]).reshape(4, 1, 1), ages, 3.0)
    np.testing.assert_allclose(alone[:, 0, 0], [1, 0, 0, 0])
    across_a_gap = swaps._line_shares(np.ones((4, 1, 1)), 2 * ages, 3.0)  # 20 + 3·2² = 32, (a − 5)·5/32
    np.testing.assert_allclose(across_a_gap[:, 0, 0], [0.71875, 0.40625, 0.09375, -0.21875])


def test_slow_motion_costs_little_and_its_reverse_the_most():
    keypoints = walker(30, 3)
    t = np.arange(30)
    for right, left in ((2, 5), (3, 6), (4, 7)):
        keypoints[:, left, :2] = np.stack([100 + 0.5 * t, np.full(30, 50)], 1)
        keypoints[:, right, :2] = 40
    vectors, there = swaps._pairs_to_vectors(keypoints, [(2, 5), (3, 6), (4, 7)])
    costs = swaps._foretelling_costs(vectors, there, np.ones(3), np.arange(30))
    assert (costs[6:, 0] < 0.1).all()
    assert (costs[6:, 1] > 0.9 * 3 * swaps.CEILING).all()
    assert not find_swaps(keypoints, ("arms",), np.zeros(30), np.ones(30, bool)).any()
