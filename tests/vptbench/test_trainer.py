"""Finding trainers by their entry points."""

import sys
from pathlib import Path

import pytest

from vptbench import trainer
from vptbench.errors import ModelError, RegistryError
from vptbench.registry import group_to_table
from vptbench.trainer import TRAINERS_GROUP, TrainReport, TrainSettings, name_to_trainer, report_to_text
from vptbench.weights import Networks


@pytest.fixture
def stranger(monkeypatch, tmp_path):
    """A function that makes a module of the code given, and an entry point "mine" that names it."""

    def make(code, place="strangers_trainer"):
        (tmp_path / "strangers_trainer.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(trainer, "group_to_table", lambda _: {"mine": place})

    yield make
    sys.modules.pop("strangers_trainer", None)


TWO_FUNCTIONS = "def resolve(settings): return {'seed': settings.seed}\ndef train(settings): return None\n"
ONE_OBJECT = (
    "class Mine:\n  def resolve(self, settings): return {'seed': 7}\n  train = resolve\nMINE = Mine()"
)


def test_the_reference_model_brings_a_trainer():
    assert "dmm" in group_to_table(TRAINERS_GROUP)


@pytest.mark.parametrize(
    ("code", "place"), [(TWO_FUNCTIONS, "strangers_trainer"), (ONE_OBJECT, "strangers_trainer:MINE")]
)
def test_a_module_or_an_object_is_a_trainer(stranger, code, place):
    stranger(code, place)
    settings = TrainSettings(store=Path("store"), run=Path("run"), config="small", seed=7)
    assert name_to_trainer("mine").resolve(settings) == {"seed": 7}


def test_an_unknown_trainer_gets_a_hint(stranger):
    stranger(TWO_FUNCTIONS)
    with pytest.raises(RegistryError, match="expected a known trainer, got 'mime'; did you mean 'mine'"):
        name_to_trainer("mime")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "raise RuntimeError('no GPU')",
            r"expected trainer mine at its entry point strangers_trainer, .*no GPU",
        ),
        ("import sys; sys.exit(3)", r"cannot be imported \(SystemExit: 3\); install what it needs"),
        (
            "train = 5",
            r"\(strangers_trainer\) to have the functions resolve and train, found no resolve and no t",
        ),
    ],
)
def test_a_broken_trainer_is_refused(stranger, code, message):
    stranger(code)
    with pytest.raises(ModelError, match=message):
        name_to_trainer("mine")


def test_settings_by_default_begin_anew_with_the_configurations_own_number():
    settings = TrainSettings(store=Path("store"), run=Path("run"), config="small")
    assert (settings.iterations, settings.seed, settings.resume, settings.changes) == (None, 0, False, ())
    assert (settings.networks, settings.device, settings.workers) == (Networks(), "cpu", 0)


def test_a_report_is_a_line():
    report = TrainReport(
        run=Path("run"), done=40, iteration=100, checkpoint=Path("run/checkpoints/00000100.pt")
    )
    line = "run: 40 iterations done, 100 in all; newest checkpoint run/checkpoints/00000100.pt"
    assert report_to_text(report) == line
    report = TrainReport(run=Path("run"), done=0, iteration=100, checkpoint=Path("c.pt"))
    assert report_to_text(report) == "run: nothing to do, 100 in all; newest checkpoint c.pt"
