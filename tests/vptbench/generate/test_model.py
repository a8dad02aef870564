"""Finding models by their entry points."""

import pytest

from baselines.copy_source import CopySource
from vptbench.errors import ModelError, RegistryError
from vptbench.generate import model
from vptbench.generate.model import name_to_model


def test_models_and_audits_are_told_apart():
    assert name_to_model("copy_source").kind == "model"
    assert name_to_model("copy_source").factory is CopySource
    assert name_to_model("oracle").kind == "audit"


def test_an_unknown_model_gets_a_hint():
    with pytest.raises(
        RegistryError, match="expected a known model, got 'copysource'; did you mean 'copy_source'"
    ):
        name_to_model("copysource")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('no GPU')", r"cannot be imported \(RuntimeError: no GPU\)"),
        ("def", r"cannot be imported \(SyntaxError"),
        ("import sys; sys.exit(3)", r"cannot be imported \(SystemExit: 3\)"),
    ],
)
def test_a_module_that_fails_on_import_is_refused(monkeypatch, tmp_path, code, message):
    (tmp_path / "broken_stranger.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        model,
        "group_to_table",
        lambda group: {"broken": "broken_stranger:Model"} if "models" in group else {},
    )
    with pytest.raises(ModelError, match=message):
        name_to_model("broken")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no_such_package:Model", r"cannot be imported \(ModuleNotFoundError: No module named 'no_such"),
        ("baselines.copy_source:Absent", r"cannot be imported \(AttributeError"),
        ("pathlib:Path", r"to have the methods load and generate, found no load and no generate"),
    ],
)
def test_a_broken_entry_point_is_refused(monkeypatch, place, message):
    monkeypatch.setattr(model, "group_to_table", lambda group: {"broken": place} if "models" in group else {})
    with pytest.raises(ModelError, match=message):
        name_to_model("broken")
