import math

import pandas as pd
import pytest
from click.testing import CliRunner
from forged_tables import edit, edit_table
from sweep_tables import SSIM, VALUES, make_sweep

from vptbench.cli.check import command as check
from vptbench.curvefile import CELLS, CURVES, PER_CLIP, SUMMARY, write_robustness
from vptbench.errors import ManifestError
from vptbench.robustness.breaking import cells_to_curves, curves_to_summary
from vptbench.robustness.check import robustness_to_problems

CONTROLLED = {
    **VALUES,
    ("control", 0, 0): {"a": 11, 'x,"\n/1': 13},
    ("control", 1, 0): {"a": 9, 'x,"\n/1': 11},
    ("control", 2, 0): {"a": 0, 'x,"\n/1': 1},
}


@pytest.fixture
def folder(tmp_path):
    write_robustness(tmp_path / "sweep", make_sweep())
    return tmp_path / "sweep"


@pytest.mark.parametrize("values", [VALUES, CONTROLLED, {**VALUES, ("control", 0, 0): {"a": math.inf}}])
def test_what_is_written_is_whole(tmp_path, values):
    write_robustness(tmp_path, make_sweep(values, failures={"jitter-2-0-control": "no mesh"}))
    result = CliRunner().invoke(check, [str(tmp_path)])
    assert (result.exit_code, result.output) == (0, f"{tmp_path}: whole\n")


@pytest.mark.parametrize(
    ("table", "old", "new", "place", "expected", "found"),
    [
        (
            CELLS, "clean,0,0,model,m,11.0", "clean,0,0,model,m,11.00001",
            "kind clean, severity 0, seed 0, role model, metric m", "value 11.0", "11.00001",
        ),
        (
            CELLS, "clean,0,0,floor,m,1.5,,\n", "",
            "kind clean, severity 0, seed 0, role floor, metric m", "a row", "none",
        ),
        (
            CURVES, "jitter,2,m,2.0,1.05", "jitter,2,m,2.0,1.05001",
            "kind jitter, severity 2, metric m", "value 1.05", "1.05001",
        ),
        (
            CURVES, "jitter,0,m,0.0,11.0", "jitter,0,m,0.0,12.0",
            "kind jitter, severity 0, metric m", "value 11.0", "12.0",
        ),
        (
            CURVES, "jitter,0,m", "jitter,5,m,0.0,1,1,1,,,,,,\njitter,0,m",
            "kind jitter, severity 5, metric m", "no row", "one",
        ),
        (SUMMARY, "jitter,m,11.0", "jitter,m,11.2", "kind jitter, metric m", "clean 11.0", "11.2"),
        (
            SUMMARY, "no control", "a control",
            "kind jitter, metric m", "reason obedience: no control", "obedience: a control",
        ),
    ],
)  # fmt: skip
def test_what_does_not_follow_from_the_others_is_found(folder, table, old, new, place, expected, found):
    edit_table(folder / "robustness.json", table, old, new)
    problem = (
        f"{folder / table}: {place}: expected {expected} as the other tables give, found {found}; "
        "run vptbench robustness again"
    )
    assert robustness_to_problems(folder) == [problem]
    result = CliRunner().invoke(check, [str(folder)])
    assert (result.exit_code, result.output) == (1, f"{problem}\n{folder}: 1 problems\n")


def test_clips_that_were_deleted_are_found(tmp_path):
    write_robustness(tmp_path, make_sweep(CONTROLLED))
    for clip in ("a", '"x,""\n/1"'):
        value = CONTROLLED["model", 0, 0][clip if clip == "a" else 'x,"\n/1']
        edit_table(tmp_path / "robustness.json", PER_CLIP, f"clean,0,0,model,{clip},m,{float(value)}\n", "")
    problems = robustness_to_problems(tmp_path)
    assert problems
    assert all(
        problem.startswith((f"{tmp_path / CURVES}: ", f"{tmp_path / SUMMARY}: ")) for problem in problems
    )


def test_cells_of_metrics_without_clips_and_of_other_poolings_stand(tmp_path):
    sweep = make_sweep()
    whole = sweep.cells.assign(metric="n", value=7.0)
    metrics = {"m": SSIM, "n": {**SSIM, "label": "FID"}}
    cells = pd.concat([sweep.cells, whole], ignore_index=True)
    curves = cells_to_curves(cells, sweep.per_clip, sweep.disturbance, metrics)
    summary = curves_to_summary(curves, sweep.per_clip, sweep.disturbance, metrics)
    write_robustness(tmp_path, make_sweep(metrics=metrics, cells=cells, curves=curves, summary=summary))
    assert robustness_to_problems(tmp_path) == []
    edit_table(tmp_path / "robustness.json", CELLS, "model,m,11.0", "model,m,11.5")
    assert len(robustness_to_problems(tmp_path)) == 1
    edit(tmp_path / "robustness.json", lambda document: document["protocol"].update(pooling="frame"))
    assert robustness_to_problems(tmp_path) == []


@pytest.mark.filterwarnings("ignore:overflow")
def test_figures_that_cannot_be_averaged_name_their_folder(tmp_path):
    write_robustness(tmp_path, make_sweep())
    edit_table(
        tmp_path / "robustness.json", PER_CLIP, "clean,0,0,model,a,m,10.0", "clean,0,0,model,a,m,1e308"
    )
    edit_table(
        tmp_path / "robustness.json", PER_CLIP, "jitter,1,0,model,a,m,9.1", "jitter,1,0,model,a,m,-1e308"
    )
    problems = robustness_to_problems(tmp_path)
    assert problems
    assert all(problem.startswith(str(tmp_path)) for problem in problems)


def test_what_cannot_be_read_is_one_problem(folder):
    (folder / CELLS).unlink()
    (problem,) = robustness_to_problems(folder)
    assert problem.startswith(f"expected a table at {folder / CELLS}, found none")
    edit(folder / "robustness.json", lambda document: document.update(version=2))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-robustness, found 2"):
        robustness_to_problems(folder)
