import errno
import math
from collections import Counter
from types import SimpleNamespace

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn
from torch.optim import SGD

from dmm_model.checkpoint import read_checkpoint
from dmm_model.config import LossConfig
from dmm_model.diary import Diary
from dmm_model.losses import l1_loss
from dmm_model.train import draw_rows, resolve, step, train, weigh
from vptbench.errors import ConfigError, ModelError, RunError
from vptbench.runfile import open_run, run_to_problems
from vptbench.runlog import read_log
from vptbench.trainer import TrainSettings
from vptbench.weights import Networks

SMALLEST = (
    "generator.channels=4", "generator.widest=16", "generator.frames_per_chunk=2", "training.window=4",
    "losses.temporal=0", "training.log_every=1",
)  # fmt: skip
BOTH_CRITICS = ("generator.frames_per_chunk=5", "training.window=10", "losses.temporal=2")
NO_CRITICS = ("losses.spatial=0", "losses.temporal=0")


class StoppedError(Exception):
    """The lights go out."""


@pytest.fixture
def settings(stores, tmp_path):
    """A function from a run's name, its iterations, and what else is asked for, to settings."""

    def make(name, iterations, *changes, **others):
        return TrainSettings(
            store=stores["fashionvideo"], run=tmp_path / name, config="tiny", iterations=iterations,
            changes=(*SMALLEST, *changes), **others,
        )  # fmt: skip

    return make


@pytest.fixture
def another_precision():
    """Accelerate keeps one precision in a process; tests that need another begin anew."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def leaves(value, name=""):
    """Everything in a nest of dictionaries and lists, by place."""
    if isinstance(value, dict):
        return {key: leaf for inner in value for key, leaf in leaves(value[inner], f"{name}/{inner}").items()}
    if isinstance(value, list | tuple):
        return leaves(dict(enumerate(value)), name)
    return {name: value}


def assert_same_runs(one, other):
    """Equal to the last bit: all that the newest checkpoints hold, and the logs but for seconds."""
    first, second = (leaves(read_checkpoint(open_run(run).newest())) for run in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == second[name].dtype, name
            torch.testing.assert_close(
                value, second[name], rtol=0, atol=0, msg=lambda text, at=name: f"{at}: {text}"
            )
        else:
            assert value == second[name], name
    logs = [read_log(run / "log.csv").drop(columns="seconds") for run in (one, other)]
    assert logs[0].to_dict() == logs[1].to_dict()
    assert run_to_problems(one) == run_to_problems(other) == []


def test_going_on_after_two_iterations_equals_not_stopping(settings):
    """Twice 2 iterations and once 4, with both critics."""
    assert train(settings("whole", 4, *BOTH_CRITICS)).done == 4
    assert train(settings("halves", 2, *BOTH_CRITICS)).iteration == 2
    report = train(settings("halves", 4, *BOTH_CRITICS, resume=True))
    assert (report.done, report.iteration) == (2, 4)
    assert_same_runs(settings("whole", 4).run, settings("halves", 4).run)


@pytest.mark.parametrize(
    ("changes", "others"),
    [
        (("training.batch=2", "training.accumulate=2"), {}),
        (("training.ema=0.9", "losses.spatial=0"), {}),
        (("training.recompute=true",), {}),
        (("training.parity=true",), {}),
        (("losses.content=0.5", "losses.style=500", "losses.contextual=0.1", "losses.spatial=0"),
         {"networks": Networks("random")}),
    ],
    ids=["batch in two parts", "average", "recompute", "parity", "perceptual"],
)  # fmt: skip
def test_whatever_is_set_going_on_equals_not_stopping(settings, changes, others):
    train(settings("whole", 2, *changes, **others))
    train(settings("halves", 1, *changes, **others))
    train(settings("halves", 2, *changes, **others, resume=True))
    assert_same_runs(settings("whole", 2).run, settings("halves", 2).run)


def test_processes_that_read_for_it_change_nothing(settings):
    train(settings("whole", 3, *NO_CRITICS))
    train(settings("halves", 1, *NO_CRITICS))
    train(settings("halves", 3, *NO_CRITICS, resume=True, workers=1))
    assert_same_runs(settings("whole", 3).run, settings("halves", 3).run)


@pytest.mark.usefixtures("another_precision")
def test_going_on_equals_not_stopping_in_bfloat16(settings):
    changes = ("training.precision=bf16",)
    train(settings("whole", 2, *changes))
    train(settings("halves", 1, *changes))
    train(settings("halves", 2, *changes, resume=True))
    assert_same_runs(settings("whole", 2).run, settings("halves", 2).run)


def stop_after(monkeypatch, iteration):
    """Let training end as if killed, after an iteration's row and before its checkpoint."""
    write = Diary.write

    def stopping(diary):
        write(diary)
        if diary._learner.iteration == iteration:
            raise StoppedError

    monkeypatch.setattr(Diary, "write", stopping)


def test_a_stop_between_checkpoints_loses_nothing_but_time(settings, monkeypatch):
    """With rates that fall to the end, and rows that are due at other iterations than checkpoints."""
    changes = ("training.decay_from=1", "training.save_every=2", "training.log_every=3", *NO_CRITICS)
    train(settings("whole", 6, *changes))
    for iteration in (1, 3, 5):
        with monkeypatch.context() as patch:
            stop_after(patch, iteration)
            with pytest.raises(StoppedError):
                train(settings("parts", 6, *changes, resume=True))
        assert open_run(settings("parts", 6).run).iteration == iteration - 1
    train(settings("parts", 6, *changes, resume=True))
    assert_same_runs(settings("whole", 6).run, settings("parts", 6).run)
    assert read_log(settings("parts", 6).run / "log.csv")["iteration"].tolist() == [2, 3, 4, 6]


def test_a_run_that_is_complete_is_left_alone(settings):
    train(settings("run", 1))
    run = settings("run", 1).run
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    report = train(settings("run", 1, resume=True))
    assert (report.done, report.iteration, report.checkpoint) == (0, 1, run / "checkpoints" / "00000001.pt")
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


def test_only_the_newest_checkpoints_are_kept(settings):
    train(settings("run", 5, *NO_CRITICS, "training.save_every=1", "training.keep=2"))
    assert [number for number, _ in open_run(settings("run", 5).run).checkpoints()] == [4, 5]


def run_to_vectors(run):
    """All weights of the generator; last gradients (first moments, beta1 being 0) of it and of critics."""
    state = read_checkpoint(open_run(run).newest())
    learned = [optimiser["state"].values() for optimiser in state["optimisers"] if optimiser is not None]
    parts = [state["generator"].values(), *([record["exp_avg"] for record in each] for each in learned)]
    return [torch.cat([tensor.flatten() for tensor in tensors]) for tensors in parts]


def share(difference, whole):
    return (difference.abs().sum() / whole.abs().sum()).item()


def test_a_batch_in_two_parts_has_the_gradients_of_a_whole_one(settings):
    """But for rounding, which Adam makes larger.

    It moves a weight by its gradient over that gradient's size, so one whose gradient is no more than
    rounding goes either way: what is compared is how far all weights together came. 0.15 % were found, and
    45 % for one window instead of two.
    """
    start = run_to_vectors(train(settings("start", 1, "training.learning_rate=0", *NO_CRITICS)).run)[0]
    for name, changes in (("whole", ["batch=2"]), ("parts", ["batch=2", "accumulate=2"]), ("single", [])):
        train(settings(name, 2, *NO_CRITICS, *(f"training.{change}" for change in changes)))
    whole, parts, single = (run_to_vectors(settings(name, 2).run) for name in ("whole", "parts", "single"))
    for number, scale in enumerate((whole[0] - start, whole[1])):
        assert share(parts[number] - whole[number], scale) < 0.01
        assert share(single[number] - whole[number], scale) > 0.2


@pytest.mark.parametrize(("rate", "same"), [(0, True), (0.001, False)])
def test_in_parts_critics_learn_the_same_but_judge_the_first_part_before_that(settings, rate, same):
    """Of the generator's gradients 2e-6 differ while critics stay (0.2 % with some seeds, where rounding
    takes a sampled place across a pixel), 8 % where they learn."""
    rates = ("training.learning_rate=0", f"training.discriminator_rate={rate}")
    for name, parts in (("whole", 1), ("parts", 2)):
        train(settings(name, 1, *BOTH_CRITICS, "training.batch=2", f"training.accumulate={parts}", *rates))
    (_, *whole), (_, *parts) = (run_to_vectors(settings(name, 1).run) for name in ("whole", "parts"))
    generator, critics = (share(part - one, one) for part, one in zip(parts, whole, strict=True))
    assert critics < 1e-5
    assert generator < 5e-3 if same else generator > 0.02


def test_a_short_training_learns(settings):
    """L1 of a chunk of one frame falls to less than half."""
    one_by_one = ("generator.frames_per_chunk=1", "training.window=2", "training.learning_rate=0.001")
    train(settings("run", 30, *NO_CRITICS, *one_by_one))
    l1 = read_log(settings("run", 30).run / "log.csv")["l1"]
    assert l1.iloc[-5:].mean() < 0.5 * l1.iloc[:5].mean()


def test_the_seed_decides_on_the_first_weights(settings):
    still = (*NO_CRITICS, "training.learning_rate=0")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(settings(name, 1, *still, seed=seed))
    assert_same_runs(settings("a", 1).run, settings("b", 1).run)
    (one, _), (other, _) = (run_to_vectors(settings(name, 1).run) for name in "ac")
    assert share(one - other, one) > 0.1


def test_training_asked_for_more_than_falling_rates_allow_is_another_run(settings):
    train(settings("run", 2, "training.decay_from=1", *NO_CRITICS))
    with pytest.raises(RunError, match=r"another \(configuration\.training\.iterations: 2, now 3\)"):
        train(settings("run", 3, "training.decay_from=1", *NO_CRITICS, resume=True))


def nan_from_call(number):
    """An L1 that is NaN from its call of that number on."""
    calls = Counter()

    def loss(fake, real):
        calls["l1"] += 1
        return l1_loss(fake, real) * (math.nan if calls["l1"] >= number else 1)

    return loss


def test_a_loss_that_is_no_number_ends_training_and_names_the_last_good_checkpoint(settings, monkeypatch):
    changes = (*NO_CRITICS, "training.save_every=1")
    with monkeypatch.context() as patch:
        patch.setattr("dmm_model.train.l1_loss", nan_from_call(6))  # two chunks an iteration
        with pytest.raises(RunError) as caught:
            train(settings("run", 4, *changes))
    run = settings("run", 4).run
    assert str(caught.value) == (
        f"{run}: expected finite losses and weights, found l1 = nan in iteration 3; the last good checkpoint "
        f"is {run / 'checkpoints' / '00000002.pt'}; lower training.learning_rate, or train in float32"
    )
    train(settings("run", 4, *changes, resume=True))
    train(settings("whole", 4, *changes))
    assert_same_runs(run, settings("whole", 4).run)


def test_weights_that_are_no_numbers_are_not_saved(settings, monkeypatch):
    """A loss of 0 whose gradient is NaN, in the last chunk before a checkpoint."""
    calls = Counter()

    def loss(fake, real):
        calls["l1"] += 1
        found = l1_loss(fake, real)
        return found if calls["l1"] < 2 else (found * 0).sqrt()

    train(settings("run", 1, *NO_CRITICS, "training.save_every=1"))
    monkeypatch.setattr("dmm_model.train.l1_loss", loss)
    with pytest.raises(
        RunError, match=r"found \S+ infinite or NaN after iteration 2; the last good .*01\.pt"
    ):
        train(settings("run", 2, *NO_CRITICS, "training.save_every=1", resume=True))
    assert [number for number, _ in open_run(settings("run", 2).run).checkpoints()] == [1]


def test_a_rate_far_too_high_ends_training(settings):
    with pytest.raises(RunError, match=r"in iteration 1; no checkpoint was saved before; lower training\.le"):
        train(settings("run", 2, *NO_CRITICS, "training.learning_rate=1e30"))


@pytest.mark.parametrize("by_torch", [True, False])
def test_a_full_disk_leaves_earlier_checkpoints_whole(settings, monkeypatch, by_torch):
    """Torch raises an error of its own while it handles the system's."""

    def save(_, stream):
        stream.write(b"half of it")
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            if by_torch:
                raise RuntimeError("unexpected pos 64 vs 0")

    changes = (*NO_CRITICS, "training.save_every=1")
    train(settings("run", 1, *changes))
    run = settings("run", 1).run
    before = (run / "checkpoints" / "00000001.pt").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("torch.save", save)
        with pytest.raises(OSError, match="No space left on device") as caught:
            train(settings("run", 2, *changes, resume=True))
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(run))
    assert [(file.name, file.read_bytes()) for file in (run / "checkpoints").iterdir()] == [
        ("00000001.pt", before)
    ]
    assert run_to_problems(run) == []
    train(settings("run", 2, *changes, resume=True))
    train(settings("whole", 2, *changes))
    assert_same_runs(run, settings("whole", 2).run)


def test_errors_of_torch_stay_what_they_are(settings, monkeypatch):
    monkeypatch.setattr("torch.save", lambda *_: torch.zeros(2) @ torch.zeros(3))
    with pytest.raises(RuntimeError, match="size"):
        train(settings("run", 1, *NO_CRITICS))


MISFITS = {
    "training.save_every=0": "save_every: expected a number of at least 1, got 0",
    "training.learning_rate=nan": "learning_rate: expected a number of at least 0, got nan",
    "training.beta1=1": "beta1: expected a number below 1, got 1.0",
    "training.beta2=1": "beta2: expected a number below 1, got 1.0",
    "training.ema=1": "ema: expected a number below 1, got 1.0",
    "generator.keypoints=17": "generator.keypoints: expected 25 as in clips, got 17",
    "training.accumulate=2": "training.accumulate: expected a divisor of batch, 1, got 2",
    "training.precision=fp16": "training.precision: expected no or bf16 on a CPU, got fp16",
}


@pytest.mark.parametrize("change", MISFITS)
def test_settings_that_make_no_training_are_refused_before_anything_is_written(settings, change):
    for action in (resolve, train):
        with pytest.raises(ConfigError, match=f"^{MISFITS[change]}; change the"):
            action(settings("run", None, change))
    assert not settings("run", 1).run.exists()


def test_every_problem_of_the_settings_is_named(settings):
    with pytest.raises(
        ConfigError, match=r"generator\.keypoints: .* got 1; training\.accumulate: .* got 2; change"
    ):
        resolve(settings("run", 1, "training.accumulate=2", "generator.keypoints=1"))


def test_a_second_precision_in_one_process_is_refused(settings):
    train(settings("run", 1, *NO_CRITICS))
    with pytest.raises(
        ConfigError, match=r"training\.precision: expected one that cpu has here, got bf16 \("
    ):
        train(settings("other", 1, *NO_CRITICS, "training.precision=bf16"))


def test_chunks_too_short_for_the_clip_critic_leave_no_run_behind(settings):
    """So the same folder is free for settings that fit."""
    with pytest.raises(ModelError, match="chunks of at least 5 frames, got 2"):
        train(settings("run", 1, "losses.temporal=2"))
    assert train(settings("run", 1)).done == 1


def test_what_is_resolved_is_what_the_run_records_but_for_what_moves_nothing(settings):
    resolved = resolve(settings("run", 1))
    train(settings("run", 1))
    found = open_run(settings("run", 1).run).configuration
    assert resolved["training"]["iterations"] == 1
    free = {"iterations", "decay_from", "log_every", "sample_every", "save_every", "keep", "recompute"}
    assert found["training"] == {
        name: value for name, value in resolved["training"].items() if name not in free
    }
    assert (found["generator"], found["losses"]) == (resolved["generator"], resolved["losses"])


def test_drawn_rows_are_a_function_of_their_arguments():
    arguments = {"seed": 3, "iteration": 5, "start": 6, "rank": 0, "count": 6}
    assert draw_rows(**arguments) == draw_rows(**arguments)
    for name in ("seed", "iteration", "start", "rank"):
        drawn = {draw_rows(**arguments | {name: value}) for value in range(20)}
        assert len(drawn) > 5, name


def test_drawn_rows_are_uniform_over_the_chunk_and_independent():
    drawn = Counter(draw_rows(0, iteration, 0, 0, 3) for iteration in range(1800))
    assert set(drawn) == {(a, b) for a in range(3) for b in range(3)}
    # Each of the 9 pairs 200 times, standard deviation 13.3: five of these to either side.
    assert all(133 < count < 267 for count in drawn.values())


def test_terms_are_weighed_by_their_own_weights():
    terms = {"l1": torch.tensor(2.0), "temporal": torch.tensor(3.0)}
    assert weigh(terms, LossConfig(l1=5, temporal=0.5)) == {"l1": 10, "temporal": 1.5}


def test_a_step_comes_with_the_last_part_and_takes_the_mean():
    # w = 1, terms 2 w and then 4 w, two parts: gradient (2 + 4) / 2 = 3, w = 1 - 0.1 * 3.
    weight = nn.Parameter(torch.tensor(1.0))
    accelerator, optimiser = SimpleNamespace(backward=torch.Tensor.backward), SGD([weight], lr=0.1)
    step(accelerator, optimiser, {"a": weight, "b": weight}, 2, last=False)
    assert (weight.item(), weight.grad.item()) == (1, 1)
    step(accelerator, optimiser, {"a": 4 * weight}, 2, last=True)
    assert weight.item() == pytest.approx(0.7)
    assert weight.grad is None
    step(accelerator, None, {}, 2, last=True)
