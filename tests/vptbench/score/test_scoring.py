import json

import numpy as np
import pytest

from vptbench.benchmarks import load_benchmark
from vptbench.benchmarks.items import clip_list_sha256
from vptbench.errors import (
    BenchmarkError,
    ClipsFailedError,
    OutputError,
    RegistryError,
    ScoreError,
    UsageError,
    WeightsError,
)
from vptbench.outputs.writer import frames_to_output, output_path, write_outputs_manifest
from vptbench.score import ScoreSettings, scoring
from vptbench.scorefile import scores_to_problems
from vptbench.weights import Networks, network_sha256

RANDOM = Networks(mode="random")
PIXELS = ("ssim-v1", "psnr-v1", "l1-v1")


def outputs_to_scorefile(outputs, scores, *, store, benchmark, **settings):
    return scoring.outputs_to_scorefile(
        outputs, scores, ScoreSettings(**settings), store=store, benchmark=benchmark
    )


def folders_to_scorefile(generated, scores, *, targets, **settings):
    return scoring.folders_to_scorefile(generated, scores, ScoreSettings(**settings), targets=targets)


def write_benchmark(path, **fields):
    document = {
        "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "synthetic",
        "split": "test",
        "crop": "clip-square-v1", "size": None, "source": {"index": 0}, "targets": "all-but-source",
        "pooling": "clip", "reference": "test", "metrics": ["l1-v1", "colour-v1"],
    }  # fmt: skip
    path.write_text(json.dumps({**document, **fields}))
    return path


def write_outputs(folder, store, frames, **fields):
    """Outputs as `vptbench generate` writes them."""
    benchmark = load_benchmark("synthetic-v1")
    entries = {}
    for clip, pictures in frames.items():
        frames_to_output(pictures, output_path(folder, clip))
        entries[clip] = {
            "kind": "png-folder", "path": f"frames/{clip}", "first": 0, "count": len(pictures),
            "size": list(pictures.shape[1:3]), "source": {"clip": clip, "frame": 0},
        }  # fmt: skip
    body = {
        "model": "oracle", "kind": "audit", "checkpoint": None, "seed": 0, "clips": list(frames),
        "benchmark": {"id": benchmark.id, "sha256": benchmark.sha256}, "entries": entries, "store": {},
        "failures": {}, "cost": {},
        "clip_list_sha256": clip_list_sha256(store[clip] for clip in store.ids("test")), "complete": True,
    }  # fmt: skip
    write_outputs_manifest(folder, {**body, **fields})
    return folder


@pytest.fixture
def constant(make_store, make_folder, grey):
    """Store and outputs of two test clips: "a", 10 levels off, and "b/1", whose last frames are right."""
    store = make_store({("a", "test"): grey(50, 60, 70), ("b/1", "test"): grey(80, 90, 100, 110, 120)})
    made = make_folder(
        {"a": dict(enumerate(grey(0, 70, 80))), "b/1": dict(enumerate(grey(0, 70, 120, 110, 120)))}
    )
    return made, store.path


def test_constant_frames_worked_out_by_hand(constant, tmp_path):
    made, store = constant
    scores = outputs_to_scorefile(
        made, tmp_path / "scores", store=store, benchmark="synthetic-v1", metrics=PIXELS, networks=RANDOM
    )
    # frames 1.. of "a" are off by 10, 10; those of "b/1" by 20, 20, 0, 0
    l1 = scores.metrics["l1-v1"]
    assert l1.value == pytest.approx((10 / 255 + 10 / 255) / 2, rel=1e-12)  # both clips have the mean 10/255
    assert (l1.clips, l1.frames, l1.samples, l1.infinite_frames) == (2, 6, 6, 0)
    assert (l1.low, l1.high) == pytest.approx((10 / 255, 10 / 255))
    # 10 log10(255²/100) = 28.1308 dB for "a"; "b/1": 10 log10(255²/400) = 22.1102 dB, two frames infinite
    psnr = scores.metrics["psnr-v1"]
    assert psnr.value == pytest.approx((28.130803608679106 + 22.110203695399484) / 2, abs=1e-9)
    assert (psnr.low, psnr.high) == pytest.approx((22.1102, 28.1308), abs=1e-4)
    assert (psnr.frames, psnr.samples, psnr.infinite_frames) == (6, 4, 2)
    rows = scores.per_frame[scores.per_frame["metric"] == "psnr-v1"]
    assert rows["frame"].tolist() == [1, 2, 1, 2, 3, 4]
    assert np.isinf(rows["value"]).tolist() == [False] * 4 + [True] * 2
    assert scores_to_problems(tmp_path / "scores") == []
    assert not (tmp_path / "scores" / "parts").exists()


def test_pooling_over_frames_weighs_clips_by_their_length(constant, tmp_path):
    made, store = constant
    mine = write_benchmark(tmp_path / "mine.json", pooling="frame", metrics=list(PIXELS))
    scores = outputs_to_scorefile(made, tmp_path / "scores", store=store, benchmark=mine, networks=RANDOM)
    # L1 over 6 frames: (10 + 10 + 20 + 20 + 0 + 0)/6 = 10; PSNR over the 4 finite ones
    assert scores.metrics["l1-v1"].value == pytest.approx(10 / 255)
    assert scores.metrics["psnr-v1"].value == pytest.approx(
        (28.130803608679106 + 22.110203695399484) / 2, abs=1e-9
    )
    assert scores.pooling == "frame"
    assert scores_to_problems(tmp_path / "scores") == []


def test_the_record_says_what_was_compared(constant, tmp_path):
    made, store = constant
    scores = outputs_to_scorefile(
        made, tmp_path / "scores", store=store, benchmark="synthetic-v1", metrics=["l1-v1"], networks=RANDOM
    )
    benchmark = load_benchmark("synthetic-v1")
    assert (scores.model, scores.kind, scores.official) == ("made", "claimed", True)
    assert scores.benchmark["sha256"] == benchmark.sha256
    assert scores.data == {"dataset": "iper", "synth": {"seed": 1}, "videos": None}
    assert scores.inputs == {"outputs": "../made", "store": "../store", "targets": None}
    assert scores.networks == {}  # L1 needs none
    assert scores.clips["b/1"]["frames"] == 4
    assert len(scores.clips["b/1"]["generated_sha256"]) == 64
    assert {"vptbench", "torch", "lpips"} <= set(scores.libraries)
    assert (scores.layout, scores.outputs) == ("clip-folders", None)


def test_the_oracle_is_perfect_and_known_by_its_manifest(tmp_path, make_store):
    frames = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    store = make_store({("a", "test"): frames})
    outputs = write_outputs(tmp_path / "outputs", store, {"a": frames}, cost={"seconds_per_frame": 0.5})
    scores = outputs_to_scorefile(
        outputs,
        tmp_path / "scores",
        store=store.path,
        benchmark="synthetic-v1",
        metrics=PIXELS,
        networks=RANDOM,
    )
    assert (scores.model, scores.kind) == ("oracle", "audit")
    assert scores.outputs["cost"] == {"seconds_per_frame": 0.5}
    assert "entries" not in scores.outputs
    assert scores.metrics["ssim-v1"].value == pytest.approx(1, abs=1e-12)
    assert scores.metrics["l1-v1"].value == 0
    psnr = scores.metrics["psnr-v1"]
    assert (psnr.value, psnr.infinite_frames, psnr.samples) == (None, 3, 0)
    assert "no frame has a finite value: all are equal to their targets" in psnr.reason
    assert scores_to_problems(tmp_path / "scores") == []


@pytest.mark.usefixtures("colour")
def test_distribution_metrics_by_hand(constant, tmp_path):
    made, store = constant
    mine = write_benchmark(tmp_path / "mine.json")
    scores = outputs_to_scorefile(made, tmp_path / "scores", store=store, benchmark=mine, networks=RANDOM)
    figure = scores.metrics["colour-v1"]
    # three equal channels: 3 (m1 − m2)² + 3 (s1 − s2)²; covariances of rank one, divisor N − 1
    made_levels, true_levels = (
        np.array([70, 80, 70, 120, 110, 120.0]),
        np.array([60, 70, 90, 100, 110, 120.0]),
    )
    means = made_levels.mean() - true_levels.mean()
    deviations = made_levels.std(ddof=1) - true_levels.std(ddof=1)
    assert figure.value == pytest.approx(3 * means**2 + 3 * deviations**2, rel=1e-9)
    assert (figure.samples, figure.clips, figure.frames, figure.low) == (
        6,
        2,
        6,
        None,
    )  # 2 clips: no jackknife
    assert set(scores.per_frame["metric"]) == {"l1-v1"}
    assert scores_to_problems(tmp_path / "scores") == []


@pytest.mark.usefixtures("colour")
def test_enough_clips_have_a_jackknife_interval(tmp_path, make_store, make_folder, grey):
    rng = np.random.default_rng(1)
    clips = {f"{n}": grey(*rng.integers(0, 256, 4)) for n in range(6)}
    store = make_store({(clip, "test"): frames for clip, frames in clips.items()})
    made = make_folder({clip: dict(enumerate(grey(*rng.integers(0, 256, 4)))) for clip in clips})
    mine = write_benchmark(tmp_path / "mine.json", metrics=["colour-v1"])
    figure = outputs_to_scorefile(
        made, tmp_path / "scores", store=store.path, benchmark=mine, networks=RANDOM
    ).metrics["colour-v1"]
    assert figure.low < figure.value < figure.high
    assert scores_to_problems(tmp_path / "scores") == []


@pytest.mark.usefixtures("colour")
def test_reference_may_be_the_train_clips(constant, tmp_path, make_store, grey):
    made, store = constant
    mine = write_benchmark(tmp_path / "mine.json", reference="train", metrics=["l1-v1", "colour-v1"])
    empty = outputs_to_scorefile(made, tmp_path / "s1", store=store, benchmark=mine, networks=RANDOM)
    assert empty.metrics["colour-v1"].value is None
    assert "the store has no clips of the train split" in empty.metrics["colour-v1"].reason
    assert empty.metrics["l1-v1"].value is not None
    levels = (70, 80, 70, 120, 110, 120)  # those of the model, so that the distance is 0
    clips = {
        ("a", "test"): grey(50, 60, 70),
        ("b/1", "test"): grey(80, 90, 100, 110, 120),
        ("t", "train"): grey(*levels),
    }
    other = make_store(clips, tmp_path / "with_train")
    full = outputs_to_scorefile(made, tmp_path / "s2", store=other.path, benchmark=mine, networks=RANDOM)
    assert full.metrics["colour-v1"].value == pytest.approx(0, abs=1e-9)


def test_features_of_targets_serve_every_model(colour, constant, tmp_path, make_folder, grey):
    made, store = constant
    mine = write_benchmark(tmp_path / "mine.json")
    options = {"store": store, "benchmark": mine, "networks": RANDOM}
    first = outputs_to_scorefile(made, tmp_path / "first", **options)
    assert sorted(colour.calls) == [2, 2, 4, 4]
    other = make_folder(
        {"a": dict(enumerate(grey(0, 1, 2))), "b/1": dict(enumerate(grey(0, 7, 12, 11, 12)))}, "other"
    )
    outputs_to_scorefile(other, tmp_path / "second", **options)
    assert sorted(colour.calls) == [2, 2, 2, 4, 4, 4]  # only the model's own half
    again = outputs_to_scorefile(made, tmp_path / "first", **options)
    assert len(colour.calls) == 6  # nothing has changed, so nothing is measured
    assert again.metrics == first.metrics
    (cached,) = {path.parent.name for path in (store / "cache" / "features").rglob("*.npy")}
    assert cached == "colour-v1"
    for path in (store / "cache" / "features").rglob("*.npy"):
        path.write_bytes(b"damaged")
    thrice = outputs_to_scorefile(made, tmp_path / "third", **options)
    assert thrice.metrics == first.metrics


def test_changed_outputs_are_scored_again(constant, tmp_path):
    made, store = constant
    options = {"store": store, "benchmark": "synthetic-v1", "metrics": ["l1-v1"], "networks": RANDOM}
    first = outputs_to_scorefile(made, tmp_path / "scores", **options)
    (made / "a" / "00001.png").write_bytes((made / "a" / "00002.png").read_bytes())
    second = outputs_to_scorefile(made, tmp_path / "scores", **options)
    assert second.metrics["l1-v1"].value > first.metrics["l1-v1"].value
    assert len(outputs_to_scorefile(made, tmp_path / "scores", **{**options, "metrics": PIXELS}).metrics) == 3


def test_interrupted_scoring_goes_on(colour, constant, tmp_path):
    made, store = constant
    options = {"store": store, "benchmark": write_benchmark(tmp_path / "mine.json"), "networks": RANDOM}
    undisturbed = outputs_to_scorefile(made, tmp_path / "whole", **options)
    colour.calls.clear()
    good = (made / "b/1" / "00003.png").read_bytes()
    (made / "b/1" / "00003.png").write_bytes(good[:20])
    with pytest.raises(
        ClipsFailedError, match=r"expected to measure 2 clips, 1 failed: b/1: .*00003\.png: expected a PNG"
    ):
        outputs_to_scorefile(made, tmp_path / "scores", **options)
    assert not (tmp_path / "scores" / "scores.json").exists()
    assert colour.calls == [2]  # the other clip was measured
    (made / "b/1" / "00003.png").write_bytes(good)
    scores = outputs_to_scorefile(made, tmp_path / "scores", **options)
    assert colour.calls == [2, 4]  # and not again
    assert scores.metrics == undisturbed.metrics
    assert (tmp_path / "scores/scores.json").read_bytes() == (tmp_path / "whole/scores.json").read_bytes()


@pytest.mark.usefixtures("colour")
def test_a_store_that_cannot_be_written_to_is_scored_all_the_same(constant, tmp_path):
    made, store = constant
    (store / "cache").write_text("no folder")
    mine = write_benchmark(tmp_path / "mine.json")
    outputs_to_scorefile(made, tmp_path / "scores", store=store, benchmark=mine, networks=RANDOM)
    assert (store / "cache").read_text() == "no folder"


@pytest.mark.slow
def test_workers_change_nothing(constant, tmp_path):
    made, store = constant
    options = {"store": store, "benchmark": "synthetic-v1", "metrics": PIXELS, "networks": RANDOM}
    outputs_to_scorefile(made, tmp_path / "one", **options)
    outputs_to_scorefile(made, tmp_path / "two", **options, workers=2)
    for name in ("scores.json", "per_clip.csv", "per_frame.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.slow
def test_networks_with_random_weights_are_named_so(tmp_path, make_store, make_folder):
    frames = np.random.default_rng(0).integers(0, 256, (2, 17, 32, 32, 3), np.uint8)
    store = make_store({("a", "test"): frames[0], ("b", "test"): frames[1]})
    made = make_folder({clip: dict(enumerate(frames[n] // 2)) for n, clip in enumerate("ab")})
    options = {"store": store.path, "benchmark": "synthetic-v1", "networks": RANDOM}
    scores = outputs_to_scorefile(
        made, tmp_path / "scores", metrics=["fvd-v1", "l1-v1", "lpips-v1"], **options
    )
    assert list(scores.metrics) == ["l1-v1", "lpips-v1@random", "fvd-v1@random"]
    assert all(figure.value > 0 and figure.reason == "" for figure in scores.metrics.values())
    assert scores.metrics["fvd-v1@random"].samples == 2
    assert scores.networks["alexnet"] == {"mode": "random", "sha256": network_sha256("alexnet", RANDOM)}
    assert set(scores.networks) == {"alexnet", "i3d-kinetics400"}


def test_facts_of_a_model_that_never_ran_here_are_claimed(tmp_path, make_folder, make_store, grey):
    made, true = make_folder({"x": {3: grey(10)[0]}}, "mine"), make_folder({"x": {3: grey(15)[0]}}, "true")
    common = {"metrics": ["l1-v1"], "networks": RANDOM, "claimed": {"model": "ours", "trained_on": "iPER"}}
    scores = folders_to_scorefile(made, tmp_path / "s1", targets=true, **common)
    assert (scores.model, scores.kind) == ("ours", "claimed")
    assert scores.claimed == {"model": "ours", "trained_on": "iPER"}
    store = make_store({("a", "test"): grey(50, 60)})
    outputs = write_outputs(tmp_path / "outputs", store, {"a": grey(50, 60)})
    with pytest.raises(UsageError, match="expected no claim of a model's name, got 'ours'"):
        outputs_to_scorefile(outputs, tmp_path / "s2", store=store.path, benchmark="synthetic-v1", **common)


def test_the_command_lines_choices(constant, tmp_path):
    made, store = constant
    common = {"metrics": ["l1-v1"], "networks": RANDOM}
    settings = ScoreSettings(**common)
    assert scoring.score(made, tmp_path / "s1", settings, store=store, benchmark="synthetic-v1").official
    assert not scoring.score(made, tmp_path / "s2", settings, targets=made).official
    for given, text in (
        ({}, "got neither"),
        ({"store": store}, "got --store;"),
        ({"store": store, "targets": made}, "got --store and --targets;"),
        ({"store": store, "benchmark": "synthetic-v1", "targets": made}, "--benchmark and --targets"),
    ):
        with pytest.raises(UsageError, match=text):
            scoring.score(made, tmp_path / "s3", settings, **given)


def test_refusals_before_anything_is_measured(constant, tmp_path, make_folder, grey):
    made, store = constant
    with pytest.raises(RegistryError, match="expected a known metric, got 'sim-v1'; did you mean 'ssim-v1'"):
        outputs_to_scorefile(
            made, tmp_path / "s", store=store, benchmark="synthetic-v1", metrics=["sim-v1"], networks=RANDOM
        )
    with pytest.raises(RegistryError, match="expected a known metric, got 'x'"):
        folders_to_scorefile(made, tmp_path / "s", targets=made, metrics=["x"], networks=RANDOM)
    with pytest.raises(WeightsError, match=r"alexnet: expected its weights at .*vptbench weights fetch"):
        outputs_to_scorefile(
            made,
            tmp_path / "s",
            store=store,
            benchmark="synthetic-v1",
            networks=Networks(directory=tmp_path / "none"),
        )
    with pytest.raises(BenchmarkError, match="expected real clips, found synthetic"):
        outputs_to_scorefile(
            made, tmp_path / "s", store=store, benchmark="iper-v1", networks=RANDOM, metrics=["l1-v1"]
        )
    with pytest.raises(OutputError, match=r"1 of 2 clips are missing \(b/1\)"):
        outputs_to_scorefile(
            make_folder({"a": dict(enumerate(grey(0, 1, 2)))}, "part"), tmp_path / "s", store=store,
            benchmark="synthetic-v1", metrics=["l1-v1"], networks=RANDOM,
        )  # fmt: skip
    assert not (tmp_path / "s").exists()


def test_outputs_of_other_clips_are_refused(tmp_path, make_store, grey):
    store = make_store({("a", "test"): grey(1, 2, 3)})
    outputs = write_outputs(tmp_path / "outputs", store, {"a": grey(1, 2, 3)}, clip_list_sha256="0" * 64)
    with pytest.raises(
        OutputError, match=r"expected outputs made from the clips of this store .* found others \(0000"
    ):
        outputs_to_scorefile(
            outputs,
            tmp_path / "s",
            store=store.path,
            benchmark="synthetic-v1",
            metrics=["l1-v1"],
            networks=RANDOM,
        )


def test_nothing_but_scores_is_written_over(constant):
    made, _ = constant
    (made / "a" / ".mine.part").write_text("somebody else's")
    with pytest.raises(
        ScoreError, match="expected an empty folder or scores, found a, b; give another folder"
    ):
        folders_to_scorefile(made, made, targets=made, metrics=["l1-v1"], networks=RANDOM)
    assert (made / "a" / ".mine.part").is_file()


@pytest.mark.usefixtures("colour")
def test_a_metric_that_gives_nan_is_told(constant, tmp_path):
    made, store = constant
    mine = write_benchmark(tmp_path / "mine.json", metrics=["broken-v1"])
    with pytest.raises(ScoreError, match=r"broken-v1: expected 2 numbers, one a frame, got .* 2 NaN"):
        outputs_to_scorefile(made, tmp_path / "scores", store=store, benchmark=mine, networks=RANDOM)
    assert not (tmp_path / "scores" / "scores.json").exists()


def test_another_models_scores_are_not_written_over(constant, tmp_path):
    """Refused by name, and nothing is lost; the model's own scores may be made again."""
    made, store = constant
    place = tmp_path / "scores"
    arguments = {"store": store, "benchmark": "synthetic-v1", "metrics": ("l1-v1",)}
    first = outputs_to_scorefile(made, place, **arguments, claimed={"model": "mine"})
    with pytest.raises(
        ScoreError, match="expected scores of other, found those of mine; give another folder"
    ):
        outputs_to_scorefile(made, place, **arguments, claimed={"model": "other"})
    assert outputs_to_scorefile(made, place, **arguments, claimed={"model": "mine"}).metrics == first.metrics
