"""A training run on disk: what is written is read, what a kill leaves is whole, what differs is refused."""

import dataclasses
import json
import subprocess
import sys
import zipfile

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vptbench import runfile
from vptbench.errors import ManifestError, RunError, UsageError
from vptbench.runfile import RunFacts, begin_run, checkpoint_written, open_run, run_to_problems, store_to_json
from vptbench.runlog import append_log, read_log

CLIPS = {"001/9/1": {"frames": 12, "raw_sha256": "00"}, "b": {"frames": 9, "raw_sha256": "01"}}


def make_facts(folder, **changes):
    facts = RunFacts(
        model="dmm",
        configuration={"generator": {"size": 64, "betas": (0.0, 0.999)}, "training": {"batch": 1}},
        seed=3,
        iterations=100,
        store=store_to_json(folder / "store", folder / "run", dataset="iper", clips=CLIPS),
        networks={"vgg19": {"mode": "random", "sha256": "ab"}},
    )
    return dataclasses.replace(facts, **changes)


def save(run, iteration, keep=3):
    with checkpoint_written(run, iteration, keep=keep) as part, zipfile.ZipFile(part, "w") as archive:
        archive.writestr("weights", bytes(range(256)) * 8 + str(iteration).encode())


def train(run, *, until, every=10, keep=3):
    """What a trainer does: a row an iteration, a checkpoint every few, from where the run stands."""
    for iteration in range(run.iteration + 1, until + 1):
        append_log(run.log, iteration, 0.5, {"l1": 1 / iteration})
        if iteration % every == 0:
            save(run, iteration, keep)


def rewrite(folder, change):
    path = folder / "run.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.fixture
def trained(tmp_path):
    """A run that was killed at iteration 35 of 100, with a checkpoint every 10."""
    run = begin_run(tmp_path / "run", make_facts(tmp_path), resume=False)
    train(run, until=35)
    return tmp_path / "run"


def test_a_new_run_says_what_it_is(tmp_path):
    run = begin_run(tmp_path / "run", make_facts(tmp_path), resume=False)
    assert open_run(tmp_path / "run") == run
    assert (run.iteration, run.iterations, run.complete, run.checkpoints()) == (0, 100, False, ())
    assert run.configuration["generator"] == {"size": 64, "betas": [0.0, 0.999]}
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (document["format"], document["version"], document["model"]) == ("vptbench-run", 1, "dmm")
    store = document["store"]
    assert (store["path"], store["dataset"], store["clips"]) == ("../store", "iper", 2)
    assert document["networks"] == {"vgg19": {"mode": "random", "sha256": "ab"}}
    assert document["libraries"]["torch"] == torch.__version__.partition("+")[0]
    assert run_to_problems(tmp_path / "run") == []


def test_the_hash_of_the_clip_list_knows_its_clips_in_any_order(tmp_path):
    def digest(clips):
        return store_to_json(tmp_path / "s", tmp_path / "r", dataset="iper", clips=clips)["clips_sha256"]

    assert digest(CLIPS) == digest(dict(reversed(CLIPS.items())))
    assert digest(CLIPS) != digest({**CLIPS, "b": {"frames": 10, "raw_sha256": "01"}})


def test_checkpoints_are_kept_newest_and_on_record(trained):
    run = open_run(trained)
    assert [number for number, _ in run.checkpoints()] == [10, 20, 30]
    assert run.newest() == trained / "checkpoints" / "00000030.pt"
    assert (run.iteration, run.complete) == (30, False)
    save(run, 40)
    save(run, 100_000_000)
    run = open_run(trained)
    assert [file.name for _, file in run.checkpoints()] == ["00000030.pt", "00000040.pt", "100000000.pt"]
    save(run, 100_000_001, keep=1)
    assert [number for number, _ in run.checkpoints()] == [100_000_001]


def test_keeping_none_is_refused(trained):
    with pytest.raises(UsageError, match="expected to keep at least one checkpoint, got 0"):
        save(open_run(trained), 40, keep=0)
    assert open_run(trained).iteration == 30


def test_a_run_without_a_checkpoint_says_what_to_do(tmp_path):
    run = begin_run(tmp_path / "run", make_facts(tmp_path), resume=False)
    with pytest.raises(RunError, match=r"expected a checkpoint, found none; .*again with --resume until"):
        run.newest()


def test_a_second_start_goes_on_at_the_newest_checkpoint(trained, tmp_path):
    (trained / "checkpoints" / ".00000040.pt.12345678.part").write_bytes(b"half")
    (trained / "samples").mkdir()
    (trained / "samples" / ".a.png.12345678.part").write_bytes(b"half")
    with (trained / "log.csv").open("a") as stream:
        stream.write("36,0.5,0.02")
    assert run_to_problems(trained) == []
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    assert run.iteration == 30
    assert read_log(run.log)["iteration"].tolist() == list(range(1, 31))
    assert not list(trained.rglob("*.part"))
    train(run, until=100)
    whole = begin_run(tmp_path / "whole", make_facts(tmp_path), resume=True)
    train(whole, until=100)
    for name in ("run.json", "log.csv", "checkpoints/00000080.pt", "checkpoints/00000100.pt"):
        assert (trained / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert open_run(trained).complete
    assert run_to_problems(trained) == []


def test_a_start_killed_before_its_first_checkpoint_begins_anew(tmp_path):
    run = begin_run(tmp_path / "run", make_facts(tmp_path), resume=True)
    train(run, until=5)
    run = begin_run(tmp_path / "run", make_facts(tmp_path), resume=True)
    assert (run.iteration, len(read_log(run.log))) == (0, 0)


def test_a_finished_run_has_nothing_left_to_do(trained, tmp_path):
    train(begin_run(trained, make_facts(tmp_path), resume=True), until=100)
    rewrite(trained, lambda document: document.update(libraries={"torch": "1.0"}))
    files = {file: file.read_bytes() for file in trained.rglob("*") if file.is_file()}
    run = begin_run(trained, make_facts(tmp_path, iterations=80), resume=True)
    assert (run.complete, run.iteration, run.iterations) == (True, 100, 80)
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    assert (run.complete, run.manifest["libraries"]) == (True, {"torch": "1.0"})
    assert [file for file in files if file.name != "run.json" and file.read_bytes() != files[file]] == []
    longer = begin_run(trained, make_facts(tmp_path, iterations=120), resume=True)
    assert (longer.complete, longer.iteration, longer.manifest["complete"]) == (False, 100, False)
    assert longer.manifest["libraries"]["torch"] != "1.0"


def test_a_checkpoint_that_was_not_put_on_record_counts(trained, tmp_path, monkeypatch):
    """Killed after the checkpoint was renamed, before ``run.json`` was written."""
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(runfile, "write_manifest", lambda *_, **__: sys.exit(1))
        with pytest.raises(SystemExit):
            train(run, until=40)
    assert open_run(trained).iteration == 30
    assert run_to_problems(trained) == []
    assert begin_run(trained, make_facts(tmp_path), resume=True).iteration == 40
    assert len(read_log(run.log)) == 40


def test_older_checkpoints_that_were_not_deleted_go_with_the_next(trained, tmp_path, monkeypatch):
    """Killed after the record, before older checkpoints were deleted."""
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        save(run, 40)
        save(run, 50)
    assert [number for number, _ in run.checkpoints()] == [10, 20, 30, 40, 50]
    assert run_to_problems(trained) == []
    save(begin_run(trained, make_facts(tmp_path), resume=True), 60)
    assert [number for number, _ in run.checkpoints()] == [40, 50, 60]


def test_a_failed_save_leaves_what_was_there(trained):
    def fail(run):
        with checkpoint_written(run, 40, keep=1) as part:
            part.write_bytes(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail(open_run(trained))
    assert [number for number, _ in open_run(trained).checkpoints()] == [10, 20, 30]
    assert not list(trained.rglob("*.part"))


KILLED = """
import os, sys
from pathlib import Path
from vptbench.runfile import open_run, checkpoint_written
with checkpoint_written(open_run(sys.argv[1]), 40, keep=1) as part:
    part.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


def test_a_kill_while_saving_leaves_whole_checkpoints(trained, tmp_path):
    code = subprocess.run([sys.executable, "-c", KILLED, trained], check=False).returncode
    assert code == -9
    assert len(list((trained / "checkpoints").glob(".*.part"))) == 1
    assert run_to_problems(trained) == []
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    assert [number for number, _ in run.checkpoints()] == [10, 20, 30]
    assert not list(trained.rglob("*.part"))


def test_an_existing_run_is_not_touched_without_resume(trained, tmp_path):
    before = {file: file.read_bytes() for file in trained.rglob("*") if file.is_file()}
    with pytest.raises(
        RunError,
        match="expected a new folder, found this training run at iteration 30 of 100; add --resume to go on",
    ):
        begin_run(trained, make_facts(tmp_path), resume=False)
    assert {file: file.read_bytes() for file in trained.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, r"\(seed: 3, now 4\)"),
        ({"model": "mine"}, r"\(model: 'dmm', now 'mine'\)"),
        (
            {"configuration": {"generator": {"size": 64, "betas": (0.5, 0.999)}, "training": {"ema": {}}}},
            r"\(configuration.generator.betas: \[0.0, 0.999\], now \[0.5, 0.999\]; .*batch: 1, now nothing; ",
        ),
        ({"networks": {}}, r"\(networks: nothing, now {}; networks.vgg19.mode: 'random', now nothing; "),
    ],
)
def test_another_run_in_the_same_folder_is_refused(trained, tmp_path, changes, message, resume):
    before = (trained / "log.csv").read_bytes()
    with pytest.raises(RunError, match="expected the same training run, found another " + message):
        begin_run(trained, make_facts(tmp_path, **changes), resume=resume)
    assert (trained / "log.csv").read_bytes() == before


def test_other_clips_are_another_run_and_a_moved_store_is_not(trained, tmp_path):
    moved = store_to_json(tmp_path / "far" / "store", trained, dataset="iper", clips=CLIPS)
    run = begin_run(trained, make_facts(tmp_path, store=moved), resume=True)
    assert run.manifest["store"]["path"] == "../far/store"
    others = store_to_json(tmp_path / "store", trained, dataset="iper", clips={"b": {"frames": 9}})
    with pytest.raises(RunError, match=r"\(store.clips: 2, now 1; store.clips_sha256: '"):
        begin_run(trained, make_facts(tmp_path, store=others), resume=True)


def test_whole_numbers_and_others_of_equal_value_are_equal(tmp_path):
    begin_run(tmp_path / "run", make_facts(tmp_path, configuration={"content": 0}), resume=True)
    begin_run(tmp_path / "run", make_facts(tmp_path, configuration={"content": 0.0}), resume=True)


def test_what_a_killed_first_write_left_is_no_other_file(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".run.json.12345678.part").write_text("{")
    begin_run(tmp_path / "run", make_facts(tmp_path), resume=False)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["run.json"]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("precious")
    for resume in (True, False):
        with pytest.raises(RunError, match="expected an empty folder or a training run, found other files"):
            begin_run(tmp_path / "run", make_facts(tmp_path), resume=resume)
    with pytest.raises(ManifestError, match="expected a folder at"):
        begin_run(tmp_path / "run" / "thesis.tex", make_facts(tmp_path), resume=True)


def test_facts_that_are_none_are_not_written(tmp_path):
    for changes in (
        {"seed": -1},
        {"store": {"path": "../store"}},
        {"networks": {"vgg19": {"mode": "pinned"}}},
    ):
        with pytest.raises(RunError, match="; mend the trainer"):
            begin_run(tmp_path / "run", make_facts(tmp_path, **changes), resume=True)
        assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("configuration"), "expected configuration to be of type dict, found None"),
        (lambda d: d.update(iteration=True), "expected iteration to be of type int, found True"),
        (
            lambda d: d.update(iteration=-1, seed=-2),
            "seed to be 0 or more, found -2; expected iteration to be",
        ),
        (lambda d: d.update(complete=True), "found True at 30 of 100; restore it, or train again in another"),
        (
            lambda d: d["store"].pop("clips"),
            "expected store to hold path, clips, clips_sha256, found another",
        ),
        (lambda d: d.update(networks={"vgg19": None}), "expected networks.vgg19 to hold mode, sha256"),
    ],
)
def test_a_manifest_that_says_otherwise_is_refused(trained, change, message):
    rewrite(trained, change)
    with pytest.raises(RunError, match=message):
        open_run(trained)
    (problem,) = run_to_problems(trained)
    assert "restore it, or train again in another folder" in problem


def test_what_is_no_run_is_refused(tmp_path, trained):
    with pytest.raises(ManifestError, match=r"expected a folder with run.json \(vptbench-run\), found none"):
        open_run(tmp_path)
    rewrite(trained, lambda document: document.update(version=2))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-run, found 2"):
        run_to_problems(trained)


def test_every_problem_is_named(trained):
    folder = trained / "checkpoints"
    (folder / "00000030.pt").unlink()
    whole = (folder / "00000020.pt").read_bytes()
    (folder / "00000020.pt").write_bytes(whole.replace(bytes(range(256)), bytes(256), 1))
    (folder / "00000010.pt").write_bytes(whole[:-40])
    (folder / "best.pt").write_bytes(b"a friend's")
    append_log(trained / "log.csv", 7, 0.5, {"l1": 0.0})
    lost, cut, changed, row = run_to_problems(trained)
    assert "expected a checkpoint of iteration 30 as run.json says, found 10, 20; restore it" in lost
    assert "00000010.pt: expected a whole checkpoint, found damage (BadZipFile: File is not a zip" in cut
    assert "00000020.pt: expected a whole checkpoint, found damage (weights has other bytes" in changed
    assert "line 37: expected an iteration after 35, found 7" in row


def test_a_lost_checkpoint_is_trained_again(trained, tmp_path):
    (trained / "checkpoints" / "00000030.pt").unlink()
    run = begin_run(trained, make_facts(tmp_path), resume=True)
    assert (run.iteration, len(read_log(run.log))) == (20, 20)
    assert run_to_problems(trained) == []


def test_what_torch_saves_is_whole_and_does_not_depend_on_the_temporary_name(trained):
    run, state = open_run(trained), {"weight": torch.arange(12.0), "iteration": 40}
    found = []
    for iteration in (40, 50):
        with checkpoint_written(run, iteration, keep=9) as part, part.open("wb") as stream:
            torch.save(state, stream)
        found.append(run.newest().read_bytes())
    assert found[0] == found[1]
    assert run_to_problems(trained) == []
    weights = found[0].index(torch.arange(12.0).numpy().tobytes())
    run.newest().write_bytes(found[0][: weights + 5] + b"\xff" + found[0][weights + 6 :])
    assert "has other bytes than were written" in run_to_problems(trained)[0]


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "00000001.pt"


@given(st.data())
def test_no_damage_of_a_checkpoint_is_a_surprise(damaged, data):
    """Any byte changed or any tail lost is a problem in words or harmless, never an error of another kind."""
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.writestr("data.pkl", b"pickle" * 5)
        archive.writestr("data/0", bytes(64), zipfile.ZIP_DEFLATED)
    whole = damaged.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    tail = whole[place + 1 :] if data.draw(st.booleans()) else b""
    damaged.write_bytes(whole[:place] + bytes([data.draw(st.integers(0, 255))]) + tail)
    problem = runfile._archive_to_problem(damaged)
    assert problem is None or problem
    if not tail and place < len(whole) - 1:
        assert problem is not None
