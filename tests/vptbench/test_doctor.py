"""What a model says that it costs."""

import json

import pytest
from click.testing import CliRunner
from smpl_file import make_arrays, write_npz

from vptbench.cli import main
from vptbench.doctor import Finding, machine_to_findings, model_to_efficiency
from vptbench.errors import ModelError, RegistryError
from vptbench.generate import model as model_file
from vptbench.prepare import estimators

ROWS = [
    {"config": "tiny", "parameters": 1000, "device": "cpu"},
    {"config": "published", "parameters": 20_000, "device": "cpu"},
]


class Measured:
    def load(self):
        pass

    generate = load

    @classmethod
    def efficiency(cls, device):
        return [{**row, "device": device} for row in ROWS]


@pytest.fixture
def measured(monkeypatch):
    monkeypatch.setattr(model_file, "group_to_table", lambda _: {"measured": "here"})
    monkeypatch.setattr(model_file, "id_to_object", lambda *_: Measured)


@pytest.mark.usefixtures("measured")
def test_a_model_measures_itself():
    assert model_to_efficiency("measured", "cpu") == ROWS
    result = CliRunner().invoke(main, ["doctor", "--model", "measured", "--device", "cpu"])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "config     parameters  device",
        "tiny       1000        cpu",
        "published  20000       cpu",
    ]
    result = CliRunner().invoke(main, ["doctor", "--model", "measured", "--device", "cpu", "--json"])
    assert json.loads(result.output) == ROWS


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"config": 1}, "expected model measured's efficiency to be a list of dicts, got dict; mend it"),
        ([{"config": 1}, {"device": 1}], "expected rows of model measured's efficiency to have equal keys"),
    ],
)
def test_what_is_no_table_is_refused(monkeypatch, rows, message):
    monkeypatch.setattr(Measured, "efficiency", lambda _: rows)
    with pytest.raises(ModelError, match=message):
        model_to_efficiency("measured", "cpu")


def test_a_model_that_does_not_is_told_in_one_line():
    result = CliRunner().invoke(main, ["doctor", "--model", "copy_source"])
    assert result.exit_code == 2
    assert result.output.startswith(
        "Error: expected model copy_source to have a classmethod efficiency, found none"
    )
    assert result.output.count("\n") == 1
    with pytest.raises(RegistryError, match="expected a known model, got 'nobody'"):
        model_to_efficiency("nobody", "cpu")


def test_an_smpl_file_is_looked_at_where_one_is_named(tmp_path, monkeypatch):
    def finding():
        return next(found for found in machine_to_findings(tmp_path) if found.what == "SMPL")

    monkeypatch.delenv("VPTBENCH_SMPL", raising=False)
    assert finding().state == "optional"
    monkeypatch.setenv("VPTBENCH_SMPL", str(write_npz(tmp_path / "a.npz", make_arrays())))
    assert finding().state == "ok"
    assert finding().detail.endswith(", 198 vertices")
    monkeypatch.setenv("VPTBENCH_SMPL", str(tmp_path / "none.pkl"))
    assert finding().state == "missing"
    assert "found none; get one from" in finding().detail


def test_estimators_are_there_or_one_command_away(monkeypatch):
    class Here:
        version = "rtmlib 1, a network"
        missing = staticmethod(lambda: None)

    class Lacking:
        command = ("pip", "install", "mediapipe>=1")
        missing = staticmethod(lambda: "no package mediapipe")

    found = {"rtmlib": Here, "mediapipe": Lacking}
    monkeypatch.setattr(estimators, "load_estimator", lambda name: found[name]())
    known = {finding.what: finding for finding in machine_to_findings()}
    assert known["rtmlib"] == Finding("rtmlib", "ok", "estimates poses, rtmlib 1, a network")
    assert known["mediapipe"] == Finding(
        "mediapipe", "optional",
        "no package mediapipe; to estimate poses with it, run: pip install 'mediapipe>=1'",
    )  # fmt: skip
    assert set(estimators.ESTIMATORS) <= set(known)
