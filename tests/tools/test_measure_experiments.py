"""Groups of networks against each other: means, drops and differences by hand, and tables of them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from vptbench.errors import UsageError
from vptbench.generate.run import store_to_outputs
from vptbench.score import ScoreSettings, outputs_to_scorefile

ROOT = Path(__file__).parents[2]
SSIM, L1 = "ssim-v1", "l1-v1"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("measure_experiments")


@pytest.fixture
def groups(script):
    """Two seeds, three clips. On clean poses both groups score alike; noise costs "b" 0.1 of SSIM more."""
    clean = np.array([[0.9, 0.8, 0.7], [0.9, 0.82, 0.7]])
    wobble = np.array([[0.001, 0, -0.001], [0, 0.001, -0.001]])
    cells = [script.Cell("clean", 0, SSIM), script.Cell("jitter", 3, SSIM)]
    return {
        "a": dict(zip(cells, (clean, clean - 0.2), strict=True)),
        "b": dict(zip(cells, (clean, clean - 0.3 + wobble), strict=True)),
    }


def test_drops_and_differences_by_hand(script, groups):
    table = script.groups_to_table(groups).set_index(["group", "kind"])
    assert table.loc[("a", "clean"), "value"] == pytest.approx(0.80333, abs=1e-5)
    assert table.loc[("a", "jitter"), "drop"] == pytest.approx(0.2)
    assert table.loc[("b", "jitter"), "drop"] == pytest.approx(0.3)
    assert table.loc[("b", "jitter"), "difference"] == pytest.approx(0.1)  # worse: positive
    assert bool(table.loc[("b", "jitter"), "told_apart"])
    assert not table.loc[("b", "clean"), "told_apart"]
    assert not table.loc["a", "told_apart"].any()


def test_lower_is_better_turns_the_sign(script, groups):
    turned = {
        name: {script.Cell(cell.kind, cell.severity, L1): 1 - values for cell, values in cells.items()}
        for name, cells in groups.items()
    }
    table = script.groups_to_table(turned).set_index(["group", "kind"])
    assert table.loc[("b", "jitter"), "drop"] == pytest.approx(0.3)
    assert table.loc[("b", "jitter"), "difference"] == pytest.approx(0.1)


def test_seeds_that_disagree_are_not_told_apart(script):
    # Over clips alone the mean of 0.5 would be sure; one of the seeds says the opposite.
    values = np.array([[1.0, 1.01, 0.99] * 8, [1.1, 1.1, 1.1] * 8, [-0.6, -0.6, -0.6] * 8])
    found = script.estimate(values)
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert not found.apart
    assert script.estimate(np.abs(values)).apart


def test_the_page_shows_what_was_told_apart(script, groups):
    text = script.table_to_text(script.groups_to_table(groups))
    (line,) = [line for line in text.splitlines() if line.startswith("| drop at jitter 3")]
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[1].startswith("0.2 [")
    assert cells[3].startswith("**0.1 [")
    assert "| clean | 0.8033 [" in text


@pytest.fixture
def make_folder(stores, tmp_path):
    """A function that scores a model on a layout's store, and gives the folder."""

    def make(model, layout):
        outputs, scores = tmp_path / f"{model}-{layout}", tmp_path / f"{model}-{layout}-scores"
        store_to_outputs(model, stores[layout], outputs, "synthetic-v1")
        settings = ScoreSettings(metrics=(SSIM, L1))
        outputs_to_scorefile(outputs, scores, settings, store=stores[layout], benchmark="synthetic-v1")
        return scores

    return make


def test_scores_are_read_as_clean_poses_and_other_clips_are_refused(script, make_folder):
    folders = [make_folder(model, "iper") for model in ("copy_source", "oracle")]
    found = script.folders_to_values(folders)
    assert set(found) == {script.Cell("clean", 0, SSIM), script.Cell("clean", 0, L1)}
    still, true = found[script.Cell("clean", 0, SSIM)]
    assert (true == 1).all()
    assert (still < 0.98).all()
    with pytest.raises(UsageError, match="expected the same clips"):
        script.folders_to_values([folders[0], make_folder("copy_source", "fashionvideo")])
