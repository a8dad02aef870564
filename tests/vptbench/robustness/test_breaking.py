import math

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sweep_tables import (
    LPIPS,
    PX,
    SSIM,
    cell_table,
    clip_table,
    clips_to_cells,
    curve_and_row,
    disturbance_table,
)

from vptbench.curvefile import CURVES_COLUMNS, SUMMARY_COLUMNS
from vptbench.errors import ScoreError, UsageError
from vptbench.robustness.breaking import (
    cells_to_curves,
    curves_to_summary,
    excess_to_px,
)

NAN = math.nan

# Two clips of margin 10, three severities, two seeds. A resample is aa, ab or bb with chances ¼, ½, ¼.
HAND = {
    ("model", 0, 0): {"a": 10, "b": 12},
    ("floor", 0, 0): {"a": 0, "b": 2},
    ("model", 1, 0): {"a": 10, "b": 12},
    ("model", 1, 1): {"a": 9, "b": 12},
    ("model", 2, 0): {"a": 7, "b": 10},
    ("model", 2, 1): {"a": 9, "b": 10},
    ("model", 3, 0): {"a": 4, "b": 1},
    ("model", 3, 1): {"a": 2, "b": 3},
    ("control", 0, 0): {"a": 20, "b": 20},
    ("control", 1, 0): {"a": 19, "b": 19},
    ("control", 2, 0): {"a": 18, "b": 16},
    ("control", 3, 0): {"a": 15, "b": 12},
}


def drops_to_values(*drops, clean=10.0, floor=0.0):
    """One seed: the drop of each clip at severities 1, 2, …, at a margin of 10."""
    names = [f"clip{place}" for place in range(len(drops[0]))]
    values = {
        ("model", 0, 0): dict.fromkeys(names, clean),
        ("floor", 0, 0): dict.fromkeys(names, floor),
    }
    for severity, each in enumerate(drops, 1):
        values["model", severity, 0] = {name: clean - drop for name, drop in zip(names, each, strict=True)}
    return values


def test_hand_curve():
    curves, _ = curve_and_row(HAND)
    assert tuple(curves.columns) == CURVES_COLUMNS
    expected = pd.DataFrame(
        {
            "severity": [0, 1, 2, 3],
            "mean_px": [0, 2, 4, 8.0],
            "value": [11, 10.75, 9, 2.5],  # a: 10, 9.5, 8, 3; b: 12, 12, 10, 2
            "low": [10, 9.5, 8, 2.0],
            "high": [12, 12, 10, 3.0],
            "floor": [1.0] * 4,
            "control": [20, 19, 17, 13.5],
            "drop": [0, 0.25, 2, 8.5],
            "drop_low": [0, 0, 2, 7.0],
            "drop_high": [0, 0.5, 2, 10.0],
            "retention": [1, 0.975, 0.8, 0.15],  # (value − 1)/10
        }
    )
    assert_frame_equal(curves[list(expected)], expected, rtol=1e-12)


def test_hand_summary():
    _, row = curve_and_row(HAND)
    assert tuple(row.index) == SUMMARY_COLUMNS
    assert (row["clean"], row["floor"]) == (11, 1)
    assert row["auc"] == pytest.approx((1 / 2 + 0.975 + 0.8 + 0.15 / 2) / 3, rel=1e-12)
    assert row["relative_auc"] == pytest.approx((11 / 2 + 10.75 + 9 + 2.5 / 2) / 11 / 3, rel=1e-12)
    # drop − 1: a −0.5, 1, 6; b −1, 1, 9
    assert row["breaking_severity"] == 2
    # from 2 to 4 px: aa −0.5 to 1, a third of the way; bb −1 to 1, half; ab −0.75 to 1, three sevenths
    assert row["breaking_px_low"] == pytest.approx(2 * 2 ** (1 / 3), rel=1e-12)
    assert row["breaking_px"] == pytest.approx(2 * 2 ** (3 / 7), rel=1e-12)
    assert row["breaking_px_high"] == pytest.approx(2 * 2 ** (1 / 2), rel=1e-12)
    assert row["lost_severity"] == 3  # lead a 3, b 0: the lower end is 0
    assert row["obedience"] == pytest.approx((0.25 + 2 + 8.5) / (1 + 3 + 6.5), rel=1e-12)
    assert row["reason"] == ""


def test_hand_lower_is_better():
    # clean 2, floor 10 (margin 8); 4 and 5 at severity 1: drops 2 and 3; values 2 → 4.5 relative 2/4.5
    values = {
        ("model", 0, 0): {"a": 2, "b": 2},
        ("floor", 0, 0): {"a": 10, "b": 10},
        ("model", 1, 0): {"a": 4, "b": 5},
    }
    curves, row = curve_and_row(values, LPIPS)
    assert curves["drop"].tolist() == [0, 2.5]
    assert curves["retention"].tolist() == [1, (10 - 4.5) / 8]
    assert row["relative_auc"] == pytest.approx((1 + 2 / 4.5) / 2)
    # drop − 0.8 from −0.8: aa 1.2, ab 1.7, bb 2.2; linear from 0 to 2 px
    assert row["breaking_severity"] == 1
    found = row[["breaking_px_low", "breaking_px", "breaking_px_high"]].tolist()
    np.testing.assert_allclose(found, [2 * 0.8 / 3, 2 * 0.8 / 2.5, 2 * 0.8 / 2])


def test_a_significant_drop_below_the_share_breaks_nothing():
    curves, row = curve_and_row(drops_to_values((0.5, 0.6), (0.7, 0.9)))
    assert curves["drop_low"].tolist()[1:] == pytest.approx([0.5, 0.7])
    assert math.isnan(row["breaking_severity"])
    assert row[["breaking_px_low", "breaking_px", "breaking_px_high"]].tolist() == [math.inf] * 3
    assert math.isnan(row["lost_severity"])
    assert row["reason"] == (
        "lost_severity: better than the floor at severity 2; "
        "breaking_severity: not proven to break at severity 2; obedience: no control"
    )
    assert curve_and_row(drops_to_values((0.5, 0.6), (0.7, 0.9)), share=0.05)[1]["breaking_severity"] == 2
    assert curve_and_row(drops_to_values((0.5, 0.6), (0.7, 0.9)), share=0)[1]["breaking_severity"] == 1


def test_a_drop_beyond_the_share_that_is_not_significant_breaks_nothing():
    curves, row = curve_and_row(drops_to_values((9.0, -1.0)))
    assert curves["drop"].iloc[1] == 4
    assert math.isnan(row["breaking_severity"])
    # censored: aa and ab cross, bb (a quarter) never: the median is finite, the upper end is not
    assert row["breaking_px"] == pytest.approx(2 * 1 / 4)
    assert row["breaking_px_high"] == math.inf


@pytest.mark.parametrize(
    ("drops", "breaking", "lost"),
    [
        ([(0, 0), (3, 4), (0, 0)], NAN, NAN),  # breaks at 2, and recovers
        ([(3, 4), (0, 0), (3, 4)], 3, NAN),  # breaks, recovers, breaks for good
        ([(3, 4), (2, 4), (3, 5)], 1, NAN),
        ([(10, 11), (3, 3), (10, 10)], 1, 3),  # no better than the floor at 1 and 3, better at 2
        ([(10, 11), (9, 12), (10, 10)], 1, 1),
    ],
)
def test_what_must_stay_so(drops, breaking, lost):
    _, row = curve_and_row(drops_to_values(*drops))
    np.testing.assert_equal([row["breaking_severity"], row["lost_severity"]], [float(breaking), float(lost)])


def test_a_model_that_does_not_beat_the_floor():
    # margins 1 and −1
    values = drops_to_values((3, 3))
    values["floor", 0, 0] = {"clip0": 9, "clip1": 11}
    curves, row = curve_and_row(values)
    assert curves["retention"].isna().all()
    assert row[["auc", "breaking_severity", "breaking_px"]].isna().all()
    assert row["lost_severity"] == 0
    assert "auc, breaking: the clean model is not better than the floor" in row["reason"]
    assert row["relative_auc"] == pytest.approx((1 + 0.7) / 2)


def test_clips_with_an_infinite_value_are_left_out_everywhere():
    values = {cell: dict(clips) for cell, clips in HAND.items()}
    for clips in values.values():
        clips["c"] = 100
    values["model", 1, 0]["c"] = math.inf
    curves, row = curve_and_row(values)
    expected, _ = curve_and_row(HAND)
    assert_frame_equal(curves, expected)
    assert row["reason"] == "1 of 3 clips left out: infinite or missing values"
    for clip in "ab":
        values["model", 0, 0][clip] = math.inf
    curves, row = curve_and_row(values)
    assert curves[["value", "low", "floor", "control", "drop", "retention"]].isna().all(axis=None)
    assert row[list(SUMMARY_COLUMNS[2:-1])].isna().all()
    assert row["reason"].startswith("all: no clip left")


def test_a_clip_missing_in_one_cell_is_left_out_everywhere():
    values = {cell: {**clips, "c": 5} for cell, clips in HAND.items()}
    del values["model", 3, 1]["c"]
    assert_frame_equal(curve_and_row(values)[0], curve_and_row(HAND)[0])


def test_metrics_without_values_by_clip():
    # FID: clean 10, floor 50; 14 and 16 → 15 at severity 1, 30 at 3; control 0, 4, 20
    cells = cell_table(
        {
            ("model", 0, 0): 10, ("model", 1, 0): 14, ("model", 1, 1): 16, ("model", 3, 0): 30,
            ("floor", 0, 0): 50, ("control", 0, 0): 0, ("control", 1, 0): 4, ("control", 3, 0): 20,
        }
    )  # fmt: skip
    empty = clip_table({})
    curves = cells_to_curves(cells, empty, PX, {"m": LPIPS})
    assert curves["severity"].tolist() == [0, 1, 3]
    assert curves["value"].tolist() == [10, 15, 30]
    assert curves["drop"].tolist() == [0, 5, 20]
    assert curves["floor"].tolist() == [50, 50, 50]
    assert curves["control"].tolist() == [0, 4, 20]
    assert curves[["low", "high", "drop_low", "drop_high", "retention"]].isna().all(axis=None)
    row = curves_to_summary(curves, empty, PX, {"m": LPIPS}).iloc[0]
    assert row[["auc", "breaking_severity", "breaking_px", "lost_severity"]].isna().all()
    assert (row["clean"], row["floor"]) == (10, 50)
    assert row["obedience"] == pytest.approx(25 / 24)
    # severity 2 was not run: (1 + 2/3)/2 · 1 + (2/3 + 1/3)/2 · 2, over 3
    assert row["relative_auc"] == pytest.approx((5 / 6 + 1) / 3)
    assert row["reason"] == "auc, breaking, lost: no values by clip, so no interval"


def test_a_metric_that_could_not_be_computed_is_a_row_with_a_reason():
    cells = cell_table({("model", 0, 0): NAN, ("model", 1, 0): NAN})
    curves = cells_to_curves(cells, clip_table({}), PX, {"m": LPIPS})
    assert curves["value"].isna().all()
    row = curves_to_summary(curves, clip_table({}), PX, {"m": LPIPS}).iloc[0]
    assert row["reason"] == "all: no values on clean poses"


def test_distances_that_do_not_grow_give_no_breaking_px():
    flat = disturbance_table({(1, 0): 0, (2, 0): 0, (3, 0): 0})
    for px in (flat, PX.iloc[:0], PX[PX["severity"] != 2]):
        _, row = curve_and_row(HAND, px=px)
        assert row["breaking_severity"] == 2
        assert row[["breaking_px_low", "breaking_px", "breaking_px_high"]].isna().all()
        assert row["reason"] == "breaking_px: the joints' distance does not grow with the severity"


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ({}, "no control"),
        ({1: 5}, "no control on clean or on noisy poses"),
        ({0: 5}, "no control on clean or on noisy poses"),
        ({0: math.inf, 1: 30}, r"the control has no finite values (frames equal to the true ones)"),
        ({0: 5, 1: 5}, "the control loses nothing"),
        ({0: 5, 1: 6}, "the control loses nothing"),
    ],
)
def test_why_there_is_no_obedience(control, reason):
    values = {cell: clips for cell, clips in HAND.items() if cell[0] != "control"}
    for severity, value in control.items():
        values["control", severity, 0] = {"a": value, "b": value}
    curves, row = curve_and_row(values)
    assert math.isnan(row["obedience"])
    assert row["reason"] == f"obedience: {reason}"
    known = curves.set_index("severity")["control"]
    np.testing.assert_equal(known[1], float(control.get(1, NAN)))
    assert not np.isinf(known).any()


def test_obedience_is_of_the_clips_that_both_have():
    values = {cell: dict(clips) for cell, clips in HAND.items()}
    values["control", 2, 0]["b"] = math.inf
    _, row = curve_and_row(values)
    assert row["obedience"] == pytest.approx((0.5 + 2 + 7) / (1 + 2 + 5))  # a alone


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ("floor", "auc, breaking, lost: no floor"),
        ("model 0", "all: no values on clean poses"),
    ],
)
def test_missing_cells(left_out, reason):
    values = {cell: clips for cell, clips in HAND.items() if not f"{cell[0]} {cell[1]}".startswith(left_out)}
    curves, row = curve_and_row(values)
    assert curves["value"].tolist()[1:] == [10.75, 9, 2.5]
    assert curves["retention"].isna().all()
    assert reason in row["reason"]


def test_one_clip_has_no_interval():
    curves, row = curve_and_row({cell: {"a": clips["a"]} for cell, clips in HAND.items()})
    assert curves["drop"].tolist() == [0, 0.5, 2, 7]
    assert curves[["low", "drop_low", "retention"]].isna().all(axis=None)
    assert row["reason"] == "auc, breaking, lost: fewer than two clips"


def test_equal_seeds_are_exactly_their_value():
    """Their sum divided by their number is not, and would make a drop of rounding significant."""
    values = {("model", 0, 0): {"a": 0.1, "b": 0.7}, ("floor", 0, 0): {"a": 0, "b": 0}}
    values |= {("model", 1, seed): {"a": 0.1, "b": 0.7} for seed in range(7)}
    curves, _ = curve_and_row(values)
    assert curves[["drop", "drop_low", "drop_high"]].to_numpy().tolist() == [[0, 0, 0]] * 2


def test_hand_crossings():
    px = np.array([0, 1, 2, 4.0])
    excess = np.array(
        [
            [-1, -1, -1, 0.0],  # never above 0
            [-1, 1, -1, 1],  # twice: the last counts, halfway in the logarithm from 2 to 4
            [-1, 3, 3, 3],  # a quarter of 1 px
            [-1, 0, 1, 1],  # at the severity itself
            [1, 1, 1, 1],
        ]
    )
    np.testing.assert_allclose(excess_to_px(excess, px), [np.inf, 2 * np.sqrt(2), 0.25, 1, 0])


@pytest.mark.parametrize("share", [-0.1, 1, NAN])
def test_other_shares_are_refused(share):
    with pytest.raises(UsageError, match="expected a share of the margin from 0 to below 1, got"):
        curve_and_row(HAND, share=share)


def test_two_values_of_a_clip_are_refused():
    per_clip = clip_table(HAND)
    twice = pd.concat([per_clip, per_clip.iloc[[2]]])
    with pytest.raises(ScoreError, match="expected one value of a clip in a cell, found two in clean-0-0"):
        cells_to_curves(clips_to_cells(per_clip), twice, PX, {"m": SSIM})


def test_kinds_and_metrics_stand_by_themselves_and_in_order():
    one, other = clip_table(HAND, "m", "lag"), clip_table(HAND, "n", "jitter")
    per_clip = pd.concat([one, other])
    metrics = {"n": SSIM, "m": SSIM}
    curves = cells_to_curves(clips_to_cells(per_clip), per_clip, PX, metrics)
    assert list(dict.fromkeys(zip(curves["kind"], curves["metric"], strict=True))) == [
        ("jitter", "n"), ("jitter", "m"), ("lag", "n"), ("lag", "m"),
    ]  # fmt: skip
    summary = curves_to_summary(curves, per_clip, PX, metrics)
    text = (
        "relative_auc: fewer than two severities, or values that are not above 0; "
        "auc, breaking, lost: no noisy values; obedience: no control on clean or on noisy poses"
    )
    assert summary["reason"].tolist()[1:3] == [text] * 2
    _, alone = curve_and_row(HAND)
    assert summary.iloc[0]["breaking_px"] == alone["breaking_px"]
    assert summary.iloc[3]["breaking_severity"] == 2
