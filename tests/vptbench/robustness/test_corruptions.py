"""Corruptions: how one is applied, whatever its kind."""

import re
from pathlib import Path

import numpy as np
import pytest

from vptbench.benchmarks.noisy import KINDS
from vptbench.errors import RegistryError, UsageError
from vptbench.robustness.corruptions import (
    CORRUPTIONS,
    Corruption,
    CorruptionKind,
    Poses,
    corrupt_poses,
    load_kind,
    texts_to_parameters,
)
from vptbench.skeleton import BODY_25, keypoints_to_problems

PAGE = Path(__file__).parents[3] / "docs" / "robustness.md"

DRAWN = [kind for kind in CORRUPTIONS if load_kind(kind).drawn]

FROZEN = {
    "jitter": (980818.1, 126),
    "drift": (984490.9, 126),
    "dropout": (889317.2, 233),
    "swap": (984182.8, 126),
    "outlier": (1000550.3, 126),
    "lag": (989387.0, 126),
    "other-body": (977071.9, 126),
    "estimator": (977275.2, 126),
}
"""Of each kind at severity 3, on `POSES`: the sum of x and y times the number of the joint, and how many
joints are missing."""


def walk(frames, seed=1):
    """A clip of joints anywhere in 96 × 128, one in eight missing."""
    draws = np.random.default_rng(seed)
    keypoints = draws.uniform(0, 96, (frames, 25, 3)).astype(np.float32)
    keypoints[..., 2] = draws.uniform(0.1, 1, (frames, 25))
    keypoints[draws.random((frames, 25)) < 1 / 8] = np.nan, np.nan, 0
    return Poses(keypoints, (128, 96))


POSES = walk(40)


def corrupted(kind, severity=5, seed=0, clip="a", poses=POSES, **more):
    return corrupt_poses(Corruption(kind, severity, seed), clip, poses, **more)


def test_every_kind_of_the_lists_is_there():
    assert list(CORRUPTIONS) == list(KINDS)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_kinds_can_be_loaded_and_have_five_ascending_levels(kind):
    found = load_kind(kind)
    assert isinstance(found, CorruptionKind)
    assert len(found.levels) == 5
    assert list(found.levels) == sorted(set(found.levels))
    assert set(found.ranges) <= set(found.parameters)
    for name, (low, high) in found.ranges.items():
        assert low <= found.parameters[name] < high


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_severity_0_is_the_identity_bit_for_bit(kind):
    clean = corrupted(kind, 0)
    assert clean.keypoints.tobytes() == POSES.keypoints.tobytes()
    assert clean.keypoints is not POSES.keypoints
    np.testing.assert_array_equal(clean.rows, np.arange(40))


@pytest.mark.parametrize("severity", [1, 5])
@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_noisy_poses_are_poses_and_the_clean_ones_stay(kind, severity):
    before = POSES.keypoints.tobytes()
    noisy = corrupted(kind, severity)
    assert POSES.keypoints.tobytes() == before
    assert keypoints_to_problems(noisy.keypoints) == []
    assert noisy.keypoints.shape == POSES.keypoints.shape
    assert (noisy.keypoints[1:] != POSES.keypoints[1:])[np.isfinite(POSES.keypoints[1:])].any()
    if kind not in {"lag", "swap"}:  # these take joints from elsewhere
        missing = np.isnan(POSES.keypoints[..., 0])
        assert np.isnan(noisy.keypoints[..., 0])[missing].all()
        still = ~np.isnan(noisy.keypoints[..., 0])
        np.testing.assert_array_equal(noisy.keypoints[still, 2], POSES.keypoints[still, 2])
        assert kind == "dropout" or (still == ~missing).all()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_same_seed_gives_the_same_bytes(kind):
    assert corrupted(kind).keypoints.tobytes() == corrupted(kind).keypoints.tobytes()


@pytest.mark.parametrize("kind", DRAWN)
def test_other_seeds_and_other_clips_get_other_draws(kind):
    found = {
        corrupted(kind, seed=seed, clip=clip).keypoints.tobytes()
        for seed, clip in ((0, "a"), (1, "a"), (0, "b"), (1, "b"), (10, "a"), (0, "a1"))
    }
    assert len(found) == 6


def test_kinds_that_draw_nothing_are_the_same_for_all_seeds():
    assert [kind for kind in CORRUPTIONS if kind not in DRAWN] == ["lag"]
    assert corrupted("lag", seed=1, clip="b").keypoints.tobytes() == corrupted("lag").keypoints.tobytes()


@pytest.mark.parametrize("kind", [kind for kind in CORRUPTIONS if kind != "estimator"])  # goes by the height
def test_a_longer_clip_begins_as_a_shorter_one_does(kind):
    short = Poses(POSES.keypoints[:23], POSES.size)
    noisy = corrupted(kind, poses=short)
    assert noisy.keypoints.tobytes() == corrupted(kind).keypoints[:23].tobytes()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_fixed_frames_stay_and_the_others_do_not_notice(kind):
    free, noisy = corrupted(kind), corrupted(kind, fixed=[0, 7])
    for row in (0, 7):
        assert noisy.keypoints[row].tobytes() == POSES.keypoints[row].tobytes()
        assert noisy.rows[row] == row
    others = np.delete(np.arange(40), [0, 7])
    assert noisy.keypoints[others].tobytes() == free.keypoints[others].tobytes()
    np.testing.assert_array_equal(noisy.rows[others], free.rows[others])


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_frames_without_a_person_and_clips_of_one_frame(kind):
    nobody = Poses(np.full((1, 25, 3), (np.nan, np.nan, 0), np.float32), (64, 64))
    assert corrupted(kind, poses=nobody).keypoints.tobytes() == nobody.keypoints.tobytes()


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_draws_are_frozen(kind):
    """What is published stays: who changes a number here changes `VERSION`."""
    noisy = corrupted(kind, 3).keypoints
    total = np.nansum(noisy[..., :2].astype(np.float64) * np.arange(25)[:, None])
    np.testing.assert_allclose((total, np.isnan(noisy[..., 0]).sum()), FROZEN[kind], rtol=0, atol=0.5)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("jiter", 1), RegistryError, "expected a known corruption, got 'jiter'; did you mean 'jitter'"),
        (("jitter", 6), UsageError, "expected a severity from 0 to 5, got 6"),
        (("jitter", -1), UsageError, "expected a severity from 0 to 5, got -1"),
        (("jitter", 1, -1), UsageError, "expected a seed from 0, got -1"),
        (("jitter", 1, 0, {"burst": 1}), RegistryError, "parameter of jitter, got 'burst'; known: none"),
        (("drift", 1, 0, {"corelation": 0}), RegistryError, "did you mean 'correlation'"),
        (
            ("drift", 1, 0, {"correlation": 1}), UsageError,
            "drift: expected a finite number from 0 and below 1 as correlation, got 1; the default is 0.9",
        ),
        (("drift", 1, 0, {"correlation": -0.1}), UsageError, "as correlation, got -0.1"),
        (("drift", 1, 0, {"correlation": float("nan")}), UsageError, "as correlation, got nan"),
        (("drift", 1, 0, {"correlation": "0.5"}), UsageError, "expected a number as correlation, got '0.5'"),
        (("drift", 1, 0, {"correlation": True}), UsageError, "expected a number as correlation, got True"),
        (("drift", 0, 0, {"correlation": 2}), UsageError, "as correlation, got 2"),
        (
            ("dropout", 1, 0, {"burst": 2.4}), UsageError,
            "dropout: expected a finite number from 2.5 as burst, got 2.4; the default is 10",
        ),
        (("dropout", 1, 0, {"burst": float("inf")}), UsageError, "as burst, got inf"),
        (("swap", 1, 0, {"burst": 1.9}), UsageError, "from 2 as burst, got 1.9; the default is 5"),
        (("outlier", 1, 0, {"burst": 1.2}), UsageError, "from 1.25 as burst, got 1.2; the default is 3"),
    ],
)  # fmt: skip
def test_what_is_none_of_the_kinds_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Corruption(*arguments)


def page_rows():
    """The table of kinds in the documentation: kind to its other cells."""
    lines = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {kind: [cell.strip() for cell in cells.split(" | ")] for kind, cells in lines}


def test_the_page_has_every_kind():
    assert list(page_rows()) == list(CORRUPTIONS)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_page_says_what_the_table_says(kind):
    found = load_kind(kind)
    levels, unit, meaning, parameters, why = page_rows()[kind]
    assert tuple(float(level) for level in levels.split(", ")) == found.levels
    assert (unit, meaning) == (found.unit, found.meaning)
    said = re.findall(r"`(\w+)` ([\d.]+)", parameters)
    assert {name: float(default) for name, default in said} == dict(found.parameters)
    assert len(why) > 40


def test_joints_are_those_of_body_25():
    assert POSES.keypoints.shape[1] == len(BODY_25)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("loud", 1), RegistryError, "expected a known corruption, got 'loud'"),
        (("jitter", 6), UsageError, "expected a severity from 0 to 5, got 6"),
        (("jitter", -1), UsageError, "expected a severity from 0 to 5, got -1"),
        (("jitter", 1, 0, {"rho": 1}), RegistryError, "expected a known parameter of jitter, got 'rho'"),
    ],
)
def test_corruptions_that_are_none(arguments, error, message):
    with pytest.raises(error, match=message):
        Corruption(*arguments)


def test_parameters_are_read_and_refused():
    assert texts_to_parameters(["a=0.5", " b =2"]) == {"a": 0.5, "b": 2.0}
    for texts in (["a"], ["=1"], ["a=x"], ["a=nan"], ["a=inf"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match=r"expected a parameter such as NAME=0\.5, each once, got"):
            texts_to_parameters(texts)
