"""Dropout, swap and outlier against their definitions, on chains of 20,000 frames.

A stationary chain of rate p whose frames one apart correlate by c has a rate over T frames with variance
p(1 − p)/T · (1 + c)/(1 − c); here c = 1 − 1/burst − p/((1 − p)·burst). Bursts of a chain are independent.
"""

import functools
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from vptbench.robustness.bursts import LOWER, PARTS, PLACE_KEPT, UPPER, draws_to_bursts
from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses, load_kind
from vptbench.skeleton import BODY_25, MIRROR

FRAMES = 20_000
SIZE = (256, 192)
KINDS = ["dropout", "swap", "outlier"]
CLIPS = {"dropout": 2, "swap": 5, "outlier": 1}


def still(frames):
    """Joint k at (k, −1000): outside the frame, where no outlier is."""
    keypoints = np.ones((frames, 25, 3), np.float32)
    keypoints[..., 0], keypoints[..., 1] = np.arange(25), -1000
    return Poses(keypoints, SIZE)


def corrupted(kind, severity, clip="0", frames=FRAMES, **parameters):
    return corrupt_poses(Corruption(kind, severity, 0, parameters), clip, still(frames)).keypoints


def touched(kind, keypoints):
    """bool (T, 25): where joints are missing, exchanged or outliers."""
    if kind == "dropout":
        return np.isnan(keypoints[..., 0])
    if kind == "swap":
        return keypoints[..., 0] != np.arange(25)
    return keypoints[..., 1] != -1000


@functools.cache
def chains(kind, severity):
    """bool (T, N): the chains of some clips, each once, although limbs and sides share one."""
    found = [touched(kind, corrupted(kind, severity, f"clip {n}")) for n in range(CLIPS[kind])]
    if kind == "swap":
        return np.concatenate([each[:, [UPPER[0], LOWER[0]]] for each in found], axis=1)
    return np.concatenate([np.unique(each, axis=1) for each in found], axis=1)


def lengths(chain):
    """Of the bursts that begin and end within a chain."""
    change = np.diff(chain.astype(np.int8))
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    ends = ends[ends > starts[0]]
    return ends - starts[: len(ends)]


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("kind", KINDS)
def test_rates_are_as_stated(kind, severity):
    found = chains(kind, severity)
    rate, burst = load_kind(kind).levels[severity - 1], load_kind(kind).parameters["burst"]
    one_apart = 1 - 1 / burst - rate / ((1 - rate) * burst)
    variance = rate * (1 - rate) / found.size * (1 + one_apart) / (1 - one_apart)
    assert abs(found.mean() - rate) < 3 * math.sqrt(variance)


@pytest.mark.parametrize("severity", range(1, 6))
@pytest.mark.parametrize("kind", KINDS)
def test_bursts_are_geometric_with_the_stated_mean(kind, severity):
    """Their mean, and the shares of lengths 1 and above 2·mean; variance of the length: burst·(burst − 1)."""
    found = np.concatenate([lengths(chain) for chain in chains(kind, severity).T])
    burst = load_kind(kind).parameters["burst"]
    assert abs(found.mean() - burst) < 3 * math.sqrt(burst * (burst - 1) / len(found))
    for seen, share in ((found == 1, 1 / burst), (found > 2 * burst, (1 - 1 / burst) ** int(2 * burst))):
        assert abs(seen.mean() - share) < 3 * math.sqrt(share * (1 - share) / len(found))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_one_two_and_five_apart_correlate_as_a_chain(kind):
    """By (1 − 1/burst − enter) to the power of the distance; chains are the replicates."""
    found = chains(kind, 4) - load_kind(kind).levels[3]
    rate, burst = load_kind(kind).levels[3], load_kind(kind).parameters["burst"]
    one_apart = 1 - 1 / burst - rate / ((1 - rate) * burst)
    for lag in (1, 2, 5):
        by_chain = (found[lag:] * found[:-lag]).mean(axis=0) / (rate * (1 - rate))
        error = by_chain.std(ddof=1) / math.sqrt(len(by_chain))
        assert abs(by_chain.mean() - one_apart**lag) < 3 * error


def test_each_joint_drops_out_as_often_as_stated():
    """Over 300 clips, as replicates: no joint is spared for being in a limb, in the first frame or later."""
    found = np.array([touched("dropout", corrupted("dropout", 4, f"{n}", 60)) for n in range(300)])
    for by_clip in (found.mean(axis=1), found[:, 0].astype(float)):
        errors = by_clip.std(axis=0, ddof=1) / math.sqrt(300)
        assert (abs(by_clip.mean(axis=0) - 0.4) < 4 * errors).all()


@pytest.mark.parametrize("kind", KINDS)
def test_severities_are_nested(kind):
    found = [touched(kind, corrupted(kind, severity, frames=2000)) for severity in range(1, 6)]
    for less, more in itertools.pairwise(found):
        assert (less <= more).all()
        assert less.sum() < more.sum()


@pytest.mark.parametrize(("kind", "burst"), [("dropout", 2.5), ("swap", 2), ("outlier", 1.25)])
def test_severities_are_nested_with_the_shortest_bursts_that_are_taken(kind, burst):
    found = [touched(kind, corrupted(kind, severity, frames=5000, burst=burst)) for severity in range(1, 6)]
    for less, more in itertools.pairwise(found):
        assert (less <= more).all()


def test_bursts_that_are_too_short_would_not_be_nested():
    """Which is why they are refused: here at 1.5 frames for a rate of 0.6, where 2.5 is the least."""
    draws = np.random.default_rng(0).random((2000, 20))
    less, more = (draws_to_bursts(draws, rate, 1.5) for rate in (0.5, 0.6))
    assert (less > more).any()


def test_chains_by_hand():
    """Rate 0.2 and mean 4: on at first below 0.2; goes on below 0.2/(0.8·4) = 0.0625, stays below 0.75."""
    draws = np.array([[0.19, 0.21], [0.74, 0.06], [0.76, 0.7], [0.07, 0.8], [0.06, 0.1]])
    expected = [[1, 0], [1, 1], [0, 1], [0, 0], [1, 0]]
    np.testing.assert_array_equal(draws_to_bursts(draws, 0.2, 4), np.array(expected, bool))
    assert draws_to_bursts(draws[:0], 0.2, 4).shape == (0, 2)


def test_parts_hold_each_joint_once_and_limbs_hang_together():
    assert sorted(joint for part in PARTS for joint in part) == list(range(25))
    names = [{BODY_25[joint].lstrip("RL") for joint in part} for part in PARTS]
    assert names[0] == {"Nose", "Eye", "Ear"}
    assert names[1] == names[2] == {"Elbow", "Wrist"}
    assert names[3] == names[4] == {"Knee", "Ankle", "BigToe", "SmallToe", "Heel"}


def test_limbs_drop_out_whole_in_half_of_the_clips_and_joint_by_joint_in_the_others():
    found = [touched("dropout", corrupted("dropout", 4, f"{n}", 200)) for n in range(200)]
    for part in PARTS[:5]:
        limbs = [each[:, list(part)] for each in found]
        chains_of = [len(np.unique(limb, axis=1).T) for limb in limbs]
        assert set(chains_of) == {1, len(part)}
        assert abs(chains_of.count(1) - 100) < 3 * math.sqrt(50)


def test_dropped_joints_are_missing_as_elsewhere():
    noisy = corrupted("dropout", 3, frames=500)
    gone = touched("dropout", noisy)
    assert np.isnan(noisy[gone][:, :2]).all()
    assert (noisy[gone][:, 2] == 0).all()
    np.testing.assert_array_equal(noisy[~gone], still(500).keypoints[~gone])


def test_sides_are_exchanged_as_mirror_says_and_twice_is_nothing():
    clean = np.random.default_rng(2).uniform(0, 1, (400, 25, 3)).astype(np.float32)
    clean[5:300, 4] = np.nan, np.nan, 0
    swap = Corruption("swap", 5)
    noisy = corrupt_poses(swap, "a", Poses(clean, SIZE)).keypoints
    states = set()
    for before, after in zip(clean, noisy, strict=True):
        expected, state = before.copy(), []
        for group in (UPPER, LOWER):
            state.append(not np.array_equal(after[list(group)], before[list(group)], equal_nan=True))
            if state[-1]:
                expected[list(group)] = before[list(MIRROR)][list(group)]
        np.testing.assert_array_equal(after, expected)
        states.add(tuple(state))
    assert len(states) == 4  # arms alone, legs alone, both and none
    again = corrupt_poses(swap, "a", Poses(noisy, SIZE)).keypoints
    np.testing.assert_array_equal(again, clean)


def test_upper_and_lower_body_are_all_that_has_sides_and_are_exchanged_apart():
    sided = [joint for joint in range(25) if MIRROR[joint] != joint]
    assert sorted(UPPER + LOWER) == sided
    for group in (UPPER, LOWER):
        assert {MIRROR[joint] for joint in group} == set(group)
    found = chains("swap", 4)
    both = found[:, 0::2] & found[:, 1::2]  # of rate 0.2² if independent; 5 clips are the replicates
    one_apart = (1 - 1 / 5 - 0.05) ** 2
    error = math.sqrt(0.04 * 0.96 / both.size * (1 + one_apart) / (1 - one_apart))
    assert abs(both.mean() - 0.04) < 4 * error


def test_outliers_are_uniform_in_the_frame():
    noisy = corrupted("outlier", 5).astype(np.float64)
    places = np.unique(noisy[touched("outlier", noisy)][:, :2], axis=0)  # held ones once
    assert len(places) > 10_000
    x, y = places.T
    assert (x.min() >= -0.5, y.min() >= -0.5, x.max() <= 191.5, y.max() <= 255.5) == (True,) * 4
    assert stats.kstest(x, "uniform", (-0.5, 192)).pvalue > 0.001
    assert stats.kstest(y, "uniform", (-0.5, 256)).pvalue > 0.001
    assert abs(np.corrcoef(x, y)[0, 1]) < 3 / math.sqrt(len(places))


def test_outliers_stay_where_they_are_in_two_frames_of_three():
    noisy = corrupted("outlier", 5)
    jumps = touched("outlier", noisy)
    both = jumps[1:] & jumps[:-1]
    kept = (noisy[1:] == noisy[:-1]).all(axis=-1)[both]
    assert PLACE_KEPT == 2 / 3
    assert abs(kept.mean() - 2 / 3) < 3 * math.sqrt(2 / 9 / len(kept))


def test_outliers_have_the_same_places_at_all_severities():
    one, five = (corrupted("outlier", severity, frames=3000) for severity in (1, 5))
    jumps = touched("outlier", one)
    assert jumps.sum() > 300
    np.testing.assert_array_equal(five[jumps], one[jumps])


def test_outliers_leave_missing_joints_and_confidence_alone():
    poses = still(2000)
    poses.keypoints[:, 4] = np.nan, np.nan, 0
    poses.keypoints[..., 2] *= np.float32(0.3)
    noisy = corrupt_poses(Corruption("outlier", 5), "0", poses).keypoints
    np.testing.assert_array_equal(noisy[:, 4], poses.keypoints[:, 4])
    np.testing.assert_array_equal(noisy[..., 2], poses.keypoints[..., 2])
    others = np.delete(np.arange(25), 4)
    np.testing.assert_array_equal(noisy[:, others, :2], corrupted("outlier", 5, frames=2000)[:, others, :2])
