"""Inputs of each cell, for a model that runs elsewhere."""

import json
from dataclasses import replace

import pytest

from vptbench.errors import RegistryError, UsageError
from vptbench.robustness import sweep as module
from vptbench.robustness.strangers import write_inputs


def test_inputs_of_each_cell(again, monkeypatch):
    given = replace(again, model="theirs", metrics=())
    report = write_inputs(given, ["openpose-json"])
    assert set(report.done) == {"clean", "jitter-1-0", "jitter-4-0"}
    assert {path.name for path in again.out.iterdir()} == {"sweep.json", "inputs"}
    pictures = [(again.out / "inputs" / cell / "source").rglob("*.png") for cell in ("clean", "jitter-4-0")]
    clean, noisy = (next(iter(found)).read_bytes() for found in pictures)
    assert clean == noisy
    assert json.loads((again.out / "sweep.json").read_text())["disturbance"]["jitter-4-0"]["mean_px"] > 1
    known = json.loads((again.out / "sweep.json").read_text())
    del known["disturbance"]["jitter-1-0"]
    (again.out / "sweep.json").write_text(json.dumps(known))
    assert write_inputs(given, ["openpose-json"]).done == ("jitter-1-0",)  # it must be known
    monkeypatch.setattr(module, "store_to_noisy_store", None)
    assert set(write_inputs(given, ["openpose-json"]).skipped) == set(report.done)
    with pytest.raises(RegistryError, match="expected a known format of a model's input, got 'pose-pack'"):
        write_inputs(given, ["pose-pack"])
    with pytest.raises(UsageError, match="a model that runs elsewhere, got mesh_warp"):
        write_inputs(again, ["openpose-json"])
