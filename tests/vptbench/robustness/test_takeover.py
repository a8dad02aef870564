"""Floor and controls of an earlier sweep."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from vptbench.errors import ScoreError
from vptbench.robustness import sweep as module
from vptbench.robustness.cells import CellFilter
from vptbench.robustness.ledger import open_ledger
from vptbench.robustness.plan import resolve_sweep
from vptbench.robustness.sweep import run_sweep
from vptbench.robustness.takeover import read_controls, take_over


def test_floor_and_controls_of_an_earlier_sweep(swept, settings, again, monkeypatch):
    monkeypatch.setattr(module, "store_to_control", None)
    report = run_sweep(replace(again, model="keypoint_warp", controls=settings.out))
    assert set(report.done) == {"clean", "jitter-1-0", "jitter-4-0"}
    ours, theirs = report.robustness.cells, swept.robustness.cells
    for role in ("floor", "control"):
        pd.testing.assert_frame_equal(
            ours[ours["role"] == role].reset_index(drop=True),
            theirs[theirs["role"] == role].reset_index(drop=True), check_exact=True,
        )  # fmt: skip


@pytest.mark.usefixtures("swept")
def test_controls_of_other_cells_stay_away(settings, again):
    chosen = CellFilter(severities=(4,))
    found = run_sweep(replace(again, model="keypoint_warp", controls=settings.out, chosen=chosen)).robustness
    cells = found.cells
    assert set(cells.loc[cells["role"] == "control", "severity"]) == {0, 4}


@pytest.mark.usefixtures("swept")
def test_controls_of_other_figures_are_refused_and_leave_the_folder_free(settings, again):
    text = "expected a sweep over the same store, list, metrics and networks, found another .metrics: "
    with pytest.raises(ScoreError, match=text):
        run_sweep(replace(again, metrics=("ssim-v1",), controls=settings.out))
    assert set(run_sweep(replace(again, controls=settings.out)).done) == {"clean", "jitter-1-0", "jitter-4-0"}


@pytest.mark.usefixtures("swept")
def test_controls_of_another_list_are_refused(settings, again, listed, tmp_path):
    document = json.loads(listed.read_text()) | {"id": "other-noisy-v1"}
    (tmp_path / "list.json").write_text(json.dumps(document))
    with pytest.raises(
        ScoreError, match=r"found another .noisy: .*; make these equal, or leave --controls out"
    ):
        run_sweep(replace(again, benchmark=tmp_path / "list.json", controls=settings.out))


@pytest.mark.usefixtures("swept")
def test_scores_of_what_failed_later_are_not_taken(settings, again, tmp_path):
    earlier = tmp_path / "earlier"
    shutil.copytree(settings.out, earlier)
    path = earlier / "sweep.json"
    failures = {"jitter-4-0-control": "the disk was full"}
    path.write_text(json.dumps({**json.loads(path.read_text()), "failures": failures}))
    sweep = resolve_sweep(again)
    ledger = open_ledger(again.out, sweep.facts)
    assert take_over(sweep, ledger, read_controls(sweep, earlier)) == (
        "floor",
        "clean-control",
        "jitter-1-0-control",
    )
    assert {path.name for path in (again.out / "scores").iterdir()} == {
        "floor", "clean-control", "jitter-1-0-control",
    }  # fmt: skip
    assert take_over(sweep, ledger, read_controls(sweep, earlier)) == ()
