"""What `vptbench train` and `generate` promise at the real command line: kills, two processes, bad input."""

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from runpy import run_module

import h5py
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.runfile import open_run
from vptbench.runlog import read_log

TINY = ("generator.channels=4", "generator.widest=16", "training.log_every=1")
NO_CRITICS = ("losses.spatial=0", "losses.temporal=0")
ONE_BY_ONE = (*TINY, "generator.frames_per_chunk=1", "training.window=2", *NO_CRITICS)
"""The shortest iterations: two chunks of a frame each."""


def words(store, run, iterations, changes, *others):
    """`vptbench train …`, as a list."""
    pairs = [word for change in changes for word in ("--set", change)]
    return [
        "train", str(store), str(run), "--device", "cpu", "--config", "tiny", "--iterations", str(iterations),
        *pairs, *others,
    ]  # fmt: skip


def command(*given):
    """Run a command in this process; bad input must have become one line and status 2 by then."""
    result = CliRunner().invoke(main, [str(word) for word in given])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def assert_refused(result, *texts):
    assert result.exit_code == 2, result.output
    [line] = result.output.splitlines()
    for text in texts:
        assert text in line


def newest_state(run):
    return torch.load(open_run(run).newest(), weights_only=True)  # noqa: TID251 - read without the model


def leaves(value, name=""):
    """Everything in a nest of dictionaries and lists, by place."""
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {name: value}
    return {key: leaf for inner in value for key, leaf in leaves(value[inner], f"{name}/{inner}").items()}


def assert_same_runs(one, other):
    """Equal to the last bit: checkpoints, logs but for seconds, and pictures."""
    first, second = (leaves(newest_state(run)) for run in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]) if hasattr(value, "shape") else value == second[name], name
    logs = [read_log(run / "log.csv").drop(columns="seconds") for run in (one, other)]
    assert logs[0].to_dict() == logs[1].to_dict()
    strips = [{path.name: path.read_bytes() for path in (run / "samples").iterdir()} for run in (one, other)]
    assert strips[0] == strips[1]


@pytest.fixture
def starts(monkeypatch):
    """Begins `python -m vptbench.cli` in processes of their own, forked where torch is imported already."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    forkserver._forkserver._stop()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dmm_model.train", "vptbench.cli.train"])

    def begin(given):
        monkeypatch.setattr(sys, "argv", ["vptbench", *given])
        process = context.Process(target=run_module, args=("vptbench.cli",), kwargs={"run_name": "__main__"})
        process.start()
        return process

    yield begin
    forkserver._forkserver._stop()


def wait_for(log, rows, stale, process):
    """Until the process wrote the log, other than the `stale` one, and it has that many rows."""
    while process.is_alive():
        with suppress(FileNotFoundError):  # nothing of it is kept
            if log.stat().st_mtime_ns != stale and log.read_bytes().count(b"\n") > rows:
                return
        time.sleep(0.01)


@pytest.mark.slow
def test_ten_kills_lose_nothing_but_time(stores, tmp_path, starts):
    """Each some iterations and a part of one after the start, drawn: while reading, learning or saving."""
    changes = (*ONE_BY_ONE, "training.save_every=2", "training.sample_every=7", "training.ema=0.9")
    whole, run = tmp_path / "whole", tmp_path / "run"
    process = starts(words(stores["fashionvideo"], whole, 40, changes))
    process.join()
    assert process.exitcode == 0
    pace = read_log(whole / "log.csv")["seconds"].median()
    draws, before, log = np.random.default_rng(4), 0, run / "log.csv"
    for kill in range(10):
        stale = log.stat().st_mtime_ns if log.exists() else 0  # rows past the checkpoint stand there yet
        process = starts(words(stores["fashionvideo"], run, 40, changes, "--resume"))
        if kill:
            wait_for(log, before + draws.integers(1, 5), stale, process)
        time.sleep(draws.uniform(0, 1.5 * pace))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        if (run / "run.json").exists():
            assert command("check", run).output == f"{run}: whole\n"
            before = open_run(run).iteration
    assert before >= 10  # five of the draws are three iterations or more, of which two at least are saved
    process = starts(words(stores["fashionvideo"], run, 40, changes, "--resume"))
    process.join()
    assert process.exitcode == 0
    assert_same_runs(run, whole)
    assert not list(run.rglob(".*"))


def vptbench(*given, starter=("-m", "vptbench.cli")):
    """Run the command line in a process of its own, with one thread."""
    return subprocess.run(
        [sys.executable, *starter, *map(str, given)], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def run_to_vectors(run):
    """All weights of the generator, of the critics, and the generator's last gradients (beta1 is 0)."""
    state = newest_state(run)
    moments = [record["exp_avg"] for record in state["optimisers"][0]["state"].values()]
    parts = (state["generator"].values(), state["critics"].values(), moments)
    return [torch.cat([tensor.flatten() for tensor in tensors]) for tensors in parts]


def share(difference, whole):
    return (difference.abs().sum() / whole.abs().sum()).item()


def train_in_two_processes(*given):
    """`vptbench train …` as torchrun starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = f"-m torch.distributed.run --nproc-per-node 2 --master-port {port} -m vptbench.cli".split()
    done = vptbench(*words(*given), starter=launcher)
    assert done.returncode == 0, done.stderr  # torchrun's: of the first process that failed, if any


@pytest.fixture
def one_thread():
    """As processes that are started here have: in two, sums are rounded otherwise, by 2 % of the learning."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_learn_what_one_learns_from_a_batch_of_two(stores, tmp_path):
    """Gradients are means over processes, as they are over the batch; so all is equal but for rounding.

    Adam moves a weight by its gradient over that gradient's size, so one whose gradient is no more than
    rounding goes either way: what is compared is how far all weights together came. 0.4 % were found, and
    43 % for one window instead of two. The frame critic is left out, since each process draws a frame of its
    own for it.
    """
    changes = (
        *TINY, "generator.frames_per_chunk=5", "training.window=10", "losses.spatial=0",
        "training.learning_rate=1e-4", "training.discriminator_rate=1e-5",
    )  # fmt: skip
    store, runs = (
        stores["fashionvideo"],
        {name: tmp_path / name for name in ("two", "one", "single", "start")},
    )
    train_in_two_processes(store, runs["two"], 2, changes)
    assert read_log(runs["two"] / "log.csv")["iteration"].tolist() == [1, 2]
    assert [number for number, _ in open_run(runs["two"]).checkpoints()] == [2]
    assert command("check", runs["two"]).output == f"{runs['two']}: whole\n"
    for name, change in (("one", "batch=2"), ("single", "batch=1"), ("start", "learning_rate=0")):
        given = words(store, runs[name], 2, (*changes, f"training.{change}"))
        assert command(*given).exit_code == 0
    two, one, single, start = (run_to_vectors(run) for run in runs.values())
    for number, scale in enumerate((one[0] - start[0], one[1] - start[1], one[2])):
        assert share(two[number] - one[number], scale) < 0.02
        assert share(single[number] - one[number], scale) > 0.1


@pytest.mark.slow
def test_two_processes_train_an_ablation_with_both_critics_and_recomputed_activations(stores, tmp_path):
    """Every weight's gradient is shared where parts are missing and others run again going backward."""
    run = tmp_path / "run"
    changes = (
        *TINY, "generator.frames_per_chunk=5", "generator.style_modulation=false", "losses.spatial=2",
        "training.window=10", "training.recompute=true",
    )  # fmt: skip
    train_in_two_processes(stores["fashionvideo"], run, 2, changes)
    state = newest_state(run)
    assert not any(name.startswith("x_ref.") for name in state["generator"])
    assert {name.split(".")[0] for name in state["critics"]} == {"spatial", "temporal"}
    assert all(leaf.isfinite().all() for leaf in leaves(state).values() if isinstance(leaf, torch.Tensor))
    assert list(run.glob("**/*.csv")) == [run / "log.csv"]
    assert read_log(run / "log.csv")["iteration"].tolist() == [1, 2]
    assert command("check", run).output == f"{run}: whole\n"


FULL = """
import resource, sys
from vptbench.cli import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""


def test_no_space_is_one_line_and_the_run_goes_on_later(stores, tmp_path):
    run = tmp_path / "run"
    given = words(stores["fashionvideo"], run, 2, ONE_BY_ONE, "--resume")
    assert command(*words(stores["fashionvideo"], run, 1, ONE_BY_ONE)).exit_code == 0
    done = vptbench(300_000, *given, starter=("-c", FULL))
    line = f"Error: {run}: the system refused: File too large; mend that and run again\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
    assert command("check", run).output == f"{run}: whole\n"
    assert [number for number, _ in open_run(run).checkpoints()] == [1]
    assert "1 iterations done, 2 in all" in command(*given).output


@pytest.fixture(scope="module")
def trained(stores, tmp_path_factory):
    """A run of one iteration; nobody may write to it."""
    run = tmp_path_factory.mktemp("trained") / "run"
    assert command(*words(stores["fashionvideo"], run, 1, ONE_BY_ONE)).exit_code == 0
    return run


def test_what_was_trained_generates_a_benchmark(stores, trained, tmp_path):
    outputs = tmp_path / "outputs"
    result = generate(stores, outputs, trained)
    assert (result.exit_code, result.output) == (0, f"{outputs}: 1 clips generated\n")
    assert command("check", outputs).output == f"{outputs}: whole\n"


def generate(stores, outputs, checkpoint):
    return command(
        "generate", "dmm", stores["fashionvideo"], outputs, "--benchmark", "synthetic-v1",
        "--device", "cpu", "--checkpoint", checkpoint,
    )  # fmt: skip


class Malice:
    """Pickled, it makes a file when it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (Path.touch, (self.marker,))


def other_network(path, _):
    torch.save({"module.conv.weight": torch.zeros(3, 3), "module.conv.bias": torch.zeros(3)}, path)


def other_configuration(path, run):
    state = newest_state(run)
    state["configuration"]["generator"]["bidirectional"] = False
    torch.save(state, path)


def cut_short(path, run):
    path.write_bytes(open_run(run).newest().read_bytes()[:-1000])


def malicious(path, _):
    torch.save({"generator": Malice(path.with_name("run by it"))}, path)


def malicious_old(path, _):
    path.write_bytes(pickle.dumps(Malice(path.with_name("run by it")), protocol=2))


def text(path, _):
    path.write_text("no checkpoint")


CHECKPOINTS = {
    other_network: [
        "expected the weights of the published generator", "missing (back_rcnn128.",
        "x_ref.encoder4.model.5.weight", "2 surplus (conv.bias, conv.weight)",
    ],
    other_configuration: ["the weights of the generator of its own", "surplus (back_rcnn128.model.0.bias"],
    cut_short: ["expected a whole checkpoint, found damage", "take an earlier one"],
    malicious: ["expected tensors and plain values only, found code", "nothing of it was run"],
    malicious_old: ["expected tensors and plain values only, found code", "nothing of it was run"],
    text: ["bad.pt: expected"],
}  # fmt: skip


@pytest.mark.parametrize("damage", CHECKPOINTS)
def test_bad_checkpoints_are_one_line(stores, trained, tmp_path, damage):
    damage(tmp_path / "bad.pt", trained)
    result = generate(stores, tmp_path / "outputs", tmp_path / "bad.pt")
    assert_refused(result, *CHECKPOINTS[damage])
    assert not (tmp_path / "run by it").exists()


def test_no_checkpoint_is_one_line(stores, tmp_path):
    result = command(
        "generate", "dmm", stores["fashionvideo"], tmp_path / "outputs", "--benchmark", "synthetic-v1",
        "--device", "cpu",
    )  # fmt: skip
    assert_refused(result, "expected weights for dmm, got none; give --checkpoint a run of `vptbench train`")


def test_a_damaged_checkpoint_to_go_on_from_is_one_line(stores, trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    cut_short(tmp_path / "run" / "checkpoints" / "00000001.pt", trained)
    result = command(*words(stores["fashionvideo"], tmp_path / "run", 2, ONE_BY_ONE, "--resume"))
    assert_refused(result, "00000001.pt: expected a whole checkpoint, found damage")


REFUSALS = {
    "clips too short": (
        [*TINY, "generator.frames_per_chunk=10", "training.window=20"], [],
        ["expected clips of at least 20 frames (2 chunks), found at most 18"],
    ),
    "size": ([], ["--config", "published"], ["multiples of 8, and at least 64 × 128", "got 64 × 64"]),
    "unknown key": (["training.bach=2"], [], ["got 'training.bach=2'; did you mean training.batch"]),
    "no number": (["training.batch=two"], [], ["'training.batch=two': expected a whole number, got 'two'"]),
    "out of bounds": (["training.save_every=0"], [], ["save_every: expected a number of at least 1"]),
    "weights": (
        ["generator.style_stages=5"],
        ["--config", "small", "--weights", "pinned", "--weights-dir", "nowhere"],
        ["vgg19: expected its weights at nowhere/vgg19-dcbb9e9d.pth, found no file",
         "run `vptbench weights fetch`, or use `--weights random`"],
    ),
    "configuration": ([], ["--config", "tinny"], ["got 'tinny'; did you mean 'tiny'"]),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS)
def test_settings_that_do_not_fit_are_one_line_and_leave_nothing(stores, tmp_path, refusal):
    changes, others, texts = REFUSALS[refusal]
    run = tmp_path / "run"
    assert_refused(command(*words(stores["fashionvideo"], run, 1, changes, *others)), *texts)
    assert not run.exists()


def test_a_store_without_mesh_is_one_line(stores, tmp_path):
    shutil.copytree(stores["fashionvideo"], tmp_path / "store")
    for path in (tmp_path / "store").rglob("*.h5"):
        with h5py.File(path, "a") as file:
            del file["mesh"]
    result = command(*words(tmp_path / "store", tmp_path / "run", 1, ONE_BY_ONE))
    assert_refused(
        result, "expected a mesh in every clip, found none in 2 of 2 (", "prepare with --body dataset"
    )


@pytest.mark.parametrize(
    ("changes", "others", "text"),
    [
        (ONE_BY_ONE, [], "found this training run at iteration 1 of 1; add --resume to go on"),
        ((*ONE_BY_ONE, "training.batch=2"), ["--resume"], "(configuration.training.batch: 1, now 2)"),
        (ONE_BY_ONE, ["--resume", "--seed", "1"], "(seed: 0, now 1)"),
    ],
)
def test_a_folder_with_another_run_is_one_line_and_stays_as_it_is(stores, trained, changes, others, text):
    before = {file: file.read_bytes() for file in trained.rglob("*") if file.is_file()}
    assert_refused(command(*words(stores["fashionvideo"], trained, 1, changes, *others)), text)
    assert {file: file.read_bytes() for file in trained.rglob("*") if file.is_file()} == before


def test_a_dry_run_shows_what_training_follows(stores, tmp_path):
    result = command(*words(stores["fashionvideo"], tmp_path / "run", 7, ONE_BY_ONE, "--dry-run"))
    shown = json.loads(result.output)
    assert set(shown) == {"generator", "losses", "training"}
    assert (shown["training"]["iterations"], shown["generator"]["channels"]) == (7, 4)
    assert not (tmp_path / "run").exists()
