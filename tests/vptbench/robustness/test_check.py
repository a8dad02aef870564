import pytest
from click.testing import CliRunner
from forged_tables import edit_table
from sweep_tables import make_sweep

from vptbench.cli.check import command as check
from vptbench.curvefile import CELLS, CURVES, SUMMARY, write_robustness
from vptbench.robustness.check import robustness_to_problems


@pytest.fixture
def folder(tmp_path):
    write_robustness(tmp_path / "sweep", make_sweep())
    return tmp_path / "sweep"


@pytest.mark.parametrize(
    ("table", "old", "new", "problem"),
    [
        (
            CELLS, "model,m,11.0", "model,m,11.5",
            "kind clean, severity 0, seed 0, role model, metric m: expected value 11.0",
        ),
        (
            CURVES, "jitter,2,m,2.0,1.05", "jitter,2,m,2.0,1.06",
            "kind jitter, severity 2, metric m: expected value 1.05",
        ),
        (
            CURVES, "jitter,2,", "jitter,3,",
            "kind jitter, severity 2, metric m: expected a row",
        ),
        (
            SUMMARY, "jitter,m,11.0", "jitter,m,11.2",
            "kind jitter, metric m: expected clean 11.0",
        ),
    ],
)  # fmt: skip
def test_figures_that_do_not_follow_from_the_others_are_found(folder, table, old, new, problem):
    edit_table(folder / "robustness.json", table, old, new)
    problem = f"{folder / table}: {problem} as the other tables give, found "
    assert any(found.startswith(problem) for found in robustness_to_problems(folder))
    result = CliRunner().invoke(check, [str(folder)])
    assert result.exit_code == 1
    assert problem in result.output


def test_a_text_that_does_not_follow_is_found(folder):
    edit_table(folder / "robustness.json", SUMMARY, "no control", "a control")
    (found,) = robustness_to_problems(folder)
    assert "kind jitter, metric m: expected reason" in found


def test_check_knows_the_folder(folder):
    result = CliRunner().invoke(check, [str(folder)])
    assert (result.exit_code, result.output) == (0, f"{folder}: whole\n")
