"""The published numbers are those of `tests/golden/fvd.json`; their origin stands in ORIGIN.md beside it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vptbench.errors import MetricError, ScoreError, ShapeError, UsageError
from vptbench.metrics import fvd_bdmm
from vptbench.metrics.frechet import Statistics, distance
from vptbench.metrics.fvd import FVD
from vptbench.metrics.fvd_bdmm import (
    MOST,
    SEED,
    TEST_16F,
    TEST_128F,
    TEST_128F_S8,
    TRAIN_16F,
    TRAIN_128F,
    TRAIN_128F_S8,
    lengths_to_starts,
)
from vptbench.weights import Networks

STORED = json.loads((Path(__file__).parents[2] / "golden" / "fvd.json").read_text())

SIX = {
    ("fvd2048_16f", "train"): TRAIN_16F,
    ("fvd2048_16f", "test"): TEST_16F,
    ("fvd2048_128f", "train"): TRAIN_128F,
    ("fvd2048_128f", "test"): TEST_128F,
    ("fvd2048_128f_subsample8f", "train"): TRAIN_128F_S8,
    ("fvd2048_128f_subsample8f", "test"): TEST_128F_S8,
}


@pytest.fixture
def six(remembering):
    """A function: the definition of a stored case, with the stand-in for its network."""

    def of(case, **change):
        name = case.get("metric", "fvd2048_16f"), case["real"].split("/")[1]
        return replace(SIX[name], net=remembering, **change)

    return of


def side(metric, videos, *, generated):
    lengths = {clip: len(frames) for clip, frames in videos.items()}
    return {
        clip: metric.features(frames, metric.windows(clip, lengths, generated=generated))
        for clip, frames in videos.items()
    }


def numbers(seed, clips, rows, width=5):
    generator = np.random.default_rng(seed)
    return {f"c{clip}": generator.standard_normal((rows, width)).astype(np.float32) for clip in range(clips)}


def one_run(rows, run):
    return {clip: each[run : run + 1] for clip, each in rows.items()}


def test_settings_are_the_published_ones():
    found = [(each.length, each.stride, each.runs, each.reference, each.id) for each in SIX.values()]
    assert found == [
        (16, 1, 100, "train", "fvd-bdmm-train-16f-v1"),
        (16, 1, 100, "test", "fvd-bdmm-test-16f-v1"),
        (128, 1, 50, "train", "fvd-bdmm-train-128f-v1"),
        (128, 1, 50, "test", "fvd-bdmm-test-128f-v1"),
        (16, 8, 50, "train", "fvd-bdmm-train-128f-s8-v1"),
        (16, 8, 50, "test", "fvd-bdmm-test-128f-s8-v1"),
    ]
    assert STORED["torch_manual_seed"] == SEED
    assert {(each.seed, each.most_real, each.most_generated) for each in SIX.values()} == {(SEED, 2048, 2048)}
    assert MOST == 2048


def test_golden_network_call(remembering, golden_videos):
    frames = golden_videos("general/generated")["v0.mp4"]
    metric = replace(TEST_16F, net=remembering)
    np.testing.assert_allclose(metric.features(frames)[0], STORED["net"]["features"], rtol=1e-5)
    videos = torch.from_numpy(frames[:16].transpose(3, 0, 1, 2)[None].copy())
    for name, call in (
        ("features_not_resized", {"rescale": True, "resize": False}),
        ("features_not_rescaled", {"rescale": False, "resize": True}),
    ):
        other = remembering(videos, return_features=True, **call)[0]
        np.testing.assert_allclose(other, STORED["net"][name], atol=1e-6 * other.abs().max())


@pytest.mark.parametrize("case", STORED["exact"], ids=lambda case: f"{case['metric']} {case['real']}")
def test_golden_exact(case, six, golden_videos):
    # Nothing is random in these sets, so that every run has the same windows.
    metric = six(case, runs=2)
    real = side(metric, golden_videos(case["real"]), generated=False)
    made = side(metric, golden_videos(case["generated"]), generated=True)
    found = metric.estimate(made, real)
    np.testing.assert_allclose(found.value, case["published"], rtol=1e-5)
    assert found.settings["real_clips"] == case["real_used"]
    assert sum(not len(rows) for rows in real.values()) == case["real_dropped"]
    assert found.settings["generated_clips"] == case["generated_used"]
    assert found.settings["std"] <= 1e-12


def test_golden_would_tell_the_divisor(six, golden_videos):
    case = STORED["exact"][0]
    metric = six(case, runs=1)
    parts = [
        list(side(metric, golden_videos(case[which]), generated=which == "generated").values())
        for which in ("generated", "real")
    ]
    other = distance(
        *(Statistics.from_features(np.concatenate([rows for rows in part if len(rows)])) for part in parts)
    )
    np.testing.assert_allclose(other, case["divisor_n_minus_1"], rtol=1e-5)
    assert abs(other / case["published"] - 1) > 1e-3  # a hundred times the tolerance above


@pytest.mark.parametrize("case", STORED["cap"], ids=lambda case: case["real"])
def test_golden_cap(case, six, golden_videos):
    metric = six(case, runs=1, most_real=case["max_real"], most_generated=case["max_generated"])
    real = side(metric, golden_videos(case["real"]), generated=False)
    made = side(metric, golden_videos(case["generated"]), generated=True)
    found = metric.estimate(made, real)
    np.testing.assert_allclose(found.value, case["published"], rtol=1e-5)
    assert found.settings["real_clips"] == case["max_real"]  # the short ones are dropped first
    assert found.settings["generated_clips"] == case["max_generated"]


@pytest.mark.parametrize("case", STORED["general"], ids=lambda case: f"{case['metric']} {case['real']}")
def test_golden_starts(case, six, golden_videos):
    metric = six(case)
    lengths = {clip: len(frames) for clip, frames in golden_videos(case["real"]).items()}
    windows = {clip: metric.windows(clip, lengths, generated=False) for clip in lengths}
    used = {clip: drawn for clip, drawn in windows.items() if drawn}
    assert list(used) == case["videos"]
    assert {len(drawn) for drawn in used.values()} == {metric.runs}
    for run, starts in enumerate(case["starts"]):
        assert [drawn[run].start for drawn in used.values()] == starts
    for clip, drawn in used.items():
        assert all(len(window) == metric.length and window.step == metric.stride for window in drawn)
        assert all(window.start >= 0 and window[-1] < lengths[clip] for window in drawn)


# How many of the published runs are gone through: all of them where that is quick.
RUNS = {"fvd2048_16f": 20, "fvd2048_128f": 2, "fvd2048_128f_subsample8f": 10}


@pytest.mark.parametrize("case", STORED["general"], ids=lambda case: f"{case['metric']} {case['real']}")
def test_golden_general(case, six, golden_videos):
    runs = RUNS[case["metric"]]
    metric = six(case, runs=runs)
    real = side(metric, golden_videos(case["real"]), generated=False)
    made = side(metric, golden_videos(case["generated"]), generated=True)
    assert {len(rows) for rows in made.values()} == {1}
    single = replace(metric, runs=1)
    values = [single.estimate(made, one_run(real, run)).value for run in range(runs)]
    np.testing.assert_allclose(values[:10], case["published"][:runs], rtol=1e-5)
    found = metric.estimate(made, real)
    np.testing.assert_allclose(found.value, np.mean(values), rtol=1e-12)
    np.testing.assert_allclose(found.settings["std"], np.std(values), rtol=1e-9)
    if runs == case["runs"]:
        np.testing.assert_allclose(found.value, case["published_mean"], rtol=1e-5)
        np.testing.assert_allclose(found.settings["std"], case["published_std"], rtol=1e-5)
    assert found.settings["runs"] == runs
    assert found.settings["seed"] == SEED


def test_golden_would_tell_the_order_of_names(six, golden_videos):
    case = STORED["general"][1]
    metric = six(case, runs=1)
    natural = {f"{int(clip[1:-4]):02}": frames for clip, frames in golden_videos(case["real"]).items()}
    made = side(metric, golden_videos(case["generated"]), generated=True)
    found = metric.estimate(made, side(metric, natural, generated=False))
    assert abs(found.value / case["published"][0] - 1) > 1e-3


def test_golden_short_generated(six, golden_videos):
    case = STORED["short_generated"]
    metric, videos = six(case), golden_videos(case["generated"])
    lengths = {clip: len(frames) for clip, frames in videos.items()}
    first = next(clip for clip in lengths if lengths[clip] < 16)
    assert f"only {lengths[first]} frames available" in case["raises"]
    with pytest.raises(MetricError, match=rf"clip {first}: expected at least 16 generated frames, got 11"):
        side(metric, videos, generated=True)
    with pytest.raises(MetricError, match="the published program stops there"):
        metric.features(videos[first])


def test_golden_no_real_video(six, golden_videos):
    case = STORED["no_real_video"]
    metric = six(case)
    real = side(metric, golden_videos(case["real"]), generated=False)
    assert {rows.shape for rows in real.values()} == {(0, 400)}
    with pytest.raises(ScoreError, match="expected a video long enough for a window on each side, got none"):
        metric.estimate(numbers(0, 5, 1), real)


def test_hand_windows():
    # Three usable frames of four, at stride 2 (T s = 6): a real video of 7 frames starts at 0, 1 or 2, since
    # n − T s + s − 1 = 2, and reads frames 2 apart; the last is number 6.
    metric = replace(TEST_16F, length=3, stride=2, runs=40)
    lengths = {"b": 7, "a": 5}
    assert metric.windows("a", lengths, generated=False) == ()
    assert set(metric.windows("b", lengths, generated=False)) == {
        range(0, 5, 2),
        range(1, 6, 2),
        range(2, 7, 2),
    }
    assert metric.windows("b", lengths, generated=True) == (range(0, 5, 2),)
    only_first = replace(metric, most_generated=1, most_real=1)
    assert only_first.windows("b", lengths, generated=True) == ()
    assert only_first.windows("b", lengths, generated=False)  # the first of those long enough
    with pytest.raises(MetricError, match="clip a: expected at least 6 generated frames, got 5"):
        metric.windows("a", lengths, generated=True)


def test_starts_depend_on_the_seed_alone():
    lengths = (40, 50, 60, 70)
    generator = torch.get_rng_state()
    lengths_to_starts.cache_clear()
    first = lengths_to_starts(lengths, 16, 1, 5, SEED)
    assert torch.equal(torch.get_rng_state(), generator)
    lengths_to_starts.cache_clear()
    np.testing.assert_array_equal(lengths_to_starts(lengths, 16, 1, 5, SEED), first)
    np.testing.assert_array_equal(lengths_to_starts(lengths, 16, 1, 3, SEED), first[:3])
    assert (lengths_to_starts(lengths, 16, 1, 5, SEED + 1) != first).any()


def test_equal_windows_go_through_the_network_once():
    seen = []

    def net(videos, **_):
        seen.extend(videos)
        return videos.float().mean((2, 3, 4))

    frames = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None, None], (20, 4, 4, 3))
    windows = (range(16), range(4, 20), range(16), range(2, 18), range(16))
    found = replace(TEST_16F, net=net).features(frames, windows)
    np.testing.assert_array_equal(found[:, 0], [7.5, 11.5, 7.5, 9.5, 7.5])
    assert len(seen) == 3


@pytest.mark.parametrize("paired", [True, False])
def test_estimate_naive(paired, monkeypatch):
    monkeypatch.setattr(fvd_bdmm, "RUNS_AT_ONCE", 2)
    metric = replace(TEST_16F, runs=5)
    made, real = numbers(0, 6, 1), numbers(1, 7, 5)
    made["z"], real["z"] = (np.zeros((0, 5), np.float32) for _ in range(2))  # dropped, or beyond the cap
    groups = [(ids, ids if paired else ()) for ids in (["c0", "c3"], ["c1", "c4"], ["c2", "c5", "z"])]
    found = metric.estimate(made, real, groups)

    def naive(left_made, left_real):
        values = []
        for run in range(5):
            a = np.concatenate([rows for clip, rows in made.items() if clip not in left_made])
            b = np.concatenate([rows[run : run + 1] for clip, rows in real.items() if clip not in left_real])
            values.append(distance(Statistics.from_features(a), Statistics.from_features(b), ddof=0))
        return values

    np.testing.assert_allclose(found.value, np.mean(naive((), ())), rtol=1e-12)
    np.testing.assert_allclose(found.settings["std"], np.std(naive((), ())), rtol=1e-12)
    np.testing.assert_allclose(found.left_out, [np.mean(naive(*group)) for group in groups], rtol=1e-12)
    assert found.settings["real_clips"] == 7
    assert found.settings["generated_clips"] == 6
    assert found.least == 0
    assert metric.estimate(made, real, [(list(made), ())]).left_out == ()  # nobody would be left


def test_refusals():
    metric = replace(TEST_16F, runs=4)
    with pytest.raises(ScoreError, match="clip c0: expected 4 rows of features, got 3"):
        metric.estimate(numbers(0, 3, 1), numbers(0, 3, 3))
    with pytest.raises(ScoreError, match="clip c0: expected 1 rows of features, got 2"):
        metric.estimate(numbers(0, 3, 2), numbers(0, 3, 4))
    with pytest.raises(ScoreError, match="expected a video long enough"):
        metric.estimate({}, numbers(0, 3, 4))
    with pytest.raises(ShapeError, match=r"scored frames: expected uint8 \(T, H, W, 3\)"):
        metric.features(np.zeros((16, 8, 8), np.uint8))
    with pytest.raises(UsageError, match="load the metric first"):
        metric.features(np.zeros((16, 8, 8, 3), np.uint8))


def test_loads_the_network_of_fvd(monkeypatch):
    monkeypatch.setattr(fvd_bdmm, "load_i3d", lambda name, networks: (name, networks))
    loaded = TRAIN_16F.load(Networks("random", device="meta"))
    assert loaded.net[0] == FVD.network == "i3d-kinetics400"
    assert loaded.device == "meta"
    assert loaded.extractor == FVD.extractor
