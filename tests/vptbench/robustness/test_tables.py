from dataclasses import replace

import numpy as np
import pytest
from sweep_tables import make_sweep

from vptbench.robustness.tables import robustness_to_reasons, robustness_to_rows


@pytest.fixture
def sweep(make_robustness):
    """Two kinds and metrics, run to severity 3."""
    return make_robustness(kinds=("jitter", "drift"), metrics=("ssim-v1", "l1-v1"), severities=(1, 3))


def with_summary(sweep, row, **changes):
    summary = sweep.summary.copy()
    for name, value in changes.items():
        summary.loc[summary.index[row], name] = value
    return replace(sweep, summary=summary)


def test_a_row_in_words(sweep):
    sweep = with_summary(
        sweep, 0, clean=0.81234, auc=0.7, breaking_severity=3, breaking_px=5.0, breaking_px_low=2.512,
        breaking_px_high=7.0, lost_severity=np.nan, obedience=1.25, reason="",
    )  # fmt: skip
    assert robustness_to_rows(sweep)[0] == {
        "kind": "jitter", "metric": "ssim-v1", "clean": "0.8123", "auc": "0.7", "breaks at": "3",
        "px (64 high)": "5 (2.51 to 7)", "lost at": "–", "obedience": "1.25",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((np.inf, 12.5, np.inf), "12.5 or more"),
        ((20.0, 5.0, np.inf), "20 (5 or more)"),
        ((np.inf, np.inf, np.inf), "–"),
        ((np.nan, np.nan, np.nan), "–"),
    ],
)
def test_a_crossing_may_lie_past_what_was_run(sweep, ends, text):
    names = ("breaking_px", "breaking_px_low", "breaking_px_high")
    sweep = with_summary(sweep, 1, **dict(zip(names, ends, strict=True)))
    assert robustness_to_rows(sweep)[1]["px (64 high)"] == text


def test_what_holds_says_so_in_the_table_and_needs_no_reason(sweep):
    """The reasons are those of `robustness.breaking`."""
    held = "lost_severity: better than the floor at severity 3; breaking_severity: not proven to break"
    sweep = with_summary(sweep, 0, breaking_severity=np.nan, lost_severity=np.nan, reason=held)
    sweep = with_summary(sweep, 1, reason="")
    row = robustness_to_rows(sweep)[0]
    assert (row["breaks at"], row["lost at"]) == ("none to 3", "none to 3")
    assert robustness_to_reasons(replace(sweep, summary=sweep.summary[:2])) == []


def test_reasons_name_the_rows_that_they_hold_for(sweep):
    for row, reason in enumerate(
        ("auc, breaking: no floor", "", "auc, breaking: no floor; obedience: none", "")
    ):
        sweep = with_summary(sweep, row, reason=reason)
    names = [f"{row['kind']} {row['metric']}" for row in sweep.summary.to_dict("records")]
    assert robustness_to_reasons(sweep) == [
        f"{names[0]}, {names[2]}: auc, breaking: no floor", f"{names[2]}: obedience: none",
    ]  # fmt: skip


def test_a_kind_of_which_the_model_has_no_cell_has_no_severity():
    """Its control alone was scored; the curve is the clean point."""
    values = {
        cell: {clip: float(row + place) for place, clip in enumerate("abcdefghij")}
        for cell, row in {
            ("model", 0, 0): 9,
            ("floor", 0, 0): 1,
            ("control", 0, 0): 9,
            ("control", 1, 0): 5,
        }.items()
    }
    (row,) = robustness_to_rows(make_sweep(values))
    assert (row["clean"], row["lost at"]) == ("13.5", "–")
