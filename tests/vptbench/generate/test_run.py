"""A model over a benchmark: outputs, resuming, refusals."""

import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from cross_driving import CROSS

from vptbench.benchmarks.items import clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.cli import main
from vptbench.errors import BenchmarkError, ManifestError, ModelError, OutputError, RegistryError
from vptbench.generate import model as model_file
from vptbench.generate.drive import load_model
from vptbench.generate.run import store_to_outputs
from vptbench.manifest import file_to_sha256
from vptbench.outputs.check import outputs_to_problems
from vptbench.outputs.reader import open_outputs
from vptbench.runfile import RunFacts, begin_run, checkpoint_written
from vptbench.store.reader import open_store

BENCHMARK = "synthetic-v1"


class Recording:
    """Repeats the source; fails the clips in `bad`; notes what it was called for."""

    bad = ()
    calls = ()

    @classmethod
    def load(cls, _checkpoint, _device):
        return cls()

    def generate(self, source, driving):
        Recording.calls = (*Recording.calls, driving.clip)
        if driving.clip in Recording.bad:
            raise ValueError("cannot do this one")
        return np.repeat(source.frame[None], len(driving), axis=0)


@pytest.fixture
def recording(monkeypatch):
    monkeypatch.setattr(model_file, "group_to_table", lambda _: {"recording": "here"})
    monkeypatch.setattr(model_file, "id_to_object", lambda *_: Recording)
    Recording.bad, Recording.calls = (), ()
    load_model.cache_clear()
    yield Recording
    load_model.cache_clear()


def read_manifest(outputs):
    return json.loads((outputs / "outputs.json").read_text())


def test_the_oracle_gives_back_the_test_split(written_store, tmp_path):
    outputs = tmp_path / "out" / "oracle"
    report = store_to_outputs("oracle", written_store, outputs, BENCHMARK)
    assert (report.done, report.skipped, report.failed) == (("a", "b/1"), (), {})
    opened, store = open_outputs(outputs), open_store(written_store)
    assert opened.ids == ("a", "b/1")
    for clip in opened.ids:
        np.testing.assert_array_equal(opened.frames(clip, opened.numbers(clip)), store[clip].frames[:])
    assert outputs_to_problems(outputs) == []


def test_the_manifest_says_how_it_was_made(written_store, tmp_path):
    store_to_outputs("mesh_warp", written_store, tmp_path / "out", BENCHMARK, seed=4)
    manifest = read_manifest(tmp_path / "out")
    assert (manifest["model"], manifest["kind"], manifest["checkpoint"], manifest["seed"]) == (
        "mesh_warp", "model", None, 4,
    )  # fmt: skip
    assert manifest["benchmark"]["id"] == BENCHMARK
    assert manifest["complete"] is True
    assert manifest["clips"] == ["a", "b/1"]
    assert manifest["store"]["path"] == "../store"
    assert manifest["store"]["synth"] == {"seed": 1}
    assert manifest["store"]["mesh_source"] == ["ground-truth"]
    entry = manifest["entries"]["b/1"]
    assert (entry["path"], entry["first"], entry["count"], entry["size"]) == ("frames/b/1", 0, 6, [64, 64])
    assert entry["source"] == {"clip": "b/1", "frame": 0}
    cost = manifest["cost"]
    assert cost["seconds_per_frame"] > 0
    assert cost["peak_memory_bytes"] > 1e6
    assert (cost["parameters"], cost["device"]) == (0, "cpu")
    assert manifest["libraries"]["numpy"] == np.__version__


def test_a_failing_clip_is_listed_and_the_others_done(written_store, tmp_path, recording):
    recording.bad = ("a",)
    report = store_to_outputs("recording", written_store, tmp_path / "out", BENCHMARK)
    assert report.done == ("b/1",)
    assert list(report.failed) == ["a"]
    assert "it raised ValueError: cannot do this one" in report.failed["a"]
    manifest = read_manifest(tmp_path / "out")
    assert manifest["complete"] is False
    assert list(manifest["failures"]) == ["a"]
    assert (
        "a: expected frames, found none (expected recording to generate"
        in outputs_to_problems(tmp_path / "out")[0]
    )
    recording.bad = ()
    again = store_to_outputs("recording", written_store, tmp_path / "out", BENCHMARK)
    assert (again.done, again.skipped, again.failed) == (("a",), ("b/1",), {})
    assert recording.calls == ("a", "b/1", "a")
    assert read_manifest(tmp_path / "out")["failures"] == {}
    assert outputs_to_problems(tmp_path / "out") == []


def test_a_second_start_does_what_is_missing_and_nothing_else(written_store, tmp_path, recording):
    outputs = tmp_path / "out"
    store_to_outputs("recording", written_store, outputs, BENCHMARK)
    before = (outputs / "outputs.json").read_bytes()
    (outputs / "frames" / "b" / ".1.abc.part").mkdir()
    report = store_to_outputs("recording", written_store, outputs, BENCHMARK)
    assert (report.done, report.skipped) == ((), ("a", "b/1"))
    assert recording.calls == ("a", "b/1")
    assert (outputs / "outputs.json").read_bytes() == before
    assert not list(outputs.rglob("*.part"))
    (outputs / "frames" / "b" / "1" / "00003.png").unlink()
    assert store_to_outputs("recording", written_store, outputs, BENCHMARK).done == ("b/1",)
    manifest = read_manifest(outputs)
    del manifest["entries"]["a"]["seconds"]
    (outputs / "outputs.json").write_text(json.dumps(manifest))
    assert store_to_outputs("recording", written_store, outputs, BENCHMARK).done == ("a",)
    assert outputs_to_problems(outputs) == []


KILLED = """
import os, sys
from pathlib import Path
from baselines.copy_source import CopySource
from vptbench.generate.run import store_to_outputs
from vptbench.manifest import file_to_sha256

def generate(self, source, driving):
    if driving.clip != "a":
        os.kill(os.getpid(), 9)
    return original(self, source, driving)

original, CopySource.generate = CopySource.generate, generate
store_to_outputs("copy_source", Path(sys.argv[1]), Path(sys.argv[2]), "synthetic-v1")
"""


def test_killed_and_started_again_is_as_if_undisturbed(written_store, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    code = subprocess.run([sys.executable, "-c", KILLED, written_store, killed], check=False).returncode
    assert code == -9
    assert open_outputs(killed).ids == ("a",)
    changed = (killed / "frames" / "a" / "00000.png").stat().st_mtime_ns
    assert store_to_outputs("copy_source", written_store, killed, BENCHMARK).skipped == ("a",)
    assert (killed / "frames" / "a" / "00000.png").stat().st_mtime_ns == changed
    store_to_outputs("copy_source", written_store, whole, BENCHMARK)
    pictures = sorted(path.relative_to(whole) for path in whole.rglob("*.png"))
    assert sorted(path.relative_to(killed) for path in killed.rglob("*.png")) == pictures
    assert all((killed / path).read_bytes() == (whole / path).read_bytes() for path in pictures)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"model": "copy_source"}, "model: 'oracle', now 'copy_source'; kind: 'audit', now 'model'"),
        ({"seed": 1}, "seed: 0, now 1"),
        ({"device": "cuda"}, "device: 'cpu', now 'cuda'"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(written_store, tmp_path, second, message):
    store_to_outputs("oracle", written_store, tmp_path / "out", BENCHMARK)
    arguments = {
        "model": "oracle",
        "store": written_store,
        "outputs": tmp_path / "out",
        "benchmark": BENCHMARK,
    }
    with pytest.raises(OutputError, match=rf"expected outputs of the same run, found others \({message}"):
        store_to_outputs(**arguments | second)


def test_other_poses_are_another_run(written_store, tmp_path):
    store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)
    with h5py.File(written_store / "clips" / "test" / "a.h5", "r+") as file:
        file["keypoints"][0, 0, 0] += 1
    with pytest.raises(OutputError, match=r"found others \(store.poses_sha256"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)


def test_another_body_is_another_run(written_store, tmp_path):
    store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)
    with h5py.File(written_store / "clips" / "test" / "a.h5", "r+") as file:
        file["mesh/vertices"][0, 0, 0] += 1
    with pytest.raises(OutputError, match=r"found others \(store.meshes_sha256"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)


def test_store_and_outputs_may_move_together(written_store, tmp_path):
    store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.move(written_store, moved / "store")
    shutil.move(tmp_path / "out", moved / "out")
    assert store_to_outputs("copy_source", moved / "store", moved / "out", BENCHMARK).done == ()


def test_what_a_killed_first_write_left_is_no_other_file(written_store, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".outputs.json.12345678.part").write_text("{")
    assert store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK).done == ("a", "b/1")
    assert outputs_to_problems(tmp_path / "out") == []


def test_a_folder_with_other_files_is_refused(written_store, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("precious")
    with pytest.raises(OutputError, match="expected an empty folder or outputs of the same run, found other"):
        store_to_outputs("copy_source", written_store, folder, BENCHMARK)
    with pytest.raises(OutputError, match="expected an empty folder"):
        store_to_outputs("copy_source", written_store, written_store, BENCHMARK)
    with pytest.raises(ManifestError, match=r"expected a folder at .*, but .*thesis.tex is a file"):
        store_to_outputs("copy_source", written_store, folder / "thesis.tex" / "out", BENCHMARK)


def test_a_store_that_does_not_fit_is_refused(written_store, tmp_path):
    with pytest.raises(BenchmarkError, match="the store does not fit iper-v1: expected real clips"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", "iper-v1")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def cross(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(CROSS))
    return path


def test_items_are_driven_by_other_clips(written_store, tmp_path, cross):
    """Repeating the source frame shows which one it was; names of pictures show what drove it."""
    outputs, store = tmp_path / "out", open_store(written_store)
    report = store_to_outputs("copy_source", written_store, outputs, cross)
    assert report.done == ("b/1/by/a", "a")
    opened = open_outputs(outputs)
    assert opened.numbers("b/1/by/a") == (1, 2, 3)
    assert opened.numbers("a") == (4, 5)
    for frame in opened.frames("b/1/by/a", (1, 2, 3)):
        np.testing.assert_array_equal(frame, store["b/1"].frames[5])
    assert opened.entry("b/1/by/a")["source"] == {"clip": "b/1", "frame": 5}
    assert (opened.entry("a")["first"], opened.entry("a")["count"]) == (4, 2)
    assert read_manifest(outputs)["clips"] == ["b/1/by/a", "a"]
    assert read_manifest(outputs)["clip_list_sha256"] == clip_list_sha256([store["a"], store["b/1"]])
    assert outputs_to_problems(outputs) == []
    again = store_to_outputs("copy_source", written_store, outputs, cross)
    assert (again.done, set(again.skipped)) == ((), {"b/1/by/a", "a"})


@pytest.mark.parametrize("clip", ["a", "b/1"])
def test_poses_of_source_and_driving_clip_are_the_runs(written_store, tmp_path, cross, clip):
    item = {"id": "x", "source": {"clip": "a", "frame": 0}, "driving": {"clip": "b/1", "first": 0, "last": 1},
            "real": {"clip": "a", "first": 0, "last": 1}}  # fmt: skip
    cross.write_text(json.dumps(CROSS | {"items": [item]}))
    store_to_outputs("copy_source", written_store, tmp_path / "out", cross)
    with h5py.File(written_store / "clips" / "test" / f"{clip}.h5", "r+") as file:
        file["keypoints"][0, 0, 0] += 1
    with pytest.raises(OutputError, match=r"found others \(store.poses_sha256"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", cross)


def test_audits_refuse_what_has_no_truth(written_store, tmp_path, cross):
    text = "oracle: expected true frames to be shown, found none: b/1 never did what a does; run audits under"
    with pytest.raises(ModelError, match=text):
        store_to_outputs("oracle", written_store, tmp_path / "out", cross)
    assert not (tmp_path / "out").exists()
    words = ["generate", "oracle", written_store, tmp_path / "out", "--benchmark", cross, "--device", "cpu"]
    result = CliRunner().invoke(main, list(map(str, words)))
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert text in result.output


def test_unknown_metrics_are_refused_before_anything_is_made(written_store, tmp_path, cross):
    cross.write_text(json.dumps(CROSS | {"metrics": ["fid-v1", "kit-v1"]}))
    with pytest.raises(RegistryError, match="expected a known metric, got 'kit-v1'; did you mean 'kid-v1'"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", cross)
    assert not (tmp_path / "out").exists()


def test_a_range_of_ones_own_is_made_and_no_more(written_store, tmp_path, cross):
    span = {"clip": "a", "first": 2, "last": 4}
    own = [{"id": "a", "source": {"clip": "a", "frame": 0}, "driving": span, "real": span}]
    cross.write_text(json.dumps(CROSS | {"driving": "self", "stride": 2, "items": own}))
    store_to_outputs("oracle", written_store, tmp_path / "out", cross)
    opened = open_outputs(tmp_path / "out")
    assert opened.numbers("a") == (2, 3, 4)  # a model sees them all, whatever is scored
    np.testing.assert_array_equal(opened.frames("a", (2, 4)), open_store(written_store)["a"].frames[2:5:2])


def test_source_frames_follow_the_rule(written_store, tmp_path, cross):
    plain = {key: value for key, value in CROSS.items() if key not in {"items", "driving"}}
    cross.write_text(json.dumps(plain | {"source": {"random_first": 4, "seed": 2}}))
    store_to_outputs("copy_source", written_store, tmp_path / "out", cross)
    opened, store = open_outputs(tmp_path / "out"), open_store(written_store)
    for clip in ("a", "b/1"):
        frame = load_benchmark(cross).source_frame(clip, len(store[clip]))
        assert opened.entry(clip)["source"] == {"clip": clip, "frame": frame}
        assert opened.numbers(clip) == tuple(range(len(store[clip])))
        np.testing.assert_array_equal(opened.frames(clip, [0])[0], store[clip].frames[frame])


def test_nothing_is_generated_under_a_list_of_corruptions(written_store, tmp_path):
    with pytest.raises(
        BenchmarkError, match=r"got synthetic-noisy-v1, a list of .* --benchmark synthetic-v1"
    ):
        store_to_outputs("copy_source", written_store, tmp_path / "out", "synthetic-noisy-v1")
    assert not (tmp_path / "out").exists()


def test_clips_within_clips_are_refused(written_store, tmp_path):
    table = written_store / "clips.csv"
    table.write_text(table.read_text().replace("\na,", "\nb,"))
    shutil.copy(written_store / "clips" / "test" / "a.h5", written_store / "clips" / "test" / "b.h5")
    with pytest.raises(OutputError, match="of which none is the folder of another, found b and b/1"):
        store_to_outputs("copy_source", written_store, tmp_path / "out", BENCHMARK)


@pytest.mark.slow
def test_two_workers_make_the_same_frames(written_store, tmp_path):
    for workers in (1, 2):
        store_to_outputs("mesh_warp", written_store, tmp_path / str(workers), BENCHMARK, workers=workers)
    pictures = sorted(path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*.png"))
    assert len(pictures) == 11
    for path in pictures:
        assert (tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes()


@pytest.fixture
def run(tmp_path):
    """A training run with two checkpoints."""
    store = {"path": "../store", "dataset": "iper", "clips": 7, "clips_sha256": "0"}
    run = begin_run(tmp_path / "run", RunFacts("recording", {}, 0, 8, store), resume=False)
    for iteration in (4, 8):
        with checkpoint_written(run, iteration, keep=2) as part:
            part.write_text(str(iteration))
    return run.path


@pytest.mark.usefixtures("recording")
def test_a_run_stands_for_its_newest_checkpoint_which_is_hashed_and_named(written_store, run, tmp_path):
    outputs = tmp_path / "outputs"
    store_to_outputs("recording", written_store, outputs, BENCHMARK, checkpoint=run)
    manifest = read_manifest(outputs)
    expected = {"name": "00000008.pt", "sha256": file_to_sha256(run / "checkpoints" / "00000008.pt")}
    assert (manifest["checkpoint"], manifest["trained_on"]) == (expected, "iper, 7 clips")
    (run / "log.csv").write_text("iteration,seconds\n")  # nothing that the model loads
    assert store_to_outputs("recording", written_store, outputs, BENCHMARK, checkpoint=run).done == ()


@pytest.mark.usefixtures("recording", "run")
def test_what_was_trained_on_is_known_of_a_runs_own_checkpoint_and_of_no_other_file(written_store, tmp_path):
    for name, trained_on in (("run/checkpoints/00000004.pt", "iper, 7 clips"), ("run/log.csv", None)):
        (tmp_path / name).touch()
        outputs = tmp_path / "outputs" / name
        store_to_outputs("recording", written_store, outputs, BENCHMARK, checkpoint=tmp_path / name)
        assert read_manifest(outputs)["trained_on"] == trained_on
    plain = tmp_path / "plain"
    store_to_outputs("recording", written_store, plain, BENCHMARK)
    assert read_manifest(plain)["trained_on"] is None
