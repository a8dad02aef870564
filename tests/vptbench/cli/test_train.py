"""`vptbench train`, with a trainer that learns nothing and keeps its run as it must."""

import json
import types
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from vptbench import trainer as trainer_file
from vptbench.cli import main
from vptbench.runfile import RunFacts, begin_run, checkpoint_written, open_run, store_to_json
from vptbench.runlog import append_log, read_log
from vptbench.trainer import TrainReport
from vptbench.weights import Networks

EVERY = 4
"""Iterations between checkpoints."""


class PowerError(Exception):
    """The lights go out."""


def resolve(settings):
    changes = dict(change.split("=", 1) for change in settings.changes)
    return {"config": settings.config, "iterations": settings.iterations or 12, "changes": changes}


def make_train(out_after):
    def train(settings):
        configuration = resolve(settings)
        iterations = configuration.pop("iterations")
        store = store_to_json(settings.store, settings.run, dataset="iper", clips={"a": {"frames": 3}})
        facts = RunFacts("fake", configuration, settings.seed, iterations, store)
        run = begin_run(settings.run, facts, resume=settings.resume)
        for iteration in range(run.iteration + 1, iterations + 1):
            if iteration > out_after:
                raise PowerError
            append_log(run.log, iteration, 0.5, {"loss": 1 / iteration})
            if iteration % EVERY == 0 or iteration == iterations:
                with (
                    checkpoint_written(run, iteration, keep=2) as part,
                    zipfile.ZipFile(part, "w") as archive,
                ):
                    archive.writestr("weights", str(iteration))
        now = open_run(settings.run)
        return TrainReport(settings.run, now.iteration - run.iteration, now.iteration, now.newest())

    return train


@pytest.fixture
def fake(monkeypatch):
    """The fake trainer; its attribute ``settings`` is what it was last given."""
    found = types.SimpleNamespace(settings=None, resolve=resolve, train=None)

    def use(*, out_after=10**6):
        def train(settings):
            found.settings = settings
            return make_train(out_after)(settings)

        found.train = train

    use()
    found.use = use
    monkeypatch.setattr(trainer_file, "group_to_table", lambda _: {"dmm": "here", "fake": "there"})
    monkeypatch.setattr(trainer_file, "id_to_object", lambda *_: found)
    return found


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def train(folder, *words):
    return run("train", folder / "store", folder / "run", "--device", "cpu", *words)


def test_options_reach_the_trainer(fake, tmp_path):
    result = train(
        tmp_path, "--config", "small", "--iterations", 3, "--seed", 5, "--resume",
        "--set", "training.batch=2", "--set", "losses.l1=0", "--weights", "random",
        "--weights-dir", tmp_path / "w", "--workers", 2,
        "--model", "fake",
    )  # fmt: skip
    assert result.exit_code == 0
    given = fake.settings
    assert (given.store, given.run) == (tmp_path / "store", tmp_path / "run")
    assert (given.config, given.iterations, given.seed, given.resume) == ("small", 3, 5, True)
    assert given.changes == ("training.batch=2", "losses.l1=0")
    assert given.networks == Networks(mode="random", directory=tmp_path / "w", device="cpu")
    assert (given.device, given.workers) == ("cpu", 2)
    assert train(tmp_path / "b").exit_code == 0
    assert (fake.settings.config, fake.settings.iterations, fake.settings.seed) == ("published", None, 0)
    assert (fake.settings.resume, fake.settings.changes, fake.settings.workers) == (False, (), 0)
    assert fake.settings.networks.mode == "pinned"


def test_a_dry_run_prints_the_configuration_and_writes_nothing(fake, tmp_path):
    result = train(tmp_path, "--dry-run", "--set", "training.batch=2")
    assert result.exit_code == 0
    assert json.loads(result.output) == {
        "config": "published", "iterations": 12, "changes": {"training.batch": "2"},
    }  # fmt: skip
    assert (fake.settings, list(tmp_path.iterdir())) == (None, [])


def test_the_same_command_can_be_repeated_until_all_is_done(fake, tmp_path):
    fake.use(out_after=6)
    assert isinstance(train(tmp_path, "--resume").exception, PowerError)
    assert read_log(tmp_path / "run" / "log.csv")["iteration"].iloc[-1] == 6
    result = run("check", tmp_path / "run")
    assert (result.exit_code, result.output) == (0, f"{tmp_path / 'run'}: whole\n")
    fake.use()
    newest = tmp_path / "run" / "checkpoints" / "00000012.pt"
    result = train(tmp_path, "--resume")
    assert result.output == f"{tmp_path / 'run'}: 8 iterations done, 12 in all; newest checkpoint {newest}\n"
    assert read_log(tmp_path / "run" / "log.csv")["iteration"].tolist() == list(range(1, 13))
    result = train(tmp_path, "--resume")
    assert result.exit_code == 0
    assert result.output == f"{tmp_path / 'run'}: nothing to do, 12 in all; newest checkpoint {newest}\n"
    result = train(tmp_path, "--resume", "--iterations", 14)
    assert "run: 2 iterations done, 14 in all; newest checkpoint" in result.output
    assert run("check", tmp_path / "run").exit_code == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "found this training run at iteration 12 of 12; add --resume to go on, or give another folder"),
        (["--resume", "--seed", 1], "expected the same training run, found another (seed: 0, now 1)"),
        (["--resume", "--config", "tiny"], "(configuration.config: 'published', now 'tiny')"),
        (["--model", "dmn"], "expected a known trainer, got 'dmn'; did you mean 'dmm'"),
        (["--workers", -1], "-1 is not in the range x>=0"),
        (["--iterations", 0], "0 is not in the range x>=1"),
    ],
)
@pytest.mark.usefixtures("fake")
def test_what_does_not_fit_is_one_line_and_status_2(tmp_path, words, line):
    assert train(tmp_path).exit_code == 0
    result = train(tmp_path, *words)
    assert result.exit_code == 2
    assert line in result.output


@pytest.mark.usefixtures("fake")
def test_check_names_a_damaged_checkpoint(tmp_path):
    train(tmp_path)
    newest = Path(tmp_path / "run" / "checkpoints" / "00000012.pt")
    newest.write_bytes(newest.read_bytes()[:20])
    result = run("check", tmp_path / "run")
    assert result.exit_code == 1
    assert f"{newest}: expected a whole checkpoint, found damage" in result.output
    assert result.output.endswith("run: 1 problems\n")
