"""Sweeps: what stands in their folder, going on after an interruption, and what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import vptbench.engine.cluster as engine
from vptbench.curvefile import CELLS, CURVES, DISTURBANCE, PER_CLIP, SUMMARY, read_robustness
from vptbench.errors import (
    ClipsFailedError,
    ModelError,
    OutputError,
    RegistryError,
    ScoreError,
    StoreError,
    UsageError,
)
from vptbench.generate.command import CommandSettings
from vptbench.generate.run import store_to_outputs
from vptbench.robustness import sweep as module
from vptbench.robustness.cells import CellFilter
from vptbench.robustness.plan import resolve_sweep
from vptbench.robustness.sweep import run_sweep, sweep_to_json
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.scorefile import read_scores
from vptbench.store import open_store
from vptbench.store.writer import ClipParts, clip_to_file

TABLES = (CELLS, PER_CLIP, DISTURBANCE, CURVES, SUMMARY)
EVERYTHING = {
    "clean", "floor", "clean-control", "jitter-1-0", "jitter-1-0-control", "jitter-4-0", "jitter-4-0-control",
}  # fmt: skip

FEW = "clips: 1, too few to judge noise by: breaking points are rough"


def tables(settings):
    return {name: (settings.out / name).read_text() for name in TABLES}


def value(robustness, metric, role="model", kind="jitter", severity=1):
    cells = robustness.cells
    row = cells[(cells["kind"] == kind) & (cells["severity"] == severity) & (cells["role"] == role)]
    return row.set_index("metric")["value"][metric]


def test_what_a_sweep_leaves(swept, settings):
    assert set(swept.done) == EVERYTHING == {path.name for path in (settings.out / "scores").iterdir()}
    assert (swept.skipped, swept.failed, swept.notes) == ((), {}, (FEW,))
    assert not (settings.out / "work").exists()
    assert all(path.is_file() for path in swept.figures)
    found = read_robustness(settings.out)
    assert (found.model, found.kind, found.height, found.failures) == ("mesh_warp", "model", 64, {})
    assert [list(cell) for cell in found.asked] == [["jitter", 1, 0], ["jitter", 4, 0]]
    assert (settings.out / found.inputs["store"]).resolve() == settings.store.resolve()
    assert set(found.metrics) == set(settings.metrics)
    assert len(found.cells) == len(EVERYTHING) * len(settings.metrics)


def test_noise_moves_the_figures_and_the_control_obeys(swept):
    found = swept.robustness
    assert value(found, "ssim-v1", "control", "clean", 0) == 1
    for role in ("model", "control"):
        clean, weak, strong = (
            value(found, "ssim-v1", role, kind, severity)
            for kind, severity in (("clean", 0), ("jitter", 1), ("jitter", 4))
        )
        assert clean > weak > strong
    far = found.disturbance.set_index("severity")["mean_px"]
    # of frames 64 high, σ is 0.25 and 2 px; a two-dimensional Gaussian's mean length is σ·√(π/2)
    np.testing.assert_allclose(far[[0, 1, 4]], [0, 0.25 * 1.2533, 2 * 1.2533], rtol=0.05)


def test_clean_figures_are_those_of_score(swept, settings, tmp_path):
    store_to_outputs("mesh_warp", settings.store, tmp_path / "outputs", "synthetic-v1")
    alone = outputs_to_scorefile(
        tmp_path / "outputs", tmp_path / "scores", ScoreSettings(settings.metrics), store=settings.store,
        benchmark="synthetic-v1",
    )  # fmt: skip
    found = read_scores(settings.out / "scores" / "clean")
    assert found.metrics == alone.metrics
    pd.testing.assert_frame_equal(found.per_frame, alone.per_frame, check_exact=True)
    for metric, figure in alone.metrics.items():
        assert value(swept.robustness, metric, kind="clean", severity=0) == figure.value


@pytest.mark.usefixtures("swept")
def test_flicker_is_measured_along_the_true_meshes(settings):
    truth = read_scores(settings.out / "scores" / "clean").truth_sha256
    assert truth
    assert truth == read_scores(settings.out / "scores" / "jitter-4-0").truth_sha256


@pytest.mark.usefixtures("swept")
def test_interrupted_it_goes_on_and_ends_as_if_it_had_not_been(settings, again, monkeypatch):
    real, calls = module.store_to_control, []

    def dies(clean, noisy, *arguments, **named):
        calls.append(noisy.parent.name)
        if noisy.parent.name == "jitter-4-0":
            raise KeyboardInterrupt
        return real(clean, noisy, *arguments, **named)

    monkeypatch.setattr(module, "store_to_control", dies)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(again)
    assert not (again.out / "robustness.json").exists()
    monkeypatch.setattr(module, "store_to_control", real)
    report = run_sweep(again)
    assert report.done == ("jitter-4-0-control",)
    assert set(report.skipped) == EVERYTHING - {"jitter-4-0-control"}
    assert tables(again) == tables(settings)


@pytest.mark.usefixtures("swept")
def test_done_again_it_does_nothing(settings, monkeypatch):
    for name in ("store_to_outputs", "store_to_control", "store_to_noisy_store", "outputs_to_scorefile"):
        monkeypatch.setattr(module, name, None)
    before = tables(settings)
    report = run_sweep(settings)
    assert (report.done, set(report.skipped)) == ((), EVERYTHING)
    assert tables(settings) == before


@pytest.mark.usefixtures("swept")
def test_a_part_first_and_the_rest_later(settings, again):
    part = run_sweep(replace(again, chosen=CellFilter(severities=(1,))))
    assert set(part.done) == {name for name in EVERYTHING if "-4-" not in name}
    assert len(part.robustness.asked) == 2
    assert set(part.robustness.cells["severity"]) == {0, 1}
    assert set(run_sweep(again).done) == {"jitter-4-0", "jitter-4-0-control"}
    assert tables(again) == tables(settings)


@pytest.mark.usefixtures("swept")
def test_several_processes_share_one_cluster_and_give_the_same(settings, again, monkeypatch):
    real, started = engine._local_scheduler, []

    def counted(workers):
        started.append(workers)
        return real(workers)

    monkeypatch.setattr(engine, "_local_scheduler", counted)
    run_sweep(replace(again, workers=2))
    assert started == [2]
    assert tables(again) == tables(settings)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"model": "keypoint_warp"}, "model: 'mesh_warp', now 'keypoint_warp'"),
        ({"metrics": ("ssim-v1",)}, "metrics: .*, now .'ssim-v1'."),
        ({"seed": 1}, "seed: 0, now 1"),
        ({"benchmark": "list"}, "noisy: "),
        ({"store": "iper"}, "store.dataset: 'fashionvideo', now 'iper'"),
    ],
)
@pytest.mark.usefixtures("swept")
def test_another_sweep_is_refused(settings, stores, listed, tmp_path, other, text):
    if "benchmark" in other:
        document = json.loads(listed.read_text()) | {"id": "other-noisy-v1"}
        other = {"benchmark": tmp_path / "list.json"}
        other["benchmark"].write_text(json.dumps(document))
    if "store" in other:
        other = {"store": stores["iper"]}
    before = tables(settings)
    for call in (run_sweep, lambda given: sweep_to_json(resolve_sweep(given))):
        with pytest.raises(ScoreError, match=rf"expected a sweep of the same model.*{text}.*; give what"):
            call(replace(settings, **other))
    assert tables(settings) == before


def test_a_folder_of_something_else_is_refused(again):
    again.out.mkdir()
    (again.out / "notes.txt").write_text("mine")
    with pytest.raises(ScoreError, match=r"expected an empty folder or a sweep .*, found other files"):
        run_sweep(again)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"model": "mesh_wrap"}, RegistryError, "known model, got 'mesh_wrap'; did you mean 'mesh_warp'"),
        ({"model": "oracle"}, UsageError, "expected a model that follows poses, got oracle, an audit"),
        ({"metrics": ("ssim",)}, RegistryError, "expected a known metric, got 'ssim'"),
        (
            {"stranger": True, "outputs": "x"},
            UsageError,
            "a model that runs elsewhere, got mesh_warp, a model",
        ),
        ({"model": "mine", "stranger": True}, UsageError, "expected the outputs of mine, .* got none"),
        ({"command": CommandSettings("run {out}")}, UsageError, "what --command makes, got mesh_warp"),
        ({"model": "m", "command": CommandSettings("run")}, UsageError, "expected {out}, where the program"),
        ({"chosen": CellFilter(seeds=(7,))}, UsageError, "expected seeds among 0, got 7"),
        ({"checkpoint": "gone"}, ModelError, "expected a checkpoint at gone, found none"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(again, wrong, error, text):
    paths = {name: again.store / ".." / wrong[name] for name in ("outputs",) if name in wrong}
    if "checkpoint" in wrong:
        paths["checkpoint"] = type(again.store)("gone")
    with pytest.raises(error, match=text):
        run_sweep(replace(again, **{**wrong, **paths}))
    assert not again.out.exists()


def test_a_cell_that_fails_is_told_and_the_others_are_done(again, monkeypatch):
    real = module.store_to_noisy_store

    def full(store, noisy, corruption, **named):
        if corruption.severity == 1:
            raise StoreError("expected room, the disk is full;\nfree some")
        return real(store, noisy, corruption, **named)

    monkeypatch.setattr(module, "store_to_noisy_store", full)
    report = run_sweep(again)
    assert report.failed == {"jitter-1-0": "expected room, the disk is full; free some"}
    assert read_robustness(again.out).failures == report.failed
    assert set(report.robustness.cells["severity"]) == {0, 4}
    monkeypatch.setattr(module, "store_to_noisy_store", real)
    report = run_sweep(again)
    assert set(report.done) == {"jitter-1-0", "jitter-1-0-control"}
    assert report.failed == {}


def test_a_store_that_fails_for_the_control_alone_leaves_the_model_its_scores(again, monkeypatch):
    run_sweep(replace(again, control=False))
    real = module.store_to_noisy_store

    def full(*_, **__):
        raise StoreError("expected room, the disk is full; free some")

    monkeypatch.setattr(module, "store_to_noisy_store", full)
    report = run_sweep(again)
    assert set(report.failed) == {"jitter-1-0-control", "jitter-4-0-control"}
    assert set(report.robustness.cells["severity"]) == {0, 1, 4}
    planned = set(sweep_to_json(resolve_sweep(again))["to_run"])
    assert planned == set(report.failed)
    monkeypatch.setattr(module, "store_to_noisy_store", real)
    assert set(run_sweep(again).done) == planned


def test_clips_that_fail_fail_their_cell_and_on_clean_poses_everything(again, monkeypatch):
    real = module.store_to_outputs

    def some(model, store, outputs, *arguments, **named):
        report = real(model, store, outputs, *arguments, **named)
        return replace(report, failed={"a": "broken"}) if outputs.parent.name in bad else report

    monkeypatch.setattr(module, "store_to_outputs", some)
    bad = {"jitter-1-0"}
    report = run_sweep(again)
    assert list(report.failed) == ["jitter-1-0"]
    place = again.out / "work" / "jitter-1-0" / "outputs"
    expected = f"jitter-1-0: expected frames of every clip in {place}, 1 failed: a: broken"
    assert expected in report.failed["jitter-1-0"]
    assert (again.out / "work" / "jitter-1-0" / "outputs").is_dir()  # a second start goes on from there
    bad = {"clean"}
    with pytest.raises(
        ClipsFailedError, match=r"clean: expected frames of every clip in \S+, 1 failed: a: broken"
    ):
        run_sweep(replace(again, out=again.out.with_name("other")))


def without_mesh(store, place):
    """The test clips of a store, as they would be without a body."""
    shutil.copytree(store, place)
    opened = open_store(place)
    for name in opened.ids("test"):
        clip = opened[name]
        known = {key: value for key, value in clip.attributes.items() if key not in {"format", "version"}}
        frames, shape = clip.frames[:], (len(clip), *clip.size)
        clip_to_file(
            ClipParts(known, shape, iter([frames]), clip.keypoints, None, None, {}), opened.file(name)
        )
    return place


def test_without_a_mesh_there_is_no_control_and_it_is_said(again, tmp_path):
    store = without_mesh(again.store, tmp_path / "plain")
    given = replace(again, model="copy_source", store=store, metrics=("ssim-v1",))
    report = run_sweep(given)
    few, note = report.notes
    assert few == FEW
    assert note.startswith("no control: it moves true frames along a mesh, and the store has none")
    assert json.loads((again.out / "sweep.json").read_text())["no_control"] == note.removeprefix(
        "no control: "
    )
    assert set(report.robustness.cells["role"]) == {"model", "floor"}
    assert report.robustness.disturbance["mesh_px"].isna().all()
    random = replace(given, metrics=(), networks=replace(given.networks, mode="random"))
    assert "flicker-v1" not in resolve_sweep(random).metrics


def test_a_store_with_corrupted_poses_is_refused(again, tmp_path):
    shutil.copytree(again.store, tmp_path / "noisy")
    path = tmp_path / "noisy" / "store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "corruption": {"kind": "jitter"}}))
    with pytest.raises(UsageError, match=r"expected a clean store, got .*noisy, whose poses are corrupted"):
        run_sweep(replace(again, store=tmp_path / "noisy"))


def test_a_folder_within_the_store_is_refused(again):
    with pytest.raises(UsageError, match=r"expected a folder outside the store .*, got .*sweep; choose"):
        run_sweep(replace(again, out=again.store / "sweep"))
    assert not (again.store / "sweep").exists()


def test_no_control_and_keep(again):
    chosen = CellFilter(severities=(4,))
    report = run_sweep(replace(again, control=False, keep=True, chosen=chosen))
    assert set(report.done) == {"clean", "floor", "jitter-4-0"}
    assert report.notes == (FEW, "no control: it was left out (--no-control)")
    assert open_store(again.out / "work" / "jitter-4-0" / "store").ids("test")
    assert open_store(again.out / "work" / "jitter-4-0" / "store").ids("train") == ()


def test_by_default_the_protocols_metrics_and_flicker(settings):
    found = resolve_sweep(replace(settings, metrics=(), networks=replace(settings.networks, mode="random")))
    assert found.metrics == ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1", "flicker-v1")
    assert "lpips-v1@random" in found.names


@pytest.mark.usefixtures("swept")
def test_a_dry_run_writes_nothing_and_says_what_is_left(settings, again):
    planned = sweep_to_json(resolve_sweep(again))
    assert not again.out.exists()
    assert set(planned["to_run"]) == EVERYTHING
    assert (planned["cells"], planned["clean"]) == (["jitter-1-0", "jitter-4-0"], "synthetic-v1")
    assert sweep_to_json(resolve_sweep(settings))["to_run"] == []


def test_given_outputs_are_read_by_cell(settings, again, tmp_path):
    """Missing cells are named; what changed is scored again; without clean ones there is nothing to say."""
    given = replace(again, model="theirs", stranger=True, outputs=tmp_path / "given", control=False)
    with pytest.raises(OutputError, match="expected outputs in a folder clean of the one that is given"):
        run_sweep(given)
    frames = "frames"
    store_to_outputs("mesh_warp", settings.store, tmp_path / "made", "synthetic-v1")
    for cell in ("clean", "jitter-1-0"):
        shutil.copytree(tmp_path / "made" / frames, given.outputs / cell)
    report = run_sweep(given)
    assert list(report.failed) == ["jitter-4-0"]
    assert "expected outputs in a folder jitter-4-0 of the one that is given" in report.failed["jitter-4-0"]
    assert (report.robustness.model, report.robustness.kind) == ("theirs", "claimed")
    assert value(report.robustness, "ssim-v1") == value(
        report.robustness, "ssim-v1", kind="clean", severity=0
    )
    assert report.robustness.disturbance["mean_px"].tolist()[1] > 0
    store_to_outputs("copy_source", settings.store, tmp_path / "others", "synthetic-v1")
    shutil.rmtree(given.outputs / "jitter-1-0")
    for cell in ("jitter-1-0", "jitter-4-0"):
        shutil.copytree(tmp_path / "others" / frames, given.outputs / cell)
    report = run_sweep(given)
    assert report.failed == {}
    floor = value(report.robustness, "ssim-v1", "floor", "clean", 0)
    assert value(report.robustness, "ssim-v1") == value(report.robustness, "ssim-v1", severity=4) == floor
    before = report.robustness.cells
    shutil.rmtree(given.outputs)  # what was scored may go
    report = run_sweep(given)
    assert (report.done, report.failed) == ((), {})
    pd.testing.assert_frame_equal(report.robustness.cells, before, check_exact=True)


def test_scores_fall_from_severity_to_severity(again):
    """The frozen list's jitter and drift, one draw of each: nested draws leave nothing to luck."""
    chosen = CellFilter(kinds=("jitter", "drift"), seeds=(0,))
    given = replace(again, benchmark="synthetic-noisy-v1", chosen=chosen, metrics=("ssim-v1", "l1-v1"))
    curves = run_sweep(replace(given, control=False)).robustness.curves
    assert set(curves["kind"]) == {"jitter", "drift"}
    for (kind, metric), curve in curves.sort_values("severity").groupby(["kind", "metric"]):
        assert curve["severity"].tolist() == [0, 1, 2, 3, 4, 5]
        assert (np.diff(curve["drop"]) > 0).all(), (kind, metric)
        assert (np.diff(curve["mean_px"]) > 0).all(), kind
