"""Errors of a real estimator: the shipped bank, how stretches of it are drawn, and what is added to poses."""

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import vptbench.robustness.estimator
from vptbench.robustness.corruptions import Corruption, Poses, corrupt_poses, load_kind
from vptbench.robustness.estimator import BANK, ErrorBank, draw_errors, load_errors
from vptbench.skeleton import BODY_25, keypoints_to_height, keypoints_to_problems

CLIPS, FRAMES, HEIGHT = 150, 90, 200.0
SMALL_TOES = [BODY_25.index("LSmallToe"), BODY_25.index("RSmallToe")]


def _person(frames, height=HEIGHT):
    """Somebody who stands still, float32 (T, 25, 3)."""
    joints = np.random.default_rng(5).uniform(0, height, (25, 3)).astype(np.float32)
    joints[0, 1], joints[11, 1], joints[:, 2] = 0, height, 0.5
    return np.repeat(joints[None], frames, 0)


def _corrupt(severity, clip="a", seed=0, frames=FRAMES, height=HEIGHT, fixed=()):
    poses = Poses(_person(frames, height), (256, 256))
    return corrupt_poses(Corruption("estimator", severity, seed), clip, poses, fixed)


@pytest.fixture(scope="module")
def drawn():
    """Errors of many clips at severity 2 in heights of the person, (CLIPS, FRAMES, 25, 2)."""
    clean = _person(FRAMES)[..., :2]
    return np.stack([_corrupt(2, f"clip{n}").keypoints[..., :2] - clean for n in range(CLIPS)]) / HEIGHT


def _distances(errors):
    """Of the joints that MediaPipe gives, (N, T, 23)."""
    return np.linalg.norm(np.delete(errors, SMALL_TOES, axis=2), axis=-1)


def _products(errors, lag):
    """Of each clip, products of each error with that `lag` frames later, and squares, (N, 2) means."""
    centred = errors - errors.mean(axis=(0, 1))
    later = centred[:, lag:] * centred[:, : len(errors[0]) - lag]
    return np.stack([later.mean(axis=(1, 2, 3)), (centred**2).mean(axis=(1, 2, 3))], 1)


def _correlation(products):
    return products[:, 0].mean() / products[:, 1].mean()


def _spread(of_clips, fold):
    """Standard error of a figure over `CLIPS` clips of the bank, by drawing them again."""
    rng = np.random.default_rng(1)
    return float(np.std([fold(of_clips[rng.integers(len(of_clips), size=CLIPS)]) for _ in range(20)]))


def test_the_bank_is_small_says_what_it_is_and_cannot_be_written_to():
    path = Path(vptbench.robustness.estimator.__file__).with_name(BANK)
    assert path.stat().st_size < 600 * 1024
    bank = load_errors()
    assert load_errors() is bank
    assert bank.about["estimator"]["name"] == "mediapipe"
    assert "pose_landmark_full" in bank.about["estimator"]["version"]
    assert bank.about["estimator"]["swaps"] == "none"
    assert bank.about["synth"] == {
        "layouts": ["fashionvideo", "iper"], "clips": 20, "frames": 90, "size": 256, "seed": 2024,
    }  # fmt: skip
    assert len(bank.about["made_on"]) == len("2026-01-01")
    with pytest.raises(ValueError, match="read-only"):
        bank.errors[0] = 0


def test_the_bank_holds_errors_of_the_size_that_its_docstring_states():
    errors = load_errors().errors
    assert errors.shape == (40, 90, 25, 2)
    assert errors.dtype == np.float32
    assert not np.isnan(errors).any()
    median, high, highest = 100 * np.percentile(_distances(errors), (50, 90, 99))
    assert (median, high, highest) == pytest.approx((1.26, 3.09, 15.4), abs=0.05)
    assert _correlation(_products(errors, 1)) == pytest.approx(0.78, abs=0.005)


def test_joints_that_mediapipe_never_gives_stay():
    assert load_errors().about["never_given"] == [BODY_25[joint] for joint in SMALL_TOES]
    still = (_corrupt(5).keypoints == _person(FRAMES)).all(axis=(0, 2))
    assert np.flatnonzero(still).tolist() == sorted(SMALL_TOES)


def test_stretches_run_to_the_end_of_their_clip_and_go_on_with_the_start_of_another():
    bank = 100 * np.arange(4)[:, None] + np.arange(10)[None]
    starts, clips = set(), set()
    for seed in range(400):
        drawn = draw_errors(bank, 35, np.random.default_rng(seed))
        assert len(drawn) == 35
        for before, after in pairwise(drawn.tolist()):
            assert after % 100 == 0 if before % 100 == 9 else after == before + 1
        starts.add(drawn[0])
        clips |= set(drawn // 100)
        np.testing.assert_array_equal(draw_errors(bank, 8, np.random.default_rng(seed)), drawn[:8])
    assert clips == {0, 1, 2, 3}
    assert len(starts) == 40  # every frame of the bank begins some clip: 400 draws leave out one in 25,000


def test_every_frame_of_the_bank_is_drawn_as_often_as_another():
    bank, draws = np.arange(30).reshape(3, 10), 3000
    rng = np.random.default_rng(3)
    drawn = np.stack([draw_errors(bank, 12, rng) for _ in range(draws)])
    for frame in (0, 7, 11):
        counts = np.bincount(drawn[:, frame], minlength=30)
        np.testing.assert_allclose(counts, draws / 30, atol=4.5 * np.sqrt(draws / 30))


@pytest.mark.parametrize("percentile", [50, 90])
def test_severity_2_errs_as_the_bank_does(drawn, percentile):
    bank = _distances(load_errors().errors)
    expected, spread = np.percentile(bank, percentile), _spread(bank, lambda x: np.percentile(x, percentile))
    assert spread < 0.05 * expected
    assert np.percentile(_distances(drawn), percentile) == pytest.approx(expected, abs=4 * spread)


@pytest.mark.parametrize("lag", [1, 5])
def test_errors_keep_their_correlation_over_time(drawn, lag):
    bank = _products(load_errors().errors, lag)
    joins = lag / FRAMES  # share of pairs of frames with the start of another stretch between them
    assert _correlation(_products(drawn, lag)) == pytest.approx(
        _correlation(bank), abs=4 * _spread(bank, _correlation) + joins
    )
    shuffled = np.random.default_rng(1).permutation(drawn, axis=1)
    assert _correlation(_products(shuffled, lag)) < _correlation(bank) - 0.2


def test_errors_keep_their_correlation_over_joints(drawn):
    elbow, wrist = (BODY_25.index(name) for name in ("RElbow", "RWrist"))
    found, expected = (
        np.corrcoef(errors[:, :, elbow, 0].ravel(), errors[:, :, wrist, 0].ravel())[0, 1]
        for errors in (drawn, load_errors().errors)
    )
    assert expected > 0.5
    assert found == pytest.approx(expected, abs=0.1)


@pytest.fixture
def gappy_bank(monkeypatch):
    """A bank in which a tenth of the joints was missed."""
    rng = np.random.default_rng(2)
    errors = rng.normal(0, 0.01, (3, 20, 25, 2)).astype(np.float32)
    errors[rng.random((3, 20, 25)) < 0.1] = np.nan
    monkeypatch.setattr("vptbench.robustness.estimator.load_errors", lambda: ErrorBank({}, errors))
    return errors


def test_what_the_estimator_missed_is_missing_from_severity_2_on(gappy_bank):
    share = np.isnan(gappy_bank[..., 0]).mean()
    assert not np.isnan(_corrupt(1).keypoints).any()
    assert np.isnan(_corrupt(2, frames=400).keypoints[..., 0]).mean() == pytest.approx(share, abs=0.02)


@pytest.mark.usefixtures("gappy_bank")
def test_severities_are_nested():
    clean = _person(400)
    one, *others = (_corrupt(severity, frames=400).keypoints for severity in range(1, 6))
    lost = np.isnan(others[0][..., 0])
    assert lost.any()
    np.testing.assert_array_equal(one[lost], clean[lost])
    for level, keypoints in zip(load_kind("estimator").levels[1:], others, strict=True):
        np.testing.assert_array_equal(np.isnan(keypoints[..., 0]), lost)
        np.testing.assert_allclose(
            (keypoints - clean)[~lost], 2 * level * (one - clean)[~lost], atol=1e-3 * level
        )
        assert keypoints_to_problems(keypoints) == []


def test_errors_grow_with_the_person_not_with_the_frames():
    small, large = (_corrupt(3, height=height).keypoints - _person(FRAMES, height) for height in (50, 200))
    np.testing.assert_allclose(large, 4 * small, atol=1e-3)
    assert keypoints_to_height(_person(FRAMES, 50)) == 50


def test_a_seed_gives_its_bytes_and_another_seed_or_clip_others():
    def digest(**options):
        return hashlib.sha256(_corrupt(3, **options).keypoints.tobytes()).hexdigest()

    assert digest() == digest()
    assert len({digest(), digest(seed=1), digest(clip="b")}) == 3


def test_missing_stay_missing_confidence_stays_and_fixed_frames_are_as_they_were():
    keypoints = _person(FRAMES)
    keypoints[:, 4] = (np.nan, np.nan, 0)
    before = keypoints.copy()
    noisy = corrupt_poses(Corruption("estimator", 3), "a", Poses(keypoints, (256, 256)), fixed=[0, 7])
    assert noisy.keypoints.dtype == np.float32
    assert keypoints_to_problems(noisy.keypoints) == []
    assert np.isnan(noisy.keypoints[:, 4, 0]).all()
    there = noisy.keypoints[..., 2] > 0
    np.testing.assert_array_equal(noisy.keypoints[there][:, 2], 0.5)
    np.testing.assert_array_equal(noisy.keypoints[[0, 7]], before[[0, 7]])
    np.testing.assert_array_equal(keypoints, before)
    np.testing.assert_array_equal(noisy.rows, np.arange(FRAMES))


def test_a_clip_without_anybody_is_left_alone():
    nobody = np.full((3, 25, 3), (np.nan, np.nan, 0), np.float32)
    noisy = corrupt_poses(Corruption("estimator", 5), "a", Poses(nobody, (64, 64)))
    np.testing.assert_array_equal(noisy.keypoints, nobody)
